"""Pictures in shared memory: a few slots in a file that two processes map, one of which writes.

Who may use a slot is said in messages, so that nobody reads what is being written: the writer takes a free slot, fills
it and says so; it is free again when the reader says that it has copied it. The file is nameless from the moment both
have mapped it (on Windows from the moment both have closed it), so that nothing stays whatever ends the processes.
"""

from __future__ import annotations

import mmap
import os
import secrets
import tempfile
from pathlib import Path

from converters.closing import Closing
from converters.destination import destination_errors

PREFIX = "ffstudio-preview-"
_IN_MEMORY = Path("/dev/shm")
_ROUND = mmap.ALLOCATIONGRANULARITY


def memory_folder() -> Path:
    """Return a folder for files that are shared memory: real memory where the system has such, else temporary."""
    return _IN_MEMORY if os.access(_IN_MEMORY, os.W_OK) else Path(tempfile.gettempdir())


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

        Raises:
            DestinationError: no memory or no space for it.
        """
        slot_size = -(-slot_size // _ROUND) * _ROUND
        size = slot_size * count
        path = (folder or memory_folder()) / f"{PREFIX}{os.getpid()}-{secrets.token_hex(8)}"
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
        self.path.unlink(missing_ok=True)
