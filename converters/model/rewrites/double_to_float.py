"""Compute in fp32 what a graph computes in fp64. No mobile runtime has fp64 kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converters.model.graph_reading import node_title
from converters.model.rewrites.base import GraphEdit, Rewrite, Rewritten

if TYPE_CHECKING:
    import onnx

_TYPE_ATTRIBUTES = {"to", "dtype"}


def apply(proto: onnx.ModelProto) -> Rewritten:
    """Return the graph with every fp64 tensor in fp32, inputs and outputs included."""
    return REWRITE.apply(proto)


def _edit(edit: GraphEdit) -> list[str]:
    import onnx

    double, single = onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT
    done = []
    for tensor in edit.proto.graph.initializer:
        if tensor.data_type == double:
            value = onnx.numpy_helper.to_array(tensor).astype(np.float32)
            edit.substitute(onnx.numpy_helper.from_array(value, tensor.name))
            done.append(tensor.name)
    for node in edit.reading.nodes:
        copy = type(node)()
        copy.CopyFrom(node)
        changed = False
        for item in copy.attribute:
            if item.name in _TYPE_ATTRIBUTES and item.i == double:
                item.i = single
                changed = True
            if item.HasField("t") and item.t.data_type == double:
                value = onnx.numpy_helper.to_array(item.t).astype(np.float32)
                item.t.CopyFrom(onnx.numpy_helper.from_array(value, item.t.name))
                changed = True
        if changed:
            edit.replace(node, [copy])
            done.append(node_title(node))
    values = (*edit.proto.graph.input, *edit.proto.graph.output)
    edges = [value.name for value in values if value.type.tensor_type.elem_type == double]
    if done or edges:
        edit.retype(double, single)
    return [*done, *(name for name in edges if name not in done)]


REWRITE = Rewrite(
    id="double_to_float",
    title="fp64 as fp32",
    sentence="Computes in fp32 what the graph keeps in fp64; an fp64 input or output becomes fp32.",
    tolerance=1e-5,
    edit=_edit,
)
