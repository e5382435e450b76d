"""Observe the tensors that layers read and write, sample by sample, in ONNX Runtime; keep what was seen."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from converters.compress.quantize.encodings import Floats
from converters.compress.quantize.histogram import Channels, Histogram, NotFiniteError
from converters.compress.quantize.layers import find_layers
from converters.errors import BadInputError
from converters.model.graph import Model
from converters.progress import Progress

if TYPE_CHECKING:
    import onnx

    from converters.runtimes.base import Arrays

TITLE = "Observing activations"


class Observed(Protocol):
    """A sample to observe; a `CalibrationSample` is one."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def feeds(self) -> Arrays:
        """All inputs of the model."""

    @property
    def digest(self) -> str:
        """The sha256 of the feeds, hexadecimal."""


@dataclass(frozen=True)
class TensorObservation:
    """What was seen of one tensor.

    Attributes:
        histogram: of all its values.
        channels: of each of its channels.
        axis: of the channels.
        sample_low, sample_high: the range of each sample, in the order of `Observations.samples`.
    """

    histogram: Histogram
    channels: Channels
    axis: int
    sample_low: Floats
    sample_high: Floats

    @property
    def low(self) -> float:
        """The lowest value."""
        return self.histogram.low

    @property
    def high(self) -> float:
        """The highest value."""
        return self.histogram.high


@dataclass(frozen=True)
class Observations:
    """What was seen of a model's layers.

    Attributes:
        tensors: by name: every input and output of a layer.
        samples: names, in the order they were given.
        per_sample: lowest and highest value, samples x tensors (in their order) x 2, for outliers.
        notes: sentences.
    """

    tensors: Mapping[str, TensorObservation]
    samples: tuple[str, ...]
    per_sample: Floats
    notes: tuple[str, ...] = field(default=())


def tensor_axes(proto: onnx.ModelProto) -> dict[str, int]:
    """Return the tensors to observe, each with the axis of its channels, in the graph's order."""
    axes: dict[str, int] = {}
    for layer in find_layers(proto):
        axis = -1 if layer.operator == "MatMul" else 1
        axes.setdefault(layer.input, axis)
        axes.setdefault(layer.output, axis)
    return axes


def observe(
    model: Model, samples: Iterable[Observed], cache: Path | None = None, progress: Progress | None = None
) -> Observations:
    """Run a model on samples and return what its layers read and write.

    Args:
        model: float, static.
        samples: at least one, with feeds for all inputs.
        cache: a folder where what was seen is kept for the next time; None for none.
        progress: told after every sample.

    Raises:
        BadInputError: no samples, wrong shapes, or a sample that is not finite somewhere; it names sample and tensor.
        CancelledError: what was seen so far is in the cache.
    """
    from converters.runtimes.onnx import open_proto

    progress = progress or Progress()
    axes = tensor_axes(model.proto)
    inputs = {tensor.name for tensor in model.signature.inputs}
    wanted = [name for name in axes if name not in inputs]
    histograms = {name: Histogram() for name in axes}
    channels: dict[str, Channels] = {}
    names: list[str] = []
    ranges: list[Floats] = []
    with (
        tempfile.TemporaryDirectory(prefix="ffstudio-observe-") as folder,
        open_proto(_with_outputs(model.proto, wanted), Path(folder)) as session,
    ):
        for sample in samples:
            progress(TITLE, 0.0, sample.name)
            values = session.run(sample.feeds, wanted) if wanted else {}
            row = np.zeros((len(axes), 2), np.float32)
            for place, (name, axis) in enumerate(axes.items()):
                array = np.asarray(values[name] if name in values else sample.feeds[name], np.float32)
                try:
                    histograms[name].add(array)
                except NotFiniteError:
                    raise BadInputError(
                        f"The calibration sample {sample.name} makes {name} NaN or infinite.",
                        "",
                        "Leave this sample out, or check the model with `inspect`.",
                    ) from None
                found = channels.setdefault(name, Channels.empty(array.shape[axis]))
                found.add(array, axis)
                row[place] = array.min(), array.max()
            names.append(sample.name)
            ranges.append(row)
    if not names:
        raise BadInputError("There are no calibration samples.", "", "Give at least one; 64 is a good number.")
    per_sample = np.stack(ranges)
    tensors = {
        name: TensorObservation(
            histograms[name], channels[name], axis, per_sample[:, place, 0], per_sample[:, place, 1]
        )
        for place, (name, axis) in enumerate(axes.items())
    }
    return Observations(tensors, tuple(names), per_sample)


def _with_outputs(proto: onnx.ModelProto, names: Iterable[str]) -> onnx.ModelProto:
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    present = {value.name for value in copy.graph.output}
    for name in names:
        if name not in present:
            copy.graph.output.add().name = name
    return copy
