"""The pictures that a comparison leaves for programs: what is in the folder, and what is made of it afterwards."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.compare.comparison import Comparison
from converters.compare.engine import ReportFiles, Request, compare
from converters.compare.sides import Index
from converters.compare_report.kept import keep_pictures, write_page
from converters.compare_report.pictures import LARGEST_SIDE, worst_of_all, write_pictures
from converters.compare_report.shown import Kind, shown_of
from converters.errors import BadInputError, CancelledError, DestinationError
from converters.model.signature import Role, Signature, TensorInfo
from converters.pictures import read_picture, write_picture
from converters.progress import Progress, ProgressMessage
from converters.samples import picture_to_tensor
from tests.compare.models import SIDE, write_swapper
from tests.compare.pages import Page
from tests.measure.drawn import portrait

PICTURES = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("kept")
    write_swapper(folder / "original.onnx")
    write_swapper(folder / "near.onnx", noise=0.05)
    write_swapper(folder / "far.onnx", noise=0.4)
    (folder / "garbage.mnn").write_bytes(b"no model at all" * 100)
    (folder / "pictures").mkdir()
    for seed in range(PICTURES):
        write_picture(folder / "pictures" / f"{seed}.png", portrait(seed, SIDE))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def compared(folder: Path) -> Comparison:
    names = ("near.onnx", "garbage.mnn", "far.onnx")
    candidates = tuple(str(folder / name) for name in names)
    request = Request(str(folder / "original.onnx"), candidates, images=folder / "pictures", runs=10, threads=1)
    return compare(request, ReportFiles(pictures=folder / "kept"))


@pytest.fixture(scope="module")
def index(folder: Path, compared: Comparison) -> dict[str, Any]:
    assert len(compared.candidates) == 3
    found: dict[str, Any] = json.loads((folder / "kept" / "index.json").read_text(encoding="utf-8"))
    return found


def test_every_sample_has_its_files_and_none_is_left_over(folder: Path, index: dict[str, Any]) -> None:
    assert index["kind"] == "picture"
    assert len(index["samples"]) == index["total"] == PICTURES
    named = {"index.json"}
    for sample in index["samples"]:
        assert sample["candidates"][1] is None  # no model
        files = {key: value for key, value in sample.items() if key not in ("place", "name", "source", "candidates")}
        files |= {
            f"{number}{key}": each[key] for number, each in enumerate(sample["candidates"]) if each for key in each
        }
        assert files.pop("source_small") == ""  # seeded embeddings are nobody's face
        assert all(files.values())
        named |= set(files.values())
    assert named == {file.name for file in (folder / "kept").iterdir()}


def test_the_pictures_are_what_the_model_draws(folder: Path, index: dict[str, Any]) -> None:
    sample = index["samples"][0]
    original, near, far = (
        read_picture(folder / "kept" / name).astype(float)
        for name in (
            sample["original"],
            sample["candidates"][0]["picture"],
            sample["candidates"][2]["picture"],
        )
    )
    assert original.shape == (SIDE, SIDE, 3)
    assert 0 < np.abs(near - original).mean() < np.abs(far - original).mean()
    seen = read_picture(folder / "kept" / sample["input"])
    assert np.abs(seen.astype(int) - read_picture(folder / "pictures" / sample["name"])).max() <= 1


def test_maps_share_one_scale_and_show_where_the_difference_is(folder: Path, index: dict[str, Any]) -> None:
    highest = index["scales"]["difference"]
    largest = 0
    for sample in index["samples"]:
        original = read_picture(folder / "kept" / sample["original"]).astype(float)
        for side in (sample["candidates"][0], sample["candidates"][2]):
            levels = read_picture(folder / "kept" / side["difference"])[..., 0]
            picture = read_picture(folder / "kept" / side["picture"]).astype(float)
            wanted = np.clip(np.abs(picture - original).max(axis=2) / highest, 0, 1) * 255
            # both pictures are rounded to whole levels, the map is not
            assert np.abs(levels - wanted).max() <= 1 + 255 / highest
            largest = max(largest, int(levels.max()))
    assert largest == 255
    assert index["scales"]["lpips"] > 0.05


def test_the_worst_come_first_for_every_candidate_and_measure(compared: Comparison, index: dict[str, Any]) -> None:
    names = {sample["place"]: sample["name"] for sample in index["samples"]}
    far = compared.candidates[2]
    assert [names[place] for place in index["candidates"][2]["orders"]["0:lpips"]] == far.worst_first()
    psnr = far.outputs[0]["measures"]["psnr"]["values"]
    ordered = [psnr[names[place]] for place in index["candidates"][2]["orders"]["0:psnr"]]
    assert ordered == sorted(ordered)
    assert index["candidates"][1]["orders"] == {}
    assert "could not be compared" in index["candidates"][1]["sentence"]
    first = {each.worst_first()[0] for each in compared.candidates if each.outputs}
    assert index["samples"][0]["name"] in first
    assert compared.names[worst_of_all(compared, compared.names)[0]] in first


def test_the_page_can_be_written_afterwards(folder: Path, compared: Comparison, tmp_path: Path) -> None:
    arguments = {
        "pictures": str(folder / "kept"),
        "comparison": compared.to_json(),
        "path": str(tmp_path / "report.html"),
        "force": False,
    }
    write_page(arguments, Progress())
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    read = Page(text)
    assert not read.fetched
    sliders = [attributes for tag, attributes in read.elements if tag == "input" and attributes.get("class") == "cut"]
    assert len(sliders) == 2 * PICTURES
    with pytest.raises(DestinationError):
        write_page(arguments, Progress())
    shutil.copytree(folder / "kept", tmp_path / "half")
    (tmp_path / "half" / "index.json").unlink()
    with pytest.raises(BadInputError, match="are gone"):
        write_page({**arguments, "pictures": str(tmp_path / "half"), "path": str(tmp_path / "b.html")}, Progress())


def test_samples_are_kept_for_calibration_once(folder: Path, index: dict[str, Any], tmp_path: Path) -> None:
    files = [
        {"path": str(folder / "kept" / sample["input"]), "name": "../" + sample["name"]} for sample in index["samples"]
    ]
    first = keep_pictures({"files": files[:2], "folder": str(tmp_path / "calibration")}, Progress())
    again = keep_pictures({"files": files, "folder": str(tmp_path / "calibration")}, Progress())
    assert (len(first["added"]), first["known"]) == (2, 0)
    assert (len(again["added"]), again["known"]) == (PICTURES - 2, 2)
    kept = sorted((tmp_path / "calibration").iterdir())
    assert len(kept) == PICTURES
    assert {read_picture(file).tobytes() for file in kept} == {
        read_picture(Path(file["path"])).tobytes() for file in files
    }
    (tmp_path / "words.png").write_text("no picture")
    broken = [{"path": str(tmp_path / "words.png"), "name": "words.png"}]
    with pytest.raises(BadInputError):
        keep_pictures({"files": broken, "folder": str(tmp_path / "calibration")}, Progress())
    assert sorted((tmp_path / "calibration").iterdir()) == kept


def staged(folder: Path, tensor: TensorInfo, arrays: list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]) -> Path:
    """Lay out what the workers leave: one input picture, and what both sides made of it."""
    seen = TensorInfo("input", (1, 3, 16, 16), role=Role.IMAGE, layout="NCHW", value_range=(0.0, 1.0))
    names = tuple(f"{place}.png" for place in range(len(arrays)))
    Index(Signature((seen,), (tensor,)), "", names, ("",) * len(arrays), "").write(folder)
    for side in ("feeds", "side0", "side1", "heat"):
        (folder / side).mkdir()
    for place, (ours, theirs) in enumerate(arrays):
        np.savez(folder / "feeds" / f"{place}.npz", **{"feed:input": picture_to_tensor(portrait(place, 16), seen)})
        np.savez(folder / "side0" / f"{place}.npz", **{tensor.name: ours})
        np.savez(folder / "side1" / f"{place}.npz", **{tensor.name: theirs})
    return folder


def plain(names: int, measure: str = "largest") -> dict[str, Any]:
    """Return a comparison with one candidate as plain data."""
    values = {f"{place}.png": 0.1 + place / 100 for place in range(names)}
    summary = {"mean": 0.1, "p95": 0.1, "worst": 0.1, "worst_sample": "0.png", "count": names, "equal": 0, "broken": 0}
    side = {"name": "m", "size": 10, "is_reference": False, "latency": {"median": 0.1, "p90": 0.1}, "path": "m"}
    output = {
        "name": "out",
        "role": "mask",
        "kind": "numbers",
        "measures": {measure: {"summary": summary, "values": values}},
    }
    candidate = {
        "path": "c",
        "side": side,
        "outputs": [output],
        "broken": [],
        "notes": [],
        "recipe": None,
        "error": None,
    }
    return {
        "original": {**side, "judge": None},
        "candidates": [candidate],
        "names": list(values),
        "pictures": "",
        "embeddings": "",
        "notes": [],
        "seconds": 1.0,
    }


def test_a_mask_is_shown_in_grey_and_numbers_as_what_was_seen(tmp_path: Path) -> None:
    mask = TensorInfo("out", (1, 1, 16, 16), role=Role.MASK)
    ours, theirs = np.zeros((1, 1, 16, 16), np.float32), np.zeros((1, 1, 16, 16), np.float32)
    theirs[..., 4:8, 4:8] = 1.0
    (tmp_path / "mask").mkdir()
    staging = staged(tmp_path / "mask", mask, [(ours, theirs)])
    write_pictures({"staging": str(staging), "comparison": plain(1), "path": str(tmp_path / "a")}, Progress())
    index = json.loads((tmp_path / "a" / "index.json").read_text(encoding="utf-8"))
    side = index["samples"][0]["candidates"][0]
    assert index["kind"] == Kind.MASK
    drawn = read_picture(tmp_path / "a" / side["picture"])[..., 0]
    assert drawn[5, 5] == 255
    assert drawn[0, 0] == 0
    assert np.array_equal(read_picture(tmp_path / "a" / side["difference"])[..., 0] > 0, drawn > 0)

    (tmp_path / "numbers").mkdir()
    scores = TensorInfo("out", (1, 4), role=Role.SCORES)
    staging = staged(tmp_path / "numbers", scores, [(np.zeros((1, 4), np.float32), np.ones((1, 4), np.float32))])
    assert shown_of(staging, Index.read(staging)).kind is Kind.INPUT
    write_pictures({"staging": str(staging), "comparison": plain(1), "path": str(tmp_path / "b")}, Progress())
    index = json.loads((tmp_path / "b" / "index.json").read_text(encoding="utf-8"))
    sample = index["samples"][0]
    assert sample["original"] == sample["candidates"][0]["picture"] == sample["input"]
    assert not sample["candidates"][0]["difference"]
    assert "draws no picture" in index["sentence"]


def test_a_folder_has_a_limit_and_large_pictures_are_shrunk(tmp_path: Path) -> None:
    side = LARGEST_SIDE + 100
    mask = TensorInfo("out", (1, 1, side, side), role=Role.MASK)
    arrays = [(np.zeros((1, 1, side, side), np.float32),) * 2 for _ in range(3)]
    staging = staged(tmp_path, mask, arrays)
    arguments = {"staging": str(staging), "comparison": plain(3), "path": str(tmp_path / "a"), "largest": 1}
    assert write_pictures(arguments, Progress())["samples"] == 1
    index = json.loads((tmp_path / "a" / "index.json").read_text(encoding="utf-8"))
    assert index["samples"][0]["name"] == "2.png"  # the worst
    assert index["candidates"][0]["orders"] == {"0:largest": [2]}
    assert "The 1 worst of 3 pictures are shown" in index["notes"][0]
    assert str(LARGEST_SIDE) in index["notes"][1]
    assert max(read_picture(tmp_path / "a" / index["samples"][0]["original"]).shape) == LARGEST_SIDE


def test_cancelling_while_pictures_are_drawn_leaves_none(folder: Path, compared: Comparison, tmp_path: Path) -> None:
    assert compared.names
    seen: list[str] = []

    def report(message: ProgressMessage) -> None:
        seen.append(message.stage)

    progress = Progress(report, lambda: any("Drawing the pictures" in stage for stage in seen))
    request = Request(str(folder / "original.onnx"), (str(folder / "near.onnx"),), folder / "pictures", 2, runs=10)
    with pytest.raises(CancelledError):
        compare(request, ReportFiles(pictures=tmp_path / "kept"), progress)
    assert list(tmp_path.iterdir()) == []
