"""What lies beside or below the moving pictures: numbers, worst frames, the phone; all at once where there is room."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QSignalBlocker, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QScrollArea, QTabBar, QVBoxLayout, QWidget

from studio.ui.texts import tr

GAP = 12
_COLUMN, _COLUMN_SHARE = (264, 380), 0.27
_ROW, _ROW_SHARE = (148, 220), 0.28
_TALL_ROW, _TALL_ROW_SHARE = 240, 0.45
_WORTH = 1.15
"""How much larger the pictures must become before everything moves: a sentence of the page's banner is not enough."""
_WIDE = 360
"""Pixels from which numbers and charts stand beside each other."""
_READABLE, _ALL_READABLE = 250, 420
"""Heights in a column, of the few numbers and of all of them, with the charts."""
_NO_LIMIT = 16_777_215


@dataclass(frozen=True)
class Arrangement:
    """Where the numbers are.

    Attributes:
        is_below: below the pictures, else at their right.
        extent: their width at the right, their height below, pixels.
    """

    is_below: bool
    extent: int


def arrangement_for(
    room: QSize, picture: QSizeF, *, is_pair: bool, is_open: bool, was_below: bool | None = None
) -> Arrangement:
    """Return the arrangement in which the pictures are larger.

    Args:
        room: for pictures and numbers together.
        picture: size of a frame.
        is_pair: whether two of them are beside each other.
        is_open: whether all numbers are wanted, which takes a higher row.
        was_below: where they are now, which is left for much larger pictures only; None for nowhere yet.
    """
    column = min(max(round(room.width() * _COLUMN_SHARE), _COLUMN[0]), _COLUMN[1])
    row = min(max(round(room.height() * _ROW_SHARE), _ROW[0]), _ROW[1])
    if is_open:
        row = max(_TALL_ROW, round(room.height() * _TALL_ROW_SHARE))
    panes = 2 if is_pair else 1

    def scale(width: int, height: int) -> float:
        return min(width / panes / picture.width(), height / picture.height())

    beside = scale(room.width() - column - GAP, room.height())
    below = scale(room.width(), room.height() - row - GAP)
    worth = 1.0 if was_below is None else 1 / _WORTH if was_below else _WORTH
    return Arrangement(True, row) if below > beside * worth else Arrangement(False, column)


class LiveSide(QWidget):
    """Sections in a row or a column where all fit; otherwise one at a time, chosen by tabs.

    Nothing is moved to another parent for it: that would style everything anew while the video runs.

    Attributes:
        section_chosen: the place of the section that a person wants to see.
    """

    section_chosen = Signal(int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("live-side")
        self._sections: list[QWidget] = []
        self._titles: list[str] = []
        self._bar = QTabBar(self)
        self._bar.setObjectName("live-side-tabs")
        self._bar.setAccessibleName(tr("Numbers, worst frames, phone"))
        self._bar.setDrawBase(False)
        self._bar.setExpanding(False)
        self._bar.setUsesScrollButtons(False)
        self._bar.currentChanged.connect(lambda _place: self.measure())
        self._bar.tabBarClicked.connect(self.section_chosen)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(4)
        whole.addWidget(self._bar)
        self._line = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._line.setSpacing(GAP)
        whole.addLayout(self._line, 1)
        self._arrangement = Arrangement(is_below=False, extent=_COLUMN[0])
        self._is_open = False

    @property
    def arrangement(self) -> Arrangement:
        """Where it is."""
        return self._arrangement

    @property
    def shows_all(self) -> bool:
        """Whether all sections are in view."""
        return self._bar.isHidden()

    def add(self, section: QWidget, title: str, tip: str, stretch: int) -> None:
        """Add a section that was made with this widget as its parent."""
        self._sections.append(section)
        self._titles.append(title)
        with QSignalBlocker(self._bar):
            place = self._bar.addTab(title)
            self._bar.setTabToolTip(place, tip)
        self._line.addWidget(section, stretch)

    def set_title(self, section: QWidget, title: str) -> None:
        """Show another title of a section."""
        place = self._sections.index(section)
        if self._titles[place] != title:
            self._titles[place] = title
            self._bar.setTabText(place, title)

    def bring(self, place: int) -> None:
        """Bring a section into view, where only one of them is."""
        self._bar.setCurrentIndex(place)

    def arrange(self, arrangement: Arrangement, *, is_open: bool = False) -> None:
        """Lie in a row below the pictures, or in a column at their right.

        Args:
            arrangement: which of them.
            is_open: whether all numbers are wanted: a column has room for little beside them.
        """
        self._arrangement = arrangement
        self._is_open = is_open
        if arrangement.is_below:
            self._line.setDirection(QBoxLayout.Direction.LeftToRight)
            self.setMinimumSize(0, arrangement.extent)
            self.setMaximumSize(_NO_LIMIT, arrangement.extent)
        else:
            self._line.setDirection(QBoxLayout.Direction.TopToBottom)
            self.setMinimumSize(arrangement.extent, 0)
            self.setMaximumSize(arrangement.extent, _NO_LIMIT)
        self.measure()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return what it is given."""
        return QSize(self._arrangement.extent, self._arrangement.extent)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return no more than it is given: what does not fit is behind tabs, or scrolls."""
        return QSize(0, 0)

    def hasHeightForWidth(self) -> bool:  # noqa: N802 - Qt's name
        """Ask for no height because of rows inside: they scroll, and the page stays as high as its room."""
        return False

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Show as much as there is room for."""
        super().resizeEvent(event)
        self.measure()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Measure again: what was not styled yet did not know its size."""
        super().showEvent(event)
        self.measure()

    def measure(self) -> None:
        """Show as much as there is room for, now that a section may need more or less."""
        is_row = self._arrangement.is_below
        wanted = GAP * (len(self._sections) - 1)
        readable = _ALL_READABLE if self._is_open and not is_row else 0
        for section in self._sections:
            hint = section.minimumSizeHint().expandedTo(section.minimumSize())
            height = max(hint.height(), readable) if isinstance(section, LiveFigures) else hint.height()
            wanted += hint.width() if is_row else height
        shows_all = wanted <= (self.width() if is_row else self.height())
        self._bar.setVisible(not shows_all)
        for place, section in enumerate(self._sections):
            if isinstance(section, LiveFigures):
                section.setMinimumHeight(readable if shows_all else 0)
            section.setVisible(shows_all or place == self._bar.currentIndex())


def scrolled(content: QWidget, area: QScrollArea) -> None:
    """Put into an area what may be higher than the room, and only that.

    Args:
        content: made with the area's viewport as its parent.
        area: without a frame and without a place for the keyboard of its own.
    """
    area.setAccessibleName(content.accessibleName())
    area.setWidget(content)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setMinimumWidth(content.minimumSizeHint().width())


class LiveFigures(QWidget):
    """The numbers and their chart, below or beside each other as the room is shaped.

    Args:
        parent: as ever; numbers and chart are made with this widget as their parent, then added.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("live-figures")
        self._line = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._line.setContentsMargins(0, 0, 0, 0)
        self._line.setSpacing(8)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return what both parts need to be read: below one another in a narrow column."""
        least = super().minimumSizeHint()
        return least if self.width() >= _WIDE else QSize(least.width(), max(least.height(), _READABLE))

    def add(self, part: QWidget, stretch: int) -> None:
        """Add a part."""
        self._line.addWidget(part, stretch)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Follow the shape of the room."""
        super().resizeEvent(event)
        is_row = self.width() >= _WIDE and self.height() < self.width() * 0.7
        self._line.setDirection(QBoxLayout.Direction.LeftToRight if is_row else QBoxLayout.Direction.TopToBottom)
