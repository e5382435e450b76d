"""The file that takes what a worker and its native libraries print: bounded, and its last lines for people."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

LARGEST_LOG = 20_000_000
"""Bytes after which the older part of a log is dropped."""

_KEPT = LARGEST_LOG // 4
_LAST = 65_536  # bytes that surely hold the last lines
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


def _readable(data: bytes) -> str:
    """Return what was printed without colours and other control characters."""
    return _CONTROL.sub("", data.decode("utf-8", errors="replace"))


class LogsSince:
    """What the workers that keep their logs in one folder print from now on.

    Args:
        folder: with files `<name>.log`; need not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = Path(folder)
        self._sizes = {file.name: file.stat().st_size for file in self._files()}

    def text(self, largest: int = LARGEST_LOG) -> str:
        """Return what was printed since, one worker after the other; nothing of those that printed nothing.

        Args:
            largest: bytes of each worker's lines; earlier ones are left out.
        """
        parts = []
        for file in self._files():
            size, start = file.stat().st_size, self._sizes.get(file.name, 0)
            if start > size:  # the log was cut in the meantime
                start = 0
            if start < size:
                parts.append(f"===== {file.stem} =====\n{_readable(_end_of(file, max(start, size - largest)))}")
        return "\n".join(parts)

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("*.log"))


def _end_of(file: Path, start: int) -> bytes:
    with file.open("rb") as opened:
        opened.seek(start)
        return opened.read()


class WorkerLog:
    """A log file that another process appends to.

    Args:
        path: of the file; None for one in a temporary folder, which `close` removes.
    """

    def __init__(self, path: Path | None) -> None:
        self._given = None if path is None else Path(path).absolute()
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._mark = 0

    @property
    def path(self) -> Path:
        """The file, which need not exist yet."""
        if self._given is not None:
            return self._given
        if self._temporary is None:
            self._temporary = tempfile.TemporaryDirectory(prefix=f"ffstudio-log-{os.getpid()}-")
        return Path(self._temporary.name, "log")

    def close(self) -> None:
        """Remove a temporary log; another one begins when it is used again."""
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None

    def mark(self) -> None:
        """Remember that what follows belongs to new work."""
        self._mark = self._size()

    def last_lines(self, count: int = 20) -> list[str]:
        """Return the last lines since the mark that are not empty, at most 300 characters of each."""
        size = self._size()
        start = self._mark if self._mark <= size else 0  # the log was cut in the meantime
        text = self._read(max(start, size - _LAST)).decode("utf-8", errors="replace")
        lines = (_CONTROL.sub("", line).rstrip() for line in text.splitlines())
        return [line[:300] for line in lines if line][-count:]

    def limit(self) -> None:
        """Drop the older part when the file became larger than `LARGEST_LOG`.

        The writer appends and never seeks, so the file may be cut under its hands; at worst the lines of this very
        moment are lost.
        """
        size = self._size()
        if size <= LARGEST_LOG:
            return
        kept = self._read(size - _KEPT)
        with self.path.open("r+b") as file:
            file.truncate(0)
        with self.path.open("ab") as file:
            file.write(b"[older lines were dropped]\n" + kept)
        self._mark = 0

    def _size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def _read(self, start: int) -> bytes:
        return _end_of(self.path, start) if self.path.exists() else b""
