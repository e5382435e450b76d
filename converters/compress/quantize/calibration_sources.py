"""Where calibration pictures come from: what a path is, and its pictures in the order in which they are wanted."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path
from typing import Protocol

from converters.builtin import DEMO_CROPS
from converters.errors import BadInputError
from converters.face.faces import Picture
from converters.picture_names import READABLE_SUFFIXES
from converters.pictures import open_regular, pictures_in, read_picture
from converters.progress import Progress

_ARCHIVE = b"PK\x03\x04"
BETWEEN_PLACES = "\n"
"""Between several places in one text: no file name has it."""
_WAYS = "Give a folder of photographs or crops, a picture, a video, or .npz samples."


class Kind(Enum):
    """What a person gave."""

    BUILT_IN = auto()
    FOLDER = auto()
    PICTURE = auto()
    VIDEO = auto()
    ARRAYS = auto()
    SEVERAL = auto()


def places_in(where: str) -> list[Path | None]:
    """Return the places that a text names, one a line, each once; None stands for the built-in crops."""
    return [Path(line) if line else None for line in dict.fromkeys(where.split(BETWEEN_PLACES))]


def kind_of(path: Path | None) -> Kind:
    """Return what a path is, by content; None is the built-in crops.

    Raises:
        BadInputError: missing, empty, a folder of nothing or of several things, or a file of another kind.
    """
    from converters.video import is_video

    if path is None:
        return Kind.BUILT_IN
    try:
        if path.is_dir():
            return _kind_of_folder(path)
        if not path.exists():
            raise BadInputError(f"{path} does not exist.", "", _WAYS)
    except (OSError, ValueError) as error:
        raise BadInputError(f"{path} cannot be read.", f"{error}.", "Check the path and its permissions.") from error
    if path.suffix.lower() == ".npz" or _begins_like_an_archive(path):
        return Kind.ARRAYS
    if path.suffix.lower() == ".npy":
        raise BadInputError(
            f"{path.name} is one array without a name.",
            "A sample has all inputs of the model, by name.",
            'Save it with numpy.savez("samples.npz", **{"input name": array, …}).',
        )
    if is_video(path):
        return Kind.VIDEO
    if path.suffix.lower() in READABLE_SUFFIXES:
        return Kind.PICTURE
    raise BadInputError(f"{path.name} is neither a picture nor a video nor .npz.", "", _WAYS)


def _kind_of_folder(folder: Path) -> Kind:
    pictures = bool(pictures_in(folder))
    if arrays_in(folder):
        if pictures:
            raise BadInputError(
                f"{folder} holds both pictures and .npz files.",
                "Which are the samples cannot be told.",
                "Put one kind into a folder of its own.",
            )
        return Kind.ARRAYS
    if not pictures:
        raise BadInputError(
            f"{folder} holds no picture and no .npz file.",
            "Folders inside it are not searched.",
            f"Kinds of pictures: {', '.join(READABLE_SUFFIXES)}.",
        )
    return Kind.FOLDER


def arrays_in(folder: Path) -> list[Path]:
    """Return the .npz files of a folder, sorted by name."""
    return sorted(file for file in folder.iterdir() if file.suffix.lower() == ".npz" and file.is_file())


def _begins_like_an_archive(path: Path) -> bool:

    with os.fdopen(open_regular(path, "calibration file"), "rb") as file:
        return file.read(len(_ARCHIVE)) == _ARCHIVE


def evenly(count: int, most: int) -> list[int]:
    """Return up to `most` of `count` places, from the first on at equal distances."""
    return [place * count // most for place in range(most)] if count > most else list(range(count))


@dataclass(frozen=True)
class Shown:
    """One picture of a source.

    Attributes:
        name: unique within its source.
        picture: RGB; may be used again for the next one.
        path: of the file that holds exactly this picture; None where there is none.
    """

    name: str
    picture: Picture
    path: Path | None


class PictureSource(Protocol):
    """Pictures in the order in which they are wanted: those spread evenly first, the others after them."""

    def __len__(self) -> int:
        """How many there are, readable or not."""

    def __iter__(self) -> Iterator[Shown]:
        """Yield those that can be read."""

    @property
    def origin(self) -> str:
        """Where they come from, as the end of a sentence ("the folder people")."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out, once all wanted ones have been read."""


class Files:
    """Picture files, one decoded at a time.

    Args:
        files: sorted.
        most: how many are wanted first, spread evenly.
        origin: see `PictureSource`.
    """

    def __init__(self, files: list[Path], most: int, origin: str) -> None:
        self._files = list(dict.fromkeys([*(files[place] for place in evenly(len(files), most)), *files]))
        self.origin = origin
        self._refusals: list[str] = []

    def __len__(self) -> int:
        return len(self._files)

    def __iter__(self) -> Iterator[Shown]:
        for file in self._files:
            try:
                picture = read_picture(file)
            except BadInputError as error:
                self._refusals.append(f"{error.what} {error.why}".strip())
                continue
            yield Shown(file.name, picture, file)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return how many could not be read, and why the first could not."""
        if not self._refusals:
            return ()
        first = self._refusals[0]
        if len(self._refusals) == 1:
            return (f"1 picture was left out: {first}",)
        return (f"{len(self._refusals)} pictures could not be read and were left out. The first: {first}",)


class Several:
    """Pictures of several sources, taken in turns, so that a small one is not lost beside a large one.

    Args:
        sources: at least one.
    """

    def __init__(self, sources: Sequence[PictureSource]) -> None:
        self._sources = sources
        self.origin = ", ".join(source.origin for source in sources)

    def __len__(self) -> int:
        return sum(map(len, self._sources))

    def __iter__(self) -> Iterator[Shown]:
        names: set[str] = set()
        turns = [iter(source) for source in self._sources]
        while turns:
            for each in tuple(turns):
                shown = next(each, None)
                if shown is None:
                    turns.remove(each)
                    continue
                name, number = shown.name, 1
                while name in names:
                    number += 1
                    name = f"{shown.name} ({number})"
                names.add(name)
                yield replace(shown, name=name)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what was left out of each."""
        return tuple(note for source in self._sources for note in source.notes)


def several(places: Sequence[Path | None], most: int, progress: Progress) -> Several:
    """Return the pictures of several places.

    Raises:
        BadInputError: one of them cannot be used, or holds saved arrays: those cannot be mixed with pictures.
    """
    kinds = [kind_of(path) for path in places]
    for kind, path in zip(kinds, places, strict=True):
        if kind is Kind.ARRAYS:
            raise BadInputError(
                f"{path} holds saved inputs, which cannot be mixed with other places.",
                "They are samples of all inputs, pictures are not.",
                "Calibrate on it alone.",
            )
    return Several([source_of(kind, path, most, progress) for kind, path in zip(kinds, places, strict=True)])


def source_of(kind: Kind, path: Path | None, most: int, progress: Progress) -> PictureSource:
    """Return the pictures of a path.

    Args:
        kind: as `kind_of` told; not ARRAYS, nor SEVERAL.
        path: None for the built-in crops.
        most: how many are wanted.
        progress: told while a video is read.

    Raises:
        BadInputError: a video cannot be read.
    """
    from converters.compress.quantize.calibration_video import Frames

    if path is None:
        return Files(pictures_in(DEMO_CROPS), most, "the built-in crops")
    if kind is Kind.VIDEO:
        return Frames(path, most, progress)
    if kind is Kind.PICTURE:
        return Files([path], most, path.name)
    return Files(pictures_in(path), most, f"the folder {path.name or path}")
