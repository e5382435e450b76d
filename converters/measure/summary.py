"""One measure over many pictures: mean, 95th percentile and worst, with the picture that was worst."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from converters.plain import finite_or_null


@dataclass(frozen=True)
class Summary:
    """One measure over many pictures.

    Attributes:
        mean: over those that are not infinite; infinite where all are (a PSNR of equal pictures).
        p95: 95 % of the pictures are no worse (nearest rank).
        worst: the worst value.
        worst_sample: the picture it belongs to.
        count: how many pictures.
        equal: how many of them are infinite, hence not in the mean.
    """

    mean: float
    p95: float
    worst: float
    worst_sample: str
    count: int
    equal: int

    def to_json(self) -> dict[str, Any]:
        """Return plain data; what is not finite becomes None."""
        return finite_or_null(asdict(self))


def summarise(values: Mapping[str, float], *, higher_is_better: bool) -> Summary:
    """Return the summary of one value per picture.

    Args:
        values: by the picture's name; infinite is fine, NaN counts as the worst there is.
        higher_is_better: whether a larger value means more alike.

    Raises:
        ValueError: there are none.
    """
    if not values:
        raise ValueError("nothing was measured")

    def badness(name: str) -> float:
        value = values[name]
        return math.inf if math.isnan(value) else -value if higher_is_better else value

    ordered = sorted(values, key=badness)
    usual = [value for value in values.values() if not math.isinf(value)]
    return Summary(
        mean=math.fsum(usual) / len(usual) if usual else values[ordered[-1]],
        p95=values[ordered[-(-95 * len(ordered) // 100) - 1]],
        worst=values[ordered[-1]],
        worst_sample=ordered[-1],
        count=len(ordered),
        equal=len(ordered) - len(usual),
    )
