"""What this program is, under which licence, and with which versions of the libraries it works."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from PySide6.QtCore import Qt, qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from studio.product import NAME, VERSION
from studio.ui.icons import picture
from studio.ui.texts import tr
from studio.ui.theme import colours
from studio.ui.widgets.closing_row import closing_row

_LIBRARIES = (
    "PySide6-Essentials",
    "qdarkstyle",
    "pyqtgraph",
    "numpy",
    "onnx",
    "onnxruntime",
    "torch",
    "MNN",
    "coremltools",
    "ai-edge-litert",
    "litert-torch",
    "tensorflow",
    "onnx2tf",
    "opencv-python",
)


def versions() -> dict[str, str]:
    """Return the versions of this program and of what it stands on, by name; read from files, nothing is imported."""
    found = {NAME: VERSION, "Python": platform.python_version(), "Qt": qVersion()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = tr("not installed")
    return found


class AboutDialog(QDialog):
    """Says it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("about-dialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("About"))
        self._versions = versions()
        badge = QLabel()
        badge.setPixmap(picture("studio", 48, colours().accent, self.devicePixelRatioF()))
        title = QLabel(NAME)
        title.setProperty("role", "title")
        words = QLabel(tr("Compresses, converts and compares face models for phones. Nothing leaves this computer."))
        words.setProperty("role", "secondary")
        words.setWordWrap(True)
        texts = QVBoxLayout()
        texts.setSpacing(4)
        texts.addWidget(title)
        texts.addWidget(words)
        top = QHBoxLayout()
        top.setSpacing(16)
        top.addWidget(badge, 0, Qt.AlignmentFlag.AlignTop)
        top.addLayout(texts, 1)
        licence = QLabel(
            tr("Licence: Apache-2.0. Those of what comes along are in {folder}.", folder="resources/LICENSES")
        )
        licence.setWordWrap(True)
        copy = QPushButton(tr("Copy versions"))
        copy.setObjectName("about-copy")
        copy.setAccessibleName(tr("Copy versions"))
        copy.setToolTip(tr("Copy this list, for a report"))
        copy.clicked.connect(self._copy)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 16)
        column.setSpacing(16)
        column.addLayout(top)
        column.addWidget(licence)
        column.addLayout(self._table())
        column.addStretch(1)
        column.addLayout(closing_row(self, copy))
        self.setMinimumWidth(480)

    def _table(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(4)
        half = (len(self._versions) + 1) // 2
        for place, (name, number) in enumerate(self._versions.items()):
            words = QLabel(name)
            words.setProperty("role", "secondary")
            grid.addWidget(words, place % half, 2 * (place // half))
            grid.addWidget(QLabel(number), place % half, 2 * (place // half) + 1)
        return grid

    def _copy(self) -> None:
        lines = [f"{name} {number}" for name, number in self._versions.items()]
        QGuiApplication.clipboard().setText("\n".join((*lines, platform.platform())))
