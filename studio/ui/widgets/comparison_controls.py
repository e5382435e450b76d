"""The buttons of a comparison: how to look, how near, which map lies over the candidate."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QComboBox, QHBoxLayout, QLabel, QSlider, QToolButton, QVBoxLayout, QWidget

from studio.ui.icons import icon
from studio.ui.texts import tr
from studio.ui.widgets.comparison_modes import Mode, help_of, title_of
from studio.ui.widgets.comparison_scene import OPACITY
from studio.ui.widgets.comparison_view import ComparisonView

_ZOOM = 1.25
_LETTERS = 6
"""Of a map's title that there is always room for."""


class ComparisonControls(QWidget):
    """Two rows of controls that follow and lead one view.

    Args:
        view: what they control.

    Attributes:
        overlay_changed: which map is wanted, "" for none.
        strength_changed: opacity and threshold of the map, 0..1.
        row: the first row, which takes more buttons at its right.
    """

    overlay_changed = Signal(str)
    strength_changed = Signal(float, float)

    def __init__(self, view: ComparisonView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("comparison-controls")
        self._view = view
        self._has_maps = True
        self._modes = QButtonGroup(self)
        self._modes.setExclusive(True)
        self.row = first = QHBoxLayout()
        first.setSpacing(2)
        self._buttons: dict[Mode, QToolButton] = {}
        for mode in Mode:
            button = _button(f"mode-{mode.value}", title_of(mode), tr("{help} (M changes)", help=help_of(mode)))
            button.setCheckable(True)
            button.setChecked(mode is view.mode)
            button.clicked.connect(lambda _checked=False, mode=mode: view.set_mode(mode))
            self._modes.addButton(button)
            self._buttons[mode] = button
            first.addWidget(button)
        first.addStretch(1)
        self._zoom = QLabel()
        self._zoom.setObjectName("zoom")
        self._zoom.setProperty("role", "secondary")
        self._zoom.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._zoom.setMinimumWidth(self.fontMetrics().horizontalAdvance("0000 %"))
        farther = _button("zoom-out", "−", tr("Look from farther away (-)"))
        nearer = _button("zoom-in", "+", tr("Look nearer (+)"))
        fit = _button("zoom-fit", tr("Fit"), tr("Show the whole picture (0)"))
        exact = _button("zoom-exact", "1:1", tr("Show each pixel of the picture as one of the screen"))
        farther.clicked.connect(lambda: view.zoom_by(1 / _ZOOM))
        nearer.clicked.connect(lambda: view.zoom_by(_ZOOM))
        fit.clicked.connect(view.fit)
        exact.clicked.connect(lambda: view.zoom_to(1.0))
        magnifier = _button(
            "magnifier",
            tr("Magnifier"),
            tr("A lens under the pointer that shows both pictures four times as large (G)"),
        )
        magnifier.setIcon(icon("search", checkable=True))
        magnifier.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        magnifier.setCheckable(True)
        magnifier.setChecked(view.has_magnifier)
        magnifier.clicked.connect(view.set_magnifier)
        view.magnifier_changed.connect(magnifier.setChecked)
        second = QHBoxLayout()
        second.setSpacing(6)
        self._overlay = QComboBox(self)
        self._overlay.setObjectName("overlay")
        self._overlay.setAccessibleName(tr("Heat map"))
        self._overlay.setToolTip(tr("Which differences are laid over the candidate's picture"))
        # the list is as wide as its longest title anyway; the field gives way where the room is small
        self._overlay.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._overlay.setMinimumContentsLength(_LETTERS)
        self._overlay.currentIndexChanged.connect(self._tell_overlay)
        self._opacity = _slider("opacity", tr("Opacity"), tr("How much of the picture the heat map hides"), OPACITY)
        self._opacity.valueChanged.connect(self._tell_strength)
        self._threshold = _slider("threshold", tr("Threshold"), tr("Differences below it are not shown"), 0.0)
        self._threshold.valueChanged.connect(self._tell_strength)
        self._parts = [_caption(tr("Opacity"), self._opacity), _caption(tr("Threshold"), self._threshold)]
        second.addWidget(self._overlay)
        second.addWidget(self._parts[0])
        second.addWidget(self._opacity, 1)
        second.addWidget(self._parts[1])
        second.addWidget(self._threshold, 1)
        second.addStretch(1)
        near = QHBoxLayout()
        near.setSpacing(0)
        for widget in (magnifier, farther, self._zoom, nearer, fit, exact):
            near.addWidget(widget)
        second.addLayout(near)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(4)
        whole.addLayout(first)
        whole.addLayout(second)
        view.mode_changed.connect(self._follow_mode)
        view.zoom_changed.connect(self._follow_zoom)
        self._follow_zoom(view.zoom)
        self.set_overlays(())

    @property
    def overlay(self) -> str:
        """Which map is wanted, "" for none."""
        return str(self._overlay.currentData() or "")

    def set_overlays(self, available: Sequence[tuple[str, str]], chosen: str = "") -> None:
        """Offer maps; nothing is emitted.

        Args:
            available: for each its name and its title.
            chosen: the name of one of them, or "".
        """
        with QSignalBlocker(self._overlay):
            self._overlay.clear()
            self._overlay.addItem(tr("No heat map"), "")
            for name, title in available:
                self._overlay.addItem(title, name)
            self._overlay.setCurrentIndex(max(self._overlay.findData(chosen), 0))
        self._enable_map()

    def set_has_maps(self, has_maps: bool) -> None:
        """Offer maps, or none where the models draw nothing that could be measured; the choice stays."""
        self._has_maps = has_maps
        self._enable_map()

    def set_strength(self, opacity: float, threshold: float) -> None:
        """Set how strongly the map is drawn, 0..1 each."""
        self._opacity.setValue(round(opacity * 100))
        self._threshold.setValue(round(threshold * 100))

    def _tell_overlay(self) -> None:
        self._enable_map()
        self.overlay_changed.emit(self.overlay)

    def _tell_strength(self) -> None:
        opacity, threshold = self._opacity.value() / 100, self._threshold.value() / 100
        self._view.set_opacity(opacity)
        self._view.set_threshold(threshold)
        self.strength_changed.emit(opacity, threshold)

    def _enable_map(self) -> None:
        """Offer the map where the candidate is in view: nothing is laid over the original or the difference."""
        has_candidate = self._has_maps and self._view.mode not in (Mode.ORIGINAL, Mode.DIFFERENCE)
        self._overlay.setEnabled(self._overlay.count() > 1 and has_candidate)
        for widget in (self._opacity, self._threshold, *self._parts):
            widget.setEnabled(bool(self.overlay) and has_candidate)

    def _follow_mode(self, mode: str) -> None:
        self._buttons[Mode(mode)].setChecked(True)
        self._enable_map()

    def _follow_zoom(self, zoom: float) -> None:
        self._zoom.setText(f"{zoom:.0%}".replace("%", " %"))


def _button(name: str, text: str, tooltip: str) -> QToolButton:
    button = QToolButton()
    button.setObjectName(name)
    button.setText(text)
    button.setToolTip(tooltip)
    button.setAccessibleName(tooltip if len(text) < 3 else text)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return button


def _caption(text: str, of: QWidget) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "caption")
    label.setBuddy(of)
    return label


def _slider(name: str, title: str, tooltip: str, value: float) -> QSlider:
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setObjectName(name)
    slider.setAccessibleName(title)
    slider.setToolTip(tooltip)
    slider.setRange(0, 100)
    slider.setPageStep(10)
    slider.setValue(round(value * 100))
    slider.setMinimumWidth(28)
    slider.setMaximumWidth(140)
    return slider
