"""Pictures in shared memory: a few slots in a file that two processes map, one of which writes.

Who may use a slot is said in messages, so that nobody reads what is being written: the writer takes a free slot, fills
it and says so; it is free again when the reader says that it has copied it. The file is nameless from the moment both
have mapped it (on Windows from the moment both have closed it), so that nothing stays whatever ends the processes.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import secrets
import tempfile
from pathlib import Path

from converters.closing import Closing
from converters.destination import destination_errors
from converters.errors import DestinationError

PREFIX = "ffstudio-preview-"
_IN_MEMORY = Path("/dev/shm")
_ROUND = mmap.ALLOCATIONGRANULARITY


def memory_folders() -> tuple[Path, ...]:
    """Return the folders for files that are shared memory, the best first: real memory where there is, temporary.

    The second is for a system whose memory has no room: a container's is 64 MB, if nobody asked for more.
    """
    temporary = Path(tempfile.gettempdir())
    return (_IN_MEMORY, temporary) if os.access(_IN_MEMORY, os.W_OK) else (temporary,)


def memory_folder() -> Path:
    """Return the best of `memory_folders`."""
    return memory_folders()[0]


class Slots(Closing):
    """Slots of one size, mapped.

    Args:
        path: of the file.
        size: bytes of the file.
        count: of slots.

    Raises:
        DestinationError: it cannot be mapped.
    """

    def __init__(self, path: Path, size: int, count: int) -> None:
        self.path, self.size, self.count = path, size, count
        self.slot_size = size // count
        with destination_errors(path):
            descriptor = os.open(path, os.O_RDWR)
            try:
                self._memory = mmap.mmap(descriptor, size)
            finally:
                os.close(descriptor)
        self._view = memoryview(self._memory)

    @classmethod
    def make(cls, slot_size: int, count: int, folder: Path | None = None) -> Slots:
        """Make a file with slots of at least `slot_size` bytes.

        Args:
            slot_size: bytes.
            count: of slots.
            folder: takes the file; None for the first of `memory_folders` that has room.

        Raises:
            DestinationError: no memory or no space for it.
        """
        size = -(-slot_size // _ROUND) * _ROUND * count
        *better, last = (folder,) if folder is not None else memory_folders()
        for each in better:
            with contextlib.suppress(DestinationError):
                return cls._make(size, count, each)
        return cls._make(size, count, last)

    @classmethod
    def _make(cls, size: int, count: int, folder: Path) -> Slots:
        path = folder / f"{PREFIX}{os.getpid()}-{secrets.token_hex(8)}"
        with destination_errors(path):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                # reserved now: writing into a mapped file that finds no space is a crash, not an error
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(descriptor, 0, size)
                else:
                    os.truncate(descriptor, size)
            except OSError:
                path.unlink(missing_ok=True)
                raise
            finally:
                os.close(descriptor)
        return cls(path, size, count)

    @classmethod
    def of_writer(cls, path: Path, size: int, count: int) -> Slots | None:
        """Map what another process made; None where it is gone: that process has made other slots since, and says so.

        Raises:
            DestinationError: it is there and cannot be mapped.
        """
        try:
            return cls(path, size, count)
        except DestinationError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return None
            raise

    def slot(self, number: int) -> memoryview:
        """Return the bytes of a slot; give up what was made of it before `close`."""
        return self._view[number * self.slot_size : (number + 1) * self.slot_size]

    def forget_name(self) -> None:
        """Take the file's name away where the system lets go of names of mapped files."""
        if os.name == "posix":
            self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Unmap the memory and remove the file; closing twice is harmless."""
        self._view.release()
        self._memory.close()
        try:
            self.path.unlink(missing_ok=True)
        except PermissionError:
            if os.name == "posix":
                raise
            # the other process still maps it, and removes it when it closes it
