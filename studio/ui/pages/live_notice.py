"""What stands where the moving pictures would be: how to begin, how far the start is, what went wrong and ways out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from converters.errors import StudioError
from converters.preview.request import SourceChoice, SourceKind
from studio.ui.texts import tr
from studio.ui.widgets.banner import Action
from studio.ui.widgets.plain_label import plain_label

if TYPE_CHECKING:
    from studio.preview.previewing import Previewing

_WIDEST = 560


class LiveNotice(QWidget):
    """A heading, a sentence and buttons in the middle; they change with the state."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("live-notice")
        self._heading = plain_label(role="subtitle", parent=self)
        self._heading.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._words = plain_label(role="secondary", parent=self)
        self._words.setObjectName("live-notice-words")
        self._words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._words.setMaximumWidth(_WIDEST)
        self._bar = QProgressBar(self)
        self._bar.setObjectName("live-starting")
        self._bar.setRange(0, 0)
        self._bar.setTextVisible(False)
        self._bar.setFixedSize(240, 6)
        self._row = QHBoxLayout()
        self._row.setSpacing(8)
        self._shown: tuple[object, ...] = ()
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 16, 8)
        column.setSpacing(8)
        column.addStretch(1)
        column.addWidget(self._heading)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(self._words, 100)
        middle.addStretch(1)
        column.addLayout(middle)
        column.addWidget(self._bar, 0, Qt.AlignmentFlag.AlignHCenter)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addLayout(self._row)
        buttons.addStretch(1)
        column.addLayout(buttons)
        column.addStretch(1)

    @property
    def text(self) -> str:
        """The heading and the sentence in view."""
        return f"{self._heading.text()} {self._words.text()}".strip()

    def say(
        self,
        heading: str,
        words: str = "",
        actions: Sequence[Action] = (),
        *,
        is_error: bool = False,
        is_busy: bool = False,
    ) -> None:
        """Show another state.

        Args:
            heading: a few words.
            words: a sentence or two, of any origin.
            actions: what can be done; the first one is the one that most want.
            is_error: whether it went wrong.
            is_busy: whether something is under way.
        """
        self._heading.setText(heading)
        self._words.setText(words)
        self._words.setVisible(bool(words))
        self._bar.setVisible(is_busy)
        self.setAccessibleName(self.text)
        shown = (is_error, *(title for title, _ in actions))
        if shown == self._shown:
            return
        # the same buttons stay: one that is made anew under the pointer or the keyboard loses the press
        self._shown = shown
        _restyle(self._heading, "error" if is_error else "subtitle")
        while (item := self._row.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for place, (title, act) in enumerate(actions):
            button = QPushButton(title, self)
            button.setObjectName(f"live-way-{place}")
            button.setAccessibleName(title)
            button.setToolTip(title)
            if place == 0:
                button.setProperty("role", "primary")
            button.clicked.connect(lambda _checked=False, act=act: act())
            self._row.addWidget(button)

    def say_failure(self, previewing: Previewing, error: StudioError | None, start: Callable[[], object]) -> None:
        """Say why the preview cannot go on, and offer the ways out that may help.

        Args:
            previewing: which changes with the way that is taken.
            error: why.
            start: begins again.
        """

        def start_with_original(path: str) -> None:
            previewing.choose_candidate(path)
            start()

        def start_with_clip() -> None:
            previewing.choose_source(SourceChoice())
            start()

        ways: list[Action] = [(tr("Try again"), start)]
        source, candidate, original = previewing.source, previewing.candidate, previewing.original
        words = "" if error is None else " ".join(part for part in (error.what, error.why, error.remedy) if part)
        is_of_source = bool(source.place) and source.place in words
        if candidate is not None and original is not None and candidate.path != original.path and not is_of_source:
            path = original.path
            ways.append((tr("Original on both sides"), lambda: start_with_original(path)))
        if source.kind is not SourceKind.CLIP:
            ways.append((tr("Use the built-in clip"), start_with_clip))
        self.say(tr("The live comparison cannot go on"), words, ways, is_error=True)


def _restyle(label: QLabel, role: str) -> None:
    label.setProperty("role", role)
    label.style().unpolish(label)
    label.style().polish(label)
