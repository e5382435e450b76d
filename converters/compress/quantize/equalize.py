"""Cross-layer equalization: move the sizes of channels from one layer to the next, and leave the function as it is.

Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019. Codes are spread over
the largest channel of a tensor, so small ones next to it are rounded badly. Where layer 2 reads what layer 1 writes
through positively homogeneous functions, W2 f(W1 x + b1) = (W2 S) f(S^-1 W1 x + S^-1 b1) for any positive diagonal S.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from converters.compress.quantize.encodings import Encodings, Floats
from converters.compress.quantize.layers import Layer, effective_weights, find_layers, with_replaced
from converters.compress.quantize.links import Link, find_links, is_depth_wise
from converters.compress.quantize.taps import read_tensors
from converters.errors import UsageError
from converters.model.graph import Model
from converters.model.graph_reading import GraphReading
from converters.progress import Progress
from converters.runtimes.base import Array

if TYPE_CHECKING:
    import onnx

TITLE = "Equalizing layers"
TOLERANCE = 2e-5
"""Largest difference that rounding may make, as a part of the largest value."""
_LARGEST_FACTOR = 1e4
_ROUNDS = 50
_SETTLED = 1e-3
_Doubles = npt.NDArray[np.float64]


class Balance(StrEnum):
    """What is made equal.

    WEIGHTS: the largest weight of a channel before and after it, as in the paper; needs no samples.
    ACTIVATIONS: the largest value of a channel and the largest weight that reads it. For weights with a scale per
        output channel, which do not mind what precedes them.
    """

    WEIGHTS = "weights"
    ACTIVATIONS = "activations"


@dataclass(frozen=True)
class EqualizedChain:
    """Layers that were equalized together.

    Attributes:
        layers: names in order; those between the first and the last are depth-wise.
        spread: before and after: how much larger the largest channel of the tensor that the last layer reads is than a
            typical (median) one; of what `Balance` looks at. 1 is even.
        smallest, largest: factors by which channels were made smaller.
        difference: largest, of what the last layer computes, as a part of its largest value.
    """

    layers: tuple[str, ...]
    spread: tuple[float, float]
    smallest: float
    largest: float
    difference: float


@dataclass(frozen=True)
class Equalized:
    """What equalization found.

    Attributes:
        replaced: float32 values that take the place of initializers, all of them together.
        notes: sentences.
        chains: what was equalized.
        refused: names of layers whose chain would have changed what the model computes.
        largest_difference: of the model's outputs over all samples, as a part of each one's largest value.
    """

    replaced: Mapping[str, Floats]
    notes: tuple[str, ...]
    chains: tuple[EqualizedChain, ...] = ()
    refused: tuple[tuple[str, ...], ...] = ()
    largest_difference: float = 0.0


def equalize(
    model: Model,
    samples: Sequence[Mapping[str, Array]] = (),
    progress: Progress | None = None,
    balance: Balance | None = None,
) -> Equalized:
    """Return values for initializers with which a model computes the same, and can be quantized better.

    Args:
        model: float, static; left unchanged.
        samples: feeds for all inputs; a drawn picture and noise are added for the proof.
        progress: told about every run.
        balance: None for ACTIVATIONS where there are samples, and WEIGHTS where there are none.

    Raises:
        UsageError: ACTIVATIONS without samples.
    """
    from converters.model.rewrites.proof import proof_feeds

    progress = progress or Progress()
    if balance is None:
        balance = Balance.ACTIVATIONS if samples else Balance.WEIGHTS
    if balance is Balance.ACTIVATIONS and not samples:
        raise UsageError("Equalizing by activations needs calibration samples.", "", "Give some, or equalize weights.")
    progress(TITLE)
    reading = GraphReading(model.proto)
    chains = _chains(find_links(reading, find_layers(model.proto)), reading)
    if not chains:
        return Equalized({}, ("No two layers follow one another in a way that allows equalization.",))
    seen = _largest_values(model.proto, chains, samples, progress) if balance is Balance.ACTIVATIONS else {}
    feeds = proof_feeds(model, [dict(feeds) for feeds in samples])
    refused: list[_Chain] = []
    values: dict[str, Floats] = {}
    done: tuple[EqualizedChain, ...] = ()
    at_outputs = 0.0
    while chains:
        made = _Maker(model.proto, chains, seen)
        differences, at_outputs = _differences(model.proto, chains, made, feeds, progress)
        wrong = [place for place, found in enumerate(differences) if not found <= TOLERANCE]
        if not wrong:
            values = made.values()
            done = tuple(map(made.report, chains, differences))
            break
        refused.append(chains.pop(wrong[0]))  # what follows it may only differ because of it
    names = tuple(tuple(layer.name for layer in chain.layers) for chain in refused)
    return Equalized(values, _notes(done, names, at_outputs, len(feeds), balance), done, names, at_outputs)


@dataclass(frozen=True)
class _Chain:
    """A layer, depth-wise ones after it, and the one that reads them; one link between each two."""

    links: tuple[Link, ...]

    @property
    def layers(self) -> tuple[Layer, ...]:
        return (self.links[0].first, *(link.second for link in self.links))


def _chains(links: Sequence[Link], reading: GraphReading) -> list[_Chain]:
    following = {link.first.name: link for link in links}
    preceded = {link.second.name for link in links}
    chains = []
    for link in links:
        if link.first.name in preceded and is_depth_wise(link.first, reading):
            continue  # within another layer's chain
        found = [link]
        while is_depth_wise(found[-1].second, reading) and found[-1].second.name in following:
            found.append(following[found[-1].second.name])
        chains.append(_Chain(tuple(found)))
    return chains


class _Maker:
    """Makes the values of all chains; a layer may end one chain and begin the next."""

    def __init__(self, proto: onnx.ModelProto, chains: Sequence[_Chain], seen: Mapping[str, _Doubles]) -> None:
        layers = {layer.name: layer for chain in chains for layer in chain.layers}
        self._layers = layers
        self._chains = chains
        self._seen = seen
        self._weights = {name: _decoded(proto, layer.weight) for name, layer in layers.items()}
        self._biases = {name: _decoded(proto, layer.bias) for name, layer in layers.items() if layer.bias}
        self._factors = {
            link.tensor: np.ones(self._weights[link.first.name].shape[link.first.axis])
            for chain in chains
            for link in chain.links
        }
        self._before = {chain: self._spread(chain) for chain in chains}
        for _ in range(_ROUNDS):
            moved = max((self._equalize(chain) for chain in chains), default=0.0)
            if moved < _SETTLED:
                break

    def values(self) -> dict[str, Floats]:
        """Return the new values of all initializers that changed."""
        found = {}
        for name, layer in self._layers.items():
            found[layer.weight] = self._weights[name].astype(np.float32)
            if layer.bias:
                found[layer.bias] = self._biases[name].astype(np.float32)
        return found

    def smaller(self, layer: Layer) -> _Doubles | None:
        """Return by how much a layer's channels became smaller; None where it begins no chain."""
        links = [link for chain in self._chains for link in chain.links if link.first.name == layer.name]
        return self._factors[links[0].tensor] if links else None

    def report(self, chain: _Chain, difference: float) -> EqualizedChain:
        """Return what was done to a chain."""
        factors = np.concatenate([self._factors[link.tensor] for link in chain.links])
        return EqualizedChain(
            tuple(layer.name for layer in chain.layers),
            (self._before[chain], self._spread(chain)),
            float(factors.min()),
            float(factors.max()),
            difference,
        )

    def _equalize(self, chain: _Chain) -> float:
        """Make one chain even; return how far that was, as the largest logarithm of a factor."""
        wanted = self._by_activations(chain) if self._seen else self._by_weights(chain)
        moved = 0.0
        for link, wish in zip(chain.links, wanted, strict=True):
            total = np.clip(self._factors[link.tensor] * wish, 1 / _LARGEST_FACTOR, _LARGEST_FACTOR)
            factor = total / self._factors[link.tensor]
            self._factors[link.tensor] = total
            self._divide_outputs(link.first, factor)
            self._multiply_inputs(link, factor)
            moved = max(moved, float(np.abs(np.log(factor)).max()))
        return moved

    def _by_weights(self, chain: _Chain) -> list[_Doubles]:
        """Return factors that give every layer of a chain the same range in each channel: their geometric mean."""
        ranges = [self._output_range(chain.layers[0]), *(self._input_range(link) for link in chain.links)]
        alive = np.all([found > 0 for found in ranges], axis=0)
        logarithms = [np.log(np.where(alive, found, 1.0)) for found in ranges]
        mean = sum(logarithms) / len(logarithms)
        factors, total = [], np.zeros_like(mean)
        for found in logarithms[:-1]:
            total = total + found - mean
            factors.append(np.exp(total))
        return factors

    def _by_activations(self, chain: _Chain) -> list[_Doubles]:
        """Return factors that make a channel's values and the weights that read it equally large.

        A depth-wise layer has a scale for every channel: only the values that it reads are worth evening out.
        """
        factors = []
        for link in chain.links:
            values = self._seen[link.tensor] / self._factors[link.tensor]
            weights = self._input_range(link)
            alive = (values > 0) & (weights > 0)
            logarithm = np.log(np.where(alive, values, 1.0))
            if link is chain.links[-1]:
                logarithm = (logarithm - np.log(np.where(alive, weights, 1.0))) / 2
            centre = logarithm[alive].mean() if alive.any() else 0.0
            factors.append(np.exp(np.where(alive, logarithm - centre, 0.0)))
        return factors

    def _output_range(self, layer: Layer) -> _Doubles:
        rows = np.moveaxis(self._weights[layer.name], layer.axis, 0)
        return np.asarray(np.abs(rows).reshape(len(rows), -1).max(axis=1))

    def _input_range(self, link: Link) -> _Doubles:
        """Return the largest weight that reads each channel."""
        inputs = np.abs(_by_input(self._weights[link.second.name], link.second))
        return np.asarray(inputs.reshape(len(inputs) // link.repeat, -1).max(axis=1))

    def _divide_outputs(self, layer: Layer, factor: _Doubles) -> None:
        weights = self._weights[layer.name]
        form = [1] * weights.ndim
        form[layer.axis] = -1
        weights /= factor.reshape(form)
        if layer.bias:
            bias = self._biases[layer.name]
            bias /= factor if bias.size == factor.size else 1.0

    def _multiply_inputs(self, link: Link, factor: _Doubles) -> None:
        every = np.repeat(factor, link.repeat)
        layer = link.second
        inputs = _by_input(self._weights[layer.name], layer)
        scaled = inputs * every.reshape(-1, *[1] * (inputs.ndim - 1))
        self._weights[layer.name] = _from_input(scaled, layer)

    def _spread(self, chain: _Chain) -> float:
        link = chain.links[-1]
        found = self._input_range(link)
        if self._seen:
            found = self._seen[link.tensor] / self._factors[link.tensor]
        alive = found[found > 0]
        return float(alive.max() / np.median(alive)) if alive.size else 1.0


def _by_input(weights: _Doubles, layer: Layer) -> _Doubles:
    """Return weights with the axis of all input channels, groups included, first."""
    if layer.operator == "Conv":
        grouped = weights.reshape(layer.groups, -1, *weights.shape[1:])
        return np.asarray(np.moveaxis(grouped, 2, 1).reshape(-1, grouped.shape[1], *weights.shape[2:]))
    return np.asarray(np.moveaxis(weights, 1 - layer.axis, 0))


def _from_input(inputs: _Doubles, layer: Layer) -> _Doubles:
    """Return what `_by_input` was made of."""
    if layer.operator == "Conv":
        grouped = np.moveaxis(inputs.reshape(layer.groups, -1, *inputs.shape[1:]), 1, 2)
        return np.ascontiguousarray(grouped.reshape(-1, *grouped.shape[2:]))
    return np.ascontiguousarray(np.moveaxis(inputs, 0, 1 - layer.axis))


def _decoded(proto: onnx.ModelProto, name: str) -> _Doubles:
    return effective_weights(proto, None, name).astype(np.float64)


def _largest_values(
    proto: onnx.ModelProto, chains: Sequence[_Chain], samples: Sequence[Mapping[str, Array]], progress: Progress
) -> dict[str, _Doubles]:
    """Return the largest magnitude of every channel of the tensors between layers."""
    links = [link for chain in chains for link in chain.links]
    found: dict[str, _Doubles] = {}
    for values in read_tensors(proto, [link.tensor for link in links], samples, progress, TITLE):
        for link in links:
            magnitudes = np.abs(np.asarray(values[link.tensor], np.float64))
            axis = -1 if link.second.operator == "MatMul" else 1
            by_channel = np.moveaxis(magnitudes, axis, 0)
            largest = by_channel.reshape(len(by_channel) // link.repeat, -1).max(axis=1)
            found[link.tensor] = np.maximum(found.get(link.tensor, 0.0), largest)
    return found


def _differences(
    proto: onnx.ModelProto,
    chains: Sequence[_Chain],
    made: _Maker,
    feeds: Sequence[Mapping[str, Array]],
    progress: Progress,
) -> tuple[list[float], float]:
    """Return how much each chain's last result differs, and the model's outputs, as parts of the largest values.

    What begins the next chain is compared at its former size.
    """
    ends = [chain.layers[-1].result for chain in chains]
    lasts = [chain.layers[-1] for chain in chains]
    sizes = {layer.result: _as_factor(layer, made.smaller(layer)) for layer in lasts}
    outputs = [value.name for value in proto.graph.output]
    names = list(dict.fromkeys([*ends, *outputs]))
    changed = with_replaced(proto, Encodings({}, made.values()))
    largest, gaps = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
    old = read_tensors(proto, names, feeds, progress, TITLE)
    new = read_tensors(changed, names, feeds, progress, TITLE)
    for first, second in zip(old, new, strict=True):
        for name in names:
            left = np.asarray(first[name], np.float64)
            right = np.asarray(second[name], np.float64) * _shaped(sizes.get(name), left.ndim)
            largest[name] = max(largest[name], float(np.abs(left).max(initial=0.0)))
            gap = float(np.abs(left - right).max(initial=0.0))
            gaps[name] = max(gaps[name], gap if math.isfinite(gap) else math.inf)
    parts = {name: gaps[name] / largest[name] if largest[name] else float(gaps[name] > 0) for name in names}
    return [parts[name] for name in ends], max(parts[name] for name in outputs)


def _as_factor(layer: Layer, factor: _Doubles | None) -> tuple[_Doubles, int] | None:
    return None if factor is None else (factor, -1 if layer.operator == "MatMul" else 1)


def _shaped(factor: tuple[_Doubles, int] | None, rank: int) -> _Doubles:
    """Return a factor per channel in a shape that spreads over a tensor."""
    if factor is None:
        return np.ones(())
    form = [1] * rank
    form[factor[1]] = -1
    return factor[0].reshape(form)


def _notes(
    chains: Sequence[EqualizedChain],
    refused: Sequence[tuple[str, ...]],
    difference: float,
    samples: int,
    balance: Balance,
) -> tuple[str, ...]:
    notes = []
    if chains:
        count = "1 chain" if len(chains) == 1 else f"{len(chains)} chains"
        notes.append(
            f"{count} of layers equalized by {balance.value}; the model's results differ by {difference:.2g} of their "
            f"largest value on {samples} samples."
        )
    notes += [
        f"{', '.join(chain.layers)}: the largest channel was {chain.spread[0]:.3g} times a typical one and is "
        f"{chain.spread[1]:.3g} times; factors {chain.smallest:.3g} to {chain.largest:.3g}."
        for chain in chains
    ]
    notes += [
        f"{', '.join(names)}: left as they are, equalizing them would change what the model computes."
        for names in refused
    ]
    return tuple(notes)
