"""Whether an artifact does what the model does: outputs side by side, with limits that can fail.

Every comparison is relative to the *span* of an output: its largest minus its smallest value in the reference,
over the real and random samples. A sample whose own output is nearly constant is so judged on the scale of the
pictures it stands beside, not on its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from converters.plain import finite_or_null
from converters.runtimes.base import Array, Arrays


class SampleKind(StrEnum):
    """Where a sample comes from. Only the first two look like what the model was made for."""

    REAL = "real"
    RANDOM = "random"
    CONSTANT = "constant"
    EXTREME = "extreme"


@dataclass(frozen=True)
class Sample:
    """One feed of a model and where it came from."""

    name: str
    kind: SampleKind
    feeds: Arrays


@dataclass(frozen=True)
class Limits:
    """What an output may differ by.

    Attributes:
        largest: largest absolute difference, as a fraction of the output's span.
        psnr: least peak signal-to-noise ratio in dB, the peak being the span.
        agreement: least fraction of equal elements, for integer and boolean outputs.
    """

    largest: float
    psnr: float
    agreement: float


# The limits of real and random samples. fp32: right files of a 138-million-parameter swapper differ by up to 9.5e-5,
# from sums of 9,216 products in another order; the smallest real fault met so far made 1e-3. int8 weights are judged by
# PSNR alone in effect: one pixel of a sharp edge may move far without anyone seeing it.
LIMITS: Mapping[str, Limits] = {
    "fp32": Limits(largest=2e-4, psnr=90.0, agreement=0.999),
    "fp16": Limits(largest=0.1, psnr=40.0, agreement=0.99),
    "int8-weights": Limits(largest=0.5, psnr=28.0, agreement=0.95),
    "int8": Limits(largest=0.5, psnr=35.0, agreement=0.95),
    "int4-weights": Limits(largest=1.0, psnr=18.0, agreement=0.9),
    "int8-dynamic": Limits(largest=0.5, psnr=28.0, agreement=0.95),
    "palette": Limits(largest=0.5, psnr=24.0, agreement=0.9),
}
# Constant and extreme pictures drive normalisation to divide rounding noise by almost nothing, in the original as
# well: they must stay finite and near, not equal. How near is further widened by what rounding of that precision does
# to the original itself, see `compare_output`.
_UNUSUAL: Mapping[str, Limits] = {
    "fp32": Limits(largest=1e-2, psnr=60.0, agreement=0.99),
    "fp16": Limits(largest=0.5, psnr=28.0, agreement=0.95),
    "int8-weights": Limits(largest=0.75, psnr=20.0, agreement=0.9),
    "int8": Limits(largest=0.75, psnr=20.0, agreement=0.9),
    "int4-weights": Limits(largest=1.25, psnr=12.0, agreement=0.8),
    "int8-dynamic": Limits(largest=0.75, psnr=20.0, agreement=0.9),
    "palette": Limits(largest=1.0, psnr=15.0, agreement=0.8),
}


# By how much an input is moved to learn what rounding does to the original: some 64 times half a unit in the last place
# (for int8, of the largest weight), because sums of hundreds of products round that much more than one number does.
ROUNDINGS: Mapping[str, float] = {
    "fp32": 2.0**-18,
    "fp16": 2.0**-11,
    "int8-weights": 2.0**-7,
    "int8": 2.0**-7,
    "int4-weights": 2.0**-4,
    "int8-dynamic": 2.0**-7,
    "palette": 2.0**-4,
}
# An artifact rounds in every layer and every weight, the perturbed original only at its input.
_RESPONSE_MARGIN = 16.0
# However little the original itself means on such a sample: a span and a half beside it is not a rounded result.
_WIDEST = Limits(largest=1.5, psnr=6.0, agreement=0.5)


def limits_for(precision: str, kind: SampleKind) -> Limits:
    """Return the limits of one precision for one kind of sample."""
    return (LIMITS if kind in (SampleKind.REAL, SampleKind.RANDOM) else _UNUSUAL)[precision]


@dataclass(frozen=True)
class OutputDifference:
    """One output of one sample, compared.

    Attributes:
        sample, kind, output: which.
        largest: largest absolute difference, in the output's own unit.
        relative: the same as a fraction of the output's span.
        psnr: dB, infinite when equal.
        cosine: between the flattened arrays, 1 for equal ones.
        agreement: fraction of equal elements.
        count: number of elements compared.
        complaint: why this fails, empty when it passes.
    """

    sample: str
    kind: SampleKind
    output: str
    largest: float
    relative: float
    psnr: float
    cosine: float
    agreement: float
    count: int
    complaint: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain data; what is not finite becomes null."""
        return finite_or_null(asdict(self))

    @property
    def severity(self) -> float:
        """A number by which the worst difference is found: larger is worse."""
        return math.inf if math.isnan(self.relative) else self.relative


@dataclass(frozen=True)
class Verification:
    """An artifact's outputs against the model's.

    Attributes:
        precision: whose limits were applied.
        differences: one per sample and output.
        samples: how many samples were run.
        values: how many numbers were compared.
        notes: sentences, such as where the time budget ended the work.
    """

    precision: str
    differences: tuple[OutputDifference, ...]
    samples: int
    values: int
    notes: tuple[str, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether something was compared and nothing failed."""
        return bool(self.differences) and not self.failures

    @property
    def failures(self) -> tuple[OutputDifference, ...]:
        """What failed: real and random samples first, because they say more, and of those the worst first."""
        failed = [difference for difference in self.differences if difference.complaint]
        usual = (SampleKind.REAL, SampleKind.RANDOM)
        return tuple(sorted(failed, key=lambda difference: (difference.kind not in usual, -difference.severity)))

    @property
    def worst(self) -> OutputDifference:
        """The worst difference: among the failures if there are any, otherwise among the usual samples."""
        if self.failures:
            return self.failures[0]
        usual = [item for item in self.differences if item.kind in (SampleKind.REAL, SampleKind.RANDOM)]
        return max(usual or self.differences, key=lambda difference: difference.severity)

    def to_json(self) -> dict[str, Any]:
        """Return plain data for the report; infinite decibels (no difference at all) become null."""
        return {
            "passed": self.passed,
            "precision": self.precision,
            "samples": self.samples,
            "values": self.values,
            "worst": self.worst.to_json() if self.differences else None,
            "failures": [item.to_json() for item in self.failures],
            "differences": [item.to_json() for item in self.differences],
            "notes": list(self.notes),
        }


def spans(references: Sequence[tuple[SampleKind, Arrays]]) -> dict[str, float]:
    """Return each output's span: its largest minus its smallest finite value over the real and random samples.

    Constants and extremes can drive a network anywhere and would make everything else look small; they count only for
    outputs that are constant on all other samples.
    """
    usual = _spans_of([results for kind, results in references if kind in (SampleKind.REAL, SampleKind.RANDOM)])
    every = _spans_of([results for _, results in references])
    return {name: usual.get(name) or span for name, span in every.items()}


def _spans_of(references: Sequence[Arrays]) -> dict[str, float]:
    lowest: dict[str, float] = {}
    highest: dict[str, float] = {}
    for results in references:
        for name, array in results.items():
            values = np.asarray(array, dtype=np.float64)
            values = values[np.isfinite(values)]
            if values.size:
                lowest[name] = min(lowest.get(name, math.inf), float(values.min()))
                highest[name] = max(highest.get(name, -math.inf), float(values.max()))
    return {name: highest[name] - lowest[name] for name in lowest}


def compare_output(
    sample: Sample,
    output: str,
    reference: Array,
    candidate: Array,
    span: float,
    precision: str,
    response: Array | None = None,
) -> OutputDifference:
    """Compare one output of one sample.

    A normalisation layer divides by the deviation of its input. On a constant picture that deviation is rounding
    noise, and the original's own result means little: `response` shows how much, and the limits of constant and
    extreme samples widen accordingly. Values that are not finite fail all the same.

    Args:
        sample: which sample was run.
        output: the output's name.
        reference, candidate: the model's and the artifact's result, in the graph's layout.
        span: of this output, see `spans`.
        precision: whose limits apply.
        response: what the original makes of this sample when its input is rounded to `precision`; heeded for
            constant and extreme samples only, None when it was not measured.
    """

    def result(complaint: str, **measured: float) -> OutputDifference:
        values: dict[str, float] = {
            "largest": math.nan,
            "relative": math.nan,
            "psnr": math.nan,
            "cosine": math.nan,
            "agreement": math.nan,
        }
        values.update(measured)
        return OutputDifference(
            sample.name, sample.kind, output, count=int(candidate.size), complaint=complaint, **values
        )

    if candidate.shape != reference.shape:
        return result(f"has shape {candidate.shape} instead of {reference.shape}")
    if candidate.dtype.kind != reference.dtype.kind and not _same_numbers(candidate.dtype, reference.dtype):
        return result(f"has dtype {candidate.dtype} instead of {reference.dtype}")
    wide_reference = reference.astype(np.float64)
    wide_candidate = candidate.astype(np.float64)
    strange = int(np.count_nonzero(~np.isfinite(wide_candidate) & np.isfinite(wide_reference)))
    if strange:
        return result(f"has {strange} values that are not finite where the model's are")
    usable = np.isfinite(wide_reference)
    difference = np.abs(wide_candidate - wide_reference)[usable]
    largest = float(difference.max(initial=0.0))
    scale = span if span > 0 else 1.0
    mean_square = float(np.mean(np.square(difference / scale))) if difference.size else 0.0
    measured = {
        "largest": largest,
        "relative": largest / scale,
        "psnr": -10 * math.log10(mean_square) if mean_square > 0 else math.inf,
        "cosine": _cosine(wide_reference[usable], wide_candidate[usable]),
        "agreement": float(np.mean(difference == 0)) if difference.size else 1.0,
    }
    limits = limits_for(precision, sample.kind)
    if response is not None and sample.kind in (SampleKind.CONSTANT, SampleKind.EXTREME):
        limits = _widened(limits, (response.astype(np.float64) - wide_reference)[usable] / scale)
    if reference.dtype.kind in "iub":
        wrong = measured["agreement"] < limits.agreement
        return result(f"agrees in {measured['agreement']:.1%} of its elements only" if wrong else "", **measured)
    if measured["relative"] > limits.largest:
        complaint = f"differs by {measured['relative']:.2e} of its span, {limits.largest:.0e} is allowed"
        return result(complaint, **measured)
    if measured["psnr"] < limits.psnr:
        return result(f"reaches a PSNR of {measured['psnr']:.1f} dB, {limits.psnr:.0f} is needed", **measured)
    return result("", **measured)


def _widened(limits: Limits, response: npt.NDArray[np.float64]) -> Limits:
    """Widen limits to what the original does to itself under rounding, with a margin; `response` is in spans."""
    mean_square = float(np.mean(np.square(response))) if response.size else 0.0
    changed = float(np.mean(response != 0)) if response.size else 0.0
    own_psnr = -10 * math.log10(mean_square) if mean_square > 0 else math.inf
    return Limits(
        largest=max(limits.largest, min(_RESPONSE_MARGIN * float(np.abs(response).max(initial=0.0)), _WIDEST.largest)),
        psnr=min(limits.psnr, max(own_psnr - 20 * math.log10(_RESPONSE_MARGIN), _WIDEST.psnr)),
        agreement=min(limits.agreement, max(1 - _RESPONSE_MARGIN * changed, _WIDEST.agreement)),
    )


def _same_numbers(candidate: npt.DTypeLike, reference: npt.DTypeLike) -> bool:
    """Whether a target's narrower kind holds the reference's kind (MNN and Core ML have no booleans at the edge)."""
    return np.dtype(reference).kind in "iub" and np.dtype(candidate).kind in "iubf"


def _cosine(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    if lengths == 0:
        return 1.0 if np.array_equal(one, other) else 0.0
    return float(np.dot(one.ravel(), other.ravel()) / lengths)
