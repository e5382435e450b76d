"""Coverage: every figure on pictures whose figure is known, and what is said of sets whose lack is known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from converters.builtin import DEMO_SWAPPER
from converters.compress.quantize.calibration import CalibrationSample, CalibrationSet, calibration_set
from converters.compress.quantize.coverage import coverage
from converters.compress.quantize.coverage_colour import (
    Tone,
    lab_of,
    skin_angle,
    skin_to_white,
    tone_of,
    typology_angle,
)
from converters.compress.quantize.coverage_figures import Figures, measure_sample, sharpness
from converters.compress.quantize.coverage_likeness import duplicates, outliers, thumbnail_of
from converters.compress.quantize.coverage_pose import FRONTAL, HEAD, pose_of
from converters.compress.quantize.coverage_words import LEFT_OUT, NOTHING, missing, remarks
from converters.errors import CancelledError
from converters.face.align import TEMPLATES
from converters.face.faces import Picture, Points
from converters.model.source import load
from converters.progress import Progress
from tests.measure.drawn import blurred, noisy, portrait

POINTS = (TEMPLATES["arcface_128"] * 128).astype(np.float32)


def flat(colour: Sequence[int], side: int = 128) -> Picture:
    return np.full((side, side, 3), colour, np.uint8)


def face(name: str, picture: Picture, points: Points | None = POINTS) -> CalibrationSample:
    return CalibrationSample(name, {}, picture, points, points is not None)


# --- colour ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("colour", "expected"),
    [
        ((255, 255, 255), (100.0, 0.0, 0.0)),
        ((0, 0, 0), (0.0, 0.0, 0.0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),  # published for sRGB and D65
        ((0, 255, 0), (87.73, -86.18, 83.18)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
        ((119, 119, 119), (50.03, 0.0, 0.0)),
    ],
)
def test_known_colours_in_lab(colour: tuple[int, int, int], expected: tuple[float, float, float]) -> None:
    seen = lab_of(flat(colour, 2))[0, 0]
    assert seen == pytest.approx(expected, abs=0.03)
    if len(set(colour)) > 1:  # the twin: channels the other way round are another colour
        assert lab_of(flat(colour[::-1] if colour[1] == 0 else (0, colour[1] // 2, 0), 2))[0, 0] != pytest.approx(
            expected, abs=5
        )


def test_the_typology_angle_and_its_groups() -> None:
    assert typology_angle(50, 20) == pytest.approx(0)
    assert typology_angle(70, 20) == pytest.approx(45)
    assert typology_angle(30, 20) == pytest.approx(-45)
    assert typology_angle(70, 2.9) is None
    assert typology_angle(70, -10) is None
    angles = (60, 55, 41.1, 41, 28.1, 28, 10.1, 10, -29, -30, -30.1, -80)
    assert [tone_of(angle) for angle in angles] == [
        Tone.VERY_LIGHT,
        Tone.LIGHT,
        Tone.LIGHT,
        Tone.INTERMEDIATE,
        Tone.INTERMEDIATE,
        Tone.TAN,
        Tone.TAN,
        Tone.BROWN,
        Tone.BROWN,
        Tone.BROWN,
        Tone.DARK,
        Tone.DARK,
    ]


SKIN = {
    Tone.VERY_LIGHT: (243, 222, 208),
    Tone.LIGHT: (214, 174, 142),
    Tone.INTERMEDIATE: (194, 150, 116),
    Tone.TAN: (174, 130, 98),
    Tone.BROWN: (126, 84, 56),
    Tone.DARK: (61, 38, 26),
}


@pytest.mark.parametrize("tone", SKIN)
def test_the_skin_of_a_drawn_face_is_found_beside_hair_and_background(tone: Tone) -> None:
    colour = SKIN[tone]
    lightness, _, yellowness = lab_of(flat(colour, 1))[0, 0]
    picture = flat((20, 60, 160))  # background
    cv2.ellipse(picture, (64, 68), (36, 50), 0, 0, 360, colour, -1)
    cv2.rectangle(picture, (48, 14), (80, 38), (25, 20, 18), -1)  # hair over the forehead
    figures, _ = measure_sample(face("a", picture), None)
    assert figures.angle == pytest.approx(typology_angle(float(lightness), float(yellowness)), abs=0.5)
    assert figures.tone is tone
    both_cheeks = picture.copy()
    both_cheeks[60:100] = (25, 20, 18)  # the twin: a beard up to the eyes is not skin
    assert measure_sample(face("a", both_cheeks), None)[0].angle != pytest.approx(figures.angle, abs=2)


def test_grey_pictures_and_blue_light_have_no_skin_tone() -> None:
    for colour in ((120, 120, 120), (90, 100, 160)):
        assert measure_sample(face("a", flat(colour)), None)[0].tone is None
    assert skin_angle(lab_of(flat((205, 163, 131))), np.array([[500.0, 500.0]], np.float32), 5) is None


def test_skin_beside_white_does_not_depend_on_the_light() -> None:
    landmarks = _drawn_landmarks()
    patches = np.array([[64, 30], [45, 80], [83, 80]], np.float32)
    linear = {"dark": 0.05, "light": 0.45}
    found = {}
    for name, skin in linear.items():
        for strength in (1.0, 0.25):
            picture = flat([_srgb(skin * strength)] * 3)
            for part in (slice(36, 42), slice(42, 48)):
                cv2.fillPoly(picture, [np.rint(landmarks[part]).astype(np.int32)], [_srgb(0.6 * strength)] * 3)
            found[name, strength] = skin_to_white(lab_of(picture), patches, 5, landmarks)
    assert found["dark", 1.0] == pytest.approx(0.05 / 0.6, rel=0.05)
    assert found["dark", 0.25] == pytest.approx(found["dark", 1.0], rel=0.1)
    assert found["light", 0.25] == pytest.approx(0.45 / 0.6, rel=0.05)


def _srgb(linear: float) -> int:
    return round(255 * (1.055 * linear ** (1 / 2.4) - 0.055))


def _drawn_landmarks() -> Points:
    landmarks = np.full((68, 2), 64, np.float32)
    landmarks[36:42] = [[38, 52], [43, 48], [50, 48], [55, 52], [50, 56], [43, 56]]
    landmarks[42:48] = landmarks[36:42] + np.array([36, 0])
    return landmarks


# --- light, contrast, sharpness ---------------------------------------------------------------------------------------


def test_brightness_light_and_contrast_of_known_pictures() -> None:
    figures, shown = measure_sample(face("a", flat((119, 119, 119))), None)
    assert (figures.brightness, figures.light) == (pytest.approx(50.03, abs=0.05), pytest.approx(50.03, abs=0.05))
    assert (figures.contrast, figures.sharpness) == (pytest.approx(0, abs=1e-3), 0)
    assert shown is not None
    assert shown.shape == (128, 128, 3)
    halves = flat((0, 0, 0))
    halves[:, 64:] = 255
    seen, _ = measure_sample(face("a", halves), None)
    assert seen.brightness == pytest.approx(50, abs=1)
    assert seen.contrast == pytest.approx(50, abs=1)
    assert seen.light == pytest.approx(100, abs=0.1)
    framed = flat((255, 255, 255))
    cv2.ellipse(framed, (64, 68), (37, 52), 0, 0, 360, (119, 119, 119), -1)
    inside, _ = measure_sample(face("a", framed), None)
    assert inside.brightness == pytest.approx(50.03, abs=0.5)  # only the face counts
    scene, _ = measure_sample(face("a", framed, None), None)
    assert scene.brightness > 70  # the twin: without a face the whole picture does
    assert scene.tone is None


def test_sharpness_of_a_wave_is_what_the_formula_gives() -> None:
    everywhere = np.zeros((128, 128), bool)
    everywhere[8:120, 8:120] = True
    wave = 128 + 60 * np.cos(2 * np.pi * np.arange(128) / 8)
    picture = np.repeat(np.tile(np.rint(wave).astype(np.uint8), (128, 1))[..., None], 3, axis=2)
    expected = (60 * (2 - 2 * np.cos(2 * np.pi / 8))) ** 2 / 2
    assert sharpness(picture, everywhere) == pytest.approx(expected, rel=0.02)
    assert sharpness(blurred(picture, 2), everywhere) < 0.2 * expected  # the twin


def test_sharpness_is_measured_at_one_size() -> None:
    large = blurred(np.asarray(cv2.resize(portrait(1, 256), (512, 512)), np.uint8), 5)
    half = np.asarray(cv2.resize(large, (256, 256), interpolation=cv2.INTER_AREA), np.uint8)
    one, other, soft = (
        measure_sample(face("a", shown, (TEMPLATES["arcface_128"] * len(shown)).astype(np.float32)), None)[0].sharpness
        for shown in (large, half, blurred(large, 10))
    )
    assert one is not None
    assert other == pytest.approx(one, rel=0.15)
    assert soft is not None
    assert soft < 0.3 * one  # the twin


# --- pose -------------------------------------------------------------------------------------------------------------


def turned(model: np.ndarray, yaw: float, pitch: float, roll: float) -> Points:
    """Return a head's points as a camera far away sees them; right, down, away."""
    y, x, z = np.radians([yaw, pitch, roll])
    # the face looks towards -z: a turn to the viewer's right moves it to +x, looking up to -y
    about_y = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(x), np.sin(x)], [0, -np.sin(x), np.cos(x)]])
    about_z = np.array([[np.cos(z), -np.sin(z)], [np.sin(z), np.cos(z)]])
    seen = (model @ about_y.T @ about_x.T)[:, :2] @ about_z.T
    return (seen * 70 + np.array([200, 150])).astype(np.float32)


# the 48 points and a mouth of which only the corners matter
HEAD_68 = np.concatenate([HEAD, np.repeat([[0.0, 1.0, -0.1]], 20, axis=0)])
HEAD_68[[48, 54]] = FRONTAL[3:]


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (30, 0), (-30, 0), (0, 15), (0, -15), (20, -10), (-45, 10)])
def test_a_turned_head_is_measured_from_both_kinds_of_points(yaw: float, pitch: float) -> None:
    for points in (turned(FRONTAL, yaw, pitch, 0), turned(HEAD_68, yaw, pitch, 0)):
        found = pose_of(points)
        assert found is not None
        assert found.yaw == pytest.approx(yaw, abs=5)
        assert found.pitch == pytest.approx(pitch, abs=4)
        mirrored = pose_of(turned(FRONTAL, -yaw, -pitch, 0))  # the twin
        assert mirrored is not None
        if yaw or pitch:
            assert abs(mirrored.yaw - yaw) + abs(mirrored.pitch - pitch) > 10


def test_a_head_turned_to_the_viewers_right_has_its_nose_there() -> None:
    points = turned(FRONTAL, 30, 0, 0)
    assert points[2, 0] > points[[0, 1, 3, 4], 0].mean() + 5
    raised = turned(FRONTAL, 0, 20, 0)
    assert raised[2, 1] - raised[0, 1] < turned(FRONTAL, 0, 0, 0)[2, 1] - turned(FRONTAL, 0, 0, 0)[0, 1] - 5


def test_roll_is_measured_and_does_not_disturb_the_rest() -> None:
    found = pose_of(turned(FRONTAL, 20, 0, 25))
    assert found is not None
    assert found.roll == pytest.approx(25, abs=5)
    assert found.yaw == pytest.approx(20, abs=4)


def test_points_that_are_no_face_have_no_pose() -> None:
    assert pose_of(np.full((5, 2), 3, np.float32)) is None
    assert pose_of(np.full((5, 2), np.nan, np.float32)) is None
    with pytest.raises(ValueError, match="68 or five"):
        pose_of(np.zeros((4, 2), np.float32))


def test_a_crops_template_is_no_pose_but_a_detectors_points_are() -> None:
    sample = face("a", portrait(1))
    assert measure_sample(sample, None)[0].yaw is None
    detected = replace(sample, points=turned(FRONTAL, 30, 0, 0) * 0.3, is_crop=False)
    assert measure_sample(detected, None)[0].yaw == pytest.approx(30, abs=3)


# --- near-duplicates and outliers -------------------------------------------------------------------------------------


def found_among(pictures: Sequence[Picture]) -> list[tuple[int, int]]:
    light = [float(lab_of(picture)[..., 0].mean()) for picture in pictures]
    return [(each.first, each.second) for each in duplicates([thumbnail_of(each) for each in pictures], light)]


def test_near_duplicates_are_found_and_others_are_not() -> None:
    one = portrait(1)
    again = cv2.imdecode(cv2.imencode(".jpg", one, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], cv2.IMREAD_COLOR)
    moved = np.roll(one, 1, axis=1)
    assert found_among([one, portrait(2), again, portrait(3), noisy(moved, 2)]) == [(0, 2), (0, 4)]
    assert found_among([portrait(seed) for seed in range(12)]) == []
    darker = np.asarray(one * 0.5, np.uint8)
    assert found_among([one, darker]) == []  # the same face in other light is another sample
    assert found_among([flat((9, 9, 9)), portrait(1), flat((9, 9, 9)), flat((200, 200, 200))]) == [(0, 2)]
    assert duplicates([None, None], [None, None]) == ()


def test_looking_for_duplicates_can_be_cancelled() -> None:
    thumbnails = [thumbnail_of(flat((place, 9, 9))) for place in range(6)]
    seen: list[float] = []
    stop = Progress(lambda message: seen.append(message.fraction), lambda: len(seen) == 3)
    with pytest.raises(CancelledError):
        duplicates(thumbnails, [1.0] * 6, stop)
    assert seen == sorted(set(seen))
    assert len(duplicates(thumbnails, [1.0] * 6)) == 5


def ranges(count: int = 20, tensors: int = 12) -> np.ndarray:
    generator = np.random.default_rng(5)
    high = 4 + 0.3 * generator.standard_normal((count, tensors))
    return np.stack([-0.5 * high, high], axis=-1).astype(np.float32)


def test_a_sample_that_alone_widens_many_ranges_is_an_outlier() -> None:
    seen = ranges()
    assert outliers(seen) == ()
    seen[7, :5, 1] = 12
    (found,) = outliers(seen)
    assert (found.place, found.tensors, found.of) == (7, 5, 12)
    assert 0.7 < found.widening < 1.5
    assert found.score > 10
    seen[11, :5, 1] = 12  # the twin: two of a kind are no outliers, they are what the model meets
    assert outliers(seen) == ()
    few = ranges()
    few[7, :2, 1] = 12
    assert outliers(few) == ()  # two tensors are not many
    assert outliers(seen[:4]) == ()
    below = ranges()
    below[3, 4:9, 0] = -9
    assert [each.place for each in outliers(below)] == [3]


def test_tensors_that_fire_for_one_sample_only_make_it_an_outlier() -> None:
    seen = np.zeros((8, 4, 2), np.float32)
    seen[2, :, 1] = 1
    (found,) = outliers(seen)
    assert found.place == 2
    assert np.isinf(found.widening)


# --- words ------------------------------------------------------------------------------------------------------------


def person(number: int, **changed: object) -> Figures:
    """Return an unremarkable sample."""
    usual = Figures(f"{number}", 55.0, 75.0, 12.0, 20.0, 1.0, 2.0, 1.0, 0.0, 150.0)
    return replace(usual, **changed)  # type: ignore[arg-type]


DARK = {"angle": -40.0, "skin_to_white": 0.2}


def complete() -> list[Figures]:
    """Return a set that lacks nothing."""
    kinds: list[dict[str, object]] = [
        {**DARK, "light": 50.0},
        {**DARK, "yaw": 30.0},
        {**DARK, "sharpness": 40.0},
        {"angle": 48.0, "light": 93.0},
        {"light": 50.0, "yaw": -32.0},
        {"sharpness": 400.0, "contrast": 25.0},
        {"pitch": 24.0},
        {"contrast": 6.0},
    ]
    return [person(place, **kinds[place % len(kinds)]) for place in range(32)]


def said(figures: Sequence[Figures]) -> tuple[str, ...]:
    return missing(figures, True, (), ())


def test_a_complete_set_lacks_nothing() -> None:
    assert said(complete()) == (NOTHING,)


@pytest.mark.parametrize(
    ("left_out", "sentence"),
    [
        (lambda each: each.reads_dark, f"No dark skin: {LEFT_OUT}."),
        (lambda each: each.reads_dark and each.light < 60, f"No dark skin under weak light: {LEFT_OUT}."),
        (lambda each: each.reads_dark and each.yaw > 25, f"No dark skin on a turned head: {LEFT_OUT}."),
        (lambda each: each.tone is Tone.LIGHT, f"No skin that reads as light: {LEFT_OUT}."),
        (lambda each: abs(each.yaw) > 25, "No heads turned aside by 25° or more"),
        (lambda each: each.light < 60, "No weak light"),
        (lambda each: each.light > 88, "No strong light"),
        (lambda each: each.pitch > 20, "No heads lowered or raised"),
        (lambda each: each.sharpness > 250, "No sharp pictures"),
        (lambda each: each.sharpness < 60, "No blurred pictures"),
        (lambda each: each.contrast > 18, "No high contrast"),
        (lambda each: each.contrast < 8, "No low contrast"),
    ],
)
def test_what_is_left_out_is_said_first(left_out: object, sentence: str) -> None:
    kept = [each for each in complete() if not left_out(each)]  # type: ignore[operator]
    assert len(kept) >= 16
    sentences = said(kept)
    assert any(each.startswith(sentence) for each in sentences)
    if LEFT_OUT in sentence:
        assert sentences[0] == sentence
    assert not any(each.startswith(sentence) for each in said(complete()))


def test_rare_ones_are_counted() -> None:
    figures = [person(place) for place in range(60)] + [person(60, **DARK)]
    assert said(figures)[0].startswith("Only 1 of 61 samples shows dark skin:")


def test_dim_pictures_of_light_skin_do_not_count_as_dark_skin() -> None:
    lacking = [each for each in complete() if not each.reads_dark]
    dim = [person(40 + place, angle=-45.0, skin_to_white=0.9, light=50.0) for place in range(4)]
    sentences = said([*lacking, *dim])
    assert sentences[0].startswith("No dark skin:")
    assert sentences[1].startswith("4 of 24 samples read as brown or dark, but in 4 of them")
    unknown = [replace(each, skin_to_white=None) for each in dim]  # the twin: nothing speaks against them
    assert not any(each.startswith("No dark skin:") for each in said([*lacking, *unknown]))


def test_nothing_is_said_of_what_was_not_measured() -> None:
    figures = [replace(each, yaw=None, pitch=None, roll=None, angle=None) for each in complete()]
    assert not any("head" in each or "skin" in each for each in said(figures))
    told = remarks(figures, True, False)
    assert any("Pose was not measured in 32 of 32 samples: no landmarker" in each for each in told)
    assert any("Skin tone could not be read in 32 of 32" in each for each in told)
    assert not any("whose light nobody measured" in each for each in told)
    assert any("whose light nobody measured" in each for each in remarks(complete(), True, True))


def test_few_samples_and_misplaced_crops_come_first() -> None:
    assert said([person(0)]) == ("There is one sample: its ranges say nothing of other people, poses and lights.",)
    assert said(complete()[:8])[0].startswith("There are only 8 samples")
    wrong = [replace(complete()[0], misplaced=True), *complete()[1:]]
    assert said(wrong)[0].startswith("In 1 of 32 crops the face does not lie where")
    assert missing([Figures("a"), Figures("b")], False, (), ()) == (
        "There are only 2 samples: 32 to 128 that differ are a good number.",
    )


# --- whole sets -------------------------------------------------------------------------------------------------------


def test_a_set_is_measured_in_one_go_and_is_plain_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("converters.compress.quantize.coverage._landmarker", lambda _stack: None)
    samples = [face(f"{seed}", portrait(seed)) for seed in range(19) if seed != 13]  # 12 and 13 are alike
    samples += [face("again", noisy(portrait(4), 1)), face("grey", flat((90, 90, 90)))]
    per_sample = ranges(19)
    per_sample[6, :6, 1] = 15
    # equal samples are observed once: "again" is not among them
    names = tuple(each.name for each in samples if each.name != "again")
    seen = SimpleNamespace(samples=names, per_sample=per_sample)
    found = coverage(CalibrationSet(samples, "drawn"), seen)  # type: ignore[arg-type]
    data = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert (data["count"], data["has_faces"], data["origin"]) == (20, True, "drawn")
    assert [each["name"] for each in data["samples"]] == [each.name for each in samples]
    assert data["duplicates"] == [{"first": "4", "second": "again", "likeness": pytest.approx(1, abs=0.02)}]
    assert data["samples"][18]["duplicate_of"] == "4"
    assert [each["name"] for each in data["outliers"]] == ["6"]
    assert [each["widens"] for each in data["samples"] if each["widens"]] == [6]
    assert sum(data["tones"].values()) == data["measures"]["angle"]["count"] == 19
    assert data["samples"][19]["tone"] is None
    assert data["measures"]["yaw"] is None
    text = " ".join(found.sentences)
    assert "again like 4" in text
    assert "6 (6 of 12)" in text
    with pytest.raises(ValueError, match="other samples: another"):
        coverage(CalibrationSet(samples, ""), SimpleNamespace(samples=("another",), per_sample=ranges(1)))  # type: ignore[arg-type]


def test_whole_pictures_and_samples_without_one_get_what_applies() -> None:
    dim = [face(f"{seed}", np.asarray(portrait(seed, 200) * 0.25, np.uint8), None) for seed in range(16)]
    found = coverage(CalibrationSet(dim, "scenes"))
    assert not found.has_faces
    assert any(each.startswith("No bright pictures") for each in found.sentences)
    assert not any(word in " ".join(found.sentences) for word in ("skin", "head", "No dark pictures"))
    assert found.remarks == ()
    numbers = coverage(CalibrationSet([CalibrationSample(f"{place}", {}) for place in range(20)], "numbers"))
    assert numbers.sentences == ()
    assert numbers.remarks == ("20 of 20 samples show no picture: nothing was measured of them.",)
    assert json.dumps(numbers.to_json(), allow_nan=False)


@pytest.mark.skipif(not DEMO_SWAPPER.is_file(), reason="the demo model is not built")
def test_the_built_in_crops_are_said_to_lack_dark_skin() -> None:
    pytest.importorskip("ai_edge_litert")
    found = coverage(calibration_set(load("demo"), "", 64))
    assert found.sentences[0] == f"No dark skin: {LEFT_OUT}."
    assert all(each.yaw is not None for each in found.figures)
    assert not any(each.misplaced for each in found.figures)
    assert found.duplicates == ()


@pytest.mark.skipif(not DEMO_SWAPPER.is_file(), reason="the demo model is not built")
def test_crops_cut_for_another_model_are_told() -> None:
    pytest.importorskip("ai_edge_litert")
    right = calibration_set(load("demo"), "", 3)
    away = [
        replace(each, picture=np.ascontiguousarray(np.roll(each.picture, 24, axis=0)))
        for each in right
        if each.picture is not None
    ]
    assert any(each.misplaced for each in coverage(CalibrationSet(away, "")).figures)
    assert not any(each.misplaced for each in coverage(right).figures)
