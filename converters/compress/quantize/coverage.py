"""What a calibration set covers, and what it lacks: int8 fails exactly on the people left out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from converters.compress.quantize.calibration import CalibrationSet
from converters.compress.quantize.coverage_colour import Tone
from converters.compress.quantize.coverage_figures import Figures, measure_sample
from converters.compress.quantize.coverage_likeness import (
    Duplicate,
    Outlier,
    Thumbnail,
    duplicates,
    outliers,
    thumbnail_of,
)
from converters.compress.quantize.coverage_words import missing, remarks
from converters.errors import UnsupportedError
from converters.progress import Progress

if TYPE_CHECKING:
    from converters.compress.quantize.observe import Observations
    from converters.face.landmarks.base import Landmarker

COVERAGE_VERSION: Final = 1
_MEASURES: Final = ("brightness", "light", "contrast", "angle", "yaw", "pitch", "roll", "sharpness")


@dataclass(frozen=True)
class Coverage:
    """What was measured of a calibration set.

    Attributes:
        origin: of the set.
        figures: one for each sample, in the set's order.
        has_faces: whether the samples are faces; otherwise skin and pose do not apply.
        duplicates: samples that are nearly like an earlier one.
        outliers: samples that alone widen many ranges, the worst first.
        sentences: what is missing, the most important first; one that says so where nothing is.
        remarks: how the figures are to be read.
    """

    origin: str
    figures: tuple[Figures, ...]
    has_faces: bool
    duplicates: tuple[Duplicate, ...]
    outliers: tuple[Outlier, ...]
    sentences: tuple[str, ...]
    remarks: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain data: counts, the spread of every measure, and the figures of every sample."""
        names = [figures.name for figures in self.figures]
        twins = {each.second: each for each in self.duplicates}
        far = {each.place: each for each in self.outliers}
        samples = [
            {
                **figures.to_json(),
                "duplicate_of": names[twins[place].first] if place in twins else None,
                "widens": far[place].tensors if place in far else 0,
            }
            for place, figures in enumerate(self.figures)
        ]
        return {
            "version": COVERAGE_VERSION,
            "origin": self.origin,
            "count": len(self.figures),
            "has_faces": self.has_faces,
            "sentences": list(self.sentences),
            "remarks": list(self.remarks),
            "tones": {tone.value: sum(each.tone is tone for each in self.figures) for tone in Tone},
            "measures": {name: spread_of(getattr(each, name) for each in self.figures) for name in _MEASURES},
            "duplicates": [
                {"first": names[each.first], "second": names[each.second], "likeness": round(each.likeness, 4)}
                for each in self.duplicates
            ],
            "outliers": [
                {
                    "name": names[each.place],
                    "tensors": each.tensors,
                    "of": each.of,
                    "widening": _rounded(each.widening, 3),
                    "score": _rounded(each.score, 1),
                }
                for each in self.outliers
            ],
            "samples": samples,
        }


def _rounded(value: float, digits: int) -> float | None:
    """Return a number for JSON, which knows no infinite ones: what all but one sample leave at 0 is widened so."""
    return round(value, digits) if math.isfinite(value) else None


def spread_of(values: Iterable[float | None]) -> dict[str, float] | None:
    """Return lowest, 10 %, median, 90 %, highest and how many; None where nothing was measured."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    low, tenth, middle, ninetieth, high = np.percentile(known, [0, 10, 50, 90, 100])
    named = {"lowest": low, "p10": tenth, "median": middle, "p90": ninetieth, "highest": high}
    return {**{key: round(float(value), 1) for key, value in named.items()}, "count": len(known)}


def coverage(
    samples: CalibrationSet, observations: Observations | None = None, progress: Progress | None = None
) -> Coverage:
    """Measure a calibration set.

    Args:
        samples: read one by one.
        observations: of the same samples, for outliers; None for none.
        progress: told after every sample.

    Raises:
        BadInputError: a picture of the set can no longer be read.
        ValueError: the observations are of other samples, a bug of the caller.
    """
    progress = progress or Progress()
    figures: list[Figures] = []
    thumbnails: list[Thumbnail | None] = []
    has_faces = False
    with ExitStack() as stack:
        landmarker: Landmarker | None = None
        for place, sample in enumerate(samples):
            progress("Measuring coverage", place / len(samples), sample.name)
            if sample.points is not None and not has_faces:
                has_faces = True
                landmarker = _landmarker(stack)
            found, shown = measure_sample(sample, landmarker)
            figures.append(found)
            thumbnails.append(thumbnail_of(shown) if shown is not None else None)
    twins = duplicates(thumbnails, [each.brightness for each in figures], progress)
    far: tuple[Outlier, ...] = ()
    if observations is not None:
        far = _placed(outliers(observations.per_sample), observations, figures)
    measured = Coverage(samples.origin, tuple(figures), has_faces, twins, far, (), ())
    return replace(
        measured,
        sentences=missing(measured.figures, has_faces, twins, far),
        remarks=remarks(measured.figures, has_faces, landmarker is not None),
    )


def _placed(far: Sequence[Outlier], observations: Observations, figures: Sequence[Figures]) -> tuple[Outlier, ...]:
    """Return outliers by their places in the set: equal samples were observed once, under the first one's name."""
    places = {each.name: place for place, each in reversed(list(enumerate(figures)))}
    unknown = [name for name in observations.samples if name not in places]
    if unknown:
        raise ValueError(f"observations of other samples: {', '.join(unknown[:5])}")
    return tuple(replace(each, place=places[observations.samples[each.place]]) for each in far)


def _landmarker(stack: ExitStack) -> Landmarker | None:
    from converters.face.landmarks.registry import open_landmarker

    try:
        return stack.enter_context(open_landmarker(None))
    except UnsupportedError:  # the remarks say what could not be measured
        return None
