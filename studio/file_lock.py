"""A lock file that says who uses something, and that a dead process does not keep."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QLockFile


@dataclass(frozen=True)
class Holder:
    """Who holds a lock.

    Attributes:
        process: its number, 0 when unknown.
        machine: its name, "" when unknown.
    """

    process: int
    machine: str


class LockHeldError(Exception):
    """Another process that is alive, or another part of this one, holds the lock.

    Attributes:
        holder: who it is.
    """

    def __init__(self, holder: Holder) -> None:
        super().__init__(f"held by process {holder.process} on {holder.machine}")
        self.holder = holder


class LockImpossibleError(Exception):
    """No lock can be made there: a read-only folder or disk."""


class FileLock:
    """Held from its making until `release`, or until the process dies.

    A lock of a process of this machine that is gone is taken over; one of another machine is not, however old it is,
    because nobody here can know whether that process is alive.

    Args:
        path: the lock's file; its folder must exist.

    Raises:
        LockHeldError: somebody alive holds it.
        LockImpossibleError: the folder cannot be written to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = QLockFile(str(path))
        # Qt would take a lock over after 30 seconds, although its process is alive and well
        self._file.setStaleLockTime(0)
        if self._file.tryLock(0):
            return
        if self._file.error() is not QLockFile.LockError.LockFailedError:
            raise LockImpossibleError(f"{path}: {self._file.error().name}")
        holder = _holder(self._file)
        # what a power cut left empty is nobody's; where a process is alive after all, removing is refused
        is_stale = not holder.process or _is_number_reused(holder, path)
        if not is_stale or not self._file.removeStaleLockFile() or not self._file.tryLock(0):
            raise LockHeldError(holder)

    def release(self) -> None:
        """Let go; doing so twice is harmless."""
        self._file.unlock()


def is_held(path: Path) -> bool:
    """Say whether somebody alive holds a lock, or nobody can tell; what a dead process left is removed."""
    try:
        FileLock(path).release()
    except (LockHeldError, LockImpossibleError):
        return True
    return False


def _holder(file: QLockFile) -> Holder:
    process, machine, *_ = file.getLockInfo()  # 0 and "" where nothing can be read
    return Holder(int(process), str(machine))


def _is_number_reused(holder: Holder, path: Path) -> bool:
    """Say whether the process of the holder's number began after the lock was made, so is another one.

    Qt itself compares the number and the program's name, which is the same for everything that runs in Python.
    """
    import platform

    import psutil

    if holder.machine != platform.node():
        return False
    try:
        return bool(psutil.Process(holder.process).create_time() > path.stat().st_mtime + 2.0)
    except (psutil.Error, OSError):
        return False
