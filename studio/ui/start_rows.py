"""The rows of the start page: something that was open lately, and work that was rescued."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from studio.project_file import SUFFIX
from studio.ui.icons import icon, picture
from studio.ui.plain_tip import plain_tip
from studio.ui.texts import tr
from studio.ui.theme import colours
from studio.ui.widgets.elided_label import ElidedLabel

_HEIGHT = 48


@dataclass(frozen=True)
class Rescued:
    """Work that an earlier run of the program could not save.

    Attributes:
        identity: tells it from others.
        title: the project's or model's name.
        when: it was last changed, in words.
    """

    identity: str
    title: str
    when: str


class RecentRow(QWidget):
    """A file or folder that was open lately, and a button to forget it.

    Attributes:
        chosen: open this path.
        forget_wanted: take this path out of the list.
    """

    chosen = Signal(str)
    forget_wanted = Signal(str)

    def __init__(self, path: str, *, is_missing: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        name, folder = Path(path).name, str(Path(path).parent)
        button = QPushButton()
        button.setObjectName("recent-open")
        button.setProperty("role", "row")
        button.setFixedHeight(_HEIGHT)
        button.setEnabled(not is_missing)
        if is_missing:
            button.setToolTip(plain_tip(tr("{path} is not there at the moment", path=path)))
            button.setAccessibleName(tr("{name} in {folder}, not there at the moment", name=name, folder=folder))
        else:
            button.setToolTip(plain_tip(path))
            button.setAccessibleName(tr("Open {name} in {folder}", name=name, folder=folder))
        button.clicked.connect(lambda: self.chosen.emit(path))
        kind = "project" if path.endswith(SUFFIX) else "model"
        _fill(button, kind, name, tr("{folder} (not there)", folder=folder) if is_missing else folder, is_missing)
        forget = QToolButton()
        forget.setObjectName("recent-forget")
        forget.setIcon(icon("close"))
        forget.setAccessibleName(tr("Forget {name}", name=name))
        forget.setToolTip(tr("Take this out of the list; the file stays"))
        forget.clicked.connect(lambda: self.forget_wanted.emit(path))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(button, 1)
        row.addWidget(forget)


class RescuedRow(QWidget):
    """Rescued work, and what may become of it.

    Attributes:
        rescue_wanted: open it, by its identity.
        discard_wanted: throw it away.
    """

    rescue_wanted = Signal(str)
    discard_wanted = Signal(str)

    def __init__(self, offer: Rescued, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        words = QWidget()
        words.setFixedHeight(_HEIGHT)
        sentence = tr("Not saved when the program ended; last changed {when}", when=offer.when)
        _fill(words, "recover", offer.title, sentence, False)
        rescue = QPushButton(tr("Open"))
        rescue.setObjectName("rescued-open")
        rescue.setAccessibleName(tr("Open the rescued work on {name}", name=offer.title))
        rescue.setToolTip(tr("Go on where the program ended"))
        rescue.clicked.connect(lambda: self.rescue_wanted.emit(offer.identity))
        discard = QPushButton(tr("Discard"))
        discard.setObjectName("rescued-discard")
        discard.setAccessibleName(tr("Discard the rescued work on {name}", name=offer.title))
        discard.setToolTip(tr("Throw these changes away"))
        discard.clicked.connect(lambda: self.discard_wanted.emit(offer.identity))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(words, 1)
        row.addWidget(rescue)
        row.addWidget(discard)


def _fill(into: QWidget, name_of_icon: str, title: str, sentence: str, is_missing: bool) -> None:
    """Put an icon and two lines into a row; clicks go through to the row."""
    of = colours()
    badge = QLabel()
    badge.setPixmap(picture(name_of_icon, 20, of.disabled if is_missing else of.secondary, into.devicePixelRatioF()))
    first, second = ElidedLabel(title), ElidedLabel(sentence, role="caption")
    for label in (badge, first, second):
        label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        label.setEnabled(not is_missing)
    lines = QVBoxLayout()
    lines.setSpacing(0)
    lines.addStretch(1)
    lines.addWidget(first)
    lines.addWidget(second)
    lines.addStretch(1)
    row = QHBoxLayout(into)
    row.setContentsMargins(8, 0, 8, 0)
    row.setSpacing(12)
    row.addWidget(badge)
    row.addLayout(lines, 1)
