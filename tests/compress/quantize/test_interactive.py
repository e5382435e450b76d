"""The calibration beside a person: what it tells, that it is what conversion does, that it forgets nothing it needs."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from converters.builtin import DEMO_CLIP, DEMO_CROPS, DEMO_GALLERY
from converters.compress.quantize import interactive
from converters.compress.quantize.calibration import calibration_set
from converters.compress.quantize.encodings import Scheme
from converters.compress.quantize.interactive_camera import taken_from
from converters.compress.quantize.settings import parse_layers
from converters.errors import BadInputError, CancelledError, UsageError
from converters.model.graph import write_proto
from converters.model.source import load
from converters.pictures import read_picture
from converters.preview.pairs.sides import opened_choice, opened_like
from converters.preview.request import ModelChoice
from converters.progress import Progress, ProgressMessage
from converters.registry import step
from converters.runtimes.base import Arrays
from tests.tiny_models import tiny_swapper

TENSOR = "/encoder.3/Conv_output_0"
SAMPLES = 4
Data = dict[str, Any]
Call = Callable[..., Data]


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Callable[..., Data]]:
    """Return a maker of arguments; what the operations keep in memory goes at the end."""

    def arguments(source: str = "demo", /, **options: Any) -> Data:
        plain = {
            "source": source,
            "shapes": {},
            "trust": False,
            "steps": [],
            "options": {"samples": SAMPLES, **options},
            "folder": str(tmp_path / "pictures"),
        }
        return json.loads(json.dumps(plain))

    interactive.forget()
    yield arguments
    interactive.forget()


def opened(arguments: Data) -> Data:
    return plain(interactive.calibration_open(arguments, Progress()))


def shown(arguments: Data, sample: int = 0) -> Data:
    return plain(interactive.calibration_preview({**arguments, "sample": sample}, Progress()))


def histogram(arguments: Data, tensor: str = TENSOR) -> Data:
    return plain(interactive.calibration_histogram({**arguments, "tensor": tensor}, Progress()))


def plain(value: Data) -> Data:
    """Return what arrives in another process; fails where something is no strict JSON."""
    return json.loads(json.dumps(value, allow_nan=False))


def test_opening_tells_samples_layers_and_sums(asked: Call) -> None:
    data = opened(asked())
    assert data["count"] == len(data["samples"]) == SAMPLES
    for sample in data["samples"]:
        assert max(read_picture(Path(sample["thumbnail"])).shape[:2]) == 96
        assert {"name", "duplicate_of", "widens", "misplaced", "brightness"} <= sample.keys()
    assert "samples" not in data["coverage"]
    assert any("4 samples" in each for each in data["coverage"]["sentences"])
    assert data["draws"]
    totals = data["totals"]
    assert totals["bytes"] == sum(layer["bytes"] for layer in data["layers"]) < totals["float_bytes"] / 3
    assert totals["integer_share"] > 0.9
    assert {"reads", "writes", "input", "output"} <= data["layers"][0].keys()


def test_a_preview_is_what_the_step_makes(asked: Call) -> None:
    arguments = asked(ranges=f"{TENSOR}=-1.0:2.0")
    preview = shown(arguments, 2)
    model = load("demo")
    done = step("quantize").run(model, arguments["options"], Progress())
    (layer,) = [each for each in done.data["layers"] if each["name"] == "/encoder.3/Conv"]
    (ours,) = [each for each in preview["layers"] if each["name"] == "/encoder.3/Conv"]
    assert ours["output"] == layer["output"]
    losses = [shown(arguments, place)["loss"]["lpips"] for place in range(SAMPLES)]
    assert np.mean(losses) == pytest.approx(done.data["loss"]["mean"], abs=1e-6)


def test_a_range_changes_the_picture_and_nothing_else(asked: Call) -> None:
    usual = shown(asked())
    narrow = shown(asked(ranges=f"{TENSOR}=-0.5:0.5"))
    assert narrow["original"] == usual["original"]
    assert narrow["quantized"] != usual["quantized"]
    original, one, other = (
        read_picture(Path(path)) for path in (usual["original"], usual["quantized"], narrow["quantized"])
    )
    difference = [float(np.abs(each.astype(float) - original).mean()) for each in (one, other)]
    assert 0 < difference[0] < difference[1]
    assert narrow["loss"]["lpips"] > 2 * usual["loss"]["lpips"]
    assert narrow["loss"]["psnr"] < usual["loss"]["psnr"] - 5


def modelled(arguments: Data) -> Data:
    return plain(interactive.calibration_preview({**arguments, "sample": None, "model": True}, Progress()))


def drawn(path: str) -> Arrays:
    """Return what the preview process gets of a file: it opens it as any other model, beside the original."""
    feeds = calibration_set(load("demo"), "", SAMPLES, Progress()).make(0).feeds
    original = ModelChoice()
    with opened_choice(original, Progress()) as known:
        choice = ModelChoice(path, "As set here", like_original=True)
        with opened_like(known, choice, Progress()) as found:
            assert found.family == known.family
            assert found.unread is known.unread
            return found.session.run(feeds)


def test_the_model_of_a_preview_draws_what_the_preview_shows(asked: Call) -> None:
    arguments = asked(ranges=f"{TENSOR}=-1.0:2.0")
    told = modelled(arguments)
    assert told["original"] == told["quantized"] == told["sample"] == ""
    assert told["loss"] is None
    picture = read_picture(Path(shown(arguments)["quantized"])).astype(float)

    def error(path: str) -> float:
        (crop,) = drawn(path).values()
        return float(np.abs(crop[0].transpose(1, 2, 0) * 255 - picture).max())

    assert error(told["model"]) < 0.51  # the picture is rounded to whole numbers
    assert error(modelled(asked(ranges=f"{TENSOR}=-1.0:1.5"))["model"]) > 2  # another range draws otherwise
    assert told["layers"] == shown(arguments)["layers"]


def test_models_of_previews_are_not_heaped_up(asked: Call, tmp_path: Path) -> None:
    paths = [modelled(asked(ranges=f"{TENSOR}=-1.0:{high}"))["model"] for high in (1, 1.5, 2, 2.5, 3)]
    assert len(set(paths)) == 5
    there = sorted(str(path) for path in (tmp_path / "pictures").rglob("*.onnx"))
    assert there == sorted(paths[-3:])  # whoever was told of one may still be opening it
    assert modelled(asked(ranges=f"{TENSOR}=-1.0:3"))["model"] == paths[-1]  # nothing changed: nothing is opened anew
    Path(paths[-1]).unlink()
    assert Path(modelled(asked(ranges=f"{TENSOR}=-1.0:3"))["model"]).is_file()
    both = plain(interactive.calibration_preview({**asked(), "sample": 0, "model": True}, Progress()))
    assert Path(both["model"]).is_file()
    assert Path(both["quantized"]).is_file()
    assert shown(asked())["model"] == ""


def test_after_a_crash_everything_comes_back_as_it_was(asked: Call) -> None:
    before, told = shown(asked(), 3), opened(asked())
    interactive.forget()
    after = shown(asked(), 3)
    assert after["loss"] == before["loss"]
    assert read_picture(Path(after["quantized"])).tolist() == read_picture(Path(before["quantized"])).tolist()
    assert opened(asked())["layers"] == told["layers"]


def test_a_histogram_holds_every_value_and_every_policy(asked: Call) -> None:
    data = histogram(asked())
    assert len(data["counts"]) <= 256
    assert sum(data["counts"]) == SAMPLES * 128 * 32 * 32
    assert data["low"] <= data["observed"][0] < 0 < data["observed"][1] <= data["high"]
    assert data["policies"]["min-max"] == data["observed"]
    assert data["range"] == data["policies"]["mse"]
    assert data["writers"] == ["/encoder.3/Conv"]
    by_hand = histogram(asked(ranges=f"{TENSOR}=-1.0:2.0"))
    assert (by_hand["range"], by_hand["is_by_hand"]) == ([-1.0, 2.0], True)
    assert by_hand["encoding"]["scale"] == pytest.approx(3 / 255)
    assert histogram(asked(ranges=f"{TENSOR}=-1.0:2.0", symmetric=True))["range"] == [-2.0, 2.0]
    with pytest.raises(UsageError, match="Did you mean"):
        histogram(asked(), "/encoder.3/Conv_output")


def test_a_folder_that_changed_is_read_anew(asked: Call, tmp_path: Path) -> None:
    folder = tmp_path / "faces"
    folder.mkdir()
    for name in ("01.png", "02.png", "03.png"):
        shutil.copy(DEMO_CROPS / name, folder)
    arguments = asked(calibration=str(folder))
    first = opened(arguments)
    assert first["count"] == 3
    shutil.copy(DEMO_CROPS / "04.png", folder)
    assert opened(arguments)["count"] == 4
    (folder / "03.png").unlink()
    assert [sample["name"] for sample in opened(arguments)["samples"]] == ["01.png", "02.png", "04.png"]


def test_several_places_are_taken_in_turns(asked: Call, tmp_path: Path) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for name in ("01.png", "02.png"):
        shutil.copy(DEMO_CROPS / name, few)
    data = opened(asked(calibration=f"\n{few}"))  # the built-in crops, and a folder with two of the same names
    names = [sample["name"] for sample in data["samples"]]
    assert {"01.png", "01.png (2)", "02.png"} <= set(names)
    assert len(set(names)) == SAMPLES
    assert "the built-in crops, the folder few" in data["origin"]
    gallery = opened(asked(calibration=f"{few}\n{sorted(DEMO_GALLERY.iterdir())[0]}"))
    assert gallery["count"] == 3
    np.savez(tmp_path / "saved.npz", target=np.zeros((1, 3, 128, 128), np.float32))
    with pytest.raises(BadInputError, match="cannot be mixed"):
        opened(asked(calibration=f"{few}\n{tmp_path / 'saved.npz'}"))


def test_schemes_and_methods_are_told(asked: Call) -> None:
    data = shown(asked(scheme="float"))
    assert data["loss"]["lpips"] == pytest.approx(0, abs=1e-6)
    assert data["totals"]["integer_share"] == 0
    later = shown(asked(correct_biases=True, adaround=True))
    assert any("bias correction and adaptive rounding" in note for note in later["notes"])
    with pytest.raises(UsageError):
        shown(asked(policy="magic"))


def test_a_model_that_draws_nothing_is_shown_in_numbers(asked: Call) -> None:
    data = opened(asked(str(DEMO_CROPS.parent / "embedder.onnx")))
    assert not data["draws"]
    preview = shown(asked(str(DEMO_CROPS.parent / "embedder.onnx")))
    assert preview["quantized"] == ""
    assert read_picture(Path(preview["original"])).size
    assert preview["loss"]["measure"] == "mean"
    assert 0 < preview["loss"]["mean"] < 0.2
    assert preview["loss"]["lpips"] is None
    assert 0.9 < preview["loss"]["cosine"] < 1


def test_pictures_do_not_pile_up(asked: Call, tmp_path: Path) -> None:
    originals = []
    for again in range(2):  # the second time by a worker that knows nothing of the first one's pictures
        interactive.forget()
        for place in range(SAMPLES):
            latest = shown(asked(ranges=f"{TENSOR}=-1.0:{1 + place / 10 + again}"), place)
            originals.append(latest["original"])
            assert shown(asked(), place)["original"] == latest["original"]  # the same sample: written once
    assert len(set(originals)) == len(originals)
    left = sorted((tmp_path / "pictures").glob("quantized-*.png"))
    assert len(left) <= 6
    assert sorted(map(str, (tmp_path / "pictures").glob("original-*.png"))) == sorted(originals[-6:])
    assert not list((tmp_path / "pictures").glob(".*"))


def test_opening_can_be_cancelled_and_goes_on(asked: Call) -> None:
    seen: list[str] = []

    def note(message: ProgressMessage) -> None:
        seen.append(message.stage)

    with pytest.raises(CancelledError):
        interactive.calibration_open(asked(), Progress(note, lambda: "Measuring coverage" in seen))
    assert opened(asked())["count"] == SAMPLES


def test_blame_and_budget_on_a_small_model(asked: Call, tmp_path: Path) -> None:
    source = str(write_proto(tiny_swapper().proto, tmp_path / "model"))
    faces = tmp_path / "faces"
    faces.mkdir()
    for name in ("01.png", "02.png"):
        shutil.copy(DEMO_CROPS / name, faces)
    arguments = asked(source, calibration=str(faces), families_defaults=False)
    found = plain(interactive.calibration_blame(arguments, Progress()))
    assert {layer["name"] for layer in found["blame"]["layers"]} == {layer["name"] for layer in found["layers"]}
    assert all("float" in layer["won_back"] for layer in found["blame"]["layers"])
    searched = plain(interactive.calibration_budget({**arguments, "budget": 1e-7}, Progress()))
    rules = parse_layers(searched["options"]["layers"])
    assert set(rules) == {layer["name"] for layer in searched["layers"]}
    assert Scheme.FLOAT in rules.values()
    assert searched["options"]["families_defaults"] is False
    followed = opened({**arguments, "options": {**arguments["options"], **searched["options"]}})
    assert {layer["name"]: layer["scheme"] for layer in followed["layers"]} == {
        name: scheme.value for name, scheme in rules.items()
    }
    with pytest.raises(UsageError, match="budget"):
        interactive.calibration_budget({**arguments, "budget": 0.0}, Progress())


def test_a_camera_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    if Path("/dev/video63").exists():
        pytest.skip("this machine has 64 cameras")
    given = {"camera": 63, "pictures": 2, "seconds": 1, "folder": str(tmp_path / "new")}
    with pytest.raises(BadInputError, match="no camera 63") as caught:
        interactive.calibration_grab(given, Progress())
    assert "connected" in caught.value.remedy
    assert not (tmp_path / "new").exists()


def test_pictures_of_a_capture_are_written_whole(tmp_path: Path) -> None:
    def capture() -> cv2.VideoCapture:
        return cv2.VideoCapture(os.fspath(DEMO_CLIP))

    files = taken_from(capture, "clip", tmp_path / "new", 3, 0.2, Progress())
    assert sorted((tmp_path / "new").iterdir()) == files
    assert [read_picture(file).shape for file in files] == [(720, 1280, 3)] * 3
    assert not np.array_equal(read_picture(files[0]), read_picture(files[2]))
    with pytest.raises(UsageError):
        taken_from(capture, "clip", tmp_path, 0, 1.0, Progress())
    with pytest.raises(CancelledError):
        taken_from(capture, "clip", tmp_path, 3, 0.2, Progress(is_cancelled=lambda: True))
