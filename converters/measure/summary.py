"""One measure over many pictures: mean, 95th percentile and worst, with the picture that was worst."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

EQUAL = "equal"
"""What stands in plain data for an infinite value of a measure whose larger values are better."""


@dataclass(frozen=True)
class Summary:
    """One measure over many pictures.

    Attributes:
        mean: over those that are not equal; infinite where all are (a PSNR of equal pictures), NaN where one is broken.
        p95: 95 % of the pictures are no worse (nearest rank).
        worst: the worst value; NaN where one is broken.
        worst_sample: the picture it belongs to.
        count: how many pictures.
        equal: how many of them are infinite, hence not in the mean.
        broken: how many of them have no value: NaN, or an infinity that does not mean equal.
    """

    mean: float
    p95: float
    worst: float
    worst_sample: str
    count: int
    equal: int
    broken: int

    def to_json(self) -> dict[str, Any]:
        """Return plain data; values as `plain_value` gives them."""
        return {**asdict(self), **{key: plain_value(getattr(self, key)) for key in ("mean", "p95", "worst")}}


def summarise(values: Mapping[str, float], *, higher_is_better: bool) -> Summary:
    """Return the summary of one value per picture.

    Args:
        values: by the picture's name; infinity means equal pictures where a larger value is better. NaN and every other
            infinity count as the worst there is.
        higher_is_better: whether a larger value means more alike.

    Raises:
        ValueError: there are none.
    """
    if not values:
        raise ValueError("nothing was measured")

    known = {name: settled(value, higher_is_better=higher_is_better) for name, value in values.items()}

    def badness(name: str) -> float:
        value = known[name]
        return math.inf if math.isnan(value) else -value if higher_is_better else value

    ordered = sorted(known, key=badness)
    usual = [value for value in known.values() if not math.isinf(value)]
    return Summary(
        mean=math.fsum(usual) / len(usual) if usual else known[ordered[-1]],
        p95=known[ordered[-(-95 * len(ordered) // 100) - 1]],
        worst=known[ordered[-1]],
        worst_sample=ordered[-1],
        count=len(ordered),
        equal=len(ordered) - len(usual),
        broken=sum(math.isnan(value) for value in usual),
    )


def settled(value: float, *, higher_is_better: bool) -> float:
    """Return a value that is finite, infinite for equal pictures, or NaN for anything else."""
    means_equal = higher_is_better and value == math.inf
    return value if math.isfinite(value) or means_equal else math.nan


def plain_value(value: float) -> float | str | None:
    """Return a settled value for plain data: the number, "equal" for infinity, None for NaN."""
    return None if math.isnan(value) else EQUAL if math.isinf(value) else value
