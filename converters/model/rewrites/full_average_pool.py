"""AveragePool over a whole picture as GlobalAveragePool. TFLite's GPU delegate rejects the very large kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converters.model.graph_reading import attribute, node_title
from converters.model.rewrites.base import GraphEdit, Rewrite, Rewritten

if TYPE_CHECKING:
    import onnx


def apply(proto: onnx.ModelProto) -> Rewritten:
    """Return the graph with every AveragePool whose window is the whole picture written as GlobalAveragePool."""
    return REWRITE.apply(proto)


def _edit(edit: GraphEdit) -> list[str]:
    done = []
    for node in edit.reading.nodes:
        shape = edit.reading.shape(node.input[0]) if node.op_type == "AveragePool" else None
        if shape is None or list(shape[2:]) != list(attribute(node, "kernel_shape", [])):
            continue
        if any(attribute(node, "pads", [])) or attribute(node, "auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
            continue
        if max(attribute(node, "dilations", [1])) > 1:
            continue
        edit.replace(node, [edit.node("GlobalAveragePool", [node.input[0]], node, node.output[0])])
        done.append(node_title(node))
    return done


REWRITE = Rewrite(
    id="full_average_pool",
    title="Whole-picture AveragePool as GlobalAveragePool",
    sentence="Writes a pooling whose window is the whole picture as a mean.",
    tolerance=1e-5,
    edit=_edit,
)
