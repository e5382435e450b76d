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
        self._is_fulfilled = True
        self._is_ending = False

    def write(self, make: Callable[[], str], then: Callable[[], object] | None = None) -> None:
        """Have the file say what `make` returns; it runs on another thread, as `then` does once that is on the disk."""
        self._want(lambda: self._write(make, then))

    def remove(self, then: Callable[[], object]) -> None:
        """Have the file not exist, and call `then` on another thread once it is gone or cannot be removed.

        This object ends with that; nothing may be wanted of it any more.
        """
        self._want(lambda: self._remove(then), is_last=True)

    def wait(self) -> bool:
        """Return when everything is on the disk; False where the newest wish could not be fulfilled."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()
        return self._is_fulfilled

    def _want(self, wish: Callable[[], None], is_last: bool = False) -> None:
        with self._lock:
            self._wish = wish
            self._is_ending = is_last
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=f"writing {self.path.name}")
                self._thread.start()

    def _work(self) -> None:
        while True:
            with self._lock:
                wish, self._wish = self._wish, None
                if wish is None:
                    if self._is_ending:
                        self.deleteLater()
                    self._thread = None
                    return
                self._is_fulfilled = False
            try:
                wish()
                self._is_fulfilled = True
            except StudioError as error:
                self.failed.emit(error)
            except OSError as error:
                self.failed.emit(StudioError(f"{self.path} cannot be written.", f"{error.strerror or error}."))
            except BaseException:  # a bug; the next wish gets a new thread
                with self._lock:
                    self._thread = None
                raise

    def _write(self, make: Callable[[], str], then: Callable[[], object] | None) -> None:
        write_text_atomically(self.path, make(), force=True)
        if then is not None:
            then()

    def _remove(self, then: Callable[[], object]) -> None:
        try:
            with destination_errors(self.path):
                self.path.unlink(missing_ok=True)
        finally:
            then()
