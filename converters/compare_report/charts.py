"""Distribution plots as inline SVG: how many pictures are how far off, and each picture as a dot."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape

from converters.compare.comparison import written
from converters.compare.measures import MEASURES
from converters.measure.wording import Value

WIDTH, _TOP, _CURVE, _ROW, _LEFT, _RIGHT = 460, 14, 120, 26, 40, 16
# Dots that would cover each other move up and down, as far as there is room.
_APART, _OFFSETS, _CROWD = 4.2, (0.0, 4.5, -4.5, 9.0, -9.0), 12
COLOURS = 6
"""How many classes `series0` … the style sheet knows."""
Scale = Callable[[float], float]
Series = Sequence[tuple[int, str, Mapping[str, Value]]]


def distribution(measure: str, series: Series) -> str:
    """Return one SVG: the share of pictures up to each value, and under it one row of dots per candidate.

    Args:
        measure: its id.
        series: for each candidate its place, its name and the values by picture; what is equal or not
            finite has no place on the axis but counts among all pictures; `left_out` says so.

    Returns:
        "" where nothing is finite.
    """
    finite = [
        {name: value for name, value in values.items() if isinstance(value, float | int)} for _, _, values in series
    ]
    every = [value for values in finite for value in values.values()]
    if not every:
        return ""
    low, high, ticks = _axis(min(every), max(every))
    bottom = _TOP + _CURVE
    height = bottom + 12 + _ROW * len(series) + 26

    def x(value: float) -> float:
        return _LEFT + (value - low) / (high - low) * (WIDTH - _LEFT - _RIGHT)

    def y(share: float) -> float:
        return bottom - share * _CURVE

    title = f"{MEASURES[measure].title}: share of pictures up to each value, and every picture as a dot"
    parts = [f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">']
    for share in (0.0, 0.5, 1.0):
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y(share):.1f}" y2="{y(share):.1f}"/>')
        parts.append(
            f'<text class="tick" x="{_LEFT - 6}" y="{y(share) + 3.5:.1f}" text-anchor="end">{share:.0%}</text>'
        )
    axis = height - 22
    for tick in ticks:
        parts.append(f'<line class="grid" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{_TOP}" y2="{axis}"/>')
        label = _short(tick, ticks[1] - ticks[0])
        parts.append(f'<text class="tick" x="{x(tick):.1f}" y="{axis + 14}" text-anchor="middle">{label}</text>')
    for row, ((number, _, all_values), values) in enumerate(zip(series, finite, strict=True)):
        parts += _curve(measure, number, all_values, x, y)
        parts += _dots(measure, number, values, x, bottom + 12 + _ROW * (row + 0.5))
    parts.append("</svg>")
    return "".join(parts)


def left_out(series: Series) -> str:
    """Return which pictures of which candidates are not shown, "" where all are."""
    sentences = []
    for _, name, values in series:
        equal = sum(isinstance(value, str) for value in values.values())
        broken = sum(value is None for value in values.values())
        counts = [f"{count} {word}" for count, word in ((equal, "equal"), (broken, "not finite")) if count]
        if counts:
            sentences.append(f"{name}: {', '.join(counts)}, not shown.")
    return " ".join(sentences)


def _curve(measure: str, place: int, every: Mapping[str, Value], x: Scale, y: Scale) -> list[str]:
    """Return a staircase over the shares of all pictures.

    It begins above 0 and ends below 1 by those that have no place on the axis: what is not finite is worse than every
    value, what is equal is better.
    """
    values = sorted(value for value in every.values() if isinstance(value, float | int))
    if not values:
        return []
    is_worst_low = MEASURES[measure].higher_is_better
    before = sum(value is None if is_worst_low else isinstance(value, str) for value in every.values())
    points = [f"M{x(values[0]):.1f},{y(before / len(every)):.1f}"]
    for count, value in enumerate(values, before + 1):
        points.append(f"H{x(value):.1f}V{y(count / len(every)):.1f}")
    points.append(f"H{WIDTH - _RIGHT}")
    return [f'<path class="curve series{place % COLOURS}" d="{"".join(points)}"/>']


def _dots(measure: str, place: int, values: Mapping[str, float], x: Scale, middle: float) -> list[str]:
    """Return one dot per picture, stacked around the row's middle where they would cover each other."""
    parts = []
    taken: list[tuple[float, float]] = []
    for name, value in sorted(values.items(), key=lambda item: item[1]):
        across = x(value)
        near = [up for other, up in taken[-_CROWD:] if across - other < _APART]
        offset = next((up for up in _OFFSETS if all(abs(up - other) >= _APART for other in near)), 0.0)
        taken.append((across, offset))
        title = escape(f"{name}: {written(measure, value)}")
        parts.append(
            f'<circle class="dot series{place % COLOURS}" cx="{across:.1f}" cy="{middle + offset:.1f}" r="2.6">'
            f"<title>{title}</title></circle>"
        )
    if values:
        mean = math.fsum(values.values()) / len(values)
        title = escape(f"mean {written(measure, mean)}")
        parts.append(
            f'<line class="mean series{place % COLOURS}" x1="{x(mean):.1f}" x2="{x(mean):.1f}" '
            f'y1="{middle - 11:.1f}" y2="{middle + 11:.1f}"><title>{title}</title></line>'
        )
    return parts


def _axis(lowest: float, highest: float) -> tuple[float, float, list[float]]:
    """Return the axis' ends, a little beyond the values, and three to seven round ticks on it."""
    span = highest - lowest or max(abs(highest), 1e-6) * 0.1
    step = 10 ** math.floor(math.log10(span / 3))
    step = next(step * factor for factor in (1, 2, 5, 10) if span / (step * factor) <= 5)
    first, last = math.floor(lowest / step), math.ceil(highest / step)
    if first == last:
        last += 1
    return first * step, last * step, [tick * step for tick in range(first, last + 1)]


def _short(value: float, step: float) -> str:
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    if digits > 4:
        return f"{value:.1e}".replace("e-0", "e-").replace(".0e", "e") if value else "0"
    return f"{value + 0.0:.{digits}f}"
