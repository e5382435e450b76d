"""What the window shows without a model: where to drop one, what was open lately, what was rescued."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from studio.ui.icons import icon, picture
from studio.ui.start_rows import RecentRow, Rescued, RescuedRow
from studio.ui.texts import tr
from studio.ui.theme import colours

_WIDTH = 720
_MOST_RECENT = 6


class StartPage(QWidget):
    """The first thing people see.

    Attributes:
        open_wanted: the person wants something open: a path, or "demo".
        file_wanted, folder_wanted: the person wants to choose a file, a folder.
        forget_wanted: a path is to leave the list of recent ones.
        rescue_wanted, discard_wanted: what is to become of rescued work, by its identity.
    """

    open_wanted = Signal(str)
    file_wanted = Signal()
    folder_wanted = Signal()
    forget_wanted = Signal(str)
    rescue_wanted = Signal(str)
    discard_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("start-page")
        self.setAccessibleName(tr("Start"))
        # takes the keyboard at the start, so that the first Tab goes to the first button
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        content = QWidget()
        content.setMaximumWidth(_WIDTH)
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(16)
        column.addWidget(self._drop_zone())
        self._rescued = _Section(tr("Rescued work"), "start-rescued")
        self._recent = _Section(tr("Recent"), "start-recent")
        column.addWidget(self._rescued)
        column.addWidget(self._recent)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(content, 100)
        row.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(16, 16, 16, 16)
        whole.addStretch(1)
        whole.addLayout(row)
        whole.addStretch(2)

    def set_recent(self, paths: Sequence[str], missing: frozenset[str] = frozenset()) -> None:
        """Show what was open lately.

        Args:
            paths: the newest first.
            missing: those of them that are not there at the moment.
        """
        rows: list[QWidget] = []
        for path in paths[:_MOST_RECENT]:
            row = RecentRow(path, is_missing=path in missing)
            row.chosen.connect(self.open_wanted)
            row.forget_wanted.connect(self.forget_wanted)
            rows.append(row)
        self._recent.set_rows(rows)

    def set_rescued(self, offers: Sequence[Rescued]) -> None:
        """Offer work that an earlier run of the program could not save."""
        rows: list[QWidget] = []
        for offer in offers:
            row = RescuedRow(offer)
            row.rescue_wanted.connect(self.rescue_wanted)
            row.discard_wanted.connect(self.discard_wanted)
            rows.append(row)
        self._rescued.set_rows(rows)

    def _drop_zone(self) -> QFrame:
        zone = QFrame()
        zone.setObjectName("drop-zone")
        arrow = QLabel()
        arrow.setPixmap(picture("drop", 40, colours().accent, self.devicePixelRatioF()))
        arrow.setAlignment(Qt.AlignmentFlag.AlignCenter)
        title = QLabel(tr("Drop a face model here"))
        title.setProperty("role", "title")
        title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        words = QLabel(
            tr(
                "ONNX or PyTorch: a file, a folder or a .zip; or a project.\n"
                "It becomes .mnn, .tflite and .mlpackage. Nothing leaves this computer."
            )
        )
        words.setProperty("role", "secondary")
        words.setWordWrap(True)
        words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column = QVBoxLayout(zone)
        column.setContentsMargins(16, 24, 16, 24)
        column.setSpacing(8)
        column.addWidget(arrow)
        column.addWidget(title)
        column.addWidget(words)
        column.addSpacing(8)
        column.addLayout(self._buttons())
        return zone

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        demo = QPushButton(icon_of_primary(), tr("Try the demo"))
        demo.setObjectName("start-demo")
        demo.setProperty("role", "primary")
        demo.setToolTip(tr("Open the small face swapper that comes with the program"))
        demo.clicked.connect(lambda: self.open_wanted.emit("demo"))
        file = QPushButton(icon("file"), tr("Open file..."))
        file.setObjectName("start-file")
        file.setToolTip(tr("Choose a model file or project (Ctrl+O)"))
        file.clicked.connect(self.file_wanted)
        folder = QPushButton(icon("folder"), tr("Open folder..."))
        folder.setObjectName("start-folder")
        folder.setToolTip(tr("Choose a folder that holds a model (Ctrl+Shift+O)"))
        folder.clicked.connect(self.folder_wanted)
        for button in (demo, file, folder):
            button.setAccessibleName(button.text())
            button.setIconSize(QSize(18, 18))
            button.setMinimumHeight(36)
            row.addWidget(button)
        row.addStretch(1)
        return row


def icon_of_primary() -> QIcon:
    """Return the demo's icon in the colour of words on the main button."""
    return QIcon(picture("demo", 48, colours().primary_text))


class _Section(QWidget):
    """A heading with rows below it; hidden while it has none."""

    def __init__(self, title: str, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(title)
        heading = QLabel(title)
        heading.setProperty("role", "caption")
        self._rows = QGridLayout()
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setVerticalSpacing(0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(heading)
        column.addLayout(self._rows)
        self.hide()

    def set_rows(self, rows: Sequence[QWidget]) -> None:
        """Show these rows instead of those there."""
        while (item := self._rows.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for place, row in enumerate(rows):
            self._rows.addWidget(row, place, 0)
        self.setVisible(bool(rows))
