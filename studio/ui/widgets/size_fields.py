"""Fields for the sizes of inputs that a model leaves open."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QLineEdit, QSpinBox, QWidget

from studio.ui.plain_tip import plain_tip
from studio.ui.texts import tr

Axes = Sequence[int | str] | None
"""What a file says of an input's axes: sizes, names of open ones ("?" without a name); None for nothing at all."""

_LARGEST = 8192
_USUAL_SIDE = 256
_SIZES = re.compile(r"\s*\d+\s*([,x×]\s*\d+\s*)*")


@dataclass
class _Row:
    """The fields of one input: a spin box for each open axis, or a line for all sizes at once."""

    boxes: dict[int, QSpinBox] = field(default_factory=dict)
    fixed: dict[int, int] = field(default_factory=dict)
    line: QLineEdit | None = None


class SizeFields(QWidget):
    """One row for each input; open axes of the same name change together, as they have to be equal.

    Args:
        axes: by input, what the file says.
        current: by input, what is suggested; where nothing is, 1 for the first axis and usual sides of a picture.

    Attributes:
        changed: a size was changed.
    """

    changed = Signal()

    def __init__(
        self, axes: Mapping[str, Axes], current: Mapping[str, Sequence[int]], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._rows: dict[str, _Row] = {}
        self._named: dict[str, list[QSpinBox]] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        for place, (tensor, sizes) in enumerate(axes.items()):
            title = QLabel(tensor)
            title.setTextFormat(Qt.TextFormat.PlainText)
            grid.addWidget(title, place, 0)
            row = QHBoxLayout()
            row.setSpacing(4)
            self._rows[tensor] = _Row()
            if sizes is None:
                self._add_line(row, tensor, current.get(tensor))
            else:
                self._add_boxes(row, tensor, sizes, current.get(tensor))
            row.addStretch(1)
            grid.addLayout(row, place, 1)
        grid.setColumnStretch(1, 1)

    def shapes(self) -> dict[str, tuple[int, ...]] | None:
        """Return the sizes by input; None while a line is not filled in."""
        found: dict[str, tuple[int, ...]] = {}
        for tensor, row in self._rows.items():
            if row.line is None:
                sizes = {**row.fixed, **{axis: box.value() for axis, box in row.boxes.items()}}
                found[tensor] = tuple(sizes[axis] for axis in sorted(sizes))
                continue
            if not _SIZES.fullmatch(row.line.text()):
                return None
            found[tensor] = tuple(int(size) for size in re.findall(r"\d+", row.line.text()))
        return found

    def _add_boxes(
        self, row: QHBoxLayout, tensor: str, sizes: Sequence[int | str], current: Sequence[int] | None
    ) -> None:
        suggested = current if current is not None and len(current) == len(sizes) else _usual(sizes)
        for axis, size in enumerate(sizes):
            if axis:
                row.addWidget(QLabel("×"))
            if isinstance(size, int):
                self._rows[tensor].fixed[axis] = size
                row.addWidget(QLabel(str(size)))
                continue
            box = QSpinBox()
            box.setRange(1, _LARGEST)
            box.setValue(suggested[axis])
            box.setObjectName(f"size-{tensor}-{axis}")
            name = size if size != "?" else tr("axis {number}", number=axis + 1)
            box.setAccessibleName(tr("Size of {axis} of the input {name}", axis=name, name=tensor))
            box.setToolTip(plain_tip(tr("{axis} of {name}: the file leaves this size open.", axis=name, name=tensor)))
            self._rows[tensor].boxes[axis] = box
            if size != "?":
                self._named.setdefault(size, []).append(box)
            box.valueChanged.connect(lambda value, name=size: self._follow(name, value))
            row.addWidget(box)

    def _add_line(self, row: QHBoxLayout, tensor: str, current: Sequence[int] | None) -> None:
        line = QLineEdit(",".join(map(str, current or ())))
        line.setObjectName(f"size-{tensor}")
        line.setPlaceholderText("1,3,256,256")
        line.setMinimumWidth(180)
        line.setAccessibleName(tr("Sizes of the input {name}", name=tensor))
        line.setToolTip(plain_tip(tr("All sizes of {name}, separated by commas, like 1,3,256,256.", name=tensor)))
        line.textChanged.connect(lambda _text: self.changed.emit())
        self._rows[tensor].line = line
        row.addWidget(line)

    def _follow(self, name: str, value: int) -> None:
        for box in self._named.get(name, []):
            if box.value() != value:
                box.blockSignals(True)
                box.setValue(value)
                box.blockSignals(False)
        self.changed.emit()


def _usual(sizes: Sequence[int | str]) -> list[int]:
    """Return a suggestion: a batch of one, and the sides of a picture where there are four axes."""
    return [
        size if isinstance(size, int) else _USUAL_SIDE if axis >= 2 and len(sizes) == 4 else 1
        for axis, size in enumerate(sizes)
    ]
