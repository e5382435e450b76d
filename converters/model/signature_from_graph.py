"""The Signature that a graph alone tells: names, shapes and types, no roles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converters.model.signature import Signature, TensorInfo
from converters.model.tensor_dims import dims_of

if TYPE_CHECKING:
    import onnx


def plain_signature(proto: onnx.ModelProto) -> Signature:
    """Return inputs and outputs in the graph's order, every role still `TENSOR`.

    Args:
        proto: weights must not be listed among its inputs.
    """
    return Signature(
        inputs=tuple(_tensor(value) for value in proto.graph.input),
        outputs=tuple(_tensor(value) for value in proto.graph.output),
    )


def _tensor(value: onnx.ValueInfoProto) -> TensorInfo:
    from onnx import helper

    element = helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
    return TensorInfo(value.name, dims_of(value) or (), str(element))
