"""The frames of a video that are worth calibrating on: spread over its length, none like the one before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from converters.compare.crops import FacePicture
from converters.compress.quantize.calibration_sources import Shown, evenly
from converters.compress.quantize.calibration_store import PictureStore
from converters.face.faces import Picture
from converters.progress import Progress
from converters.video import VideoReader

_SPARE = 2  # candidates for each frame that is wanted: some show no face
_BLOCKS, _BLOCK = 8, 6  # a thumbnail is so many blocks a side, each so many pixels
_SAME = 1.5
"""Grey levels by which the block that differs most may differ in frames that count as one."""


@dataclass(frozen=True)
class _Frame:
    place: int
    thumbnail: npt.NDArray[np.float32]


class Frames:
    """A video's frames, kept on the disk.

    Every n-th frame is kept; whenever there are too many, every second of them is given up and n doubles. So they lie
    evenly over the whole length, however long the file is and whatever it says about that.

    Args:
        path: of the video.
        most: how many are wanted first.
        progress: told while it is read.

    Raises:
        BadInputError: it cannot be read.
    """

    def __init__(self, path: Path, most: int, progress: Progress) -> None:
        self.origin = f"the video {path.name}"
        self._store = PictureStore()
        kept: list[_Frame] = []
        alike = 0
        most_kept = max(_SPARE * most, 4)
        with VideoReader(path) as reader:
            step = max(1, (reader.expected or 0) // most_kept)
            for frame in reader:
                if frame.index % step:
                    continue
                if frame.index % (8 * step) == 0:
                    progress("Reading the video", frame.index / max(reader.expected or 0, frame.index + 1), path.name)
                thumbnail = _thumbnail(frame.picture)
                if kept and _difference(thumbnail, kept[-1].thumbnail) < _SAME:
                    alike += 1
                    continue
                kept.append(_Frame(len(self._store), thumbnail))
                self._store.add(FacePicture(f"frame {frame.index} ({frame.seconds:.2f} s)", frame.picture))
                if len(kept) > most_kept:
                    kept, step = kept[::2], step * 2
            self._is_short = reader.is_shorter_than_promised
        self._alike = alike
        chosen = evenly(len(kept), most)
        order = dict.fromkeys([*chosen, *range(len(kept))])
        self._store.keep([kept[place].place for place in order])

    def __len__(self) -> int:
        return len(self._store)

    def __iter__(self) -> Iterator[Shown]:
        for item in self._store:
            yield Shown(item.name, item.picture, None)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what was left out."""
        notes = []
        if self._alike:
            notes.append(f"{self._alike} frames that are nearly like the one before them were skipped.")
        if self._is_short:
            notes.append("The video is shorter than it says: what could be read of it was used.")
        return tuple(notes)


def _thumbnail(picture: Picture) -> npt.NDArray[np.float32]:
    import cv2

    side = _BLOCKS * _BLOCK
    small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.float32)


def _difference(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    """Return the mean difference in the block where it is largest: a head that turns in a still room is seen."""
    blocks = np.abs(one - other).reshape(_BLOCKS, _BLOCK, _BLOCKS, _BLOCK).mean(axis=(1, 3))
    return float(blocks.max())
