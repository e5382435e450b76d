"""Who looks at a thing: a preview that nobody sees need not use the machine."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

PATIENCE = 10_000
"""Milliseconds after the last one looked away until the thing may rest."""


class Watching(QObject):
    """Knows who looks.

    Attributes:
        is_watched_changed: somebody looks where nobody did, or nobody does any more.
        patience_ended: nobody has looked for `PATIENCE`.
    """

    is_watched_changed = Signal()
    patience_ended = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._watchers: set[int] = set()
        self._known: set[int] = set()
        self._timer = QTimer(self, interval=PATIENCE, singleShot=True)
        self._timer.timeout.connect(self.patience_ended)

    @property
    def is_watched(self) -> bool:
        """Whether anybody looks."""
        return bool(self._watchers)

    def watch(self, widget: QObject) -> None:
        """Take note that a widget shows the thing; one that is destroyed looks away by itself."""
        was, identity = self.is_watched, id(widget)
        self._watchers.add(identity)
        if identity not in self._known:
            self._known.add(identity)
            widget.destroyed.connect(lambda: self._forget(identity))
        self._timer.stop()
        if not was:
            self.is_watched_changed.emit()

    def unwatch(self, widget: QObject) -> None:
        """Take note that a widget does not show it any more."""
        self._look_away(id(widget))

    def begin_waiting(self) -> None:
        """Let patience run where nobody looks: the thing has just begun."""
        if not self.is_watched:
            self._timer.start()

    def _forget(self, identity: int) -> None:
        self._known.discard(identity)
        self._look_away(identity)

    def _look_away(self, identity: int) -> None:
        was = self.is_watched
        self._watchers.discard(identity)
        if was and not self.is_watched:
            self._timer.start()
            self.is_watched_changed.emit()
