"""The first and last layers of a graph: what they round is seen at once."""

from __future__ import annotations

from collections.abc import Sequence

from converters.compress.quantize.layers import Layer
from converters.model.graph import Model
from converters.model.signature import Role


def first_layers(model: Model, layers: Sequence[Layer]) -> set[str]:
    """Return the names of layers that see a picture input before any other layer does.

    Where no input is a picture, all inputs count.
    """
    inputs = model.signature.inputs
    pictures = {tensor.name for tensor in inputs if tensor.role is Role.IMAGE}
    raw = pictures or {tensor.name for tensor in inputs}
    by_result = {layer.result: layer for layer in layers}
    processed: set[str] = set()
    first = set()
    for node in model.proto.graph.node:
        read = set(node.input)
        layer = by_result.get(node.output[0]) if node.output else None
        if layer is not None:
            if layer.input in raw:
                first.add(layer.name)
            processed.update(node.output)
        elif read & processed:
            processed.update(node.output)
        elif read & raw:
            raw = raw | set(node.output)
    return first


def last_layers(model: Model, layers: Sequence[Layer]) -> set[str]:
    """Return the names of layers that an output depends on without another layer between."""
    by_result = {layer.result: layer for layer in layers}
    near = {value.name for value in model.proto.graph.output}
    last = set()
    for node in reversed(model.proto.graph.node):
        if not near.intersection(node.output):
            continue
        layer = by_result.get(node.output[0])
        if layer is not None:
            last.add(layer.name)
        else:
            near.update(node.input)
    return last
