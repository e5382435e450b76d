"""Several people in one clip: who is swapped, and whose face each of them keeps."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from converters.errors import BadInputError, CancelledError
from converters.face.choosing import MOST_FACES, Casting, Chooser
from converters.face.faces import Detection, Face, Picture
from converters.face.options import face_options
from converters.face.pipeline import ProcessedFrame
from converters.progress import Progress
from tests.face.drawn import BACKGROUND, Opener, change, painted_colour, portrait, scene

FIRST, SECOND = 4, 9  # whose faces appear
STARTS = (130, 510)  # where the two stand who cross


def cross(frame: int) -> Picture:
    """Return two who swap places within 40 frames: person 3 goes right, person 8, in front, goes left."""
    return scene([(3, STARTS[0] + 10 * frame, 230), (8, STARTS[1] - 10 * frame, 250)], size=180)


def face(x: float, size: float = 50, identity: int | None = None) -> Face:
    points = np.float32([[-1, -1], [1, -1], [0, 0], [-1, 1], [1, 1]]) * size / 4 + [x, 100]
    half = size / 2
    detection = Detection((x - half, 100 - half, x + half, 100 + half), 0.9, points.astype(np.float32))
    return Face(detection, detection.points, identity=identity)


# whose face -----------------------------------------------------------------------------------------------------------


def colours(done: ProcessedFrame) -> list[tuple[float, np.ndarray]]:
    """Return where each swapped face is (x) and the colour of its nose."""
    found = []
    for crop in done.crops:
        x, y = crop.face.points[2].astype(int)
        found.append((float(x), done.frame[y, x].astype(float)))
    return found


def mistakes(frames: list[tuple[int, list[tuple[float, np.ndarray]]]], wanted: list[np.ndarray]) -> tuple[int, int]:
    """Return how many noses were looked at and how many had the other person's colour, while the two stand apart."""
    looked = wrong = 0
    for number, seen in frames:
        places = STARTS[0] + 10 * number, STARTS[1] - 10 * number
        if abs(places[0] - places[1]) < 120:
            continue
        for x, colour in seen:
            person = int(abs(x - places[1]) < abs(x - places[0]))
            looked += 1
            wrong += int(np.abs(colour - wanted[person]).max() > 3)
    return looked, wrong


@pytest.mark.parametrize("every", [1, 4])
def test_two_who_cross_keep_their_own_swap(nets: SimpleNamespace, open_pipeline: Opener, every: int) -> None:
    """The twin maps by place in each frame, as a pipeline that tracks nobody does: after the crossing it is wrong."""

    def run(**given: object) -> tuple[int, int]:
        pipeline = open_pipeline(nets.paint, **given)
        sources = pipeline.set_sources([[("first", portrait(FIRST))], [("second", portrait(SECOND))]])
        wanted = [painted_colour(source.embeddings[0]) for source in sources]
        assert np.abs(wanted[0] - wanted[1]).max() > 10
        return mistakes([(each, colours(pipeline.process(cross(each), each / 25))) for each in range(40)], wanted)

    looked, wrong = run(detect_every=every)
    assert looked >= 50
    assert wrong == 0
    looked, wrong = run(track=False)
    assert looked >= 50
    assert wrong > 0.3 * looked


def test_still_pictures_count_from_left_to_right(nets: SimpleNamespace, open_pipeline: Opener) -> None:
    """The larger face, which is swapped first, stands on the right; with one source both get that."""
    frame = scene([(3, 150, 240)], size=150)
    frame[:, 330:] = scene([(8, 480, 240)], size=260)[:, 330:]
    pipeline = open_pipeline(nets.paint, track=False)
    people = [[("first", portrait(FIRST))], [("second", portrait(SECOND))]]
    for given in (people, people[::-1], people[:1]):
        wanted = [painted_colour(source.embeddings[0]) for source in pipeline.set_sources(given)]
        for _ in range(2):  # every picture by itself
            seen = sorted(colours(pipeline.process(frame)), key=lambda item: item[0])
            assert len(seen) == 2
            for number, (_, colour) in enumerate(seen):
                assert np.abs(colour - wanted[number % len(wanted)]).max() < 3


def test_a_person_may_have_several_pictures(nets: SimpleNamespace, open_pipeline: Opener) -> None:
    pipeline = open_pipeline(nets.paint)
    people = [[("a", portrait(FIRST)), ("b", portrait(FIRST, 200))], [("c", portrait(SECOND))]]
    assert [len(source.embeddings) for source in pipeline.set_sources(people)] == [2, 1]
    assert pipeline.stage.sources == 2
    for empty in ([], [[("a", portrait(FIRST))], []]):
        with pytest.raises(BadInputError, match="no picture"):
            pipeline.set_sources(empty)


def test_the_mapping_lasts_for_the_clip() -> None:
    casting = Casting(tracked=True)
    assert casting.cast([face(400, identity=1), face(100, identity=2)], 3) == (1, 0)  # from left to right
    assert casting.cast([face(50, identity=1), face(300, identity=2)], 3) == (1, 0)  # wherever they go
    assert casting.cast([face(50, identity=7)], 3) == (2,)  # who comes later gets the next
    assert casting.cast([face(10, identity=9), face(20, identity=8), face(30, identity=2)], 3) == (0, 1, 0)  # cycling
    assert casting.cast([face(10), face(20, identity=1)], 3) == (None, 1)  # nobody yet
    assert casting.cast([face(10), face(20, identity=1)], 1) == (0, 0)
    casting.reset()
    assert casting.cast([face(50, identity=1), face(300, identity=2)], 3) == (0, 1)
    still = Casting(tracked=False)
    assert still.cast([face(400), face(100), face(200)], 2) == (0, 0, 1)
    assert still.cast([face(10)], 2) == (0,)


# which faces ----------------------------------------------------------------------------------------------------------


def two(large: float | None) -> Picture:
    """Return person 3, small, on the left, and person 8 at `large` times full size on the right; None without 8."""
    made = np.full((480, 860, 3), BACKGROUND, np.uint8)
    made[80:400, :320] = cv2.resize(portrait(3), (320, 320))
    if large is not None:
        picture = cv2.resize(portrait(8), None, fx=large, fy=large)
        made[: picture.shape[0], 340 : 340 + picture.shape[1]] = picture[:480, :520]
    return made


@pytest.mark.parametrize("gap", [1, 4])
def test_one_waits_for_a_person_who_is_not_seen(nets: SimpleNamespace, open_pipeline: Opener, gap: int) -> None:
    """In between nobody is swapped, and afterwards it is the same person, who by then is no longer the largest."""
    pipeline = open_pipeline(nets.half, faces="one")
    chosen = [pipeline.process(two(0.85), number / 25).crops[0].face for number in range(4)]
    assert min(each.points[:, 0].min() for each in chosen) > 340
    for number in range(4, 4 + gap):
        frame = two(None)
        done = pipeline.process(frame, number / 25)
        assert len(done.faces) == 1
        assert done.crops == ()
        assert "not seen" in done.remark
        assert np.array_equal(done.frame, frame)
    (back,) = pipeline.process(two(0.85), (4 + gap) / 25).crops
    assert back.face.identity == chosen[0].identity
    (shrunk,) = pipeline.process(two(0.6), (5 + gap) / 25).crops
    assert shrunk.face.identity == chosen[0].identity


def test_one_waits_as_long_as_the_track_is_believed() -> None:
    """The twin without patience changes at the first gap."""
    both, other = [face(400, 60, 1), face(100, 50, 2)], [face(100, 50, 2)]

    def after(gap: int, patience: int | None = None) -> int | None:
        chooser = Chooser(face_options({"faces": "one"}), patience)
        assert chooser.choose(both)[0].identity == 1
        for _ in range(gap - 1):
            chooser.choose(other)
        return next((each.identity for each in chooser.choose(other)), None)

    assert [after(1), after(15), after(16)] == [None, None, 2]
    assert after(1, patience=0) == 2
    chooser = Chooser(face_options({"faces": "one"}))
    chooser.choose(both)
    assert chooser.choose([]) == ()
    assert chooser.choose(both[::-1])[0].identity == 1
    assert chooser.choose([face(100, 90), both[0]])[0].identity == 1, "something large that is nobody yet"
    assert chooser.choose([face(100, 90, 2), both[0]])[0].identity == 2
    chooser.reset()
    assert chooser.choose(both)[0].identity == 1


def test_no_more_than_the_largest_faces_are_swapped() -> None:
    crowd = [face(10 * number, 400 - number) for number in range(MOST_FACES + 20)]
    chosen = Chooser(face_options()).choose(crowd)
    assert chosen == tuple(crowd[:MOST_FACES])


def test_a_frame_can_be_cancelled_between_two_faces(nets: SimpleNamespace, open_pipeline: Opener) -> None:
    pipeline = open_pipeline(nets.half)
    frame = scene([(3, 200, 240), (8, 470, 220)])
    told: list[str] = []
    pipeline.process(frame, progress=Progress(lambda message: told.append(message.detail)))
    assert told == ["face 1 of 2", "face 2 of 2"]
    asked: list[bool] = []

    def is_cancelled() -> bool:
        asked.append(True)
        return len(asked) == 2

    with pytest.raises(CancelledError):
        pipeline.process(frame, progress=Progress(is_cancelled=is_cancelled))
    assert change(pipeline.process(frame).frame, frame).max() > 4, "and it goes on"


def test_another_clip_begins_anew(nets: SimpleNamespace, open_pipeline: Opener) -> None:
    pipeline = open_pipeline(nets.paint)
    pipeline.set_sources([[("first", portrait(FIRST))], [("second", portrait(SECOND))]])
    frame, turned = scene([(3, 160, 240), (8, 480, 240)]), scene([(8, 160, 240), (3, 480, 240)])

    def leftmost(picture: Picture) -> int:
        return min(pipeline.process(picture).crops, key=lambda crop: float(crop.face.points[0, 0])).source

    assert leftmost(frame) == 0
    assert leftmost(turned) == 1, "they changed places at once, and are known by their faces"
    pipeline.reset()
    assert leftmost(turned) == 0
