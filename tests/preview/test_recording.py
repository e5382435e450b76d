"""Snapshots and recordings show both sides, the map and the numbers; they are complete or absent."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.dialogue import Dialogue
from converters.errors import DestinationError, StudioError, UsageError
from converters.face.faces import Picture
from converters.pictures import read_picture
from converters.preview import keeping as keeping_module
from converters.preview import recording as recording_module
from converters.preview.board import Sides, draw_board, sides_of, text_height
from converters.preview.keeping import Keeping
from converters.preview.messages import MapReport
from converters.preview.recording import Recording
from converters.preview.region import Region
from converters.preview.snapshot import write_snapshot
from converters.preview.treated import Shown
from converters.video import VideoReader
from tests.preview.kept_frames import HEIGHT, WIDTH, shown

Data = dict[str, Any]


def sides(frame: Shown, most: tuple[int, int] = (0, 0)) -> Sides:
    return sides_of(frame.treated.result, frame.report, frame.treated.sides, frame.grey, frame.region, most)


def board(width: int, height: int, separately: bool, names: tuple[str, str] = ("a", "b")) -> Picture:
    picture = np.full((height, width, 3), 60, np.uint8)
    grey = np.full((height, width), 255, np.uint8)
    numbers = ("one line of numbers", "another line of numbers")
    return draw_board(Sides(picture, picture, grey, MapReport("lpips", 0.1), names, numbers), separately=separately)


class Clock:
    """A clock that stands until it is set."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


def duration(path: Path) -> float:
    with VideoReader(path) as reader:
        return sum(1 for _ in reader) / recording_module.RATE


class Ended:
    """Waits for the end of a recording."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.error: StudioError | None = None

    def __call__(self, _recording: Recording, error: StudioError | None) -> None:
        self.error = error
        self.event.set()


def test_snapshot_has_both_sides_the_map_and_numbers(tmp_path: Path) -> None:
    path = tmp_path / "shot.png"
    write_snapshot(path, sides(shown(5, (0.1,), 2.0)))
    picture = read_picture(path)
    text = text_height(WIDTH)
    assert picture.shape[0] == HEIGHT + 3 * text
    panes = [picture[text : text + HEIGHT, left : left + WIDTH] for left in (0, WIDTH + 4, 2 * WIDTH + 8)]
    assert np.all(panes[0] == 60)
    assert np.all(panes[1] == 120)
    upper, lower = panes[2][: HEIGHT // 2 - 2], panes[2][HEIGHT // 2 + 2 :]
    assert np.all(lower == 120)  # nothing was lost there: the candidate itself
    assert upper[..., 0].min() > 200  # the lightest colour of the map is a yellow
    assert upper[..., 2].max() < 200
    for line in (picture[:text], picture[-text:], picture[-2 * text : -text]):
        assert line.max() > 120  # something is written
    background = picture[0, 0]
    assert np.all(picture[:text, :WIDTH][:, -3:] == background)  # the names are cut at their pane


@pytest.mark.parametrize("side", [40, 41])
def test_snapshot_of_a_close_up_shows_the_close_up_large_and_exact(tmp_path: Path, side: int) -> None:
    frame = shown(5, (0.1,), 2.0, region=Region(40, 10, 40 + side, 10 + side, (20, 20)))
    noise = np.random.default_rng(1).integers(0, 255, (side, side, 3)).astype(np.uint8)
    frame.treated.result.original[10 : 10 + side, 40 : 40 + side] = noise
    write_snapshot(tmp_path / "shot.png", sides(frame))
    text, large = text_height(8 * side), 8 * side
    pane = read_picture(tmp_path / "shot.png")[text : text + large, :large]
    assert np.array_equal(pane, noise.repeat(8, axis=0).repeat(8, axis=1))


@pytest.mark.parametrize("separately", [True, False])
@pytest.mark.parametrize("width", [1, 2, 5, 6, 7, 40, 321, 640, 961])
def test_boards_of_every_width_are_drawn(width: int, separately: bool) -> None:
    drawn = board(width, 30, separately)
    text = text_height(width)
    assert drawn.shape == (30 + 3 * text, (2 + separately) * (width + 4) - 4, 3)
    scale = drawn[30 + text : 30 + 2 * text, -width:].astype(int)
    is_coloured = np.ptp(scale, axis=2).max() > 60  # the writing is grey
    assert is_coloured == (width > 2 * (text // 4) + 1)


def test_scale_names_its_ends_beside_the_numbers() -> None:
    text = text_height(640)
    line = board(640, 30, separately=False)[30 + text : 30 + 2 * text, -640:].astype(int)
    coloured = np.flatnonzero(np.ptp(line, axis=2).max(axis=0) > 20)
    assert np.all(np.diff(coloured) == 1)  # one strip: nothing is written over it
    assert coloured[-1] - coloured[0] > 640 // 4
    for words in (line[:, : coloured[0] - 16], line[:, coloured[-1] + 1 :]):
        assert words.max() > 120
    colours = line[text // 2, coloured[0] : coloured[-1] + 1].sum(axis=1)
    assert colours[-1] > 500
    assert colours[0] < 100


def test_long_names_keep_their_end_and_stay_in_their_pane() -> None:
    text = text_height(321)
    names = ["Candidate: " + "x" * 200 + end for end in ("int8.onnx", "fp16.onnx", "\n\udcffl.mnn 模型")]
    heads = [board(321, 8, False, ("Original: demo", name))[:text] for name in names]
    for head in heads:
        assert np.array_equal(head[:, :321], heads[0][:, :321])
        assert head[:, -text // 5 :].max() == head[0, 0].max()
    assert not np.array_equal(heads[0], heads[1])
    assert not np.array_equal(heads[0], heads[2])


def test_snapshot_is_a_png_and_complete_or_absent(tmp_path: Path) -> None:
    frame = sides(shown(5, (0.1,), 2.0, has_map=False))
    with pytest.raises(UsageError, match="is a PNG"):
        write_snapshot(tmp_path / "shot.jpg", frame)
    (tmp_path / "file").touch()
    for folder in ("file", "missing", "x" * 300):
        with pytest.raises(DestinationError, match="There is no folder"):
            write_snapshot(tmp_path / folder / "shot.png", frame)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_recording_plays_as_it_was_seen(tmp_path: Path) -> None:
    path, ended = tmp_path / "video.mp4", Ended()
    frames = [shown(each, (0.1,), 0.0, taken=100 + each * 0.2, has_map=False) for each in range(6)]
    for place, frame in enumerate(frames):
        frame.treated.result.candidate[:] = 30 * place
    with Recording(path, sides(frames[0]), ended, Clock(101.0)) as recording:
        for frame in frames:
            while not recording.has_room:
                time.sleep(0.005)
            assert recording.add(sides(frame), frame.report.taken)
        assert not path.exists()  # before it is complete
        recording.finish()
        assert ended.event.wait(30)
        assert not recording.add(sides(frame), 200.0)
    assert ended.error is None
    assert (recording.frames, recording.left_out) == (6, 0)
    assert recording.seconds == pytest.approx(1.0)
    text, seen = text_height(WIDTH), {}
    with VideoReader(path) as reader:
        for read in reader:
            pane = read.picture[text : text + HEIGHT]
            seen[read.seconds] = (pane[10:-10, 10 : WIDTH - 10].mean(), pane[10:-10, WIDTH + 14 : -10].mean())
    assert len(seen) == 26
    for seconds, (original, candidate) in seen.items():
        assert original == pytest.approx(60, abs=4)
        assert candidate == pytest.approx(30 * round((seconds + 0.001) // 0.2), abs=5)


def test_recording_goes_on_where_frames_change_their_size(tmp_path: Path) -> None:
    ended = Ended()
    first = shown(1, (0.1,), 0.0, taken=1.0)
    with Recording(tmp_path / "video.mp4", sides(first), ended, Clock(2.0)) as recording:
        recording.add(sides(first), 1.0)
        while not recording.has_room:
            time.sleep(0.005)
        other = shown(2, (0.1,), 0.0, taken=2.0, shape=(300, 200))
        recording.add(sides(other), 2.0)
    assert ended.error is None
    assert (tmp_path / "video.mp4").exists()


def test_what_comes_too_fast_is_left_out_and_not_piled_up(tmp_path: Path) -> None:
    ended = Ended()
    frame = sides(shown(1, (0.1,), 0.0, shape=(360, 640)))
    with Recording(tmp_path / "video.mp4", frame, ended, Clock(1.3)) as recording:
        for place in range(300):
            recording.add(frame, 1.0 + place / 1000)
        recording.add(None, 1.3)  # no copies are made where there is no room
    assert recording.left_out > 1
    assert recording.frames + recording.left_out == 301


def test_recording_ends_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_module, "MOST_SECONDS", 2.0)
    ended = Ended()
    frame = sides(shown(1, (0.1,), 0.0))
    with Recording(tmp_path / "video.mp4", frame, ended, Clock(3.5)) as recording:
        recording.add(frame, 1.0)
        recording.add(frame, 3.5)
        assert ended.event.wait(30)
        assert not recording.takes
    assert (tmp_path / "video.mp4").exists()


def test_recording_of_a_still_picture_is_as_long_as_it_was_recorded(tmp_path: Path) -> None:
    ended, clock = Ended(), Clock(50.0)
    frame = sides(shown(1, (0.1,), 0.0))
    with Recording(tmp_path / "video.mp4", frame, ended, clock) as recording:
        recording.add(frame, 50.0)
        clock.seconds = 53.0
        recording.finish()
        clock.seconds = 60.0  # what is seen after that is not part of it
        assert ended.event.wait(30)
    assert recording.seconds == pytest.approx(3.0)
    assert duration(tmp_path / "video.mp4") == pytest.approx(3.0, abs=0.05)


def test_recording_of_a_still_picture_ends_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_module, "MOST_SECONDS", 2.0)
    monkeypatch.setattr(recording_module, "_PATIENCE", 0.05)
    ended, clock = Ended(), Clock(50.0)
    frame = sides(shown(1, (0.1,), 0.0))
    with Recording(tmp_path / "video.mp4", frame, ended, clock) as recording:
        recording.add(frame, 50.0)
        clock.seconds = 59.0
        assert ended.event.wait(30)
        assert not recording.takes
    assert (ended.error, recording.seconds) == (None, 2.0)
    assert duration(tmp_path / "video.mp4") == pytest.approx(2.0, abs=0.05)


def test_recording_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    ended = Ended()
    frame = sides(shown(1, (0.1,), 0.0))
    recording = Recording(tmp_path / "video.mp4", frame, ended, Clock(1.0))
    recording.add(frame, 1.0)
    recording.give_up()
    assert ended.error is not None
    assert not list(tmp_path.iterdir())


def test_place_that_cannot_be_written_is_said_before_anything_is_recorded(tmp_path: Path) -> None:
    frame = sides(shown(1, (0.1,), 0.0))
    with pytest.raises(UsageError):
        Recording(tmp_path / "video.txt", frame, Ended())
    (tmp_path / "file").touch()
    for folder in ("file", "missing"):
        with pytest.raises(DestinationError, match="There is no folder"):
            Recording(tmp_path / folder / "video.mp4", frame, Ended())
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a small disk")
def test_full_disk_ends_the_recording_with_a_sentence(tmp_path: Path) -> None:
    folder, ended = tmp_path / "small", Ended()
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=9m", "none", str(folder)], check=True)
    try:
        frame = shown(1, (0.1,), 0.0, shape=(360, 640), has_map=False)
        noise = np.random.default_rng(1).integers(0, 255, (360, 640, 3)).astype(np.uint8)
        frame.treated.result.original[:] = noise
        with Recording(folder / "video.mp4", sides(frame), ended, Clock(0.0)) as recording:
            place = 0
            while not ended.event.is_set() and place < 5000:
                place += recording.add(sides(frame), place / 25)
                time.sleep(0.001)
        assert ended.error is not None
        assert "The disk is full" in ended.error.why
        assert not list(folder.iterdir())
    finally:
        subprocess.run(["umount", str(folder)], check=True)


class Said:
    """What a `Keeping` says."""

    def __init__(self) -> None:
        self.messages: list[Data] = []
        self._changed = threading.Condition()

    def say(self, message: Data) -> None:
        with self._changed:
            losses = {"losses": [each["loss"] for each in message["frames"]]} if message["event"] == "worst" else {}
            self.messages.append({**message, **losses})
            self._changed.notify_all()

    def until(self, event: str, **values: Any) -> Data:
        def found() -> Data | None:
            return next((e for e in self.messages if e["event"] == event and values.items() <= e.items()), None)

        with self._changed:
            assert self._changed.wait_for(lambda: found() is not None, 30), (event, self.messages)
        message = found()
        assert message is not None
        return message


def test_keeping_says_what_became_of_it(tmp_path: Path) -> None:
    said, clock = Said(), Clock(5.0)
    with Keeping(Dialogue(say=said.say), tmp_path / "private", clock) as keeping:
        keeping.add(shown(1, (0.1,), 1.0))
        assert len(said.until("worst")["frames"]) == 1
        with pytest.raises(UsageError):
            keeping.snapshot(tmp_path / "shot.gif", shown(1, (0.1,), 1.0))
        with pytest.raises(DestinationError, match="There is no folder"):
            keeping.snapshot(tmp_path / "nowhere" / "shot.png", shown(1, (0.1,), 1.0))
        with pytest.raises(DestinationError, match="There is no folder"):
            keeping.record(tmp_path / "nowhere" / "video.mp4", shown(1, (0.1,), 1.0))
        assert not (tmp_path / "nowhere").exists()
        keeping.snapshot(tmp_path / "shot.png", shown(1, (0.1,), 1.0))
        said.until("saved", what="snapshot", path=str(tmp_path / "shot.png"))
        keeping.record(tmp_path / "video.mp4", shown(1, (0.1,), 1.0, taken=2.0))  # a still picture of a while ago
        said.until("recording", is_on=True)
        with pytest.raises(UsageError, match="not complete yet"):
            keeping.record(tmp_path / "other.mp4", shown(1, (0.1,), 1.0))
        keeping.add(shown(2, (0.2,), 9.0, taken=5.1))
        clock.seconds = 6.5
        keeping.stop_recording()
        assert said.until("saved", what="recording").items() >= {"frames": 2, "left_out": 0}.items()
        assert said.until("recording", is_on=False)["seconds"] == pytest.approx(1.5)
        said.messages.clear()
        keeping.snapshot(tmp_path / ("x" * 300 + ".png"), shown(1, (0.1,), 1.0))
        assert said.until("trouble", about="snapshot")["error"]["kind"] == "DestinationError"
        keeping.record(tmp_path / "last.mp4", shown(1, (0.1,), 1.0, taken=5.0))
    assert duration(tmp_path / "video.mp4") == pytest.approx(1.5, abs=0.05)
    assert (tmp_path / "last.mp4").exists()  # it was completed at the end


def test_tray_is_emptied_when_it_is_told_and_not_by_a_guess(tmp_path: Path) -> None:
    said = Said()
    with Keeping(Dialogue(say=said.say), tmp_path / "private") as keeping:
        keeping.add(shown(1, (0.1,), 1.0, candidate="file"))
        keeping.add(shown(2, (0.2,), 9.0, candidate="its copy"))
        said.until("worst", losses=[0.2, 0.1])
        keeping.forget_worst()
        said.until("worst", losses=[])
        keeping.add(shown(3, (0.05,), 1.0, candidate="file"))  # the same path, with another content
        said.until("worst", losses=[0.05])
    assert [len(each["frames"]) for each in said.messages] == [1, 2, 0, 1]


def test_recording_tells_of_frames_that_it_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, said = threading.Event(), Said()

    def slow(drawn: Sides, *, separately: bool) -> Picture:
        assert go_on.wait(30)
        return draw_board(drawn, separately=separately)

    monkeypatch.setattr(recording_module, "draw_board", slow)
    with Keeping(Dialogue(say=said.say), tmp_path / "private", Clock(5.0)) as keeping:
        keeping.record(tmp_path / "video.mp4", shown(1, (0.0,), 1.0))
        for identity in range(2, 12):
            keeping.add(shown(identity, (0.0,), 1.0, taken=5.0))
        keeping.stop_recording()
        go_on.set()
        saved = said.until("saved", what="recording")
    assert saved["left_out"] >= 8
    assert saved["frames"] + saved["left_out"] == 11


@pytest.mark.parametrize("error", [ValueError("odd"), MemoryError()])
def test_bug_in_a_snapshot_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], error: Exception
) -> None:
    def fail(*_arguments: object) -> None:
        raise error

    said = Said()
    monkeypatch.setattr(keeping_module, "write_snapshot", fail)
    with Keeping(Dialogue(say=said.say), tmp_path / "private") as keeping:
        keeping.snapshot(tmp_path / "shot.png", shown(1, (0.1,), 1.0))
        assert type(error).__name__ in said.until("trouble", about="snapshot")["error"]["what"]
    assert "Traceback" in capfd.readouterr().err
