"""What a person can set: language, look, and where the program's own files are."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QComboBox, QDialog, QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from studio.locations import data_folder
from studio.settings import SettingsStore
from studio.ui.languages import LANGUAGES
from studio.ui.texts import tr
from studio.ui.widgets.closing_row import closing_row
from studio.ui.widgets.elided_label import ElidedLabel


class SettingsDialog(QDialog):
    """Every change holds at once.

    Args:
        settings: what is changed.
        parent: the window.
    """

    def __init__(self, settings: SettingsStore, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.setObjectName("settings-dialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(480)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(24, 24, 24, 16)
        self._column.setSpacing(24)
        self._content = self._filled()
        self._column.addWidget(self._content)

    def _filled(self) -> QWidget:
        self.setWindowTitle(tr("Settings"))
        languages = [("system", tr("As the system")), *LANGUAGES.items()]
        themes = [("system", tr("As the system")), ("dark", tr("Dark")), ("light", tr("Light"))]
        content = QWidget()
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(12)
        grid.setColumnStretch(1, 1)
        self._add_choice(grid, 0, tr("Language"), "language", languages)
        self._add_choice(grid, 1, tr("Look"), "theme", themes)
        self._add_folder(grid, 2)
        forget = QPushButton(tr("Forget recent files"))
        forget.setObjectName("settings-forget")
        forget.setAccessibleName(tr("Forget recent files"))
        forget.setToolTip(tr("Empty the list of recent files; the files stay"))
        forget.clicked.connect(lambda: self._settings.change(recent=()))
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(24)
        column.addLayout(grid)
        column.addLayout(closing_row(self, forget))
        return content

    def _add_choice(
        self, grid: QGridLayout, row: int, title: str, setting: str, choices: Sequence[tuple[str, str]]
    ) -> None:
        box = QComboBox()
        box.setObjectName(f"settings-{setting}")
        box.setAccessibleName(title)
        box.setToolTip(tr("Holds at once"))
        for value, words in choices:
            box.addItem(words, value)
        box.setCurrentIndex(box.findData(getattr(self._settings.value, setting)))
        box.activated.connect(lambda _index: self._set(setting, str(box.currentData())))
        label = QLabel(title)
        label.setBuddy(box)
        grid.addWidget(label, row, 0)
        grid.addWidget(box, row, 1, 1, 2)

    def _add_folder(self, grid: QGridLayout, row: int) -> None:
        folder = data_folder()
        path = ElidedLabel(str(folder), role="secondary")
        show = QPushButton(tr("Show"))
        show.setObjectName("settings-show-folder")
        show.setAccessibleName(tr("Show the program's own folder"))
        show.setToolTip(tr("Settings, rescued work, crash reports and files of projects that were never saved"))
        show.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))))
        grid.addWidget(QLabel(tr("Own files")), row, 0)
        grid.addWidget(path, row, 1)
        grid.addWidget(show, row, 2)

    def _set(self, setting: str, value: str) -> None:
        self._settings.change(**{setting: value})
        # in the language that holds now
        old = self._content
        self._content = self._filled()
        self._column.replaceWidget(old, self._content)
        old.hide()
        old.deleteLater()
