"""All that is drawn of a comparison: the pictures, their maps, labels, the lens and what is said over them."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QRegion

from studio.ui.texts import tr
from studio.ui.widgets.comparison_lens import Lens, draw_lens
from studio.ui.widgets.comparison_look import Look, placed
from studio.ui.widgets.comparison_maps import Map
from studio.ui.widgets.comparison_modes import Mode, Pane, Side, title_of
from studio.ui.widgets.comparison_painting import (
    draw_colour_bar,
    draw_divider,
    draw_label,
    draw_note,
    draw_picture,
    draw_stale,
    draw_words,
)
from studio.ui.widgets.comparison_pair import FramePair

_GROUND, _WORDS = QColor(24, 26, 30), QColor(200, 200, 200)
OPACITY = 0.8


@dataclass(frozen=True)
class View:
    """How a scene is looked at in one painting.

    Attributes:
        mode: of the view.
        panes: what it comes to.
        look: which part of the picture is in view.
        area: of the widget.
        divider: x of the divider, in the widget's coordinates.
        is_focused: whether the divider listens to keys.
    """

    mode: Mode
    panes: tuple[Pane, ...]
    look: Look
    area: QRectF
    divider: float
    is_focused: bool


@dataclass
class Scene:
    """What is drawn.

    Attributes:
        pair: the two pictures of one frame.
        empty: what is said where there is none.
        accents: the colours of the original and the candidate.
        words: their labels.
        heat: lies over the candidate.
        difference: what the difference mode shows; None for the pixels' differences as they are.
        opacity, threshold: of the heat map, 0..1.
        lens: the magnifier.
        is_stale: whether the picture is an old one.
        reason: why it is, for people.
        note: said in the lower left corner of the pictures, over anything else; "" for nothing.
    """

    pair: FramePair = field(default_factory=FramePair)
    empty: str = ""
    accents: tuple[QColor, QColor] = (QColor("#5CB8FF"), QColor("#FFA657"))
    words: tuple[str, str] = ("", "")
    heat: Map | None = None
    difference: Map | None = None
    opacity: float = OPACITY
    threshold: float = 0.0
    lens: Lens = field(default_factory=Lens)
    is_stale: bool = False
    reason: str = ""
    note: str = ""
    _greyed: FramePair = field(default_factory=FramePair)
    _greyed_of: FramePair | None = None

    def labels(self, names: tuple[str, str]) -> tuple[str, str]:
        """Return what the two are called in the corners, with the size of a candidate that is drawn at another."""
        original, candidate = names
        if original and original == candidate:  # one picture, of no model
            return original, candidate
        one = tr("Original · {name}", name=original) if original else tr("Original")
        other = tr("Candidate · {name}", name=candidate) if candidate else tr("Candidate")
        size = self.pair.candidate.size()
        if self.pair.original.size() != size:
            other = tr("{label} ({width} × {height}, scaled)", label=other, width=size.width(), height=size.height())
        return one, other

    def draw(self, painter: QPainter, view: View) -> None:
        """Draw the panes, then what lies over them.

        Args:
            painter: on the widget, with the font of labels.
            view: how it is looked at.
        """
        if self.pair.is_empty:
            painter.fillRect(view.area, _GROUND)
            draw_words(painter, self.reason or self.empty, view.area, _WORDS)
            return
        pair = self._shown_pair()
        targets = [placed(view.look, pair.size, pane.rectangle) for pane in view.panes]
        _fill_around(painter, view, targets)
        for pane, target in zip(view.panes, targets, strict=True):
            self._draw_pane(painter, pane, target, pair)
        if view.mode is Mode.SPLIT:
            visible = placed(view.look, pair.size, view.area).intersected(view.area)
            draw_divider(painter, view.divider, visible, is_focused=view.is_focused, accent=self.accents[1])
        if self.lens.is_on:
            self._draw_lens(painter, view, pair)
        for pane in view.panes:
            self._draw_label(painter, pane)
        shown = self._shown_map(view)
        if shown is not None:
            draw_colour_bar(painter, shown.title, f"{shown.highest:.2g}", view.panes[-1].rectangle)
        if self.is_stale:
            draw_stale(painter, self.reason, view.area)
        if self.note:
            draw_note(painter, self.note, view.panes[0].rectangle)

    def _shown_pair(self) -> FramePair:
        if not self.is_stale:
            return self.pair
        if self._greyed_of is not self.pair:
            self._greyed_of, self._greyed = self.pair, self.pair.greyed()
        return self._greyed

    def _shown_map(self, view: View) -> Map | None:
        if self.is_stale:
            return None
        if view.mode is Mode.DIFFERENCE:
            return self.difference
        return self.heat if any(pane.side is Side.CANDIDATE for pane in view.panes) else None

    def _draw_pane(self, painter: QPainter, pane: Pane, target: QRectF, pair: FramePair) -> None:
        if pane.side is Side.ORIGINAL:
            draw_picture(painter, pair.original, target, pane.clip, pair.is_reduced)
        elif pane.side is Side.CANDIDATE:
            draw_picture(painter, pair.candidate, target, pane.clip, pair.is_reduced)
            if self.heat is not None and not self.is_stale:
                self.heat.draw(painter, target, pane.clip, (self.opacity, self.threshold))
        elif self.difference is not None and not self.is_stale:
            self.difference.draw(painter, target, pane.clip, None)
        else:
            draw_picture(painter, pair.original, target, pane.clip, pair.is_reduced)
            painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Difference)
            draw_picture(painter, pair.candidate, target, pane.clip, pair.is_reduced)
            painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)

    def _draw_lens(self, painter: QPainter, view: View, pair: FramePair) -> None:
        """Draw the same lens at the same place in both panes, or one lens with both sides in it."""
        accents = dict(zip((Side.ORIGINAL, Side.CANDIDATE), self.accents, strict=True))
        is_beside = view.mode is Mode.SIDE_BY_SIDE
        for pane in view.panes if is_beside else view.panes[:1]:
            painter.save()
            painter.setClipRect(pane.rectangle)
            target = placed(view.look, pair.size, pane.rectangle)
            sides = (pane.side,) if is_beside else (Side.ORIGINAL, Side.CANDIDATE)
            draw_lens(painter, self.lens, pair, sides, target, accents)
            painter.restore()

    def _draw_label(self, painter: QPainter, pane: Pane) -> None:
        if pane.side is Side.ORIGINAL:
            draw_label(painter, self.words[0], self.accents[0], pane.clip, is_right=False)
        elif pane.side is Side.CANDIDATE:
            draw_label(painter, self.words[1], self.accents[1], pane.clip, is_right=True)
        else:
            draw_label(painter, title_of(Mode.DIFFERENCE), self.accents[1], pane.clip, is_right=False)


def _fill_around(painter: QPainter, view: View, targets: list[QRectF]) -> None:
    """Fill what no picture covers: filling all of it costs as much as drawing the pictures."""
    bare = QRegion(view.area.toAlignedRect())
    for pane, target in zip(view.panes, targets, strict=True):
        # one pixel less on each side, since the edges of pictures come to lie on pixels
        bare -= QRegion(target.intersected(pane.clip).toRect().adjusted(1, 1, -1, -1))
    painter.save()
    painter.setClipRegion(bare, Qt.ClipOperation.IntersectClip)
    painter.fillRect(view.area, _GROUND)
    painter.restore()
