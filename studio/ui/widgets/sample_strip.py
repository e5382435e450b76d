"""Pictures of a comparison as thumbnails, the worst first, each with its value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QListView, QListWidget, QListWidgetItem, QSizePolicy, QWidget

from studio.ui.plain_tip import plain_tip
from studio.ui.texts import tr

SIDE = 72


@dataclass(frozen=True)
class Thumbnail:
    """One sample.

    Attributes:
        place: of the sample.
        name: of the picture.
        value: of the measure that they are sorted by, in words; "" for none.
        picture: a small picture that a worker wrote; None for none.
    """

    place: int
    name: str
    value: str
    picture: Path | None


class SampleStrip(QListWidget):
    """Thumbnails in the order given.

    Attributes:
        chosen: the place of the sample that is to be shown.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("samples")
        self.setAccessibleName(tr("Pictures, the worst first"))
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setWordWrap(False)
        self.setIconSize(QSize(SIDE, SIDE))
        self.setSpacing(2)
        # takes whatever height there is, so that the page fits into small windows
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.setMinimumHeight(SIDE + 40)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.currentItemChanged.connect(self._tell)

    @property
    def place(self) -> int | None:
        """The sample that is chosen, None for none."""
        item = self.currentItem()
        return None if item is None else int(item.data(Qt.ItemDataRole.UserRole))

    @property
    def places(self) -> list[int]:
        """All samples in the order shown."""
        return [int(self.item(row).data(Qt.ItemDataRole.UserRole)) for row in range(self.count())]

    def set_thumbnails(self, thumbnails: Sequence[Thumbnail], chosen: int | None) -> None:
        """Show other thumbnails; nothing is emitted.

        Args:
            thumbnails: in the order to show them.
            chosen: the place to choose, None for the first.
        """
        with QSignalBlocker(self):
            self.clear()
            for thumbnail in thumbnails:
                self.addItem(self._item(thumbnail))
            row = self.places.index(chosen) if chosen in self.places else 0
            if self.count():
                self.setCurrentRow(row)
                self.scrollToItem(self.item(row))

    def _item(self, thumbnail: Thumbnail) -> QListWidgetItem:
        words = thumbnail.value or thumbnail.name
        item = QListWidgetItem(words)
        if thumbnail.picture is not None:
            item.setIcon(QIcon(QPixmap(str(thumbnail.picture))))
        item.setData(Qt.ItemDataRole.UserRole, thumbnail.place)
        described = f"{thumbnail.name}: {thumbnail.value}" if thumbnail.value else thumbnail.name
        item.setToolTip(plain_tip(described))
        item.setData(Qt.ItemDataRole.AccessibleTextRole, described)
        item.setSizeHint(QSize(SIDE + 10, SIDE + self.fontMetrics().height() + 10))
        return item

    def _tell(self) -> None:
        if self.place is not None:
            self.chosen.emit(self.place)
