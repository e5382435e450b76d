"""Pictures of a folder, one a second."""

from __future__ import annotations

from pathlib import Path

from converters.errors import BadInputError
from converters.face.faces import Picture
from converters.pictures import pictures_in, read_picture
from converters.preview.sources.base import Captured, FrameSource, Health

_NAMED = 3  # broken pictures, in the sentence about them


class FolderSource(FrameSource):
    """The pictures of a folder in the order of their names, or a single picture. Broken ones are left out.

    Args:
        place: of either.

    Raises:
        BadInputError: there is no picture that can be read.
    """

    rate = 1.0

    def __init__(self, place: Path) -> None:
        self._single = None if place.is_dir() else place
        self.title = place.name or str(place)
        try:
            self._files = pictures_in(place) if self._single is None else [place]
        except OSError as error:
            raise BadInputError(f"{place} cannot be read.", str(error), "Check that you may open it.") from error
        if not self._files:
            raise BadInputError(f"{self.title} has no pictures.", "", "Choose a folder with JPEG or PNG files.")
        self.count = len(self._files)
        self.duration = float(self.count)
        self._broken: dict[int, BadInputError] = {}
        self._next = 0
        self._read: Captured | None = self._first_from(0)
        if self._read is None:
            raise self._broken[0] if self._single is not None else self._nothing()
        self.size = _size(self._read.picture)

    def read(self, earliest: float = 0.0) -> Captured | None:  # noqa: ARG002 - none is left out for being late
        """Return the next picture; None behind the last."""
        captured, self._read = self._read, None
        if captured is None:
            captured = self._first_from(self._next)
        if captured is None:
            if len(self._broken) == len(self._files):
                raise self._nothing()
            return None
        self._next = captured.index + 1
        self.size = _size(captured.picture)
        return captured

    def seek(self, seconds: float) -> None:
        """Go on with the picture of a time, or the next that can be read."""
        self._read, self._next = None, min(int(seconds), len(self._files) - 1)
        self._read = self._first_from(self._next) or self._first_from(self._next, by=-1)

    def seek_before(self, seconds: float) -> None:
        """Go on with the picture before that of a time which can be read, else the first."""
        self._read = self._first_from(round(seconds) - 1, by=-1)
        if self._read is None:
            self.seek(0.0)

    def health(self) -> Health:
        """Return which pictures were left out."""
        broken = list(self._broken)
        if not broken:
            return Health()
        names = ", ".join(self._files[index].name for index in broken[:_NAMED])
        more = f" and {len(broken) - _NAMED} more" if len(broken) > _NAMED else ""
        return Health(problem=f"Left out because they cannot be read: {names}{more}.")

    def close(self) -> None:
        """Forget the picture that was read."""
        self._read = None

    def _first_from(self, index: int, by: int = 1) -> Captured | None:
        while 0 <= index < len(self._files):
            try:
                picture = read_picture(self._files[index])
            except BadInputError as error:
                self._broken[index] = error
            else:
                self._broken.pop(index, None)
                return Captured(float(index), picture, index, self._files[index].name, is_discontinuous=True)
            index += by
        return None

    def _nothing(self) -> BadInputError:
        first = self._broken[min(self._broken)]
        return BadInputError(f"None of the pictures in {self.title} can be read.", first.what, "Choose another folder.")


def _size(picture: Picture) -> tuple[int, int]:
    return picture.shape[1], picture.shape[0]
