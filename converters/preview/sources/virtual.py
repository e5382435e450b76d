"""A camera that is none: a video behind the interface of one, which does on command what real ones do unasked."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from converters.errors import UsageError, did_you_mean
from converters.face.faces import Picture
from converters.preview.request import SourceChoice
from converters.preview.sources.camera import Camera, Patience
from converters.preview.sources.clip import VideoSource

ACTIONS = ("freeze", "repeat", "thaw", "unplug", "replug", "resize", "corrupt", "end_corrupt")
_BLOCK, _SIDE = 16, 4  # pixels a block; blocks a row and rows
_BITS = _SIDE * _SIDE
_WHITE = 255
_LOOK = 0.05  # seconds after which a waiting read looks into the script again
_DAMAGED: tuple[Any, ...] = (
    None,
    np.empty((0, 0, 3), np.uint8),
    np.full((48, 64), 90, np.uint8),
    np.full((48, 64, 4), 90, np.uint8),
    np.full((48, 64, 3), 0.5, np.float32),
    np.full((1, 64, 3), 90, np.uint8),
)


def draw_barcode(picture: Picture, number: int) -> None:
    """Draw the lowest 16 bits of a number into the top left corner, 64 x 64 pixels; in place."""
    bits = [number >> position & 1 for position in range(_BITS)]
    blocks: npt.NDArray[np.uint8] = np.array(bits, np.uint8).reshape(_SIDE, _SIDE) * np.uint8(_WHITE)
    picture[: _BLOCK * _SIDE, : _BLOCK * _SIDE] = np.kron(blocks, np.ones((_BLOCK, _BLOCK), np.uint8))[..., None]


def read_barcode(picture: Picture, scale: float = 1.0) -> int:
    """Return the number that `draw_barcode` drew.

    Args:
        picture: height x width x channels; the first channel is read.
        scale: pixels of it for one of the frame.
    """
    number = 0
    for position in range(_BITS):
        row, column = divmod(position, _SIDE)
        # the middle of a block, which neither scaling nor compression blurs
        top, left = (round((place + 0.25) * _BLOCK * scale) for place in (row, column))
        size = max(1, round(_BLOCK * scale / 2))
        if picture[top : top + size, left : left + size, 0].mean() > _WHITE / 2:
            number |= 1 << position
    return number


@dataclass(frozen=True)
class Event:
    """What a virtual camera does and when.

    Attributes:
        at: seconds after it was first opened.
        do: one of `ACTIONS`: "freeze" lets a read hang, "repeat" gives the same picture for ever, "thaw" ends both;
            what was open when it was unplugged stays dead after it is replugged.
        width, height: of "resize".
    """

    at: float
    do: str
    width: int = 0
    height: int = 0

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read plain data; UsageError where it makes no sense."""
        if data.get("do") not in ACTIONS:
            raise UsageError(f"A virtual camera cannot {data.get('do')!r}.", "", did_you_mean(str(data["do"]), ACTIONS))
        return cls(float(data["at"]), data["do"], int(data.get("width", 0)), int(data.get("height", 0)))


def open_virtual(choice: SourceChoice) -> Camera:
    """Return a virtual camera behind the supervision of a real one.

    Args:
        choice: `place` is a video. Options: "script" (list of `Event` as plain data), "barcode" (draw each frame's
            number into it), "rate" (frames a second), "patience" (other seconds of `Patience`).

    Raises:
        BadInputError: the video cannot be read.
        UsageError: the options make no sense.
    """
    options = choice.options
    script = [Event.from_json(event) for event in options.get("script", ())]
    known = {field.name for field in fields(Patience)}
    given: dict[str, Any] = dict(options.get("patience", {}))
    if "tries" in given:
        given["tries"] = tuple(given["tries"])
    if not set(given) <= known:
        raise UsageError(f"{sorted(set(given) - known)[0]!r} is no patience.", "", "")
    hardware = VirtualHardware(
        Path(choice.place), script, has_barcode=bool(options.get("barcode")), rate=float(options.get("rate", 0))
    )
    try:
        return VirtualCamera(hardware, (choice.width, choice.height), Patience(**given))
    except BaseException:
        hardware.close()
        raise


class VirtualCamera(Camera):
    """A watched virtual camera; closes its hardware.

    Args:
        hardware: behind it.
        size: wanted, 0 for that of the video.
        patience: of the supervision.
    """

    def __init__(self, hardware: VirtualHardware, size: tuple[int, int] = (0, 0), patience: Patience | None = None):
        self.hardware = hardware
        super().__init__(hardware.opened, f"Virtual camera ({hardware.title})", size, patience=patience)

    def close(self) -> None:
        """Let go of all."""
        self.hardware.close()
        super().close()


class VirtualHardware:
    """What stands for the camera itself, whether it is opened or not. May be used from any thread.

    Args:
        path: of the video that it sees, again and again.
        script: what it does and when.
        has_barcode: each frame carries its number.
        rate: frames a second; 0 for the video's.

    Raises:
        BadInputError: the video cannot be read.
    """

    def __init__(
        self, path: Path, script: list[Event] | None = None, *, has_barcode: bool = False, rate: float = 0.0
    ) -> None:
        self._video = VideoSource(path)
        self.title = path.name
        self.rate = rate or self._video.rate
        self.frames = 0  # that it has seen
        self._script = sorted(script or [], key=lambda event: event.at)
        self._has_barcode = has_barcode
        self.changed = threading.Condition()
        self.is_plugged = True
        self.is_closed = False
        self._still = ""
        self._is_damaged = False
        self._size = (0, 0)
        self._first_opened: float | None = None
        self._holder: _Handle | None = None
        self._last: Picture | None = None

    def do(self, what: str, width: int = 0, height: int = 0) -> None:
        """Do something of a script now."""
        with self.changed:
            if what in ("freeze", "repeat", "thaw"):
                self._still = "" if what == "thaw" else what
            elif what in ("unplug", "replug"):
                self.is_plugged = what == "replug"
                if not self.is_plugged and self._holder is not None:
                    self._holder.is_dead = True
            elif what == "resize":
                self._size = (width, height)
            else:
                self._is_damaged = what == "corrupt"
            self.changed.notify_all()

    def opened(self, size: tuple[int, int]) -> _Handle:
        """Open it; what is returned is not open while it is unplugged or still held by another."""
        with self.changed:
            now = time.monotonic()
            if self._first_opened is None:
                self._first_opened = now
            self.catch_up(now)
            handle = _Handle(self, size)
            handle.is_dead = not self.is_plugged or self.is_closed or self._holder is not None
            if not handle.is_dead:
                self._holder = handle
            return handle

    def let_go(self, handle: _Handle) -> None:
        """Take note that a handle was released."""
        with self.changed:
            handle.is_dead = True
            if self._holder is handle:
                self._holder = None

    def catch_up(self, now: float) -> None:
        """Do what the script says until now."""
        while self._script and self._first_opened is not None and now - self._first_opened >= self._script[0].at:
            event = self._script.pop(0)
            self.do(event.do, event.width, event.height)

    def is_hanging(self) -> bool:
        """Whether a read must not come back yet."""
        return self._still == "freeze"

    def size_for(self, wanted: tuple[int, int]) -> tuple[int, int]:
        """Return width and height of what it gives who opened it at a size."""
        return next(size for size in (self._size, wanted, self._video.size) if all(size))

    def see(self, wanted: tuple[int, int]) -> Any:
        """Return what a read gives: height x width x 3, BGR, or rubbish."""
        import cv2

        if self._is_damaged:
            self.frames += 1
            return _DAMAGED[self.frames % len(_DAMAGED)]
        if self._still and self._last is not None:
            return self._last.copy()
        captured = self._video.read()
        if captured is None:
            self._video.seek(0.0)
            captured = self._video.read()
        assert captured is not None  # a video without frames was refused
        picture = captured.picture
        size = self.size_for(wanted)
        if size != (picture.shape[1], picture.shape[0]):
            picture = cv2.resize(picture, size).astype(np.uint8, copy=False)
        picture = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR).astype(np.uint8, copy=False)
        if self._has_barcode:
            draw_barcode(picture, self.frames)
        self.frames += 1
        self._last = picture
        return picture

    def close(self) -> None:
        """Let every read come back, and close the video; closing twice is harmless."""
        with self.changed:
            self.is_closed = True
            self.changed.notify_all()
            self._video.close()


class _Handle:
    """What takes the place of `cv2.VideoCapture`."""

    def __init__(self, hardware: VirtualHardware, size: tuple[int, int]) -> None:
        self.is_dead = False
        self._hardware = hardware
        self._size = size
        self._due = time.monotonic()

    def isOpened(self) -> bool:  # noqa: N802
        return not self.is_dead

    def get(self, name: int) -> float:
        import cv2

        width, height = self._hardware.size_for(self._size)
        promised = {cv2.CAP_PROP_FRAME_WIDTH: width, cv2.CAP_PROP_FRAME_HEIGHT: height}
        return float(promised.get(name, self._hardware.rate if name == cv2.CAP_PROP_FPS else 0))

    def read(self) -> tuple[bool, Any]:
        hardware = self._hardware
        self._due = max(self._due + 1 / hardware.rate, time.monotonic())
        with hardware.changed:
            while not (self.is_dead or hardware.is_closed):
                now = time.monotonic()
                hardware.catch_up(now)
                if now >= self._due and not hardware.is_hanging() and not self.is_dead:
                    return True, hardware.see(self._size)
                hardware.changed.wait(_LOOK if now >= self._due else min(_LOOK, self._due - now))
        return False, None

    def release(self) -> None:
        self._hardware.let_go(self)
