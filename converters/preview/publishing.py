"""Hand frames over: both pictures and the map into shared memory, what is known of them into a message."""

from __future__ import annotations

import time
from typing import Any

from converters.closing import Closing
from converters.dialogue import Dialogue
from converters.preview.capture import Frame
from converters.preview.display import BYTES, fitting, put
from converters.preview.pairs.base import PairResult
from converters.preview.request import Look
from converters.preview.slots import Slots

Data = dict[str, Any]
_SLOTS = 3  # one that is read, one that waits, one that is written


class Publisher(Closing):
    """Puts frames into free slots and says so.

    Args:
        dialogue: gets the messages.

    Attributes:
        published: frames that were said.
        skipped: frames that found no free slot, because the reader was busy.
    """

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self._slots: Slots | None = None
        self._free: list[int] = []
        self.published = self.skipped = 0

    def publish(self, frame: Frame, result: PairResult, look: Look) -> bool:
        """Hand a frame over; return whether there was room for it."""
        full = (result.original.shape[1], result.original.shape[0])
        size = fitting(full, (look.width, look.height))
        picture = size[0] * size[1] * BYTES
        slots = self._with_room(2 * picture + size[0] * size[1])
        if not self._free:
            self.skipped += 1
            return False
        number = self._free.pop()
        memory = slots.slot(number)
        with memory:
            put(result.original, size, memory[:picture])
            put(result.candidate, size, memory[picture : 2 * picture])
        self.published += 1
        self._dialogue.say(
            {
                "event": "frame",
                "memory": slots.path.name,
                "slot": number,
                "identity": frame.identity,
                "size": list(size),
                "full_size": list(full),
                "map": None,
                "taken": frame.taken,
                "said": time.monotonic(),
                "seconds": result.seconds,
            }
        )
        return True

    def release(self, memory: str, slot: int) -> None:
        """Take note that the reader copied a slot."""
        if self._slots is not None and self._slots.path.name == memory:
            self._slots.forget_name()
            self._free.append(slot)

    def _with_room(self, size: int) -> Slots:
        """Return slots large enough; new ones where frames grew."""
        if self._slots is None or self._slots.slot_size < size:
            self.close()
            self._slots = Slots.make(size, _SLOTS)
            self._free = list(range(_SLOTS))
            self._dialogue.say(
                {
                    "event": "memory",
                    "path": str(self._slots.path),
                    "size": self._slots.size,
                    "slots": _SLOTS,
                }
            )
        return self._slots

    def close(self) -> None:
        """Unmap the memory."""
        if self._slots is not None:
            self._slots.close()
            self._slots = None
