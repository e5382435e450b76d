"""Bias correction: give back the means that quantization shifts.

Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019, section 4.2, measured
on samples. Rounded weights and inputs shift the mean of what a layer computes; the bias can take that back. A layer is
measured with everything before it corrected already; layers that do not depend on one another share a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from converters.compress.quantize.encodings import Encodings, Floats, Scheme
from converters.compress.quantize.layers import Layer, effective_weights, find_layers, with_replaced
from converters.compress.quantize.links import has_its_own_values, removes_mean
from converters.compress.quantize.qdq import build_qdq
from converters.compress.quantize.taps import quantized_node, read_tensors
from converters.errors import BadInputError
from converters.model.graph import Model
from converters.model.graph_reading import GraphReading
from converters.progress import Progress
from converters.runtimes.base import Array

if TYPE_CHECKING:
    import onnx

TITLE = "Correcting biases"
_NOTHING: Mapping[str, Floats] = MappingProxyType({})
_Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CorrectedBias:
    """One layer.

    Attributes:
        layer: its name.
        before, after: mean magnitude of the shift of its channels' means, as a part of the mean magnitude of what it
            computes; measured with everything before it corrected.
    """

    layer: str
    before: float
    after: float


@dataclass(frozen=True)
class CorrectedBiases:
    """What bias correction found.

    Attributes:
        replaced: float32 biases by initializer.
        notes: sentences.
        layers: what was corrected, in the order in which it was.
        skipped: names of quantized layers that were left alone, with the reason.
    """

    replaced: Mapping[str, Floats]
    notes: tuple[str, ...]
    layers: tuple[CorrectedBias, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)


def correct_biases(
    model: Model,
    encodings: Encodings,
    samples: Sequence[Mapping[str, Array]],
    progress: Progress | None = None,
    equalized: Mapping[str, Floats] = _NOTHING,
) -> CorrectedBiases:
    """Return biases with which the means of a quantized model's layers are those of the float one.

    Args:
        model: float, static; left unchanged.
        encodings: with everything replaced so far.
        samples: feeds for all inputs, at least one.
        progress: told about every run.
        equalized: the replaced values under which the float model computes the same; the other ones (adaptively rounded
            weights) belong to the quantized model alone.

    Raises:
        BadInputError: no samples.
        UnsupportedError: the operator set has no scales per channel.
    """
    if not samples:
        raise BadInputError("Bias correction needs calibration samples.", "", "Give some, or leave it out.")
    progress = progress or Progress()
    reading = GraphReading(model.proto)
    layers, skipped = _chosen(model, encodings, reading)
    if not layers:
        return CorrectedBiases({}, _notes((), skipped, len(samples)), (), skipped)
    plain = with_replaced(model.proto, Encodings({}, equalized))
    wanted = _means(plain, {layer.name: layer.result for layer in layers}, layers, samples, progress)
    replaced: dict[str, Floats] = {}
    before: dict[str, _Doubles] = {}
    for level in _levels(layers, reading):
        shifts = _shifts(model, encodings, replaced, level, wanted, samples, progress)
        before |= shifts
        for layer in level:
            values = effective_weights(model.proto, encodings, layer.bias)
            replaced[layer.bias] = (values - shifts[layer.name].reshape(values.shape)).astype(np.float32)
    after = _shifts(model, encodings, replaced, layers, wanted, samples, progress)
    done = tuple(
        CorrectedBias(
            name, *(float(np.abs(found[name]).mean()) / (wanted[name].magnitude or 1.0) for found in (before, after))
        )
        for name in before
    )
    return CorrectedBiases(replaced, _notes(done, skipped, len(samples)), done, skipped)


@dataclass(frozen=True)
class _Mean:
    """The mean of each channel of a tensor, and the mean magnitude of all of it."""

    channels: _Doubles
    magnitude: float


def _chosen(model: Model, encodings: Encodings, reading: GraphReading) -> tuple[list[Layer], dict[str, str]]:
    """Return the layers to correct, and why others are left alone."""
    chosen, skipped = [], {}
    for layer in find_layers(model.proto):
        if encodings.scheme(layer.name) is Scheme.FLOAT:
            continue
        if removes_mean(reading, layer):
            skipped[layer.name] = "a normalisation takes its mean away"
        elif not layer.bias:
            skipped[layer.name] = "it has no bias"
        elif not has_its_own_values(layer, reading):
            skipped[layer.name] = "it shares weights or bias with another layer"
        else:
            chosen.append(layer)
    return chosen, skipped


def _levels(layers: Sequence[Layer], reading: GraphReading) -> Iterator[list[Layer]]:
    """Yield layers in groups: each depends on layers of earlier groups alone."""
    by_result = {layer.result: layer for layer in layers}
    depth: dict[str, int] = {}
    level: dict[str, int] = {}
    for node in reading.nodes:
        deepest = max((depth.get(name, 0) for name in node.input), default=0)
        layer = by_result.get(node.output[0])
        if layer is not None:
            level[layer.name] = deepest
        for name in node.output:
            depth[name] = deepest + (layer is not None)
    for wanted in sorted(set(level.values())):
        yield [layer for layer in layers if level[layer.name] == wanted]


def _shifts(
    model: Model,
    encodings: Encodings,
    replaced: Mapping[str, Floats],
    layers: Sequence[Layer],
    wanted: Mapping[str, _Mean],
    samples: Sequence[Mapping[str, Array]],
    progress: Progress,
) -> dict[str, _Doubles]:
    """Return by how much quantization shifts the mean of every channel of some layers."""
    current = replace(encodings, replaced={**encodings.replaced, **replaced})
    reference = build_qdq(model, current)
    names = {layer.name: quantized_node(reference, layer).output[0] for layer in layers}
    found = _means(reference, names, layers, samples, progress)
    return {name: found[name].channels - wanted[name].channels for name in found}


def _means(
    proto: onnx.ModelProto,
    tensors: Mapping[str, str],
    layers: Sequence[Layer],
    samples: Sequence[Mapping[str, Array]],
    progress: Progress,
) -> dict[str, _Mean]:
    sums: dict[str, _Doubles] = {}
    sizes: dict[str, float] = dict.fromkeys(tensors, 0.0)
    for values in read_tensors(proto, list(tensors.values()), samples, progress, TITLE):
        for layer in layers:
            array = np.asarray(values[tensors[layer.name]], np.float64)
            axis = array.ndim - 1 if layer.operator in ("Gemm", "MatMul") else 1
            mean = array.mean(axis=tuple(place for place in range(array.ndim) if place != axis))
            sums[layer.name] = sums.get(layer.name, np.zeros_like(mean)) + mean
            sizes[layer.name] += float(np.abs(array).mean())
    return {name: _Mean(sums[name] / len(samples), sizes[name] / len(samples)) for name in tensors}


def _notes(done: Sequence[CorrectedBias], skipped: Mapping[str, str], samples: int) -> tuple[str, ...]:
    notes = []
    if done:
        before, after = (float(np.mean([getattr(item, name) for item in done])) for name in ("before", "after"))
        worst = max(done, key=lambda item: item.before)
        notes.append(
            f"Biases of {len(done)} layers corrected on {samples} samples: the mean shift of a channel falls from "
            f"{before:.2%} to {after:.2%} of what a layer computes; it was largest in {worst.layer} "
            f"({worst.before:.2%})."
        )
    else:
        notes.append("No layer has a bias that correction could help.")
    for reason in dict.fromkeys(skipped.values()):
        names = [name for name, why in skipped.items() if why == reason]
        notes.append(f"Not corrected, {reason}: {', '.join(names)}.")
    return tuple(notes)
