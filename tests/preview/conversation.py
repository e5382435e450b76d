"""Talk to a preview process as the window does: a real worker, real shared memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from converters.closing import Closing
from converters.errors import StudioError
from converters.preview.messages import FrameReport
from converters.preview.request import PreviewRequest
from converters.preview.slots import Slots
from converters.progress import Progress
from converters.worker_client import Worker

Data = dict[str, Any]
Pixels = npt.NDArray[np.uint8]
PATIENCE = 60.0


@dataclass(frozen=True)
class Seen:
    """A frame as it came: both pictures RGB, the map grey or None."""

    report: FrameReport
    original: Pixels
    candidate: Pixels
    map: Pixels | None


class Conversation(Closing):
    """A preview under way; use as a context manager.

    Args:
        request: what is asked for.
        log: takes what the process prints.
        operations: as `Worker` takes them.
        keep: pictures of frames; without, only their reports.
    """

    def __init__(self, request: PreviewRequest, log: Path, *, operations: str = "", keep: bool = True) -> None:
        self.worker = Worker("preview", log, operations=operations)
        self.frames: list[Seen] = []
        self.said: list[Data] = []
        self.result: Data | None = None
        self.error: StudioError | None = None
        self.gives_back = True  # the slot of each frame, as soon as it is copied
        self._keep = keep
        self._slots: Slots | None = None
        self._changed = threading.Condition()
        self._is_over = False
        self._thread = threading.Thread(target=self._run, args=(request,), name="conversation")
        self._thread.start()

    def _run(self, request: PreviewRequest) -> None:
        try:
            result = self.worker.call("preview", request.to_json(), Progress(), heard=self._hear)
            with self._changed:
                self.result = result
        except StudioError as error:
            self.error = error
        finally:
            with self._changed:
                self._is_over = True
                self._changed.notify_all()

    def _hear(self, message: Data) -> None:
        if message["event"] == "memory":
            if self._slots is not None:
                self._slots.close()
            self._slots = Slots.of_writer(Path(message["path"]), message["size"], message["slots"])
            return
        seen = None
        if message["event"] == "frame":
            if self._slots is None or self._slots.path.name != message["memory"]:
                return  # that memory was gone before it could be mapped
            seen = self._seen(FrameReport.from_json(message))
            if self.gives_back:
                self.tell("release", memory=message["memory"], slot=message["slot"])
        with self._changed:
            if seen is not None:
                self.frames.append(seen)
            else:
                self.said.append(message)
            self._changed.notify_all()

    def _seen(self, report: FrameReport) -> Seen:
        assert self._slots is not None
        width, height = report.size
        count = width * height
        with self._slots.slot(report.slot) as memory:
            content = np.frombuffer(memory, np.uint8, count * 9).copy() if self._keep else np.zeros(count * 9, np.uint8)
        pictures = content[: 8 * count].reshape(2, height, width, 4)[..., 2::-1]
        grey = content[8 * count :].reshape(height, width) if report.map is not None else None
        return Seen(report, pictures[0], pictures[1], grey)

    def tell(self, command: str, **values: Any) -> None:
        """Tell the process something."""
        self.worker.tell({"command": command, **values})

    def wait(self, found: Callable[[], Any], what: str) -> Any:
        """Wait until something is found; fail with what was said where it does not come."""
        until = time.monotonic() + PATIENCE
        with self._changed:
            while not (value := found()):
                if self._is_over or not self._changed.wait(until - time.monotonic()):
                    raise AssertionError(f"no {what}: {self.error or self.result}, {self.said[-5:]}")
            return value

    def frame(self, *, after: int = -1, that: Callable[[Seen], bool] = lambda _: True) -> Seen:
        """Wait for the first frame of a kind behind the first so many (-1: behind all there are)."""
        begin = len(self.frames) if after < 0 else after
        seen: Seen = self.wait(lambda: next((each for each in self.frames[begin:] if that(each)), None), "frame")
        return seen

    def take_frames(self, least: int) -> list[Seen]:
        """Wait for so many frames; return all there are, and keep only the last of them."""
        self.wait(lambda: len(self.frames) >= least, f"{least} frames")
        with self._changed:
            frames, self.frames[:] = self.frames[:], self.frames[-1:]
        return frames

    def event(self, name: str, *, after: int = 0, that: Callable[[Data], bool] = lambda _: True) -> Data:
        """Wait for the first message of a kind behind the first so many."""
        said: Data = self.wait(
            lambda: next((each for each in self.said[after:] if each["event"] == name and that(each)), None), name
        )
        return said

    def stop(self) -> Data:
        """End it well; return its result."""
        self.tell("stop")
        self._thread.join(PATIENCE)
        assert self.result is not None, self.error
        return self.result

    def close(self) -> None:
        """End it, whatever it does."""
        self.worker.close()
        self._thread.join(PATIENCE)
        if self._slots is not None:
            self._slots.close()
            self._slots = None
