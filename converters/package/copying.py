"""Copy a file or package piece by piece, so that it can be cancelled and follows no link."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from converters.destination import destination_errors
from converters.errors import BadInputError, UnsafeInputError
from converters.progress import Progress

_PIECE = 2**22


def copy(source: Path, destination: Path, progress: Progress) -> None:
    """Copy a file, or a folder with all in it, to a name that nothing has.

    Args:
        source: a file or folder without symbolic links.
        destination: a new name in an existing folder.
        progress: told after every piece; may cancel.

    Raises:
        BadInputError: the source cannot be read.
        UnsafeInputError: it is or holds a symbolic link.
        DestinationError: the copy cannot be written.
    """
    if source.is_symlink():
        raise UnsafeInputError(f"{source} is a symbolic link.", "It could lead anywhere.", "Replace it by a copy.")
    if source.is_dir():
        with destination_errors(destination):
            destination.mkdir()
        for inner in _inside(source):
            copy(inner, destination / inner.name, progress)
        return
    size, done = _size(source), 0
    with _opened(source) as file, destination_errors(destination), destination.open("xb") as copied:
        while piece := file.read(_PIECE):
            copied.write(piece)
            done += len(piece)
            progress("Copying", done / max(size, 1), source.name)


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise _unreadable(folder, error) from error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise _unreadable(path, error) from error


def _opened(path: Path) -> BinaryIO:
    try:
        if not path.is_file():
            raise BadInputError(f"{path.name} is neither a file nor a folder.")
        return path.open("rb")
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> BadInputError:
    return BadInputError(f"{path.name} cannot be read: {error.strerror}.", "", "Convert the model again.")
