"""Two pictures of one frame in one widget: split, beside each other, in turn, their difference, a heat map over it.

The canvas knows pictures only. Where they come from, a folder, a worker or a camera, is its owner's affair: `set_pair`
takes both at once, so that two panes never show two frames.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QHideEvent,
    QImage,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.ui.texts import tr
from studio.ui.widgets.comparison_look import FIT, Look, bounded, panned, placed, scale_of, zoomed
from studio.ui.widgets.comparison_modes import Mode, Pane, Side, panes, title_of
from studio.ui.widgets.comparison_painting import (
    draw_colour_bar,
    draw_divider,
    draw_label,
    draw_picture,
    draw_words,
    small_font,
)
from studio.ui.widgets.heat_colours import colour_table, opaque_table

FLICKER_MILLISECONDS = 500
OPACITY = 0.8


@dataclass(frozen=True)
class Map:
    """Differences as 8-bit grey: 0 is none, 255 `highest`."""

    grey: QImage
    highest: float
    title: str


class ComparisonCanvas(QWidget):
    """Two pictures of one frame in one widget.

    Attributes:
        mode_changed: the mode, after a key or `set_mode`.
        zoom_changed: device pixels for one of the picture.
    """

    mode_changed = Signal(str)
    zoom_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("comparison-view")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 120)
        self._original = QImage()
        self._candidate = QImage()
        self._frame = -1
        self._names = ("", "")
        self._accents = (QColor("#5CB8FF"), QColor("#FFA657"))
        self._empty = tr("No picture yet.")
        self._mode = Mode.SPLIT
        self._look = FIT
        self._divider = 0.5
        self._heat: Map | None = None
        self._difference: Map | None = None
        self._opacity, self._threshold = OPACITY, 0.0
        self._heat_painted = QImage()
        self._difference_painted = QImage()
        self._is_second_turn = False
        self._timer = QTimer(self)
        self._timer.setInterval(FLICKER_MILLISECONDS)
        self._timer.timeout.connect(self._take_turns)
        self._describe()

    # what is shown

    @property
    def mode(self) -> Mode:
        """How the pair is looked at."""
        return self._mode

    @property
    def frame_id(self) -> int:
        """Of the frame in both panes, -1 for none."""
        return self._frame

    @property
    def zoom(self) -> float:
        """Device pixels for one of the picture."""
        return scale_of(self._look, self._size(), self._pane().rectangle.size()) * self.devicePixelRatioF()

    @property
    def look(self) -> Look:
        """Which part of the picture is in view."""
        return self._look

    @property
    def divider(self) -> float:
        """Where the divider is, 0..1 of the picture in view."""
        return self._divider

    def set_pair(self, original: QImage, candidate: QImage, frame_id: int = 0) -> None:
        """Show two pictures of one frame; both change at once. Zoom and pan stay.

        Args:
            original, candidate: any format; the candidate is drawn at the original's size where its own is another.
            frame_id: of the frame that both show.
        """
        self._original, self._candidate = _drawable(original), _drawable(candidate)
        self._frame = frame_id
        self._look = bounded(self._look, self._size(), self._pane().rectangle.size())
        self._describe()
        self.update()

    def clear(self, sentence: str = "") -> None:
        """Show no picture but a sentence; "" for the usual one."""
        self._original, self._candidate, self._frame = QImage(), QImage(), -1
        self._heat = self._difference = None
        self._look = FIT
        if sentence:
            self._empty = sentence
        self._paint_maps()
        self._describe()

    def set_names(self, original: str, candidate: str) -> None:
        """Say what the two are called, in the corners."""
        self._names = (original, candidate)
        self._describe()
        self.update()

    def set_accents(self, original: str, candidate: str) -> None:
        """Set the colours that mark the two, as #rrggbb."""
        self._accents = (QColor(original), QColor(candidate))
        self.update()

    def set_heat(self, image: QImage | None, highest: float = 1.0, title: str = "") -> None:
        """Lay a map of differences over the candidate.

        Args:
            image: 8-bit grey, 0 for no difference, 255 for `highest`; None for no map.
            highest: the value of the lightest colour.
            title: what the map shows: "LPIPS".
        """
        self._heat = None if image is None or image.isNull() else Map(_grey(image), highest, title)
        self._paint_maps()

    def set_difference(self, image: QImage | None, highest: float = 1.0, title: str = "") -> None:
        """Set what the difference mode shows; without it the pixels' differences are shown as they are.

        Args:
            image, highest, title: as for `set_heat`.
        """
        self._difference = None if image is None or image.isNull() else Map(_grey(image), highest, title)
        self._paint_maps()

    def set_opacity(self, opacity: float) -> None:
        """Set how much of the candidate the strongest places of the map hide, 0..1."""
        self._opacity = min(max(opacity, 0.0), 1.0)
        self._paint_maps()

    def set_threshold(self, threshold: float) -> None:
        """Hide differences below this part of the scale, 0..1."""
        self._threshold = min(max(threshold, 0.0), 1.0)
        self._paint_maps()

    def set_mode(self, mode: Mode) -> None:
        """Look at the pair in another way."""
        if mode is self._mode:
            return
        self._mode = mode
        self._look = bounded(self._look, self._size(), self._pane().rectangle.size())
        self._run_timer()
        self._describe()
        self.update()
        self.mode_changed.emit(mode.value)
        self.zoom_changed.emit(self.zoom)

    def set_divider(self, share: float) -> None:
        """Move the divider to a part of the picture in view, 0..1."""
        self._divider = min(max(share, 0.0), 1.0)
        self.update()

    def zoom_by(self, factor: float, around: QPointF | None = None) -> None:
        """Look nearer or farther around a point of the widget; None for the middle."""
        pane = self._pane(around)
        self._set_look(zoomed(self._look, factor, around or pane.rectangle.center(), self._size(), pane.rectangle))

    def zoom_to(self, scale: float) -> None:
        """Show one pixel of the picture as this many device pixels."""
        self.zoom_by(scale / self.zoom)

    def fit(self) -> None:
        """Show the whole picture."""
        self._set_look(FIT)

    def pan_by(self, by: QPointF) -> None:
        """Move the picture by some of the window's pixels."""
        self._set_look(panned(self._look, by, self._size(), self._pane().rectangle.size()))

    # Qt's side

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return a small size: the view takes whatever room there is, and asks for little."""
        return QSize(320, 240)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Draw the panes, then what lies over them."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(small_font(self.font()))
        area = QRectF(self.rect())
        painter.fillRect(area, QColor(24, 26, 30))
        if self._original.isNull():
            draw_words(painter, self._empty, area, QColor(200, 200, 200))
            return
        for pane in self._panes():
            target = placed(self._look, self._size(), pane.rectangle)
            self._draw_pane(painter, pane, target)
        if self._mode is Mode.SPLIT:
            is_focused = self.hasFocus()
            draw_divider(painter, self._divider_x(), self._visible(), is_focused=is_focused, accent=self._accents[1])
        for pane in self._panes():
            self._draw_labels(painter, pane)
        shown = self._shown_map()
        if shown is not None:
            draw_colour_bar(painter, shown.title, f"{shown.highest:.2g}", self._panes()[-1].rectangle)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keep what is in view within bounds."""
        super().resizeEvent(event)
        self._look = bounded(self._look, self._size(), self._pane().rectangle.size())
        self.zoom_changed.emit(self.zoom)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Flicker again, where that was the mode."""
        super().showEvent(event)
        self._run_timer()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """Stop flickering: nobody looks."""
        super().hideEvent(event)
        self._timer.stop()

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Mark the grip."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Mark the grip no more."""
        super().focusOutEvent(event)
        self.update()

    # inside

    def _size(self) -> QSizeF:
        return QSizeF(self._original.size())

    def _area(self) -> QRectF:
        return QRectF(self.rect())

    def _panes(self) -> tuple[Pane, ...]:
        return panes(self._mode, self._area(), self._divider_x(), is_second_turn=self._is_second_turn)

    def _pane(self, point: QPointF | None = None) -> Pane:
        """Return the pane at a point; the first where there is none."""
        every = panes(self._mode, self._area(), self._area().center().x())
        return next((pane for pane in every if point is not None and pane.rectangle.contains(point)), every[0])

    def _visible(self) -> QRectF:
        """Return the part of the widget that the split picture covers."""
        return placed(self._look, self._size(), self._area()).intersected(self._area())

    def _divider_x(self) -> float:
        visible = self._visible()
        return visible.left() + self._divider * visible.width()

    def _set_look(self, look: Look) -> None:
        if look == self._look:
            return
        self._look = look
        self.update()
        self.zoom_changed.emit(self.zoom)

    def _take_turns(self) -> None:
        self._is_second_turn = not self._is_second_turn
        self.update()

    def _run_timer(self) -> None:
        if self._mode is Mode.FLICKER and self.isVisible():
            self._timer.start()
        else:
            self._timer.stop()
            self._is_second_turn = False

    def _shown_map(self) -> Map | None:
        if self._mode is Mode.DIFFERENCE:
            return self._difference
        shows_candidate = any(pane.side is Side.CANDIDATE for pane in self._panes())
        return self._heat if shows_candidate else None

    def _draw_pane(self, painter: QPainter, pane: Pane, target: QRectF) -> None:
        if pane.side is Side.ORIGINAL:
            draw_picture(painter, self._original, target, pane.clip)
        elif pane.side is Side.CANDIDATE:
            draw_picture(painter, self._candidate, target, pane.clip)
            if self._heat is not None:
                draw_picture(painter, self._heat_painted, target, pane.clip)
        elif self._difference is not None:
            draw_picture(painter, self._difference_painted, target, pane.clip)
        else:
            draw_picture(painter, self._original, target, pane.clip)
            painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Difference)
            draw_picture(painter, self._candidate, target, pane.clip)
            painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)

    def _draw_labels(self, painter: QPainter, pane: Pane) -> None:
        original, candidate = self._labels()
        if pane.side is Side.ORIGINAL:
            draw_label(painter, original, self._accents[0], pane.clip, is_right=False)
        elif pane.side is Side.CANDIDATE:
            draw_label(painter, candidate, self._accents[1], pane.clip, is_right=True)
        else:
            draw_label(painter, title_of(Mode.DIFFERENCE), self._accents[1], pane.clip, is_right=False)

    def _labels(self) -> tuple[str, str]:
        original, candidate = self._names
        if original and original == candidate:  # one picture, of no model
            return original, candidate
        one = tr("Original · {name}", name=original) if original else tr("Original")
        other = tr("Candidate · {name}", name=candidate) if candidate else tr("Candidate")
        if self._original.size() != self._candidate.size():
            width, height = self._candidate.width(), self._candidate.height()
            other = tr("{label} ({width} × {height}, scaled)", label=other, width=width, height=height)
        return one, other

    def _paint_maps(self) -> None:
        """Colour the maps once, not at every painting."""
        self._heat_painted = (
            _coloured(self._heat.grey, colour_table(self._opacity, self._threshold)) if self._heat else QImage()
        )
        self._difference_painted = _coloured(self._difference.grey, opaque_table()) if self._difference else QImage()
        self.update()

    def _describe(self) -> None:
        """Say in words what is shown, for those who cannot see it."""
        one, other = self._labels()
        self.setAccessibleName(tr("Comparison: {original}; {candidate}", original=one, candidate=other))
        self.setAccessibleDescription(
            tr("View: {mode}. M changes it, plus, minus and 0 zoom, arrows move.", mode=title_of(self._mode))
        )
        self.update()


def _drawable(image: QImage) -> QImage:
    """Return a picture in the format that is drawn fastest."""
    if image.isNull() or image.format() is QImage.Format.Format_RGB32:
        return image
    return image.convertToFormat(QImage.Format.Format_RGB32)


def _grey(image: QImage) -> QImage:
    if image.format() is QImage.Format.Format_Grayscale8:
        return image
    return image.convertToFormat(QImage.Format.Format_Grayscale8)


def _coloured(grey: QImage, table: list[int]) -> QImage:
    """Return a map in colours: each grey level becomes one of 256."""
    levels = QImage(grey)
    levels.reinterpretAsFormat(QImage.Format.Format_Indexed8)
    levels.setColorTable(table)
    return levels.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
