"""What can be wrong with the place that results go to, said before and after the fact."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from converters.errors import DestinationError, TakenError

_FULL = "Free some space there or choose another folder."
_ELSEWHERE = "Choose a folder in which you may write."
# by name: not every system has every number
_SENTENCES: dict[str, tuple[str, str, str]] = {
    "ENOSPC": ("{path} cannot be written.", "The disk is full.", _FULL),
    "EDQUOT": ("{path} cannot be written.", "Your share of the disk (quota) is used up.", _FULL),
    "EFBIG": (
        "{path} cannot be written.",
        "The file is larger than the disk's format or a limit of this account allows.",
        "Choose a folder on another disk; FAT32, for one, ends at 4 GB a file.",
    ),
    "EACCES": ("{path} cannot be written.", "Its folder or the file itself does not permit it.", _ELSEWHERE),
    "EPERM": ("{path} cannot be written.", "Its folder or the file itself does not permit it.", _ELSEWHERE),
    "EROFS": ("{path} cannot be written.", "The disk is read-only.", _ELSEWHERE),
    "ENAMETOOLONG": ("{path} cannot be written.", "The name is too long.", "Choose a shorter name or folder."),
    "EINVAL": ("{path} cannot be written.", "The disk does not accept this name.", "Choose another name."),
    "ENOENT": ("{path} cannot be written.", "Its folder vanished or never existed.", "Choose another folder."),
    "ENOTDIR": ("{path} cannot be written.", "A part of the path is a file, not a folder.", _ELSEWHERE),
    "ELOOP": ("{path} cannot be written.", "Symbolic links there lead in a circle.", _ELSEWHERE),
    "EISDIR": ("{path} cannot be written.", "A folder of that name is there.", "Choose another name."),
    "EBUSY": ("{path} cannot be written.", "Another program uses it.", "Close that program and try again."),
    "ETXTBSY": ("{path} cannot be written.", "Another program uses it.", "Close that program and try again."),
    "EIO": ("{path} cannot be written.", "The disk reports an error.", "Check the disk; choose another."),
    "ENODEV": ("{path} cannot be written.", "The disk is gone.", "Connect it again or choose another."),
    "ENXIO": ("{path} cannot be written.", "The disk is gone.", "Connect it again or choose another."),
    "ESTALE": ("{path} cannot be written.", "The network folder is gone.", "Connect it again or choose another."),
}


def readable_size(size: float) -> str:
    """Return a number of bytes as people write it: '512 B', '9.9 MB', '15.5 GB' (powers of 1000)."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 99.95 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


@contextmanager
def destination_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system says against writing `path` into a sentence.

    Put only writing into the block: a missing file that is read there would be reported as a missing destination.

    Raises:
        DestinationError: for an OSError that speaks of the destination; others pass.
    """
    try:
        yield
    except FileExistsError as error:
        raise taken(path) from error
    except OSError as error:
        sentence = _SENTENCES.get(errno.errorcode.get(error.errno or 0, ""))
        if sentence is None:
            raise
        what, why, remedy = sentence
        raise DestinationError(what.format(path=path), why, remedy) from error


def taken(path: Path) -> TakenError:
    """Return the error of a name that something has already."""
    return TakenError(f"{path} already exists.", "", "Replace it, or choose another place.")


def require_space(folder: Path, needed: int) -> None:
    """Refuse to begin what does not fit on the disk of `folder`, which need not exist yet.

    Args:
        folder: the destination.
        needed: bytes.

    Raises:
        DestinationError: less is free, or the disk cannot be asked.
    """
    existing = Path(folder).absolute()
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    with destination_errors(folder):
        free = shutil.disk_usage(existing).free
    if needed > free:
        raise DestinationError(
            f"{folder} needs {readable_size(needed)}, its disk has {readable_size(free)} free.", "", _FULL
        )
