"""Read tensors inside a graph: only the nodes that they need are run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from converters.compress.quantize.layers import Layer
from converters.model.graph_reading import names_in_subgraphs
from converters.progress import Progress
from converters.runtimes.base import Array, Arrays

if TYPE_CHECKING:
    import onnx

_PLAIN = "__plain"
"""What `build_qdq` appends to the name of a tensor before it is rounded."""


def cut(proto: onnx.ModelProto, tensors: Iterable[str]) -> onnx.ModelProto:
    """Return the part of a graph that computes some of its tensors, which become its outputs, in their order.

    Raises:
        KeyError: no node makes one of them, a bug of the caller.
    """
    import onnx

    wanted = list(dict.fromkeys(tensors))
    graph = proto.graph
    producers = {name: place for place, node in enumerate(graph.node) for name in node.output if name}
    kept: set[int] = set()
    open_places = [producers[name] for name in wanted]
    while open_places:
        place = open_places.pop()
        if place in kept:
            continue
        kept.add(place)
        node = graph.node[place]
        open_places += [producers[name] for name in (*node.input, *names_in_subgraphs(node)) if name in producers]
    nodes = [graph.node[place] for place in sorted(kept)]
    used = {name for node in nodes for name in (*node.input, *names_in_subgraphs(node))}
    part = onnx.ModelProto()
    part.ir_version = proto.ir_version
    part.opset_import.extend(proto.opset_import)
    part.functions.extend(proto.functions)
    part.graph.name = graph.name or "part"
    part.graph.node.extend(nodes)
    part.graph.input.extend(value for value in graph.input if value.name in used)
    part.graph.initializer.extend(tensor for tensor in graph.initializer if tensor.name in used)
    for name in wanted:
        part.graph.output.add().name = name
    return part


def read_tensors(
    proto: onnx.ModelProto,
    tensors: Sequence[str],
    samples: Sequence[Mapping[str, Array]],
    progress: Progress,
    stage: str,
) -> Iterator[Arrays]:
    """Yield some tensors of a graph, sample after sample.

    Args:
        proto: left unchanged.
        tensors: results of nodes or inputs of the graph.
        samples: feeds for all inputs.
        progress: told before every sample, under `stage`.
    """
    from converters.runtimes.onnx import open_proto

    inputs = {value.name for value in proto.graph.input}
    made = [name for name in dict.fromkeys(tensors) if name not in inputs]
    given = [name for name in dict.fromkeys(tensors) if name in inputs]
    if not made:
        for feeds in samples:
            yield {name: feeds[name] for name in given}
        return
    with (
        tempfile.TemporaryDirectory(prefix="ffstudio-taps-") as folder,
        open_proto(cut(proto, made), Path(folder)) as session,
    ):
        names = {spec.name for spec in session.inputs}
        for place, feeds in enumerate(samples):
            progress(stage, place / len(samples))
            values = session.run({name: array for name, array in feeds.items() if name in names}, made)
            yield values | {name: feeds[name] for name in given}


def quantized_node(reference: onnx.ModelProto, layer: Layer) -> onnx.NodeProto:
    """Return the node that computes a layer in the graph of `build_qdq`; its result is not rounded yet."""
    names = (layer.result, f"{layer.result}{_PLAIN}")
    made = [node for node in reference.graph.node if node.op_type == layer.operator and node.output[0] in names]
    found: onnx.NodeProto = made[0]
    return found
