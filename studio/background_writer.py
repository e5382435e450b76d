"""Writing a small file without making the window wait for the disk."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from converters.destination import destination_errors
from converters.errors import StudioError
from converters.files import write_text_atomically


class BackgroundWriter(QObject):
    """Keeps one file as the newest wish says; wishes that were overtaken are not written.

    A thread lives only while there is something to write.

    Args:
        path: the file; its folder is made when needed.

    Attributes:
        failed: a StudioError, on the thread this object lives in.
    """

    failed = Signal(object)

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path = path
        self._lock = threading.Lock()
        self._wish: Callable[[], None] | None = None
        self._thread: threading.Thread | None = None

    def write(self, make: Callable[[], str]) -> None:
        """Have the file say what `make` returns; it runs on another thread."""
        self._want(lambda: write_text_atomically(self.path, make(), force=True))

    def remove(self, then: Callable[[], object]) -> None:
        """Have the file not exist, and call `then` on another thread once it is gone or cannot be removed."""
        self._want(lambda: self._remove(then))

    def wait(self) -> None:
        """Return when everything is on the disk."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _want(self, wish: Callable[[], None]) -> None:
        with self._lock:
            self._wish = wish
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=f"writing {self.path.name}")
                self._thread.start()

    def _work(self) -> None:
        while True:
            with self._lock:
                wish, self._wish = self._wish, None
                if wish is None:
                    self._thread = None
                    return
            try:
                wish()
            except StudioError as error:
                self.failed.emit(error)
            except OSError as error:
                self.failed.emit(StudioError(f"{self.path} cannot be written.", f"{error.strerror or error}."))
            except BaseException:  # a bug; the next wish gets a new thread
                with self._lock:
                    self._thread = None
                raise

    def _remove(self, then: Callable[[], object]) -> None:
        try:
            with destination_errors(self.path):
                self.path.unlink(missing_ok=True)
        finally:
            then()
