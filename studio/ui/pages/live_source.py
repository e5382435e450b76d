"""Where the frames of the live comparison come from: the built-in clip, a camera, a video, a folder of pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from converters.preview.request import SourceChoice, SourceKind
from studio.ui.icons import icon
from studio.ui.pages.live_fields import Item, LiveField
from studio.ui.texts import tr

if TYPE_CHECKING:
    from studio.preview.previewing import Previewing

_VIDEO, _FOLDER = "ask-video", "ask-folder"
_SIZES = ((0, 0), (640, 480), (1280, 720), (1920, 1080))
_ICONS = {
    SourceKind.CLIP: "demo",
    SourceKind.CAMERA: "camera",
    SourceKind.VIDEO: "video",
    SourceKind.FOLDER: "folder",
    SourceKind.VIRTUAL: "camera",
}


class LiveSourceBar(QWidget):
    """Chooses the source; of a camera its size and whether it is mirrored, too. Keeps nothing of its own.

    Args:
        previewing: what it shows and changes.

    Attributes:
        video_wanted: a video is to be chosen.
        folder_wanted: a folder of pictures is to be chosen.
    """

    video_wanted = Signal()
    folder_wanted = Signal()

    def __init__(self, previewing: Previewing, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("live-source-bar")
        self._previewing = previewing
        tip = tr("Where the frames come from. Nothing of a camera is stored unless you record.")
        self._source = LiveField("live-source", tr("Source"), tip, 9, self)
        self._source.activated.connect(self._choose)
        tip = tr("Size of the camera's pictures; it gives the nearest that it can")
        self._size = LiveField("camera-size", tr("Size of the camera's pictures"), tip, 8, self)
        self._size.activated.connect(self._choose_size)
        self._mirror = QToolButton(self)
        self._mirror.setObjectName("camera-mirror")
        self._mirror.setIcon(icon("mirror", checkable=True))
        self._mirror.setIconSize(QSize(18, 18))
        self._mirror.setCheckable(True)
        self._mirror.setAccessibleName(tr("Mirror"))
        self._mirror.setToolTip(tr("Exchange left and right, as in a mirror"))
        self._mirror.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._mirror.clicked.connect(lambda is_on: self._change(replace(previewing.source, mirror=is_on)))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for widget in (self._source, self._size, self._mirror):
            row.addWidget(widget)
        self.refresh()

    def refresh(self) -> None:
        """Show the choice as it is, and what else there is to choose."""
        source = self._previewing.source
        items = self._items(source)
        self._source.show_items(items, next(row for row, item in enumerate(items) if _is_same(item.data, source)))
        for part in (self._size, self._mirror):
            part.setVisible(source.is_camera)
        sizes = [
            Item(f"{width} × {height}" if width else tr("Usual size"), (width, height)) for width, height in _SIZES
        ]
        chosen = (source.width, source.height)
        self._size.show_items(sizes, _SIZES.index(chosen) if chosen in _SIZES else 0)
        self._mirror.setChecked(source.mirror)

    def _items(self, source: SourceChoice) -> list[Item]:
        found = [Item(tr("Built-in clip"), SourceChoice(), icon=_ICONS[SourceKind.CLIP])]
        for camera in self._previewing.cameras:
            title = camera["title"] or tr("Camera {number}", number=camera["place"])
            choice = SourceChoice(SourceKind.CAMERA, camera["place"], mirror=True)
            found.append(Item(title, choice, title, _ICONS[choice.kind]))
        if not any(_is_same(item.data, source) for item in found):
            # a camera that was unplugged, a file of this computer
            plain = SourceChoice(source.kind, source.place)
            found.append(Item(_title(source), plain, source.place, _ICONS[source.kind]))
        found.append(Item(tr("Video…"), _VIDEO, tr("Choose a video file"), "video"))
        found.append(Item(tr("Folder of pictures…"), _FOLDER, tr("Choose a folder of pictures"), "folder"))
        return found

    def _choose(self, row: int) -> None:
        data = self._source.items[row].data
        if data == _VIDEO:
            self.refresh()
            self.video_wanted.emit()
        elif data == _FOLDER:
            self.refresh()
            self.folder_wanted.emit()
        elif isinstance(data, SourceChoice) and not _is_same(data, self._previewing.source):
            self._change(data)

    def _choose_size(self, row: int) -> None:
        width, height = _SIZES[row]
        self._change(replace(self._previewing.source, width=width, height=height))

    def _change(self, choice: SourceChoice) -> None:
        self._previewing.choose_source(choice)
        self.refresh()


def _is_same(data: object, source: SourceChoice) -> bool:
    """Say whether both are one source, however it is opened."""
    return isinstance(data, SourceChoice) and (data.kind, data.place) == (source.kind, source.place)


def _title(source: SourceChoice) -> str:
    if source.kind is SourceKind.CAMERA:
        return tr("Camera {number}", number=source.place or "0")
    if source.kind is SourceKind.VIRTUAL:
        return tr("Virtual camera")
    return Path(source.place).name or source.place
