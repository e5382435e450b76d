"""One attempt at a camera: a thread that opens it and reads it until it fails or is given up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from converters.face.faces import Picture
from converters.pictures import LARGEST_PIXELS

_SMALLEST = 16  # pixels a side; what is smaller is no picture
_PAUSE = 0.02
"""Seconds after a read that failed."""
_SAMPLED = 8
"""Every so many pixels are compared first: the noise of a sensor shows in any of them."""


class Device(Protocol):
    """What is used of `cv2.VideoCapture`."""

    def isOpened(self) -> bool:  # noqa: N802
        """Whether it can be read."""

    def read(self) -> tuple[bool, Any]:
        """Return whether there is a frame, and it (height x width x 3, BGR)."""

    def get(self, name: int) -> float:
        """Return a property."""

    def release(self) -> None:
        """Close it."""


class Reading(threading.Thread):
    """Opens and reads a device. Everything public may be used from any thread.

    A thread of its own, because opening and reading may take ten seconds, and may never come back.

    Args:
        opened: opens the device; it may turn out not to be open.
        patience: seconds of failing reads after which it is given up; until the first frame six times as many, some
            cameras need a moment.

    Attributes:
        begun: when it was opened, before that when that was begun, monotonic.
        is_opened: whether the device let itself be opened.
        is_failed: whether it ended by itself.
        answered: when the device last came back from a read, monotonic.
        changed: when a picture last came that is another than that before, monotonic; 0 for never.
        changes: how often one came.
        frames: good pictures so far.
        damaged: frames so far that were no pictures.
        damaged_at: when the last of them came.
        rate, size: frames a second, width and height that the device promises; 0 for nothing.
    """

    def __init__(self, opened: Callable[[], Device], patience: float) -> None:
        super().__init__(name="camera", daemon=True)
        self.begun = self.answered = time.monotonic()
        self.is_opened = self.is_failed = False
        self.changed = 0.0
        self.changes = self.frames = self.damaged = 0
        self.damaged_at = 0.0
        self.rate = 0.0
        self.size = (0, 0)
        self._opened = opened
        self._patience = patience
        self._is_over = threading.Event()
        self._arrived = threading.Condition()
        self._waiting: Picture | None = None
        self._given: Picture | None = None
        self._spare: Picture | None = None
        self._last: npt.NDArray[Any] | None = None
        self.start()

    def newest(self, timeout: float) -> Picture | None:
        """Return the newest picture (RGB, good until the next call); None where none came within some seconds."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._waiting is not None or self.is_failed, timeout)
            if self._waiting is None:
                return None
            self._spare, self._given, self._waiting = self._given, self._waiting, None
            return self._given

    def wait_opened(self, timeout: float) -> bool:
        """Wait until the device let itself be opened or failed; return whether it did."""
        with self._arrived:
            self._arrived.wait_for(lambda: self.is_opened or self.is_failed, timeout)
            return self.is_opened

    def give_up(self) -> None:
        """Let it end as soon as the device comes back; returns at once."""
        self._is_over.set()

    def run(self) -> None:
        """Open and read."""
        try:
            device = self._opened()
            try:
                if device.isOpened() and not self._is_over.is_set():
                    self._read_all(device)
            finally:
                device.release()
        finally:
            with self._arrived:
                self.is_failed = True
                self._arrived.notify_all()

    def _read_all(self, device: Device) -> None:
        import cv2

        self.rate = device.get(cv2.CAP_PROP_FPS)
        self.size = int(device.get(cv2.CAP_PROP_FRAME_WIDTH)), int(device.get(cv2.CAP_PROP_FRAME_HEIGHT))
        with self._arrived:
            self.is_opened = True
            self.begun = self.answered = time.monotonic()
            self._arrived.notify_all()
        good = self.answered
        while not self._is_over.is_set():
            try:
                is_there, raw = device.read()
            except cv2.error:  # a frame that its decoder chokes on
                is_there, raw = True, None
                self._is_over.wait(_PAUSE)
            self.answered = now = time.monotonic()
            if not is_there:
                if now - good > self._patience * (1 if self.frames else 6):
                    return
                self._is_over.wait(_PAUSE)
                continue
            good = now
            if _is_picture(raw):
                self._put(raw, now)
            else:
                self.damaged += 1
                self.damaged_at = now

    def _put(self, raw: Picture, now: float) -> None:
        import cv2

        if self._last is None or not _are_same(raw, self._last):
            self.changed = now
            self.changes += 1
        self._last = raw
        with self._arrived:
            buffer, self._spare = self._spare, None
        if buffer is None or buffer.shape != raw.shape:
            buffer = np.empty(raw.shape, np.uint8)
        cv2.cvtColor(raw, cv2.COLOR_BGR2RGB, dst=buffer)
        with self._arrived:
            self._spare = self._spare if self._waiting is None else self._waiting
            self._waiting = buffer
            self.frames += 1
            self._arrived.notify_all()


def _is_picture(raw: object) -> bool:
    return (
        isinstance(raw, np.ndarray)
        and raw.dtype == np.uint8
        and raw.ndim == 3
        and raw.shape[2] == 3
        and min(raw.shape[:2]) >= _SMALLEST
        and raw.shape[0] * raw.shape[1] <= LARGEST_PIXELS
    )


def _are_same(one: Picture, other: Picture) -> bool:
    if one.shape != other.shape or not np.array_equal(one[::_SAMPLED, ::_SAMPLED], other[::_SAMPLED, ::_SAMPLED]):
        return False
    return np.array_equal(one, other)
