"""How a person looks at the live comparison: kept while the program runs, because pages are made anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from converters.preview.request import Overlay
from studio.ui.widgets.comparison_modes import Mode
from studio.ui.widgets.comparison_scene import OPACITY

if TYPE_CHECKING:
    from studio.preview.previewing import Previewing


class LiveMemory(QObject):
    """What the tab "Live" looked like when it was last in use; lives as long as the preview's choices do.

    Attributes:
        mode: how the pair is looked at.
        shows_all_numbers: whether all numbers are in view.
        section: of the side, where only one of them has room.
        overlay: the map that is wanted while the mode shows one; None for the usual one.
        opacity, threshold: of the heat map, 0..1.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.mode = Mode.SIDE_BY_SIDE
        self.shows_all_numbers = False
        self.section = 0
        self.overlay: Overlay | None = None
        self.opacity = OPACITY
        self.threshold = 0.0


def live_memory(previewing: Previewing) -> LiveMemory:
    """Return what is remembered beside a preview; the first caller makes the object."""
    found = previewing.findChild(LiveMemory)
    return found if isinstance(found, LiveMemory) else LiveMemory(previewing)
