"""What is asked before a file can be opened: whether it may run code, and how large its inputs are."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from converters.errors import SizesNeededError, StudioError
from studio.ui.texts import tr
from studio.ui.widgets.size_fields import SizeFields


class _Question(QDialog):
    """A title, sentences, something in the middle, and two buttons of which Cancel is the one that Enter presses."""

    def __init__(self, name: str, title: str, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(480)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(20, 16, 20, 16)
        self.column.setSpacing(12)

    def add_sentence(self, text: str, role: str = "") -> None:
        """Add words that may come from a file, and are never markup."""
        words = QLabel(text)
        words.setTextFormat(Qt.TextFormat.PlainText)
        words.setWordWrap(True)
        if role:
            words.setProperty("role", role)
        self.column.addWidget(words)

    def add_buttons(self, text: str, name: str, role: str) -> QPushButton:
        """Add Cancel and the other button; return the other one."""
        cancel = QPushButton(tr("Cancel"))
        cancel.setObjectName("cancel")
        cancel.setAccessibleName(tr("Cancel"))
        cancel.setToolTip(tr("Do not open it."))
        cancel.clicked.connect(self.reject)
        go_on = QPushButton(text)
        go_on.setObjectName(name)
        go_on.setAccessibleName(text)
        go_on.setProperty("role", role)
        go_on.setAutoDefault(False)
        go_on.clicked.connect(self.accept)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(go_on)
        row.addWidget(cancel)
        self.column.addLayout(row)
        cancel.setDefault(True)
        cancel.setFocus()
        return go_on


class TrustQuestion(_Question):
    """Asks whether a file may run its code. Cancel is the default."""

    def __init__(self, error: StudioError, parent: QWidget | None = None) -> None:
        super().__init__("trust-question", tr("Do you trust this file?"), parent)
        self.add_sentence(error.what, "subtitle")
        self.add_sentence(
            tr(
                "Opening it runs code that comes with it, with all your rights: it could read, change and delete your "
                "files, or send them away."
            )
        )
        self.add_sentence(
            tr(
                "Trust it only if you know who made it and have it from them. An ONNX or safetensors file of the same "
                "model runs no code and needs no trust."
            )
        )
        self.add_sentence(tr("This holds until the program ends; it is not saved in the project."), "secondary")
        button = self.add_buttons(tr("Trust and open"), "trust-and-open", "danger")
        button.setToolTip(tr("Run the file's code and open the model it makes."))


class SizesQuestion(_Question):
    """Asks how large the inputs of a model are.

    Attributes:
        answered: with the sizes by input.
    """

    answered = Signal(object)

    def __init__(
        self, error: SizesNeededError, current: Mapping[str, tuple[int, ...]], parent: QWidget | None = None
    ) -> None:
        super().__init__("sizes-question", tr("How large are its inputs?"), parent)
        self.add_sentence(error.what, "subtitle")
        self.add_sentence(tr("Phones need every size fixed. What fits is said by whoever made the model."))
        self._fields = SizeFields(error.axes, current)
        self.column.addWidget(self._fields)
        self._open = self.add_buttons(tr("Open with these sizes"), "open-with-sizes", "primary")
        self._open.setDefault(True)
        self._open.setToolTip(tr("Fix the sizes and open the model."))
        self._fields.changed.connect(self._look)
        self.accepted.connect(self._answer)
        self._look()

    def _look(self) -> None:
        self._open.setEnabled(self._fields.shapes() is not None)

    def _answer(self) -> None:
        shapes = self._fields.shapes()
        if shapes is not None:
            self.answered.emit(shapes)
