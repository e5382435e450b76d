"""Give single layers another scheme, and tell what each scheme costs in bytes and in work for integer kernels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from converters.compress.quantize.data_free import block_of, layer_weight_encoding
from converters.compress.quantize.encode import encoding_of
from converters.compress.quantize.encodings import Encoding, Encodings, LayerEncoding, Scheme
from converters.compress.quantize.layers import Layer, effective_weights, find_layers
from converters.model.cost import measure_cost
from converters.model.graph import Model
from converters.model.graph_reading import node_title

if TYPE_CHECKING:
    import onnx

INTEGER = (Scheme.W8A8, Scheme.W8A16, Scheme.DYNAMIC)
"""Schemes that integer kernels compute."""
# From the least to the most that they leave of a layer. 4-bit weights come first whatever activations do to a layer:
# what a scheme really loses is measured, this order only says which way is more precise.
PRECISION = (Scheme.W4, Scheme.W8A8, Scheme.DYNAMIC, Scheme.W8A16, Scheme.W8, Scheme.FLOAT)
_BLOCK = 32


@dataclass(frozen=True)
class LayerCost:
    """What one layer costs, whatever its scheme.

    Attributes:
        layer: which.
        shape: of its weights.
        bias: how many numbers.
        macs: multiply-accumulates.
        share: of the multiply-accumulates of the whole model.
    """

    layer: Layer
    shape: tuple[int, ...]
    bias: int
    macs: int
    share: float

    @property
    def weights(self) -> int:
        """How many weights there are."""
        return math.prod(self.shape)

    @property
    def channels(self) -> int:
        """How many channels its output has."""
        return self.shape[self.layer.axis]

    def bytes(self, scheme: Scheme, block: int = _BLOCK, float_bytes: int = 4) -> int:
        """Return bytes of weights, scales and biases under a scheme.

        Args:
            scheme: of the layer.
            block: 4-bit weights that share a scale; 0 for a whole channel.
            float_bytes: of a float weight: 2 where float layers are kept in fp16.
        """
        if scheme is Scheme.FLOAT:
            return (self.weights + self.bias) * float_bytes
        together = block_of(self.shape, self.layer.axis, block) if scheme is Scheme.W4 else 0
        scales = self.weights // together if together else self.channels
        return math.ceil(self.weights * scheme.weight_bits / 8) + 4 * scales + 4 * self.bias


def layer_costs(proto: onnx.ModelProto) -> dict[str, LayerCost]:
    """Return the cost of every layer that can be quantized, in the graph's order, by name."""
    sizes = {tensor.name: tuple(tensor.dims) for tensor in proto.graph.initializer}
    measured = measure_cost(proto)
    total = measured.macs or 1
    macs = {each.name: each.macs for each in measured.layers}
    titles = {node.output[0]: node_title(node) for node in proto.graph.node if node.output}
    found = {}
    for layer in find_layers(proto):
        count = macs.get(titles[layer.result], 0)
        shape = sizes[layer.weight]
        bias = math.prod(sizes[layer.bias]) if layer.bias else 0
        found[layer.name] = LayerCost(layer, shape, bias, count, count / total)
    return found


def can_hold(layer: Layer, encoding: LayerEncoding, scheme: Scheme) -> bool:
    """Whether a layer can be given a scheme: it needs a kernel, and ranges where activations are calibrated."""
    if scheme.activation_bits:
        return layer.has_integer_kernel and encoding.input is not None
    return layer.has_integer_kernel if scheme is Scheme.DYNAMIC else True


def switched(model: Model, encodings: Encodings, schemes: Mapping[str, Scheme], block: int = _BLOCK) -> Encodings:
    """Return Encodings in which some layers have another scheme.

    Ranges are taken over as they are, also for 16 bits. Replaced values stay: equalized weights suit every scheme, but
    corrected biases and weights rounded by AdaRound belong to the scheme they were made for, so choose schemes first.

    Args:
        model: float.
        encodings: with ranges for the layers that are to have calibrated activations.
        schemes: by layer; of layers that the Encodings know.
        block: 4-bit weights that share a scale.

    Raises:
        KeyError: a layer without an encoding.
        ValueError: a scheme that the layer cannot hold; both are bugs of the caller.
    """
    changed = {name: scheme for name, scheme in schemes.items() if encodings.layers[name].scheme is not scheme}
    if not changed:
        return encodings
    layers = {layer.name: layer for layer in find_layers(model.proto) if layer.name in changed}
    made = dict(encodings.layers)
    for name, scheme in changed.items():
        made[name] = _switched(model, encodings, layers[name], scheme, block)
    return replace(encodings, layers=made)


def only(encodings: Encodings, layer: str) -> Encodings:
    """Return Encodings that leave every layer float but one."""
    return replace(
        encodings,
        layers={
            name: each if name == layer else LayerEncoding(Scheme.FLOAT) for name, each in encodings.layers.items()
        },
    )


def _switched(model: Model, encodings: Encodings, layer: Layer, scheme: Scheme, block: int) -> LayerEncoding:
    known = encodings.layers[layer.name]
    if scheme is Scheme.FLOAT:
        return LayerEncoding(scheme)
    if not can_hold(layer, known, scheme):
        raise ValueError(f"{layer.name} cannot be {scheme}")
    weight = known.weight
    if weight is None or weight.bits != scheme.weight_bits:
        weight = layer_weight_encoding(effective_weights(model.proto, encodings, layer.weight), layer, scheme, block)
    ends = (known.input, known.output) if scheme.activation_bits else (None, None)
    return LayerEncoding(scheme, weight, *(_with_bits(end, scheme.activation_bits) for end in ends))


def _with_bits(encoding: Encoding | None, bits: int) -> Encoding | None:
    if encoding is None or encoding.bits == bits:
        return encoding
    return encoding_of(encoding.low, encoding.high, bits, encoding.symmetric and bits == 8)
