"""The question before a camera is switched on: which one, how many pictures, over how long."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QSpinBox, QVBoxLayout, QWidget

from studio.ui.texts import tr
from studio.ui.widgets.plain_label import plain_label


class CameraDialog(QDialog):
    """Nothing is taken before it is accepted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("camera-dialog")
        self.setWindowTitle(tr("Calibration pictures from a camera"))
        self._camera = self._field("camera-number", tr("Camera"), tr("Its number; 0 is the first"), 0, 63, 0)
        self._pictures = self._field("camera-pictures", tr("Pictures"), tr("How many are taken"), 1, 200, 16)
        self._seconds = self._field(
            "camera-seconds", tr("Seconds"), tr("From the first picture to the last"), 1, 120, 8
        )
        self._seconds.setSuffix(" s")
        form = QFormLayout()
        for field in (self._camera, self._pictures, self._seconds):
            form.addRow(field.accessibleName(), field)
        buttons = QDialogButtonBox()
        leave = buttons.addButton(tr("Cancel"), QDialogButtonBox.ButtonRole.RejectRole)
        leave.setObjectName("camera-leave")
        leave.setToolTip(tr("The camera stays off"))
        take = buttons.addButton(tr("Take pictures"), QDialogButtonBox.ButtonRole.AcceptRole)
        take.setObjectName("camera-take")
        take.setProperty("role", "primary")
        take.setToolTip(tr("Switch the camera on, take the pictures, switch it off"))
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setSpacing(12)
        words = tr("Turn your head and change the light meanwhile. The pictures stay in the project's own folder.")
        column.addWidget(plain_label(words, role="secondary"))
        column.addLayout(form)
        column.addWidget(buttons)

    @property
    def values(self) -> dict[str, int]:
        """Arguments of the operation, without the folder."""
        return {
            "camera": self._camera.value(),
            "pictures": self._pictures.value(),
            "seconds": self._seconds.value(),
        }

    def _field(self, name: str, title: str, words: str, least: int, most: int, value: int) -> QSpinBox:
        field = QSpinBox()
        field.setObjectName(name)
        field.setAccessibleName(title)
        field.setToolTip(words)
        field.setRange(least, most)
        field.setValue(value)
        return field
