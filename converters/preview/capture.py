"""Read a source in a thread of its own and keep its newest frame: whoever is slow misses frames, sees no old ones."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import numpy as np

from converters.closing import Closing
from converters.face.faces import Picture
from converters.preview.sources.base import FrameSource

_BUFFERS = 3  # one that is read from, one that waits, one that is written


@dataclass(frozen=True)
class Frame:
    """A frame with its number.

    Attributes:
        identity: counts up by one for each frame that was captured, also for those nobody looked at; never repeats,
            whatever the source does.
        seconds, picture, index, name: as `Captured` has them; the picture is good until `newest` is called again.
        taken: when it was captured, seconds of the monotonic clock.
        is_discontinuous: what came before it does not lead to it: the clip began anew, was sought, or is another one.
    """

    identity: int
    seconds: float
    picture: Picture
    index: int
    name: str
    taken: float
    is_discontinuous: bool


class Capture(Closing):
    """Reads a source. Frames of a clip come at its own pace.

    Args:
        source: closed with this.
        first_identity: of the first frame.
    """

    def __init__(self, source: FrameSource, first_identity: int = 0) -> None:
        self.source = source
        self.next_identity = first_identity
        self._is_over = threading.Event()
        self._arrived = threading.Condition()
        self._newest: Frame | None = None
        self._held: Frame | None = None
        self._buffers: list[Picture] = []
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self._thread.start()

    def newest(self, timeout: float) -> Frame | None:
        """Return the newest frame that was not yet returned; None where none came within `timeout` seconds."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._newest is not None, timeout)
            if self._newest is None:
                return None
            if self._held is not None:
                self._buffers.append(self._held.picture)
            self._held, self._newest = self._newest, None
            return self._held

    def _run(self) -> None:
        begun, is_discontinuous = time.monotonic(), True
        while not self._is_over.is_set():
            captured = self.source.read()
            if captured is None:
                self.source.seek(0.0)
                begun, is_discontinuous = time.monotonic(), True
                continue
            if not self.source.is_live:
                late = time.monotonic() - begun - captured.seconds
                if late < 0 and self._is_over.wait(-late):
                    return
            picture = self._buffer(captured.picture)
            np.copyto(picture, captured.picture)
            with self._arrived:
                if self._newest is not None:  # nobody looked at it
                    self._buffers.append(self._newest.picture)
                    is_discontinuous = is_discontinuous or self._newest.is_discontinuous
                self._newest = Frame(
                    self.next_identity,
                    captured.seconds,
                    picture,
                    captured.index,
                    captured.name,
                    time.monotonic(),
                    is_discontinuous,
                )
                self.next_identity += 1
                self._arrived.notify_all()
            is_discontinuous = False

    def _buffer(self, like: Picture) -> Picture:
        with self._arrived:
            while self._buffers:
                buffer = self._buffers.pop()
                if buffer.shape == like.shape:
                    return buffer
        return np.empty(like.shape, np.uint8)

    def close(self) -> None:
        """Stop reading; the source is closed."""
        self._is_over.set()
        self._thread.join(timeout=2)
        self.source.close()
