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
from converters.pictures import read_picture
from converters.preview import recording as recording_module
from converters.preview.board import Sides, sides_of, text_height
from converters.preview.keeping import Keeping
from converters.preview.recording import Recording
from converters.preview.region import Region
from converters.preview.snapshot import write_snapshot
from converters.preview.treated import Shown
from converters.video import VideoReader
from tests.preview.kept_frames import HEIGHT, WIDTH, shown

Data = dict[str, Any]


def sides(frame: Shown, most: tuple[int, int] = (0, 0)) -> Sides:
    return sides_of(frame.treated.result, frame.report, frame.treated.sides, frame.grey, frame.region, most)


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
    assert picture.shape[0] == HEIGHT + 4 * text
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


def test_snapshot_of_a_close_up_shows_the_close_up(tmp_path: Path) -> None:
    frame = shown(5, (0.1,), 2.0, region=Region(40, 10, 80, 50, (20, 20)))
    frame.treated.result.original[10:50, 40:80] = 200
    write_snapshot(tmp_path / "shot.png", sides(frame))
    text = text_height(40)
    pane = read_picture(tmp_path / "shot.png")[text : text + 40, :40]
    assert np.all(pane == 200)


def test_snapshot_is_a_png_and_complete_or_absent(tmp_path: Path) -> None:
    frame = sides(shown(5, (0.1,), 2.0, has_map=False))
    with pytest.raises(UsageError, match="is a PNG"):
        write_snapshot(tmp_path / "shot.jpg", frame)
    (tmp_path / "file").touch()
    with pytest.raises(DestinationError):
        write_snapshot(tmp_path / "file" / "shot.png", frame)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_recording_plays_as_it_was_seen(tmp_path: Path) -> None:
    path, ended = tmp_path / "video.mp4", Ended()
    frames = [shown(each, (0.1,), 0.0, taken=100 + each * 0.2, has_map=False) for each in range(6)]
    for place, frame in enumerate(frames):
        frame.treated.result.candidate[:] = 30 * place
    with Recording(path, sides(frames[0]), ended) as recording:
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
    with Recording(tmp_path / "video.mp4", sides(first), ended) as recording:
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
    with Recording(tmp_path / "video.mp4", frame, ended) as recording:
        for place in range(300):
            recording.add(frame, 1.0 + place / 1000)
    assert recording.left_out > 0
    assert recording.frames + recording.left_out == 300


def test_recording_ends_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_module, "MOST_SECONDS", 2.0)
    ended = Ended()
    frame = sides(shown(1, (0.1,), 0.0))
    with Recording(tmp_path / "video.mp4", frame, ended) as recording:
        recording.add(frame, 1.0)
        recording.add(frame, 3.5)
        assert ended.event.wait(30)
        assert not recording.takes
    assert (tmp_path / "video.mp4").exists()


def test_recording_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    ended = Ended()
    frame = sides(shown(1, (0.1,), 0.0))
    recording = Recording(tmp_path / "video.mp4", frame, ended)
    recording.add(frame, 1.0)
    recording.give_up()
    assert ended.error is not None
    assert not list(tmp_path.iterdir())


def test_place_that_cannot_be_written_is_said_before_anything_is_recorded(tmp_path: Path) -> None:
    frame = sides(shown(1, (0.1,), 0.0))
    with pytest.raises(UsageError):
        Recording(tmp_path / "video.txt", frame, Ended())
    (tmp_path / "file").touch()
    with pytest.raises(DestinationError):
        Recording(tmp_path / "file" / "video.mp4", frame, Ended())
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
        with Recording(folder / "video.mp4", sides(frame), ended) as recording:
            place = 0
            while not ended.event.is_set() and place < 5000:
                place += recording.add(sides(frame), place / 25)
                time.sleep(0.001)
        assert ended.error is not None
        assert "The disk is full" in ended.error.why
        assert not list(folder.iterdir())
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_keeping_says_what_became_of_it(tmp_path: Path) -> None:
    said: list[Data] = []
    there = threading.Condition()

    def say(message: Data) -> None:
        with there:
            said.append(message)
            there.notify_all()

    def until(event: str, **values: Any) -> Data:
        def found() -> Data | None:
            return next((e for e in said if e["event"] == event and values.items() <= e.items()), None)

        with there:
            assert there.wait_for(lambda: found() is not None, 30), (event, said)
        message = found()
        assert message is not None
        return message

    with Keeping(Dialogue(say=say), tmp_path / "private") as keeping:
        keeping.add(shown(1, (0.1,), 1.0))
        assert len(until("worst")["frames"]) == 1
        with pytest.raises(UsageError):
            keeping.snapshot(tmp_path / "shot.gif", shown(1, (0.1,), 1.0))
        keeping.snapshot(tmp_path / "shot.png", shown(1, (0.1,), 1.0))
        until("saved", what="snapshot", path=str(tmp_path / "shot.png"))
        keeping.record(tmp_path / "video.mp4", shown(1, (0.1,), 1.0, taken=5.0))
        until("recording", is_on=True)
        with pytest.raises(UsageError, match="not complete yet"):
            keeping.record(tmp_path / "other.mp4", shown(1, (0.1,), 1.0))
        keeping.add(shown(2, (0.2,), 9.0, taken=5.1))
        keeping.stop_recording()
        assert until("saved", what="recording")["frames"] == 2
        assert until("recording", is_on=False)["seconds"] == pytest.approx(0.1)
        said.clear()
        keeping.add(shown(3, (0.3,), 20.0, candidate="another file"))
        until("worst", frames=[])  # what the former candidate lost
        keeping.snapshot(tmp_path / "nowhere" / ("x" * 300 + ".png"), shown(1, (0.1,), 1.0))
        assert until("trouble", about="snapshot")["error"]["kind"] == "DestinationError"
        keeping.record(tmp_path / "last.mp4", shown(1, (0.1,), 1.0, taken=5.0))
    assert (tmp_path / "last.mp4").exists()  # it was completed at the end
