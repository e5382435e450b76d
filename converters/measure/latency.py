"""Latency: what one run takes, with the runs that came before left out of the figures."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

LEAST_RUNS = 10
"""Fewer do not have a ninetieth percentile."""
WARM_UP = 3


@dataclass(frozen=True)
class Latency:
    """Seconds of one run.

    Attributes:
        median: half of the runs took no longer.
        p90: nine of ten runs took no longer (nearest rank).
        runs: how many were counted.
        warm_up: how many came before and were not.
    """

    median: float
    p90: float
    runs: int
    warm_up: int

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def latency_of(seconds: list[float], warm_up: int) -> Latency:
    """Return the figures of measured runs.

    Raises:
        ValueError: fewer than `LEAST_RUNS`.
    """
    if len(seconds) < LEAST_RUNS:
        raise ValueError(f"{len(seconds)} runs are too few for a latency, {LEAST_RUNS} are needed")
    ordered = sorted(seconds)
    return Latency(statistics.median(ordered), ordered[-(-9 * len(ordered) // 10) - 1], len(ordered), warm_up)


def measure_latency(
    call: Callable[[], object],
    *,
    runs: int = 30,
    warm_up: int = WARM_UP,
    budget: float = 10.0,
    between: Callable[[], object] | None = None,
) -> Latency:
    """Time a call.

    Args:
        call: one run, with everything ready.
        runs: how many to count, at least `LEAST_RUNS`.
        warm_up: how many to run before that.
        budget: seconds after which no further run begins, once `LEAST_RUNS` are done.
        between: called before every run, outside the time that counts for it.

    Raises:
        ValueError: too few runs asked for.
    """
    if runs < LEAST_RUNS:
        raise ValueError(f"{runs} runs are too few for a latency, {LEAST_RUNS} are needed")
    for _ in range(warm_up):
        if between is not None:
            between()
        call()
    seconds: list[float] = []
    began = time.perf_counter()
    while len(seconds) < runs:
        if between is not None:
            between()
        start = time.perf_counter()
        if len(seconds) >= LEAST_RUNS and start - began > budget:
            break
        call()
        seconds.append(time.perf_counter() - start)
    return latency_of(seconds, warm_up)
