"""Where the pictures and arrays of a calibration set lie while it is in use: on the disk, in a file without a name."""

from __future__ import annotations

import tempfile
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, overload

import numpy as np

from converters.compare.crops import FacePicture
from converters.destination import destination_errors
from converters.face.faces import Picture, Points
from converters.pictures import read_picture

_KEPT = 2  # pictures in memory: one, and the one whose face appears in it
_QUICK = 1  # of PNG's 0 to 9: the file is read again a few times at most


class Scratch:
    """A temporary file that vanishes with the last who uses it, even where nobody closes it."""

    def __init__(self) -> None:
        self._place = Path(tempfile.gettempdir())
        with destination_errors(self._place):
            self._file = tempfile.TemporaryFile(prefix="ffstudio-calibration-")  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._end = 0

    def write(self, data: bytes) -> int:
        """Append bytes; return where they begin.

        Raises:
            DestinationError: the disk of temporary files is full.
        """
        start = self._end
        with destination_errors(self._place):
            self._file.seek(start)
            self._file.write(data)
            self._file.flush()
        self._end = start + len(data)
        return start

    def read(self, start: int, size: int) -> bytes:
        """Return bytes that were written."""
        self._file.seek(start)
        return self._file.read(size)


@dataclass(frozen=True)
class _Kept:
    """A picture that is not in memory: in a file of the person's, or in scratch."""

    name: str
    points: Points | None
    is_crop: bool
    path: Path | None
    start: int = 0
    size: int = 0


class PictureStore(Sequence[FacePicture]):
    """Pictures on the disk, read when they are asked for; the last two stay in memory."""

    def __init__(self) -> None:
        self._scratch = Scratch()
        self._entries: list[_Kept] = []
        self._recent: OrderedDict[int, FacePicture] = OrderedDict()

    def add(self, item: FacePicture, path: Path | None = None) -> None:
        """Keep a picture.

        Args:
            item: trimmed to what is needed.
            path: of the file that holds exactly this picture, which is then read again; None to write it to scratch.
        """
        entry = _Kept(item.name, item.points, item.is_crop, path)
        if path is None:
            data = _encoded(item.picture)
            entry = replace(entry, start=self._scratch.write(data), size=len(data))
        self._entries.append(entry)

    def keep(self, places: Sequence[int]) -> None:
        """Give up all but these, in this order."""
        self._entries = [self._entries[place] for place in places]
        self._recent.clear()

    @property
    def names(self) -> tuple[str, ...]:
        """What the pictures are called, without reading them."""
        return tuple(entry.name for entry in self._entries)

    @property
    def crops(self) -> int:
        """How many were taken for crops as they are."""
        return sum(entry.is_crop for entry in self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, place: int) -> FacePicture: ...
    @overload
    def __getitem__(self, place: slice) -> list[FacePicture]: ...
    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        place = range(len(self))[place]
        if place not in self._recent:
            self._recent[place] = self._read(self._entries[place])
            while len(self._recent) > _KEPT:
                self._recent.popitem(last=False)
        self._recent.move_to_end(place)
        return self._recent[place]

    def _read(self, entry: _Kept) -> FacePicture:
        picture = read_picture(entry.path) if entry.path is not None else self._decoded(entry)
        return FacePicture(entry.name, picture, entry.points, entry.is_crop)

    def _decoded(self, entry: _Kept) -> Picture:
        import cv2

        data = np.frombuffer(self._scratch.read(entry.start, entry.size), np.uint8)
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
        if picture is None:
            raise RuntimeError(f"{entry.name} could not be read back")
        return np.asarray(picture, np.uint8)


def _encoded(picture: Picture) -> bytes:
    """Return a picture as PNG; its channels go in and out in the same order, whatever PNG calls them."""
    import cv2

    is_there, data = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, _QUICK])
    if not is_there:
        raise RuntimeError("a picture could not be encoded")
    return bytes(data)
