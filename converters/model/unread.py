"""What a graph carries for its host and never reads itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy.typing as npt

if TYPE_CHECKING:
    import onnx


def unread_matrix(proto: onnx.ModelProto) -> npt.NDArray[Any] | None:
    """Return a copy of the last initializer where it is a matrix that no node reads, None where it is not."""
    import onnx

    initializers = proto.graph.initializer
    if not initializers or len(initializers[-1].dims) != 2:
        return None
    last = initializers[-1]
    if any(last.name in node.input for node in proto.graph.node):
        return None
    matrix: npt.NDArray[Any] = onnx.numpy_helper.to_array(last).copy()
    return matrix
