"""Samples that show nearly the same, and samples that alone decide how wide ranges are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from converters.face.faces import Picture
from converters.progress import Progress

TITLE: Final = "Comparing samples"
Thumbnail = npt.NDArray[np.float32]
"""Grey pixels, mean 0, length 1."""
_SIDE: Final = 24
_LIKE: Final = 0.955
"""Of thumbnails' cosines. Aligned faces: different pictures of 400 people reach .914, a JPEG of quality 60 stays above
.9995, a shift by two of 128 pixels has .97 in the middle."""
_SAME_LIGHT: Final = 8.0
"""L* by which near-duplicates may differ: the same face in other light is another sample."""
_FLAT: Final = 1e-3

_LEAST_SAMPLES: Final = 5
_WIDER: Final = 0.1
_MANY: Final = 0.1
_LEAST_TENSORS: Final = 3
_FAR: Final = 3.5
"""Modified z-score beyond which a value is an outlier (Iglewicz and Hoaglin, 1993, who suggest it)."""
_TO_DEVIATION: Final = 0.6745  # median absolute deviation of a normal distribution, in standard deviations


@dataclass(frozen=True)
class Duplicate:
    """Two samples that show nearly the same.

    Attributes:
        first, second: places in the set; each sample is `second` at most once, with the earlier one most like it.
        likeness: cosine of their thumbnails, to 1.
    """

    first: int
    second: int
    likeness: float


@dataclass(frozen=True)
class Outlier:
    """A sample without which many ranges would be narrower.

    Attributes:
        place: in the set.
        tensors: how many ranges it alone widens by a tenth or more.
        of: how many there are.
        widening: the median of those widenings; 0.5 for half again as wide.
        score: the largest modified z-score of its extremes.
    """

    place: int
    tensors: int
    of: int
    widening: float
    score: float


def thumbnail_of(picture: Picture) -> Thumbnail:
    """Return what two pictures are compared by (24 x 24, flattened): where it is lighter and darker than on average."""
    import cv2

    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    small = np.asarray(cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.float32).reshape(-1)
    centred = small - small.mean()
    length = float(np.linalg.norm(centred))
    # pictures of one colour are alike
    return centred / np.float32(length) if length > _FLAT * small.size else np.full_like(small, 1 / _SIDE)


def duplicates(
    thumbnails: Sequence[Thumbnail | None], brightness: Sequence[float | None], progress: Progress | None = None
) -> tuple[Duplicate, ...]:
    """Return each sample that is nearly like an earlier one, with that one.

    Args:
        thumbnails: one per sample; None for samples without a picture.
        brightness: mean L*, likewise.
        progress: told about every sample; may cancel.
    """
    shown = [place for place, each in enumerate(thumbnails) if each is not None]
    if not shown:
        return ()
    every = np.stack([each for each in thumbnails if each is not None])
    light = np.array([brightness[place] for place in shown], np.float32)
    found = []
    progress = progress or Progress()
    for row in range(1, len(shown)):
        progress(TITLE, row / len(shown))
        likeness = every[:row] @ every[row]
        likeness[np.abs(light[:row] - light[row]) > _SAME_LIGHT] = -1
        best = int(likeness.argmax())
        if likeness[best] >= _LIKE:
            found.append(Duplicate(shown[best], shown[row], min(float(likeness[best]), 1.0)))
    return tuple(found)


def outliers(per_sample: npt.NDArray[np.floating]) -> tuple[Outlier, ...]:
    """Return the samples that alone widen many ranges, the worst first; () for fewer than five samples.

    Args:
        per_sample: lowest and highest value, samples x tensors x 2.
    """
    count, tensors = per_sample.shape[:2]
    if count < _LEAST_SAMPLES or not tensors:
        return ()
    values = per_sample.astype(np.float64)
    # outwards, so that both ends are read alike; a range contains 0 whatever the samples
    ends = np.maximum(np.stack([-values[..., 0], values[..., 1]], axis=-1), 0.0)
    rows = np.arange(count)[:, None, None]
    largest = ends.argmax(axis=0)
    second = np.partition(ends, count - 2, axis=0)[count - 2]
    without = np.where(rows == largest, second, ends.max(axis=0))
    full, narrowed = ends.max(axis=0).sum(axis=-1), without.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        widening = np.where(full > narrowed, (full - narrowed) / narrowed, 0.0)
        middle = np.median(ends, axis=0)
        spread = np.median(np.abs(ends - middle), axis=0)
        scores = np.where(ends > middle, _TO_DEVIATION * (ends - middle) / spread, 0.0).max(axis=-1)
    widened = (widening >= _WIDER) & (scores > _FAR)
    found = []
    for place in range(count):
        number = int(widened[place].sum())
        if number >= max(_LEAST_TENSORS, _MANY * tensors):
            size = float(np.median(widening[place][widened[place]]))
            found.append(Outlier(place, number, tensors, size, float(scores[place][widened[place]].max())))
    return tuple(sorted(found, key=lambda each: (-each.tensors, -each.widening, each.place)))
