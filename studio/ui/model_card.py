"""The card that is always in view: which model is open, in one line of figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QStackedLayout, QToolTip, QVBoxLayout, QWidget

from studio.ui.amounts import count_text, shape_text, short_hash, size_text
from studio.ui.icons import icon, picture
from studio.ui.texts import tr
from studio.ui.theme import colours
from studio.ui.widgets.elided_label import ElidedLabel

HEIGHT = 60


class ModelCard(QFrame):
    """What is known of the open model, or that there is none.

    Attributes:
        open_wanted: the person wants to choose a model file.
        demo_wanted: the person wants the demo model.
    """

    open_wanted = Signal()
    demo_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("model-card")
        self.setFixedHeight(HEIGHT)
        self._sha256 = ""
        margins = QHBoxLayout(self)
        margins.setContentsMargins(16, 0, 16, 0)
        self._layers = QStackedLayout()
        margins.addLayout(self._layers)
        self._layers.addWidget(self._without_model())
        self._layers.addWidget(self._with_model())
        self.show_model(None)

    def show_model(self, inspection: Mapping[str, Any] | None, *, trusted: bool = False) -> None:
        """Show a model's figures.

        Args:
            inspection: plain data of `inspect_source`; None for no model.
            trusted: whether the file may run code, as the person said.
        """
        self._layers.setCurrentIndex(0 if inspection is None else 1)
        if inspection is None:
            self._sha256 = ""
            self.setAccessibleName(tr("No model is open"))
            return
        source, cost = inspection["source"], inspection["cost"]
        family = inspection["family"].get("title") or tr("Unknown family")
        self._sha256 = source["sha256"]
        self._name.set_text(source["name"])
        self._family.set_text(tr("{family}, trusted", family=family) if trusted else family)
        inputs, outputs = (tensors_text(inspection["signature"][side]) for side in ("inputs", "outputs"))
        self._inputs.set_text(inputs)
        self._outputs.set_text(f"→ {outputs}")
        self._size.setText(size_text(source["size"]))
        self._parameters.setText(count_text(cost["parameters"]))
        self._macs.setText(count_text(cost["macs"]))
        self._hash.setText(short_hash(self._sha256))
        self._hash.setEnabled(bool(self._sha256))
        self.setAccessibleName(
            tr(
                "The open model: {name}, {family}, from {inputs} to {outputs}",
                name=source["name"],
                family=family,
                inputs=inputs,
                outputs=outputs,
            )
        )

    def _without_model(self) -> QWidget:
        self.setAccessibleName(tr("No model is open"))
        title = QLabel(tr("No model"))
        title.setProperty("role", "subtitle")
        words = QLabel(tr("Drop a model anywhere in this window"))
        words.setProperty("role", "secondary")
        texts = QVBoxLayout()
        texts.setSpacing(0)
        texts.addStretch(1)
        texts.addWidget(title)
        texts.addWidget(words)
        texts.addStretch(1)
        open_button = QPushButton(tr("Open..."))
        open_button.setObjectName("card-open")
        open_button.setAccessibleName(tr("Open a model file"))
        open_button.setToolTip(tr("Choose a model file or project (Ctrl+O)"))
        open_button.clicked.connect(self.open_wanted)
        demo_button = QPushButton(tr("Demo"))
        demo_button.setObjectName("card-demo")
        demo_button.setAccessibleName(tr("Open the demo model"))
        demo_button.setToolTip(tr("Open the demo model that comes with the program"))
        demo_button.clicked.connect(self.demo_wanted)
        empty = QWidget()
        row = QHBoxLayout(empty)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addLayout(texts, 1)
        row.addWidget(open_button)
        row.addWidget(demo_button)
        return empty

    def _with_model(self) -> QWidget:
        self._name = ElidedLabel(role="subtitle")
        self._name.setObjectName("card-name")
        self._family = ElidedLabel(role="secondary")
        self._family.setObjectName("card-family")
        self._inputs, self._outputs = ElidedLabel(), ElidedLabel()
        self._inputs.setObjectName("card-inputs")
        self._outputs.setObjectName("card-outputs")
        self._size, self._parameters, self._macs = QLabel(), QLabel(), QLabel()
        for label, name in ((self._size, "size"), (self._parameters, "parameters"), (self._macs, "macs")):
            label.setObjectName(f"card-{name}")
            label.setTextFormat(Qt.TextFormat.PlainText)
        self._hash = QPushButton()
        self._hash.setObjectName("card-hash")
        self._hash.setProperty("role", "link")
        self._hash.setIcon(icon("copy"))
        self._hash.setAccessibleName(tr("Copy the source's SHA-256"))
        self._hash.setToolTip(tr("The beginning of the source file's SHA-256. Press to copy all of it."))
        self._hash.clicked.connect(self._copy_hash)
        badge = QLabel()
        badge.setPixmap(picture("model", 28, colours().accent, self.devicePixelRatioF()))
        known = QWidget()
        row = QHBoxLayout(known)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(16)
        row.addWidget(badge)
        row.addLayout(_lines(self._name, self._family), 4)
        row.addLayout(_lines(self._inputs, self._outputs), 5)
        row.addLayout(_lines(_caption(tr("Size")), self._size))
        row.addLayout(_lines(_caption(tr("Parameters")), self._parameters))
        row.addLayout(_lines(_caption(tr("MACs")), self._macs))
        row.addLayout(_lines(_caption(tr("SHA-256")), self._hash))
        return known

    def _copy_hash(self) -> None:
        QGuiApplication.clipboard().setText(self._sha256)
        QToolTip.showText(self._hash.mapToGlobal(self._hash.rect().bottomLeft()), tr("Copied"), self._hash)


def tensors_text(tensors: Sequence[Mapping[str, Any]]) -> str:
    """Return inputs or outputs in short: "target 1×3×128×128, source 1×512"."""
    return ", ".join(f"{tensor['name']} {shape_text(tensor['shape'])}" for tensor in tensors)


def _caption(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "caption")
    return label


def _lines(*widgets: QWidget) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(0)
    column.addStretch(1)
    for widget in widgets:
        column.addWidget(widget)
    column.addStretch(1)
    return column
