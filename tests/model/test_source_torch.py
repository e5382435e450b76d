"""PyTorch files of every form, against torch itself and against the authors' own ONNX files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from converters.errors import BadInputError, SizesNeededError, StudioError, UnsupportedError, UsageError
from converters.model.architectures import recognise
from converters.model.architectures.inswapper import Swapper, SwapperConfig
from converters.model.checkpoint import read_checkpoint
from converters.model.source import SourceKind, load, sniff
from converters.progress import Progress
from tests.graphs import randomise
from tests.model.small_sources import run_onnx, small_network

TINY = SwapperConfig((2, 4, 4, 8), (4, 4, 2), blocks=1, embedding=16)
SHAPES = {"target": (1, 3, 16, 16)}


def refusal(path: Path | str, kind: type[StudioError], **options: object) -> str:
    with pytest.raises(kind) as caught:
        load(path, **options)  # type: ignore[arg-type]
    assert type(caught.value) is kind
    return str(caught.value)


@pytest.fixture(scope="module")
def swapper() -> nn.Module:
    network = Swapper(TINY).eval()
    randomise(network, 3)
    return network


@pytest.fixture(scope="module")
def pictures(swapper: nn.Module) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    generator = torch.Generator().manual_seed(5)
    target, source = torch.rand(1, 3, 16, 16, generator=generator), torch.randn(1, 16, generator=generator)
    with torch.no_grad():
        return target, source, swapper(target, source).numpy()


WRAPPINGS = {
    "bare": lambda state: state,
    "state_dict": lambda state: {"state_dict": state, "epoch": 7, "optimizer": {"state": {}}},
    "model": lambda state: {"model": state},
    "model_state_dict": lambda state: {"model_state_dict": state},
    "params": lambda state: {"params": state},
    "generator": lambda state: {"generator": state, "discriminator": {"w": torch.zeros(3)}},
    "module.": lambda state: {"state_dict": {f"module.{key}": value for key, value in state.items()}},
    "netG. beside netD.": lambda state: {
        **{f"netG.{key}": value for key, value in state.items()},
        "netD.weight": torch.zeros(4),
    },
    "model.generator.": lambda state: {f"model.generator.{key}": value for key, value in state.items()},
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_wrappings(tmp_path: Path, swapper: nn.Module, wrapping: str) -> None:
    path = tmp_path / "m.ckpt"
    torch.save(WRAPPINGS[wrapping](swapper.state_dict()), path)
    found = [candidate for candidate in read_checkpoint(path, Progress()) if recognise(candidate.sizes)]
    assert len(found) == 1
    assert all(torch.equal(value, swapper.state_dict()[key]) for key, value in found[0].state.items())
    assert (found[0].wrapping == "") == (wrapping == "bare")


def test_averaged_weights_are_preferred(tmp_path: Path, swapper: nn.Module) -> None:
    averaged = {key: value * 0 + 0.5 for key, value in swapper.state_dict().items()}
    torch.save({"params": swapper.state_dict(), "params_ema": averaged}, tmp_path / "m.pth")
    model = load(tmp_path / "m.pth", shapes=SHAPES)
    tensor = next(t for t in model.proto.graph.initializer if t.name == "encoder.0.weight")
    assert np.all(np.frombuffer(tensor.raw_data, np.float32) == 0.5)


@pytest.mark.parametrize("form", ["zip", "legacy", "safetensors", "half"])
def test_every_form_computes_the_same(
    tmp_path: Path, swapper: nn.Module, pictures: tuple[torch.Tensor, torch.Tensor, np.ndarray], form: str
) -> None:
    path = tmp_path / "m.tar"
    state = swapper.state_dict()
    if form == "half":
        torch.save({key: value.half() for key, value in state.items()}, path)
    elif form == "safetensors":
        save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=form == "zip")
    model = load(path, shapes=SHAPES)
    assert sniff(path) is (SourceKind.SAFETENSORS if form == "safetensors" else SourceKind.STATE_DICT)
    target, source, wanted = pictures
    got = run_onnx(model.proto, target=target.numpy(), source=source.numpy())[0]
    limit = 2e-2 if form == "half" else 1e-5
    assert np.abs(got - wanted).max() <= limit
    assert np.abs(got[..., ::-1] - wanted).max() > limit  # the comparison can fail
    assert {"encoder.0.weight", "styles.0.style1.linear.weight", "decoder.3.bias"} <= {
        tensor.name for tensor in model.proto.graph.initializer
    }


def test_emap_stays_last(tmp_path: Path, swapper: nn.Module) -> None:
    emap = torch.randn(16, 16)
    torch.save({"emap": emap, **swapper.state_dict()}, tmp_path / "m.pth")
    last = load(tmp_path / "m.pth", shapes=SHAPES).proto.graph.initializer[-1]
    assert last.name == "emap"
    assert last.raw_data == emap.numpy().tobytes()


def test_training_leftovers_are_ignored(tmp_path: Path, swapper: nn.Module) -> None:
    from argparse import Namespace

    content = {
        "state_dict": {"module." + k: v for k, v in swapper.state_dict().items()},
        "loss": np.float64(0.5),
        "arguments": Namespace(rate=0.1),
    }
    torch.save(content, tmp_path / "m.pth")
    model = load(tmp_path / "m.pth", shapes=SHAPES)
    assert model.source.kind == "state_dict"
    assert "Recognised from its keys: inswapper generator." in model.notes
    assert "Weights found under state_dict, module.." not in model.notes
    assert "Weights found under state_dict, module." in model.notes


def test_unknown_weights_say_what_is_needed(tmp_path: Path, swapper: nn.Module) -> None:
    torch.save(small_network().state_dict(), tmp_path / "m.pth")
    sentence = refusal(tmp_path / "m.pth", UnsupportedError)
    assert "conv.weight, conv.bias, linear.weight" in sentence
    assert "file.py:function. It needs your trust" in sentence
    state = swapper.state_dict()
    del state["decoder.3.bias"]
    state["decoder.3.scale"] = torch.ones(3)
    torch.save(state, tmp_path / "near.pth")
    sentence = refusal(tmp_path / "near.pth", UnsupportedError)
    assert "Nearest is the inswapper generator" in sentence
    assert "decoder.3.bias" in sentence
    assert "decoder.3.scale" in sentence


def test_shapes_are_checked_against_the_network(tmp_path: Path, swapper: nn.Module) -> None:
    torch.save(swapper.state_dict(), tmp_path / "m.pth")
    assert "Did you mean 'target'?" in refusal(tmp_path / "m.pth", UsageError, shapes={"targte": (1, 3, 16, 16)})
    assert "does not fit" in refusal(tmp_path / "m.pth", UsageError, shapes={"target": (3, 16, 16)})
    assert "cannot be turned into ONNX" in refusal(
        tmp_path / "m.pth", UnsupportedError, shapes={"target": (1, 5, 16, 16)}
    )


def test_files_without_weights(tmp_path: Path) -> None:
    torch.save({"epoch": 3, "losses": [1.0, 2.0]}, tmp_path / "log.pth")
    assert "holds no weights" in refusal(tmp_path / "log.pth", BadInputError)


@pytest.mark.parametrize("zipped", [True, False])
def test_truncated_checkpoints(tmp_path: Path, swapper: nn.Module, zipped: bool) -> None:
    path = tmp_path / "m.pth"
    torch.save(swapper.state_dict(), path, _use_new_zipfile_serialization=zipped)
    path.write_bytes(path.read_bytes()[:-300])
    assert "damaged" in refusal(path, BadInputError)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("form", ["torchscript", "scripted", "exported_program", "factory", "factory with inputs"])
def test_trusted_forms_compute_the_same(tmp_path: Path, form: str) -> None:
    network = small_network()
    x = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    name = str(tmp_path / "m.bin")
    shapes = {"x": (1, 3, 8, 8)}
    if form == "torchscript":
        torch.jit.trace(network, x).save(name)
    elif form == "scripted":
        torch.jit.script(network).save(name)
    elif form == "exported_program":
        torch.export.save(torch.export.export(network, (x,)), name)
        shapes = {}
    else:
        torch.save(network.state_dict(), tmp_path / "weights.pth")
        (tmp_path / "neighbour.py").write_text("from tests.model.small_sources import SmallNetwork\n")
        returned = "network" if form == "factory" else "network, torch.zeros(1, 3, 8, 8)"
        (tmp_path / "make.py").write_text(
            "import torch\nfrom pathlib import Path\nfrom neighbour import SmallNetwork\n"
            "def make():\n    network = SmallNetwork()\n"
            "    network.load_state_dict(torch.load(Path(__file__).parent / 'weights.pth', weights_only=True))\n"
            f"    return {returned}\n"
        )
        name = f"{tmp_path / 'make.py'}:make"
        shapes = {"x": (1, 3, 8, 8)} if form == "factory" else {}
    model = load(name, shapes=shapes, trust=True)
    assert model.source.kind == {"scripted": "torchscript", "factory with inputs": "factory"}.get(form, form)
    assert [(t.name, t.static_shape) for t in model.signature.inputs] == [("x", (1, 3, 8, 8))]
    assert [(t.name, t.static_shape) for t in model.signature.outputs] == [("output", (1, 5))]
    assert {"conv.weight", "linear.bias"} <= {tensor.name for tensor in model.proto.graph.initializer}
    with torch.no_grad():
        wanted = network(x).numpy()
    got = run_onnx(model.proto, x=x.numpy())[0]
    assert np.abs(got - wanted).max() <= 1e-6
    assert np.abs(got + 1e-3 - wanted).max() > 1e-6
    if shapes:
        assert "Say the sizes: x=" in refusal(name, SizesNeededError, trust=True)
    assert "Did you mean 'x'?" in refusal(name, UsageError, trust=True, shapes={"xx": (1, 3, 8, 8)})


def test_factories_that_fail(tmp_path: Path) -> None:
    file = tmp_path / "make.py"
    file.write_text("def make():\n    raise KeyError('lost')\ndef number():\n    return 3\n")
    assert "KeyError: 'lost'" in refusal(f"{file}:make", BadInputError, trust=True)
    assert "returned int" in refusal(f"{file}:number", BadInputError, trust=True)
    assert "Did you mean 'make'?" in refusal(f"{file}:mak", UsageError, trust=True)
    file.write_text("def make(:\n")
    assert "SyntaxError" in refusal(f"{file}:make", BadInputError, trust=True)


def test_ultraface_checkpoint_equals_its_authors_onnx(shared: Path) -> None:
    x = np.random.default_rng(0).standard_normal((1, 3, 240, 320)).astype(np.float32)
    rebuilt = load(shared / "models" / "ultraface_version-RFB-320.pth")
    original = load(shared / "models" / "ultraface_version-RFB-320.onnx")
    assert rebuilt.family == original.family
    for got, wanted in zip(run_onnx(rebuilt.proto, input=x), run_onnx(original.proto, input=x), strict=True):
        assert np.abs(got - wanted).max() <= 2e-6
        assert np.abs(got[:, ::-1] - wanted).max() > 1e-2


def test_pfld_weights_rebuild_its_authors_onnx(shared: Path, tmp_path: Path) -> None:
    original = load(shared / "models" / "pfld.onnx")
    from onnx import numpy_helper

    state = {
        tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy())
        for tensor in original.proto.graph.initializer
        if "." in tensor.name
    }
    torch.save({"plfd_backbone": state}, tmp_path / "pfld.pth")
    rebuilt = load(tmp_path / "pfld.pth")
    x = np.random.default_rng(0).random((1, 3, 112, 112)).astype(np.float32)
    got, wanted = run_onnx(rebuilt.proto, input=x)[0], run_onnx(original.proto, input=x)[0]
    assert np.abs(got - wanted).max() <= 2e-6
    assert np.abs(got[:, ::-1] - wanted).max() > 1e-2


def test_retinaface_finds_the_faces(shared: Path) -> None:
    from PIL import Image

    model = load(shared / "models" / "retinaface_mobilenet0.25.pth", shapes={"input": (1, 3, 320, 320)})
    assert [(t.name, t.shape) for t in model.signature.outputs] == [
        ("boxes", (1, 4200, 4)),
        ("scores", (1, 4200, 2)),
        ("landmarks", (1, 4200, 10)),
    ]

    def best(picture: np.ndarray) -> float:
        bgr = picture[..., ::-1].astype(np.float32) - np.array([104, 117, 123], np.float32)
        scores = run_onnx(model.proto, input=bgr.transpose(2, 0, 1)[None].copy())[1]
        assert np.allclose(scores.sum(-1), 1, atol=1e-5)
        return float(scores[0, :, 1].max())

    faces = sorted((shared / "faces").glob("*.jpg"))[:6]
    found = [best(np.asarray(Image.open(face).convert("RGB").resize((320, 320)))) for face in faces]
    flat = best(np.full((320, 320, 3), 127, np.uint8))
    assert min(found) > 0.9, found
    assert flat < 0.5
