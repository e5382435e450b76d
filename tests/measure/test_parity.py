"""Limits that can fail: everything that passes here has a twin that is corrupted and fails."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from converters.measure.parity import (
    LIMITS,
    OutputDifference,
    Sample,
    SampleKind,
    Verification,
    compare_output,
    limits_for,
    spans,
)

SAMPLE = Sample("a picture", SampleKind.REAL, {})
PRECISIONS = tuple(LIMITS)


@pytest.fixture
def reference() -> np.ndarray:
    return np.random.default_rng(0).uniform(-2, 3, (1, 3, 16, 16)).astype(np.float32)


def compared(reference: np.ndarray, candidate: np.ndarray, precision: str) -> OutputDifference:
    return compare_output(
        SAMPLE, "output", reference, candidate, spans([(SampleKind.REAL, {"output": reference})])["output"], precision
    )


@pytest.mark.parametrize("precision", PRECISIONS)
def test_equal_outputs_pass(reference: np.ndarray, precision: str) -> None:
    difference = compared(reference, reference.copy(), precision)
    assert difference.complaint == ""
    assert difference.largest == 0
    assert difference.psnr == math.inf
    assert difference.agreement == 1


@pytest.mark.parametrize("precision", PRECISIONS)
def test_noise_within_the_limit_passes_and_beyond_it_fails(reference: np.ndarray, precision: str) -> None:
    noise = np.random.default_rng(1).standard_normal(reference.shape).astype(np.float32)
    allowed = float(np.ptp(reference)) * 10 ** (-LIMITS[precision].psnr / 20)
    assert compared(reference, reference + 0.2 * allowed * noise, precision).complaint == ""
    assert "PSNR" in compared(reference, reference + 2.0 * allowed * noise, precision).complaint or precision == "fp32"
    assert compared(reference, reference + 4.0 * allowed * noise, precision).complaint


@pytest.mark.parametrize("precision", PRECISIONS)
def test_one_wild_value_fails(reference: np.ndarray, precision: str) -> None:
    wild = reference.copy()
    wild[0, 0, 0, 0] += LIMITS[precision].largest * 1.5 * float(np.ptp(reference))
    assert "of its span" in compared(reference, wild, precision).complaint


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_values_that_are_not_finite_fail(reference: np.ndarray, strange: float, precision: str) -> None:
    broken = reference.copy()
    broken[0, 1, 2, 3] = strange
    assert "not finite" in compared(reference, broken, precision).complaint


def test_changed_shape_or_dtype_fails(reference: np.ndarray) -> None:
    assert "shape" in compared(reference, reference[:, :, :8], "int8-weights").complaint
    assert "dtype" in compared(reference, reference.astype(np.int32), "int8-weights").complaint


def test_swapped_channels_fail(reference: np.ndarray) -> None:
    for precision in PRECISIONS:
        assert compared(reference, reference[:, ::-1].copy(), precision).complaint


def test_integer_outputs_are_judged_by_agreement() -> None:
    classes = np.arange(10_000, dtype=np.int64).reshape(1, 100, 100) % 19
    other = classes.copy()
    other[0, :4] += 1
    assert compare_output(SAMPLE, "classes", classes, classes.astype(np.int32), 18, "fp32").complaint == ""
    assert "agrees" in compare_output(SAMPLE, "classes", classes, other, 18, "fp32").complaint


def test_unusual_samples_have_wider_limits_which_can_fail_too() -> None:
    for precision in PRECISIONS:
        usual, unusual = limits_for(precision, SampleKind.REAL), limits_for(precision, SampleKind.CONSTANT)
        assert unusual.psnr < usual.psnr
        reference = np.random.default_rng(2).random((1, 3, 8, 8)).astype(np.float32)
        constant = Sample("black", SampleKind.CONSTANT, {})
        assert compare_output(constant, "output", reference, np.zeros_like(reference), 1.0, precision).complaint


def test_a_constant_output_is_judged_on_the_scale_of_the_others() -> None:
    picture = np.random.default_rng(3).random((1, 3, 8, 8)).astype(np.float32)
    grey = np.full_like(picture, 0.5)
    span = spans([(SampleKind.REAL, {"output": picture}), (SampleKind.REAL, {"output": grey})])["output"]
    assert span == pytest.approx(np.ptp(picture), abs=1e-6)
    assert compare_output(SAMPLE, "output", grey, grey + 1e-5, span, "fp32").complaint == ""
    assert compare_output(SAMPLE, "output", grey, grey + 1e-2, span, "fp32").complaint


def test_a_verification_of_nothing_does_not_pass() -> None:
    assert not Verification("fp32", (), 0, 0).passed


def test_the_worst_sample_is_named(reference: np.ndarray) -> None:
    slightly = compare_output(Sample("one", SampleKind.REAL, {}), "output", reference, reference + 1e-6, 5.0, "fp32")
    badly = compare_output(Sample("two", SampleKind.REAL, {}), "output", reference, reference + 1.0, 5.0, "fp32")
    verification = Verification("fp32", (slightly, badly), 2, 2 * reference.size)
    assert not verification.passed
    assert verification.worst.sample == "two"
    assert verification.to_json()["failures"][0]["sample"] == "two"


def test_the_originals_own_response_to_rounding_widens_the_limits_of_unusual_samples_only() -> None:
    generator = np.random.default_rng(4)
    reference = generator.random((1, 3, 8, 8)).astype(np.float32)
    shaky = reference + generator.uniform(-0.05, 0.05, reference.shape).astype(np.float32)
    candidate = reference + generator.uniform(-0.3, 0.3, reference.shape).astype(np.float32)
    constant = Sample("black", SampleKind.CONSTANT, {})
    assert compare_output(constant, "output", reference, candidate, 1.0, "fp16").complaint
    assert compare_output(constant, "output", reference, candidate, 1.0, "fp16", shaky).complaint == ""
    assert compare_output(constant, "output", reference, candidate, 1.0, "fp16", reference.copy()).complaint
    assert compare_output(SAMPLE, "output", reference, candidate, 1.0, "fp16", shaky).complaint
    candidate[0, 0, 0, 0] = np.nan
    assert compare_output(constant, "output", reference, candidate, 1.0, "fp16", shaky).complaint


def test_an_odd_sample_does_not_make_the_others_look_small(reference: np.ndarray) -> None:
    wild = {"output": np.full_like(reference, 1e5)}
    span = spans([(SampleKind.REAL, {"output": reference}), (SampleKind.CONSTANT, wild)])["output"]
    assert span == pytest.approx(np.ptp(reference), rel=1e-6)
    assert compare_output(SAMPLE, "output", reference, 1 - reference, span, "int8-weights").complaint


def test_even_the_widest_limits_can_fail() -> None:
    reference = np.random.default_rng(5).random((1, 3, 8, 8)).astype(np.float32)
    black = Sample("black", SampleKind.CONSTANT, {})
    chaos = reference + 10
    for precision in PRECISIONS:
        assert compare_output(black, "output", reference, reference + 3, 1.0, precision, chaos).complaint
    classes = np.zeros((1, 64, 64), np.int64)
    assert compare_output(black, "classes", classes, classes + 1, 1.0, "fp32", classes + 1).complaint


def test_reports_hold_no_number_that_json_lacks(reference: np.ndarray) -> None:
    equal = compared(reference, reference.copy(), "fp32")
    broken = compared(reference, np.full_like(reference, np.nan), "fp32")
    verification = Verification("fp32", (equal, broken), 1, reference.size)
    text = json.dumps(verification.to_json(), allow_nan=False)
    assert json.loads(text)["worst"]["psnr"] is None
