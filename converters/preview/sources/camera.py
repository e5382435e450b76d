"""A camera that is watched: what freezes, is unplugged or gives rubbish is noticed, said, and opened again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from converters.errors import BadInputError
from converters.preview.messages import SourceState
from converters.preview.request import SourceChoice
from converters.preview.sources.base import Captured, FrameSource, Health
from converters.preview.sources.device import Device, Reading

_USUAL_RATE = 30.0
_POLL = 0.1  # seconds that a read waits for a frame at most
REMEDY = "Check that it is connected, free and permitted to this program; or choose another source."


@dataclass(frozen=True)
class Patience:
    """When something of a camera is believed to be wrong, in seconds.

    Attributes:
        opening: that it may take to be opened at first.
        failing: reads may fail so long.
        frozen: without a new picture.
        stuck: then it is opened again, whether it does not answer or repeats one picture for ever, as OpenCV does of
            some cameras that were unplugged (https://github.com/opencv/opencv/issues/5221).
        tries: waits before it is opened again, the last one from then on.
        damaged: so long after a damaged frame it is spoken of.
    """

    opening: float = 10.0
    failing: float = 0.4
    frozen: float = 1.5
    stuck: float = 5.0
    tries: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0)
    damaged: float = 5.0


_CLOSING = 1.0  # seconds that a device may take to let go
_MOST_HANGING = 3  # threads that wait for a dead device, before no further one is sent


class Camera(FrameSource):
    """A camera. `read` waits a moment for a frame, and looks after the device.

    Args:
        opened: opens the device at a size (0 for any); called in other threads.
        title: for people.
        size: wanted, width and height; 0 for what it gives.
        is_there: whether the system has the device; asked often.
        patience: see there.

    Raises:
        BadInputError: it cannot be opened.
    """

    is_live = True

    def __init__(
        self,
        opened: Callable[[tuple[int, int]], Device],
        title: str,
        size: tuple[int, int] = (0, 0),
        is_there: Callable[[], bool] = lambda: True,
        patience: Patience | None = None,
    ) -> None:
        self.title = title
        self._opened = opened
        self._wanted = size
        self._is_closed = False
        self._is_there = is_there
        self._patience = patience or Patience()
        self._begun = time.monotonic()
        self._index = 0
        self._failures = 0  # since the last picture
        self._next_try = 0.0
        self._reason = ""
        self._is_resized = False
        self._is_discontinuous = False
        self._had_still = False  # opened again because its picture stood still, and no other came since
        self._looked = 0.0
        self._hanging: list[Reading] = []
        self._reading: Reading | None = self._begin()
        if not self._reading.wait_opened(self._patience.opening):
            self.close()
            raise BadInputError(f"{title} cannot be opened.", "It is not there, or taken by another program.", REMEDY)
        self.size = self._reading.size
        self.rate = self._reading.rate if self._reading.rate > 0 else _USUAL_RATE

    def read(self, earliest: float = 0.0) -> Captured | None:  # noqa: ARG002 - there is no other time than now
        """Return the newest frame; None where none came for a moment."""
        if self._is_resized and self._reading is not None:
            self._lose("The camera is opened at another size.", at_once=True)
        reading = self._reading
        if reading is None:
            self._try_again()
            return None
        picture = reading.newest(_POLL)
        now = time.monotonic()
        if picture is None or now - self._looked > _POLL:
            self._looked = now
            reason = self._fault(reading, now)
            if reason:
                self._lose(reason)
                return None
        if picture is None:
            return None
        self._failures = 0
        if reading.changes > 1:
            self._had_still = False
        size = (picture.shape[1], picture.shape[0])
        is_discontinuous = self._is_discontinuous or (size != self.size and self._index > 0)
        self._is_discontinuous = False
        self.size = size
        self._index += 1
        return Captured(now - self._begun, picture, self._index - 1, is_discontinuous=is_discontinuous)

    def health(self) -> Health:
        """Return how it is; from any thread."""
        reading, patience, now = self._reading, self._patience, time.monotonic()
        if self._is_closed:  # nothing was lost
            return Health()
        if reading is None or self._failures:
            return Health(SourceState.LOST, self._reason, max(0.0, self._next_try - now) if reading is None else 0.0)
        if now - max(reading.changed, reading.begun) > patience.frozen:
            return Health(SourceState.FROZEN, _stillness(reading, now, patience))
        if reading.damaged and now - reading.damaged_at < patience.damaged:
            return Health(problem=f"Damaged frames were left out: {reading.damaged} so far.")
        return Health()

    def adopt(self, choice: SourceChoice) -> bool:
        """Take another size or mirror of the same camera: it cannot be open twice."""
        ours = self.choice
        if ours is None or (choice.kind, choice.place, choice.options) != (ours.kind, ours.place, ours.options):
            return False
        self.choice, self.mirror = choice, choice.mirror
        if (choice.width, choice.height) != self._wanted:
            self._wanted = choice.width, choice.height
            self._is_resized = True
        self._next_try = 0.0  # a lost one is tried at once: somebody asked for it
        return True

    def close(self) -> None:
        """Let go of the device. What hangs in it is left to the end of the process."""
        self._is_closed = True
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.give_up()
            reading.join(_CLOSING)

    def _begin(self) -> Reading:
        self._is_resized = False  # first: what is wanted from here on, by another thread, is not forgotten
        wanted = self._wanted
        return Reading(lambda: self._opened(wanted), self._patience.failing)

    def _fault(self, reading: Reading, now: float) -> str:
        """Return why a device must be opened again, "" where it need not be."""
        if reading.is_failed and not reading.is_opened:
            return "The camera cannot be opened."
        if reading.is_failed:
            return "The camera was unplugged, or taken by another program."
        if reading.is_opened and not self._is_there():
            return "The camera was unplugged."
        if now - reading.answered > (self._patience.stuck if reading.is_opened else self._patience.opening):
            return "The camera does not answer."
        if now - max(reading.changed, reading.begun) > self._patience.stuck and not self._had_still:
            self._had_still = True
            return _stillness(reading, now, self._patience)
        return ""

    def _lose(self, reason: str, *, at_once: bool = False) -> None:
        tries = self._patience.tries
        wait = 0.0 if at_once else tries[min(self._failures, len(tries) - 1)]
        # the reason before the fact: `health` looks from other threads
        self._reason = reason
        self._next_try = time.monotonic() + wait
        self._failures += 1
        self._is_discontinuous = True
        reading, self._reading = self._reading, None
        assert reading is not None
        reading.give_up()
        if at_once:
            reading.join(_CLOSING)  # else the device is still taken
        if reading.is_alive():
            self._hanging.append(reading)

    def _try_again(self) -> None:
        """Open the device again if it is time, else wait for a moment."""
        now = time.monotonic()
        if now < self._next_try:
            time.sleep(min(_POLL, self._next_try - now))
            return
        self._hanging = [reading for reading in self._hanging if reading.is_alive()]
        if len(self._hanging) < _MOST_HANGING:
            self._reading = self._begin()
        else:
            self._next_try = now + self._patience.tries[-1]


def _stillness(reading: Reading, now: float, patience: Patience) -> str:
    if reading.damaged and now - reading.damaged_at < patience.frozen:
        return f"The camera gives only damaged frames: {reading.damaged} so far."
    if now - reading.answered < patience.frozen and reading.frames:
        return "The camera gives the same picture again and again."
    return "The camera gives no pictures."
