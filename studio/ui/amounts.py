"""Sizes, counts, parts and shapes as people read them."""

from __future__ import annotations

from collections.abc import Sequence

from converters.destination import readable_size
from studio.ui.texts import tr

_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def size_text(size: float) -> str:
    """Return bytes as "15.3 MB"."""
    return readable_size(size)


def count_text(number: float) -> str:
    """Return a count with three digits and a prefix: "3.55 M", "262 k", "12"."""
    for unit, prefix in _PREFIXES:
        if number >= 0.9995 * unit:
            value = number / unit
            digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
            return f"{value:.{digits}f} {prefix}"
    return f"{number:.0f}"


def share_text(part: float) -> str:
    """Return a part of a whole (0..1) as "10.8 %"; what would read as nothing is "< 0.1 %"."""
    if 0 < part < 0.0005:
        return "< 0.1 %"
    return f"{100 * part:.1f} %"


def shape_text(shape: Sequence[int | str]) -> str:
    """Return a shape as "1×3×128×128"; an unknown size is "?", no axes at all is "1"."""
    return "×".join("?" if size == -1 else str(size) for size in shape) or "1"


def seconds_text(seconds: float) -> str:
    """Return a time as "8 s", "2 min 5 s" or "1 h 20 min"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return tr("{seconds} s", seconds=whole)
    if whole < 3600:
        return tr("{minutes} min {seconds} s", minutes=whole // 60, seconds=whole % 60)
    return tr("{hours} h {minutes} min", hours=whole // 3600, minutes=whole % 3600 // 60)


def short_hash(sha256: str) -> str:
    """Return the beginning of a SHA-256."""
    return sha256[:12]
