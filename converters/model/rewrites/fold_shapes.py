"""Replace what a graph computes from its own static shapes by constants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converters.model.graph_reading import node_title
from converters.model.rewrites.base import GraphEdit, Rewrite, Rewritten

if TYPE_CHECKING:
    import onnx


def apply(proto: onnx.ModelProto) -> Rewritten:
    """Return the graph with Shape, Gather, Concat and the like folded where shapes are static; bit-identical."""
    return REWRITE.apply(proto)


def _edit(edit: GraphEdit) -> list[str]:
    reading = edit.reading
    values = reading.shape_values
    done = []
    for node in reading.nodes:
        name = node.output[0] if node.output else ""
        if name not in values or name in reading.output_names:
            continue
        users = reading.users(name)
        if not users or any(name not in user.input for user in users):  # read inside a sub-graph: leave it
            continue
        done.append(node_title(node))
        for user in users:
            if not (user.output and user.output[0] in values):
                edit.rename_input(user, name, edit.constant(f"{name}_value", values[name]))
    return done


REWRITE = Rewrite(
    id="fold_shapes",
    title="Shape computations as constants",
    sentence="Replaces shapes that the graph computes while it runs by the numbers they always have.",
    tolerance=0.0,
    edit=_edit,
)
