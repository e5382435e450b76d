"""Quantize a float `.tflite` as a Model's Encodings say, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from converters.compress.quantize.encodings import Encoding, Encodings, WeightEncoding
from converters.compress.quantize.layers import effective_weights, find_layers
from converters.model.graph import Model
from converters.runtimes.base import Arrays
from converters.targets.tflite_engine import Edge, Edges
from converters.targets.tflite_graph import Graph
from converters.targets.tflite_quantize_compare import compare_file
from converters.targets.tflite_quantize_find import find
from converters.targets.tflite_quantize_write import Rewriter


def quantize(
    source: Path,
    destination: Path,
    model: Model,
    encodings: Encodings,
    edges: Edges,
    feeds: Arrays,
    codes: Mapping[str, Encoding] | None = None,
) -> tuple[Edges, tuple[str, ...]]:
    """Write a file that computes layers as their encodings say; everything else stays float.

    Args:
        source: an engine's float file, made from `model`.
        destination: must not exist.
        model: with the replaced initializers in place.
        encodings: of its layers.
        edges: how inputs and outputs appear in `source`.
        feeds: one feed of the model, by which layers are recognised.
        codes: inputs and outputs that the file takes and gives as int8, by name.

    Returns:
        How inputs and outputs appear in the new file, and sentences on what it holds otherwise than the Encodings say.

    Raises:
        EngineError: the file does not have the layers as the model has them.
        VerificationError: read anew, the file does not hold the Encodings.
        ValueError: an encoding for a layer that does not exist, a bug of the caller.
    """
    layers = {layer.name: layer for layer in find_layers(model.proto)}
    unknown = set(encodings.layers) - set(layers)
    if unknown:
        raise ValueError(f"no such layers: {sorted(unknown)}")
    graph = Graph(source)
    found = find(graph, source, model.proto, encodings, edges, feeds)
    values = partial(effective_weights, model.proto, None)
    rewriter = Rewriter(graph, found, encodings, values)
    wanted = codes or {}
    for edge in edges.inputs:
        if edge.binding.name in wanted:
            index = graph.inputs[edge.position]
            graph.inputs[edge.position] = rewriter.give_codes(index, wanted[edge.binding.name])
    rewriter.rewrite()
    for edge in edges.outputs:
        if edge.binding.name in wanted:
            index = graph.outputs[edge.position]
            graph.outputs[edge.position] = rewriter.take_codes(index, wanted[edge.binding.name])
    graph.save(destination)
    compare_file(destination, layers, encodings, values, rewriter.coarser)
    ends = Edges(
        tuple(_in_codes(edge, wanted) for edge in edges.inputs),
        tuple(_in_codes(edge, wanted) for edge in edges.outputs),
    )
    return ends, tuple(_coarser_in_words(name, encodings, used) for name, used in rewriter.coarser.items())


def _coarser_in_words(name: str, encodings: Encodings, used: WeightEncoding) -> str:
    own = encodings.layers[name].weight
    assert own is not None
    count = sum(one != other for one, other in zip(own.scale, used.scale, strict=True))
    return f"{count} channels of {name} have coarser weights: their biases would not fit beside the products."


def _in_codes(edge: Edge, codes: Mapping[str, Encoding]) -> Edge:
    encoding = codes.get(edge.binding.name)
    if encoding is None:
        return edge
    binding = replace(edge.binding, dtype="int8", scale=encoding.scale, zero_point=encoding.zero_point)
    return Edge(binding, edge.position)
