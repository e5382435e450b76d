"""What is shown of a model's outputs: the picture it draws, its mask in grey, or else the picture that it saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt

from converters.compare.judging import originals_of
from converters.compare.pairs import picture_edge
from converters.compare.sides import Index, read_outputs
from converters.errors import UnsupportedError
from converters.face.tensors import mask_of
from converters.model.signature import Role, TensorInfo
from converters.runtimes.base import Array

Drawn = npt.NDArray[np.float32]
"""Height x width x 3, RGB, 0..1."""


class Kind(StrEnum):
    """What is shown of a model."""

    PICTURE = "picture"
    MASK = "mask"
    INPUT = "input"


@dataclass(frozen=True)
class Shown:
    """What is shown of a comparison's models.

    Attributes:
        kind: what it is.
        position: of the output among the original's, -1 where the picture that the models saw is shown.
        draw: makes a picture of that output.
        sentence: why it is no picture of the model's own, "" where it is one.
    """

    kind: Kind
    position: int
    draw: Callable[[Array], Drawn] | None
    sentence: str


def shown_of(staging: Path, index: Index) -> Shown:
    """Return what to show: the first output that is a picture, else the first mask, else the input."""
    originals = originals_of(staging, index)
    for position, tensor in enumerate(index.signature.outputs):
        edge = picture_edge(tensor, index.family, originals, [])
        if edge is not None:
            return Shown(Kind.PICTURE, position, edge.crop, "")
    for position, tensor in enumerate(index.signature.outputs):
        draw = _mask_drawer(tensor, read_outputs(staging, 0, 0)[tensor.name])
        if draw is not None:
            return Shown(
                Kind.MASK, position, draw, f"The model draws no picture: its output {tensor.name} is shown in grey."
            )
    sentence = (
        "The model draws no picture: what it saw is shown, the same on both sides. "
        "How far its results are apart is in the table."
    )
    return Shown(Kind.INPUT, -1, None, sentence)


def _mask_drawer(tensor: TensorInfo, example: Array) -> Callable[[Array], Drawn] | None:
    if tensor.role is Role.CLASSES and example.ndim == 4 and min(example.shape[2:]) > 1:
        return _regions
    if tensor.role is not Role.MASK:
        return None
    try:
        mask_of(example)
    except UnsupportedError:  # several masks in one tensor
        return None
    return lambda array: _grey(mask_of(array))


def _regions(array: Array) -> Drawn:
    """Return each pixel's likeliest class, 1 x classes x height x width, as a grey of its own."""
    classes = array.shape[1]
    return _grey((np.nan_to_num(array[0]).argmax(axis=0) / max(classes - 1, 1)).astype(np.float32))


def _grey(mask: npt.NDArray[np.float32]) -> Drawn:
    return np.repeat(mask[..., None], 3, axis=2)
