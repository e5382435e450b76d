"""Histograms: the same whatever the order, the batches and the merging; bounded; never wrong about what is in them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from converters.compress.quantize.histogram import BINS, Channels, Histogram, NotFiniteError, histogram_of


def parts(seed: int) -> list[np.ndarray]:
    """Return arrays of very different magnitudes, with zeros, powers of two and tiny negative numbers among them."""
    generator = np.random.default_rng(seed)
    made = [(generator.standard_normal(997) * 2.0**power).astype(np.float32) for power in (-30, -3, 0, 4, 11)]
    special = [0.0, -0.0, 1.0, -1.0, 2048.0, -2048.0, 1e-30, -1e-30, 0.5, -0.25, 3e-39, -3e-39]
    return [*made, np.array(special, np.float32), np.zeros(17, np.float32)]


def same(first: Histogram, second: Histogram) -> bool:
    numbers = [(one.exponent, one.zeros, one.low, one.high, one.total) for one in (first, second)]
    return numbers[0] == numbers[1] and bool((first.counts == second.counts).all())


@pytest.mark.parametrize("seed", range(5))
def test_order_batches_and_merging_make_no_difference(seed: int) -> None:
    arrays = parts(seed)
    whole = histogram_of(np.concatenate(arrays))
    generator = np.random.default_rng(seed)
    one_by_one, merged = Histogram(), Histogram()
    for place in generator.permutation(len(arrays)):
        one_by_one.add(arrays[place])
    for place in generator.permutation(len(arrays)):
        merged.merge(histogram_of(arrays[place]))
    assert same(whole, one_by_one)
    assert same(whole, merged)
    merged.merge(histogram_of(np.array([0.1], np.float32)))
    assert not same(whole, merged)


@pytest.mark.parametrize("seed", range(3))
def test_counts_are_what_numpy_counts_between_the_same_edges(seed: int) -> None:
    values = np.concatenate(parts(seed))
    histogram = histogram_of(values)
    # In double precision, where these edges and values are exact; numpy counts the last edge in, which nothing reaches.
    expected, _ = np.histogram(values.astype(np.float64), bins=histogram.edges)
    assert (histogram.counts == expected).all()
    assert histogram.counts.sum() == histogram.total == values.size
    assert histogram.zeros == (values == 0).sum()
    assert (histogram.low, histogram.high) == (values.min(), values.max())


def test_the_reach_is_the_least_power_of_two_above_everything() -> None:
    for largest, exponent in ((0.9, 0), (1.0, 1), (-1.0, 1), (3.99, 2), (-4.0, 3), (1e-3, -9), (3e38, 128)):
        histogram = histogram_of(np.array([largest, 0], np.float32))
        assert histogram.exponent == exponent
        assert histogram.counts.sum() == 2


def test_large_arrays_are_counted_completely() -> None:
    values = np.random.default_rng(0).standard_normal(300_001).astype(np.float32)
    histogram = histogram_of(values.reshape(1, 1, -1))
    assert histogram.counts.sum() == 300_001
    assert len(histogram.counts) == BINS
    expected, _ = np.histogram(values.astype(np.float64), bins=histogram.edges)
    assert (histogram.counts == expected).all()


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_and_nothing_of_it_counted(wrong: float) -> None:
    histogram = histogram_of(np.ones(4, np.float32))
    with pytest.raises(NotFiniteError):
        histogram.add(np.array([1, wrong, 2], np.float32))
    assert same(histogram, histogram_of(np.ones(4, np.float32)))


def test_nothing_and_zeros_are_fine() -> None:
    histogram = Histogram()
    histogram.add(np.zeros((0, 3), np.float32))
    histogram.merge(Histogram())
    assert histogram.total == 0
    histogram.add(np.zeros(5, np.float32))
    assert (histogram.zeros, histogram.total, histogram.low, histogram.high) == (5, 5, 0.0, 0.0)
    histogram.add(np.full(3, 7.5, np.float32))
    assert (histogram.zeros, histogram.total, histogram.exponent) == (5, 8, 3)


def test_a_range_that_never_touches_zero_is_kept_as_it_is() -> None:
    histogram = histogram_of(np.array([2.0, 3.0], np.float32))
    histogram.merge(histogram_of(np.array([2.5, 6.0], np.float32)))
    assert (histogram.low, histogram.high) == (2.0, 6.0)


def _twice(values: Histogram) -> None:
    values.counts *= 2


def _moved(values: Histogram) -> None:
    values.counts[:] = np.roll(values.counts, 1)


@pytest.mark.parametrize("corrupt", [_twice, _moved])
def test_a_corrupted_histogram_is_told_apart(corrupt: Callable[[Histogram], None]) -> None:
    values = np.concatenate(parts(0))
    histogram = histogram_of(values)
    corrupt(histogram)
    assert not same(histogram, histogram_of(values))


@pytest.mark.parametrize(("shape", "axis"), [((2, 5, 7, 3), 1), ((2, 5), 1), ((2, 9, 5), -1)])
def test_channels_are_what_numpy_says(shape: tuple[int, ...], axis: int) -> None:
    generator = np.random.default_rng(1)
    arrays = [generator.standard_normal(shape).astype(np.float32) * scale for scale in (1, 10, 0.1)]
    channels, merged = Channels.empty(5), Channels.empty(5)
    for array in arrays:
        channels.add(array, axis)
        alone = Channels.empty(5)
        alone.add(array, axis)
        merged.merge(alone)
    together = np.concatenate([np.moveaxis(array, axis, 0).reshape(5, -1) for array in arrays], axis=1)
    for found in (channels, merged):
        assert (found.low == together.min(axis=1)).all()
        assert (found.high == together.max(axis=1)).all()
        assert found.count == together.shape[1]
        np.testing.assert_allclose(found.mean, together.astype(np.float64).mean(axis=1), rtol=1e-6, atol=1e-7)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(channels.mean, together.mean(axis=1) + 1e-4, rtol=1e-6, atol=1e-7)
