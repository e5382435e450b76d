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
from converters.preview.display import BYTES, put
from converters.preview.maps import HIGHEST, CropMap, Grey, paint_difference, paint_maps
from converters.preview.messages import MapReport
from converters.preview.region import Region
from converters.preview.request import Overlay
from converters.preview.slots import Slots

Data = dict[str, Any]
_SLOTS = 3  # one that is read, one that waits, one that is written


@dataclass(frozen=True)
class Placed:
    """Where a frame was put.

    Attributes:
        memory, slot: as `FrameReport` has them.
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
        self._lock = threading.Lock()
        self.skipped = 0

    def put(
        self, original: Picture, candidate: Picture, region: Region, overlay: Overlay, maps: Sequence[CropMap]
    ) -> Placed | None:
        """Put both sides and the map into a slot; None where the reader keeps all of them.

        Args:
            original, candidate: height x width x 3, RGB, of one size.
            region: of them that is shown.
            overlay: the map wanted; a plain difference is made here.
            maps: what other maps are made of; () for no map.
        """
        width, height = region.size
        picture = width * height * BYTES
        slots = self._with_room(2 * picture + width * height)
        with self._lock:
            if not self._free:
                self.skipped += 1
                return None
            number = self._free.pop()
        report, grey = None, None
        rows, columns = slice(region.top, region.bottom), slice(region.left, region.right)
        with slots.slot(number) as memory, memory[:picture] as one, memory[picture : 2 * picture] as other:
            put(original[rows, columns], region.size, one)
            put(candidate[rows, columns], region.size, other)
            if maps or overlay is Overlay.DIFFERENCE:
                highest = HIGHEST[overlay]
                report = MapReport(overlay.value, highest)
                grey = np.empty((height, width), np.uint8)
                if overlay is Overlay.DIFFERENCE:
                    paint_difference(one, other, highest, grey)
                else:
                    paint_maps(maps, highest, region, grey)
                _copy(grey, memory[2 * picture : 2 * picture + width * height])
        return Placed(slots.path.name, number, report, grey)

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
            self.close()
            slots = Slots.make(size, _SLOTS)
            with self._lock:
                self._slots, self._free = slots, list(range(_SLOTS))
            said = {"event": "memory", "path": str(slots.path), "size": slots.size, "slots": _SLOTS}
            self._dialogue.say(said)
        return slots

    def close(self) -> None:
        """Unmap the memory."""
        with self._lock:
            slots, self._slots = self._slots, None
        if slots is not None:
            slots.close()


def _copy(grey: Grey, memory: memoryview) -> None:
    target: npt.NDArray[np.uint8] = np.frombuffer(memory, np.uint8)
    np.copyto(target, grey.reshape(-1))
