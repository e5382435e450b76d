"""The assembled pipeline on drawn people: what is swapped, what stays, who is who, and what it says when it cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from converters.errors import BadInputError, UnsupportedError, UsageError
from converters.face.align import warp
from converters.face.embed import cosine
from converters.face.faces import Picture
from converters.face.finder import FaceFinder
from converters.face.options import PARAMETERS, face_options
from converters.face.paste import Paster
from converters.face.pipeline import FacePipeline
from converters.face.swap.opening import open_swapper
from tests.face.drawn import BACKGROUND, Opener, change, negative, options, painted_colour, portrait, scene

# what is swapped and what stays ---------------------------------------------------------------------------------------


def test_a_swapper_that_changes_nothing_changes_nothing(nets: SimpleNamespace, open_pipeline: Opener) -> None:
    """Cut, drawn the same, pasted back: every error of alignment, mask or paste would show."""
    frame = cv2.GaussianBlur(
        scene([(3, 200, 240), (8, 470, 220)]), (0, 0), 3
    )  # the crop has fewer pixels: no fine detail
    pipeline = open_pipeline(nets.same)
    done = pipeline.process(frame)
    assert len(done.crops) == len(done.faces) == 2
    assert done.remark == ""
    assert change(done.frame, frame).max() <= 8
    assert change(done.frame, frame).mean() < 0.2
    # the twin: pasted back three pixels beside
    crop = pipeline.crop(frame, done.faces[0])
    result = pipeline.stage.draw(crop)
    moved = frame.copy()
    Paster().paste(moved, result.crop, pipeline.mask(crop, result), crop.matrix + np.array([[0, 0, 3], [0, 0, 0]]))
    assert change(moved, frame).max() > 20


def test_only_faces_change(nets: SimpleNamespace, open_pipeline: Opener) -> None:
    frame = scene([(3, 200, 240), (8, 470, 220)])
    before = frame.copy()
    done = open_pipeline(nets.half).process(frame)
    assert np.array_equal(frame, before)
    changed = change(done.frame, frame) > 0
    for face in done.faces:
        left, top, right, bottom = (int(value) for value in face.detection.box)
        middle = done.frame[(top + bottom) // 2, (left + right) // 2].astype(float)
        assert np.abs(middle - frame[(top + bottom) // 2, (left + right) // 2] / 2).max() <= 3
        changed[max(top - 60, 0) : bottom + 40, max(left - 50, 0) : right + 50] = False
    assert not changed.any()


def test_the_source_decides_what_is_drawn(nets: SimpleNamespace, open_pipeline: Opener) -> None:
    """The painted colour is a function of the source's embedding alone."""
    frame = scene([(3, 320, 240)])
    pipeline = open_pipeline(nets.paint)
    painted = {}
    for person in (4, 9):
        source = pipeline.set_source([(f"person {person}", portrait(person))])
        expected = painted_colour(source.embeddings[0])
        done = pipeline.process(frame)
        x, y = done.faces[0].points[2].astype(int)
        painted[person] = done.frame[y, x].astype(float)
        assert np.abs(painted[person] - expected).max() < 2
    assert np.abs(painted[4] - painted[9]).max() > 5, "two sources would look alike"


def test_several_pictures_of_the_source_are_averaged(nets: SimpleNamespace, open_pipeline: Opener) -> None:
    """What is painted comes from the mean of the raw embeddings; either alone, or another share, paints another."""
    pipeline = open_pipeline(nets.paint)
    frame = scene([(3, 320, 240)])
    pictures = [("a", portrait(4)), ("b", portrait(9))]
    one, other = (pipeline.source_of([picture]).embeddings[0].astype(np.float64) for picture in pictures)
    both = pipeline.set_source(pictures)
    assert np.allclose(both.embeddings, [one, other], atol=1e-6)
    done = pipeline.process(frame)
    x, y = done.faces[0].points[2].astype(int)

    def off(share: float) -> float:
        mean = one * (1 - share) + other * share
        return float(np.abs(done.frame[y, x] - painted_colour(mean)).max())

    assert off(0.5) < 1.5
    assert min(off(0), off(1)) > 3
    with pytest.raises(BadInputError, match=r"b\.jpg shows no face"):
        pipeline.set_source([("a.jpg", portrait(4)), ("b.jpg", np.full((200, 200, 3), 90, np.uint8))])
    with pytest.raises(BadInputError, match="no picture"):
        pipeline.set_source([])


def test_no_face_leaves_the_frame_and_says_so(nets: SimpleNamespace, open_pipeline: Opener) -> None:
    frame = np.random.default_rng(0).integers(0, 255, (240, 320, 3)).astype(np.uint8)
    done = open_pipeline(nets.paint).process(frame)
    assert np.array_equal(done.frame, frame)
    assert (done.faces, done.crops, done.remark) == ((), (), "No face was found.")


# masks, blending, boost -----------------------------------------------------------------------------------------------


def test_pixel_boost_keeps_detail(nets: SimpleNamespace, open_pipeline: Opener) -> None:
    frame = portrait(3, 512)
    errors = {}
    for boost in (1, 2):
        pipeline = open_pipeline(nets.same, pixel_boost=boost)
        assert pipeline.stage.side == 128 * boost
        done = pipeline.process(frame)
        assert pipeline.crop(frame, done.crops[0].face).pixels.shape == (128 * boost, 128 * boost, 3)
        errors[boost] = float(change(done.frame, frame).mean())
    assert errors[2] < 0.7 * errors[1]


@pytest.mark.parametrize("blend", ["poisson", "pyramid"])
def test_other_ways_of_blending_paste_where_the_face_was(
    nets: SimpleNamespace, open_pipeline: Opener, blend: str
) -> None:
    """A face drawn as it was disappears in the picture; the same pasted three pixels beside does not."""
    frame = cv2.GaussianBlur(scene([(3, 320, 240)]), (0, 0), 3)
    pipeline = open_pipeline(nets.same, blend=blend)
    done = pipeline.process(frame)
    assert change(done.frame, frame).max() <= 8
    crop = pipeline.crop(frame, done.faces[0])
    result = pipeline.stage.draw(crop)
    moved = frame.copy()
    beside = replace(crop, matrix=crop.matrix + np.array([[0, 0, 3], [0, 0, 0]]))
    pipeline.paste(moved, beside, result, pipeline.mask(crop, result))
    assert change(moved, frame).max() > 20
    darker = open_pipeline(nets.half, blend=blend).process(frame)
    assert change(darker.frame, frame).max() > 4, "and something is drawn"
    assert not change(darker.frame, frame)[:40].any()


def test_enhancer_runs_after_the_swap(nets: SimpleNamespace, open_pipeline: Opener, tmp_path: Path) -> None:
    """The negative of the half, and not half of the negative."""
    frame = scene([(3, 320, 240)])
    done = open_pipeline(nets.half, enhancer=str(negative(tmp_path / "n.onnx", 128)), enhancer_mix=1.0).process(frame)
    x, y = done.faces[0].points[2].astype(int)
    was, drawn = frame[y, x].astype(float), done.frame[y, x].astype(float)
    assert np.abs(drawn - (255 - was / 2)).max() <= 12
    assert np.abs(drawn - (255 - was) / 2).min() > 60
    assert "enhance" in done.seconds


# which faces ----------------------------------------------------------------------------------------------------------


def test_one_is_the_largest_and_stays_the_same_person(nets: SimpleNamespace, open_pipeline: Opener) -> None:
    pipeline = open_pipeline(nets.half, faces="one")
    small = cv2.resize(portrait(3), (320, 320))

    def frame(shrink: float) -> Picture:
        large = cv2.resize(portrait(8), None, fx=shrink, fy=shrink)
        made = np.full((480, 860, 3), BACKGROUND, np.uint8)
        made[80:400, :320] = small
        made[: large.shape[0], 340 : 340 + large.shape[1]] = large[:480, :520]
        return made

    first = pipeline.process(frame(0.85), 0.0)
    assert len(first.faces) == 2
    (chosen,) = first.crops
    assert chosen.face.points[:, 0].min() > 340
    second = pipeline.process(frame(0.6), 0.04)
    (still,) = second.crops
    assert still.face.points[:, 0].min() > 340, "a little smaller than the other by now, but the one it began with"
    assert still.face.identity == chosen.face.identity


def test_reference_picks_a_person(nets: SimpleNamespace, open_pipeline: Opener) -> None:
    frame = scene([(3, 160, 240), (8, 480, 240)])
    pipeline = open_pipeline(nets.half, faces="reference", reference_cosine=0.8)
    with pytest.raises(BadInputError, match="--reference"):
        pipeline.process(frame)
    for person, place in ((3, 160), (8, 480)):
        pipeline.set_reference("picture", portrait(person, 200))
        done = pipeline.process(frame)
        assert len(done.faces) == 2
        (crop,) = done.crops
        assert abs(crop.face.points[:, 0].mean() - place) < 30
    pipeline.set_reference("picture", portrait(15, 200))
    done = pipeline.process(frame)
    assert (done.crops, done.remark) == ((), "None of the 2 faces is the reference.")
    assert np.array_equal(done.frame, frame)


# time -----------------------------------------------------------------------------------------------------------------


def two_who_cross(frame: int) -> Picture:
    return scene([(3, 130 + 10 * frame, 230), (8, 510 - 10 * frame, 250)], size=180)


@pytest.mark.parametrize("every", [1, 4])
def test_two_who_cross_keep_their_identities(nets: SimpleNamespace, open_pipeline: Opener, every: int) -> None:
    pipeline = open_pipeline(nets.same, detect_every=every)
    seen: dict[int, list[float]] = {}
    detected = 0
    for frame in range(40):
        done = pipeline.process(two_who_cross(frame), frame / 25)
        detected += "detect" in done.seconds
        for face in done.faces:
            assert face.identity is not None or frame > 0
            if face.identity is not None:
                seen.setdefault(face.identity, []).append(float(face.points[:, 0].mean()))
    assert set(seen) == {1, 2}
    assert all(len(places) >= 25 for places in seen.values())
    ends = {identity: places[-1] - places[0] for identity, places in seen.items()}
    assert sorted(np.sign(list(ends.values()))) == [-1, 1], "each went on in their own direction"
    assert min(map(abs, ends.values())) > 300
    assert detected == 40 if every == 1 else detected < 25


def test_following_between_detections_finds_the_same_places(nets: SimpleNamespace) -> None:
    def places(every: int) -> list[np.ndarray]:
        found = []
        with FaceFinder(options(nets, detect_every=every, track=True), threads=1) as finder:
            for frame in range(12):
                (face,) = finder.find(scene([(3, 200 + 6 * frame, 240 - 2 * frame)]), frame / 25)
                found.append(np.array([*face.detection.box, *face.points.ravel()]))
        return found

    every_frame, followed = places(1), places(6)
    differences = [np.abs(one - other).max() for one, other in zip(every_frame, followed, strict=True)]
    assert max(differences) < 10
    # the twin: faces left where they were detected last, as if nothing followed them
    left = [np.abs(every_frame[frame - frame % 6] - one).max() for frame, one in enumerate(every_frame)]
    assert max(left) > 20


def test_smoothing_calms_a_still_face_in_noise(nets: SimpleNamespace) -> None:
    generator = np.random.default_rng(0)
    still = scene([(3, 320, 240)])
    frames = [np.clip(still + generator.normal(0, 12, still.shape), 0, 255).astype(np.uint8) for _ in range(20)]

    def jitter(track: bool) -> float:
        with FaceFinder(options(nets, track=track), threads=1) as finder:
            points = np.stack([finder.find(frame, number / 25)[0].points for number, frame in enumerate(frames)])
        return float(np.abs(np.diff(points[3:], axis=0)).mean())

    assert jitter(True) < 0.6 * jitter(False)


def test_another_video_begins_with_new_faces(nets: SimpleNamespace) -> None:
    with FaceFinder(options(nets), threads=1) as finder:
        assert finder.find(scene([(3, 320, 240)]))[0].identity == 1
        finder.reset()
        assert finder.find(scene([(3, 320, 240)]))[0].identity == 2


# speed ----------------------------------------------------------------------------------------------------------------


def test_buffers_are_used_again_and_stages_are_timed(nets: SimpleNamespace, open_pipeline: Opener) -> None:
    pipeline = open_pipeline(nets.half)
    frame = scene([(3, 200, 240), (8, 470, 220)])
    first, second = pipeline.process(frame, 0.0), pipeline.process(frame, 0.04)
    assert first.frame.ctypes.data == second.frame.ctypes.data
    one, other = (pipeline.crop(frame, crop.face) for crop in second.crops)
    assert one.pixels is other.pixels, "however many faces there are, one buffer"
    stages = {"detect", "landmarks", "embed", "track", "crop", "swap", "mask", "paste"}
    assert set(second.seconds) == stages | {"total"}
    parts = sum(second.seconds[stage] for stage in stages)
    assert 0.5 * second.seconds["total"] < parts <= second.seconds["total"]


def test_a_candidate_draws_into_the_same_crop(nets: SimpleNamespace, open_pipeline: Opener) -> None:
    frame = scene([(3, 320, 240)])
    pipeline = open_pipeline(nets.same)
    source = pipeline.source_of([("source", portrait(4))])
    with open_swapper(nets.half, family="inswapper_like", threads=1) as candidate:
        stage = pipeline.new_stage(candidate)
        with pytest.raises(RuntimeError, match="no source"):
            stage.draw(pipeline.crop(frame, pipeline.find(frame)[0]))
        stage.set_source(source)
        (face,) = pipeline.choose(pipeline.find(frame))
        crop = pipeline.crop(frame, face)
        original, drawn = pipeline.stage.draw(crop), stage.draw(crop)
        assert np.abs(original.crop - crop.pixels).max() < 1e-6
        assert np.abs(drawn.crop - crop.pixels / 2).max() < 1e-6
    with (
        open_swapper(nets.large, family="hyperswap_1a_256", threads=1) as other,
        pytest.raises(ValueError, match="other crops"),
    ):
        pipeline.new_stage(other)


# odd pictures ---------------------------------------------------------------------------------------------------------


def test_faces_at_the_border_tiny_and_turned(nets: SimpleNamespace, open_pipeline: Opener) -> None:
    pipeline = open_pipeline(nets.half, track=False, thorough=True)
    border = scene([(3, 75, 80)])
    tiny = scene([(3, 320, 240)], size=40)
    for frame in (
        border,
        tiny,
        np.ascontiguousarray(np.rot90(portrait(3))),
        portrait(3)[:, :200],
        portrait(3)[100:103],
    ):
        done = pipeline.process(frame)
        assert done.frame.shape == frame.shape
        assert bool(done.crops) == (done.remark == "")
        assert np.array_equal(done.frame, frame) or done.crops
    assert pipeline.process(border).crops, "cut by the border, but a face"


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_heads_that_are_not_upright_are_swapped_upright(
    nets: SimpleNamespace, open_pipeline: Opener, turns: int
) -> None:
    frame = np.ascontiguousarray(np.rot90(portrait(8), turns))
    (turned,) = open_pipeline(nets.half, track=False, angles="0,90,180,270").process(frame).crops
    (upright,) = open_pipeline(nets.half, track=False).process(portrait(8)).crops
    crop, expected = warp(frame, turned.matrix, 128), warp(portrait(8), upright.matrix, 128)
    assert np.abs(crop - expected).mean() < 0.04
    assert np.abs(np.rot90(crop) - expected).mean() > 0.08, "the limit would not notice a turned crop"


# options --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"mask": "bax"}, "'box'"),
        ({"mask": ""}, "is empty"),
        ({"mask": "occlusion"}, "--occluder"),
        ({"mask": "region"}, "--region-masker"),
        ({"mask": "area", "landmarker": "none"}, "landmarks"),
        ({"areas": "chin"}, "Known"),
        ({"angles": "45"}, "angles"),
        ({"blend": "pasted"}, "blend"),
        ({"pixel_boost": 0}, "between"),
        ({"detect_evry": 2}, "'detect_every'"),
        ({"track": 1}, "bool"),
    ],
)
def test_wrong_options_are_refused(given: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        face_options(given)


def test_options_survive_json() -> None:
    made = face_options({"mask": "box, area", "pixel_boost": 2})
    assert face_options(made.to_json()) == made
    assert {parameter.name for parameter in PARAMETERS} == set(made.to_json())
    assert made.masks == ("box", "area")


def test_what_does_not_fit_is_refused(nets: SimpleNamespace) -> None:
    with pytest.raises(UnsupportedError, match="family"):
        FacePipeline(nets.same, replace(options(nets), family=""), threads=1)
    with pytest.raises(BadInputError, match="recogniser"):
        FacePipeline(nets.same, replace(options(nets), embedder=""), threads=1)


def test_the_test_recogniser_tells_the_drawn_people_apart(nets: SimpleNamespace, open_pipeline: Opener) -> None:
    pipeline = open_pipeline(nets.same)
    a, b, c = (
        pipeline.source_of([("x", portrait(seed, size))]).embeddings[0] for seed, size in ((3, 256), (3, 200), (8, 256))
    )
    assert cosine(a, b) > 0.9
    assert cosine(a, c) < 0.7
