"""The ways to look at a pair of pictures, and where each way puts its panes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QRectF

from studio.ui.texts import tr

GAP = 8.0
"""Between two panes, in the window's pixels."""


class Mode(StrEnum):
    """A way to look at a pair."""

    SPLIT = "split"
    SIDE_BY_SIDE = "side-by-side"
    FLICKER = "flicker"
    DIFFERENCE = "difference"
    ORIGINAL = "original"
    CANDIDATE = "candidate"


class Side(StrEnum):
    """What a pane shows."""

    ORIGINAL = "original"
    CANDIDATE = "candidate"
    DIFFERENCE = "difference"


@dataclass(frozen=True)
class Pane:
    """A part of the widget with one picture.

    Attributes:
        side: what it shows.
        rectangle: that the picture is laid out in.
        clip: that is painted: in the split view both panes have one rectangle and each paints its part.
    """

    side: Side
    rectangle: QRectF
    clip: QRectF


def title_of(mode: Mode) -> str:
    """Return what a mode is called."""
    return {
        Mode.SPLIT: tr("Split"),
        Mode.SIDE_BY_SIDE: tr("Side by side"),
        Mode.FLICKER: tr("Flicker"),
        Mode.DIFFERENCE: tr("Difference"),
        Mode.ORIGINAL: tr("Original"),
        Mode.CANDIDATE: tr("Candidate"),
    }[mode]


def help_of(mode: Mode) -> str:
    """Return what a mode is for."""
    return {
        Mode.SPLIT: tr("Both pictures in one, with a divider to drag"),
        Mode.SIDE_BY_SIDE: tr("Both pictures beside each other; zoom and pan go in step"),
        Mode.FLICKER: tr("Both pictures in turn, twice a second: the eye sees what jumps"),
        Mode.DIFFERENCE: tr("How far the pixels are apart, as a map"),
        Mode.ORIGINAL: tr("The original's picture alone"),
        Mode.CANDIDATE: tr("The candidate's picture alone"),
    }[mode]


def panes(mode: Mode, area: QRectF, divider: float, *, is_second_turn: bool = False) -> tuple[Pane, ...]:
    """Return what is painted where, in the order to paint it.

    Args:
        mode: how to look.
        area: of the widget.
        divider: x of the divider in the split view, in the widget's coordinates.
        is_second_turn: whether it is the candidate's turn while flickering.
    """
    if mode is Mode.SPLIT:
        left = QRectF(area.left(), area.top(), max(divider - area.left(), 0.0), area.height())
        right = QRectF(divider, area.top(), max(area.right() - divider, 0.0), area.height())
        return (Pane(Side.ORIGINAL, area, left), Pane(Side.CANDIDATE, area, right))
    if mode is Mode.SIDE_BY_SIDE:
        width = max((area.width() - GAP) / 2, 0.0)
        left = QRectF(area.left(), area.top(), width, area.height())
        right = QRectF(area.right() - width, area.top(), width, area.height())
        return (Pane(Side.ORIGINAL, left, left), Pane(Side.CANDIDATE, right, right))
    if mode is Mode.FLICKER:
        return (Pane(Side.CANDIDATE if is_second_turn else Side.ORIGINAL, area, area),)
    side = {Mode.DIFFERENCE: Side.DIFFERENCE, Mode.ORIGINAL: Side.ORIGINAL, Mode.CANDIDATE: Side.CANDIDATE}[mode]
    return (Pane(side, area, area),)
