"""Prepares pages before a person asks for them, so that showing one for the first time takes no longer than later."""

from __future__ import annotations

import importlib
import threading
import time

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication

from studio.catalogue import catalogue
from studio.ui.pages.table import PAGES
from studio.ui.widgets.plotting import load_in_background
from studio.ui.window import Window

_REST = 120
"""Milliseconds between two pages, which belong to whatever the person does."""
_LATE = 0.02
"""Seconds by which the rest lasts longer where the event loop has other work to do."""
_MOST_RESTS = 20
"""After so many of them a page is made all the same: on a busy machine the loop is always late."""


class Ahead(QObject):
    """Imports what pages need beside the window's thread, then makes the pages one by one while nothing else happens.

    Args:
        window: whose pages they are.
    """

    _imported = Signal()

    def __init__(self, window: Window, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._window = window
        self._is_ready = False
        self._is_closing = False
        self._thread: threading.Thread | None = None
        self._rest = QTimer(self, singleShot=True, interval=_REST)
        self._rest.timeout.connect(self._look)
        self._began = 0.0
        self._rests = 0
        self._imported.connect(self._begin_to_make)
        window.built.connect(self._wait)
        window.bench.document.inspection_changed.connect(self._wait)

    def begin(self) -> None:
        """Begin; the window is in view by now."""
        self._thread = threading.Thread(target=self._import, name="ahead", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; waits for the import that is running."""
        self._is_closing = True
        self._rest.stop()
        if self._thread is not None:
            self._thread.join()

    def _import(self) -> None:
        """Import the pages, then what the engine offers: one after the other, so that only one thread takes turns
        with the window's."""
        for place in PAGES.values():
            if self._is_closing:
                return
            importlib.import_module(place.partition(":")[0])
        catalogue()
        if not self._is_closing:
            self._imported.emit()

    def _begin_to_make(self) -> None:
        self._is_ready = True
        self._wait()

    def _wait(self) -> None:
        self._rests = 0
        self._rest_once()

    def _rest_once(self) -> None:
        self._began = time.monotonic()
        self._rest.start()

    def _look(self) -> None:
        """Make a page unless something else happens."""
        if not self._is_ready or self._is_closing:
            return
        is_late = time.monotonic() - self._began > _REST / 1000 + _LATE
        is_dragged = QApplication.mouseButtons() != Qt.MouseButton.NoButton
        if is_dragged or (is_late and self._rests < _MOST_RESTS):
            self._rests += 1
            self._rest_once()
        else:
            self._make_one()

    def _make_one(self) -> None:
        """Make the next page: without a model only the first, which is shown as soon as there is one."""
        has_model = self._window.bench.document.inspection is not None
        for identifier in PAGES if has_model else tuple(PAGES)[:1]:
            if not self._window.stack.is_made(identifier):
                self._window.stack.page(identifier)
                self._wait()
                return
        if has_model:
            load_in_background()
