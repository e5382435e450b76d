"""Hostile and damaged packages: a clear error, never a crash, nothing touched outside the package."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from converters.errors import BadInputError, UnsafeInputError
from converters.runtimes.mil.coremltools_import import coreml_schema
from converters.runtimes.mil.program import MilProgram
from tests.runtimes.mil.mil_packages import convert, quiet, saved
from tests.runtimes.mil.test_compressed_weights import quantized
from tests.runtimes.mil.test_networks import make, samples

HERE = Path(__file__).resolve().parent
SPECIFICATION = Path("Data/com.apple.CoreML/model.mlmodel")
WEIGHTS = Path("Data/com.apple.CoreML/weights/weight.bin")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    net = make("swapper")
    with quiet():
        model = quantized(convert(net, samples(net)))
    return saved(model, tmp_path_factory.mktemp("original") / "net.mlpackage")


@pytest.fixture
def package(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "net.mlpackage"))


def change_manifest(package: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = package / "Manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def change_specification(package: Path, change: Callable[[Any], None]) -> None:
    path = package / SPECIFICATION
    model = coreml_schema().Model()
    model.ParseFromString(path.read_bytes())
    change(model)
    path.write_bytes(model.SerializeToString())


def operations(model: Any) -> Any:
    return model.mlProgram.functions["main"].block_specializations["CoreML6"].operations


def test_the_undamaged_package_loads(package: Path) -> None:
    assert MilProgram.load(package).unsupported_operations() == []


@pytest.mark.parametrize(
    "path", ["../../secret/model.mlmodel", "/etc/passwd", "com.apple.CoreML/../../../x", "..\\..\\x", "C:/x", "a\0b"]
)
def test_a_manifest_that_leads_outside_is_refused(package: Path, path: str) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"] = path

    secret = package.parent / "secret"
    secret.mkdir()
    shutil.copy(package / SPECIFICATION, secret / "model.mlmodel")
    change_manifest(package, change)
    with pytest.raises(BadInputError) as caught:
        MilProgram.load(package)
    assert isinstance(caught.value, UnsafeInputError) or "\0" in path


def test_any_entry_of_the_manifest_that_leads_outside_is_refused(package: Path) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["itemInfoEntries"]["extra"] = {"path": "../../../etc", "name": "weights", "author": "x"}

    change_manifest(package, change)
    with pytest.raises(UnsafeInputError, match="not inside the package"):
        MilProgram.load(package)


@pytest.mark.parametrize("part", [SPECIFICATION, WEIGHTS, WEIGHTS.parent, Path("Data")])
def test_a_link_that_leads_outside_is_refused(package: Path, part: Path) -> None:
    moved = package.parent / "moved"
    (package / part).rename(moved)
    (package / part).symlink_to(moved)
    with pytest.raises(UnsafeInputError, match="link to something outside"):
        MilProgram.load(package)


def test_a_link_that_nothing_names_is_refused_too(package: Path) -> None:
    (package / "Data" / "readme").symlink_to("/etc/hostname")
    with pytest.raises(UnsafeInputError):
        MilProgram.load(package)


def test_links_in_a_circle_are_refused(package: Path) -> None:
    (package / SPECIFICATION).unlink()
    (package / SPECIFICATION).symlink_to(package / "Data" / "b")
    (package / "Data" / "b").symlink_to(package / SPECIFICATION)
    with pytest.raises(BadInputError):
        MilProgram.load(package)


@pytest.mark.parametrize(
    "name",
    [
        "@model_path/../../../secret.bin",
        "/etc/passwd",
        "../weights/weight.bin",
        "@model_path/weights/../../../../secret.bin",
        "@model_path\\weights\\weight.bin",
        "",
    ],
)
def test_a_weight_file_outside_is_refused(package: Path, name: str) -> None:
    shutil.copy(package / WEIGHTS, package.parent / "secret.bin")

    def change(model: Any) -> None:
        for operation in operations(model):
            for value in operation.attributes.values():
                if value.WhichOneof("value") == "blobFileValue":
                    value.blobFileValue.fileName = name

    change_specification(package, change)
    with pytest.raises(UnsafeInputError, match="not inside the package"):
        MilProgram.load(package)


@pytest.mark.parametrize("part", ["Manifest.json", SPECIFICATION, WEIGHTS])
def test_a_missing_part_is_named(package: Path, part: Path | str) -> None:
    (package / part).unlink()
    with pytest.raises(BadInputError, match=rf"{Path(part).name}"):
        MilProgram.load(package)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"itemInfoEntries": 3}', b"\xff\xfe", b"[" * 100_000])
def test_a_broken_manifest_is_refused(package: Path, text: bytes) -> None:
    (package / "Manifest.json").write_bytes(text)
    with pytest.raises(BadInputError, match="anifest"):
        MilProgram.load(package)


def test_a_file_or_nothing_is_no_package(tmp_path: Path) -> None:
    (tmp_path / "file.mlpackage").write_bytes(b"x")
    for name in ("file.mlpackage", "nothing.mlpackage"):
        with pytest.raises(BadInputError, match="is no Core ML package"):
            MilProgram.load(tmp_path / name)


def test_another_kind_of_model_is_refused(package: Path) -> None:
    def change(model: Any) -> None:
        model.neuralNetwork.layers.add().name = "layer"

    change_specification(package, change)
    with pytest.raises(BadInputError, match="holds neuralNetwork, not an ML program"):
        MilProgram.load(package)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_cut_weight_file_is_noticed(package: Path, share: float) -> None:
    data = (package / WEIGHTS).read_bytes()
    (package / WEIGHTS).write_bytes(data[: int(len(data) * share)])
    with pytest.raises(BadInputError, match=r"weight\.bin"):
        MilProgram.load(package)


@pytest.mark.parametrize(
    ("place", "value"), [(0, 0xDEADBEEE), (4, 99), (8, 1 << 40), (16, 1 << 40), (16, (1 << 64) - 8), (24, 64)]
)
def test_a_damaged_weight_record_is_noticed(package: Path, place: int, value: int) -> None:
    data = bytearray((package / WEIGHTS).read_bytes())
    form = "<I" if place < 8 else "<Q"
    struct.pack_into(form, data, 64 + place, value)
    (package / WEIGHTS).write_bytes(data)
    with pytest.raises(BadInputError, match=r"weight\.bin"):
        MilProgram.load(package)


@pytest.mark.parametrize("offset", [0, 1, 63, 1 << 20, 1 << 62, (1 << 64) - 64])
def test_a_weight_at_an_impossible_place_is_refused(package: Path, offset: int) -> None:
    def change(model: Any) -> None:
        for operation in operations(model):
            for value in operation.attributes.values():
                if value.WhichOneof("value") == "blobFileValue":
                    value.blobFileValue.offset = offset

    change_specification(package, change)
    with pytest.raises(BadInputError, match=r"weight\.bin"):
        MilProgram.load(package)


def test_an_absurd_shape_is_refused_without_trying(package: Path) -> None:
    def change(model: Any) -> None:
        for operation in operations(model):
            for output in operation.outputs:
                for dimension in output.type.tensorType.dimensions:
                    dimension.constant.size = 1 << 40

    change_specification(package, change)
    with pytest.raises(BadInputError, match="absurdly large"):
        MilProgram.load(package)


def test_a_program_that_contradicts_itself_is_refused(package: Path) -> None:
    def rename(model: Any) -> None:
        next(item for item in operations(model) if item.type == "conv").outputs[0].name = "elsewhere"

    change_specification(package, rename)
    with pytest.raises(BadInputError, match="before it is computed"):
        MilProgram.load(package)


def test_a_wrong_declared_shape_is_noticed_when_it_runs(package: Path) -> None:
    def change(model: Any) -> None:
        conv = next(item for item in operations(model) if item.type == "conv")
        conv.outputs[0].type.tensorType.dimensions[2].constant.size = 31

    change_specification(package, change)
    program = MilProgram.load(package)
    inputs = samples(make("swapper"))
    with pytest.raises(BadInputError, match=r"yields the shape .* the file declares"):
        program.run({f"x{index}": value.numpy() for index, value in enumerate(inputs)})


def test_an_endless_loop_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from coremltools.converters.mil.mil import Builder as mb  # noqa: N813
    from coremltools.converters.mil.mil import types

    from converters.runtimes.mil import execution
    from tests.runtimes.mil.mil_packages import build

    model = build(
        lambda x: mb.while_loop(
            _cond=lambda a: mb.less(x=mb.reduce_mean(x=a, axes=[0], keep_dims=False), y=2.0),
            _body=lambda a: mb.mul(x=a, y=1.0),
            loop_vars=(x,),
        ),
        {"x": ((3,), types.fp32)},
        "iOS16",
    )
    program = MilProgram.load(saved(model, tmp_path / "loop.mlpackage"))
    monkeypatch.setattr(execution, "_MOST_ITERATIONS", 500)
    with pytest.raises(BadInputError, match="does not end"):
        program.run({"x": torch.zeros(3).numpy()})


def _damage(package: Path, folder: Path, count: int, seed: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(HERE / "damage_packages.py"), str(package), str(folder), str(count), str(seed)],
        capture_output=True,
        text=True,
        timeout=3000,
        check=False,
    )
    assert done.returncode == 0, f"exit status {done.returncode}: {done.stderr[-3000:]}"
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"{count} damaged packages: {result['outcomes']}, slowest {result['slowest']} s, {result['peak_mib']} MiB")
    return result


@pytest.mark.timeout(900)
def test_damaged_packages_are_refused_or_run(original: Path, tmp_path: Path) -> None:
    result = _damage(original, tmp_path, 200, 1)
    assert result["bugs"] == []
    assert sum(result["outcomes"].values()) == 200
    assert result["outcomes"]["BadInputError"] > 50
    assert result["slowest"] < 30
    assert result["peak_mib"] < 3000


@pytest.mark.fuzz
@pytest.mark.timeout(6000)
@pytest.mark.parametrize("seed", [2, 3, 4, 5])
def test_many_damaged_packages(original: Path, tmp_path: Path, seed: int) -> None:
    result = _damage(original, tmp_path, 500, seed)
    assert result["bugs"] == []
