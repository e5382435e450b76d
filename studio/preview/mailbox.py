"""The newest frame of the preview process, copied out of shared memory for whoever draws it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtGui import QImage

from converters.closing import Closing
from converters.preview.messages import FrameReport
from converters.preview.slots import Slots

Data = dict[str, Any]
_BYTES = 4  # of a pixel


@dataclass(frozen=True)
class LiveFrame:
    """One frame, ready to be drawn: the images are the window's own.

    Attributes:
        identity: of the frame; both pictures are of it.
        original, candidate: RGB32, of one size, small enough for the pane.
        heat: 8-bit grey, of the same size; None for no map. `report.map.box` says where it is not 0.
        full_size: width and height before they were made small.
        report: everything that the process said of it.
    """

    identity: int
    original: QImage
    candidate: QImage
    heat: QImage | None
    full_size: tuple[int, int]
    report: FrameReport


class Mailbox(Closing):
    """Room for one frame: a newer one replaces it, and the slot of the older is given back at once.

    `put` and `map` are called on the thread that listens to the process, `take` on the window's.

    Args:
        release: gives a slot back: told the message of its frame.
    """

    def __init__(self, release: Callable[[Data], None]) -> None:
        self._release = release
        self._lock = threading.Lock()
        self._slots: Slots | None = None
        self._waiting: Data | None = None
        self.replaced = 0

    def map(self, message: Data) -> None:
        """Map the memory that frames come in from now on; where it is gone already, word of other is on its way."""
        with self._lock:
            self._unmap()
            self._slots = Slots.of_writer(Path(message["path"]), message["size"], message["slots"])

    def put(self, message: Data) -> bool:
        """Take the message of a new frame; return whether somebody is to be told, who was not yet told of a frame.

        A frame in memory that was gone before it could be mapped is left out: a newer one is on its way.
        """
        with self._lock:
            if self._slots is None or self._slots.path.name != message["memory"]:
                return False
            older, self._waiting = self._waiting, message
            if older is not None:
                self.replaced += 1
        if older is not None:
            self._release(older)
        return older is None

    def take(self) -> LiveFrame | None:
        """Return a copy of the newest frame and give its slot back; None where there is none."""
        with self._lock:
            message, self._waiting = self._waiting, None
            slots = self._slots
            if message is None or slots is None or slots.path.name != message["memory"]:
                return None
            frame = _copied(slots, message)
        self._release(message)
        return frame

    def _unmap(self) -> None:
        self._waiting = None
        if self._slots is not None:
            self._slots.close()
            self._slots = None

    def close(self) -> None:
        """Unmap the memory."""
        with self._lock:
            self._unmap()


def _copied(slots: Slots, message: Data) -> LiveFrame:
    width, height = message["size"]
    picture = width * height * _BYTES
    form, grey = QImage.Format.Format_RGB32, QImage.Format.Format_Grayscale8
    with slots.slot(message["slot"]) as memory:
        # copied, because Qt keeps pointers into memory that the process may unmap or write at any time
        original = QImage(memory[:picture], width, height, width * _BYTES, form).copy()
        candidate = QImage(memory[picture : 2 * picture], width, height, width * _BYTES, form).copy()
        heat = None
        if message["map"] is not None:
            heat = QImage(memory[2 * picture :], width, height, width, grey).copy()
    report = FrameReport.from_json(message)
    return LiveFrame(report.identity, original, candidate, heat, report.full_size, report)
