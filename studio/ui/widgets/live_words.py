"""What the stages of a live comparison and the figures of each kind of model are called."""

from __future__ import annotations

import math
from dataclasses import dataclass

from studio.ui.texts import tr
from studio.ui.widgets.figures import NONE


@dataclass(frozen=True)
class KindFigure:
    """A figure that one kind of model has.

    Attributes:
        caption: what it is.
        widest: a text as wide as any that comes.
        tip: what it means.
        digits: behind the point.
        factor: what the value is multiplied by.
        unit: behind it.
    """

    caption: str
    widest: str
    tip: str
    digits: int = 0
    factor: float = 1.0
    unit: str = ""

    def text(self, value: float) -> str:
        """Return a value as people read it."""
        return f"{self.factor * value:.{self.digits}f}{self.unit}" if math.isfinite(value) else NONE


def title_of_stage(stage: str) -> str:
    """Return what a stage is called; one that nobody knows by its own name."""
    return {
        "track": tr("Find, follow"),
        "detect": tr("Find"),
        "landmarks": tr("Landmarks"),
        "crop": tr("Align"),
        "embed": tr("Embed"),
        "identity": tr("Likeness"),
        "mask": tr("Mask"),
        "paste": tr("Paste"),
        "enhance": tr("Enhance"),
        "draw": tr("Draw"),
        "shrink": tr("Make smaller"),
        "measure": tr("Measure"),
        "show": tr("Hand over"),
        "total": tr("Whole frame"),
    }.get(stage, stage.capitalize())


def figure_of_kind(name: str) -> KindFigure | None:
    """Return how a figure of one kind of model is shown; None for one that is not."""
    boxes = tr("Faces that this side found in the frame")
    return {
        "boxes_original": KindFigure(tr("Found, original"), "000", boxes),
        "boxes_candidate": KindFigure(tr("Found, candidate"), "000", boxes),
        "boxes_matched": KindFigure(
            tr("Boxes matched"), "100.0 %", tr("Part of all boxes that both sides found in one place"), 1, 100.0, " %"
        ),
        "iou": KindFigure(
            tr("Overlap"), "0.0000", tr("Mean overlap of the matched boxes: shared area by the area of both"), 4
        ),
        "points_apart": KindFigure(
            tr("Points apart"), "0000.00 px", tr("Mean distance between both sides' points, pixels"), 2, 1.0, " px"
        ),
        "points_apart_share": KindFigure(
            tr("Of the face"), "100.00 %", tr("The same as a part of the face's size"), 2, 100.0, " %"
        ),
        "mask_iou": KindFigure(
            tr("Mask overlap"), "0.0000", tr("Shared area of both masks by the area of both; 1 for the same"), 4
        ),
        "cosine_between": KindFigure(
            tr("Cosine, mean"), "-0.0000", tr("Between both sides' embeddings of a face; 1 for the same"), 4
        ),
        "cosine_between_least": KindFigure(
            tr("Cosine, least"), "-0.0000", tr("Of the face that both sides agree on least"), 4
        ),
        "worked_share": KindFigure(
            tr("Worked on"), "100 %", tr("Sides of the picture that the models saw, by the frame's"), 0, 100.0, " %"
        ),
    }.get(name)
