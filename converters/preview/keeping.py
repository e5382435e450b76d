"""Keep frames: the worst ones in the tray, one as a snapshot, all of them in a recording."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from converters.closing import Closing
from converters.dialogue import Dialogue
from converters.errors import CancelledError, StudioError, UsageError
from converters.preview.board import Sides, sides_of
from converters.preview.recording import LARGEST, Recording
from converters.preview.snapshot import check_snapshot, write_snapshot
from converters.preview.treated import Shown
from converters.preview.worst import WorstFrames

Data = dict[str, Any]
_SAY_EVERY = 0.5  # seconds between two messages about a recording


class Keeping(Closing):
    """Keeps what was shown, and says so. Use from one thread; files are written in others.

    Args:
        dialogue: gets the messages.
        folder: private: takes the pictures of the worst frames.
        clock: seconds, of the clock that reports are of.

    Raises:
        DestinationError: the folder cannot be made.
    """

    def __init__(self, dialogue: Dialogue, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._dialogue, self._clock = dialogue, clock
        self._recording: Recording | None = None
        self._writing: threading.Thread | None = None
        self._said = 0.0
        self._worst = WorstFrames(folder, self._say_worst, self._say_trouble)

    def add(self, shown: Shown) -> None:
        """Keep what is to be kept of a frame; copies at most."""
        self._worst.offer(shown.treated.frame, shown.treated.result, shown.report)
        recording = self._recording
        if recording is None or not recording.takes:
            return
        recording.add(_sides(shown, LARGEST) if recording.has_room else None, shown.report.said)
        if time.monotonic() - self._said >= _SAY_EVERY:
            self._say_recording(recording)

    def snapshot(self, path: Path, shown: Shown) -> None:
        """Write a frame, in a thread: a large PNG takes as long as several frames.

        Raises:
            UsageError: another ending than ".png".
            DestinationError: there is no such folder.
        """
        check_snapshot(path)
        sides = _sides(shown, (0, 0))
        self._wait_for_snapshot()
        self._writing = threading.Thread(target=self._write_snapshot, args=(path, sides), name="snapshot", daemon=True)
        self._writing.start()

    def record(self, path: Path, shown: Shown) -> None:
        """Write this frame and all that are added from now on into a video.

        Raises:
            UsageError: one is being made already, or another ending.
            DestinationError: it cannot be written there.
        """
        if self._recording is not None and not self._recording.is_over:
            raise UsageError(
                f"The recording {self._recording.path.name} is not complete yet.", "", "End it before the next one."
            )
        first = _sides(shown, LARGEST)
        self._recording = Recording(path, first, self._take_end, self._clock)
        self._recording.add(first, self._clock())  # it may be a still picture that was shown long ago
        self._say_recording(self._recording)

    def stop_recording(self) -> None:
        """Complete the video, in its own thread; nothing happens where none is made."""
        if self._recording is not None:
            self._recording.finish()

    def _write_snapshot(self, path: Path, sides: Sides) -> None:
        try:
            write_snapshot(path, sides)
        except StudioError as error:
            self._say_trouble(error, "snapshot")
        except Exception as error:  # a bug, or no memory, costs the snapshot and not the preview; the window waits
            traceback.print_exc()
            self._say_trouble(
                StudioError(f"The snapshot {path.name} failed in a way that is not foreseen: {error!r:.300}."),
                "snapshot",
            )
        else:
            self._dialogue.say({"event": "saved", "what": "snapshot", "path": str(path), "frames": 1})

    def _wait_for_snapshot(self) -> None:
        if self._writing is not None:
            self._writing.join()
            self._writing = None

    def forget_worst(self) -> None:
        """Empty the tray: what was lost so far says nothing of what is compared from now on."""
        self._worst.forget()

    def _take_end(self, recording: Recording, error: StudioError | None) -> None:
        self._say_recording(recording)
        if error is None:
            said: Data = {
                "event": "saved",
                "what": "recording",
                "path": str(recording.path),
                "frames": recording.frames,
                "left_out": recording.left_out,
            }
            self._dialogue.say(said)
        elif not isinstance(error, CancelledError):
            self._say_trouble(error, "recording")

    def _say_recording(self, recording: Recording) -> None:
        self._said = time.monotonic()
        counted = {"frames": recording.frames, "seconds": recording.seconds, "left_out": recording.left_out}
        self._dialogue.say({"event": "recording", "is_on": not recording.is_over, **counted})

    def _say_worst(self) -> None:
        self._dialogue.say({"event": "worst", "frames": [asdict(each) for each in self._worst.frames()]})

    def _say_trouble(self, error: StudioError, about: str = "worst") -> None:
        self._dialogue.say({"event": "trouble", "about": about, "error": error.to_json()})

    def close(self) -> None:
        """Complete the recording and wait for that; free everything."""
        if self._recording is not None:
            self._recording.close()
        self._wait_for_snapshot()
        self._worst.close()


def _sides(shown: Shown, most: tuple[int, int]) -> Sides:
    treated = shown.treated
    return sides_of(treated.result, shown.report, treated.sides, shown.grey, shown.region, most)
