"""Looks, beside the window's thread, what the start page can offer: which recent files are there, what was rescued."""

from __future__ import annotations

import threading
from pathlib import Path

from PySide6.QtCore import QDateTime, QLocale, QObject, Qt, Signal

from studio import recovery
from studio.presence import is_there
from studio.ui.leaving import may_discard
from studio.ui.opening import DEMO
from studio.ui.start_rows import Rescued
from studio.ui.window import Window
from studio.ui.workbench import Workbench


class StartLook(QObject):
    """Keeps the start page and the list of recent files up to date.

    Disks may be asleep or behind a network, so that looking has a thread of its own.

    Args:
        window: whose start page it is.
        bench: with settings and document.
    """

    _seen = Signal(object, object)
    _troubled = Signal(object)

    def __init__(self, window: Window, bench: Workbench) -> None:
        super().__init__(window)
        self._window = window
        self._bench = bench
        self._thread: threading.Thread | None = None
        self._missing: frozenset[str] = frozenset()
        self._offers: list[recovery.Offer] = []
        self._recent: tuple[str, ...] = ()
        self._seen.connect(self._show, Qt.ConnectionType.QueuedConnection)
        self._troubled.connect(window.say_error, Qt.ConnectionType.QueuedConnection)
        window.opening.opened.connect(self._remember)
        bench.document.state_changed.connect(self._remember_project)
        bench.settings.changed.connect(self._look_again_if_others)
        window.built.connect(self._connect_page)
        self._connect_page()

    def begin(self) -> None:
        """Look now; the answer comes when it is there."""
        if self._thread is not None and self._thread.is_alive():
            return
        self._recent = self._bench.settings.value.recent
        self._thread = threading.Thread(target=self._look, args=(self._recent,), name="start page", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Wait a moment for what still looks."""
        if self._thread is not None:
            self._thread.join(1.0)

    def _look(self, paths: tuple[str, ...]) -> None:
        recovery.sweep()
        offers = recovery.offers(self._troubled.emit)
        # last, and never in the way of rescued work: these may lie anywhere
        self._seen.emit(frozenset(path for path in paths if not is_there(Path(path))), offers)

    def _show(self, missing: frozenset[str], offers: list[recovery.Offer]) -> None:
        self._missing, self._offers = missing, offers
        self.refresh()

    def refresh(self) -> None:
        """Fill the start page with what is known."""
        start = self._window.start
        start.set_recent(self._bench.settings.value.recent, self._missing)
        start.set_rescued([Rescued(str(offer.file), offer.title, _when(offer.when)) for offer in self._offers])

    def _connect_page(self) -> None:
        start = self._window.start
        start.forget_wanted.connect(self._bench.settings.remove_recent)
        start.rescue_wanted.connect(self._rescue)
        start.discard_wanted.connect(self._discard)
        self.refresh()

    def _look_again_if_others(self) -> None:
        if self._bench.settings.value.recent != self._recent:
            self._recent = self._bench.settings.value.recent
            self.refresh()

    def _offer(self, identity: str) -> recovery.Offer | None:
        return next((offer for offer in self._offers if str(offer.file) == identity), None)

    def _rescue(self, identity: str) -> None:
        offer = self._offer(identity)
        if offer is None:
            return
        self._window.restore(offer)
        # otherwise it was refused (another window has it, say), the person kept what is open, or it is the only copy
        if not is_there(offer.file):
            self._drop(offer)

    def _discard(self, identity: str) -> None:
        offer = self._offer(identity)
        if offer is not None and may_discard(self._window, offer):
            recovery.discard(offer)
            self._drop(offer)

    def _drop(self, offer: recovery.Offer) -> None:
        self._offers = [other for other in self._offers if other is not offer]
        self.refresh()

    def _remember(self) -> None:
        document = self._bench.document
        source = document.project.recipe.source
        if document.path is None and source and source != DEMO:
            self._bench.settings.add_recent(source)

    def _remember_project(self) -> None:
        path = self._bench.document.path
        if path is not None and self._bench.settings.value.recent[:1] != (str(path),):
            self._bench.settings.add_recent(str(path))


def _when(seconds: float) -> str:
    when = QDateTime.fromSecsSinceEpoch(round(seconds))
    return QLocale().toString(when, QLocale.FormatType.ShortFormat)
