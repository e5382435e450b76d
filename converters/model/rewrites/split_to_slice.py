"""Split as Slices. ONNX Runtime's Core ML provider runs Split from 1.27 on, Slice always."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converters.model.graph_reading import GraphReading, attribute, node_title
from converters.model.rewrites.base import GraphEdit, Rewrite, Rewritten

if TYPE_CHECKING:
    import onnx


def apply(proto: onnx.ModelProto) -> Rewritten:
    """Return the graph with every static Split written as Slices; bit-identical."""
    return REWRITE.apply(proto)


def split_sizes(reading: GraphReading, node: onnx.NodeProto) -> list[int] | None:
    """Return the lengths of a Split's parts, None when they are not known before the run."""
    given = attribute(node, "split")
    if given is not None:
        return [int(size) for size in given]
    if len(node.input) > 1 and node.input[1]:
        return reading.integers(node.input[1])
    shape = reading.shape(node.input[0])
    if shape is None:
        return None
    axis = attribute(node, "axis", 0)
    count = len(node.output)
    if not -len(shape) <= axis < len(shape) or shape[axis] < 0:
        return None
    length = shape[axis]
    part = -(-length // count)
    sizes = [part] * (count - 1)
    return [*sizes, length - sum(sizes)]


def _edit(edit: GraphEdit) -> list[str]:
    done = []
    for node in edit.reading.nodes:
        if node.op_type != "Split":
            continue
        sizes = split_sizes(edit.reading, node)
        if sizes is None or len(sizes) != len(node.output):
            continue
        axis = attribute(node, "axis", 0)
        new, start = [], 0
        for output, size in zip(node.output, sizes, strict=True):
            if output:
                new.append(edit.slice(node.input[0], axis, start, start + size, node, output))
            start += size
        edit.replace(node, new)
        done.append(node_title(node))
    return done


REWRITE = Rewrite(
    id="split_to_slice",
    title="Split as Slices",
    sentence="Writes a Split as one Slice for each part.",
    tolerance=0.0,
    edit=_edit,
)
