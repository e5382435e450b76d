"""Gather with a single index as Slice and Squeeze.

ONNX Runtime's Core ML provider runs a Gather with a scalar index from 1.27 on; GFPGAN has one for every style.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converters.model.graph_reading import GraphReading, attribute, node_title
from converters.model.rewrites.base import GraphEdit, Rewrite, Rewritten

if TYPE_CHECKING:
    import onnx

_FLOATS = {"float32", "float16", "float64", "bfloat16"}


def apply(proto: onnx.ModelProto) -> Rewritten:
    """Return the graph with every constant scalar Gather of float data written as Slice and Squeeze; bit-identical."""
    return REWRITE.apply(proto)


def scalar_gathers(reading: GraphReading) -> list[tuple[onnx.NodeProto, int, int]]:
    """Return (node, axis, index) of every Gather of float data with one constant index; index as not negative."""
    found = []
    for node in reading.nodes:
        if node.op_type != "Gather":
            continue
        index, shape = reading.constant(node.input[1]), reading.shape(node.input[0])
        if index is None or index.ndim or shape is None or reading.type(node.input[0]).dtype not in _FLOATS:
            continue
        axis = attribute(node, "axis", 0) % len(shape)
        place = int(index)
        if shape[axis] > 0:
            place %= shape[axis]
        if place >= 0:
            found.append((node, axis, place))
    return found


def _edit(edit: GraphEdit) -> list[str]:
    done = []
    for node, axis, place in scalar_gathers(edit.reading):
        cut = edit.slice(node.input[0], axis, place, place + 1, node)
        edit.replace(node, [cut, edit.with_axes("Squeeze", cut.output[0], [axis], node, node.output[0])])
        done.append(node_title(node))
    return done


REWRITE = Rewrite(
    id="scalar_gather",
    title="Scalar Gather as Slice and Squeeze",
    sentence="Writes a Gather of one constant index as a Slice and a Squeeze.",
    tolerance=0.0,
    edit=_edit,
)
