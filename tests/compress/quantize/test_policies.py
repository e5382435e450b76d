"""Policies: ranges that hold 0, stay within what was seen, and are as good as trying every range would have been."""

from __future__ import annotations

import statistics
import time
from itertools import pairwise

import numpy as np
import pytest

from converters.compress.quantize.encode import encoding_of
from converters.compress.quantize.histogram import Channels, Histogram, histogram_of
from converters.compress.quantize.observe import TensorObservation
from converters.compress.quantize.policies import Policy, range_of

COUNT = 100_000


def observed(*samples: np.ndarray) -> TensorObservation:
    """Return what is observed of a tensor that has these values on samples."""
    histogram, channels = Histogram(), Channels.empty(1)
    for sample in samples:
        histogram.add(sample)
        channels.add(sample.reshape(1, 1, -1), 1)
    low = np.array([sample.min() for sample in samples], np.float32)
    high = np.array([sample.max() for sample in samples], np.float32)
    return TensorObservation(histogram, channels, 1, low, high)


def drawn(kind: str, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    values = {
        "normal": lambda: generator.standard_normal(COUNT),
        "laplace": lambda: generator.laplace(size=COUNT),
        "relu": lambda: np.maximum(generator.laplace(size=COUNT), 0),
        "negative": lambda: -np.abs(generator.standard_normal(COUNT)) * 3 - 0.2,
        "uniform": lambda: generator.uniform(-1, 3, COUNT),
        "outlier": lambda: np.append(generator.standard_normal(COUNT), [300.0]),
        "shifted": lambda: generator.standard_normal(COUNT) + 5,
    }[kind]()
    return values.astype(np.float32)


KINDS = ("normal", "laplace", "relu", "negative", "uniform", "outlier", "shifted")


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("policy", Policy)
@pytest.mark.parametrize("kind", KINDS)
def test_every_range_holds_zero_and_reaches_no_further_than_what_was_seen(
    kind: str, policy: Policy, symmetric: bool
) -> None:
    values = drawn(kind)
    low, high = range_of(observed(values), policy, 99.9, 8, symmetric)
    assert low <= 0 <= high
    assert low < high
    if symmetric:
        assert low == -high
        assert high <= np.abs(values).max()
    else:
        assert low >= min(values.min(), 0)
        assert high <= max(values.max(), 0)
    if policy is Policy.MIN_MAX and not symmetric:
        assert (low, high) == (min(values.min(), 0), max(values.max(), 0))


def squared_error(values: np.ndarray, low: float, high: float, bits: int, symmetric: bool) -> float:
    encoding = encoding_of(low, high, bits, symmetric)
    return float(np.mean((encoding.dequantize(encoding.quantize(values)).astype(np.float64) - values) ** 2))


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_least_squares_is_as_good_as_trying_many_ranges(kind: str, symmetric: bool) -> None:
    values = drawn(kind)[-20_000:]
    found = squared_error(values, *range_of(observed(values), Policy.MSE, 99.99, 8, symmetric), 8, symmetric)
    low, high = min(float(values.min()), 0), max(float(values.max()), 0)
    shares = np.linspace(0.05, 1, 20)
    lows = sorted({low * share for share in shares}) if not symmetric else [0.0]
    highs = [max(-low, high) * share for share in shares] if symmetric else sorted({high * share for share in shares})
    tried = [squared_error(values, a, b, 8, symmetric) for a in lows for b in highs if a < b]
    assert found <= min(tried) * 1.03
    if kind == "laplace":  # a search that finds nothing to cut off would be told apart
        assert squared_error(values, low, high, 8, symmetric) > min(tried) * 1.03


def test_least_squares_leaves_little_out_with_16_bits() -> None:
    values = drawn("laplace")
    low, high = range_of(observed(values), Policy.MSE, 99.99, 16, True)
    assert high > 0.9 * np.abs(values).max()
    assert low == -high


@pytest.mark.parametrize("percentile", [90.0, 99.0, 99.9, 100.0])
@pytest.mark.parametrize("kind", ["normal", "laplace", "relu", "negative"])
def test_percentiles_are_those_of_the_values(kind: str, percentile: float) -> None:
    values = drawn(kind)
    observation = observed(values)
    low, high = range_of(observation, Policy.PERCENTILE, percentile, 8, False)
    left_out = (values < low).mean() + (values > high).mean()
    assert left_out == pytest.approx(1 - percentile / 100, abs=2e-3)
    ends = (100 - percentile) / (2 if values.min() < 0 < values.max() else 1)
    symmetric = range_of(observation, Policy.PERCENTILE, percentile, 8, True)[1]
    width = observation.histogram.width

    def is_percentile(end: float, of: np.ndarray, percent: float) -> bool:
        around = np.percentile(of, [max(percent - 0.01, 0), min(percent + 0.01, 100)])
        return min(around[0], 0) - 2 * width <= end <= max(around[1], 0) + 2 * width

    assert is_percentile(low, values, ends)
    assert is_percentile(high, values, 100 - ends)
    assert is_percentile(symmetric, np.abs(values), percentile)
    assert not is_percentile(symmetric * 1.2, np.abs(values), percentile)


def test_the_moving_average_counts_later_samples_a_little_more() -> None:
    samples = [np.array([-1, 2], np.float32), np.array([-3, 4], np.float32), np.array([-2, 6], np.float32)]
    weights = np.array([0.99**2, 0.99, 1])
    weights /= weights.sum()
    low, high = range_of(observed(*samples), Policy.MOVING_AVERAGE)
    assert low == pytest.approx(weights @ [-1, -3, -2])
    assert high == pytest.approx(weights @ [2, 4, 6])
    assert range_of(observed(*samples[::-1]), Policy.MOVING_AVERAGE)[1] < high


def divergence(counts: np.ndarray, start: int, stop: int, levels: int) -> float:
    """Return the divergence of one range of bins, written as plainly as it can be."""
    held = counts[start:stop].astype(np.float64)
    wanted = held.copy()
    wanted[0] += counts[:start].sum()
    wanted[-1] += counts[stop:].sum()
    told = np.zeros_like(held)
    bounds = (np.linspace(0, 1, levels + 1) * (stop - start)).round().astype(int)
    for first, last in pairwise(bounds):
        seen = wanted[first:last] > 0
        told[first:last][seen] = max(held[first:last].sum(), 1e-3) / max(seen.sum(), 1)
    wanted, told = wanted / wanted.sum(), told / held.sum()
    where = wanted > 0
    return float((wanted[where] * np.log(wanted[where] / told[where])).sum())


@pytest.mark.parametrize("kind", ["laplace", "relu", "outlier", "normal"])
def test_entropy_finds_a_range_of_little_divergence(kind: str) -> None:
    values = drawn(kind)
    histogram = histogram_of(values)
    half = len(histogram.counts) // 2
    magnitudes = histogram.counts[half:] + histogram.counts[:half][::-1]
    magnitudes[0] -= histogram.zeros
    _, high = range_of(observed(values), Policy.ENTROPY, 99.99, 8, True)
    last = int(np.flatnonzero(magnitudes)[-1]) + 1
    tried = {stop: divergence(magnitudes, 0, stop, 128) for stop in range(128, last + 1, 16)}
    found = divergence(magnitudes, 0, min(round(high / histogram.width), last), 128)
    assert found <= min(tried.values()) * 1.2 + 1e-4
    assert max(tried.values()) > min(tried.values()) * 1.2 + 1e-4


def test_entropy_cuts_off_an_outlier() -> None:
    values = drawn("outlier")
    for symmetric in (False, True):
        assert range_of(observed(values), Policy.ENTROPY, 99.99, 8, symmetric)[1] < 60


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("policy", Policy)
@pytest.mark.parametrize("value", [0.0, 2.5, -3.0])
def test_a_constant_is_covered_exactly(policy: Policy, value: float, symmetric: bool) -> None:
    observation = observed(np.full(64, value, np.float32))
    low, high = range_of(observation, policy, 99.0, 8, symmetric)
    assert low <= min(value, 0)
    assert high >= max(value, 0)
    encoding = encoding_of(low, high, 8, symmetric)
    back = encoding.dequantize(encoding.quantize(np.array([value], np.float32)))
    assert back[0] == pytest.approx(value, abs=encoding.scale / 2)


@pytest.mark.parametrize("policy", Policy)
def test_two_values_and_one_sample_give_a_range(policy: Policy) -> None:
    low, high = range_of(observed(np.array([0, 0, 0, 4], np.float32)), policy, 99.99)
    assert low == 0
    assert 1 <= high <= 4


def test_what_clips_costs_what_the_histogram_says() -> None:
    """A range half as wide must be seen to be worse: the search does measure clipping."""
    values = drawn("uniform")
    low, high = range_of(observed(values), Policy.MSE)
    assert squared_error(values, low / 2, high / 2, 8, False) > 10 * squared_error(values, low, high, 8, False)


@pytest.mark.parametrize("policy", Policy)
def test_sixty_tensors_take_a_moment(policy: Policy) -> None:
    observations = [observed(drawn(kind, seed)) for kind in KINDS[:6] for seed in range(2)]

    def seconds() -> float:
        start = time.perf_counter()
        for observation in observations * 5:
            range_of(observation, policy)
        return time.perf_counter() - start

    assert statistics.median(seconds() for _ in range(3)) < 1.5
