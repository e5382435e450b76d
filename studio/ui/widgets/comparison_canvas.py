"""Two pictures of one frame in one widget: split, beside each other, in turn, their difference, a heat map over it.

The canvas knows pictures only. Where they come from, a folder, a worker or a camera, is its owner's affair: `set_pair`
takes both at once, as one value, so that two panes never show two frames. What a new pair costs is little enough for
moving pictures: nothing is described, coloured or measured anew that is as it was.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt, QTimer, Signal
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
from studio.ui.widgets.comparison_lens import Lens
from studio.ui.widgets.comparison_look import FIT, Look, bounded, panned, placed, scale_of, zoomed
from studio.ui.widgets.comparison_maps import Map
from studio.ui.widgets.comparison_modes import Mode, Pane, panes, title_of
from studio.ui.widgets.comparison_painting import small_font
from studio.ui.widgets.comparison_pair import FramePair, drawable
from studio.ui.widgets.comparison_scene import Scene, View

FLICKER_MILLISECONDS = 500


SETTLED_MILLISECONDS = 80
"""After which another size is wanted: while a window's edge is dragged, each size is soon another one."""


class ComparisonCanvas(QWidget):
    """Two pictures of one frame in one widget.

    Attributes:
        mode_changed: the mode, after a key or `set_mode`.
        zoom_changed: device pixels for one of the picture.
        wanted_size_changed: `wanted_size` is another one.
        magnifier_changed: whether there is a magnifier, after a key or `set_magnifier`.
    """

    mode_changed = Signal(str)
    zoom_changed = Signal(float)
    wanted_size_changed = Signal()
    magnifier_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("comparison-view")
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # else what lies below is painted for nothing
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 120)
        self._scene = Scene(empty=tr("No picture yet."))
        self._names = ("", "")
        self._mode = Mode.SPLIT
        self._look = FIT
        self._divider = 0.5
        self._wanted = (0, 0)
        self._is_second_turn = False
        self._timer = QTimer(self)
        self._timer.setInterval(FLICKER_MILLISECONDS)
        self._timer.timeout.connect(self._take_turns)
        self._settling = QTimer(self)
        self._settling.setSingleShot(True)
        self._settling.setInterval(SETTLED_MILLISECONDS)
        self._settling.timeout.connect(self._tell_wanted)
        self._describe()

    # what is shown

    @property
    def mode(self) -> Mode:
        """How the pair is looked at."""
        return self._mode

    @property
    def frame_id(self) -> int:
        """Of the frame in both panes, -1 for none."""
        return self._scene.pair.frame

    @property
    def pictures(self) -> tuple[QImage, QImage]:
        """The original's and the candidate's in view; null where there is none."""
        return self._scene.pair.original, self._scene.pair.candidate

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

    @property
    def heat(self) -> Map | None:
        """What lies over the candidate."""
        return self._scene.heat

    @property
    def note(self) -> str:
        """What is said in the lower left corner."""
        return self._scene.note

    @property
    def has_magnifier(self) -> bool:
        """Whether a lens lies over the picture."""
        return self._scene.lens.is_on

    @property
    def is_stale(self) -> bool:
        """Whether what is in view is marked as old."""
        return self._scene.is_stale

    def wanted_size(self) -> tuple[int, int]:
        """Return how many pixels a picture needs now: the pane's, or (0, 0) for all the frame has."""
        if not self._look.is_fit or self._scene.lens.is_on:
            return (0, 0)
        pane, ratio = self._pane().rectangle.size(), self.devicePixelRatioF()
        return max(1, round(pane.width() * ratio)), max(1, round(pane.height() * ratio))

    def set_pair(
        self, original: QImage, candidate: QImage, frame_id: int = 0, full_size: tuple[int, int] | None = None
    ) -> None:
        """Show two pictures of one frame; both change at once. Zoom and pan stay.

        Args:
            original, candidate: any format; the candidate is drawn at the original's size where its own is another.
            frame_id: of the frame that both show.
            full_size: width and height of the frame where the pictures were made small for the pane (`wanted_size`):
                the zoom counts the frame's pixels. None where the pictures are as large as the frame.
        """
        before = self._scene.pair
        self._scene.pair = pair = FramePair(drawable(original), drawable(candidate), frame_id, full_size)
        if pair.size != before.size:
            self._look = bounded(self._look, self._size(), self._pane().rectangle.size())
            self.zoom_changed.emit(self.zoom)
            self._tell_wanted()
        if (pair.original.size(), pair.candidate.size()) != (before.original.size(), before.candidate.size()):
            self._describe()
        self.update()

    def set_stale(self, is_stale: bool, sentence: str = "") -> None:
        """Mark the picture as an old one, or as a new one again.

        Args:
            is_stale: without colours and darker.
            sentence: why, in words for people; plain text.
        """
        reason = sentence if is_stale else ""
        if (is_stale, reason) != (self._scene.is_stale, self._scene.reason):
            self._scene.is_stale, self._scene.reason = is_stale, reason
            self._describe()

    def set_note(self, note: str) -> None:
        """Say something about the pictures in their lower left corner for as long as it holds; "" for nothing."""
        if note != self._scene.note:
            self._scene.note = note
            self._describe()

    def clear(self, sentence: str = "") -> None:
        """Show no picture but a sentence; "" for the usual one."""
        self._scene.pair = FramePair()
        self._scene.heat = self._scene.difference = None
        self._scene.is_stale, self._scene.reason = False, ""
        self._look = FIT
        if sentence:
            self._scene.empty = sentence
        self._tell_wanted()
        self._describe()

    def set_names(self, original: str, candidate: str) -> None:
        """Say what the two are called, in the corners."""
        self._names = (original, candidate)
        self._describe()
        self.update()

    def set_accents(self, original: str, candidate: str) -> None:
        """Set the colours that mark the two, as #rrggbb."""
        self._scene.accents = (QColor(original), QColor(candidate))
        self.update()

    def set_heat(
        self,
        image: QImage | None,
        highest: float = 1.0,
        title: str = "",
        box: tuple[int, int, int, int] | None = None,
    ) -> None:
        """Lay a map of differences over the candidate.

        Args:
            image: 8-bit grey, 0 for no difference, 255 for `highest`; None for no map.
            highest: the value of the lightest colour.
            title: what the map shows: "LPIPS".
            box: left, top, width and height of the part that is not 0; None where nobody knows.
        """
        self._scene.heat = None if image is None or image.isNull() else Map(image, highest, title, box)
        self.update()

    def set_difference(self, image: QImage | None, highest: float = 1.0, title: str = "") -> None:
        """Set what the difference mode shows; without it the pixels' differences are shown as they are.

        Args:
            image, highest, title: as for `set_heat`.
        """
        self._scene.difference = None if image is None or image.isNull() else Map(image, highest, title)
        self.update()

    def set_opacity(self, opacity: float) -> None:
        """Set how much of the candidate the strongest places of the map hide, 0..1."""
        self._scene.opacity = min(max(opacity, 0.0), 1.0)
        self.update()

    def set_threshold(self, threshold: float) -> None:
        """Hide differences below this part of the scale, 0..1."""
        self._scene.threshold = min(max(threshold, 0.0), 1.0)
        self.update()

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
        self._tell_wanted()

    def set_magnifier(self, is_on: bool) -> None:
        """Lay a lens over the picture: it shows the place below it in both, four times as large."""
        if is_on is self._scene.lens.is_on:
            return
        place = (0.5, 0.5) if self._look.is_fit else (self._look.x, self._look.y)
        self._scene.lens = Lens(is_on).moved(*place)
        self.update()
        self.magnifier_changed.emit(is_on)
        self._tell_wanted()

    def move_magnifier(self, to: QPointF) -> None:
        """Move the lens to a point of the widget."""
        target = placed(self._look, self._size(), self._pane(to).rectangle)
        if not target.isEmpty():
            self._scene.lens = self._scene.lens.moved(
                (to.x() - target.x()) / target.width(), (to.y() - target.y()) / target.height()
            )
            self.update()

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
        view = View(self._mode, self._panes(), self._look, self._area(), self._divider_x(), self.hasFocus())
        self._scene.draw(painter, view)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keep what is in view within bounds."""
        super().resizeEvent(event)
        self._look = bounded(self._look, self._size(), self._pane().rectangle.size())
        self.zoom_changed.emit(self.zoom)
        self._settling.start()

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
        return self._scene.pair.size

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
        self._tell_wanted()

    def _tell_wanted(self) -> None:
        wanted = self.wanted_size()
        if wanted != self._wanted:
            self._wanted = wanted
            self.wanted_size_changed.emit()

    def _take_turns(self) -> None:
        self._is_second_turn = not self._is_second_turn
        self.update()

    def _run_timer(self) -> None:
        if self._mode is Mode.FLICKER and self.isVisible():
            self._timer.start()
        else:
            self._timer.stop()
            self._is_second_turn = False

    def _describe(self) -> None:
        """Say in words what is shown, for those who cannot see it; never for each frame, which would be heard."""
        one, other = self._scene.words = self._scene.labels(self._names)
        self.setAccessibleName(tr("Comparison: {original}; {candidate}", original=one, candidate=other))
        keys = tr("View: {mode}. M changes it, plus, minus and 0 zoom, arrows move.", mode=title_of(self._mode))
        self.setAccessibleDescription(" ".join(part for part in (self._scene.note, self._scene.reason, keys) if part))
        self.update()
