"""FLIP, PSNR and SSIM: against formulas written out, their ranges, and twins that must fail."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from converters.errors import BadInputError
from converters.measure.flip import flip
from converters.measure.image import psnr, ssim
from tests.measure.drawn import blurred, noisy, portrait

MEASURES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "FLIP": lambda one, other: flip(one, other)[0],
    "PSNR": psnr,
    "SSIM": ssim,
}


def ssim_written_out(one: np.ndarray, other: np.ndarray) -> float:
    """Wang's formula, window by window, in double precision."""
    place = np.arange(-5, 6)
    line = np.exp(-(place**2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2
    found = []
    for channel in range(3):
        x, y = (picture[..., channel].astype(np.float64) / 255 for picture in (one, other))
        xs, ys = (np.lib.stride_tricks.sliding_window_view(plane, (11, 11)) for plane in (x, y))

        def mean(values: np.ndarray) -> np.ndarray:
            return np.einsum("ijkl,kl->ij", values, window)

        mx, my = mean(xs), mean(ys)
        vx = mean((xs - mx[..., None, None]) ** 2)
        vy = mean((ys - my[..., None, None]) ** 2)
        cxy = mean((xs - mx[..., None, None]) * (ys - my[..., None, None]))
        c1, c2 = 0.01**2, 0.03**2
        found.append(((2 * mx * my + c1) * (2 * cxy + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean())
    return float(np.mean(found))


@pytest.mark.parametrize("damage", [0.8, 3.0])
def test_ssim_is_wangs_formula(damage: float) -> None:
    one = portrait(side=48)
    other = noisy(blurred(one, damage), 5)
    written_out = ssim_written_out(one, other)
    assert 0 < written_out < 1
    assert ssim(one, other) == pytest.approx(written_out, abs=1e-5)
    # the twin: unweighted windows, as some programs take, give another number
    assert ssim(one, noisy(blurred(one, damage * 1.02), 5.1)) != pytest.approx(written_out, abs=1e-5)


def test_psnr_is_its_formula() -> None:
    one = np.full((20, 30, 3), 100, np.uint8)
    other = one.copy()
    other[..., 1] += 10
    assert psnr(one, other) == pytest.approx(20 * math.log10(255 / 10) + 10 * math.log10(3), abs=1e-4)
    other[0, 0, 0] += 40
    assert psnr(one, other) != pytest.approx(20 * math.log10(255 / 10) + 10 * math.log10(3), abs=1e-4)


def test_equal_pictures() -> None:
    one = portrait()
    mean, spatial = flip(one, one)
    assert mean == 0
    assert not spatial.any()
    assert psnr(one, one) == math.inf
    assert ssim(one, one) == pytest.approx(1, abs=1e-6)
    assert ssim(one, noisy(one, 2)) < 1 - 1e-3


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("worse", [blurred, noisy])
def test_more_damage_measures_as_worse(name: str, worse: Callable[[np.ndarray, float], np.ndarray]) -> None:
    amounts = (0.7, 1.4, 2.8) if worse is blurred else (4, 8, 16)
    values = [MEASURES[name](portrait(), worse(portrait(), amount)) for amount in amounts]
    assert values == sorted(values, reverse=name != "FLIP")
    assert len(set(values)) == 3


@pytest.mark.parametrize("name", MEASURES)
def test_floats_and_bytes_agree(name: str) -> None:
    one, other = portrait(), noisy(portrait(), 10)
    measured = MEASURES[name](one, other)
    assert MEASURES[name](one.astype(np.float64) / 255, other / np.float32(255)) == pytest.approx(measured, rel=1e-5)
    assert MEASURES[name](one, noisy(portrait(), 11)) != pytest.approx(measured, rel=1e-5)


def test_flip_recorded_and_bounded() -> None:
    one, other = portrait(), noisy(portrait(), 20)
    mean, spatial = flip(one, other)
    assert spatial.shape == (128, 128)
    assert spatial.dtype == np.float32
    assert mean == pytest.approx(float(spatial.mean()), abs=1e-4)
    assert mean == pytest.approx(0.150234, abs=1e-4)  # recorded
    assert flip(one, noisy(portrait(), 21))[0] != pytest.approx(0.150234, abs=1e-4)
    black, white = np.zeros((32, 32, 3), np.uint8), np.full((32, 32, 3), 255, np.uint8)
    assert 0.9 < flip(black, white)[0] <= 1
    # nearer to the screen more of the grain is seen
    assert flip(one, other, pixels_per_degree=30)[0] > mean > flip(one, other, pixels_per_degree=150)[0]


def test_flip_says_where() -> None:
    one = portrait()
    other = one.copy()
    other[:32, :32] = 255 - other[:32, :32]
    _, spatial = flip(one, other)
    assert spatial[:28, :28].mean() > 20 * max(float(spatial[64:, 64:].mean()), 1e-6)


def test_floats_out_of_range_do_not_leave_flips_range() -> None:
    one = np.full((32, 32, 3), -0.5, np.float32)
    assert 0 <= flip(one, np.full_like(one, 1.5))[0] <= 1


@pytest.mark.parametrize("name", MEASURES)
def test_wrong_pictures_get_a_sentence(name: str) -> None:
    measure = MEASURES[name]
    with pytest.raises(BadInputError, match=f"{name} compares pictures of one size"):
        measure(np.zeros((32, 64, 3), np.uint8), np.zeros((64, 32, 3), np.uint8))
    broken = np.zeros((32, 32, 3), np.float32)
    broken[3, 4, 1] = np.inf
    with pytest.raises(BadInputError, match="not finite"):
        measure(np.zeros_like(broken), broken)
    with pytest.raises(ValueError, match="no picture"):
        measure(np.zeros((32, 32, 3), np.int32), np.zeros((32, 32, 3), np.int32))


def test_limits_of_each() -> None:
    with pytest.raises(BadInputError, match="at least 11 x 11"):
        ssim(np.zeros((10, 20, 3), np.uint8), np.zeros((10, 20, 3), np.uint8))
    with pytest.raises(ValueError, match="positive"):
        flip(portrait(), portrait(), pixels_per_degree=0)
