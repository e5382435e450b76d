"""The measures of a comparison: their names, units and directions, and how each output is judged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from converters.errors import BadInputError
from converters.face.embed import cosine
from converters.measure.flip import flip
from converters.measure.image import psnr, ssim
from converters.measure.landmark import displacement
from converters.measure.lpips import LEAST_SIDE, Lpips
from converters.measure.pictures import Values
from converters.model.signature import Role, TensorInfo
from converters.runtimes.base import Array

_SSIM_SIDE = 11
_LANDMARKS = 68


@dataclass(frozen=True)
class Measure:
    """One measure.

    Attributes:
        title: for people.
        unit: "" for none.
        higher_is_better: whether a larger value means nearer to the original.
        digits: after the point.
        help: what it says, one sentence.
    """

    title: str
    unit: str
    higher_is_better: bool
    digits: int
    help: str

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "lpips": Measure("LPIPS", "", False, 4, "How different the pictures look to people; 0 for equal ones."),
        "flip": Measure("FLIP", "", False, 4, "What one notices when the pictures alternate on a screen; 0 to 1."),
        "psnr": Measure("PSNR", "dB", True, 1, "How near the pixels are; above 40 dB differences are hard to see."),
        "ssim": Measure("SSIM", "", True, 5, "How alike the local structure is; 1 for equal pictures."),
        "identity": Measure("Same person", "", True, 4, "Cosine between the faces drawn by the two models."),
        "source_original": Measure("Source, original", "", True, 3, "Cosine between its face and the source's."),
        "source_candidate": Measure("Source, candidate", "", True, 3, "Cosine between its face and the source's."),
        "source_drop": Measure("Identity lost", "", False, 4, "By how much the cosine to the source fell."),
        "largest": Measure("Largest difference", "", False, 4, "As a fraction of the output's span."),
        "mean": Measure("Mean difference", "", False, 4, "As a fraction of the output's span."),
        "span_psnr": Measure("PSNR", "dB", True, 1, "The peak being the output's span over all pictures."),
        "cosine": Measure("Cosine", "", True, 5, "Between the two embeddings of one picture."),
        "displacement": Measure(
            "Landmark displacement", "", False, 4, "Mean way of a face's 68 points, over the distance of the eyes."
        ),
    }
)


def judge_pictures(
    one: Values, other: Values, lpips: Lpips, *, is_thorough: bool = True
) -> tuple[dict[str, float], dict[str, Array]]:
    """Return the measures of two pictures, and by "flip" and "lpips" where they come from.

    The LPIPS map is there where the pictures are large enough for it.

    Args:
        one, other: of one size.
        lpips: open.
        is_thorough: False for LPIPS and PSNR alone, without maps, a third of the time.
    """
    found: dict[str, float] = {}
    maps: dict[str, Array] = {}
    if not is_thorough:
        found["psnr"] = psnr(one, other)
        if min(one.shape[:2]) >= LEAST_SIDE:
            found["lpips"] = lpips.distance(one, other)
        return found, maps
    found["flip"], maps["flip"] = flip(one, other)
    found["psnr"] = psnr(one, other)
    if min(one.shape[:2]) >= LEAST_SIDE:
        found["lpips"], maps["lpips"] = lpips.map(one, other)
    if min(one.shape[:2]) >= _SSIM_SIDE:
        found["ssim"] = ssim(one, other)
    return found, maps


def judge_numbers(one: Array, other: Array, span: float, tensor: TensorInfo) -> dict[str, float]:
    """Return the measures of an output that is no picture; NaN where the candidate is not finite.

    Args:
        one, other: the original's and the candidate's, of one shape.
        span: of this output over all pictures; 0 counts as 1.
        tensor: the original's output.
    """
    wide_one, wide_other = one.astype(np.float64), other.astype(np.float64)
    usable = np.isfinite(wide_one)
    difference = np.abs(wide_other - wide_one)[usable] / (span or 1.0)
    if not np.isfinite(difference).all():
        found = {"largest": math.nan, "mean": math.nan, "span_psnr": math.nan}
    else:
        mean_square = float(np.mean(np.square(difference))) if difference.size else 0.0
        found = {
            "largest": float(difference.max(initial=0.0)),
            "mean": float(difference.mean()) if difference.size else 0.0,
            "span_psnr": -10 * math.log10(mean_square) if mean_square > 0 else math.inf,
        }
    if tensor.role is Role.EMBEDDING:
        found["cosine"] = _or_nan(lambda: cosine(*(each.ravel().astype(np.float32) for each in (one, other))))
    if tensor.role is Role.LANDMARKS and one.size == 2 * _LANDMARKS:
        points = (_LANDMARKS, 2)
        found["displacement"] = _or_nan(lambda: displacement(wide_one.reshape(points), wide_other.reshape(points)))
    return found


def _or_nan(measure: Any) -> float:
    try:
        return float(measure())
    except BadInputError:  # broken numbers: they are the candidate's worst result, not the end of the comparison
        return math.nan
