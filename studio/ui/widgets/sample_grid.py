"""Calibration samples as small pictures in a grid; what is worth knowing of one is marked on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPixmap, QPixmapCache
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from studio.ui.plain_tip import plain_tip
from studio.ui.texts import tr
from studio.ui.theme import colours

Place = QModelIndex | QPersistentModelIndex
_SIDE = 64
_MARGIN = 4
_WORDS = 16
_SAMPLE = Qt.ItemDataRole.UserRole


def marks_of(sample: Mapping[str, Any]) -> list[str]:
    """Return what is worth knowing of a sample, in short sentences."""
    marks = []
    if sample.get("duplicate_of"):
        marks.append(tr("Nearly like {name}", name=sample["duplicate_of"]))
    if sample.get("widens"):
        marks.append(tr("Outlier: alone widens {count} ranges", count=sample["widens"]))
    if sample.get("misplaced"):
        marks.append(tr("The face lies elsewhere than the model expects it"))
    return marks


class _Samples(QAbstractListModel):
    """The samples as Qt asks for them."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.samples: list[Mapping[str, Any]] = []

    def rowCount(self, _parent: Place | None = None) -> int:  # noqa: N802
        return len(self.samples)

    def data(self, index: Place, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        sample = self.samples[index.row()]
        if role == _SAMPLE:
            return sample
        if role == Qt.ItemDataRole.DisplayRole:
            return sample["name"]
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            words = "\n".join([sample["name"], *marks_of(sample)])
            return plain_tip(words) if role == Qt.ItemDataRole.ToolTipRole else words
        return None

    def show(self, samples: Sequence[Mapping[str, Any]]) -> None:
        self.beginResetModel()
        self.samples = list(samples)
        self.endResetModel()


class _Painter(QStyledItemDelegate):
    """A picture, its name below, a corner in colour where something is worth knowing."""

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Place) -> QSize:  # noqa: N802
        return QSize(_SIDE + 2 * _MARGIN, _SIDE + _WORDS + 2 * _MARGIN)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Place) -> None:
        sample = index.data(_SAMPLE)
        scheme = colours()
        area: QRect = option.rect
        state = option.state
        painter.save()
        square = QRect(area.left() + (area.width() - _SIDE) // 2, area.top() + _MARGIN, _SIDE, _SIDE)
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, QColor(scheme.primary))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(area, QColor(scheme.raised))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        picture = _pixmap(sample.get("thumbnail", ""))
        if picture.isNull():
            painter.setPen(QColor(scheme.border))
            painter.drawRect(square.adjusted(0, 0, -1, -1))
        else:
            size = picture.size().scaled(square.size(), Qt.AspectRatioMode.KeepAspectRatio)
            target = QRect(square.topLeft(), size)
            target.moveCenter(square.center())
            painter.drawPixmap(target, picture)
        if marks_of(sample):
            corner = QRect(square.right() - 11, square.top(), 12, 12)
            painter.fillRect(corner, QColor(scheme.warning))
            painter.setPen(QColor(scheme.background))
            painter.drawText(corner, Qt.AlignmentFlag.AlignCenter, "!")
        font = painter.font()
        font.setPixelSize(11)
        painter.setFont(font)
        is_selected = bool(state & QStyle.StateFlag.State_Selected)
        painter.setPen(QColor(scheme.primary_text if is_selected else scheme.secondary))
        words = QRect(area.left() + 2, square.bottom() + 2, area.width() - 4, _WORDS)
        name = painter.fontMetrics().elidedText(sample["name"], Qt.TextElideMode.ElideMiddle, words.width())
        painter.drawText(words, Qt.AlignmentFlag.AlignCenter, name)
        painter.restore()


def _pixmap(path: str) -> QPixmap:
    """Return a thumbnail that a worker wrote; kept by Qt's own cache, whose size is bounded."""
    picture = QPixmap()
    if path and not QPixmapCache.find(path, picture):
        picture.load(path)
        QPixmapCache.insert(path, picture)
    return picture


class SampleGrid(QListView):
    """Samples in a grid; one of them is chosen, by a click or with the arrow keys.

    Signals:
        chosen(place): a person chose another sample.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("calibration-samples")
        self.setAccessibleName(tr("Calibration samples"))
        self.setAccessibleDescription(tr("The chosen sample is shown at the right."))
        self.setToolTip(tr("Click a sample to see what quantization makes of it"))
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setSpacing(2)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._samples = _Samples(self)
        self.setModel(self._samples)
        self.setItemDelegate(_Painter(self))
        self._is_showing = False
        self.selectionModel().currentChanged.connect(self._tell)

    @property
    def place(self) -> int:
        """Of the chosen sample, -1 for none."""
        return self.currentIndex().row()

    def set_samples(self, samples: Sequence[Mapping[str, Any]], place: int) -> None:
        """Show samples as the worker lists them, one of them chosen; nothing is told of that."""
        self._is_showing = True
        self._samples.show(samples)
        if samples:
            self.setCurrentIndex(self._samples.index(min(max(place, 0), len(samples) - 1)))
        self._is_showing = False

    def choose(self, place: int) -> None:
        """Choose a sample as a click does."""
        self.setCurrentIndex(self._samples.index(place))

    def _tell(self, current: Place, _previous: Place) -> None:
        if current.isValid() and not self._is_showing:
            self.chosen.emit(current.row())
