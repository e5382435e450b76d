"""What all pages have in common: a title, a sentence, a forecast, a place for sentences on what went wrong."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from studio.ui.widgets.banner import Banner
from studio.ui.workbench import Workbench


class Page(QWidget):
    """One page of the walk. It is made when it is first shown, and made anew when the language changes.

    While there is no model the window shows its start page instead. A page keeps nothing that the document, the jobs
    or the settings could keep, so that it can be made anew at any time.

    Attributes:
        identifier: in settings, tests and the rail.
        banner: sentences on what went wrong, with ways out.
        buttons: a row at the right of the title for the page's main buttons.
        body: the layout below the title that takes the page's content.
        go_to: asks the window for another page, by its identifier.
        open_model: asks the window to open a path, or "demo".
    """

    go_to = Signal(str)
    open_model = Signal(str)

    identifier: ClassVar[str]

    def __init__(self, bench: Workbench, title: str, explanation: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bench = bench
        self.setObjectName(f"page-{self.identifier}")
        self.setAccessibleName(title)
        heading = QLabel(title)
        heading.setProperty("role", "title")
        words = QLabel(explanation)
        words.setProperty("role", "secondary")
        words.setWordWrap(True)
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(heading)
        texts.addWidget(words)
        self._forecast = QLabel()
        self._forecast.setObjectName("forecast")
        self._forecast.setProperty("role", "forecast")
        self._forecast.setWordWrap(True)
        self._forecast.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._forecast.hide()
        texts.addWidget(self._forecast)
        self.buttons = QHBoxLayout()
        self.buttons.setSpacing(8)
        top = QHBoxLayout()
        top.setSpacing(16)
        top.addLayout(texts, 1)
        top.addLayout(self.buttons)
        self.banner = Banner()
        self.body = QVBoxLayout()
        self.body.setSpacing(12)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(20, 16, 20, 16)
        whole.setSpacing(12)
        whole.addLayout(top)
        whole.addWidget(self.banner)
        whole.addLayout(self.body, 1)
        # the keyboard's place when the page comes into view: the next Tab goes to its first control
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def set_forecast(self, text: str) -> None:
        """Say what running this page will do to size and speed; "" hides the line."""
        self._forecast.setText(text)
        self._forecast.setVisible(bool(text))

    def shown(self) -> None:
        """Bring the page up to date; called whenever it comes into view."""
