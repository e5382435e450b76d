"""What a file or folder is: its SHA-256 and its size."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from converters.errors import BadInputError, UnsafeInputError


def sha256_of(path: Path) -> str:
    """Return the SHA-256, in hexadecimal digits, of a file or of a folder.

    A folder's is that of its files' relative names (with `/`, sorted), sizes of names and own SHA-256s, so it does
    not depend on the order or dates on the disk.

    Raises:
        BadInputError: it does not exist, cannot be read, or is neither a file nor a folder.
        UnsafeInputError: the folder holds a symbolic link.
    """
    path = Path(path)
    if _kind_of(path) == "file":
        return _digest(path).hexdigest()
    whole = hashlib.sha256()
    for name, file in _files_in(path):
        encoded = os.fsencode(name)
        whole.update(len(encoded).to_bytes(8, "little") + encoded + _digest(file).digest())
    return whole.hexdigest()


def size_of(path: Path) -> int:
    """Return the bytes in a file, or in all files of a folder.

    Raises:
        BadInputError, UnsafeInputError: as `sha256_of` does.
    """
    path = Path(path)
    if _kind_of(path) == "file":
        return path.stat().st_size
    return sum(file.stat().st_size for _, file in _files_in(path))


def _kind_of(path: Path) -> str:
    with _reading_errors(path):
        if path.is_file():
            return "file"
        if path.is_dir():
            return "folder"
        if os.path.lexists(path) and path.exists():
            raise BadInputError(f"{path} is neither a file nor a folder.")  # a pipe would be waited for without end
    raise BadInputError(f"{path} does not exist.", "", "Check the path.")


def _files_in(folder: Path) -> list[tuple[str, Path]]:
    found = []
    with _reading_errors(folder):
        for parent, folders, names in os.walk(folder, onerror=_raise):
            for name in (*folders, *names):
                each = Path(parent) / name
                if each.is_symlink():
                    raise UnsafeInputError(
                        f"{each} is a symbolic link.", "It could lead outside the folder.", "Replace it by a copy."
                    )
                if name in names:
                    _kind_of(each)
                    found.append((each.relative_to(folder).as_posix(), each))
    return sorted(found)


def _raise(error: OSError) -> None:
    raise error


def _digest(path: Path) -> hashlib._Hash:
    with _reading_errors(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256")


@contextmanager
def _reading_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadInputError(f"{path} cannot be read: {reason}.", "", "Check the file's permissions.") from error
