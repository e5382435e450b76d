"""Core ML sessions off a Mac: names, layout and range of the graph's edge, precision, refusals."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from converters.errors import BadInputError, UnsupportedError
from converters.model.signature import ColourOrder, Role, Signature, TensorInfo
from converters.runtimes.base import TensorSpec
from converters.runtimes.coreml import CORE_ML_LABEL, REFERENCE_LABEL, CoreMLSession
from converters.runtimes.mil.coremltools_import import import_coremltools
from converters.targets.metadata import METADATA_KEY, ArtifactMetadata, EdgeBinding
from tests.runtimes.mil.mil_packages import build, convert, decibels, relative_error, saved
from tests.runtimes.mil.test_networks import make, samples

PROJECT = Path(__file__).resolve().parents[2]
MEAN, STD = (0.4, 0.45, 0.5), (0.2, 0.25, 0.3)

PICTURE = TensorInfo(
    "input.1", (1, 3, 12, 10), "float32", Role.IMAGE, "NCHW", ColourOrder.RGB, (-2.5, 3.0), mean=MEAN, std=STD
)
RESULT = TensorInfo("out:0", (1, 4, 12, 10), "float32", Role.FEATURES, "NCHW")


def described(inputs: tuple[TensorInfo, ...], outputs: tuple[TensorInfo, ...], /, **changes: Any) -> ArtifactMetadata:
    """Return metadata of a file whose edges are called x0, y0, … and laid out as in the graph."""

    def bind(tensors: tuple[TensorInfo, ...], letter: str) -> tuple[EdgeBinding, ...]:
        return tuple(
            EdgeBinding(item.name, f"{letter}{index}", item.static_shape, tuple(range(len(item.shape))), "float32")
            for index, item in enumerate(tensors)
        )

    metadata = ArtifactMetadata(
        target="coreml",
        engine="coremltools",
        precision="fp32",
        family="",
        licence="",
        source_name="net.onnx",
        source_sha256="0" * 64,
        signature=Signature(inputs, outputs),
        inputs=bind(inputs, "x"),
        outputs=bind(outputs, "y"),
    )
    return replace(metadata, **changes)


@pytest.fixture(scope="module")
def net() -> torch.nn.Module:
    torch.manual_seed(4)
    return torch.nn.Conv2d(3, 4, 3, padding=1).eval()


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return np.random.default_rng(1).normal(0, 1, (1, 3, 12, 10)).astype(np.float32)


def expected(net: torch.nn.Module, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return net(torch.from_numpy(x)).numpy()


def with_metadata(model: Any, metadata: ArtifactMetadata, path: Path) -> Path:
    model.user_defined_metadata[METADATA_KEY] = metadata.to_text()
    return saved(model, path)


@pytest.mark.skipif(platform.system() == "Darwin", reason="Core ML runs the package itself here")
def test_off_a_mac_the_reference_executor_runs_it(tmp_path: Path) -> None:
    swapper = make("swapper")
    inputs = samples(swapper)
    path = saved(convert(swapper, inputs, precision="fp32"), tmp_path / "swapper.mlpackage")
    with torch.no_grad():
        wanted = swapper(*inputs).numpy()
    with CoreMLSession(path) as session:
        assert session.runtime == "coreml"
        assert session.is_reference
        assert session.label == REFERENCE_LABEL != CORE_ML_LABEL
        assert session.metadata is None
        assert session.inputs[0] == TensorSpec("x0", (1, 3, 32, 32), "float32")
        result = session.run({f"x{index}": value.numpy() for index, value in enumerate(inputs)})["y0"]
        assert session.program.intermediate_names
    assert relative_error(result, wanted) < 1e-5
    assert relative_error(result[:, ::-1], wanted) > 1e-3  # the twin: exchanged channels must not pass
    with pytest.raises(RuntimeError, match="is not open"):
        _ = session.program
    with pytest.raises(RuntimeError, match="is closed"):
        session.run({})


def test_threads_are_set_while_running_only(net: torch.nn.Module, x: np.ndarray, tmp_path: Path) -> None:
    path = saved(convert(net, [torch.from_numpy(x)]), tmp_path / "net.mlpackage")
    before = torch.get_num_threads()
    seen: list[int] = []
    other = before + 1
    with CoreMLSession(path, threads=other, reference=True) as session:
        plain = session.program.run

        def run(*arguments: Any) -> Any:
            seen.append(torch.get_num_threads())
            return plain(*arguments)

        session.program.run = run  # type: ignore[method-assign]
        session.run({"x0": x})
    assert seen == [other]
    assert torch.get_num_threads() == before


def test_compute_precision_is_chosen(tmp_path: Path) -> None:
    swapper = make("swapper")
    inputs = samples(swapper)
    feeds = {f"x{index}": value.numpy() for index, value in enumerate(inputs)}
    path = saved(convert(swapper, inputs, precision="fp16"), tmp_path / "swapper.mlpackage")
    with torch.no_grad():
        wanted = swapper(*inputs).numpy()
    results = {}
    for precision in ("fp32", "fp16"):
        with CoreMLSession(path, compute_precision=precision, reference=True) as session:
            assert session.outputs[0].dtype == {"fp32": "float32", "fp16": "float16"}[precision]
            results[precision] = session.run(feeds)["y0"]
            assert results[precision].dtype == session.outputs[0].dtype
    assert decibels(results["fp16"], wanted) > 40
    assert decibels(results["fp32"], wanted) > decibels(results["fp16"], wanted)


def test_names_and_types_come_from_the_metadata(net: torch.nn.Module, x: np.ndarray, tmp_path: Path) -> None:
    model = convert(net, [torch.from_numpy(x)])
    path = with_metadata(model, described((PICTURE,), (RESULT,)), tmp_path / "net.mlpackage")
    with CoreMLSession(path, reference=True) as session:
        assert session.metadata is not None
        assert session.inputs == (TensorSpec("input.1", (1, 3, 12, 10), "float32"),)
        assert [spec.name for spec in session.outputs] == ["out:0"]
        assert decibels(session.run({"input.1": x})["out:0"], expected(net, x)) > 40
        with pytest.raises(BadInputError, match="no input x0"):
            session.run({"x0": x})


def test_another_layout_in_the_file_is_turned_round(net: torch.nn.Module, x: np.ndarray, tmp_path: Path) -> None:
    class ChannelsLast(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.net(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)

    model = convert(ChannelsLast(), [torch.zeros(1, 12, 10, 3)], precision="fp32")
    turned = (0, 2, 3, 1)
    metadata = described(
        (PICTURE,),
        (RESULT,),
        inputs=(EdgeBinding("input.1", "x0", (1, 3, 12, 10), turned, "float32"),),
        outputs=(EdgeBinding("out:0", "y0", (1, 4, 12, 10), turned, "float32"),),
    )
    with CoreMLSession(with_metadata(model, metadata, tmp_path / "net.mlpackage"), reference=True) as session:
        assert session.inputs[0].shape == (1, 3, 12, 10)
        result = session.run({"input.1": x})["out:0"]
    assert relative_error(result, expected(net, x)) < 1e-5


@pytest.mark.parametrize("layout", ["RGB", "BGR"])
def test_an_image_input_appears_in_the_graphs_range(
    layout: str, net: torch.nn.Module, x: np.ndarray, tmp_path: Path
) -> None:
    """The file takes 0..255 pixels in its own colour order; the session takes what the graph takes."""
    ct = import_coremltools()

    class FromPixels(torch.nn.Module):
        """Pixels in the file's colour order to the graph's normalised RGB, then the network."""

        def __init__(self) -> None:
            super().__init__()
            self.net = net
            self.register_buffer("mean", torch.tensor(MEAN).reshape(1, 3, 1, 1))
            self.register_buffer("std", torch.tensor(STD).reshape(1, 3, 1, 1))

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            if layout == "BGR":
                pixels = pixels.flip(1)
            return self.net((pixels / 255 - self.mean) / self.std)

    image = ct.ImageType("x0", shape=(1, 3, 12, 10), color_layout=layout)
    model = convert(FromPixels(), [torch.zeros(1, 3, 12, 10)], inputs=[image], precision="fp32")
    path = with_metadata(model, described((PICTURE,), (RESULT,)), tmp_path / "net.mlpackage")
    with CoreMLSession(path, reference=True) as session:
        result = session.run({"input.1": x})["out:0"]
    assert relative_error(result, expected(net, x)) < 1e-5
    assert relative_error(result, expected(net, x[:, ::-1].copy())) > 1e-2  # the twin: colours exchanged


def test_an_image_output_appears_in_the_graphs_range(x: np.ndarray, tmp_path: Path) -> None:
    ct = import_coremltools()

    class ToPixels(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x * 0.5 + 0.5) * 255

    model = convert(
        ToPixels(), [torch.from_numpy(x)], outputs=[ct.ImageType("y0", color_layout="RGB")], precision="fp32"
    )
    result = TensorInfo("out:0", (1, 3, 12, 10), "float32", Role.IMAGE, "NCHW", ColourOrder.RGB, (-1.0, 1.0))
    path = with_metadata(model, described((replace(PICTURE),), (result,)), tmp_path / "net.mlpackage")
    with CoreMLSession(path, reference=True) as session:
        assert relative_error(session.run({"input.1": x})["out:0"], x) < 1e-5


def test_a_foreign_image_input_takes_pixels(net: torch.nn.Module, tmp_path: Path) -> None:
    ct = import_coremltools()
    image = ct.ImageType("x0", shape=(1, 3, 12, 10), scale=1 / 127.5, bias=[-1, -1, -1])
    model = convert(net, [torch.zeros(1, 3, 12, 10)], inputs=[image], precision="fp32")
    pixels = np.random.default_rng(0).integers(0, 256, (1, 3, 12, 10)).astype(np.float32)
    with CoreMLSession(saved(model, tmp_path / "net.mlpackage"), reference=True) as session:
        result = session.run({"x0": pixels})["y0"]
    assert relative_error(result, expected(net, pixels / 127.5 - 1)) < 1e-5


@pytest.mark.parametrize(
    "change",
    [
        lambda m: replace(m, inputs=(replace(m.inputs[0], file_name="other"),)),
        lambda m: replace(m, inputs=()),
        lambda m: replace(m, inputs=(replace(m.inputs[0], permutation=(0, 1, 2, 2)),)),
        lambda m: replace(m, inputs=(replace(m.inputs[0], permutation=(0, 1, 2)),)),
        lambda m: replace(m, inputs=(replace(m.inputs[0], shape=(1, 3, 12, 11)),)),
        lambda m: replace(m, inputs=(replace(m.inputs[0], shape=("a", 3, 12, 10)),)),
        lambda m: replace(m, outputs=(*m.outputs, m.outputs[0])),
        lambda m: replace(m, signature=Signature((replace(PICTURE, dtype="nonsense"),), (RESULT,))),
    ],
)
def test_metadata_that_does_not_fit_is_refused(
    change: Callable[[ArtifactMetadata], ArtifactMetadata], net: torch.nn.Module, x: np.ndarray, tmp_path: Path
) -> None:
    model = convert(net, [torch.from_numpy(x)])
    path = with_metadata(model, change(described((PICTURE,), (RESULT,))), tmp_path / "net.mlpackage")
    with pytest.raises(BadInputError, match="says about its inputs and outputs"):
        CoreMLSession(path, reference=True)


@pytest.mark.parametrize(
    "info", [{"std": (0.0, 1.0, 1.0)}, {"mean": (0.1, 0.2)}, {"mean": (), "value_range": (1.0, 1.0)}]
)
def test_an_impossible_normalisation_is_refused(info: dict[str, Any], net: torch.nn.Module, tmp_path: Path) -> None:
    ct = import_coremltools()
    image = ct.ImageType("x0", shape=(1, 3, 12, 10))
    model = convert(net, [torch.zeros(1, 3, 12, 10)], inputs=[image])
    metadata = described((replace(PICTURE, **info),), (RESULT,))
    with pytest.raises(BadInputError, match="says about its inputs and outputs"):
        CoreMLSession(with_metadata(model, metadata, tmp_path / "net.mlpackage"), reference=True)


def test_unknown_operators_are_named_when_opening(tmp_path: Path) -> None:
    from coremltools.converters.mil.mil import Builder as mb  # noqa: N813
    from coremltools.converters.mil.mil import types

    model = build(
        lambda x: mb.add(x=x, y=mb.random_normal(shape=[2, 3], name="noise")), {"x": ((2, 3), types.fp32)}, "iOS16"
    )
    with pytest.raises(UnsupportedError, match=r"random_normal \(noise\)"):
        CoreMLSession(saved(model, tmp_path / "random.mlpackage"), reference=True)


@pytest.mark.parametrize("name", ["missing.mlpackage", "empty.mlpackage"])
def test_a_broken_package_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty.mlpackage").mkdir()
    with pytest.raises(BadInputError):
        CoreMLSession(tmp_path / name)


def test_the_module_imports_nothing_heavy() -> None:
    code = (
        "import sys, converters.runtimes.coreml; "
        "print([name for name in ('torch', 'coremltools', 'google.protobuf') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=True)
    assert done.stdout.strip() == "[]"
