"""The same face keeps its number: through crossings, absences, noise and crowds; and landmarks calm down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from converters.errors import UsageError
from converters.face.faces import Detection, Embedding
from converters.face.kalman import Box, BoxMotion
from converters.face.smooth import LandmarkSmoother, SmoothingSettings
from converters.face.track import Tracker, TrackerSettings, TrackState


@dataclass(frozen=True)
class Sighting:
    """What the tracker gets to see of a person in one frame, and who that is."""

    person: int
    detection: Detection
    embedding: Embedding


Clip = list[list[Sighting]]
Path2d = Callable[[float], tuple[float, float]]


def detection(x: float, y: float, side: float) -> Detection:
    box = (x - side / 2, y - side * 0.6, x + side / 2, y + side * 0.6)
    return Detection(box, 0.9, np.tile(np.float32([x, y]), (5, 1)))


def clip(
    paths: Sequence[Path2d],
    frames: int,
    *,
    hidden: Callable[[int, int], bool] = lambda _person, _frame: False,
    noise: float = 2.0,
    side: float = 100.0,
    seed: int = 1,
) -> Clip:
    """Return sightings of people on given paths, shuffled in every frame; embeddings of one person agree by 0.8."""
    generator = np.random.default_rng(seed)
    faces = generator.standard_normal((len(paths), 512))
    faces /= np.linalg.norm(faces, axis=1, keepdims=True)
    made = []
    for frame in range(frames):
        seen = []
        for person, path in enumerate(paths):
            x, y = np.array(path(frame)) + generator.normal(0, noise, 2)
            seen_face = faces[person] + generator.normal(0, 0.022, 512)
            if not hidden(person, frame):
                size = side * (1 + generator.normal(0, 0.02))
                seen.append(Sighting(person, detection(x, y, size), (9 * seen_face).astype(np.float32)))
        generator.shuffle(seen)  # type: ignore[arg-type]
        made.append(seen)
    return made


def follow(tracker: Tracker, made: Clip, *, embed: bool = True) -> list[dict[int, int | None]]:
    """Return for every frame the identity that each person in view got."""
    history = []
    for frame in made:
        identities = tracker.update(
            [item.detection for item in frame], [item.embedding for item in frame] if embed else None
        )
        history.append({item.person: identity for item, identity in zip(frame, identities, strict=True)})
    return history


def is_kept(history: list[dict[int, int | None]], *, from_frame: int = 0) -> bool:
    """Whether every person had one number throughout, and nobody shared it."""
    numbers: dict[int, set[int | None]] = {}
    for frame in history[from_frame:]:
        for person, identity in frame.items():
            numbers.setdefault(person, set()).add(identity)
    flat = [identity for seen in numbers.values() for identity in seen]
    return all(len(seen) == 1 for seen in numbers.values()) and len(set(flat)) == len(flat) and None not in flat


def crossing(frame: float) -> tuple[float, float]:
    return 100 + 10 * frame, 300


def crossing_back(frame: float) -> tuple[float, float]:
    return 700 - 10 * frame, 310


def meeting(frame: float) -> tuple[float, float]:
    """Walk towards the middle and turn back there."""
    return 100 + 10 * min(frame, 60 - frame), 300


def meeting_too(frame: float) -> tuple[float, float]:
    return 700 - 10 * min(frame, 60 - frame), 310


def behind(_person: int, frame: int) -> bool:
    """Whether person 1 is hidden by person 0, while they meet."""
    return _person == 1 and 27 <= frame <= 33


@pytest.mark.parametrize("seed", range(4))
def test_two_who_cross_keep_their_numbers(seed: int) -> None:
    assert is_kept(follow(Tracker(), clip([crossing, crossing_back], 60, hidden=behind, seed=seed)))


def test_two_who_meet_and_turn_back_keep_their_numbers_by_their_faces() -> None:
    clips = [clip([meeting, meeting_too], 60, hidden=behind, seed=seed) for seed in range(8)]
    assert all(is_kept(follow(Tracker(), made)) for made in clips)
    by_motion = sum(is_kept(follow(Tracker(), made, embed=False)) for made in clips)
    assert by_motion <= 5, "motion alone would do: the clips prove nothing"
    settings = TrackerSettings(embedding_weight=0.0, same=0.999, different=-1.0)
    unweighted = sum(is_kept(follow(Tracker(settings), made)) for made in clips)
    assert unweighted <= 5, "the embeddings' weight would have no effect"


def test_exchanged_faces_are_noticed() -> None:
    """The twin: when the two embeddings change owners at the meeting, the numbers follow the faces."""
    made = clip([meeting, meeting_too], 60, hidden=behind)
    exchanged = []
    for number, frame in enumerate(made):
        own = {item.person: item.embedding for item in frame}
        if number > 30 and len(own) == 2:
            frame = [replace(item, embedding=own[1 - item.person]) for item in frame]  # noqa: PLW2901
        exchanged.append(frame)
    history = follow(Tracker(), exchanged)
    assert not is_kept(history)
    assert history[-1] == {0: history[0][1], 1: history[0][0]}


@pytest.mark.parametrize("embed", [True, False])
def test_many_in_a_crowd_with_misses_keep_their_numbers(embed: bool) -> None:
    misses = np.random.default_rng(7).uniform(size=(12, 80)) < 0.15
    misses[:, :3] = False

    def path(person: int) -> Path2d:
        return lambda frame: (
            150 + 200 * (person % 4) + 40 * np.sin(frame / 15 + person),
            150 + 220 * (person // 4) + 20 * np.cos(frame / 11 + 2 * person),
        )

    made = clip([path(person) for person in range(12)], 80, hidden=lambda person, frame: bool(misses[person, frame]))
    assert is_kept(follow(Tracker(), made, embed=embed))


def test_somebody_who_was_away_is_known_again_elsewhere() -> None:
    def wandering(frame: float) -> tuple[float, float]:
        return (100, 100) if frame < 20 else (800, 500)

    made = clip([wandering], 120, hidden=lambda _person, frame: 20 <= frame < 100)
    tracker = Tracker()
    assert is_kept(follow(tracker, made))
    history = follow(Tracker(), made, embed=False)
    assert history[0][0] == 1
    assert history[-1][0] == 2, "without a face nobody can tell"
    forgetful = Tracker(TrackerSettings(forget_after=50))
    assert not is_kept(follow(forgetful, made))


def test_another_person_in_the_same_place_gets_a_number_of_their_own() -> None:
    def here(_frame: float) -> tuple[float, float]:
        return 200, 200

    made = clip([here, here], 40, hidden=lambda person, frame: person != int(frame >= 20))
    history = follow(Tracker(), made)
    assert history[19] == {0: 1}
    assert history[20] == {1: None}
    assert history[-1] == {1: 2}


def test_somebody_who_comes_out_half_covered_is_known_again_once_whole() -> None:
    """The first sightings after the absence resemble nobody and begin a track of their own."""
    generator = np.random.default_rng(4)
    face, other = (vector / np.linalg.norm(vector) for vector in generator.standard_normal((2, 512)))

    def run(whole: float) -> list[int | None]:
        tracker, given = Tracker(), []
        for frame in range(40):
            if 10 <= frame < 20:
                tracker.update([])
                continue
            share = 0.15 if 20 <= frame < 24 else whole if frame >= 24 else 1.0
            seen = share * face + np.sqrt(1 - share**2) * other
            given += tracker.update([detection(200 + 10 * frame, 200, 80)], [seen.astype(np.float32)])
        return given

    assert run(whole=0.9)[-10:] == [1] * 10
    assert run(whole=0.15)[-10:] == [2] * 10, "who never comes to resemble the first is somebody else"


def test_states_of_a_track() -> None:
    tracker = Tracker(TrackerSettings(confirm_after=3, patience=4, forget_after=10))
    face = detection(100, 100, 50)
    vector = np.ones(8, np.float32)
    assert tracker.update([]) == ()
    assert [tracker.update([face], [vector]) for _ in range(3)] == [(None,), (None,), (1,)]
    assert tracker.tracks[0].state is TrackState.CONFIRMED
    for missed in range(1, 5):
        tracker.update([])
        assert (tracker.tracks[0].state, tracker.tracks[0].missed) == (TrackState.CONFIRMED, missed)
    tracker.update([])
    assert tracker.tracks[0].state is TrackState.LOST
    for _ in range(6):
        tracker.update([])
    assert tracker.tracks == ()
    tracker.update([face])
    tracker.update([])
    assert tracker.tracks == (), "a single sighting is no track"


def test_faces_of_the_first_frame_have_numbers_at_once_and_numbers_are_not_used_again() -> None:
    tracker = Tracker()
    faces = [detection(100, 100, 50), detection(300, 100, 50)]
    assert tracker.update(faces) == (1, 2)
    tracker.reset()
    assert tracker.update(faces[::-1]) == (3, 4)


def test_expected_places_lead_the_way() -> None:
    tracker = Tracker()
    for frame in range(20):
        tracker.update([detection(100 + 6 * frame, 200, 80)])
    ((identity, box),) = tracker.expected().items()
    assert identity == 1
    assert (box[0] + box[2]) / 2 == pytest.approx(100 + 6 * 20, abs=1.5)
    tracker.update([])
    assert tracker.expected() == {}


def test_a_face_that_is_only_half_embedded_is_still_followed() -> None:
    made = clip([crossing, crossing_back], 60)
    tracker = Tracker()
    history = []
    for number, frame in enumerate(made):
        embeddings = [item.embedding if number % 5 == 0 else None for item in frame]
        identities = tracker.update([item.detection for item in frame], embeddings)
        history.append({item.person: identity for item, identity in zip(frame, identities, strict=True)})
    assert is_kept(history)


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="1 embeddings for 0"):
        Tracker().update([], [np.ones(4, np.float32)])
    for settings in ({"embedding_weight": 1.5}, {"least_overlap": 0.0}, {"same": 0.1, "different": 0.2}):
        with pytest.raises(UsageError):
            TrackerSettings(**settings)


# the filter behind it -------------------------------------------------------------------------------------------------


def test_the_filter_learns_speed_and_growth() -> None:
    def at(frame: int) -> Box:
        side = 80 * 1.01**frame
        return (5.0 * frame, 3.0 * frame, 5.0 * frame + side, 3.0 * frame + side)

    motion = BoxMotion(at(0))
    for frame in range(1, 40):
        motion.predict()
        motion.correct(at(frame))
    expected = motion.expected()
    assert np.abs(np.subtract(expected, at(40))).max() < 1.5
    assert np.abs(np.subtract(expected, at(39))).max() > 2.5, "the limit would not notice a filter without motion"
    assert motion.predict() == expected


def test_the_filter_calms_noise() -> None:
    generator = np.random.default_rng(3)
    motion, errors, noises = BoxMotion((0, 0, 100, 100)), [], []
    for _ in range(200):
        noise = generator.normal(0, 3, 4)
        motion.predict()
        motion.correct(tuple(np.array([0, 0, 100, 100]) + noise))  # type: ignore[arg-type]
        errors.append(np.abs(np.subtract(motion.box, (0, 0, 100, 100))).mean())
        noises.append(np.abs(noise).mean())
    assert np.mean(errors[20:]) < 0.75 * np.mean(noises[20:])


def test_degenerate_boxes_do_no_harm() -> None:
    tracker = Tracker()
    for _ in range(40):
        tracker.update([Detection((10, 10, 10, 10), 0.5, np.zeros((5, 2), np.float32))])
    for side in (200.0, 150.0, 80.0, 20.0, 3.0):
        tracker.update([detection(10, 10, side)])
    for _ in range(30):
        tracker.update([])
    assert all(np.isfinite(track.motion.box).all() for track in tracker.tracks)


def test_an_embedding_without_a_direction_counts_as_none() -> None:
    tracker = Tracker()
    for _ in range(5):
        assert tracker.update([detection(10, 10, 50)], [np.zeros(512, np.float32)]) == (1,)
    assert tracker.tracks[0].embedding is None
    tracker.update([detection(10, 10, 50)], [np.full(512, 3, np.float32)])
    assert np.linalg.norm(tracker.tracks[0].embedding) == pytest.approx(1)


# smoothing ------------------------------------------------------------------------------------------------------------

FACE = np.random.default_rng(0).uniform(0, 100, (68, 2)).astype(np.float32)
RATE = 25.0


def smoothed(places: Sequence[np.ndarray], smoother: LandmarkSmoother, size: float = 100.0) -> list[np.ndarray]:
    return [
        smoother.smooth(1, np.asarray(points, np.float32), size, frame / RATE) for frame, points in enumerate(places)
    ]


def jitter(places: Sequence[np.ndarray]) -> float:
    return float(np.abs(np.diff(np.stack(places), axis=0)).mean())


def test_jitter_of_a_still_face_shrinks() -> None:
    generator = np.random.default_rng(1)
    noisy = [FACE + generator.normal(0, 0.6, FACE.shape) for _ in range(100)]
    calm = smoothed(noisy, LandmarkSmoother())
    assert jitter(calm[10:]) < 0.4 * jitter(noisy[10:])
    assert np.abs(calm[-1] - FACE).mean() < 0.6 * np.abs(noisy[-1] - FACE).mean()
    nothing = LandmarkSmoother(SmoothingSettings(slowest=1e6))
    assert jitter(smoothed(noisy, nothing)[10:]) > 0.9 * jitter(noisy[10:]), "the limit would not notice"


def test_fast_motion_is_followed_closely() -> None:
    """Two face sizes a second, and its sudden stop."""
    moving = [FACE + np.array([min(frame, 30) * 2 * 100 / RATE, 0]) for frame in range(60)]
    settings = SmoothingSettings()
    behind_by = [
        float((place - found)[:, 0].mean()) / 100
        for place, found in zip(moving, smoothed(moving, LandmarkSmoother()), strict=True)
    ]
    assert max(behind_by[10:31]) < 1 / (2 * np.pi * settings.rise)
    assert max(behind_by) < 0.06, "also at the start"
    assert abs(behind_by[45]) < 0.005
    slow = LandmarkSmoother(SmoothingSettings(rise=0.0))
    found = smoothed(moving, slow)
    assert (moving[30] - found[30])[:, 0].mean() / 100 > 0.15, "the limit would not notice a plain low-pass filter"


def test_the_size_of_the_face_is_the_unit() -> None:
    generator = np.random.default_rng(2)
    places = [FACE + np.array([3 * frame, 0]) + generator.normal(0, 0.5, FACE.shape) for frame in range(30)]
    near = smoothed([8 * points for points in places], LandmarkSmoother(), size=800)
    far = smoothed(places, LandmarkSmoother(), size=100)
    assert np.abs(near[-1] / 8 - far[-1]).max() < 1e-3


def test_jumps_and_gaps_begin_anew() -> None:
    smoother = LandmarkSmoother()
    smoothed([FACE] * 10, smoother)
    away = FACE + 300
    assert np.array_equal(smoother.smooth(1, away, 100, 10 / RATE), away)
    shifted = away + 4
    assert not np.array_equal(smoother.smooth(1, shifted, 100, 11 / RATE), shifted)
    later = away + 8
    assert np.array_equal(smoother.smooth(1, later, 100, 2.0), later)
    assert np.array_equal(smoother.smooth(1, FACE, 100, 1.0), FACE), "time that runs backwards"
    assert np.array_equal(smoother.smooth(1, FACE[:5], 100, 1.01), FACE[:5]), "another number of points"


def test_faces_are_smoothed_by_themselves() -> None:
    smoother = LandmarkSmoother()
    for frame in range(5):
        smoother.smooth(1, FACE, 100, frame / RATE)
        smoother.smooth(2, FACE + 20, 100, frame / RATE)
    one = smoother.smooth(1, FACE, 100, 5 / RATE)
    assert np.abs(one - FACE).max() < 1e-3
    assert smoother.smooth(None, FACE + 7, 100, 5 / RATE) is not None
    assert np.array_equal(smoother.smooth(None, FACE + 7, 100, 5 / RATE), FACE + 7)
    smoother.reset()
    assert np.array_equal(smoother.smooth(1, FACE + 5, 100, 6 / RATE), FACE + 5)
