"""Sizes of a tensor as an ONNX graph declares them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

Dims = tuple[int | str, ...]


def dims_of(value: onnx.ValueInfoProto) -> Dims | None:
    """Return a value's sizes, a string for an axis that is not fixed; None when not even their number is known.

    Sizes of 0 and below count as not fixed: old exporters wrote -1 or 0 for a free axis.
    """
    if not value.type.tensor_type.HasField("shape"):
        return None
    return tuple(
        dim.dim_value if dim.WhichOneof("value") == "dim_value" and dim.dim_value > 0 else dim.dim_param or "?"
        for dim in value.type.tensor_type.shape.dim
    )


def is_static_dims(dims: Dims | None) -> bool:
    """Return whether number and sizes of the axes are known."""
    return dims is not None and all(isinstance(size, int) for size in dims)
