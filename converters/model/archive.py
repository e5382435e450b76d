"""Zip archives and folders that hold a model: looked into without believing what they say about themselves."""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from converters.errors import BadInputError, DestinationError, UnsafeInputError, UnsupportedError
from converters.progress import Progress

MOST_MEMBERS = 20_000
LARGEST_TOTAL = 32 * 1024**3
# Weights hardly compress, but a model of zeros does; only large expansions are suspicious.
LARGEST_RATIO = 100
RATIO_MATTERS_FROM = 256 * 1024**2

_CHUNK = 1024**2
_FOLDER_DEPTH = 4


# What zipfile and the decompressors below it raise on damaged data.
_DAMAGE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    ValueError,
    OSError,
)


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Turn what the zip readers raise into errors for people."""
    try:
        yield
    except NotImplementedError as error:
        raise UnsupportedError(
            f"{path.name} cannot be unpacked: {error}.", "", "Pack it again as a plain zip."
        ) from None
    except PermissionError:
        raise BadInputError(f"{path.name} cannot be read: permission denied.") from None
    except _DAMAGE as error:
        raise _damaged(path, error) from None


@contextmanager
def opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip whose directory was checked: sizes, counts, no doubled names, no encryption.

    Raises:
        BadInputError: damaged, or larger unpacked than any model.
        UnsafeInputError: built to fill the disk.
        UnsupportedError: encrypted, or packed by a method this Python cannot read.
    """
    with _damage_named(path):
        archive = zipfile.ZipFile(path)
    with archive:
        _check_directory(path, archive.infolist())
        yield archive


def _blocks(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield a member's bytes; its checksum and its length are compared at the end."""
    read = 0
    with _damage_named(path), archive.open(member) as source:
        while block := source.read(_CHUNK):
            read += len(block)
            if read > member.file_size:
                break
            yield block
    if read != member.file_size:
        raise _damaged(path, f"{member.filename!r} does not have the length it says")


def member_names(path: Path) -> set[str]:
    """Return the names of a zip's members.

    Raises:
        StudioError: as `opened_zip` does.
    """
    with opened_zip(path) as archive:
        return set(archive.namelist())


def check_contents(path: Path, progress: Progress) -> None:
    """Read every member of a zip once and compare it with its checksum, so that no native reader sees damage.

    Raises:
        StudioError: as `opened_zip` does.
    """
    with opened_zip(path) as archive:
        members = archive.infolist()
        for index, member in enumerate(members):
            progress("Checking the file", index / len(members))
            for _block in _blocks(path, archive, member):
                pass


@contextmanager
def unpacked(path: Path, progress: Progress) -> Iterator[Path]:
    """Unpack a zip into a private temporary folder, which is removed when the block ends.

    Raises:
        UnsafeInputError: a member's name leads outside, or is a link.
        StudioError: as `opened_zip` does.
        DestinationError: the temporary folder's disk is too small.
    """
    with tempfile.TemporaryDirectory(prefix="ffstudio-") as name:
        folder = Path(name)
        with opened_zip(path) as archive:
            members = archive.infolist()
            needed = sum(member.file_size for member in members)
            free = shutil.disk_usage(folder).free
            if needed > free:
                raise DestinationError(
                    f"{path.name} needs {needed / 1e9:.1f} GB unpacked, the temporary folder has {free / 1e9:.1f} GB.",
                    "",
                    "Free some space, or unpack it elsewhere and give the model inside.",
                )
            for index, member in enumerate(members):
                progress("Unpacking", index / len(members), member.filename)
                _extract(path, archive, member, folder)
        yield folder


def _extract(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    destination = folder / safe_relative(member.filename, path.name)
    mode = member.external_attr >> 16
    if mode and not member.is_dir() and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise UnsafeInputError(
            f"{path.name} holds a link or device, {member.filename!r}.",
            "Such a member can lead outside the folder it is unpacked to.",
            "Pack the model again with plain files.",
        )
    if member.is_dir():
        destination.mkdir(parents=True, exist_ok=True)
        return
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with destination.open("xb") as target:
            for block in _blocks(path, archive, member):
                target.write(block)
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise _damaged(path, f"the name {member.filename!r} occurs twice") from None
    except OSError as error:
        raise DestinationError(f"{path.name} cannot be unpacked: {error.strerror}.") from None


def safe_relative(name: str, owner: str) -> PurePosixPath:
    """Return the member name `name` as a relative path that stays inside.

    Raises:
        UnsafeInputError: absolute, with a drive, or climbing out with `..`.
    """
    relative = PurePosixPath(name)
    parts = relative.parts
    windows = "\\" in name or ":" in name
    if not parts or relative.is_absolute() or ".." in parts or windows or "\x00" in name:
        raise UnsafeInputError(
            f"{owner} holds the name {name!r}, which leads outside the folder it is unpacked to.",
            "Archives made to overwrite other files look like this.",
            "Do not use this file; fetch the model from its author.",
        )
    return relative


def _check_directory(path: Path, members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MOST_MEMBERS:
        raise UnsafeInputError(f"{path.name} holds {len(members)} files, far more than a model has.")
    names = [member.filename for member in members]
    if len(set(names)) != len(names):
        raise _damaged(path, "a name occurs twice")
    if any(member.flag_bits & 1 for member in members):
        raise UnsupportedError(f"{path.name} is encrypted.", "", "Unpack it and give the model inside.")
    total = sum(member.file_size for member in members)
    size = path.stat().st_size
    if total > LARGEST_TOTAL or (total > RATIO_MATTERS_FROM and total > LARGEST_RATIO * size):
        raise UnsafeInputError(
            f"{path.name} would grow from {size / 1e6:.1f} MB to {total / 1e9:.1f} GB when unpacked.",
            "Archives made to fill the disk look like this.",
            "If it really is a model, unpack it yourself and give the model inside.",
        )
    packed = sum(member.compress_size for member in members)
    if packed > size:
        raise _damaged(path, "members overlap")
    if any(m.compress_type == zipfile.ZIP_STORED and m.compress_size != m.file_size for m in members):
        raise _damaged(path, "a member does not have the length it says")


def _damaged(path: Path, reason: object) -> BadInputError:
    return BadInputError(
        f"{path.name} is damaged: {reason}.", "A download or copy may have been cut short.", "Fetch it again."
    )


def files_below(folder: Path) -> list[Path]:
    """Return the regular files in `folder` and up to four levels below, links left out, sorted.

    Raises:
        BadInputError: it cannot be listed or holds far too many files.
    """
    found: list[Path] = []
    pending = [(folder, 0)]
    while pending:
        current, depth = pending.pop()
        try:
            with os.scandir(current) as entries:
                for entry in entries:
                    if entry.is_symlink() or entry.name.startswith((".", "__MACOSX")):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        if depth < _FOLDER_DEPTH:
                            pending.append((Path(entry.path), depth + 1))
                    elif entry.is_file(follow_symlinks=False):
                        found.append(Path(entry.path))
        except PermissionError:
            raise BadInputError(f"The folder {current.name} cannot be read: permission denied.") from None
        if len(found) > MOST_MEMBERS:
            raise BadInputError(f"The folder {folder.name} holds too many files.", "", "Give the model file itself.")
    return sorted(found)
