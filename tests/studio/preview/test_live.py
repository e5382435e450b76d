"""A real preview process: its frames, every way it can end, and that nothing of it stays behind."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from pytestqt.qtbot import QtBot

from converters.errors import StudioError
from converters.preview.request import Look, ModelChoice, PreviewRequest, SourceChoice, SourceKind
from converters.preview.slots import PREFIX, memory_folder
from studio.preview import live as live_module
from studio.preview.live import Live, LiveState
from studio.preview.mailbox import LiveFrame

OPERATIONS = "tests.studio.preview.preview_operations:TABLE"
PATIENCE = 30_000  # milliseconds; for a machine that does other things, too

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="these processes end themselves with POSIX signals")


def request(folder: Path, candidate: str = "good", place: str = "") -> PreviewRequest:
    kind = SourceKind.FOLDER if place else SourceKind.CLIP
    return PreviewRequest(ModelChoice(), ModelChoice(candidate), SourceChoice(kind, place), str(folder / "runs"))


def candidate(path: str) -> dict[str, object]:
    return {"command": "candidate", "model": ModelChoice(path).to_json()}


def left_in_memory(folder: Path) -> list[str]:
    """Return the shared files of processes that ran here."""
    pids = [path.name.removeprefix("run-") for path in (folder / "runs").glob("run-*")]
    return [file.name for pid in pids for file in memory_folder().glob(f"{PREFIX}{pid}-*")]


class Watched:
    """A Live and everything it told."""

    def __init__(self, live: Live, qtbot: QtBot) -> None:
        self.live, self.qtbot = live, qtbot
        self.frames: list[LiveFrame] = []
        self.states: list[LiveState] = []
        self.crashes: list[StudioError] = []
        self.refusals: list[tuple[str, StudioError]] = []
        live.framed.connect(self.frames.append)
        live.state_changed.connect(self._note)
        live.crashed.connect(self.crashes.append)
        live.refused.connect(lambda command, error: self.refusals.append((command, error)))

    def _note(self) -> None:
        if not self.states or self.states[-1] is not self.live.state:
            self.states.append(self.live.state)

    def until(self, condition: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(condition, timeout=PATIENCE)

    def until_frames(self, count: int = 3) -> None:
        seen = len(self.frames)
        self.until(lambda: len(self.frames) >= seen + count)


@pytest.fixture
def watched(tmp_path: Path, qtbot: QtBot) -> Iterator[Watched]:
    """Make a Live; afterwards nothing of its processes is there."""
    live = Live(tmp_path / "logs" / "preview.log", operations=OPERATIONS)
    yield Watched(live, qtbot)
    live.close()
    assert not left_in_memory(tmp_path)
    assert not psutil.Process().children(recursive=True)


def test_frames_are_whole_and_the_windows_own(watched: Watched, tmp_path: Path) -> None:
    watched.live.start(request(tmp_path))
    watched.until_frames(30)
    watched.live.close()  # what the process wrote them into is gone
    for frame in watched.frames:
        drawn = frame.identity % 200
        for side in (frame.original, frame.candidate):
            assert {side.pixelColor(x, y).red() for x in (0, 31, 63) for y in (0, 17, 35)} == {drawn}
    identities = [frame.identity for frame in watched.frames]
    assert identities == sorted(set(identities))
    assert watched.states == [LiveState.STARTING, LiveState.RUNNING, LiveState.OFF]


def test_larger_pictures_come_in_other_memory(watched: Watched, tmp_path: Path) -> None:
    watched.live.start(request(tmp_path))
    watched.until_frames()
    watched.live.tell({"command": "look", "look": Look(width=640).to_json()})
    watched.until(lambda: watched.frames[-1].original.width() == 640)
    frame = watched.frames[-1]
    assert frame.candidate.pixelColor(639, 35).red() == frame.identity % 200


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGSEGV])
def test_killed_process_is_replaced_and_told_what_was_chosen(
    watched: Watched, tmp_path: Path, by: signal.Signals
) -> None:
    watched.live.start(request(tmp_path))
    watched.until_frames()
    watched.live.tell(candidate("another"))
    watched.live.tell({"command": "seek", "seconds": 1000.0})
    watched.live.tell({"command": "speed", "factor": 0.5})
    watched.until(lambda: watched.frames[-1].report.candidate == "another" and watched.frames[-1].report.position > 999)
    before = watched.live.pid
    assert before is not None
    os.kill(before, by)
    watched.until(lambda: watched.live.state is LiveState.RESTARTING)
    assert len(watched.crashes) == 1
    assert ("killed" in str(watched.crashes[0])) or ("crash" in str(watched.crashes[0]).lower())
    watched.until_frames()
    assert watched.live.pid not in (None, before)
    again = watched.frames[-1].report
    assert again.candidate == "another"
    assert again.position > 999
    assert set(again.name.split(",")) == {"seek", "speed"}
    assert watched.states == [LiveState.STARTING, LiveState.RUNNING, LiveState.RESTARTING, LiveState.RUNNING]


@pytest.mark.parametrize("wrong", ["segfault", "bug"])
def test_three_ends_within_a_minute_are_enough(watched: Watched, tmp_path: Path, wrong: str) -> None:
    watched.live.start(request(tmp_path))
    watched.until_frames()
    watched.live.tell(candidate(wrong))
    watched.live.tell({"command": "speed", "factor": 1.0})  # heard by every process, which then meets its candidate
    watched.until(lambda: watched.live.state is LiveState.FAILED)
    assert len(list((tmp_path / "runs").iterdir())) == live_module.MOST_CRASHES
    assert watched.live.error is not None
    assert "3 times" in watched.live.error.what
    assert "preview" in watched.live.error.why
    assert watched.live.error.remedy
    assert watched.live.pid is None
    watched.live.start(request(tmp_path))  # a person may try again
    watched.until_frames()
    assert watched.live.error is None


def test_ends_of_long_ago_do_not_count(watched: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "CRASH_SPAN", 0.0)
    watched.live.start(request(tmp_path, "dies at once"))
    watched.until(lambda: len(watched.crashes) > live_module.MOST_CRASHES)
    assert watched.live.state is LiveState.RESTARTING


def test_hanging_process_is_replaced(watched: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watched.live.start(request(tmp_path))
    watched.until_frames()
    monkeypatch.setattr(live_module, "SILENCE", 1.0)
    watched.live.tell(candidate("hangs"))
    watched.until(lambda: watched.live.state is LiveState.RESTARTING)
    assert "said nothing" in watched.crashes[0].what


def test_refused_commands_change_nothing(watched: Watched, tmp_path: Path) -> None:
    watched.live.start(request(tmp_path))
    watched.until_frames()
    before = watched.live.request
    source = SourceChoice(SourceKind.FOLDER, "nothing there")
    watched.live.tell({"command": "source", "source": source.to_json()})
    watched.live.tell(candidate("refused"))
    assert watched.live.request != before
    watched.until(lambda: len(watched.refusals) == 2)
    assert [command for command, _ in watched.refusals] == ["source", "candidate"]
    assert watched.refusals[0][1].what == "There is nothing there."
    assert watched.live.request == before
    watched.until_frames()
    assert not watched.crashes


def test_source_that_cannot_be_opened_fails_without_another_try(watched: Watched, tmp_path: Path) -> None:
    watched.live.start(request(tmp_path, place="nothing there"))
    watched.until(lambda: watched.live.state is LiveState.FAILED)
    assert watched.live.error is not None
    assert watched.live.error.what == "There is nothing there."
    assert not watched.crashes


def test_told_while_it_starts_is_heard(watched: Watched, tmp_path: Path) -> None:
    watched.live.start(request(tmp_path))
    watched.live.tell(candidate("chosen early"))
    watched.until_frames(1)
    watched.until(lambda: watched.frames[-1].report.candidate == "chosen early")


def test_stubborn_process_does_not_hold_the_window(watched: Watched, tmp_path: Path) -> None:
    watched.live.start(request(tmp_path, "stubborn"))
    watched.until_frames(1)
    process = psutil.Process(watched.live.pid)
    begun = time.monotonic()
    watched.live.stop()
    assert time.monotonic() - begun < 0.5
    assert watched.live.state is LiveState.OFF
    watched.live.start(request(tmp_path, "good"))  # comes after it
    watched.until_frames()
    assert not process.is_running()


def test_beginning_and_ending_many_times_leaves_nothing(watched: Watched, tmp_path: Path) -> None:
    def held() -> tuple[int, int]:
        return threading.active_count(), psutil.Process().num_fds()

    watched.live.start(request(tmp_path))
    watched.until_frames()
    before = held()
    for place in range(9):
        watched.live.start(request(tmp_path))
        if place % 3 == 0:
            watched.until_frames(1)
        elif place % 3 == 1:
            watched.live.stop()
    watched.live.start(request(tmp_path))
    watched.until_frames()
    assert len(psutil.Process().children()) == 1
    assert held() <= before
    assert not watched.crashes


def test_nothing_begins_after_the_end(watched: Watched, tmp_path: Path) -> None:
    watched.live.close()
    watched.live.start(request(tmp_path))
    assert watched.live.state is LiveState.OFF
    assert watched.live.pid is None
