"""A clip or folder behind `Capture`: pace, commands, what is skipped and what is not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from converters.builtin import DEMO_CLIP, DEMO_GALLERY
from converters.errors import BadInputError, UsageError
from converters.pictures import pictures_in, write_picture
from converters.preview.capture import Capture, Frame
from converters.preview.messages import SourceReport, SourceState
from converters.preview.playback import Playback
from converters.preview.request import SourceChoice, SourceKind
from converters.preview.sources.base import Captured, FrameSource
from converters.preview.sources.clip import VideoSource
from converters.preview.sources.opening import open_source
from converters.preview.sources.virtual import draw_barcode, read_barcode
from converters.video import VideoWriter

FRAMES, RATE = 60, 20.0


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds whose frames carry their numbers."""
    path = tmp_path_factory.mktemp("video") / "numbered.mp4"
    picture = np.random.default_rng(0).integers(60, 190, (120, 160, 3), dtype=np.uint8)
    with VideoWriter(path, (160, 120), RATE) as writer:
        for number in range(FRAMES):
            draw_barcode(picture, number)
            writer.write(picture)
    return path


@pytest.fixture
def capture(video: Path) -> Iterator[Capture]:
    """Standing still at its first frame."""
    with Capture(SourceChoice(SourceKind.VIDEO, str(video)), is_paused=True) as opened:
        yield opened


def _next(capture: Capture) -> Frame:
    frame = capture.newest(5.0)
    assert frame is not None
    return frame


@pytest.mark.parametrize("seconds", [0.0, 0.05, 1.24, 1.25, 1.26, 2.9501, 99.0])
def test_seek_gives_the_frame_that_is_shown_then(video: Path, seconds: float) -> None:
    with VideoSource(video) as source:
        source.seek(seconds)
        first = source.read()
        assert first is not None
        expected = min(int(seconds * RATE + 0.01), FRAMES - 1)
        assert (read_barcode(first.picture), first.index) == (expected, expected)
        following = source.read()
        assert (following is None) if expected == FRAMES - 1 else (read_barcode(following.picture) == expected + 1)


def test_a_seek_that_lands_a_frame_late_would_be_seen(video: Path) -> None:
    """The twin: the check above tells neighbouring frames apart."""
    with VideoSource(video) as source:
        source.seek(1.25 + 1 / RATE)
        late = source.read()
        assert late is not None
        assert read_barcode(late.picture) != 25


def test_a_paused_clip_gives_one_frame_and_then_only_what_is_asked_for(capture: Capture) -> None:
    first = _next(capture)
    assert (first.index, first.is_discontinuous) == (0, True)
    assert capture.newest(0.2) is None
    assert capture.report().state is SourceState.PAUSED
    capture.seek(1.5)
    sought = _next(capture)
    assert (read_barcode(sought.picture), sought.is_discontinuous) == (30, True)
    capture.again()
    repeated = _next(capture)
    assert repeated.identity == sought.identity + 1
    assert repeated.picture is sought.picture


def test_steps_leave_nothing_out_in_either_direction(capture: Capture) -> None:
    _next(capture)
    for _ in range(5):
        capture.step(1)
    assert [read_barcode(_next(capture).picture) for _ in range(5)] == [1, 2, 3, 4, 5]
    capture.step(-1)
    capture.step(-1)
    back = [_next(capture) for _ in range(2)]
    assert [frame.index for frame in back] == [4, 3]
    assert all(frame.is_discontinuous for frame in back)
    capture.seek(0.0)
    _next(capture)
    capture.step(-1)
    assert read_barcode(_next(capture).picture) == 0
    assert capture.newest(0.1) is None


def test_a_step_at_the_end_begins_again_only_in_a_loop(capture: Capture) -> None:
    capture.seek(99.0)
    while read_barcode(_next(capture).picture) != FRAMES - 1:
        pass
    capture.step(1)
    first = _next(capture)
    assert (first.index, first.is_discontinuous) == (0, True)
    capture.set_loop(False)
    capture.seek(99.0)
    assert _next(capture).index == FRAMES - 1
    capture.step(1)
    assert capture.newest(0.3) is None
    assert capture.report().state is SourceState.ENDED
    capture.play()
    assert _next(capture).index < 10


def test_a_clip_keeps_its_pace_and_its_speed(capture: Capture) -> None:
    def clip_seconds_a_second() -> float:
        begin, begun = _next(capture), time.monotonic()
        while (frame := _next(capture)).seconds < begin.seconds + 1.0:
            pass
        return (frame.seconds - begin.seconds) / (time.monotonic() - begun)

    _next(capture)
    capture.play()
    assert clip_seconds_a_second() == pytest.approx(1.0, rel=0.25)
    capture.set_speed(4.0)
    capture.seek(0.0)
    assert clip_seconds_a_second() > 2.5  # the twin: the same measure tells speeds apart
    assert capture.report().speed == 4.0
    with pytest.raises(UsageError):
        capture.set_speed(5.0)


def test_who_is_slow_misses_frames_and_sees_no_old_ones(capture: Capture) -> None:
    before = _next(capture)
    capture.play()
    seen = []
    for _ in range(4):
        frame = _next(capture)
        seen.append(frame)
        time.sleep(0.25)  # the slow work that this is about
        assert read_barcode(frame.picture) == frame.index  # nobody writes into what is being worked on
    gaps = [after.identity - earlier.identity for earlier, after in pairwise(seen)]
    assert min(gaps) >= 3  # five frames pass meanwhile
    assert all((frame.identity - before.identity) % FRAMES == frame.index for frame in seen)


def test_the_report_says_what_the_source_is(video: Path, capture: Capture) -> None:
    _next(capture)
    report = capture.report()
    assert report == SourceReport(
        video.name, SourceState.PAUSED, False, 0.0, FRAMES / RATE, 0, FRAMES, RATE, (160, 120)
    )
    assert SourceReport.from_json(report.to_json()) == report


def test_a_mirrored_source_shows_left_as_right(video: Path) -> None:
    with Capture(SourceChoice(SourceKind.VIDEO, str(video)), is_paused=True) as capture:
        plain = _next(capture).picture.copy()
        capture.change(SourceChoice(SourceKind.VIDEO, str(video), mirror=True))
        capture.seek(0.0)
        assert np.array_equal(_next(capture).picture, plain[:, ::-1])
        assert not np.array_equal(plain, plain[:, ::-1])


def test_a_mirror_alone_turns_the_frame_that_stands_still(video: Path) -> None:
    choice = SourceChoice(SourceKind.VIDEO, str(video))
    with Capture(choice, is_paused=True) as capture:
        plain = _next(capture)
        source, pixels = capture.source, plain.picture.copy()
        capture.change(replace(choice, mirror=True))
        turned = _next(capture)
        assert (turned.identity, turned.index, turned.is_discontinuous) == (plain.identity + 1, 0, True)
        assert np.array_equal(turned.picture, pixels[:, ::-1])
        assert capture.source is source
        assert capture.report().state is SourceState.PAUSED
        capture.step(1)
        following = _next(capture)
        assert (following.index, following.is_mirrored, following.is_discontinuous) == (1, True, False)
        capture.seek(1.0)
        _wait_for_index(capture, 20)  # captured, but not fetched yet
        capture.change(choice)
        fetched = _next(capture)
        assert (read_barcode(fetched.picture), fetched.is_mirrored) == (20, False)


def _wait_for_index(capture: Capture, index: int) -> None:
    until = time.monotonic() + 10
    while capture.report().index != index:
        assert time.monotonic() < until, capture.report()
        time.sleep(0.005)


def test_an_ended_clip_that_is_chosen_again_plays(video: Path) -> None:
    choice = SourceChoice(SourceKind.VIDEO, str(video))
    with Capture(choice) as capture:
        capture.set_loop(False)
        capture.seek(99.0)
        last = capture.newest(5.0)
        _report_when(capture, SourceState.ENDED)
        capture.change(choice)
        report = capture.report()
        assert (report.state, report.is_looping) == (SourceState.PLAYING, False)
        first = _next(capture)
        assert last is not None
        assert first.identity > last.identity
        assert first.index < FRAMES - 1


def test_a_folder_that_is_chosen_again_has_its_new_pictures(tmp_path: Path) -> None:
    choice = SourceChoice(SourceKind.FOLDER, str(tmp_path))
    write_picture(tmp_path / "a.png", np.zeros((32, 32, 3), np.uint8))
    with Capture(choice) as capture:
        assert capture.report().count == 1
        write_picture(tmp_path / "b.png", np.zeros((32, 32, 3), np.uint8))
        capture.change(choice)
        assert capture.report().count == 2


class _Slow(FrameSource):
    """Gives frames of one shade, slowly where it is told so, and notes who uses it."""

    size = (32, 32)

    def __init__(self, shade: int) -> None:
        self.title = str(shade)
        self.gate = threading.Event()  # reads wait for it
        self.gate.set()
        self.seek_gate = threading.Event()
        self.is_in_seek = threading.Event()
        self.closed = threading.Event()
        self.users: set[int] = set()
        self.closed_by = 0
        self._shade, self._index = shade, 0

    def read(self, earliest: float = 0.0) -> Captured | None:  # noqa: ARG002 - none is left out
        self.users.add(threading.get_ident())
        self.gate.wait(10)
        self._index += 1
        return Captured(self._index / 25, np.full((32, 32, 3), self._shade, np.uint8), self._index)

    def seek(self, seconds: float) -> None:  # noqa: ARG002 - all the same
        self.is_in_seek.set()
        self.seek_gate.wait(10)

    def close(self) -> None:
        self.closed_by = threading.get_ident()
        self.closed.set()


def _changed_to(capture: Capture, source: FrameSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("converters.preview.capture.open_source", lambda _choice: source)
    capture.change(SourceChoice())


def test_a_seek_that_comes_back_late_touches_nothing_of_the_next_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("converters.preview.capture._PATIENCE", 0.1)
    old, new = _Slow(10), _Slow(20)
    with Capture(old) as capture:
        _next(capture)
        late = set(old.users)
        capture.seek(1.0)
        assert old.is_in_seek.wait(5)
        _changed_to(capture, new, monkeypatch)
        capture.pause()
        assert not old.closed.is_set()  # not under the feet of who reads it
        assert _next(capture).picture[0, 0, 0] == 20
        while capture.newest(0.1) is not None:
            pass
        before = capture.report()
        old.seek_gate.set()
        assert old.closed.wait(5)
        assert {old.closed_by} == late
        assert capture.newest(0.2) is None
        assert capture.report() == before
        assert len(new.users) == 1
        assert not new.users & late
    assert new.closed.is_set()


def test_the_frame_of_the_source_before_is_not_given_again(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = _Slow(10), _Slow(20)
    new.gate.clear()
    with Capture(old) as capture:
        _next(capture)
        capture.again()
        _changed_to(capture, new, monkeypatch)
        capture.again()
        assert capture.newest(0.05) is None
        assert capture.newest(0.05) is None
        new.gate.set()
        assert _next(capture).picture[0, 0, 0] == 20


def test_steps_that_nobody_fetched_keep_no_thread_busy(capture: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    has_work = Playback._has_work

    def counted(playback: Playback) -> bool:
        nonlocal looks
        looks += 1
        return has_work(playback)

    monkeypatch.setattr(Playback, "_has_work", counted)
    _next(capture)
    for _ in range(3):
        capture.step(1)
    _wait_for_index(capture, 1)
    capture.play()  # forgets the other two
    until = time.monotonic() + 10
    while capture.report().index < 5 and looks < 1000:
        assert time.monotonic() < until, capture.report()
        time.sleep(0.005)
    assert looks < 40  # a few for each frame; in a thread that is busy thousands


def test_reports_may_be_asked_for_from_another_thread(video: Path, tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", np.zeros((32, 32, 3), np.uint8))
    choices = [SourceChoice(SourceKind.FOLDER, str(tmp_path)), SourceChoice(SourceKind.VIDEO, str(video))]
    seen: set[tuple[str, tuple[int, int], int | None]] = set()
    troubles: list[BaseException] = []
    is_over = threading.Event()

    with Capture(choices[0]) as capture:

        def ask() -> None:
            try:
                while not is_over.is_set():
                    report = capture.report()
                    seen.add((report.title, report.size, report.count))
            except BaseException as error:
                troubles.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            for number in range(20):
                capture.change(choices[(number + 1) % 2])
                capture.seek(1.0)
        finally:
            is_over.set()
            asking.join()
    assert not troubles
    # never the title of one with the size of the other
    assert seen == {(tmp_path.name, (32, 32), 1), (video.name, (160, 120), FRAMES)}


def test_another_source_counts_on_and_one_that_is_refused_changes_nothing(capture: Capture, tmp_path: Path) -> None:
    first = _next(capture)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(2000))
    with pytest.raises(BadInputError, match=r"broken\.mp4"):
        capture.change(SourceChoice(SourceKind.VIDEO, str(broken)))
    capture.step(1)
    assert _next(capture).index == 1
    capture.change(SourceChoice())
    other = _next(capture)
    assert other.picture.shape == (720, 1280, 3)
    assert other.identity == first.identity + 2
    assert other.is_discontinuous
    assert capture.report().title == DEMO_CLIP.name


def test_a_file_that_goes_away_ends_in_a_sentence(tmp_path: Path) -> None:
    place = tmp_path / "pictures"
    place.mkdir()
    write_picture(place / "a.png", np.zeros((32, 32, 3), np.uint8))
    with Capture(SourceChoice(SourceKind.FOLDER, str(place))) as capture:
        _next(capture)
        (place / "a.png").unlink()
        capture.seek(0.0)
        report = _report_when(capture, SourceState.ENDED)
        assert "None of the pictures in pictures can be read" in report.problem


def _report_when(capture: Capture, state: SourceState) -> SourceReport:
    until = time.monotonic() + 10
    while (report := capture.report()).state is not state and time.monotonic() < until:
        capture.newest(0.02)
    return report


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four pictures, the second and the last of which are broken."""
    for number, name in enumerate(("a", "b", "c", "d")):
        write_picture(tmp_path / f"{name}.png", np.full((40 + number, 50, 3), 50 * number, np.uint8))
    (tmp_path / "b.png").write_bytes(b"\x89PNG and then nothing")
    (tmp_path / "d.png").write_bytes(b"\x89PNG and then nothing")
    return tmp_path


def test_a_folder_shows_its_pictures_without_the_broken_ones(folder: Path) -> None:
    with Capture(SourceChoice(SourceKind.FOLDER, str(folder))) as capture:
        capture.set_speed(4.0)
        shown = [_next(capture) for _ in range(4)]
        assert [(frame.name, frame.index) for frame in shown] == [
            ("c.png", 2) if frame.identity % 2 else ("a.png", 0) for frame in shown
        ]
        assert {frame.name for frame in shown} == {"a.png", "c.png"}
        assert all(frame.is_discontinuous for frame in shown)
        report = capture.report()
        assert report.problem == "Left out because they cannot be read: b.png, d.png."
        assert (report.count, report.duration, report.rate) == (4, 4.0, 1.0)


def test_steps_in_a_folder_pass_broken_pictures_both_ways(folder: Path) -> None:
    with Capture(SourceChoice(SourceKind.FOLDER, str(folder)), is_paused=True) as capture:
        names = [_next(capture).name]
        for command in (lambda: capture.step(1), lambda: capture.step(-1), lambda: capture.seek(99)):
            command()
            names.append(_next(capture).name)
        assert names == ["a.png", "c.png", "a.png", "c.png"]


def test_a_single_picture_is_a_source(tmp_path: Path) -> None:
    portrait = pictures_in(DEMO_GALLERY)[0]
    with open_source(SourceChoice(SourceKind.FOLDER, str(portrait))) as source:
        captured = source.read()
        assert captured is not None
        assert captured.name == portrait.name
        assert source.read() is None
    (tmp_path / "no.png").write_bytes(b"no picture")
    with pytest.raises(BadInputError, match=r"no\.png"):
        open_source(SourceChoice(SourceKind.FOLDER, str(tmp_path / "no.png")))
    with pytest.raises(BadInputError, match="None of the pictures"):
        open_source(SourceChoice(SourceKind.FOLDER, str(tmp_path)))
    with pytest.raises(BadInputError):
        open_source(SourceChoice(SourceKind.FOLDER, str(tmp_path / "missing")))
