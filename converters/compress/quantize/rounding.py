"""AdaRound: round weights up or down so that what a layer computes is right, not each weight alone.

Layer after layer in the graph's order: what a layer reads comes from the quantized model as it is by then, what it
should compute from the float one. A convolution is a matrix product over patches at sampled positions.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from converters.compress.quantize.adaround import Rounded, RoundingProblem, RoundingSettings, find_rounding
from converters.compress.quantize.encodings import Encodings, Floats, Scheme, WeightEncoding
from converters.compress.quantize.layers import Layer, effective_weights, find_layers, with_replaced
from converters.compress.quantize.links import has_its_own_values, removes_mean
from converters.compress.quantize.products import Product
from converters.compress.quantize.qdq import build_qdq
from converters.compress.quantize.rounding_state import RoundingState, key_of
from converters.compress.quantize.taps import quantized_node, read_tensors
from converters.errors import BadInputError
from converters.model.graph import Model
from converters.model.graph_reading import GraphReading, attribute
from converters.progress import Progress
from converters.runtimes.base import Array

if TYPE_CHECKING:
    import onnx

TITLE = "Rounding weights"
# Bytes of a layer's sampled rows; several times as much is in use while it is worked on.
_LARGEST_ROWS = 128 * 2**20


@dataclass(frozen=True)
class RoundedLayer:
    """One layer.

    Attributes:
        layer: its name.
        nearest_error, error: root mean square error of what it computes, as a part of the root mean square of that;
            rounded to the nearest and as found, on samples that were not looked at (from four samples on).
        changed: part of the codes that are not the nearest.
        seconds: it took.
        resumed: whether it was found in the state of an earlier run.
    """

    layer: str
    nearest_error: float
    error: float
    changed: float
    seconds: float
    resumed: bool = False


@dataclass(frozen=True)
class AdaptivelyRounded:
    """What AdaRound found.

    Attributes:
        replaced: float32 weights by initializer that lie exactly on the grid of their encodings.
        notes: sentences.
        layers: what was rounded, in the graph's order.
        skipped: names of layers with integer weights that were left alone, with the reason.
    """

    replaced: Mapping[str, Floats]
    notes: tuple[str, ...]
    layers: tuple[RoundedLayer, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)


def round_adaptively(
    model: Model,
    encodings: Encodings,
    samples: Sequence[Mapping[str, Array]],
    progress: Progress | None = None,
    *,
    equalized: Mapping[str, Floats] | None = None,
    settings: RoundingSettings | None = None,
    folder: Path | None = None,
) -> AdaptivelyRounded:
    """Return weights on the grid of their encodings, each rounded up or down as suits what its layer computes.

    Args:
        model: float, static; left unchanged.
        encodings: with everything replaced so far.
        samples: feeds for all inputs, at least one.
        progress: told several times a second; may cancel, also within a layer.
        equalized: the replaced values under which the float model computes the same; None where that is all of them.
        settings: how long to look; None for the usual.
        folder: of the cache that keeps what was found for each layer, so that cancelled work goes on there; None to
            keep nothing.

    Raises:
        BadInputError: no samples.
        UnsupportedError: the operator set has no scales per channel.
        CancelledError: what was found so far is in the cache.
    """
    if not samples:
        raise BadInputError("Adaptive rounding needs calibration samples.", "", "Give some, or leave it out.")
    progress = progress or Progress()
    settings = settings or RoundingSettings()
    known = encodings.replaced if equalized is None else equalized
    reading = GraphReading(model.proto)
    layers, skipped = _chosen(model, encodings, reading)
    state = RoundingState(folder, key_of(model.proto, encodings, known, samples, settings) if folder else "")
    work = _Work(model, encodings, with_replaced(model.proto, Encodings({}, known)), samples, settings, reading)
    replaced: dict[str, Floats] = {}
    done: list[RoundedLayer] = []
    for place, layer in enumerate(layers):
        part = Progress(
            lambda message, place=place, layer=layer: progress.report(  # type: ignore[misc]
                replace(message, fraction=(place + message.fraction) / len(layers), detail=layer.name)
            ),
            progress.is_cancelled,
        )
        part(TITLE)
        started = time.monotonic()
        product = work.product(layer)
        rounded = state.find(layer.name, product.matrix(np.empty(product.shape, np.int8)).shape)
        is_resumed = rounded is not None
        if rounded is None:
            rounded = find_rounding(
                work.problem(layer, product, replaced, part),
                settings,
                lambda fraction, part=part: part(TITLE, fraction),  # type: ignore[misc]
            )
            state.keep(layer.name, rounded)
        replaced[layer.weight] = work.weight_encoding(layer).dequantize(
            np.asarray(product.weights(rounded.codes), np.int8)
        )
        done.append(_report(layer, rounded, time.monotonic() - started, is_resumed))
    return AdaptivelyRounded(replaced, _notes(done, skipped), tuple(done), skipped)


class _Work:
    """Gathers what each layer's rounding needs from both models."""

    def __init__(
        self,
        model: Model,
        encodings: Encodings,
        plain: onnx.ModelProto,
        samples: Sequence[Mapping[str, Array]],
        settings: RoundingSettings,
        reading: GraphReading,
    ) -> None:
        self._model, self._encodings, self._plain = model, encodings, plain
        self._samples, self._settings, self._reading = samples, settings, reading

    def product(self, layer: Layer) -> Product:
        """Return how a layer multiplies."""
        shape = tuple(self._reading.initializers[layer.weight].dims)
        return Product.of(layer, self._reading.producers[layer.result], shape)

    def weight_encoding(self, layer: Layer) -> WeightEncoding:
        """Return the grid of a layer's weights."""
        found = self._encodings.layers[layer.name].weight
        assert found is not None
        return found

    def problem(
        self, layer: Layer, product: Product, replaced: Mapping[str, Floats], progress: Progress
    ) -> RoundingProblem:
        """Return a layer's problem with everything before it rounded already."""
        current = replace(self._encodings, replaced={**self._encodings.replaced, **replaced})
        reference = build_qdq(self._model, current)
        source = quantized_node(reference, layer).input[0]
        is_centred = removes_mean(self._reading, layer)
        weights = effective_weights(self._model.proto, self._encodings, layer.weight)
        matrix = np.array(product.matrix(weights), np.float32)  # torch wants it writable
        per_sample = self._rows_per_sample(matrix)
        # Every layer draws its own positions, the same ones each time.
        seed = int.from_bytes(hashlib.sha256(layer.name.encode()).digest()[:4], "big")
        generator = np.random.default_rng([self._settings.seed, seed])
        inputs, wanted, places = [], [], []
        # One model after the other: two sessions at once would hold two models' weights and activations.
        for aim in read_tensors(self._plain, [layer.result], self._samples, progress, TITLE):
            result = np.asarray(aim[layer.result], np.float32)
            total = product.positions(result)
            chosen = generator.permutation(total)[:per_sample].astype(np.int64)
            results = product.results(result, chosen)
            if is_centred:
                # The normalisation takes the mean away from what the layer computes, its error's included.
                everywhere = np.arange(total, dtype=np.int64)
                results = results - product.results(result, everywhere).mean(axis=1, keepdims=True)
            wanted.append(results)
            places.append((chosen, result.shape))
        read = read_tensors(reference, [source], self._samples, progress, TITLE)
        for values, (chosen, shape) in zip(read, places, strict=True):
            tensor = np.asarray(values[source], np.float32)
            rows = product.rows(tensor, shape, chosen)
            inputs.append(rows - product.mean_row(tensor, shape) if is_centred else rows)
        encoding = self.weight_encoding(layer)
        lengths = [rows.shape[1] for rows in inputs]
        return RoundingProblem(
            matrix,
            product.scales(encoding),
            encoding.highest,
            np.concatenate(inputs, axis=1),
            np.concatenate(wanted, axis=1),
            self._bias(layer, matrix, is_centred),
            _judged(lengths),
            _slope(self._reading, layer),
        )

    def _rows_per_sample(self, matrix: Floats) -> int:
        room = _LARGEST_ROWS // (4 * matrix.shape[0] * (matrix.shape[1] + matrix.shape[2]))
        return max(1, min(self._settings.rows, int(room)) // len(self._samples))

    def _bias(self, layer: Layer, matrix: Floats, is_centred: bool) -> Floats:
        groups, outputs = matrix.shape[:2]
        if not layer.bias or is_centred:
            return np.zeros((groups, 1, outputs), np.float32)
        values = effective_weights(self._model.proto, self._encodings, layer.bias)
        every = np.broadcast_to(values.reshape(-1), groups * outputs)
        return np.array(every, np.float32).reshape(groups, 1, outputs)


def _chosen(model: Model, encodings: Encodings, reading: GraphReading) -> tuple[list[Layer], dict[str, str]]:
    """Return the layers to round, and why others with integer weights are left alone."""
    chosen, skipped = [], {}
    for layer in find_layers(model.proto):
        if encodings.scheme(layer.name) is Scheme.FLOAT:
            continue
        if layer.operator == "ConvTranspose":
            skipped[layer.name] = "transposed convolutions keep the nearest codes"
        elif not has_its_own_values(layer, reading):
            skipped[layer.name] = "it shares weights or bias with another layer"
        else:
            chosen.append(layer)
    return chosen, skipped


def _judged(lengths: Sequence[int]) -> int:
    """Return how many of the last rows judge: those of whole samples, positions of one picture know one another."""
    samples = len(lengths) // 4
    return sum(lengths[len(lengths) - samples :]) if samples else max(1, sum(lengths) // 5)


def _slope(reading: GraphReading, layer: Layer) -> float:
    """Return what a negative result is multiplied with by the activation function that follows; 1 for none."""
    users = reading.users(layer.result)
    if len(users) != 1 or layer.result in reading.output_names:
        return 1.0
    if users[0].op_type == "LeakyRelu":
        return float(attribute(users[0], "alpha", 0.01))
    return 0.0 if users[0].op_type == "Relu" or layer.output != layer.result else 1.0


def _report(layer: Layer, rounded: Rounded, seconds: float, is_resumed: bool) -> RoundedLayer:
    return RoundedLayer(
        layer.name, rounded.nearest_error, rounded.error, rounded.changed, round(seconds, 3), is_resumed
    )


def _notes(done: Sequence[RoundedLayer], skipped: Mapping[str, str]) -> tuple[str, ...]:
    notes = []
    if done:
        better = [item for item in done if item.changed]
        seconds = sum(item.seconds for item in done)
        resumed = sum(item.resumed for item in done)
        earlier = f", {resumed} of them in an earlier run" if resumed else ""
        before, after = (float(np.mean([getattr(item, name) for item in done])) for name in ("nearest_error", "error"))
        notes.append(
            f"Weights of {len(better)} of {len(done)} layers rounded otherwise than to the nearest code{earlier}, in "
            f"{seconds:.0f} s: the error of what a layer computes, from what it reads by then, falls from {before:.2%} "
            f"to {after:.2%} on average."
        )
        if len(better) < len(done):
            names = ", ".join(item.layer for item in done if not item.changed)
            notes.append(f"The nearest codes are the best that was found in {names}.")
    else:
        notes.append("No layer has integer weights that could be rounded otherwise.")
    for reason in dict.fromkeys(skipped.values()):
        notes.append(f"Not rounded, {reason}: {', '.join(name for name, why in skipped.items() if why == reason)}.")
    return tuple(notes)
