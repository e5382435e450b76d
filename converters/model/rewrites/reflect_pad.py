"""Reflect padding as Slice and Concat: the same values moved by operators that every runtime has.

A reflect Pad falls out of ONNX Runtime's Core ML provider before 1.26 (14 of them cut inswapper into 14 pieces) and out
of some mobile GPU delegates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converters.model.graph_reading import GraphReading, attribute, node_title
from converters.model.rewrites.base import GraphEdit, Rewrite, Rewritten

if TYPE_CHECKING:
    import onnx


def apply(proto: onnx.ModelProto) -> Rewritten:
    """Return the graph with every static reflect Pad written as Slice and Concat; bit-identical."""
    return REWRITE.apply(proto)


def _edit(edit: GraphEdit) -> list[str]:
    done = []
    for node in edit.reading.nodes:
        if node.op_type != "Pad" or attribute(node, "mode", "constant") != "reflect":
            continue
        pads = paddings(edit.reading, node)
        if pads is None or any(low < 0 or high < 0 for low, high in pads.values()) or not _fits(edit, node, pads):
            continue
        edit.replace(node, _moved(edit, node, {axis: pair for axis, pair in pads.items() if any(pair)}))
        done.append(node_title(node))
    return done


def paddings(reading: GraphReading, node: onnx.NodeProto) -> dict[int, tuple[int, int]] | None:
    """Return the paddings before and after by axis, None when they are computed at run time."""
    pads = attribute(node, "pads")
    if pads is None:
        pads = reading.integers(node.input[1]) if len(node.input) > 1 else None
    if pads is None:
        return None
    count = len(pads) // 2
    axes: list[int] | None = list(range(count))
    if len(node.input) > 3 and node.input[3]:
        axes = reading.integers(node.input[3])
    if axes is None or len(pads) != 2 * len(axes):
        return None
    shape = reading.shape(node.input[0])
    if shape is None and any(axis < 0 for axis in axes):
        return None
    rank = len(shape) if shape is not None else count
    return {axis % rank: (int(pads[place]), int(pads[place + count])) for place, axis in enumerate(axes)}


def _fits(edit: GraphEdit, node: onnx.NodeProto, pads: dict[int, tuple[int, int]]) -> bool:
    """Whether a single reflection is enough: the axis is longer than its padding."""
    shape = edit.reading.shape(node.input[0])
    if shape is None:
        return False
    return all(shape[axis] > max(pair) or not any(pair) for axis, pair in pads.items())


def _moved(edit: GraphEdit, node: onnx.NodeProto, pads: dict[int, tuple[int, int]]) -> list[onnx.NodeProto]:
    shape = edit.reading.shape(node.input[0]) or ()
    new: list[onnx.NodeProto] = []
    source = node.input[0]
    axes = sorted(pads)
    for axis in axes:
        before, after = pads[axis]
        size = shape[axis]
        rows = [*range(before, 0, -1)], [*range(size - 2, size - 2 - after, -1)]
        pieces = [[edit.slice(source, axis, row, row + 1, node) for row in side] for side in rows]
        joined = [*(piece.output[0] for piece in pieces[0]), source, *(piece.output[0] for piece in pieces[1])]
        output = node.output[0] if axis == axes[-1] else ""
        new += [*pieces[0], *pieces[1], edit.node("Concat", joined, node, output, axis=axis)]
        source = new[-1].output[0]
    if not new:
        new.append(edit.node("Identity", [source], node, node.output[0]))
    return new


REWRITE = Rewrite(
    id="reflect_pad",
    title="Reflect padding as Slice and Concat",
    sentence="Writes reflect padding as slices of one row and a concatenation, which every runtime has.",
    tolerance=0.0,
    edit=_edit,
)
