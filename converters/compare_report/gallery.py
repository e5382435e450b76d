"""The worst pictures of one candidate, each with a slider between before and after and a heat map to lay over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from converters.compare.comparison import written
from converters.compare.measures import MEASURES
from converters.compare_report.encoding import palette
from converters.compare_report.frames import Frame

_SHOWN = ("lpips", "flip", "psnr", "source_drop")


def gallery(
    candidate: str, frames: Sequence[Frame], classes: Mapping[int, str], thumbs: Mapping[str, str], number: int
) -> str:
    """Return the figures of one candidate.

    Args:
        candidate: its name.
        frames: the worst first.
        classes: of each frame's original, by its place; the candidate's and the heat map's are derived from it.
        thumbs: classes of small pictures: "input 3" is what the models saw of picture 3, "source 3" whose face.
        number: of the candidate.
    """
    figures = "".join(_figure(candidate, frame, classes[frame.place], thumbs, number) for frame in frames)
    return f'<div class="gallery">{figures}</div>'


def _figure(candidate: str, frame: Frame, original: str, thumbs: Mapping[str, str], number: int) -> str:
    height, width = frame.original.shape[:2]
    name = escape(frame.name)
    drawn = f"c{number}-{frame.place}"
    heat = (
        f'<div class="layer heat h{number}-{frame.place}" aria-hidden="true"></div>' if frame.heat is not None else ""
    )
    small = "".join(
        f'<span class="thumb {thumbs[key]}" role="img" aria-label="{label}" title="{label}"></span>'
        for key, label in ((f"input {frame.place}", "what the models saw"), (f"source {frame.place}", "whose face"))
        if key in thumbs
    )
    figures = " · ".join(
        f"{escape(MEASURES[measure].title)} <b>{escape(written(measure, frame.values[measure]))}</b>"
        for measure in _SHOWN
        if measure in frame.values
    )
    return (
        f'<figure><div class="pair" style="aspect-ratio:{width}/{height}">'
        f'<div class="layer {original}" role="img" aria-label="{name}, drawn by the original"></div>'
        f'<div class="layer after {drawn}" role="img" aria-label="{name}, drawn by {escape(candidate)}"></div>{heat}'
        '<div class="edge" aria-hidden="true"></div>'
        '<span class="tag left" aria-hidden="true">original</span>'
        '<span class="tag right" aria-hidden="true">candidate</span></div>'
        f'<input class="cut" type="range" min="0" max="100" step="1" value="50" '
        f'aria-label="Divider between original and candidate, {name}">'
        f'<figcaption>{small}<div><span class="name">{name}</span><br><span class="quiet">{figures}</span></div>'
        "</figcaption></figure>"
    )


def colour_bar(highest: float) -> str:
    """Return the scale of the heat maps."""
    table = palette()
    stops = ",".join("rgb({},{},{})".format(*table[round(share * 255 / 8)].tolist()) for share in range(9))
    return (
        '<div class="scale"><span class="quiet">LPIPS map</span><span class="quiet">0</span>'
        f'<i style="background:linear-gradient(to right,{stops})"></i><span class="quiet">{highest:.2g}</span></div>'
    )
