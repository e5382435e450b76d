"""emap: the matrix that swappers of the inswapper kind carry for their host, and what hosts do with it.

It is the graph's last initializer, read by no node. It is not orthogonal (singular values from .001 to 20 in the
published file), so the two rules in use give latents of different length.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from converters.errors import BadInputError
from converters.face.embed import unit
from converters.face.faces import Embedding
from converters.model.unread import unread_matrix

if TYPE_CHECKING:
    import onnx

Emap = npt.NDArray[np.float32]
"""Embedding width x latent width."""
_MAY_LACK_EMAP = "inswapper_like"
_LARGEST_FILE = 64 * 1024**2
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


class EmapRule(StrEnum):
    """Whose arithmetic makes the latent."""

    FACEFUSION = "facefusion"
    INSIGHTFACE = "insightface"


def source_latent(embedding: Embedding, emap: Emap, rule: EmapRule = EmapRule.FACEFUSION) -> Embedding:
    """Return the latent a swapper of the inswapper kind takes as `source`.

    Args:
        embedding: raw, of the width of emap's rows.
        emap: from the swapper's own file.
        rule: FACEFUSION divides (raw . emap) by the raw embedding's length and leaves it there; INSIGHTFACE takes the
            unit embedding and brings the product to length 1 again.

    Raises:
        BadInputError: the embedding does not fit, is not finite, or has no length.
    """
    if embedding.shape != (emap.shape[0],):
        raise BadInputError(
            f"The embedding has {embedding.size} numbers, the swapper's emap takes {emap.shape[0]}.",
            "The recogniser does not belong to this swapper.",
            "Give the recogniser that the swapper was trained with.",
        )
    latent = (unit(embedding).astype(np.float64) @ emap.astype(np.float64)).astype(np.float32)
    return unit(latent) if EmapRule(rule) is EmapRule.INSIGHTFACE else latent


def emap_of(proto: onnx.ModelProto) -> Emap | None:
    """Return the last initializer where it is a matrix that no node reads, None where the file carries no emap."""
    matrix = unread_matrix(proto)
    return None if matrix is None else _checked(matrix, proto.graph.initializer[-1].name)


def emap_of_swapper(proto: onnx.ModelProto, family: str) -> Emap | None:
    """Return a swapper's emap; the identity for one of another width that has none: it takes the unit embedding."""
    shapes = [[dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in proto.graph.input]
    return emap_for(unread_matrix(proto), shapes, family)


def emap_for(matrix: npt.NDArray[Any] | None, shapes: Sequence[Sequence[int | str]], family: str) -> Emap | None:
    """Return the emap as `emap_of_swapper` does, of a graph that is no longer at hand.

    Args:
        matrix: what the graph carried for its host.
        shapes: of the graph's inputs.
        family: id, "" when unknown.

    Raises:
        BadInputError: it is no matrix of finite numbers.
    """
    if matrix is not None:
        return _checked(matrix, "emap")
    if family != _MAY_LACK_EMAP:
        return None
    widths = [shape[1] for shape in shapes if len(shape) == 2]
    width = widths[0] if widths else 0
    return np.eye(width, dtype=np.float32) if isinstance(width, int) and width > 0 else None


def read_emap(path: Path) -> Emap:
    """Read emap from a swapper (.onnx, any source `source.load` takes) or from the `-emap.npy` beside its artifacts.

    Raises:
        StudioError: as `source.load` does.
        BadInputError: the file has none.
    """
    if path.suffix.lower() == ".npy":
        return _read_array(path)
    from converters.model.source import load

    model = load(path)
    emap = emap_of_swapper(model.proto, model.family)
    if emap is None:
        raise BadInputError(
            f"{path.name} carries no emap.",
            "Its last initializer is no matrix kept for the host; simplifiers drop it.",
            "Give the swapper as it was published, or the -emap.npy that was written beside the converted files.",
        )
    return emap


def _read_array(path: Path) -> Emap:
    """Read a .npy of a matrix; the header is believed only as far as the file is long."""
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            version = np.lib.format.read_magic(file)
            if version not in _HEADERS:
                raise ValueError(f"format {version} of .npy")
            shape, is_fortran, dtype = _HEADERS[version](file)
            wanted = int(np.prod(shape, dtype=object)) * dtype.itemsize
            if dtype.hasobject or size > _LARGEST_FILE or wanted != size - file.tell():
                raise ValueError(f"{shape} of {dtype} in {size} bytes")
            values = np.frombuffer(file.read(wanted), dtype).reshape(shape, order="F" if is_fortran else "C")
    except (OSError, ValueError) as error:
        raise BadInputError(
            f"{path.name} cannot be read as an emap.", f"{error}.", "Convert the model anew."
        ) from error
    return _checked(values, path.name)


def _checked(values: npt.NDArray[Any], name: str) -> Emap:
    if values.ndim != 2 or values.dtype.kind != "f" or not np.isfinite(values).all():
        raise BadInputError(f"{name} is no matrix of finite numbers.", "", "Give the swapper as it was published.")
    return np.ascontiguousarray(values, np.float32)
