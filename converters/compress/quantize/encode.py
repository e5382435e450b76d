"""Encodings from observed ranges and a person's settings; takes milliseconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType

import numpy as np

from converters.compress.quantize.data_free import layer_weight_encoding
from converters.compress.quantize.edges import first_layers, last_layers
from converters.compress.quantize.encodings import Encoding, Encodings, Floats, LayerEncoding, Scheme, WeightEncoding
from converters.compress.quantize.layers import WITH_WEIGHTS, Layer, effective_weights, find_layers
from converters.compress.quantize.observe import Observations
from converters.compress.quantize.policies import Range, range_of
from converters.compress.quantize.settings import FIRST, LAST, QuantizeSettings, check_range
from converters.errors import UsageError, did_you_mean
from converters.model.families import family
from converters.model.graph import Model

_NOTHING: Mapping[str, Floats] = MappingProxyType({})
_NAMED = 4
"""So many layers are named in a sentence, then they are counted."""


@dataclass
class Remembered:
    """What was found for one model, its observations and replaced values before, so that a moved handle costs little.

    Attributes:
        ranges: by tensor, policy, percentile, bits and whether it is symmetric.
        weights: by layer, scheme and block.
    """

    ranges: dict[tuple[str, str, float, int, bool], Range] = field(default_factory=dict)
    weights: dict[tuple[str, Scheme, int], WeightEncoding] = field(default_factory=dict)


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
        return Encoding(bits, True, _scale(largest, highest), 0, -largest, largest)
    scale = _scale(high - low, highest - lowest)
    zero_point = int(np.clip(np.rint(lowest - low / scale), lowest, highest))
    return Encoding(bits, False, scale, zero_point, low, high)


def _scale(span: float, steps: int) -> float:
    """Return a scale that is the same number in single and in double precision, and above 0."""
    return float(np.maximum(np.float32(span / steps), np.finfo(np.float32).tiny))


def make_encodings(
    model: Model,
    observations: Observations | None,
    settings: QuantizeSettings,
    replaced: Mapping[str, Floats] = _NOTHING,
) -> Encodings:
    """Return how each layer of a model is quantized; `encode` says what is worth knowing about it, too.

    Args:
        model: float, its BatchNormalization folded.
        observations: of this model; None where no ranges are needed.
        settings: scheme, policy, rules.
        replaced: float32 values that take an initializer's place.

    Raises:
        UsageError: a rule or range for something that the model does not have.
    """
    return encode(model, observations, settings, replaced)[0]


def encode(
    model: Model,
    observations: Observations | None,
    settings: QuantizeSettings,
    replaced: Mapping[str, Floats] = _NOTHING,
    remembered: Remembered | None = None,
) -> tuple[Encodings, tuple[str, ...]]:
    """Return the encodings of `make_encodings`, and sentences on what was not done as the settings say, and why.

    Args:
        model, observations, settings, replaced: as for `make_encodings`.
        remembered: of calls with the same model, observations and replaced values; grows in place.
    """
    known = remembered or Remembered()
    layers = find_layers(model.proto)
    ranges = _Ranges(layers, observations, settings, known)
    plain = Encodings({}, dict(replaced), ranges.origin)
    made: dict[str, LayerEncoding] = {}
    schemes, notes = layer_schemes(model, layers, settings)
    unseen = []
    for layer in layers:
        scheme = schemes[layer.name]
        if scheme.activation_bits and not (ranges.has(layer.input) and ranges.has(layer.output)):
            unseen.append(layer.name)
            scheme = Scheme.W8
        bits = scheme.activation_bits
        weight = None
        if scheme is not Scheme.FLOAT:
            key = (layer.name, scheme, settings.weight_block)
            if key not in known.weights:
                weights = effective_weights(model.proto, plain, layer.weight)
                known.weights[key] = layer_weight_encoding(weights, layer, scheme, settings.weight_block)
            weight = known.weights[key]
        made[layer.name] = LayerEncoding(
            scheme,
            weight,
            ranges.encoding(layer.input, bits) if bits else None,
            ranges.encoding(layer.output, bits) if bits else None,
        )
    if unseen:
        notes.append(f"Int8 weights with float activations, because no range was observed: {_listed(unseen)}.")
    notes += ranges.notes()
    return Encodings(made, plain.replaced, plain.origin), tuple(notes)


def layer_schemes(
    model: Model, layers: Sequence[Layer], settings: QuantizeSettings
) -> tuple[dict[str, Scheme], list[str]]:
    """Return each layer's scheme by its name, and sentences on those that are not what the settings say.

    Raises:
        UsageError: a rule that speaks of no layer.
    """
    known = family(model.family) if settings.families_defaults else None
    edges = {FIRST: first_layers(model, layers), LAST: last_layers(model, layers)}
    schemes = {layer.name: settings.scheme for layer in layers}
    notes = []
    if settings.scheme.activation_bits and known is not None:
        for pattern, word in known.quantize.items():
            kept = edges.get(pattern) or _matched(pattern, layers)
            schemes.update(dict.fromkeys(kept, Scheme(word)))
            if kept:
                notes.append(f"As models of this kind need it, {_listed(sorted(kept))}: {word}.")
    for pattern, scheme in settings.layers.items():
        matched = {pattern} if pattern in schemes else edges.get(pattern) or _matched(pattern, layers)
        if not matched and pattern not in (FIRST, LAST, *WITH_WEIGHTS):
            names = [*(layer.name for layer in layers), *WITH_WEIGHTS, FIRST, LAST]
            raise UsageError(f"Quantization: no layer is called {pattern!r}.", "", did_you_mean(pattern, names))
        schemes.update(dict.fromkeys(matched, scheme))
    floating = []
    for layer in layers:
        needs_kernel = schemes[layer.name].activation_bits or schemes[layer.name] is Scheme.DYNAMIC
        if needs_kernel and not layer.has_integer_kernel:
            floating.append(layer.name)
            schemes[layer.name] = Scheme.W8
    if floating:
        notes.append(
            f"Int8 weights with float activations, because transposed convolutions have no integer kernel in most "
            f"targets: {_listed(floating)}."
        )
    return schemes, notes


def _matched(pattern: str, layers: Sequence[Layer]) -> set[str]:
    return {layer.name for layer in layers if fnmatchcase(layer.name, pattern) or fnmatchcase(layer.operator, pattern)}


class _Ranges:
    """The encodings of activation tensors, each made once."""

    def __init__(
        self,
        layers: Sequence[Layer],
        observations: Observations | None,
        settings: QuantizeSettings,
        remembered: Remembered,
    ) -> None:
        self._settings = settings
        self._remembered = remembered.ranges
        self._seen = observations.tensors if observations is not None else {}
        self._made: dict[tuple[str, int], Encoding] = {}
        self._activated = {layer.output for layer in layers if layer.output != layer.result}
        tensors = list(dict.fromkeys(name for layer in layers for name in (layer.input, layer.output)))
        for name, ends in settings.ranges.items():
            check_range(name, ends)
            if name not in tensors:
                raise UsageError(
                    f"Quantization: no layer reads or writes a tensor {name!r}.", "", did_you_mean(name, tensors)
                )
        count = len(observations.samples) if observations is not None else 0
        parts = [f"{settings.policy} ranges of {count} samples"] if count else ["no samples"]
        parts += [f"{len(settings.ranges)} set by hand"] if settings.ranges else []
        self.origin = ", ".join(parts)

    def has(self, name: str) -> bool:
        """Whether there is a range for a tensor."""
        return name in self._settings.ranges or name in self._seen

    def encoding(self, name: str, bits: int) -> Encoding:
        """Return a tensor's encoding, the same for all who read or write it."""
        key = (name, bits)
        if key not in self._made:
            settings = self._settings
            low, high = settings.ranges.get(name) or self._by_policy(name, bits)
            self._made[key] = encoding_of(low, high, bits, settings.symmetric)
        return self._made[key]

    def _by_policy(self, name: str, bits: int) -> Range:
        settings = self._settings
        key = (name, settings.policy.value, settings.percentile, bits, settings.symmetric)
        if key not in self._remembered:
            self._remembered[key] = range_of(
                self._seen[name], settings.policy, settings.percentile, bits, settings.symmetric
            )
        return self._remembered[key]

    def notes(self) -> list[str]:
        """Return sentences on the tensors that were encoded."""
        used = dict.fromkeys(name for name, _ in self._made)
        notes = []
        for name in used:
            ends = self._settings.ranges.get(name)
            if ends is not None and not ends[0] <= 0 <= ends[1]:
                notes.append(f"The range of {name} was widened to 0, which padding needs to be exact.")
            if ends is not None:
                continue
            low, high = self._seen[name].low, self._seen[name].high
            if low == high == 0 and name in self._activated:
                notes.append(f"The layer that writes {name} never fired on the calibration samples.")
            elif low == high:
                notes.append(f"{name} was {low:g} everywhere, on all calibration samples.")
        idle = [name for name in self._settings.ranges if name not in used]
        if idle:
            notes.append(f"Ranges set by hand without effect, because no integer layer uses them: {_listed(idle)}.")
        return notes


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return f"{shown} and {len(names) - _NAMED} more" if len(names) > _NAMED else shown
