"""Hand frames over: both pictures and the map into shared memory, and say where they are."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from converters.closing import Closing
from converters.dialogue import Dialogue
from converters.face.faces import Picture
from converters.preview.display import BYTES, MOST_PIXELS, put
from converters.preview.maps import HIGHEST, CropMap, Grey, box_of, paint_difference, paint_maps
from converters.preview.messages import MapReport
from converters.preview.region import Region
from converters.preview.request import Overlay
from converters.preview.slots import Slots

Data = dict[str, Any]
_SLOTS = 3  # one that is read, one that waits, one that is written
_LARGEST = MOST_PIXELS * (2 * BYTES + 1)  # bytes of a slot; a larger frame is never handed over


@dataclass(frozen=True)
class Placed:
    """Where a frame was put.

    Attributes:
        memory, slot: as `FrameReport` has them; "" and -1 where the reader kept all slots.
        map: what lies over the candidate; None for nothing.
        grey: a copy of that map, for whoever keeps the frame.
    """

    memory: str
    slot: int
    map: MapReport | None
    grey: Grey | None


class Publisher(Closing):
    """Puts frames into free slots. `release` may be called from any thread, the rest from one.

    Args:
        dialogue: is told of new memory.

    Attributes:
        skipped: frames that found no free slot, because the reader was busy.
    """

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self._slots: Slots | None = None
        self._free: list[int] = []
        self._spare = bytearray()
        self._owes = False
        self._lock = threading.Lock()
        self.skipped = 0

    def put(
        self, original: Picture, candidate: Picture, region: Region, overlay: Overlay, maps: Sequence[CropMap]
    ) -> Placed:
        """Put both sides and the map into a slot; where the reader keeps all of them nobody sees it, and it is owed.

        Args:
            original, candidate: height x width x 3, RGB, of one size.
            region: of them that is shown.
            overlay: the map wanted; a plain difference is made here.
            maps: what other maps are made of; () for no map.
        """
        width, height = region.size
        picture = width * height * BYTES
        size = 2 * picture + width * height
        slots = self._with_room(size)
        with self._lock:
            number = self._free.pop() if self._free else None
            self._owes = number is None
            self.skipped += self._owes
        report, grey = None, None
        rows, columns = slice(region.top, region.bottom), slice(region.left, region.right)
        # whoever keeps frames wants the map of every one
        room = self._apart(size) if number is None else slots.slot(number)
        with room as memory, memory[:picture] as one, memory[picture : 2 * picture] as other:
            put(original[rows, columns], region.size, one)
            put(candidate[rows, columns], region.size, other)
            if maps or overlay is Overlay.DIFFERENCE:
                highest = HIGHEST[overlay]
                grey = np.empty((height, width), np.uint8)
                if overlay is Overlay.DIFFERENCE:
                    paint_difference(one, other, highest, grey)
                else:
                    paint_maps(maps, highest, region, grey)
                report = MapReport(overlay.value, highest, box_of(grey))
                _copy(grey, memory[2 * picture : 2 * picture + width * height])
        if number is None:
            return Placed("", -1, report, grey)
        return Placed(slots.path.name, number, report, grey)

    def take_owed(self) -> bool:
        """Return whether the last frame found no slot, and there is one now; says so once. From any thread."""
        with self._lock:
            is_due = self._owes and bool(self._free)
            if is_due:
                self._owes = False
            return is_due

    def release(self, memory: str, slot: int) -> None:
        """Take note that the reader copied a slot."""
        with self._lock:
            if self._slots is not None and self._slots.path.name == memory:
                self._slots.forget_name()
                self._free.append(slot)

    def _with_room(self, size: int) -> Slots:
        """Return slots large enough; new ones where frames grew."""
        slots = self._slots
        if slots is None or slots.slot_size < size:
            # twice as much as needed, for a window that is dragged larger shall not make new memory for each look
            slots = Slots.make(max(size, min(1 << (size - 1).bit_length(), _LARGEST)), _SLOTS)
            with self._lock:  # which stays with the old ones where there is no room for these
                old, self._slots, self._free = self._slots, slots, list(range(_SLOTS))
            if old is not None:
                old.close()
            said = {"event": "memory", "path": str(slots.path), "size": slots.size, "slots": _SLOTS}
            self._dialogue.say(said)
        return slots

    def _apart(self, size: int) -> memoryview:
        if len(self._spare) < size:
            self._spare = bytearray(size)
        return memoryview(self._spare)

    def close(self) -> None:
        """Unmap the memory."""
        with self._lock:
            slots, self._slots = self._slots, None
        if slots is not None:
            slots.close()


def _copy(grey: Grey, memory: memoryview) -> None:
    target: npt.NDArray[np.uint8] = np.frombuffer(memory, np.uint8)
    np.copyto(target, grey.reshape(-1))
