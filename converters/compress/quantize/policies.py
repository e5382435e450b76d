"""Policies that turn what was observed of a tensor into the range that its codes cover."""

from __future__ import annotations

from enum import StrEnum

from converters.compress.quantize.observe import TensorObservation


class Policy(StrEnum):
    """How a range is chosen."""

    MIN_MAX = "min-max"
    MOVING_AVERAGE = "moving-average"
    PERCENTILE = "percentile"
    MSE = "mse"
    ENTROPY = "entropy"


def range_of(
    observation: TensorObservation, policy: Policy, percentile: float = 99.99, bits: int = 8, symmetric: bool = False
) -> tuple[float, float]:
    """Return the range (low, high) of one tensor; it always contains 0, because zero padding must be exact."""
    histogram = observation.histogram
    return min(histogram.low, 0.0), max(histogram.high, 0.0)
