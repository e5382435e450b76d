"""Observe the tensors that layers read and write, sample by sample, in ONNX Runtime; keep what was seen."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

from converters.compress.quantize.encodings import Floats
from converters.compress.quantize.histogram import Channels, Histogram
from converters.compress.quantize.layers import find_layers
from converters.compress.quantize.observations_cache import Block, ObservationsCache, usable
from converters.errors import BadInputError, StudioError
from converters.model.graph import Model
from converters.model.graph_reading import GraphReading
from converters.progress import Progress

if TYPE_CHECKING:
    import onnx

    from converters.runtimes.base import Array, Arrays
    from converters.runtimes.onnx import OnnxSession

TITLE = "Observing activations"
_SAMPLES_AT_ONCE = 16
"""So many are observed before what was seen is kept; an interruption costs no more."""
_BYTES_AT_ONCE = 256 * 1024**2
"""Tensors that are larger together are observed in several runs of each sample."""
_UNKNOWN_BYTES = 16 * 1024**2


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

    Memory does not grow with the number of samples beyond 8 bytes a tensor and sample, as long as `samples` makes them
    when they are asked for. It is gone through a second time only when blocks of the cache overlap with it in part.

    Args:
        model: float, static.
        samples: at least one, with feeds for all inputs; equal ones count once.
        cache: a folder where what was seen is kept for the next time; None for none.
        progress: told after every sample.

    Raises:
        BadInputError: no samples, wrong shapes, or a sample that is not finite somewhere; it names sample and tensor.
        CancelledError: what was seen so far is in the cache.
    """
    given = list(samples) if isinstance(samples, Iterator) else samples
    axes = tensor_axes(model.proto)
    kept = ObservationsCache(cache, model.proto, axes)
    contents = kept.contents()
    known = {digest for digests in contents.values() for digest in digests}
    names: dict[str, str] = {}
    copies = 0
    total = len(given) if isinstance(given, Sized) else 0
    with _Observer(model, axes, kept, Progress() if progress is None else progress, total) as observer:
        for sample in given:
            if sample.digest in names:
                copies += 1
                continue
            names[sample.digest] = sample.name
            if sample.digest not in known:
                observer.add(sample)
        observer.flush()
        if not names:
            raise BadInputError("There are no calibration samples.", "", "Give at least one; 64 is a good number.")
        for key in usable(contents, names):
            block = kept.load(key)
            if block is not None:
                observer.seen.merge(block)
        missing = names.keys() - set(observer.seen.digests)
        for sample in given if missing else ():
            if sample.digest in missing:
                missing.remove(sample.digest)
                observer.add(sample)
        observer.flush()
        return _finished(observer.seen, names, copies)


def _finished(seen: Block, names: Mapping[str, str], copies: int) -> Observations:
    """Put what was seen in the order in which the samples were given."""
    row = {digest: place for place, digest in enumerate(seen.digests)}
    per_sample = np.stack([seen.ranges[row[digest]] for digest in names])
    tensors = {
        name: TensorObservation(
            seen.histograms[name], seen.channels[name], axis, per_sample[:, place, 0], per_sample[:, place, 1]
        )
        for place, (name, axis) in enumerate(seen.axes.items())
    }
    notes = []
    if copies:
        notes.append(f"Samples that equal an earlier one count once: {copies}.")
    if len(names) == 1:
        notes.append("There is one sample: the ranges will be those of it alone. 64 different ones are a good number.")
    return Observations(tensors, tuple(names.values()), per_sample, tuple(notes))


@dataclass(frozen=True)
class _Waiting:
    """What is needed of a sample until it is observed; its picture is not."""

    name: str
    digest: str
    feeds: Arrays


class _Observer:
    """Collects samples, runs them a few at a time and keeps what was seen."""

    def __init__(
        self, model: Model, axes: Mapping[str, int], kept: ObservationsCache, progress: Progress, total: int
    ) -> None:
        self.seen = Block.empty(axes)
        self._model = model
        self._axes = axes
        self._kept = kept
        self._progress = progress
        self._total = total
        self._done = 0
        self._waiting: list[_Waiting] = []
        self._inputs = [name for name in axes if name in {tensor.name for tensor in model.signature.inputs}]
        self._groups = _groups(model.proto, [name for name in axes if name not in self._inputs])
        self._opened = ExitStack()
        self._session: tuple[list[str], OnnxSession] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._opened.close()

    def add(self, sample: Observed) -> None:
        """Observe a sample, together with the next ones."""
        self._waiting.append(_Waiting(sample.name, sample.digest, sample.feeds))
        if len(self._waiting) == _SAMPLES_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Observe what waits, and keep it; of what fails, what was observed before."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        block = Block.empty(self._axes)
        try:
            for group in self._groups:
                self._observe(waiting, group, block)
        except StudioError:
            if len(self._groups) == 1:
                self._keep(block)
            raise
        self._keep(block)

    def _keep(self, block: Block) -> None:
        self._kept.save(block)
        self.seen.merge(block)

    def _observe(self, samples: Sequence[_Waiting], group: list[str], block: Block) -> None:
        """Add to a block what some tensors are on each sample."""
        place = {name: number for number, name in enumerate(self._axes)}
        is_first = group is self._groups[0]
        session = self._open(group)
        for number, sample in enumerate(samples):
            runs = max(self._total, self._done // len(self._groups) + 1) * len(self._groups)
            self._progress(TITLE, self._done / runs, sample.name)
            values = _values(session, sample, self._inputs if is_first else (), group)
            row = np.zeros((len(self._axes), 2), np.float32) if is_first else block.ranges[number]
            for name, array in values.items():
                row[place[name]] = array.min(), array.max()
                if not np.isfinite(row[place[name]]).all():
                    raise _not_finite(sample.name, name)
            for name, array in values.items():
                axis = self._axes[name]
                block.histograms[name].add(array)
                block.channels.setdefault(name, Channels.empty(array.shape[axis])).add(array, axis)
            if is_first:
                block.digests.append(sample.digest)
                block.ranges.append(row)
            self._done += 1

    def _open(self, group: list[str]) -> OnnxSession:
        """Return a session that gives these tensors; the one before is closed, because it holds all weights."""
        from converters.runtimes.onnx import open_proto

        if self._session is None or self._session[0] is not group:
            self._session = None
            self._opened.close()
            folder = Path(self._opened.enter_context(tempfile.TemporaryDirectory(prefix="ffstudio-observe-")))
            session = self._opened.enter_context(open_proto(_with_outputs(self._model.proto, group), folder))
            self._session = (group, session)
        return self._session[1]


def _values(session: OnnxSession, sample: _Waiting, inputs: Sequence[str], outputs: Sequence[str]) -> dict[str, Floats]:
    """Return some of the model's inputs, and tensors, on one sample."""
    for name, feed in sample.feeds.items():
        if np.issubdtype(feed.dtype, np.floating) and not np.isfinite(feed.astype(np.float64)).all():
            raise _not_finite(sample.name, name)
    try:
        results = session.run(sample.feeds, outputs)
    except BadInputError as error:
        raise BadInputError(
            f"The calibration sample {sample.name} does not fit the model: {error.what}",
            error.why,
            "Calibrate with samples that were made for this model.",
        ) from error
    found: dict[str, Array] = {**{name: sample.feeds[name] for name in inputs}, **results}
    return {name: np.asarray(array, np.float32) for name, array in found.items()}


def _not_finite(sample: str, tensor: str) -> BadInputError:
    return BadInputError(
        f"The calibration sample {sample} has NaN or infinite values in the tensor {tensor}.",
        "The sample itself is broken, or the model overflows on it.",
        "Leave this sample out.",
    )


def _groups(proto: onnx.ModelProto, names: Sequence[str]) -> list[list[str]]:
    """Return the tensors in groups that are small enough to have at once, in the graph's order; at least one group."""
    reading = GraphReading(proto)
    groups: list[list[str]] = [[]]
    size = 0
    for name in names:
        own = reading.type(name).bytes or _UNKNOWN_BYTES
        if groups[-1] and size + own > _BYTES_AT_ONCE:
            groups.append([])
            size = 0
        groups[-1].append(name)
        size += own
    return groups


def _with_outputs(proto: onnx.ModelProto, names: Iterable[str]) -> onnx.ModelProto:
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    present = {value.name for value in copy.graph.output}
    for name in names:
        if name not in present:
            copy.graph.output.add().name = name
    return copy
