"""Pairs of every kind: both sides are what each model alone would make of the frame, and differ where models differ."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest

from converters.builtin import DEMO_CLIP, DEMO_SWAPPER
from converters.errors import StudioError
from converters.face.idle import _USED
from converters.face.options import face_options
from converters.face.pipeline import FacePipeline
from converters.face.works import kind_of, open_work
from converters.opened import opened
from converters.pictures import read_picture, write_picture
from converters.preview.pairs.frame import MOST_DRAWN, MOST_SEEN, worked_size
from converters.preview.pairs.opening import PAIRS
from converters.preview.request import ModelChoice
from converters.video import VideoReader
from tests.face import drawn
from tests.face.drawn import portrait, scene
from tests.face.nets import copying
from tests.preview.pair_models import (
    PROGRESS,
    detector,
    enhancer,
    five_people,
    landmarker,
    pair_of,
    recogniser,
)


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    folder = tmp_path_factory.mktemp("nets")
    return SimpleNamespace(
        same=drawn.swapper(folder / "same.onnx"),
        half=drawn.swapper(folder / "half.onnx", keep=0.5),
        paint=drawn.swapper(folder / "paint.onnx", keep=0.0, paint=1.0),
        embedder=drawn.embedder(folder / "embedder.onnx"),
    )


def swap_options(nets: SimpleNamespace, **more: object) -> dict[str, object]:
    return {"family": "inswapper_like", "embedder": str(nets.embedder), **more}


def alone(model: Path, frame: np.ndarray, **options: object) -> np.ndarray:
    """Return what `run` makes of a frame with a model."""
    checked = face_options(options)
    with opened(model, threads=1) as as_told:
        found = replace(as_told, family=checked.family or as_told.family)
        with open_work(found, kind_of(found), checked, thorough=False, threads=1) as work:
            return np.array(work.do(frame, 0.0, PROGRESS).picture)


# swappers -------------------------------------------------------------------------------------------------------------


def test_five_people_are_swapped_as_each_swapper_alone_does(nets: SimpleNamespace, tmp_path: Path) -> None:
    """The twin: the sides differ, so neither could stand for the other."""
    frame, options = five_people(), swap_options(nets)
    source = tmp_path / "person.png"
    write_picture(source, portrait(4))
    wanted = []
    for model in (nets.half, nets.paint):
        with FacePipeline(model, face_options(options), threads=1) as pipeline:
            pipeline.set_source([("person", read_picture(source))])
            wanted.append(np.array(pipeline.process(frame, 0.0).frame))
    untouched = frame.copy()
    with pair_of(nets.half, nets.paint, **options) as pair:
        pair.set_people([[str(source)]])
        result = pair.process(frame, 0.0, PROGRESS)
        np.testing.assert_array_equal(result.original, wanted[0])
        np.testing.assert_array_equal(result.candidate, wanted[1])
        assert np.abs(wanted[0].astype(int) - wanted[1]).max() > 40
        np.testing.assert_array_equal(frame, untouched)
        assert len(result.crops) == len(result.faces) == 5
        assert {face.identity for face in result.faces} == {1, 2, 3, 4, 5}
        # of each face its own crop, on each side its own
        means = {round(float(array.mean()), 6) for crop in result.crops for array in (crop.original, crop.candidate)}
        assert len(means) >= 6
        assert {"detect", "crop", "original", "candidate", "paste"} <= set(result.seconds)
        assert pair.draws
        assert pair.kind == "swapper"


def test_what_a_result_holds_outlasts_the_next_frame(nets: SimpleNamespace) -> None:
    frames = [scene([(3, 200.0 + 9 * number, 220.0)]) for number in range(3)]
    with pair_of(nets.half, nets.same, **swap_options(nets)) as pair:
        pair.set_people(())
        first = pair.process(frames[0], 0.0, PROGRESS)
        kept = [array.copy() for array in (first.original, first.candidate, first.crops[0].original)]
        pair.process(frames[1], 0.04, PROGRESS)
        for before, now in zip(kept, (first.original, first.candidate, first.crops[0].original), strict=True):
            np.testing.assert_array_equal(before, now)
        pair.process(frames[2], 0.08, PROGRESS)  # and then its arrays are used again
        assert (kept[0] != first.original).any()


def test_no_face_is_said_and_leaves_both_as_they_were(nets: SimpleNamespace) -> None:
    """Also where the source gives another size from one frame to the next."""
    with pair_of(nets.half, nets.same, **swap_options(nets)) as pair:
        pair.set_people(())
        for width in (640, 320, 640):
            frame = scene([], width=width)
            result = pair.process(frame, 0.0, PROGRESS)
            assert (result.faces, result.crops, result.remark) == ((), (), "No face was found.")
            np.testing.assert_array_equal(result.original, frame)
            np.testing.assert_array_equal(result.candidate, frame)


def test_people_who_cannot_be_read_change_nothing(nets: SimpleNamespace, tmp_path: Path) -> None:
    frame = scene([(3, 300.0, 220.0)])
    with pair_of(nets.paint, nets.paint, **swap_options(nets)) as pair:
        pair.set_people(())
        before = pair.process(frame, 0.0, PROGRESS).original.copy()
        broken = tmp_path / "broken.png"
        broken.write_bytes(b"no picture")
        for people in ([[str(broken)]], [[]], [[str(tmp_path / "gone.png")]]):
            with pytest.raises(StudioError):
                pair.set_people(people)
            np.testing.assert_array_equal(pair.process(frame, 0.0, PROGRESS).candidate, before)


def test_the_demo_is_as_alike_to_its_source_as_itself_and_a_blind_one_is_not(tmp_path: Path) -> None:
    with VideoReader(DEMO_CLIP) as reader:
        frame = next(iter(reader)).picture.copy()
    blind = drawn.swapper(tmp_path / "blind.onnx")  # gives the face back as it was
    with pair_of(DEMO_SWAPPER, "demo") as pair:
        pair.set_people(())
        result = pair.process(frame, 0.0, PROGRESS)
        same = [pair.identities(crop) for crop in result.crops]
        assert len(same) == 2
        for cosines in same:
            assert cosines is not None
            assert cosines[0] == cosines[1] > 0.6
        np.testing.assert_array_equal(result.original, result.candidate)
        assert pair.sides[0].macs == pair.sides[1].macs > 1e9
        assert pair.sides[0].runtime == "ONNX Runtime"
        pair.set_candidate(ModelChoice(str(blind), like_original=True), PROGRESS)
        result = pair.process(frame, 0.04, PROGRESS)
        blinded = [pair.identities(crop) for crop in result.crops]
        for before, now in zip(same, blinded, strict=True):
            assert now is not None
            assert now[0] == pytest.approx(before[0], abs=0.1)
            assert now[1] < now[0] - 0.3


# stable identities ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["swapper", "enhancer"])
def test_two_who_cross_keep_their_identities(kind: str, nets: SimpleNamespace, tmp_path: Path) -> None:
    """The twin that takes people by their places from left to right is wrong after the crossing."""
    options = {"embedder": str(nets.embedder), "family": "inswapper_like" if kind == "swapper" else "gfpgan_1.4"}
    model = nets.same if kind == "swapper" else enhancer(tmp_path / "enhancer.onnx", 1.0)
    seen: dict[int, list[float]] = {}
    by_place: dict[int, list[float]] = {}
    with pair_of(model, model, **options) as pair:
        pair.set_people(())
        for number in range(0, 40, 2):
            frame = scene([(3, 130 + 10 * number, 230), (8, 510 - 10 * number, 250)], size=180)
            faces = pair.process(frame, number / 25, PROGRESS).faces
            if abs(380 - 20 * number) < 120:
                continue
            assert len(faces) == 2
            ordered = sorted(faces, key=lambda face: face.detection.box[0])
            for place, face in enumerate(ordered):
                middle = (face.detection.box[0] + face.detection.box[2]) / 2
                rightward = abs(middle - (130 + 10 * number)) < 60
                assert face.identity is not None
                seen.setdefault(face.identity, []).append(rightward)
                by_place.setdefault(place, []).append(rightward)
    assert len(seen) == 2
    assert all(len(set(sightings)) == 1 for sightings in seen.values())
    assert all(len(set(sightings)) == 2 for sightings in by_place.values())


# models that draw -----------------------------------------------------------------------------------------------------


def test_faces_are_enhanced_as_each_enhancer_alone_does(tmp_path: Path) -> None:
    grey, same = enhancer(tmp_path / "grey.onnx", 0.0, drawn=128), enhancer(tmp_path / "same.onnx", 1.0, drawn=128)
    frame = five_people()
    with pair_of(grey, same, family="gfpgan_1.4") as pair:
        result = pair.process(frame, 0.0, PROGRESS)
        assert pair.kind == "enhancer"
        assert pair.draws
        assert len(result.crops) == 5
        for crop in result.crops:
            assert crop.original.shape == crop.candidate.shape == (128, 128, 3)
            np.testing.assert_allclose(crop.original, 0.5, atol=1e-3)
            assert crop.candidate.std() > 0.05
            middle = crop.matrix @ [*crop.face.points.mean(axis=0), 1]  # the matrix leads into the larger crop
            assert (np.abs(middle - 64) < 32).all()
    np.testing.assert_array_equal(result.original, alone(grey, frame, family="gfpgan_1.4"))
    np.testing.assert_array_equal(result.candidate, alone(same, frame, family="gfpgan_1.4"))


def test_whole_pictures_are_drawn_as_each_network_alone_does(tmp_path: Path) -> None:
    same = tmp_path / "same.onnx"
    onnx.save(copying(64), same)
    negative = drawn.negative(tmp_path / "negative.onnx")
    frame = scene([(3, 150.0, 110.0)], width=320, height=240)
    with pair_of(same, negative) as pair:
        result = pair.process(frame, 0.0, PROGRESS)
        assert (pair.kind, pair.draws, result.crops) == ("picture", True, ())
        assert result.figures == {"worked_share": 1.0}
        np.testing.assert_array_equal(result.original, frame)
        np.testing.assert_array_equal(result.candidate, alone(negative, frame))
        assert np.abs(result.candidate.astype(int) - (255 - frame.astype(int))).max() <= 1


def test_large_frames_are_made_smaller_before_they_are_enlarged(tmp_path: Path) -> None:
    doubling = tmp_path / "doubling.onnx"
    onnx.save(copying(64, 2), doubling)
    frame = scene([(3, 600.0, 400.0)], width=1280, height=720)
    with pair_of(doubling, doubling, family="real_esrgan_x2") as pair:
        result = pair.process(frame, 0.0, PROGRESS)
    assert pair.kind == "frame enhancer"
    assert result.original.shape == result.candidate.shape
    height, width = result.original.shape[:2]
    assert 0.95 * MOST_DRAWN < height * width < 1.05 * MOST_DRAWN
    assert width / height == pytest.approx(1280 / 720, rel=0.01)
    assert result.figures["worked_share"] == pytest.approx(width / 2 / 1280)


@pytest.mark.parametrize(("width", "height", "factor"), [(1280, 720, 1), (1920, 1080, 4), (8, 3000, 8), (1, 1, 4)])
def test_the_worked_size_keeps_the_shape_within_limits(width: int, height: int, factor: int) -> None:
    small = worked_size(width, height, factor)
    pixels = small[0] * small[1]
    assert pixels <= 1.01 * MOST_SEEN
    assert pixels * factor**2 <= 1.01 * MOST_DRAWN
    assert 1 <= small[0] <= width
    assert 1 <= small[1] <= height


# models that find -----------------------------------------------------------------------------------------------------


def test_detectors_each_draw_what_they_find(tmp_path: Path) -> None:
    left, right, moved = (20.0, 40.0, 100.0, 140.0), (200.0, 40.0, 280.0, 140.0), (28.0, 40.0, 108.0, 140.0)
    original = detector(tmp_path / "original.onnx", left, right)
    candidate = detector(tmp_path / "candidate.onnx", moved)
    frame = np.full((240, 320, 3), 90, np.uint8)
    with pair_of(original, candidate, family="ultraface_rfb_320") as pair:
        result = pair.process(frame, 0.0, PROGRESS)
        assert (pair.kind, pair.draws, result.crops) == ("detector", False, ())
        assert [face.identity for face in result.faces] in ([1, 2], [2, 1])
        assert result.figures == pytest.approx(
            {"boxes_original": 2, "boxes_candidate": 1, "boxes_matched": 2 / 3, "iou": 72 / 88}, rel=0.01
        )
        # the box on the right was found by the original alone
        assert (result.original[30:150, 190:290] != 90).any()
        assert (result.candidate[30:150, 190:290] == 90).all()
        assert (result.candidate[30:150, 20:120] != 90).any()
        assert {"original", "candidate", "draw"} <= set(result.seconds)


def test_landmarkers_mark_the_same_faces_and_say_how_far_they_are_apart(tmp_path: Path) -> None:
    original, shifted = landmarker(tmp_path / "original.onnx"), landmarker(tmp_path / "shifted.onnx", 0.1)
    frame = scene([(3, 180.0, 220.0), (8, 460.0, 240.0)])
    with pair_of(original, original, family="pfld") as pair:
        same = pair.process(frame, 0.0, PROGRESS)
        assert (pair.kind, pair.draws, len(same.faces)) == ("landmarker", False, 2)
        assert same.figures == {"points_apart": 0.0, "points_apart_share": 0.0}
        np.testing.assert_array_equal(same.original, same.candidate)
    with pair_of(original, shifted, family="pfld") as pair:
        other = pair.process(frame, 0.0, PROGRESS)
        assert (other.original != other.candidate).any()
        assert other.figures["points_apart_share"] == pytest.approx(0.12, abs=0.06)
        assert other.figures["points_apart"] > 5
        assert [face.identity for face in other.faces] == [face.identity for face in same.faces]


def test_maskers_tint_what_they_mask(tmp_path: Path) -> None:
    half, all_of_it = drawn.left_half(tmp_path / "half.onnx"), drawn.not_black(tmp_path / "all.onnx")
    frame = scene([(3, 180.0, 220.0), (8, 460.0, 240.0)])
    with pair_of(half, half, family="xseg_1") as pair:
        same = pair.process(frame, 0.0, PROGRESS)
        assert (pair.kind, pair.draws, same.figures) == ("masker", False, {"mask_iou": 1.0})
        np.testing.assert_array_equal(same.original, same.candidate)
    with pair_of(half, all_of_it, family="xseg_1") as pair:
        other = pair.process(frame, 0.0, PROGRESS)
        assert other.figures["mask_iou"] == pytest.approx(0.5, abs=0.1)
        changed = [(picture != frame).any(axis=2).sum() for picture in (other.original, other.candidate)]
        assert changed[0] == pytest.approx(changed[1] / 2, rel=0.2)


def test_recognisers_say_how_alike_their_embeddings_are(tmp_path: Path) -> None:
    original = recogniser(tmp_path / "original.onnx")
    near, other = recogniser(tmp_path / "near.onnx", 1, keep=0.9), recogniser(tmp_path / "other.onnx", 1, keep=0.0)
    frame = scene([(3, 180.0, 220.0), (8, 460.0, 240.0)])
    found = []
    for candidate in (original, near, other):
        with pair_of(original, candidate, family="arcface") as pair:
            result = pair.process(frame, 0.0, PROGRESS)
            assert (pair.kind, pair.draws, len(result.faces)) == ("recogniser", False, 2)
            assert result.figures["cosine_between_least"] <= result.figures["cosine_between"]
            assert (result.original != result.candidate).any()  # the number stands beside the face
            found.append(result.figures["cosine_between"])
    assert found[0] == pytest.approx(1.0)
    assert 0.9 < found[1] < 0.9999
    assert abs(found[2]) < 0.3


def test_there_is_a_pair_for_every_kind_that_runs_on_pictures() -> None:
    assert set(PAIRS) == set(_USED)
