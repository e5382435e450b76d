"""Policies that turn what was observed of a tensor into the range that its codes cover, in about a millisecond each."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import numpy.typing as npt

from converters.compress.quantize.histogram import BINS, Histogram
from converters.compress.quantize.observe import TensorObservation

Exact = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Range = tuple[float, float]

_HALF = BINS // 2
_DECAY = 0.99
_CANDIDATES = 96
"""Ends of ranges tried at each side, evenly spread; then the same number around the best."""
_DIVERGENCES = 48
"""Likewise for ends whose divergence is tried, which takes longer."""
_NEXT_TO_NOTHING = 1e-3
"""Of a value; a level that should hold some but holds none would make the divergence infinite."""
_MOST_LEVELS = 256
"""Above it (16 bits) levels are finer than bins, and no distribution is lost in them."""


class Policy(StrEnum):
    """How a range is chosen."""

    MIN_MAX = "min-max"
    MOVING_AVERAGE = "moving-average"
    PERCENTILE = "percentile"
    MSE = "mse"
    ENTROPY = "entropy"


def range_of(
    observation: TensorObservation, policy: Policy, percentile: float = 99.99, bits: int = 8, symmetric: bool = False
) -> Range:
    """Return the range (low, high) of one tensor; it always contains 0, because zero padding must be exact.

    Args:
        observation: of the tensor.
        policy: MIN_MAX covers everything seen; MOVING_AVERAGE is the exponential average of the samples' ranges
            (Jacob et al., CVPR 2018), without the first sample's extra weight; PERCENTILE covers that part of all
            values; MSE has the least expected square of rounding and clipping errors; ENTROPY the least
            Kullback-Leibler divergence between what goes in and what codes can tell.
        percentile: 50..100, of PERCENTILE.
        bits: 8 or 16.
        symmetric: whether codes will be; then low is -high.
    """
    histogram = observation.histogram
    symmetric = symmetric or bits == 16
    low, high = min(histogram.low, 0.0), max(histogram.high, 0.0)
    levels = 2**bits
    is_constant = histogram.low == histogram.high
    if policy is Policy.MOVING_AVERAGE:
        low, high = _moving_average(observation)
    elif policy is Policy.PERCENTILE and not is_constant:
        low, high = _percentile(histogram, percentile, symmetric)
    elif policy is Policy.MSE and not is_constant:
        low, high = _least_square(_Moments(histogram), levels, symmetric)
    elif policy is Policy.ENTROPY and not is_constant and levels <= _MOST_LEVELS:
        low, high = _least_divergence(histogram, levels, symmetric)
    low, high = max(min(low, 0.0), min(histogram.low, 0.0)), min(max(high, 0.0), max(histogram.high, 0.0))
    return (-max(-low, high), max(-low, high)) if symmetric else (low, high)


def _moving_average(observation: TensorObservation) -> Range:
    weights = _DECAY ** np.arange(len(observation.sample_low))[::-1]
    weights /= weights.sum()
    return float(weights @ observation.sample_low), float(weights @ observation.sample_high)


def _percentile(histogram: Histogram, percentile: float, symmetric: bool) -> Range:
    """Leave out half of what may be left out at each end; all of it at one end where values have one sign."""
    left_out = histogram.total * (1 - percentile / 100)
    edges, counts = histogram.edges, histogram.counts.astype(np.float64)
    if symmetric:
        magnitudes = counts[_HALF:] + counts[:_HALF][::-1]
        reach = float(np.interp(histogram.total - left_out, np.append(0, np.cumsum(magnitudes)), edges[_HALF:]))
        return -reach, reach
    below = np.append(0, np.cumsum(counts))
    share = left_out / (2 if histogram.low < 0 < histogram.high else 1)
    # Where nothing lies between two edges interpolation may return either; the ends of the data bound both.
    return float(np.interp(share, below, edges)), float(np.interp(histogram.total - share, below, edges))


class _Moments:
    """Sums over a histogram's bins from the left, from which the error of any clipping follows at once.

    Exact zeros are left out: they have a code of their own, whatever the range.
    """

    def __init__(self, histogram: Histogram) -> None:
        counts = histogram.counts.astype(np.float64)
        counts[_HALF] -= histogram.zeros
        self.edges = histogram.edges
        middles = self.edges[:-1] + histogram.width / 2
        self.total = float(counts.sum())
        self.none = _from_left(counts)
        self.first = _from_left(counts * middles)
        self.second = _from_left(counts * middles * middles)
        used = np.flatnonzero(histogram.counts)
        self.lowest = min(int(used[0]), _HALF)
        self.highest = max(int(used[-1]) + 1, _HALF)

    def below(self, places: Places) -> Exact:
        """Return the sum of squares by which values lie below these edges."""
        ends = self.edges[places]
        return np.asarray(self.second[places] - 2 * ends * self.first[places] + ends * ends * self.none[places])

    def above(self, places: Places) -> Exact:
        """Return the sum of squares by which values lie above these edges."""
        ends = self.edges[places]
        return np.asarray(
            self.second[-1]
            - self.second[places]
            - 2 * ends * (self.first[-1] - self.first[places])
            + ends * ends * (self.none[-1] - self.none[places])
        )


def _from_left(values: Exact) -> Exact:
    return np.concatenate([[0.0], np.cumsum(values)])


def _spread(start: int, stop: int, count: int = _CANDIDATES) -> Places:
    """Return places from start to stop, both included, evenly spread and each once."""
    return np.unique(np.linspace(start, stop, count).round().astype(np.int64))


def _around(places: Places, best: int, count: int = _CANDIDATES) -> Places:
    """Return places between the neighbours of the best of several candidates."""
    return _spread(int(places[max(best - 1, 0)]), int(places[min(best + 1, len(places) - 1)]), count)


def _least_square(moments: _Moments, levels: int, symmetric: bool) -> Range:
    """Return the range with the least sum of squared errors, rounding errors being evenly spread within a step."""
    lows, highs = _spread(moments.lowest, _HALF), _spread(_HALF, moments.highest)
    if symmetric:
        highs = _spread(_HALF, max(moments.highest, BINS - moments.lowest))
    for is_last in (False, True):
        if symmetric:
            lows = BINS - highs
            low, high = lows, highs
        else:
            low, high = lows[:, None], highs[None, :]
        step = (moments.edges[high] - moments.edges[low]) / (levels - 1)
        inside = moments.none[high] - moments.none[low]
        error = moments.below(low) + moments.above(high) + inside * step * step / 12
        best = np.unravel_index(int(error.argmin()), error.shape)
        if is_last:
            break
        if symmetric:
            highs = _around(highs, int(best[0]))
        else:
            lows, highs = _around(lows, int(best[0])), _around(highs, int(best[1]))
    return float(moments.edges[lows[best[0]]]), float(moments.edges[highs[best[-1]]])


class _Divergence:
    """Kullback-Leibler divergences between a distribution clipped to some bins and what levels keep of it.

    As in Migacz, "8-bit inference with TensorRT", GTC 2017: what lies outside counts in the last bin, and a level
    spreads what it holds evenly over those of its bins where anything was seen.
    """

    def __init__(self, counts: Exact) -> None:
        self.sums = _from_left(counts)
        self.seen = _from_left((counts > 0).astype(np.float64))
        self.entropy = _from_left(_times_logarithm(counts))
        self.counts = counts

    def __call__(self, starts: Places, stops: Places, levels: int) -> Exact:
        """Return the divergence of each range of bins from starts to stops (same length, stops not included)."""
        bounds = starts[:, None] + np.linspace(0, 1, levels + 1) * (stops - starts)[:, None]
        bounds = bounds.round().astype(np.int64)
        held = np.diff(self.sums[bounds], axis=1)
        seen = np.diff(self.seen[bounds], axis=1)
        total = self.sums[-1]
        ends = ((starts, 0, self.sums[starts]), (stops - 1, -1, total - self.sums[stops]))
        entropy = self.entropy[stops] - self.entropy[starts]
        wanted = held.copy()
        for bins, level, outside in ends:
            own = self.counts[bins]
            entropy += _times_logarithm(own + outside) - _times_logarithm(own)
            seen[:, level] += (own == 0) & (outside > 0)
            wanted[:, level] += outside
        kept = self.sums[stops] - self.sums[starts]
        # Levels that nothing wants count nothing; one that only gets what lies outside is told next to nothing.
        logarithm = np.log(np.maximum(held, _NEXT_TO_NOTHING) / np.maximum(seen, 1.0))
        told = (wanted * logarithm).sum(axis=1)
        found = (entropy - told) / total + np.log(np.maximum(kept, _NEXT_TO_NOTHING) / total)
        return np.where(kept > 0, found, np.inf)


def _times_logarithm(values: Exact) -> Exact:
    return np.asarray(values * np.log(np.maximum(values, 1e-300)))


def _least_divergence(histogram: Histogram, levels: int, symmetric: bool) -> Range:
    counts = histogram.counts.astype(np.float64)
    counts[_HALF] -= histogram.zeros
    edges = histogram.edges
    if symmetric:
        magnitudes = counts[_HALF:] + counts[:_HALF][::-1]
        last = int(np.flatnonzero(magnitudes)[-1]) + 1
        stop = _best_end(_Divergence(magnitudes), 0, last, levels // 2)
        return -float(edges[_HALF + stop]), float(edges[_HALF + stop])
    used = np.flatnonzero(counts)
    low, high = min(int(used[0]), _HALF), max(int(used[-1]) + 1, _HALF)
    upward, downward = _Divergence(counts), _Divergence(counts[::-1].copy())
    if high > _HALF:
        high = max(_best_end(upward, low, high, levels), _HALF)
    if low < _HALF:
        low = BINS - max(_best_end(downward, BINS - high, BINS - low, levels), _HALF)
    return float(edges[low]), float(edges[high])


def _best_end(divergence: _Divergence, start: int, last: int, levels: int) -> int:
    """Return where a range of bins from `start` should stop, at most at `last`."""
    if last - start <= levels:
        return last
    stops = _spread(start + levels, last, _DIVERGENCES)
    for _ in range(2):
        best = int(divergence(np.full(len(stops), start), stops, levels).argmin())
        end = int(stops[best])
        stops = _around(stops, best, _DIVERGENCES)
    return end
