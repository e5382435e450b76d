"""The reference: a Model with its Encodings written into the graph as QuantizeLinear and DequantizeLinear.

ONNX Runtime runs it; previews show it; artifacts are judged by it. Weights are stored as int8, biases of integer
layers as int32 in the unit of their accumulators, as integer kernels have them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from converters.compress.quantize.encodings import Encoding, Encodings, LayerEncoding, Scheme
from converters.compress.quantize.layers import Layer, effective_weights, find_layers
from converters.errors import UnsupportedError
from converters.model.graph import Model

if TYPE_CHECKING:
    import onnx

_LEAST_OPSET = 13
_CONTRIBUTED = "com.microsoft"
"""ONNX Runtime's own operators: the standard ones take 16 bits from operator set 21 on only."""
_WORDS = ("replaced", "rounded", "scale", "zero_point", "codes", "q", "dq", "weight", "rows", "shape", "bias", "plain")
_LARGEST_INT32 = 2**31 - 1


def build_qdq(model: Model, encodings: Encodings | None = None) -> onnx.ModelProto:
    """Return the reference graph.

    Args:
        model: float, with static shapes.
        encodings: None for the model's own.

    Raises:
        UnsupportedError: the operator set has no scales per channel.
        ValueError: no encodings, or one for a layer that does not exist: a bug of the caller.
    """
    import onnx

    used = encodings or model.encodings
    if used is None:
        raise ValueError("the model has no encodings")
    layers = {layer.name: layer for layer in find_layers(model.proto)}
    unknown = set(used.layers) - set(layers)
    if unknown:
        raise ValueError(f"no such layers: {sorted(unknown)}")
    if model.opset < _LEAST_OPSET:
        raise UnsupportedError(
            f"Scales per channel need operator set {_LEAST_OPSET}, this model has {model.opset}.",
            "",
            "Export the model anew with a later operator set.",
        )
    copy = onnx.ModelProto()
    copy.CopyFrom(model.proto)
    _Writer(copy, used, layers).write()
    return copy


def _free_mark(proto: onnx.ModelProto) -> str:
    """Return what marks the names made here, so that none of them is in the graph already."""
    names = {name for node in proto.graph.node for name in (node.name, *node.input, *node.output)}
    mark = "__"
    while any(f"{mark}{word}" in name for name in names for word in _WORDS):
        mark += "_"
    return mark


class _Writer:
    def __init__(self, proto: onnx.ModelProto, encodings: Encodings, layers: dict[str, Layer]) -> None:
        self._proto = proto
        self._graph = proto.graph
        self._encodings = encodings
        self._layers = layers
        self._mark = _free_mark(proto)
        self._node_of = {node.output[0]: place for place, node in enumerate(self._graph.node) if node.output}
        self._before: dict[int, list[Any]] = {}
        self._initializers: list[Any] = []
        self._rounded: dict[tuple[str, Encoding], str] = {}
        self._written = {
            layer.output: encoding.output
            for name, layer in layers.items()
            if (encoding := encodings.layers.get(name)) is not None
        }
        self._dynamic: set[str] = set()
        self._dropped: set[str] = set()

    def write(self) -> None:
        for name, layer in self._layers.items():
            encoding = self._encodings.layers.get(name)
            if encoding is not None and encoding.scheme is not Scheme.FLOAT:
                self._quantize(layer, encoding)
            else:
                self._replace_floats(layer)
        self._insert()

    def _replace_floats(self, layer: Layer) -> None:
        """Give a float layer its replaced weights too: equalization changes its neighbours in step."""
        node = self._graph.node[self._node_of[layer.result]]
        for position, name in ((1, layer.weight), (2, layer.bias)):
            if name and name in self._encodings.replaced:
                values = effective_weights(self._proto, self._encodings, name)
                node.input[position] = self._constant(f"{name}{self._mark}replaced", values)
                self._dropped.add(name)

    def _quantize(self, layer: Layer, encoding: LayerEncoding) -> None:
        place = self._node_of[layer.result]
        node = self._graph.node[place]
        if encoding.input is not None:
            node.input[0] = self._rounded_tensor(layer.input, encoding.input, place)
        elif encoding.scheme is Scheme.DYNAMIC:
            node.input[0] = self._rounded_as_it_runs(layer.input, place)
        assert encoding.weight is not None
        node.input[1] = self._weights(layer, encoding, place)
        if layer.bias:
            node.input[2] = self._bias(layer, encoding, place)
        if encoding.output is not None:
            self._round_output(layer, encoding.output)

    def _rounded_tensor(self, name: str, encoding: Encoding, place: int) -> str:
        """Return the tensor rounded by an encoding; several readers share one pair of nodes, its writer's included."""
        if self._written.get(name) == encoding:
            return name
        key = (name, encoding)
        if key not in self._rounded:
            at = min(place, self._first_reader(name))
            self._rounded[key] = self._pair(name, f"{name}{self._mark}rounded{len(self._rounded)}", encoding, at)
        return self._rounded[key]

    def _first_reader(self, name: str) -> int:
        return next(place for place, node in enumerate(self._graph.node) if name in node.input)

    def _pair(self, source: str, result: str, encoding: Encoding, place: int) -> str:
        import onnx

        scale = self._constant(f"{result}{self._mark}scale", np.asarray(encoding.scale, np.float32))
        kind = np.int8 if encoding.bits == 8 else np.int16
        zero = self._constant(f"{result}{self._mark}zero_point", np.asarray(encoding.zero_point, kind))
        domain = "" if encoding.bits == 8 else self._contributed()
        codes = f"{result}{self._mark}codes"
        self._add(
            place,
            onnx.helper.make_node(
                "QuantizeLinear", [source, scale, zero], [codes], f"{codes}{self._mark}q", domain=domain
            ),
        )
        self._add(
            place,
            onnx.helper.make_node(
                "DequantizeLinear", [codes, scale, zero], [result], f"{result}{self._mark}dq", domain=domain
            ),
        )
        return result

    def _rounded_as_it_runs(self, name: str, place: int) -> str:
        """Return the tensor rounded by the range it happens to have, unsigned as ONNX defines it."""
        import onnx

        result = f"{name}{self._mark}rounded_as_it_runs"
        if name not in self._dynamic:
            at = min(place, self._first_reader(name))
            parts = [f"{result}{self._mark}codes", f"{result}{self._mark}scale", f"{result}{self._mark}zero_point"]
            self._add(at, onnx.helper.make_node("DynamicQuantizeLinear", [name], parts, f"{result}{self._mark}q"))
            self._add(at, onnx.helper.make_node("DequantizeLinear", parts, [result], f"{result}{self._mark}dq"))
            self._dynamic.add(name)
        return result

    def _weights(self, layer: Layer, encoding: LayerEncoding, place: int) -> str:
        import onnx

        weight = encoding.weight
        assert weight is not None
        codes = weight.quantize(effective_weights(self._proto, self._encodings, layer.weight))
        result = f"{layer.result}{self._mark}weight"
        scale = self._constant(f"{result}{self._mark}scale", np.asarray(weight.scale, np.float32))
        zero = self._constant(f"{result}{self._mark}zero_point", np.zeros(len(weight.scale), np.int8))
        self._dropped.add(layer.weight)
        if not weight.block:
            stored = self._constant(f"{result}{self._mark}codes", codes)
            self._add(
                place,
                onnx.helper.make_node(
                    "DequantizeLinear", [stored, scale, zero], [result], f"{result}{self._mark}dq", axis=weight.axis
                ),
            )
            return result
        # Blocks as rows of a matrix: what operator sets before 21 can express.
        shape = np.moveaxis(codes, weight.axis, 0).shape
        rows = np.ascontiguousarray(np.moveaxis(codes, weight.axis, 0)).reshape(len(weight.scale), weight.block)
        stored = self._constant(f"{result}{self._mark}codes", rows)
        self._add(
            place,
            onnx.helper.make_node(
                "DequantizeLinear",
                [stored, scale, zero],
                [f"{result}{self._mark}rows"],
                f"{result}{self._mark}dq",
                axis=0,
            ),
        )
        target = self._constant(f"{result}{self._mark}shape", np.asarray(shape, np.int64))
        back = list(np.argsort([weight.axis, *[axis for axis in range(len(shape)) if axis != weight.axis]]))
        self._add(
            place,
            onnx.helper.make_node(
                "Reshape",
                [f"{result}{self._mark}rows", target],
                [f"{result}{self._mark}first"],
                f"{result}{self._mark}r",
            ),
        )
        self._add(
            place,
            onnx.helper.make_node(
                "Transpose", [f"{result}{self._mark}first"], [result], f"{result}{self._mark}t", perm=map(int, back)
            ),
        )
        return result

    def _bias(self, layer: Layer, encoding: LayerEncoding, place: int) -> str:
        import onnx

        values = effective_weights(self._proto, self._encodings, layer.bias)
        weight = encoding.weight
        if encoding.input is None or weight is None or weight.block:
            if layer.bias not in self._encodings.replaced:
                return layer.bias
            self._dropped.add(layer.bias)
            return self._constant(f"{layer.result}{self._mark}bias", values)
        self._dropped.add(layer.bias)
        scale = np.asarray(weight.scale, np.float64) * encoding.input.scale
        codes = np.rint(values.reshape(-1).astype(np.float64) / scale)
        result = f"{layer.result}{self._mark}bias"
        if np.abs(codes).max(initial=0) > _LARGEST_INT32 or encoding.scheme is Scheme.W8A16:
            return self._constant(result, values)  # 16-bit kernels keep 64 bits of it
        stored = self._constant(f"{result}{self._mark}codes", codes.astype(np.int32))
        unit = self._constant(f"{result}{self._mark}scale", scale.astype(np.float32))
        zero = self._constant(f"{result}{self._mark}zero_point", np.zeros(len(scale), np.int32))
        self._add(
            place,
            onnx.helper.make_node(
                "DequantizeLinear", [stored, unit, zero], [result], f"{result}{self._mark}dq", axis=0
            ),
        )
        return result

    def _round_output(self, layer: Layer, encoding: Encoding) -> None:
        """Round what a layer writes, for all its readers and the graph's outputs alike."""
        place = self._node_of[layer.output]
        node = self._graph.node[place]
        plain = f"{layer.output}{self._mark}plain"
        for position, name in enumerate(node.output):
            if name == layer.output:
                node.output[position] = plain
        self._pair(plain, layer.output, encoding, place + 1)

    def _constant(self, name: str, values: npt.NDArray[Any]) -> str:
        import onnx

        self._initializers.append(onnx.numpy_helper.from_array(values, name))
        return name

    def _add(self, place: int, node: Any) -> None:
        """Put a node before the one that now stands at `place`, after those put there earlier."""
        self._before.setdefault(place, []).append(node)

    def _contributed(self) -> str:
        import onnx

        if all(item.domain != _CONTRIBUTED for item in self._proto.opset_import):
            self._proto.opset_import.append(onnx.helper.make_opsetid(_CONTRIBUTED, 1))
        return _CONTRIBUTED

    def _insert(self) -> None:
        nodes: list[Any] = []
        for place in range(len(self._graph.node) + 1):
            nodes += self._before.get(place, [])
            if place < len(self._graph.node):
                nodes.append(self._graph.node[place])
        used = {name for node in nodes for name in node.input}
        kept = [item for item in self._graph.initializer if item.name not in self._dropped or item.name in used]
        del self._graph.node[:], self._graph.initializer[:]
        self._graph.node.extend(nodes)
        # emap stays the last initializer: host programs read it there.
        self._graph.initializer.extend([*self._initializers, *kept])
