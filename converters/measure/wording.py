"""Values of measures as people read them; knows no arrays, so that the window can use it."""

from __future__ import annotations

from converters.measure.summary import EQUAL

Value = float | str | None
"""A value in plain data: a number, "equal", or None for what is not finite."""


def in_words(value: Value, unit: str, digits: int, *, higher_is_better: bool) -> str:
    """Return a value with its unit.

    Args:
        value: of a measure.
        unit: "" for none.
        digits: after the point; small values of measures whose zero is best get two that say something.
        higher_is_better: whether a larger value means nearer to the original.
    """
    if value is None:
        return "not finite"
    if isinstance(value, str):
        return EQUAL
    is_small = not higher_is_better and 0 < abs(value) < 10 ** (1 - digits)
    text = f"{value:.2g}" if is_small else f"{value:.{digits}f}"
    return f"{text} {unit}".rstrip()
