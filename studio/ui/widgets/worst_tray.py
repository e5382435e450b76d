"""The frames with the largest loss as small pictures: to look at again, and to calibrate with."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QItemSelectionModel, QSignalBlocker, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QIcon, QKeyEvent, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListView,
    QListWidget,
    QListWidgetItem,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from converters.preview.messages import WorstFrame
from studio.ui.icons import icon
from studio.ui.plain_tip import plain_tip
from studio.ui.texts import tr
from studio.ui.widgets.plain_label import plain_label

ICON = QSize(100, 50)
"""Of a thumbnail: both sides of a face beside each other."""
_FRAME = Qt.ItemDataRole.UserRole


class WorstTray(QWidget):
    """Frames, the worst first. Which of them are chosen stays when others come.

    Attributes:
        keep_wanted: the chosen frames, all where none is chosen, are to go to the calibration set.
        seek_wanted: this frame is to be shown.
        forget_wanted: the tray is to be emptied.
    """

    keep_wanted = Signal(list)
    seek_wanted = Signal(object)
    forget_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("worst-tray")
        self._frames: tuple[WorstFrame, ...] = ()
        self._pictures: dict[str, QIcon] = {}
        self._loading = QTimer(self)
        self._loading.setInterval(0)
        self._loading.timeout.connect(self._load_one)
        self._list = _Frames(self)
        self._list.itemSelectionChanged.connect(self._follow_choice)
        self._list.itemActivated.connect(lambda item: self.seek_wanted.emit(item.data(_FRAME)))
        self._empty = plain_label(
            tr("The frames that lose the most gather here while the preview runs."), role="secondary", parent=self
        )
        self._empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._keep = self._button("worst-keep", tr("Add to calibration"), "add")
        self._keep.clicked.connect(lambda: self.keep_wanted.emit(self.chosen or list(self._frames)))
        self._forget = self._button("worst-forget", tr("Empty"), "remove")
        self._forget.setToolTip(tr("Forget these frames and gather anew"))
        self._forget.clicked.connect(self.forget_wanted)
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        buttons.addWidget(self._keep)
        buttons.addStretch(1)
        buttons.addWidget(self._forget)
        self._stack = QStackedLayout()
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self._list)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(self._stack, 1)
        column.addLayout(buttons)
        self._follow_choice()

    @property
    def frames(self) -> tuple[WorstFrame, ...]:
        """What is shown, the worst first."""
        return self._frames

    @property
    def chosen(self) -> list[WorstFrame]:
        """Those that a person chose, the worst first."""
        return [frame for row, frame in enumerate(self._frames) if self._list.item(row).isSelected()]

    def set_frames(self, frames: Sequence[WorstFrame]) -> None:
        """Show other frames, the worst first; pictures follow one at a time, so that no frame of the video waits."""
        if tuple(frames) == self._frames:
            return
        kept = {frame.identity for frame in self.chosen}
        current = self._list.currentItem()
        held = None if current is None else current.data(_FRAME).identity
        self._frames = tuple(frames)
        self._pictures = {
            frame.thumbnail: self._pictures[frame.thumbnail] for frame in frames if frame.thumbnail in self._pictures
        }
        with QSignalBlocker(self._list):
            place = self._list.horizontalScrollBar().value(), self._list.verticalScrollBar().value()
            self._list.clear()
            for frame in frames:
                item = self._item(frame)
                self._list.addItem(item)
                item.setSelected(frame.identity in kept)
                if frame.identity == held:
                    self._list.setCurrentItem(item, QItemSelectionModel.SelectionFlag.NoUpdate)
            self._list.horizontalScrollBar().setValue(place[0])
            self._list.verticalScrollBar().setValue(place[1])
        self._stack.setCurrentWidget(self._list if frames else self._empty)
        self._follow_choice()
        self._loading.start()

    def set_gathers(self, gathers: bool) -> None:
        """Say while it is empty that frames gather, or that none can: of models that draw nothing."""
        self._empty.setText(
            tr("The frames that lose the most gather here while the preview runs.")
            if gathers
            else tr("Models that draw no picture have no loss to rank frames by.")
        )

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return room for one row of pictures and the buttons."""
        return QSize(ICON.width() + 40, self._list.minimumHeight() + self._keep.sizeHint().height() + 4)

    def _item(self, frame: WorstFrame) -> QListWidgetItem:
        item = QListWidgetItem(f"{frame.loss:.4f}")
        item.setData(_FRAME, frame)
        item.setIcon(self._pictures.get(frame.thumbnail) or QIcon(_no_picture()))
        where = frame.name or tr("{seconds} s", seconds=f"{frame.position:.2f}")
        words = tr("LPIPS {loss}, at {place}", loss=f"{frame.loss:.4f}", place=where)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, words)
        item.setToolTip(plain_tip(words + "\n" + tr("Double click or Enter shows the frame again")))
        return item

    def _load_one(self) -> None:
        """Read one thumbnail that the worker wrote; the loop has its turn before the next."""
        for row, frame in enumerate(self._frames):
            if frame.thumbnail and frame.thumbnail not in self._pictures:
                picture = QPixmap(frame.thumbnail)
                # one that is not there yields room, and is not tried again
                shown = QIcon(_no_picture() if picture.isNull() else _small(picture, self.devicePixelRatioF()))
                self._pictures[frame.thumbnail] = shown
                self._list.item(row).setIcon(shown)
                return
        self._loading.stop()

    def _follow_choice(self) -> None:
        chosen = len(self.chosen)
        self._keep.setEnabled(bool(self._frames))
        self._forget.setEnabled(bool(self._frames))
        words = (
            tr("Add the {count} chosen frames to the calibration set", count=chosen)
            if chosen
            else tr("Add all these frames to the calibration set")
        )
        self._keep.setToolTip(words)
        self._keep.setAccessibleDescription(words)

    def _button(self, name: str, text: str, picture: str) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(name)
        button.setText(text)
        button.setIcon(icon(picture))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setProperty("role", "chip")
        button.setAccessibleName(text)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        return button


class _Frames(QListWidget):
    """The pictures in rows; Enter shows one again."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("worst-frames")
        self.setAccessibleName(tr("Frames with the largest loss, the worst first"))
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setWordWrap(False)
        self.setIconSize(ICON)
        self.setSpacing(2)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumHeight(ICON.height() + self.fontMetrics().height() + 22)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Take Enter for a double click on every system."""
        item = self.currentItem()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and item is not None:
            self.itemActivated.emit(item)
        else:
            super().keyPressEvent(event)


def _small(picture: QPixmap, ratio: float) -> QPixmap:
    size = ICON * ratio
    ways = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    made = picture.scaled(size, *ways)
    made.setDevicePixelRatio(ratio)
    return made


def _no_picture() -> QPixmap:
    """Return the room that a picture will take, so that nothing moves when it comes."""
    room = QPixmap(ICON)
    room.fill(Qt.GlobalColor.transparent)
    return room
