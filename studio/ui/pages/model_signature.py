"""What goes into a model and what comes out, and the sizes that its file leaves open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGroupBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from studio.document import Document
from studio.ui.amounts import shape_text
from studio.ui.texts import tr
from studio.ui.widgets.plain_table import PlainTable
from studio.ui.widgets.size_fields import Axes, SizeFields


class SignaturePanel(QWidget):
    """A table of tensors, and fields for open sizes where there are any.

    Attributes:
        sizes_wanted: the person wants these sizes, by input.
    """

    sizes_wanted = Signal(object)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        titles = (
            "",
            tr("Name"),
            tr("Shape"),
            tr("Type"),
            tr("Role"),
            tr("Layout"),
            tr("Colour"),
            tr("Range"),
            tr("Mean"),
            tr("Deviation"),
        )
        self._table = PlainTable(titles, parent=self)
        self._table.setObjectName("signature-table")
        self._table.setAccessibleName(tr("Inputs and outputs"))
        self._table.setMinimumHeight(140)
        words = QLabel(tr("A picture's value in the model = (pixel / 255 - mean) / deviation, in this colour order."))
        words.setProperty("role", "secondary")
        words.setWordWrap(True)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(12, 12, 12, 12)
        self._column.setSpacing(8)
        self._column.addWidget(self._table, 1)
        self._column.addWidget(words)
        self._sizes: QWidget | None = None

    def refresh(self) -> None:
        """Show the signature of the document's model."""
        inspection = self._document.inspection
        if inspection is None:
            return
        signature = inspection["signature"]
        rows = [_row(tr("in"), tensor) for tensor in signature["inputs"]]
        rows += [_row(tr("out"), tensor) for tensor in signature["outputs"]]
        self._table.set_rows(rows)
        if self._sizes is not None:
            self._column.removeWidget(self._sizes)
            self._sizes.deleteLater()
            self._sizes = None
        axes = open_axes(inspection, self._document.project.recipe.shapes)
        if axes:
            current = {tensor["name"]: tensor["shape"] for tensor in signature["inputs"]}
            self._sizes = self._make_sizes(axes, current)
            self._column.addWidget(self._sizes)

    def _make_sizes(self, axes: Mapping[str, Axes], current: Mapping[str, Sequence[int]]) -> QWidget:
        box = QGroupBox(tr("Sizes that the file leaves open"))
        box.setObjectName("open-axes")
        box.setAccessibleName(tr("Sizes that the file leaves open"))
        fields = SizeFields(axes, current)
        apply = QPushButton(tr("Apply"))
        apply.setObjectName("apply-sizes")
        apply.setAccessibleName(tr("Open the model again with these sizes"))
        apply.setToolTip(tr("Opens the model again with these sizes. Files made with other sizes stay as they are."))
        apply.setEnabled(False)

        def look() -> None:
            shapes = fields.shapes()
            now = {name: tuple(current.get(name, ())) for name in axes}
            apply.setEnabled(shapes is not None and shapes != now)

        fields.changed.connect(look)
        apply.clicked.connect(lambda _checked=False: self.sizes_wanted.emit(fields.shapes()))
        row = QHBoxLayout()
        row.addWidget(fields, 1)
        row.addWidget(apply)
        column = QVBoxLayout(box)
        words = QLabel(tr("Phones need them fixed. Larger pictures cost more; the usual size is suggested."))
        words.setProperty("role", "secondary")
        words.setWordWrap(True)
        column.addWidget(words)
        column.addLayout(row)
        return box


def open_axes(inspection: Mapping[str, Any], chosen: Mapping[str, Sequence[int]]) -> dict[str, Axes]:
    """Return what can be chosen, by input: what the file leaves open, and what was chosen although it says nothing.

    Args:
        inspection: plain data.
        chosen: sizes that the person chose before, by input.
    """
    axes: dict[str, Axes] = dict(inspection["open_axes"])
    return {**dict.fromkeys(name for name in chosen if name not in axes), **axes}


def _row(direction: str, tensor: Mapping[str, Any]) -> list[str]:
    limits = tensor["value_range"]
    return [
        direction,
        tensor["name"],
        shape_text(tensor["shape"]),
        tensor["dtype"],
        _role(tensor["role"]),
        tensor["layout"],
        tensor["colour"] or "",
        "" if limits is None else f"{limits[0]:.4g} … {limits[1]:.4g}",
        _channels(tensor["mean"]),
        _channels(tensor["std"]),
    ]


def _channels(values: Sequence[float]) -> str:
    """Return one number where all channels have the same."""
    different = dict.fromkeys(f"{value:.4g}" for value in values)
    return next(iter(different)) if len(different) == 1 else ", ".join(f"{value:.4g}" for value in values)


def _role(role: str) -> str:
    roles = {
        "image": tr("image"),
        "embedding": tr("embedding"),
        "mask": tr("mask"),
        "scores": tr("scores"),
        "boxes": tr("boxes"),
        "landmarks": tr("landmarks"),
        "classes": tr("classes"),
        "features": tr("features"),
        "parameter": tr("parameter"),
        "tensor": tr("tensor"),
    }
    return roles.get(role, role)
