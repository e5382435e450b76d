"""PRelu as relu(x) - slope * relu(-x): one of the two terms is always zero, so nothing is rounded twice.

PRelu becomes GREATER and SELECT on the way to a TFLite GPU delegate, which rejects them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converters.model.graph_reading import node_title
from converters.model.rewrites.base import GraphEdit, Rewrite, Rewritten

if TYPE_CHECKING:
    import onnx


def apply(proto: onnx.ModelProto) -> Rewritten:
    """Return the graph with every PRelu written with two Relus; bit-identical for finite values."""
    return REWRITE.apply(proto)


def _edit(edit: GraphEdit) -> list[str]:
    done = []
    for node in edit.reading.nodes:
        if node.op_type != "PRelu":
            continue
        source, slope = node.input
        positive = edit.node("Relu", [source], node)
        mirrored = edit.node("Neg", [source], node)
        negative = edit.node("Relu", [mirrored.output[0]], node)
        scaled = edit.node("Mul", [negative.output[0], slope], node)
        result = edit.node("Sub", [positive.output[0], scaled.output[0]], node, node.output[0])
        edit.replace(node, [positive, mirrored, negative, scaled, result])
        done.append(node_title(node))
    return done


REWRITE = Rewrite(
    id="prelu",
    title="PRelu as two Relus",
    sentence="Writes PRelu as relu(x) - slope * relu(-x), which GPU delegates take.",
    tolerance=0.0,
    edit=_edit,
)
