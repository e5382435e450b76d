"""Calibration sets from pictures: what is taken, how it is fed, what is left out, and that memory stays flat."""

from __future__ import annotations

import tracemalloc
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from converters.builtin import DEMO_CROPS, DEMO_EMBEDDER, DEMO_SWAPPER
from converters.compare.crops import FacePicture, pictures_for
from converters.compare.feeds import Feeds, picture_of
from converters.compress.quantize.calibration import CalibrationSample, calibration_set
from converters.compress.quantize.calibration_pictures import _chosen
from converters.compress.quantize.calibration_sources import Kind, evenly
from converters.errors import BadInputError, CancelledError, UsageError
from converters.face.align import TEMPLATES, matrix_to, warp
from converters.model.graph import Model
from converters.model.signature import ColourOrder, Role, TensorInfo
from converters.model.source import load
from converters.opened import opened
from converters.pictures import read_picture, write_picture
from converters.progress import Progress
from converters.samples import picture_to_tensor
from converters.video import VideoWriter
from tests.compress.quantize.calibration_models import model_of, picture
from tests.measure.drawn import portrait

PORTRAITS = cache(portrait)  # drawing takes longer than all that is tested
needs_demo = pytest.mark.skipif(not DEMO_SWAPPER.is_file(), reason="the demo model is not built")


@pytest.fixture(scope="module")
def demo() -> Model:
    if not DEMO_SWAPPER.is_file():
        pytest.skip("the demo model is not built")
    return load("demo")


def write_portraits(folder: Path, count: int, side: int = 128) -> Path:
    folder.mkdir(exist_ok=True)
    for seed in range(count):
        write_picture(folder / f"{seed:03}.png", np.roll(PORTRAITS(seed % 4, side), 3 * (seed // 4), axis=1))
    return folder


@needs_demo
def test_the_built_in_crops_are_fed_as_comparisons_feed_them(demo: Model) -> None:
    found = calibration_set(demo, "", 4)
    assert len(found) == 4
    assert found.origin == "4 faces of the built-in crops"
    with opened(Path("demo")) as model:
        pictures = pictures_for("arcface_128", 128, None, 4, Progress())
        feeds = Feeds(model, model.signature, pictures.items, DEMO_EMBEDDER, None, Progress())
        for place in range(4):
            ours, theirs = found.make(place), feeds.make(place)
            assert ours.name == theirs.name
            assert ours.feeds.keys() == theirs.arrays.keys() == {"target", "source"}
            for name in ours.feeds:
                assert np.array_equal(ours.feeds[name], theirs.arrays[name])
    # the twin: another face's embedding is another feed
    assert not np.array_equal(found.make(0).feeds["source"], found.make(1).feeds["source"])
    assert np.linalg.norm(found.make(0).feeds["source"]) == pytest.approx(1, abs=1e-5)


@needs_demo
def test_samples_are_the_same_whenever_they_are_asked_for(demo: Model) -> None:
    found = calibration_set(demo, "", 3)
    backwards = [found.make(place).digest for place in (2, 1, 0)]
    assert [sample.digest for sample in found] == backwards[::-1]
    assert len(set(backwards)) == 3
    assert [each.name for each in found.samples[1:]] == [found.make(1).name, found.make(2).name]
    with pytest.raises(IndexError):
        found.make(3)


def test_the_digest_is_of_names_kinds_shapes_and_values() -> None:
    one = np.arange(6, dtype=np.float32)
    feeds = [{"a": one}, {"b": one}, {"a": one.reshape(2, 3)}, {"a": one.view(np.int32)}, {"a": one + 1}]
    digests = {CalibrationSample("x", each).digest for each in feeds}
    assert len(digests) == len(feeds)
    assert CalibrationSample("another name", {"a": one.copy()}).digest in digests


@needs_demo
def test_an_embedder_gets_crops_of_its_own_template() -> None:
    found = calibration_set(load(DEMO_EMBEDDER), "", 2)
    crop = read_picture(DEMO_CROPS / found.make(0).name)[:112, 8:120]
    expected = crop.astype(np.float32).transpose(2, 0, 1)[None] / 127.5 - 1
    seen = found.make(0).feeds["input"]
    assert seen.shape == (1, 3, 112, 112)
    assert np.abs(seen - expected).max() < 2.1 / 255
    # the twin: the crop cut elsewhere is told apart
    assert np.abs(seen - np.roll(expected, 3, axis=3)).max() > 0.2


@needs_demo
def test_ready_crops_are_taken_as_they_are_and_broken_files_are_counted(demo: Model, tmp_path: Path) -> None:
    folder = write_portraits(tmp_path / "crops", 4)
    (folder / "001.png").write_bytes(b"\x89PNG no picture")
    (folder / "002.png").write_bytes((folder / "000.png").read_bytes()[:200])
    found = calibration_set(demo, str(folder))
    assert [sample.name for sample in found] == ["000.png", "003.png"]
    assert np.array_equal(found.make(0).face("arcface_128", 128), portrait(0))
    text = " ".join(found.notes)
    assert "2 pictures could not be read and were left out" in text
    assert "001.png" in text
    assert "2 of 2 samples were taken for face crops as they are" in text


@needs_demo
def test_one_picture_is_a_set_with_a_note(demo: Model, tmp_path: Path) -> None:
    write_picture(tmp_path / "one.png", portrait(1))
    found = calibration_set(demo, str(tmp_path / "one.png"))
    assert len(found) == 1
    assert "There is one sample" in found.notes[-1]
    assert "There is one sample" not in " ".join(calibration_set(demo, "", 2).notes)


def test_many_files_are_taken_evenly(tmp_path: Path) -> None:
    found = calibration_set(model_of([picture()]), str(write_portraits(tmp_path / "many", 10, 32)), 5)
    assert [sample.name for sample in found] == ["000.png", "002.png", "004.png", "006.png", "008.png"]
    assert evenly(3, 5) == [0, 1, 2]
    assert evenly(0, 0) == []


def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path: Path) -> None:
    model = model_of([picture(side=256)])

    def peak(folder: Path, count: int) -> int:
        tracemalloc.start()
        total = 0.0
        for sample in calibration_set(model, str(folder), count):
            total += float(sample.feeds["input"].sum())
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert total > 0
        return used

    few = write_portraits(tmp_path / "few", 4, 256)
    many = write_portraits(tmp_path / "many", 24, 256)
    peak(few, 4)  # what libraries keep for good
    assert peak(many, 24) < peak(few, 4) + 300_000  # one feed alone is 786 kB
    tracemalloc.start()
    kept = [sample.feeds for sample in calibration_set(model, str(many), 24)]
    assert tracemalloc.get_traced_memory()[1] > 24 * 700_000  # the twin: keeping them is seen
    tracemalloc.stop()
    assert len(kept) == 24


def test_a_trimmed_picture_gives_the_same_crops() -> None:
    generator = np.random.default_rng(3)
    whole = np.clip(generator.normal(128, 40, (900, 1200, 3)), 0, 255).astype(np.uint8)
    points = (TEMPLATES["ffhq_512"] * 260 + np.array([310, 220])).astype(np.float32)
    item = FacePicture("x", whole, points)
    trimmed = item.trimmed()
    assert trimmed.picture.size < 0.5 * whole.size
    for template, side in (("arcface_112_v2", 112), ("ffhq_512", 512), ("styleganex_384", 96), ("arcface_128", 32)):
        one, other = item.cut(template, side).astype(int), trimmed.cut(template, side).astype(int)
        assert np.abs(one - other).max() <= 4  # of 255, in noise: coordinates are rounded to 1/32 pixel
        assert np.abs(one - other).mean() < 0.05
    shifted = FacePicture("x", trimmed.picture, trimmed.points + 1)  # the twin
    assert np.abs(item.cut("arcface_128", 128).astype(int) - shifted.cut("arcface_128", 128)).mean() > 5
    at_the_edge = FacePicture("y", whole, points - np.array([300, 210], np.float32))
    assert (
        np.abs(at_the_edge.cut("arcface_128", 64).astype(int) - at_the_edge.trimmed().cut("arcface_128", 64)).max() <= 4
    )


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("colour", [ColourOrder.RGB, ColourOrder.BGR])
@pytest.mark.parametrize(
    "facts",
    [
        {"value_range": (-1.0, 1.0)},
        {"value_range": None, "mean": (0.48, 0.45, 0.4), "std": (0.23, 0.22, 0.21)},
        {"value_range": None},
    ],
)
def test_pictures_come_back_from_tensors(layout: str, colour: ColourOrder, facts: dict[str, object]) -> None:
    shape = (1, 3, 32, 32) if layout == "NCHW" else (1, 32, 32, 3)
    tensor = TensorInfo("x", shape, role=Role.IMAGE, layout=layout, colour=colour, **facts)  # type: ignore[arg-type]
    seen = portrait(2, 32)
    assert np.array_equal(picture_of(picture_to_tensor(seen, tensor), tensor), seen)
    other = TensorInfo("x", shape, role=Role.IMAGE, layout=layout, colour=colour, value_range=(0.2, 0.9))
    assert not np.array_equal(picture_of(picture_to_tensor(seen, tensor), other), seen)  # the twin


@needs_demo
def test_photographs_without_a_face_are_refused_with_a_way_out(demo: Model, tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    for seed in range(2):
        write_picture(tmp_path / f"{seed}.png", np.full((300, 400, 3), 90 + seed, np.uint8))
    with pytest.raises(
        BadInputError, match=r"shows no face that can be aligned\. 2 pictures of it were searched\. Give"
    ):
        calibration_set(demo, str(tmp_path))


@needs_demo
def test_without_a_detector_pictures_are_taken_for_crops(
    demo: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from converters.errors import UnsupportedError

    def missing() -> None:
        raise UnsupportedError("The detector is not installed.")

    monkeypatch.setattr("converters.face.detect.registry.open_detector", missing)
    write_portraits(tmp_path / "large", 2, 256)
    found = calibration_set(demo, str(tmp_path / "large"))
    assert [sample.is_crop for sample in found] == [True, True]
    assert "Faces were not looked for: The detector is not installed." in found.notes


@needs_demo
def test_every_face_of_a_photograph_may_become_a_sample(demo: Model, shared: Path, tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    for name in ("group_12.jpg", "portrait_000681.jpg"):
        (tmp_path / name).write_bytes((shared / "photos" / name).read_bytes())
    write_picture(tmp_path / "wall.png", np.full((300, 400, 3), 90, np.uint8))
    found = calibration_set(demo, str(tmp_path))
    names = [sample.name for sample in found]
    assert "portrait_000681.jpg" in names
    assert {"group_12.jpg, face 1", "group_12.jpg, face 2"} <= set(names)
    assert len(set(names)) == len(names)
    assert "1 picture without a face that can be aligned: left out." in found.notes
    for sample in found:
        assert sample.points is not None
        assert sample.picture is not None
        assert not sample.is_crop
        assert {name: array.shape for name, array in sample.feeds.items()} == {
            "target": (1, 3, 128, 128),
            "source": (1, 512),
        }
        # what is fed is the face at its points, also after trimming
        crop = warp(sample.picture, matrix_to("arcface_128", sample.points, 128), 128)
        assert np.abs(sample.feeds["target"][0].transpose(1, 2, 0) - crop).max() < 0.6 / 255
    fewer = calibration_set(demo, str(tmp_path), 2)
    assert len(fewer) == 2
    assert {each.name.split(",")[0] for each in fewer} == {"group_12.jpg", "portrait_000681.jpg"}


def test_largest_faces_come_first_of_photographs_and_all_alike_of_videos() -> None:
    ranks = [0, 1, 2, 0, 0, 1]
    assert _chosen(ranks, 3, Kind.FOLDER) == [0, 3, 4]
    assert _chosen(ranks, 4, Kind.FOLDER) == [0, 1, 3, 4]
    assert _chosen([0, 1] * 8, 8, Kind.VIDEO) == [0, 1, 4, 5, 8, 9, 12, 13]


def write_video(path: Path, scenes: int, still: int) -> None:
    """Write `scenes` pictures, each shown for `still` frames."""
    with VideoWriter(path, (160, 120), 25) as writer:
        for scene in range(scenes):
            frame = np.full((120, 160, 3), 30, np.uint8)
            frame[10:110, 5 + 8 * scene : 45 + 8 * scene] = portrait(scene, 100)[:, :40]
            for _ in range(still):
                writer.write(frame)


def test_frames_of_a_video_are_spread_and_still_ones_are_skipped(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", scenes=6, still=5)
    model = model_of([picture(side=64)])
    found = calibration_set(model, str(tmp_path / "clip.mp4"), 20)
    assert [sample.name.split(" (")[0] for sample in found] == [f"frame {5 * scene}" for scene in range(6)]
    assert "24 frames that are nearly like the one before them were skipped." in found.notes
    three = calibration_set(model, str(tmp_path / "clip.mp4"), 3)
    indices = [int(sample.name.split()[1]) for sample in three]
    assert len(indices) == 3
    assert indices[0] < 10 <= indices[-1]
    assert len({sample.digest for sample in three}) == 3


def test_a_video_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", scenes=2, still=2)
    data = (tmp_path / "clip.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) // 4])
    with pytest.raises(BadInputError, match=r"cut.mp4 is damaged or was not copied completely"):
        calibration_set(model_of([picture()]), str(tmp_path / "cut.mp4"))


def test_inputs_that_are_no_pictures_get_plausible_values_and_a_note() -> None:
    tensors = [
        picture(),
        TensorInfo("source", (1, 16), role=Role.EMBEDDING),
        TensorInfo("strength", (1,), role=Role.PARAMETER),
        TensorInfo("volume", (1, 2, 3), role=Role.FEATURES),
    ]
    found = calibration_set(model_of(tensors), "", 2)
    feeds = found.make(0).feeds
    assert {name: array.shape for name, array in feeds.items()} == {each.name: each.shape for each in tensors}
    assert np.linalg.norm(feeds["source"]) == pytest.approx(1, abs=1e-5)
    assert not np.array_equal(feeds["source"], found.make(1).feeds["source"])
    assert any("Values of volume are random" in note for note in found.notes)
    assert any("nobody's face" in note for note in found.notes)


def test_a_detector_is_told_that_crops_are_no_scenes() -> None:
    found = calibration_set(model_of([picture("input", 64)], "ultraface_rfb_320"), "", 2)
    assert found.make(0).points is None
    assert any("a detector is calibrated better on photographs" in note for note in found.notes)
    assert not any("detector" in note for note in calibration_set(model_of([picture()]), "", 2).notes)


def test_a_landmarker_is_said_to_want_faces(tmp_path: Path) -> None:
    folder = str(write_portraits(tmp_path / "some", 2, 64))
    model = model_of([picture("input", 32)], "pfld")
    assert any("A landmarker is shown faces by its host" in note for note in calibration_set(model, folder).notes)
    assert not any("host" in note for note in calibration_set(model, "", 2).notes)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda folder: folder / "missing", "does not exist"),
        (lambda folder: folder, "holds no picture and no .npz file"),
        (lambda folder: _written(folder / "a.txt", b"words"), "neither a picture nor a video nor .npz"),
        (lambda folder: _written(folder / "a.jpg", b""), "is empty"),
        (lambda folder: _written(folder / "a.jpg", b"\xff\xd8 no picture"), "holds no picture that can be read"),
        (lambda folder: _written(folder / "a.npy", b"\x93NUMPY"), "one array without a name"),
        (lambda folder: _written(folder / "bad.npz", b"PK\x03\x04 no zip").parent / "bad.npz", "is damaged or no .npz"),
    ],
)
def test_what_is_no_source_gets_a_sentence(tmp_path: Path, make: object, sentence: str) -> None:
    with pytest.raises(BadInputError, match=sentence) as caught:
        calibration_set(model_of([picture()]), str(make(tmp_path)))  # type: ignore[operator]
    assert caught.value.remedy or caught.value.why


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_a_folder_of_both_kinds_is_not_guessed_at(tmp_path: Path) -> None:
    write_portraits(tmp_path, 1)
    np.savez(tmp_path / "a.npz", input=np.zeros((1, 3, 32, 32), np.float32))
    with pytest.raises(BadInputError, match=r"both pictures and \.npz"):
        calibration_set(model_of([picture()]), str(tmp_path))


def test_none_is_no_number_of_samples() -> None:
    with pytest.raises(UsageError, match="0 calibration samples are none"):
        calibration_set(model_of([picture()]), "", 0)


def test_it_can_be_cancelled() -> None:
    with pytest.raises(CancelledError):
        calibration_set(model_of([picture()]), "", 4, Progress(is_cancelled=lambda: True))
