"""What a package made from Encodings must hold, worked out from the graph and the Encodings alone.

Nothing here comes from the code that writes packages but the layout of weights in the file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from converters.compress.quantize.encodings import Encoding, Encodings, Floats, LayerEncoding, Scheme
from converters.compress.quantize.layers import effective_weights, find_layers
from converters.model.graph import Model
from converters.torch_import.encoded_weights import StoredWeight, stored_weight

# What hands values on without changing one, in a way that packages do as well.
_NEUTRAL = frozenset({"Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze"})
_LARGEST_INT32 = 2**31 - 1


@dataclass(frozen=True)
class ExpectedLayer:
    """One layer that a package must have.

    Attributes:
        name: in the graph.
        reads: the tensor it reads.
        attributes: of its node, to tell layers apart.
        stored: codes and scales of its weights.
        encoding: how it is quantized.
        bias: as the reference uses it, None for none.
        rounded: how the layer before rounds what this one reads, None where none does.
        is_rounded_first: whether that is the very tensor this layer reads.
    """

    name: str
    reads: str
    attributes: bytes
    stored: StoredWeight
    encoding: LayerEncoding
    bias: Floats | None
    rounded: Encoding | None
    is_rounded_first: bool


def expected_layers(model: Model, encodings: Encodings) -> list[ExpectedLayer]:
    """Return the layers with integer weights in the graph's order."""
    import onnx

    written = {
        layer.output: output
        for layer in find_layers(model.proto)
        if (own := encodings.layers.get(layer.name)) is not None and (output := own.output) is not None
    }
    rounded = dict(written)
    attributes = {}
    for node in model.proto.graph.node:
        if node.op_type in _NEUTRAL and node.input[0] in rounded:
            rounded[node.output[0]] = rounded[node.input[0]]
        attributes[node.output[0] if node.output else ""] = onnx.NodeProto(attribute=node.attribute)
    found = []
    for layer in find_layers(model.proto):
        own = encodings.layers.get(layer.name)
        if own is None or own.scheme is Scheme.FLOAT:
            continue
        bias = effective_weights(model.proto, encodings, layer.bias).reshape(-1) if layer.bias else None
        found.append(
            ExpectedLayer(
                layer.name,
                layer.input,
                attributes[layer.result].SerializeToString(deterministic=True),
                stored_weight(model, encodings, layer),
                own,
                None if bias is None else _as_the_reference_has_it(bias, own),
                rounded.get(layer.input),
                layer.input in written,
            )
        )
    return found


def _as_the_reference_has_it(bias: Floats, encoding: LayerEncoding) -> Floats:
    """Return the bias of an integer layer in whole units of input scale times weight scale, another as it is."""
    if encoding.input is None or encoding.weight is None or encoding.weight.block:
        return bias
    unit = np.asarray(encoding.weight.scale, np.float64) * encoding.input.scale
    codes = np.rint(bias / unit)
    return bias if np.abs(codes).max(initial=0) > _LARGEST_INT32 else np.asarray(codes * unit, np.float32)
