"""How a quantized candidate was made: the layers to blame, the ranges of its tensors, how precisions were chosen.

All of it comes from a file that lies beside the candidate, which anybody may have written: what is not as expected is
left out, and everything is escaped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from converters.compare.comparison import Candidate
from converters.compare.measures import MEASURES
from converters.compare_report.tables import bar, notes, table
from converters.destination import readable_size

_STEP = "quantize"
_MOST_LAYERS = 2000
_BLAMED = 12
_LONGEST = 300
_ACTIONS = {
    "start": "to begin with",
    "check": "on all samples",
    "relax": "more precise",
    "tighten": "cheaper again",
    "keep": "needed after all",
    "limit": "most precise",
}
Data = Mapping[str, Any]


def quantization(candidate: Candidate) -> str:
    """Return what is known of a candidate's quantization, "" where it has none."""
    data = _data(candidate)
    blamed, mixed = _mapping(data.get("blame")), _mapping(data.get("mixed"))
    parts = [_blame(blamed), _mixed(mixed), _ranges(list(_mappings(data.get("layers"))), _text(data.get("origin")))]
    found = "".join(parts)
    return f"<h3>Quantization</h3>{found}" if found else ""


def _data(candidate: Candidate) -> Data:
    """Return what the step that quantizes found out; {} where there was none."""
    for step in _mappings((candidate.recipe or {}).get("steps")):
        if step.get("step") == _STEP:
            return _mapping(step.get("data"))
    return {}


def _blame(data: Data) -> str:
    layers = list(_mappings(data.get("layers")))
    if not layers:
        return ""
    title = MEASURES["lpips" if data.get("measure") == "lpips" else "mean"].title
    most = max([abs(_number(layer.get("lost"))) for layer in layers if _is_number(layer.get("lost"))], default=0.0)
    has_time = any(_is_number(layer.get("float_seconds")) for layer in layers)
    rows = [_blamed(layer, most, has_time) for layer in layers]
    heads = [
        ("layer", ""),
        ("scheme", ""),
        (f"{title} lost alone", "number"),
        ("share", "number"),
        ("won back: float", "number"),
        ("w8", "number"),
        ("identity lost", "number"),
        ("size", "number"),
        ("saved", "number"),
        ("work", "number"),
        *([("float", "number"), ("quantized", "number")] if has_time else []),
    ]
    base = _mapping(data.get("base"))
    samples = _number(base.get("samples"))
    of_all = f" {title} is {_figure(base.get('mean'), 4)} with all of them." if _is_number(base.get("mean")) else ""
    caption = (
        "What each layer loses when it alone is quantized, and what is won back when it alone is not, on "
        f"{samples:.0f} samples.{of_all}"
    )
    sentences = []
    if _number(data.get("chance")) > 0:
        chance = _figure(data.get("chance"), 5)
        sentences.append(
            f"Up to {chance} won back or lost again is chance: quantized layers change each other's rounding."
        )
    if has_time and _text(data.get("timed_by")):
        sentences.append(f"Times are of each layer by itself, by {_text(data['timed_by'])}; a phone's are others.")
    shown = table(escape(caption), _head(heads), rows[:_BLAMED])
    if len(rows) > _BLAMED:
        rest = table("", _head(heads), rows[_BLAMED:])
        shown += f"<details><summary>{len(rows) - _BLAMED} more layers</summary>{rest}</details>"
    return shown + notes(sentences)


def _blamed(layer: Data, most: float, has_time: bool) -> str:
    won = _mapping(layer.get("won_back"))
    lost = _number(layer.get("lost"))
    cells = [
        f"{_figure(layer.get('lost'), 5)}{bar(lost / most if most > 0 else 0)}",
        _percent(layer.get("share")),
        _figure(won.get("float"), 5, signed=True),
        _figure(won.get("w8"), 5, signed=True),
        _figure(layer.get("identity_lost"), 4),
        readable_size(int(_number(layer.get("bytes")))),
        _percent(layer.get("saved_share")),
        _percent(layer.get("macs_share")),
    ]
    if has_time:
        cells += [_milliseconds(layer.get(key)) for key in ("float_seconds", "quantized_seconds")]
    numbers = "".join(f"<td class=number>{cell}</td>" for cell in cells)
    return f"<tr>{_layer_name(layer)}<td>{escape(_text(layer.get('scheme')))}</td>{numbers}</tr>"


def _mixed(data: Data) -> str:
    sentence = _text(data.get("sentence"))
    if not sentence:
        return ""
    steps = list(_mappings(data.get("path")))
    rows = [
        "<tr>"
        f"<td>{escape(_action(step))}</td><td class=name>{escape(_text(step.get('layer')))}</td>"
        f"<td>{escape(_text(step.get('scheme')))}</td><td class=number>{_figure(step.get('loss'), 5)}</td>"
        f"<td class=number>{_number(step.get('samples')):.0f}</td>"
        f"<td class=number>{readable_size(int(_number(step.get('bytes'))))}</td>"
        f"<td class=number>{_percent(step.get('integer_share'))}</td></tr>"
        for step in steps
    ]
    heads = [("step", ""), ("layer", ""), ("scheme", "")]
    heads += [(name, "number") for name in ("lost", "samples", "size of the layers", "work in integers")]
    path = f"<details><summary>How it was found</summary>{table('', _head(heads), rows)}</details>" if rows else ""
    return f"<p>{escape(sentence)}</p>{path}"


def _action(step: Data) -> str:
    action = _text(step.get("action"))
    return _ACTIONS.get(action, action)


def _ranges(layers: Sequence[Data], origin: str) -> str:
    """Return the range of every tensor that integer layers read and write."""
    if not layers:
        return ""
    rows = [
        f"<tr>{_layer_name(layer)}<td>{escape(_text(layer.get('scheme')))}</td>"
        f"<td class=number>{_percent(layer.get('macs_share'))}</td>"
        f"{_range(_mapping(layer.get('input')))}{_range(_mapping(layer.get('output')))}</tr>"
        for layer in layers
    ]
    heads = [("layer", ""), ("scheme", ""), ("work", "number")]
    heads += [("reads", "number"), ("seen", "number"), ("writes", "number"), ("seen", "number")]
    caption = "The range that each layer's codes cover, and, where it is another, what was seen in calibration"
    caption += f" ({escape(origin)})." if origin else "."
    shown = table(caption, _head(heads), rows)
    return f"<details><summary>The ranges of all {len(layers)} layers</summary>{shown}</details>"


def _range(end: Data) -> str:
    if not (_is_number(end.get("low")) and _is_number(end.get("high"))):
        return "<td class=number>–</td><td></td>"
    low, high = _number(end["low"]), _number(end["high"])
    bits = _number(end.get("bits"))
    how = f"{bits:.0f} bits{', symmetric' if end.get('symmetric') is True else ''}"
    seen = end.get("observed")
    other = ""
    if isinstance(seen, list) and len(seen) == 2 and all(map(_is_number, seen)):
        # a range always holds 0, which may lie outside of what was seen
        least, largest = min(_number(seen[0]), 0.0), max(_number(seen[1]), 0.0)
        is_other = max(abs(least - low), abs(largest - high)) > 1e-4 * max(largest - least, 1e-12)
        other = f"{seen[0]:.4g} … {seen[1]:.4g}" if is_other else ""
    name = escape(_text(end.get("tensor")), quote=True)
    cell = f'<td class=number title="{name}">{low:.4g} … {high:.4g}<div class=quiet>{how}</div></td>'
    return f"{cell}<td class=number>{other}</td>"


def _layer_name(layer: Data) -> str:
    operator = escape(_text(layer.get("operator")))
    return f"<th scope=row class=name>{escape(_text(layer.get('name')))}<div class=quiet>{operator}</div></th>"


def _head(titles: Sequence[tuple[str, str]]) -> str:
    cells = "".join(f'<th scope=col class="{kind}">{escape(title)}</th>' for title, kind in titles)
    return f"<tr>{cells}</tr>"


def _mapping(value: Any) -> Data:
    return value if isinstance(value, dict) else {}


def _mappings(value: Any) -> Iterator[Data]:
    return (each for each in value[:_MOST_LAYERS] if isinstance(each, dict)) if isinstance(value, list) else iter(())


def _text(value: Any) -> str:
    return value[:_LONGEST] if isinstance(value, str) else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15 and math.isfinite(value)


def _number(value: Any) -> float:
    return float(value) if _is_number(value) else 0.0


def _figure(value: Any, digits: int, *, signed: bool = False) -> str:
    return f"{value:{'+' if signed else ''}.{digits}f}" if _is_number(value) else "–"


def _percent(value: Any) -> str:
    return f"{value:.1%}" if _is_number(value) else "–"


def _milliseconds(value: Any) -> str:
    return f"{value * 1000:.2f} ms" if _is_number(value) else "–"
