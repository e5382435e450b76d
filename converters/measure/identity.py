"""Identity: whether a face recogniser takes two faces for the same person."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from converters.errors import BadInputError
from converters.measure.pictures import AnyPicture

Embedder = Callable[[AnyPicture], npt.NDArray[np.float32]]
"""Takes an aligned face (height x width x 3, RGB) and gives its embedding, of any length, not normalised."""


def cosine(one: npt.NDArray[np.floating], other: npt.NDArray[np.floating]) -> float:
    """Return the cosine of the angle between two embeddings: 1 the same direction, 0 unrelated, -1 opposite.

    Args:
        one, other: vectors of one length (axes of size 1 are ignored), not necessarily normalised.

    Raises:
        BadInputError: an embedding is zero or not finite, so it has no direction.
        ValueError: unequal lengths, a bug of the caller.
    """
    left, right = (np.asarray(vector, np.float64).ravel() for vector in (one, other))
    if left.shape != right.shape:
        raise ValueError(f"embeddings of {left.size} and {right.size} numbers")
    lengths = float(np.linalg.norm(left) * np.linalg.norm(right))
    if not math.isfinite(lengths) or lengths == 0:
        raise BadInputError("A face embedding is zero or not finite.", "The picture or the recogniser is damaged.")
    return min(max(float(left @ right) / lengths, -1.0), 1.0)


def identity(reference: AnyPicture, test: AnyPicture, embedder: Embedder) -> float:
    """Return how much two aligned faces are the same person to `embedder`, -1 to 1, 1 for equal pictures.

    Raises:
        BadInputError: as `cosine` does.
    """
    return cosine(embedder(reference), embedder(test))
