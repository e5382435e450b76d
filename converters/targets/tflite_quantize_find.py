"""Find the layers of an ONNX graph in the float `.tflite` that was made from it: by weights, then by what they compute.

Converters rename, transpose, reorder and fuse. What they keep is the weights, number for number, and what every layer
makes of one feed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from converters.compress.quantize.encodings import Encodings, Floats, LayerEncoding, Scheme
from converters.compress.quantize.layers import Layer, effective_weights, find_layers
from converters.runtimes.base import Array, Arrays
from converters.runtimes.tflite import TFLiteSession
from converters.targets.base import names_of
from converters.targets.matching import ALIKE, distance, graph_values, is_alike
from converters.targets.tflite_engine import Edges, EngineError
from converters.targets.tflite_graph import Graph, tensors_of
from converters.targets.tflite_label import write_labelled
from converters.targets.tflite_quantize_assign import Assignment, Candidate, assign

if TYPE_CHECKING:
    import onnx

WEIGHTS, BIAS = 1, 2
"""Places among the inputs of every kind of operator that has weights."""
_NAMED = 5
# Converters multiply nothing into weights that are found, but some print them in decimal and read them back.
_EQUAL = 1e-6
_FOLLOWED = 4
"""A Relu or a clip is at most a minimum and a maximum behind its layer."""


@dataclass(frozen=True)
class FoundLayer:
    """A layer and the operator that computes it in a file.

    Attributes:
        layer: of the ONNX graph.
        operator: of the file.
        activation: the schema's ActivationFunctionType that belongs to the layer: what its `output` is behind.
        added: what the operator adds per channel beside the layer's own bias, because the converter fused an addition
            that follows the layer; None for nothing.
        rest: the activation that the converter fused although it does not belong to the layer.
        output: the file's tensor that holds the layer's `output`, behind `added` and `rest` where there are some.
    """

    layer: Layer
    operator: Any
    activation: int
    added: Floats | None
    rest: int
    output: int


def find(
    graph: Graph,
    path: Path,
    proto: onnx.ModelProto,
    encodings: Encodings,
    edges: Edges,
    feeds: Arrays,
) -> list[FoundLayer]:
    """Return every layer whose encoding is not float; of layers that one operator computes alike, the first.

    Layers that stay float are looked for, too, where they have the weights of one that does not: otherwise one would
    be taken for the other.

    Args:
        graph: the file's.
        path: the file, float.
        proto: what the file was made from, replaced initializers in place.
        encodings: of its layers.
        edges: how inputs appear in the file.
        feeds: one feed of the model.

    Raises:
        EngineError: the file lacks a layer, has two layers of different encodings in one operator, or has several that
            cannot be told apart; the text names them.
    """
    search = _Search(graph, proto, encodings)
    layers = search.layers
    if not layers:
        return []
    wanted = graph_values(proto, feeds, [layer.result for layer in layers], path.parent)
    return search.run(_file_values(graph, path, edges, feeds), wanted)


def _file_values(graph: Graph, path: Path, edges: Edges, feeds: Arrays) -> Mapping[int, Array]:
    """Return what the operators with weights compute, and those a few behind them.

    They are made outputs of a copy: an interpreter that keeps every tensor keeps its buffers too, gigabytes of them.
    """
    readers = graph.readers()
    shown: set[int] = set()
    for operator in graph.operators:
        if file_rows(graph, operator) is not None:
            shown.update(following(graph, readers, int(operator.outputs[0])))
    tensors = sorted(shown)
    inputs = [(f"input {place}", index) for place, index in enumerate(graph.inputs)]
    copy = path.with_suffix(".shown")
    write_labelled(path, copy, inputs, [(f"output {index}", index) for index in tensors], {}, "")
    try:
        with TFLiteSession(copy) as session:
            names = [spec.name for spec in session.inputs]
            arrays = {names[edge.position]: edge.binding.to_file(feeds[edge.binding.name]) for edge in edges.inputs}
            results = session.run(arrays)
            return {index: results[spec.name] for index, spec in zip(tensors, session.outputs, strict=True)}
    finally:
        copy.unlink()


def following(graph: Graph, readers: Mapping[int, Sequence[Any]], start: int) -> list[int]:
    """Return a tensor and those of its shape a few operators behind it, as long as nothing else reads them."""
    found = [start]
    while len(found) <= _FOLLOWED and found[-1] not in graph.outputs:
        behind = readers.get(found[-1], [])
        results = tensors_of(behind[0].outputs) if len(behind) == 1 else []
        if len(results) != 1 or graph.shape(results[0]) != graph.shape(start):
            break
        found.append(results[0])
    return found


class _Search:
    """Looks for layers in a graph.

    Attributes:
        layers: those to quantize, and float ones that have the weights of one of them.
    """

    def __init__(self, graph: Graph, proto: onnx.ModelProto, encodings: Encodings) -> None:
        self._graph = graph
        self._proto = proto
        self._encodings = encodings
        self._fused = {node.output[0]: node.op_type for node in proto.graph.node if node.output}
        self._readers = graph.readers()
        self._values: Mapping[int, Array] = {}
        self._wanted: Arrays = {}
        by_shape: dict[tuple[int, ...], list[tuple[int, Floats]]] = {}
        for place, operator in enumerate(graph.operators):
            rows = file_rows(graph, operator)
            if rows is not None:
                by_shape.setdefault(rows.shape, []).append((place, rows))
        every = find_layers(proto)
        self._to_quantize = [layer for layer in every if encodings.scheme(layer.name) is not Scheme.FLOAT]
        self._places = {layer.name: self._with_weights(layer, by_shape) for layer in every} if self._to_quantize else {}
        claimed = {place for layer in self._to_quantize for place in self._places[layer.name]}
        self.layers = (
            [layer for layer in every if layer in self._to_quantize or claimed.intersection(self._places[layer.name])]
            if self._to_quantize
            else []
        )

    def run(self, values: Mapping[int, Array], wanted: Arrays) -> list[FoundLayer]:
        """Return the layers to quantize.

        Args:
            values: of the file's tensors.
            wanted: what every layer of `layers` computes.

        Raises:
            EngineError: as `find` does.
        """
        self._values, self._wanted = values, wanted
        candidates = [
            candidate
            for layer in self.layers
            for place in self._places[layer.name]
            if (candidate := self._candidate(layer, place)) is not None
        ]
        assigned = assign([layer.name for layer in self.layers], candidates, self._encoding)
        self._refuse(assigned)
        names = [layer.name for layer in self._to_quantize if layer.name not in assigned.shared]
        return [assigned.found[name] for name in names]

    def _encoding(self, name: str) -> LayerEncoding | None:
        found = self._encodings.layers.get(name)
        return None if found is None or found.scheme is Scheme.FLOAT else found

    def _refuse(self, assigned: Assignment[FoundLayer]) -> None:
        if assigned.lost:
            raise EngineError(
                f"{len(assigned.lost)} of {len(self._to_quantize)} layers to quantize are not in its file as they are "
                f"in the model ({names_of(assigned.lost, _NAMED)}): it merged them with their neighbours or wrote them "
                "otherwise; nearest: give these layers the scheme float"
            )
        if assigned.merged:
            pairs = [" and ".join(pair) for pair in assigned.merged]
            raise EngineError(
                f"its file computes layers at once that are to be quantized differently ({names_of(pairs, _NAMED)}); "
                "nearest: give them the same scheme"
            )
        if assigned.ambiguous:
            groups = [" and ".join(group) for group in assigned.ambiguous]
            raise EngineError(
                f"layers of the same weights cannot be told apart in its file ({names_of(groups, _NAMED)}): "
                "they compute the same; nearest: give them the same scheme"
            )

    def _with_weights(self, layer: Layer, by_shape: Mapping[tuple[int, ...], list[tuple[int, Floats]]]) -> list[int]:
        """Return the places of the operators that have a layer's weights."""
        rows = layer_rows(effective_weights(self._proto, None, layer.weight), layer)
        limit = _EQUAL * float(np.abs(rows).max(initial=0.0))
        found = []
        for place, candidate in by_shape.get(rows.shape, []):
            if is_transposed(self._graph, self._graph.operators[place]) != _is_transposed(layer):
                continue
            # the first row tells most apart, and a large model has many layers of one shape
            if np.allclose(candidate[0], rows[0], rtol=0, atol=limit) and np.allclose(
                candidate, rows, rtol=0, atol=limit
            ):
                found.append(place)
        return found

    def _candidate(self, layer: Layer, place: int) -> Candidate[FoundLayer] | None:
        """Return how near an operator is to a layer, whatever of its surroundings was fused into it."""
        operator = self._graph.operators[place]
        fused = int(getattr(operator.builtinOptions, "fusedActivationFunction", 0))
        added = self._added(layer, operator)
        computed = activated(_with_added(self._wanted[layer.result], added), fused)
        if computed is None:
            return None
        away = distance(self._values[int(operator.outputs[0])], computed)
        if away > ALIKE:
            return None
        found = self._fitting(layer, operator, fused, added)
        return Candidate(layer.name, place, away, 2 if found is None else int(added is not None), found)

    def _fitting(self, layer: Layer, operator: Any, fused: int, added: Floats | None) -> FoundLayer | None:
        """Return the layer at an operator that computes it, None where its output is nowhere in the file."""
        functions = self._graph.schema.ActivationFunctionType
        output = int(operator.outputs[0])
        if not self._encodings.scheme(layer.name).activation_bits:  # it stays a float operator, all else as it is
            return FoundLayer(layer, operator, functions.NONE, None, functions.NONE, output)
        wanted = self._activation(layer)
        if added is not None or wanted in (functions.NONE, fused):
            # with an addition between, a fused Relu cannot be the layer's own
            if added is not None and wanted != functions.NONE:
                return None
            rest = functions.NONE if added is None and fused == wanted else fused
            return FoundLayer(layer, operator, wanted, added, rest, output)
        if fused != functions.NONE:
            return None
        behind = self._behind(output, activated(self._wanted[layer.result], wanted))
        return None if behind is None else FoundLayer(layer, operator, wanted, None, functions.NONE, behind)

    def _activation(self, layer: Layer) -> int:
        functions = self._graph.schema.ActivationFunctionType
        if layer.output == layer.result:
            return int(functions.NONE)
        return int(functions.RELU if self._fused[layer.output] == "Relu" else functions.RELU6)

    def _added(self, layer: Layer, operator: Any) -> Floats | None:
        """Return the operator's bias without the layer's own, None where nothing is left."""
        inputs = operator.inputs
        there = self._graph.constant(int(inputs[BIAS])) if len(inputs) > BIAS and inputs[BIAS] >= 0 else None
        if there is None or is_transposed(self._graph, operator):
            return None
        own = np.zeros(there.size, np.float32)
        if layer.bias:
            own = effective_weights(self._proto, None, layer.bias).reshape(-1)
        left = there.reshape(-1).astype(np.float32) - own if there.size == own.size else None
        if left is None or np.abs(left).max(initial=0.0) <= _EQUAL * max(float(np.abs(own).max(initial=0.0)), 1e-3):
            return None
        return np.asarray(left, np.float32)

    def _behind(self, start: int, wanted: Array | None) -> int | None:
        """Return the tensor that holds `wanted`, a few operators behind `start` that nothing else reads."""
        if wanted is None:
            return None
        behind = following(self._graph, self._readers, start)[1:]
        return next((index for index in behind if is_alike(self._values[index], wanted)), None)


def activated(values: Array, function: int) -> Array | None:
    """Return values behind a fused activation function, None for one that is not expected."""
    limits = {0: (-np.inf, np.inf), 1: (0.0, np.inf), 2: (-1.0, 1.0), 3: (0.0, 6.0)}
    return np.clip(values.astype(np.float32), *limits[function]) if function in limits else None


def _with_added(values: Array, added: Floats | None) -> Array:
    if added is None:
        return values
    axis = 1 if values.ndim > 2 and values.shape[1] == added.size else -1
    shape = [1] * values.ndim
    shape[axis] = added.size
    return np.asarray(values.astype(np.float32) + added.reshape(shape))


def _is_transposed(layer: Layer) -> bool:
    return layer.operator == "ConvTranspose"


def is_transposed(graph: Graph, operator: Any) -> bool:
    """Whether an operator is a transposed convolution, whose inputs are others."""
    return graph.kind(operator) == int(graph.schema.BuiltinOperator.TRANSPOSE_CONV)


def layer_rows(weights: Array, layer: Layer) -> Array:
    """Return weights of the graph as rows: one per output channel, in it height, width, input channel.

    Args:
        weights: or codes, in the shape of the initializer.
        layer: theirs.
    """
    first = np.moveaxis(weights, layer.axis, 0)
    rows: Array = np.moveaxis(first, 1, -1).reshape(len(first), -1)
    return rows


def file_rows(graph: Graph, operator: Any) -> Floats | None:
    """Return an operator's weights as `layer_rows` arranges them, None where it has no constant float ones."""
    kinds = graph.schema.BuiltinOperator
    kind = graph.kind(operator)
    known = (
        kinds.CONV_2D, kinds.DEPTHWISE_CONV_2D, kinds.FULLY_CONNECTED, kinds.TRANSPOSE_CONV, kinds.BATCH_MATMUL,
    )  # fmt: skip
    if kind not in known or len(operator.inputs) <= WEIGHTS:
        return None
    weights = graph.constant(int(operator.inputs[WEIGHTS]))
    if weights is None or weights.dtype != np.float32:
        return None
    if kind == kinds.DEPTHWISE_CONV_2D:
        return np.asarray(np.moveaxis(weights, -1, 0).reshape(weights.shape[-1], -1), np.float32)
    if kind == kinds.BATCH_MATMUL:
        if operator.builtinOptions.adjX or weights.size != np.prod(weights.shape[-2:]):
            return None
        matrix = weights.reshape(weights.shape[-2:])
        return np.asarray(matrix if operator.builtinOptions.adjY else matrix.T, np.float32)
    return np.asarray(weights.reshape(len(weights), -1), np.float32)
