"""Writes that are atomic or absent: staging beside the destination, flushed to the disk, moved in one step."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from converters.destination import destination_errors, taken
from converters.errors import DestinationError

_log = logging.getLogger(__name__)

_STAGING_NAME = re.compile(r"\.ffstudio-(?P<pid>[0-9]{1,10})-(?P<machine>[0-9a-f]{8})[0-9a-f]{8}")
_REPLACED = "replaced"  # inside a staging folder: what stood where the new thing goes
_CLOCK_SLACK = 3600.0  # seconds the clock may have been set by since a folder was made


class Staging:
    """A private folder inside the destination's folder, from which finished work is moved into place.

    It lies on the destination's own disk, so that a move is one step and a full disk shows before anything is
    replaced. It is always removed at the end; folders that it had to create above it go too when nothing was placed.
    What a power cut or a kill left behind is removed when the next Staging opens in the same folder.

    Args:
        destination: the folder that the results go to; created when missing.

    Attributes:
        path: the private folder, while the block lasts.

    Raises:
        DestinationError: the destination cannot be written to.
    """

    def __init__(self, destination: Path) -> None:
        self.destination = Path(destination)
        self.path = self.destination / f".ffstudio-{os.getpid()}-{_machine()}{secrets.token_hex(4)}"
        self._created: list[Path] = []
        self._has_placed = False

    def __enter__(self) -> Self:
        with destination_errors(self.destination):
            try:
                self._create_destination()
                remove_stale_stagings(self.destination)
                self.path.mkdir(mode=0o700)
            except BaseException:
                self._remove_created()
                raise
        return self

    def _create_destination(self) -> None:
        missing = []
        folder = self.destination
        while not os.path.lexists(folder):
            missing.append(folder)
            folder = folder.parent
        for folder in reversed(missing):
            folder.mkdir(exist_ok=True)
            self._created.append(folder)
        if not self.destination.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(self.destination))

    def place(self, staged: Path, name: str, *, force: bool = False) -> Path:
        """Move a finished file or folder out of staging into the destination, in one step.

        Everything in it is flushed to the disk first. Whatever happens, `name` is afterwards either the complete new
        thing or what it was before.

        Args:
            staged: a file or folder inside `path`.
            name: what it is called in the destination, without any folder.
            force: replace what is there.

        Returns:
            Where it is now.

        Raises:
            DestinationError: `name` exists and `force` is off, or it cannot be written.
            ValueError: `staged` is no file or folder inside this staging; a bug of the caller.
        """
        staged = Path(staged)
        if staged.is_symlink() or not staged.exists() or self.path.resolve() not in staged.resolve().parents:
            raise ValueError(f"{staged} is no file or folder inside {self.path}")
        final = self.destination / _plain_name(name)
        with destination_errors(final):
            _flush(staged)
            if not os.path.lexists(final):
                _move_to_free_name(staged, final)
            elif not force:
                raise taken(final)
            elif _is_real_folder(staged) or _is_real_folder(final):
                self._replace_folder(staged, final)
            else:
                staged.replace(final)  # one step: no moment without the old or the new file
            self._has_placed = True
            _flush_folder(self.destination)
        return final

    def remove(self, name: str) -> None:
        """Remove a file or folder of the destination by its plain name, if it is there.

        Raises:
            DestinationError: it cannot be removed.
        """
        final = self.destination / _plain_name(name)
        with destination_errors(final):
            if os.path.lexists(final):
                aside = _free_name(self.path / "removed")
                final.rename(aside)

    def _replace_folder(self, staged: Path, final: Path) -> None:
        """Exchange what is at `final`; put it back when the second of the two moves fails.

        No system call that is available everywhere does this in one step, so the old thing keeps its name while it
        is set aside: `remove_stale_stagings` puts it back when this process dies between the moves.
        """
        aside = self.path / _REPLACED / final.name
        aside.parent.mkdir(exist_ok=True)
        final.rename(aside)
        try:
            _move_to_free_name(staged, final)
        except BaseException:
            _move_to_free_name(aside, _free_name(final))
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _remove(self.path)
        if not self._has_placed:
            self._remove_created()

    def _remove_created(self) -> None:
        for folder in reversed(self._created):
            try:
                folder.rmdir()
            except OSError:  # somebody else put something there in the meantime: it stays
                return


def remove_stale_stagings(destination: Path) -> list[Path]:
    """Remove staging folders in `destination` whose process died before it could, and finish what it had begun.

    Folders made on another machine (a shared disk) or by another person are left alone.

    Returns:
        The folders that were removed.
    """
    removed = []
    for folder in sorted(destination.iterdir()):
        match = _STAGING_NAME.fullmatch(folder.name)
        if match is None or match["machine"] != _machine() or not _is_real_folder(folder):
            continue
        try:
            status = folder.lstat()
        except FileNotFoundError:  # its owner just finished
            continue
        if hasattr(os, "getuid") and status.st_uid != os.getuid():
            continue
        if _is_running(int(match["pid"]), status.st_mtime):
            continue
        _put_back_replaced(folder / _REPLACED, destination)
        _remove(folder)
        removed.append(folder)
    return removed


def _free_name(path: Path) -> Path:
    """Return `path`, or where somebody took that name in the meantime a name beside it, so that nothing is lost."""
    candidates = (path, *(path.with_name(f"{path.name}.previous-{number}") for number in range(1, 1000)))
    return next(candidate for candidate in candidates if not os.path.lexists(candidate))


def _put_back_replaced(aside: Path, destination: Path) -> None:
    """Move what was set aside back to its name, where the process died before the new thing took it."""
    if not _is_real_folder(aside):
        return
    for old in aside.iterdir():
        if not os.path.lexists(destination / old.name):
            old.rename(destination / old.name)


def _is_running(pid: int, last_change: float) -> bool:
    """Say whether the process that made a folder may still run; its number may be somebody else's by now."""
    import psutil

    try:
        process = psutil.Process(pid)
        with process.oneshot():
            is_dead = process.status() == psutil.STATUS_ZOMBIE
            return not is_dead and bool(process.create_time() <= last_change + _CLOCK_SLACK)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def _machine() -> str:
    """Return 8 hexadecimal digits for this machine or container, in which process numbers mean something."""
    import platform

    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _plain_name(name: str) -> str:
    if name in ("", ".", "..") or any(sign in name for sign in ("/", "\\", "\0")) or Path(name).name != name:
        raise DestinationError(f"{name!r} is not a file name.", "", "Give a plain name, without a folder.")
    return name


def _is_real_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _move_to_free_name(staged: Path, final: Path) -> None:
    """Move to a name that nothing has; FileExistsError where something came there in the meantime."""
    if os.name == "nt" or _is_real_folder(staged):
        # Windows refuses an existing name by itself; elsewhere a folder replaces at most an empty folder
        if os.path.lexists(final):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(final))
        staged.rename(final)
        return
    try:
        final.hardlink_to(staged)  # unlike rename, this never replaces
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
            raise
        # FAT and some network disks have no hard links
        if os.path.lexists(final):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(final)) from None
        staged.rename(final)
    else:
        staged.unlink()


def _flush(path: Path) -> None:
    """Flush a file, or a folder with all in it, to the disk."""
    if not _is_real_folder(path):
        flush_file(path)
        return
    for folder, _, names in os.walk(path, topdown=False, onerror=_raise):
        for name in names:
            if not (Path(folder) / name).is_symlink():
                flush_file(Path(folder) / name)
        _flush_folder(Path(folder))


def _raise(error: OSError) -> None:
    raise error


def flush_file(path: Path) -> None:
    """Wait until a file is on the disk."""
    # Windows flushes only what is open for writing
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_folder(path: Path) -> None:
    if os.name == "nt":  # cannot open folders
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # disks that cannot flush folders
            raise
    finally:
        os.close(descriptor)


def _remove(folder: Path) -> None:
    """Remove a folder with all in it, read-only parts too; say so in the log where that fails."""
    for pause in (0.0, 0.05, 0.1, 0.2):
        time.sleep(pause)  # Windows: a killed process lets go of its files a moment later
        if not os.path.lexists(folder):
            return
        shutil.rmtree(folder, onerror=_make_writable_and_retry)
    if os.path.lexists(folder):
        _log.warning("could not remove %s", folder)


def _make_writable_and_retry(function: Callable[..., Any], path: str, _error: object) -> None:
    try:
        for each in (Path(path).parent, Path(path)):
            if not each.is_symlink():
                each.chmod(stat.S_IMODE(each.stat().st_mode) | stat.S_IRWXU)
        if function in (os.unlink, os.rmdir):
            function(path)
    except OSError as error:
        _log.info("cannot remove %s: %s", path, error)


def write_text_atomically(path: Path, text: str, force: bool = False) -> None:
    """Write a small text file (UTF-8, `\\n`) so that it is complete or absent, never half.

    Raises:
        DestinationError: it exists and `force` is off, or it cannot be written.
    """
    path = Path(path)
    with Staging(path.parent) as staging:
        staged = staging.path / "text"
        with destination_errors(path):
            staged.write_text(text, encoding="utf-8", newline="\n")
        staging.place(staged, path.name, force=force)
