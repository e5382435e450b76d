"""The frames that lose most, kept as pictures: what a calibration should see more of."""

from __future__ import annotations

import queue
import secrets
import shutil
import threading
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
_THUMBNAIL = 112  # pixels, the side of each half
_WAITING = 3  # frames that are copied and not written yet
_SPARED = 6  # frames that left the tray and whose pictures stay for a while: somebody may be copying them
_PREFIX = "worst-"


@dataclass(frozen=True)
class _Copies:
    """What is to be written of a frame."""

    worst: WorstFrame
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
        self._lock = threading.Lock()
        self._kept: list[WorstFrame] = []  # also those that are still to be written
        self._written: set[int] = set()
        self._left: deque[WorstFrame] = deque()
        self._has_failed = False
        self._waiting: queue.Queue[_Copies | None] = queue.Queue(_WAITING + 1)
        self._thread = threading.Thread(target=self._run, name="worst frames", daemon=True)
        self._thread.start()

    def frames(self) -> tuple[WorstFrame, ...]:
        """Return what is in the tray, the worst first."""
        with self._lock:
            return tuple(each for each in self._kept if each.identity in self._written)

    def offer(self, frame: Frame, result: PairResult, report: FrameReport) -> bool:
        """Keep a frame where it is one of the worst; only copies are made here.

        A frame within `APART` seconds of a worse one is not kept; one that is worse than its neighbours takes their
        place.

        Args:
            frame: as it was captured.
            result: of both sides.
            report: of the same frame.

        Returns:
            Whether it is kept.
        """
        loss = report.loss
        with self._lock:
            if not loss or self._has_failed or self._waiting.qsize() >= _WAITING:
                return False
            near = [each for each in self._kept if abs(each.position - frame.seconds) < APART]
            rest = [each for each in self._kept if each not in near]
            leaving = near if near or len(rest) < self._most else rest[-1:]
            if any(loss <= each.loss for each in leaving):
                return False
            worst = self._named(frame, loss)
            for each in leaving:
                self._leave(each)
            self._kept = sorted([*(e for e in self._kept if e not in leaving), worst], key=lambda e: -e.loss)
        self._waiting.put(_Copies(worst, tuple(_copies(worst, frame, result, report))))
        return True

    def forget(self) -> None:
        """Empty the tray."""
        with self._lock:
            for each in self._kept:
                self._leave(each)
            self._kept = []
            self._has_failed = False
        self._changed()

    def _named(self, frame: Frame, loss: float) -> WorstFrame:
        def path(what: str) -> str:
            return str(self._folder / f"{frame.identity}-{what}.png")

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
        """Take the pictures of a frame away, not at once; with the lock."""
        if worst.identity in self._written:
            self._written.discard(worst.identity)
            self._left.append(worst)

    def _run(self) -> None:
        while (copies := self._waiting.get()) is not None:
            try:
                self._write(copies)
            except (StudioError, OSError) as error:
                with self._lock:
                    self._has_failed = True
                    self._kept = [each for each in self._kept if each.identity in self._written]
                _remove(copies.worst)
                self._failed(error if isinstance(error, StudioError) else _unknown(error))

    def _write(self, copies: _Copies) -> None:
        worst = copies.worst
        with self._lock:
            if worst not in self._kept:
                return  # a worse one took its place before it was written
        for path, picture in copies.pictures:
            with destination_errors(Path(path)):
                Path(path).write_bytes(_encoded(picture))
        with self._lock:
            is_kept = worst in self._kept
            if is_kept:
                self._written.add(worst.identity)
            gone = [self._left.popleft() for _ in range(len(self._left) - _SPARED)]
        for each in gone if is_kept else [*gone, worst]:
            _remove(each)
        if is_kept:
            self._changed()

    def close(self) -> None:
        """Write what is begun; the pictures stay, whoever made the folder removes it."""
        if self._thread.is_alive():
            self._waiting.put(None)
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


def _unknown(error: OSError) -> StudioError:
    return StudioError("The worst frames cannot be kept.", f"The system says: {error}.")
