"""A preview in this process, whose parts a test can reach and whose slots it gives back when it wants to."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from converters.closing import Closing
from converters.dialogue import Dialogue
from converters.preview.loop import Preview
from converters.preview.request import PreviewRequest

Data = dict[str, Any]
PATIENCE = 30.0


class Here(Closing):
    """A preview that runs in a thread; use as a context manager.

    Args:
        request: what is asked for.

    Attributes:
        preview: the loop.
        said: everything it said.
        gives_back: the slot of each frame, at once.
        is_cancelled: whether it shall end.
        error: that ended it.
    """

    def __init__(self, request: PreviewRequest) -> None:
        self.said: list[Data] = []
        self.gives_back = True
        self.is_cancelled = False
        self.error: BaseException | None = None
        self._told: queue.SimpleQueue[Data] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._stack = ExitStack()
        dialogue = Dialogue(is_cancelled=lambda: self.is_cancelled, say=self._say, heard=self._heard)
        self.preview = Preview(request, dialogue, self._stack)
        self._thread = threading.Thread(target=self._run, name="preview here")
        self._thread.start()

    def _run(self) -> None:
        try:
            with self._stack:
                self.preview.run()
        except BaseException as error:
            self.error = error

    def _say(self, message: Data) -> None:
        with self._changed:
            self.said.append(message)
            self._changed.notify_all()
        if message["event"] == "frame" and self.gives_back:
            self.give_back(message)

    def _heard(self, seconds: float) -> Data | None:
        try:
            return self._told.get(timeout=max(seconds, 1e-6))
        except queue.Empty:
            return None

    def tell(self, command: str, **values: Any) -> None:
        """Tell it something."""
        self._told.put({"command": command, **values})

    def give_back(self, frame: Data) -> None:
        """Let it write into a frame's slot again."""
        self.tell("release", memory=frame["memory"], slot=frame["slot"])

    def event(self, name: str, *, after: int = 0, that: Callable[[Data], bool] = lambda _: True) -> Data:
        """Wait for the first message of a kind behind the first so many."""
        until = time.monotonic() + PATIENCE
        with self._changed:
            while True:
                for each in self.said[after:]:
                    if each["event"] == name and that(each):
                        return each
                if not self._changed.wait(until - time.monotonic()):
                    raise AssertionError(f"no {name}: {self.error}, {self.said[-5:]}")

    def ended(self, within: float = 5.0) -> bool:
        """Wait until it has ended; return whether it has."""
        self._thread.join(within)
        return not self._thread.is_alive()

    def close(self) -> None:
        """End it."""
        self.is_cancelled = True
        self._thread.join(PATIENCE)
