"""A pair of pictures in the hands of a person: wheel, drag and keys move the divider, the zoom and the picture."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QNativeGestureEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from studio.ui.widgets.comparison_canvas import ComparisonCanvas
from studio.ui.widgets.comparison_look import placed
from studio.ui.widgets.comparison_modes import Mode

_NEAR = 10.0
_STEP, _LONG_STEP = 0.02, 0.1
_PAN = 40.0
_ZOOM = 1.25
_WHEEL_NOTCH = 120.0


class ComparisonView(ComparisonCanvas):
    """A canvas that follows pointer and keys.

    The wheel zooms around the pointer, a drag moves the divider or the picture, a double click shows all of it.
    Keys: + - 0 zoom, arrows move the divider or the picture (with shift: farther, or the picture), M changes the mode,
    G takes the magnifier, which arrows move then.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self._dragged: Callable[[QPointF], object] | None = None
        self._last = QPointF()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Look nearer or farther around the pointer."""
        turned = event.angleDelta().y() / _WHEEL_NOTCH
        if turned and not self._scene.pair.is_empty:
            self.zoom_by(_ZOOM**turned, event.position())
        event.accept()

    def event(self, event: QEvent) -> bool:
        """Take the pinch of a touch pad as zoom."""
        if isinstance(event, QNativeGestureEvent) and event.gestureType() is Qt.NativeGestureType.ZoomNativeGesture:
            self.zoom_by(1.0 + event.value(), event.position())
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Take hold of the divider, or of the picture."""
        if event.button() is not Qt.MouseButton.LeftButton or self._scene.pair.is_empty:
            super().mousePressEvent(event)
            return
        self._last = event.position()
        # a picture that fits cannot be moved, so that the divider follows from anywhere
        is_divider = self._mode is Mode.SPLIT and (self._look.is_fit or self._is_near(event.position()))
        self._dragged = self._drag_divider if is_divider else self._drag_picture
        if is_divider:
            self._drag_divider(event.position())
        else:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Drag what was taken hold of; otherwise show what would be."""
        if self._scene.lens.is_on:
            self.move_magnifier(event.position())
        if self._dragged is not None:
            self._dragged(event.position())
        elif self._mode is Mode.SPLIT and self._is_near(event.position()):
            self.setCursor(Qt.CursorShape.SplitHCursor)
        else:
            self.setCursor(Qt.CursorShape.ArrowCursor if self._look.is_fit else Qt.CursorShape.OpenHandCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Let go."""
        self._dragged = None
        self.mouseMoveEvent(event)

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:  # noqa: N802
        """Show the whole picture."""
        self.fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Zoom with + - 0, move with the arrows, change the mode with M, take the magnifier with G."""
        key, is_long = event.key(), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        step = {
            Qt.Key.Key_Left: QPointF(1, 0),
            Qt.Key.Key_Right: QPointF(-1, 0),
            Qt.Key.Key_Up: QPointF(0, 1),
            Qt.Key.Key_Down: QPointF(0, -1),
        }.get(Qt.Key(key))
        if event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
            super().keyPressEvent(event)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_by(_ZOOM)
        elif key == Qt.Key.Key_Minus:
            self.zoom_by(1 / _ZOOM)
        elif key == Qt.Key.Key_0:
            self.fit()
        elif key == Qt.Key.Key_M:
            every = list(Mode)
            self.set_mode(every[(every.index(self._mode) + 1) % len(every)])
        elif key == Qt.Key.Key_G:
            self.set_magnifier(not self._scene.lens.is_on)
        elif step is not None and self._scene.lens.is_on:
            self._push_magnifier(step * -(_LONG_STEP if is_long else _STEP))
        elif step is not None and self._mode is Mode.SPLIT and step.x() and not (is_long and not self._look.is_fit):
            self.set_divider(self._divider - step.x() * (_LONG_STEP if is_long else _STEP))
        elif step is not None:
            self.pan_by(step * _PAN)
        else:
            super().keyPressEvent(event)

    def _push_magnifier(self, by: QPointF) -> None:
        """Move the lens by parts of what is in view."""
        target = placed(self._look, self._size(), self._pane().rectangle)
        if not target.isEmpty():
            pane = self._pane().rectangle
            across, down = min(pane.width() / target.width(), 1.0), min(pane.height() / target.height(), 1.0)
            lens = self._scene.lens
            self._scene.lens = lens.moved(lens.x + by.x() * across, lens.y + by.y() * down)
            self.update()

    def _is_near(self, point: QPointF) -> bool:
        return abs(point.x() - self._divider_x()) <= _NEAR

    def _drag_divider(self, point: QPointF) -> None:
        visible = self._visible()
        if visible.width() > 0:
            self.set_divider((point.x() - visible.left()) / visible.width())

    def _drag_picture(self, point: QPointF) -> None:
        self.pan_by(point - self._last)
        self._last = point
