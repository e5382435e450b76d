"""The report as one page: no file beside it, no address outside it, readable without scripts."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from converters.compare.comparison import Candidate, Comparison, finding, written
from converters.compare.measures import MEASURES
from converters.compare_report import tables
from converters.compare_report.charts import COLOURS, distribution, left_out
from converters.compare_report.frames import Frame
from converters.compare_report.gallery import colour_bar, gallery
from converters.compare_report.quantization import quantization
from converters.measure.wording import Value

_HERE = Path(__file__).resolve().parent
_CARDS = ("lpips", "psnr", "source_drop", "displacement", "cosine", "largest")
_MOST_CARDS = 3


@dataclass(frozen=True)
class Shown:
    """The pictures of a report.

    Attributes:
        frames: of each candidate, the worst first.
        highest: the value of the heat maps' lightest colour, one for all candidates.
        uris: data URIs by CSS class.
        thumbs: CSS classes of small pictures, see `gallery`.
        note: how the pictures are kept.
    """

    frames: Sequence[Sequence[Frame]]
    highest: float
    uris: Mapping[str, str]
    thumbs: Mapping[str, str]
    note: str


def page(comparison: Comparison, shown: Shown) -> str:
    """Return the whole page."""
    script = (_HERE / "report.js").read_text(encoding="utf-8")
    style = (_HERE / "report.css").read_text(encoding="utf-8")
    style += "".join(f".{name}{{background-image:url({uri})}}" for name, uri in shown.uris.items())
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    # Whatever a file's name may smuggle in: nothing is fetched, and no script runs but ours.
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    original = escape(str(comparison.original["name"]))
    title = f"{original}: {', '.join(escape(each.name) for each in comparison.candidates)}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{title}</title><style>{style}</style></head><body>"
        f"{_header(comparison, original)}<main>"
        f"{_overview(comparison) if len(comparison.candidates) > 1 else ''}"
        f"{_controls() if any(shown.frames) else ''}"
        f"{''.join(_candidate(comparison, place, shown) for place in range(len(comparison.candidates)))}"
        f"{_plots(comparison)}"
        f"<section><h2>Files</h2>{tables.sides_table(comparison)}</section>"
        f"{_method(comparison, shown)}</main><script>{script}</script></body></html>"
    )


def _header(comparison: Comparison, original: str) -> str:
    keys = "".join(
        f'<span class="key"><i class="swatch series{place % COLOURS}"></i>{escape(each.name)}</span>'
        for place, each in enumerate(comparison.candidates)
    )
    return (
        f'<header><div><p class="quiet">Compared with the original</p><h1>{original}</h1>'
        f'<p class="keys">{keys}</p></div>'
        '<button type="button" id="theme" hidden>Dark or light</button></header>'
    )


def _overview(comparison: Comparison) -> str:
    """Return one row per candidate: what was lost, what was gained."""
    return f"<section><h2>At a glance</h2>{tables.overview(comparison, _CARDS[:_MOST_CARDS])}</section>"


def _cards(comparison: Comparison, candidate: Candidate) -> str:
    if candidate.side is None or not candidate.outputs:
        return ""
    place, _ = candidate.leading
    output = candidate.outputs[place]
    cards = []
    for measure in [each for each in _CARDS if each in output["measures"]][:_MOST_CARDS]:
        summary = output["measures"][measure]["summary"]
        mean, worst = (written(measure, summary[key]) for key in ("mean", "worst"))
        cards.append(_card(MEASURES[measure].title, mean, f"worst {worst}", MEASURES[measure].help))
    side, original = candidate.side, comparison.original
    size = f"{side['size'] / original['size']:.0%}"
    smaller = f"{original['size'] / max(side['size'], 1):.2f} times smaller"
    cards.append(_card("Size", size, smaller, "File or package."))
    if not (side["is_reference"] or original["is_reference"]):
        factor = original["latency"]["median"] / side["latency"]["median"]
        cards.append(_card("Speed here", f"{factor:.2f} ×", "of the original's", "Median run on this machine."))
    return f'<div class="cards">{"".join(cards)}</div>'


def _card(title: str, value: str, under: str, help_: str) -> str:
    return (
        f'<div class="card" title="{escape(help_)}"><span class="quiet">{escape(title)}</span>'
        f'<b>{escape(value)}</b><span class="quiet">{escape(under)}</span></div>'
    )


def _controls() -> str:
    return (
        '<div class="controls" id="controls" hidden>'
        '<label><input type="checkbox" id="heat"> Heat map</label>'
        '<label>Opacity <input type="range" id="opacity" min="0" max="100" value="80"></label>'
        '<label>Size <input type="range" id="zoom" min="140" max="640" step="20" value="260"></label>'
        '<label><input type="checkbox" id="pixels"> Show pixels</label>'
        '<label title="Original and candidate in turns: the eye finds what moves">'
        '<input type="checkbox" id="alternate"> Alternate</label></div>'
    )


def _candidate(comparison: Comparison, place: int, shown: Shown) -> str:
    candidate = comparison.candidates[place]
    broken = candidate.error is not None or bool(candidate.judgement and candidate.judgement["broken"])
    head = (
        f'<section class="{"bad" if broken else ""}"><h2><i class="swatch series{place % COLOURS}"></i>'
        f"{escape(candidate.name)}</h2>"
        f'<p class="sentence">{escape(finding(comparison.original, candidate))}</p>'
    )
    if not candidate.outputs:
        return f"{head}</section>"
    frames = shown.frames[place]
    drawn = ""
    if frames:
        classes = {frame.place: f"o{frame.place}" for frame in frames}
        bar = colour_bar(shown.highest) if any(frame.heat is not None for frame in frames) else ""
        drawn = (
            f"<h3>{len(frames)} pictures, the worst first</h3>{bar}"
            f"{gallery(candidate.name, frames, classes, shown.thumbs, place + 1)}"
        )
    sentences = list(candidate.judgement["notes"]) if candidate.judgement else []
    return (
        f"{head}{_cards(comparison, candidate)}{drawn}<h3>In figures</h3>"
        f"{''.join(tables.measures_table(output) for output in candidate.outputs)}{tables.notes(sentences)}"
        f"<details><summary>All {len(candidate.worst_first())} pictures in figures</summary>"
        f"{tables.pictures_table(candidate)}</details>{quantization(candidate)}{tables.recipe(candidate)}</section>"
    )


def _plots(comparison: Comparison) -> str:
    """Return one plot per output and measure, with every candidate in it."""
    series: dict[tuple[str, str], list[tuple[int, str, Mapping[str, Value]]]] = {}
    for place, candidate in enumerate(comparison.candidates):
        for output in candidate.outputs:
            for measure, found in output["measures"].items():
                series.setdefault((output["name"], measure), []).append((place, candidate.name, found["values"]))
    several = len({output for output, _ in series}) > 1
    figures = []
    for (name, measure), rows in series.items():
        drawn = distribution(measure, rows)
        if drawn:
            known = MEASURES[measure]
            title = f"{name}: {known.title}" if several else known.title
            unit = f" ({known.unit})" if known.unit else ""
            figures.append(
                f'<figure class="plot"><figcaption><b>{escape(title)}</b>{escape(unit)} '
                f'<span class="quiet">{escape(known.help)}</span></figcaption>{drawn}{_quiet(left_out(rows))}</figure>'
            )
    if not figures:
        return ""
    return (
        '<section><h2>Distributions</h2><p class="quiet">The curve is the share of pictures up to each value; every '
        f'dot is a picture, the upright line their mean.</p><div class="plots">{"".join(figures)}</div></section>'
    )


def _quiet(sentence: str) -> str:
    return f'<p class="quiet">{escape(sentence)}</p>' if sentence else ""


def _method(comparison: Comparison, shown: Shown) -> str:
    used = {measure for each in comparison.candidates for output in each.outputs for measure in output["measures"]}
    terms = "".join(
        f"<dt>{escape(known.title)}</dt><dd>{escape(known.help)}</dd>"
        for measure, known in MEASURES.items()
        if measure in used
    )
    sentences = [f"{comparison.pictures}.", comparison.embeddings, comparison.judge, *comparison.notes, shown.note]
    return f"<section><h2>How it was measured</h2>{tables.notes(sentences)}<dl>{terms}</dl></section>"
