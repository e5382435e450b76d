"""The frames that lose most, kept as pictures: what a calibration should see more of."""

from __future__ import annotations

import itertools
import secrets
import shutil
import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from converters.closing import Closing
from converters.destination import destination_errors
from converters.errors import StudioError
from converters.face.faces import Picture
from converters.preview.capture import Frame
from converters.preview.messages import FrameReport, WorstFrame
from converters.preview.pairs.base import PairResult

MOST: Final = 12
"""Frames of the tray."""
APART: Final = 0.5
"""Seconds between two of them at least: neighbours show the same, and would fill the tray alone."""
MOST_BYTES: Final = 400_000_000
"""Of the tray's pictures before they are packed: twelve full HD frames fit, of 8 megapixels five. One always does."""
_THUMBNAIL = 112  # pixels, the side of each half
_WAITING = 3  # frames that are copied and not written yet
_WAITING_BYTES = 160_000_000  # of them, unless it is one
_SPARED = 6  # frames that left the tray and whose pictures stay for a while: somebody may be copying them
_SPARED_BYTES = 160_000_000  # of them, unless it is one
_PREFIX = "worst-"


@dataclass(frozen=True)
class _Copies:
    """What is to be written of a frame."""

    worst: WorstFrame
    size: int
    pictures: tuple[tuple[str, Picture], ...]


class WorstFrames(Closing):
    """A tray of the worst frames. Their pictures are written in a thread; a frame is in the tray once they are.

    Args:
        folder: private, made if missing; what an earlier tray left there is removed.
        changed: called in the thread whenever `frames` are others.
        failed: called in the thread with the StudioError where pictures cannot be written; nothing more is kept then
            until `forget`.
        most: frames at most.

    Raises:
        DestinationError: the folder cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        changed: Callable[[], None],
        failed: Callable[[StudioError], None],
        most: int = MOST,
    ) -> None:
        self._changed, self._failed, self._most = changed, failed, most
        with destination_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for old in folder.glob(f"{_PREFIX}*"):
                shutil.rmtree(old, ignore_errors=True)
            self._folder = folder / f"{_PREFIX}{secrets.token_hex(4)}"
            self._folder.mkdir()
        self._lock = threading.Condition()
        self._kept: list[WorstFrame] = []  # also those that are still to be written
        self._written: set[str] = set()  # by picture, as the next
        self._sizes: dict[str, int] = {}  # bytes of what is kept or spared
        self._left: deque[WorstFrame] = deque()
        self._has_failed = self._is_over = False
        self._waiting: list[_Copies] = []
        self._numbers = itertools.count()
        self._thread = threading.Thread(target=self._run, name="worst frames", daemon=True)
        self._thread.start()

    def frames(self) -> tuple[WorstFrame, ...]:
        """Return what is in the tray, the worst first."""
        with self._lock:
            return tuple(each for each in self._kept if each.picture in self._written)

    def offer(self, frame: Frame, result: PairResult, report: FrameReport) -> bool:
        """Keep a frame where it is one of the worst; only copies are made here.

        A frame within `APART` seconds of a worse one is not kept; one that is worse than its neighbours takes their
        place. Where too many wait to be written the one that loses least gives way. Call it from one thread.

        Args:
            frame: as it was captured.
            result: of both sides.
            report: of the same frame.

        Returns:
            Whether it is kept.
        """
        loss = report.loss
        size = frame.picture.nbytes + result.original.nbytes + result.candidate.nbytes
        with self._lock:
            leaving = self._leaving(loss, frame.seconds, size) if loss and not self._has_failed else None
            if not loss or leaving is None:
                return False
            worst = self._named(frame, loss)
            for each in leaving:
                self._leave(each)
            self._kept = sorted([*(e for e in self._kept if e not in leaving), worst], key=lambda e: -e.loss)
            self._sizes[worst.picture] = size
        copies = _Copies(worst, size, tuple(_copies(worst, frame, result, report)))
        with self._lock:
            self._waiting.append(copies)
            self._lock.notify_all()
        return True

    def _leaving(self, loss: float, position: float, size: int) -> list[WorstFrame] | None:
        """Return who has to leave for a frame; None where it loses less than one of them. With the lock."""
        leaving = [each for each in self._kept if abs(each.position - position) < APART]
        rest = [each for each in self._kept if each not in leaving]  # the worst first
        while rest and (len(rest) >= self._most or sum(self._sizes[e.picture] for e in rest) + size > MOST_BYTES):
            leaving.append(rest.pop())
        waiting = sorted((each for each in self._waiting if each.worst in rest), key=lambda e: -e.worst.loss)
        while waiting and (len(waiting) >= _WAITING or sum(e.size for e in waiting) + size > _WAITING_BYTES):
            leaving.append(waiting.pop().worst)
        return None if any(loss <= each.loss for each in leaving) else leaving

    def forget(self) -> None:
        """Empty the tray."""
        with self._lock:
            for each in self._kept:
                self._leave(each)
            self._kept = []
            self._waiting = []
            self._has_failed = False
        self._changed()

    def _named(self, frame: Frame, loss: float) -> WorstFrame:
        number = next(self._numbers)  # a frame may come again, after `forget`

        def path(what: str) -> str:
            return str(self._folder / f"{frame.identity}-{number}-{what}.png")

        return WorstFrame(
            frame.identity,
            loss,
            frame.seconds,
            frame.name,
            path("frame"),
            path("original"),
            path("candidate"),
            path("thumbnail"),
        )

    def _leave(self, worst: WorstFrame) -> None:
        """Take a frame out: the pictures go, not at once; with the lock."""
        self._waiting = [each for each in self._waiting if each.worst != worst]
        if worst.picture in self._written:
            self._written.discard(worst.picture)
            self._left.append(worst)
        else:
            self._sizes.pop(worst.picture, None)

    def _spared(self) -> list[WorstFrame]:
        """Return those that left and whose time is over; with the lock."""
        gone = []
        while len(self._left) > 1 and (
            len(self._left) > _SPARED or sum(self._sizes[e.picture] for e in self._left) > _SPARED_BYTES
        ):
            gone.append(self._left.popleft())
            del self._sizes[gone[-1].picture]
        return gone

    def _run(self) -> None:
        while (copies := self._next()) is not None:
            try:
                self._write(copies)
            except Exception as error:  # a bug, or no memory, costs the tray and not the preview
                with self._lock:
                    self._has_failed = True
                    for each in [each for each in self._kept if each.picture not in self._written]:
                        self._leave(each)
                        self._kept.remove(each)
                _remove(copies.worst)
                self._failed(error if isinstance(error, StudioError) else _unknown(error))

    def _next(self) -> _Copies | None:
        """Wait for a frame to be written; None at the end."""
        with self._lock:
            self._lock.wait_for(lambda: self._waiting or self._is_over)
            return self._waiting.pop(0) if self._waiting else None

    def _write(self, copies: _Copies) -> None:
        worst = copies.worst
        for path, picture in copies.pictures:
            with destination_errors(Path(path)):
                Path(path).write_bytes(_encoded(picture))
        with self._lock:
            is_kept = worst in self._kept
            if is_kept:
                self._written.add(worst.picture)
            gone = self._spared()
        for each in gone if is_kept else [*gone, worst]:
            _remove(each)
        if is_kept:
            self._changed()

    def close(self) -> None:
        """Write what is begun; the pictures stay, whoever made the folder removes it."""
        with self._lock:
            self._is_over = True
            self._lock.notify_all()
        self._thread.join()


def _copies(worst: WorstFrame, frame: Frame, result: PairResult, report: FrameReport) -> Sequence[tuple[str, Picture]]:
    return [
        (worst.picture, frame.picture.copy()),
        (worst.original, result.original.copy()),
        (worst.candidate, result.candidate.copy()),
        (worst.thumbnail, _thumbnail(result, report)),
    ]


def _thumbnail(result: PairResult, report: FrameReport) -> Picture:
    """Return both sides of the worst face beside each other, small."""
    if result.crops:
        losses = [face.lpips or 0.0 for face in report.faces]
        place = int(np.argmax(losses)) if len(losses) == len(result.crops) else 0
        crop = result.crops[place]
        halves = [np.clip(side * 255 + 0.5, 0, 255).astype(np.uint8) for side in (crop.original, crop.candidate)]
    else:
        halves = [result.original, result.candidate]
    return np.hstack([_small(half) for half in halves])


def _small(picture: Picture) -> Picture:
    """Return the middle of a picture as a small square."""
    import cv2

    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = picture[top : top + side, left : left + side]
    return np.asarray(cv2.resize(square, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA), np.uint8)


def _encoded(picture: Picture) -> bytes:
    """Return a PNG, packed quickly: these files live for minutes."""
    import cv2

    quick = [cv2.IMWRITE_PNG_COMPRESSION, 1]
    _, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), quick)
    packed: Any = data
    return bytes(packed)


def _remove(worst: WorstFrame) -> None:
    for path in (worst.picture, worst.original, worst.candidate, worst.thumbnail):
        Path(path).unlink(missing_ok=True)


def _unknown(error: Exception) -> StudioError:
    if isinstance(error, OSError):
        return StudioError("The worst frames cannot be kept.", f"The system says: {error}.")
    traceback.print_exc()
    return StudioError(f"Keeping the worst frames failed in a way that is not foreseen: {error!r:.300}.")
