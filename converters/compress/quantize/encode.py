"""Encodings from observed ranges and a person's settings; takes milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType

import numpy as np

from converters.compress.quantize.data_free import layer_weight_encoding
from converters.compress.quantize.encodings import Encoding, Encodings, Floats, LayerEncoding, Scheme
from converters.compress.quantize.layers import Layer, effective_weights, find_layers
from converters.compress.quantize.observe import Observations
from converters.compress.quantize.policies import range_of
from converters.compress.quantize.settings import QuantizeSettings
from converters.model.graph import Model

_NOTHING: Mapping[str, Floats] = MappingProxyType({})


def encoding_of(low: float, high: float, bits: int, symmetric: bool) -> Encoding:
    """Return the encoding of an activation tensor whose codes cover a range.

    Args:
        low, high: widened to contain 0; a range of nothing but 0 becomes 0..1.
        bits: 8 or 16; 16 are always symmetric.
        symmetric: whether code 0 stands for 0.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        high = 1.0
    lowest, highest = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    if symmetric or bits == 16:
        largest = max(-low, high)
        scale = float(np.float32(largest / highest))
        return Encoding(bits, True, scale, 0, -largest, largest)
    scale = float(np.float32((high - low) / (highest - lowest)))
    zero_point = int(np.clip(np.rint(lowest - low / scale), lowest, highest))
    return Encoding(bits, False, scale, zero_point, low, high)


def make_encodings(
    model: Model,
    observations: Observations | None,
    settings: QuantizeSettings,
    replaced: Mapping[str, Floats] = _NOTHING,
) -> Encodings:
    """Return how each layer of a model is quantized.

    Args:
        model: float.
        observations: of this model; None where no scheme in use needs ranges.
        settings: scheme, policy, rules.
        replaced: float32 values that take an initializer's place.
    """
    made = Encodings({}, dict(replaced), "calibration")
    encoded: dict[tuple[str, int], Encoding] = {}

    def activation(name: str, bits: int) -> Encoding:
        if (name, bits) not in encoded:
            assert observations is not None
            low, high = settings.ranges.get(name) or range_of(
                observations.tensors[name], settings.policy, settings.percentile, bits, settings.symmetric
            )
            encoded[name, bits] = encoding_of(low, high, bits, settings.symmetric)
        return encoded[name, bits]

    layers = {}
    for layer in find_layers(model.proto):
        scheme = _scheme(layer, settings)
        if scheme is Scheme.FLOAT:
            layers[layer.name] = LayerEncoding(scheme)
            continue
        bits = scheme.activation_bits
        weight = layer_weight_encoding(
            effective_weights(model.proto, made, layer.weight), layer, scheme, settings.weight_block
        )
        layers[layer.name] = LayerEncoding(
            scheme,
            weight,
            activation(layer.input, bits) if bits else None,
            activation(layer.output, bits) if bits else None,
        )
    return Encodings(layers, made.replaced, made.origin)


def _scheme(layer: Layer, settings: QuantizeSettings) -> Scheme:
    scheme = settings.scheme
    for pattern, wanted in settings.layers.items():
        if fnmatchcase(layer.name, pattern) or fnmatchcase(layer.operator, pattern):
            scheme = wanted
    needs_kernel = scheme.activation_bits or scheme is Scheme.DYNAMIC
    return Scheme.W8 if needs_kernel and not layer.has_integer_kernel else scheme
