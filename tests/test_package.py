"""A package: what it holds is what was verified, what it says of feeding is true, and it tells nobody's paths."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.builtin import DEMO_CROPS, DEMO_SWAPPER
from converters.conversion import Conversion
from converters.errors import BadInputError, CancelledError, DestinationError, UnsafeInputError, UsageError
from converters.face.emap import read_emap, source_latent
from converters.face.swap.conventions import convention_of
from converters.face.tensors import ImageInput
from converters.fingerprints import sha256_of
from converters.model.families import FamilyTensor, families, family
from converters.model.signature import Role, Signature, TensorInfo
from converters.package import PackageRequest, write_package
from converters.package.code_kotlin import kotlin
from converters.package.code_mnn import cpp, jni
from converters.package.code_swift import swift
from converters.package.feeding import feeding_of
from converters.package.harmless import Harmless, harmless_recipe, last_name
from converters.package.licence import licence_note
from converters.package.readme import ReadmeFile, readme
from converters.package.source_input import source_input
from converters.pictures import read_picture
from converters.progress import Progress, ProgressMessage
from converters.recipe import Recipe
from converters.runtimes.onnx import OnnxSession
from converters.targets.metadata import ArtifactMetadata, EdgeBinding
from tests.packaged import converted, request_for, with_calibration


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Conversion:
    """Convert the demo model to the two formats that take seconds."""
    return converted("demo", tmp_path_factory.mktemp("somebodys files") / "made", "mnn", "onnx")


@pytest.fixture
def request_(made: Conversion, tmp_path: Path) -> PackageRequest:
    return request_for(made, tmp_path / "package")


@pytest.fixture(scope="module")
def package(made: Conversion, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a package with everything but a comparison; only to be looked at."""
    folder = tmp_path_factory.mktemp("exports") / "package"
    place = str(made.artifacts[0].path.parent / "calibration faces")  # type: ignore[union-attr]
    write_package(with_calibration(request_for(made, folder), place))
    return folder


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# --- what it holds -----------------------------------------------------------------------------------------------


def test_it_holds_the_verified_files_and_what_is_said_of_them(package: Path, made: Conversion) -> None:
    contents = json.loads((package / "contents.json").read_text())
    assert {file["name"] for file in contents["files"]} | {"contents.json"} == names_in(package)
    assert names_in(package) == {
        *("demo-fp32.mnn", "demo-fp32.onnx", "demo-emap.npy", "recipe.json", "report.json", "report.html"),
        *("README.md", "LICENCE-NOTE.txt", "contents.json"),
    }
    for file in contents["files"]:
        assert file["sha256"] == sha256_of(package / file["name"]), file["name"]
    for artifact in made.artifacts:
        assert artifact.path is not None
        assert sha256_of(package / artifact.path.name) == artifact.sha256
    report = json.loads((package / "report.json").read_text())
    assert [file["verification"]["passed"] for file in report["files"]] == [True, True]
    page = (package / "report.html").read_text()
    assert made.artifacts[0].sha256 in page
    assert "Apache-2.0" in page
    assert "src=" not in page
    assert "href=" not in page
    recipe = Recipe.read(package / "recipe.json")
    assert recipe.source == "demo"
    assert recipe.targets == made.recipe.targets


def test_the_same_request_gives_the_same_bytes(package: Path, made: Conversion, tmp_path: Path) -> None:
    place = str(made.artifacts[0].path.parent / "calibration faces")  # type: ignore[union-attr]
    write_package(with_calibration(request_for(made, tmp_path / "again"), place))
    for name in names_in(package):
        assert sha256_of(package / name) == sha256_of(tmp_path / "again" / name), name


def test_nothing_in_it_tells_where_somebody_keeps_their_files(package: Path, made: Conversion) -> None:
    folder = made.artifacts[0].path.parent  # type: ignore[union-attr]
    private = [str(folder), str(folder.parent), folder.parent.name, str(Path.home()), str(Path.cwd()), "/tmp/"]
    for file in package.rglob("*"):
        text = file.read_bytes()
        for path in private:
            assert path.encode() not in text, f"{path} in {file.name}"
    step = Recipe.read(package / "recipe.json").steps[0]
    assert step.options == {"calibration": "calibration faces", "layers": "/decoder/conv*=w8"}


# --- what it says is true ----------------------------------------------------------------------------------------


def values_of(fed: dict[str, Any], pixels: np.ndarray) -> np.ndarray:
    """Return what a file takes for a picture (height x width x 3, RGB, 0..255), by what contents.json says alone."""
    ordered = pixels[..., ::-1] if fed["colour"] == "BGR" else pixels
    values = ordered.astype(np.float32) * np.float32(fed["scale"]) + np.float32(fed["bias"])
    axes = {"H": 0, "W": 1, "C": 2}
    arranged: np.ndarray = values.transpose([axes[letter] for letter in fed["layout"] if letter != "N"])[None]
    if fed["codes"]:
        limits = np.iinfo(fed["dtype"])
        arranged = np.clip(
            np.rint(arranged / fed["codes"]["scale"]) + fed["codes"]["zero_point"], limits.min, limits.max
        )
    return np.ascontiguousarray(arranged.astype(fed["dtype"]))


def pixels_of(fed: dict[str, Any], values: np.ndarray) -> np.ndarray:
    """Return the picture that a file gave, likewise."""
    places = [fed["layout"].index(letter) for letter in "HWC"]
    picture = values.transpose([fed["layout"].index("N"), *places])[0]
    pixels = (picture - np.float32(fed["bias"])) / np.float32(fed["scale"])
    return np.clip(np.rint(pixels), 0, 255)[..., :: -1 if fed["colour"] == "BGR" else 1]


def source_of(package: Path, contents: dict[str, Any], embedding: np.ndarray) -> np.ndarray:
    """Return the source as the README says: unit embedding times the matrix, read from the offset it names."""
    emap = contents["source_input"]["emap"]
    data = (package / emap["file"]).read_bytes()[emap["offset"] :]
    matrix = np.frombuffer(data, "<f4").reshape(emap["rows"], emap["columns"])
    return ((embedding / np.linalg.norm(embedding)) @ matrix)[None].astype(np.float32)


def original_picture(pixels: np.ndarray, embedding: np.ndarray) -> np.ndarray:
    """Return what the original draws, fed by the program's own face pipeline."""
    with OnnxSession(DEMO_SWAPPER) as session:
        target = ImageInput(family_tensor("demo_swapper", "target", (1, 3, 128, 128)), "demo")
        feeds = {
            "target": target.filled((pixels / 255).astype(np.float32)),
            "source": source_latent(embedding, read_emap(DEMO_SWAPPER))[None],
        }
        drawn = session.run(feeds, ["output"])["output"]
    return np.clip(np.rint(drawn[0].transpose(1, 2, 0) * 255), 0, 255)


def family_tensor(name: str, tensor: str, shape: tuple[int, ...]) -> TensorInfo:
    known = next(each for each in families()[name].inputs if each.name == tensor)
    return info_of(known, tensor, shape)


def run_mnn(path: Path, feeding: dict[str, Any], feeds: dict[str, np.ndarray]) -> np.ndarray:
    """Run a file with MNN alone, as the README's C++ does, bound by the names it gives."""
    import MNN

    interpreter = MNN.Interpreter(str(path))
    session = interpreter.createSession({"backend": "CPU", "precision": "high", "numThread": 1})
    for fed in feeding["inputs"]:
        tensor = interpreter.getSessionInput(session, fed["name"])
        values = feeds[fed["graph_name"]]
        host = MNN.Tensor(values.shape, MNN.Halide_Type_Float, values, MNN.Tensor_DimensionType_Caffe)
        tensor.copyFrom(host)
    interpreter.runSession(session)
    fed = feeding["outputs"][0]
    shape = tuple(fed["shape"])
    tensor = interpreter.getSessionOutput(session, fed["name"])
    host = MNN.Tensor(shape, MNN.Halide_Type_Float, np.zeros(shape, np.float32), MNN.Tensor_DimensionType_Caffe)
    tensor.copyToHostTensor(host)
    result = np.array(host.getNumpyData()).reshape(shape)
    del tensor, host
    return result


def test_fed_as_it_says_the_file_draws_what_the_original_draws(package: Path) -> None:
    contents = json.loads((package / "contents.json").read_text())
    feeding = next(each for each in contents["feeding"] if each["target"] == "mnn")
    pixels = read_picture(sorted(DEMO_CROPS.iterdir())[3]).astype(np.float32)
    embedding = np.random.default_rng(3).standard_normal(512).astype(np.float32)
    feeds = {"source": source_of(package, contents, embedding)}
    target = next(fed for fed in feeding["inputs"] if fed["is_picture"])
    feeds[target["graph_name"]] = values_of(target, pixels)
    drawn = pixels_of(feeding["outputs"][0], run_mnn(package / feeding["file"], feeding, feeds))
    wanted = original_picture(pixels, embedding)
    assert np.abs(drawn - wanted).max() <= 1
    # twins: what it says matters
    raw = run_mnn(package / feeding["file"], feeding, {**feeds, "source": embedding[None]})
    assert np.abs(pixels_of(feeding["outputs"][0], raw) - wanted).mean() > 1
    swapped = {**target, "colour": "BGR"}
    other = run_mnn(package / feeding["file"], feeding, {**feeds, target["graph_name"]: values_of(swapped, pixels)})
    assert np.abs(pixels_of(feeding["outputs"][0], other) - wanted).mean() > 1


# --- every family, every layout ----------------------------------------------------------------------------------


def info_of(known: FamilyTensor, name: str, shape: tuple[int, ...]) -> TensorInfo:
    return TensorInfo(
        name,
        shape,
        known.dtype or "float32",
        known.role,
        known.layout if len(known.layout) == len(shape) else "",
        known.colour,
        known.value_range,
        known.mean,
        known.std,
    )


def metadata_of(identifier: str, target: str, permuted: bool = False) -> ArtifactMetadata:
    """Return the metadata of a file of a family, with stand-ins for sizes that vary."""
    known = families()[identifier]

    def side(tensors: tuple[FamilyTensor, ...], prefix: str) -> tuple[TensorInfo, ...]:
        return tuple(
            info_of(
                tensor,
                tensor.name or f"{prefix}{place}",
                tuple(
                    size if isinstance(size, int) else 64 if axis else 1
                    for axis, size in enumerate(tensor.shape or (1, tensor.elements or 64))
                ),
            )
            for place, tensor in enumerate(tensors)
        )

    def bound(tensors: tuple[TensorInfo, ...]) -> tuple[EdgeBinding, ...]:
        edges = []
        for tensor in tensors:
            order = (0, 2, 3, 1) if permuted and tensor.layout == "NCHW" else tuple(range(len(tensor.shape)))
            edges.append(EdgeBinding(tensor.name, tensor.name, tensor.static_shape, order, tensor.dtype))
        return tuple(edges)

    signature = Signature(side(known.inputs, "input:"), side(known.outputs, "output:"))
    return ArtifactMetadata(
        *(target, "engine 1.0", "fp32", identifier, known.licence, f"{identifier}.onnx", "0" * 64),
        signature=signature,
        inputs=bound(signature.inputs),
        outputs=bound(signature.outputs),
    )


@pytest.mark.parametrize("identifier", sorted(families()))
def test_every_family_can_be_described(identifier: str) -> None:
    files = [
        feeding_of(f"{identifier}.{target}", target, metadata_of(identifier, target, permuted=target == "tflite"))
        for target in ("coreml", "tflite", "mnn")
    ]
    source = source_input(files[0], None)
    text = readme([ReadmeFile(feeding, 1, verified=True) for feeding in files], source, [], {})
    for fed in files[0].inputs:
        assert f"`{fed.name}`" in text
    if families()[identifier].kind == "swapper":
        assert source is not None
        assert "## Whose face appears" in text
    note = licence_note(family(identifier), "model.onnx", "0" * 64)
    assert ("NOT ALLOWED" in note) == (families()[identifier].commercial is False)


@pytest.mark.parametrize("permuted", [False, True], ids=["NCHW", "NHWC"])
@pytest.mark.parametrize("codes", [False, True], ids=["float", "codes"])
@pytest.mark.parametrize("identifier", ["inswapper_128", "simswap_256", "retinaface", "arcface", "yunet"])
def test_pixels_become_what_the_pipeline_feeds(identifier: str, permuted: bool, codes: bool) -> None:
    metadata = metadata_of(identifier, "tflite", permuted)
    place = next(index for index, tensor in enumerate(metadata.signature.inputs) if tensor.role is Role.IMAGE)
    edge = metadata.inputs[place]
    if codes:
        edge = replace(edge, dtype="int8", scale=0.02, zero_point=-3)
    inputs = (*metadata.inputs[:place], edge, *metadata.inputs[place + 1 :])
    fed = feeding_of("file.tflite", "tflite", replace(metadata, inputs=inputs)).to_json()["inputs"][place]
    image = ImageInput(metadata.signature.inputs[place], identifier)
    pixels = np.random.default_rng(0).integers(0, 256, (image.height, image.width, 3)).astype(np.float32)
    wanted = edge.to_file(image.filled(pixels / np.float32(255)))
    assert values_of(fed, pixels).shape == wanted.shape
    assert np.allclose(values_of(fed, pixels), wanted, atol=1 if codes else 2e-5)
    assert not np.allclose(values_of(fed, pixels[::-1]), wanted, atol=1 if codes else 2e-5)


def test_code_binds_by_name_and_says_the_same_numbers() -> None:
    feedings = {
        target: feeding_of(f"simswap.{target}", target, metadata_of("simswap_256", target, target == "tflite"))
        for target in ("coreml", "tflite", "mnn")
    }
    texts = {
        "coreml": swift(feedings["coreml"], None),
        "tflite": kotlin(feedings["tflite"], None),
        "mnn": cpp(feedings["mnn"], None) + "".join(jni(feedings["mnn"])),
    }
    for target, text in texts.items():
        for fed in feedings[target].inputs:
            assert f'"{fed.name}"' in text
        assert text.count("{") == text.count("}")
        assert text.count("(") == text.count(")")
        assert "0.0171247538" in text  # 1 / (255 * 0.229)
        assert "-2.11790393" in text  # -0.485 / 0.229
    assert "channels last" in texts["tflite"]
    picture = feeding_of("simswap.coreml", "coreml", metadata_of("simswap_256", "coreml"), ["target"])
    assert "target: CVPixelBuffer" in swift(picture, None)
    assert "MLFeatureValue(pixelBuffer: target)" in swift(picture, None)


# --- what is refused ---------------------------------------------------------------------------------------------


def tampered(request: PackageRequest, folder: Path) -> PackageRequest:
    """Return the request with its first file copied and changed by one byte."""
    file = request.files[0]
    copied = folder / file.path.name
    data = bytearray(file.path.read_bytes())
    data[-100] ^= 1
    copied.write_bytes(data)
    return replace(request, files=(replace(file, path=copied), *request.files[1:]))


def test_a_file_that_was_changed_is_refused(request_: PackageRequest, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"demo-fp32\.mnn is not the file that was verified"):
        write_package(tampered(request_, tmp_path))
    assert not request_.destination.exists()
    assert not list(tmp_path.glob(".ffstudio-*"))


def test_unverified_files_go_only_when_chosen_and_marked(request_: PackageRequest) -> None:
    file = replace(request_.files[1], verified=False)
    request = replace(request_, files=(file,), with_report=False, with_recipe=False)
    with pytest.raises(UsageError, match="did not pass verification"):
        write_package(request)
    result = write_package(replace(request, allow_unverified=True))
    assert (request.destination / "demo-fp32.onnx.unverified").is_file()
    assert "did not pass" in result["notes"][0]
    assert "**NO: it did not pass" in (request.destination / "README.md").read_text()
    assert not (request.destination / "report.html").exists()


def test_an_existing_folder_is_never_replaced_but_an_earlier_export(request_: PackageRequest) -> None:
    request = replace(request_, files=request_.files[:1], with_report=False)
    request.destination.mkdir()
    write_package(request)  # an empty folder is fine
    with pytest.raises(DestinationError, match="holds an earlier export"):
        write_package(request)
    write_package(replace(request, force=True, with_recipe=False))
    assert not (request.destination / "recipe.json").exists()
    (request.destination / "thesis.txt").write_text("mine")
    with pytest.raises(DestinationError, match=r"thesis\.txt"):
        write_package(replace(request, force=True))
    assert (request.destination / "thesis.txt").read_text() == "mine"
    plain = replace(request, destination=request.destination.parent / "file", force=True)
    plain.destination.write_text("mine")
    with pytest.raises(DestinationError, match="holds what no export wrote"):
        write_package(plain)


def test_what_cannot_be_written_or_read_is_said(
    request_: PackageRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="No file was chosen"):
        write_package(replace(request_, files=()))
    gone = replace(request_.files[0], path=tmp_path / "gone.mnn")
    with pytest.raises(BadInputError, match="is gone"):
        write_package(replace(request_, files=(gone,)))
    linked = tmp_path / "linked.mnn"
    linked.symlink_to(request_.files[0].path)
    with pytest.raises(UnsafeInputError, match="symbolic link"):
        write_package(replace(request_, files=(replace(request_.files[0], path=linked),)))
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(10, 9, 1))  # type: ignore[attr-defined]
    with pytest.raises(DestinationError, match="1 B free"):
        write_package(request_)
    assert sorted(names_in(tmp_path)) == ["linked.mnn"]


@pytest.mark.parametrize("stage", ["Copying", "Writing the texts"])
def test_cancelled_it_leaves_nothing(request_: PackageRequest, stage: str, tmp_path: Path) -> None:
    seen: list[str] = []

    def note(message: ProgressMessage) -> None:
        seen.append(message.stage)

    with pytest.raises(CancelledError):
        write_package(request_, Progress(note, lambda: stage in seen))
    assert not names_in(tmp_path)


# --- paths -------------------------------------------------------------------------------------------------------


def test_paths_become_last_names_and_layers_keep_theirs(tmp_path: Path) -> None:
    folder = tmp_path / "my pictures of Ann"
    folder.mkdir()
    harmless = Harmless([str(folder), str(tmp_path / "model.onnx")])
    assert harmless.text(f"24 pictures of {folder}, and {folder}/a b.png") == (
        "24 pictures of my pictures of Ann, and a b.png"
    )
    assert harmless.text("layers /decoder/up.0/Conv and /encoder/Conv_1") == (
        "layers /decoder/up.0/Conv and /encoder/Conv_1"
    )
    assert harmless.text(r"from C:\Users\Ann\swapper.onnx") == "from swapper.onnx"
    assert harmless.text(f"'{Path(__file__)}'") == "'test_package.py'"
    assert harmless.data({str(folder): [str(folder), 1, None]}) == {folder.name: [folder.name, 1, None]}
    assert last_name("/home/ann/factory.py:make") == "factory.py:make"
    recipe = Recipe.from_json(
        {
            "version": 1,
            "source": {"path": "/home/ann/model.onnx"},
            "steps": [{"step": "quantize", "options": {"calibration": "/home/ann/faces\n/data/more"}}],
            "verification": {"images": "/home/ann/check"},
        }
    )
    plain = harmless_recipe(recipe)
    assert (plain.source, plain.verification.images) == ("model.onnx", "check")
    assert plain.steps[0].options["calibration"] == "faces\nmore"


# --- with a comparison, and the formats that take longer ---------------------------------------------------------


@pytest.mark.slow
def test_all_formats_with_a_comparison(tmp_path: Path) -> None:
    made = converted("demo", tmp_path / "made", "mnn", "tflite", "coreml")
    request = replace(request_for(made, tmp_path / "package"), pictures=2)
    result = write_package(request)
    assert len(result["comparison"]["candidates"]) == 3
    folder = request.destination
    for file in folder.rglob("*"):
        if file.is_file() and file.suffix in (".html", ".json", ".md", ".txt"):
            assert str(tmp_path).encode() not in file.read_bytes(), file.name
            assert b".ffstudio-" not in file.read_bytes(), file.name
    assert "comparison.html" in (folder / "README.md").read_text()
    contents = json.loads((folder / "contents.json").read_text())
    feeding = next(each for each in contents["feeding"] if each["target"] == "tflite")
    pixels = read_picture(sorted(DEMO_CROPS.iterdir())[5]).astype(np.float32)
    embedding = np.random.default_rng(5).standard_normal(512).astype(np.float32)
    drawn = run_tflite(folder, contents, feeding, pixels, embedding)
    assert np.abs(drawn - original_picture(pixels, embedding)).max() <= 1


def run_tflite(
    folder: Path, contents: dict[str, Any], feeding: dict[str, Any], pixels: np.ndarray, embedding: np.ndarray
) -> np.ndarray:
    """Run a file with LiteRT alone, by its signature, as the README's Kotlin does."""
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_path=str(folder / feeding["file"])).get_signature_runner("serving_default")
    feeds = {
        fed["name"]: values_of(fed, pixels) if fed["is_picture"] else source_of(folder, contents, embedding)
        for fed in feeding["inputs"]
    }
    fed = feeding["outputs"][0]
    return pixels_of(fed, runner(**feeds)[fed["name"]])


def test_a_swappers_inputs_are_those_of_its_family() -> None:
    feeding = feeding_of("hyperswap.mnn", "mnn", metadata_of("hyperswap_1a_256", "mnn"))
    source = source_input(feeding, None)
    assert source is not None
    assert (source.rule, source.width) == ("unit", 512)
    blend = source_input(feeding_of("b.mnn", "mnn", metadata_of("blendswap_256", "mnn")), None)
    assert blend is not None
    assert (blend.rule, blend.template, blend.side) == ("picture", "arcface_112_v2", 112)
    assert convention_of(metadata_of("blendswap_256", "mnn").signature, "blendswap_256", "b").source_template == (
        blend.template
    )
    inswapper = feeding_of("i.mnn", "mnn", metadata_of("inswapper_128", "mnn"))
    lacking = source_input(inswapper, None)
    assert lacking is not None
    text = readme([ReadmeFile(inswapper, 1, verified=True)], lacking, [], {})
    assert "It is not in this package" in text
