"""Which layer is the first to differ, when an artifact fails its verification.

The graph is exported again with intermediate results as further outputs, first a coarse selection, then everything
between the last good and the first bad one. That works alike for all targets, whatever they rename or fuse.
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converters.compress.quantize.qdq import build_qdq
from converters.errors import BadInputError, UnsupportedError, VerificationError
from converters.measure.parity import OutputDifference, Sample, compare_output, spans
from converters.model.graph import Model
from converters.model.signature import Signature, TensorInfo
from converters.parameters import Value
from converters.progress import Progress
from converters.runtimes.onnx import open_proto
from converters.targets.base import Precision

if TYPE_CHECKING:
    import onnx

    from converters.targets.base import Exporter

_TENSORS_PER_ROUND = 24
# Models have a few large maps early on; more than this in extra outputs would not fit a small machine.
_LARGEST_EXTRA_OUTPUTS = 512 * 2**20


@dataclass(frozen=True)
class FirstDifference:
    """Where an artifact leaves the original.

    Attributes:
        tensor: the first tensor outside the limits, "" when every intermediate result is within them.
        node: the node that makes it.
        operator: that node's operator.
        sentence: all of it in words.
        measured: what was compared, in the graph's order.
    """

    tensor: str
    node: str
    operator: str
    sentence: str
    measured: tuple[OutputDifference, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain data for the report."""
        return {**asdict(self), "measured": [item.to_json() for item in self.measured]}


def _candidates(proto: onnx.ModelProto) -> list[TensorInfo]:
    """Return the float results of a graph's nodes that depend on its inputs and have a known shape, in order."""
    import onnx

    inferred = onnx.shape_inference.infer_shapes(proto) if not proto.graph.value_info else proto
    floats = {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16}
    shapes: dict[str, tuple[int, ...]] = {}
    for value in [*inferred.graph.value_info, *inferred.graph.output]:
        kind = value.type.tensor_type
        sizes = [axis.dim_value for axis in kind.shape.dim]
        if kind.elem_type in floats and kind.HasField("shape") and all(sizes):
            shapes[value.name] = tuple(sizes)
    constants = {tensor.name for tensor in proto.graph.initializer}
    live = {value.name for value in proto.graph.input} - constants
    found = []
    for node in proto.graph.node:
        if not live.intersection(node.input):
            continue
        live.update(name for name in node.output if name)
        found += [TensorInfo(name, shapes[name]) for name in node.output if name in shapes]
    return found


def _spread(tensors: list[TensorInfo]) -> list[TensorInfo]:
    """Choose evenly spaced tensors, not more than a round takes, the last one always among them."""
    count = min(len(tensors), _TENSORS_PER_ROUND)
    chosen = [tensors[round((place + 1) * len(tensors) / count) - 1] for place in range(count)]
    room = _LARGEST_EXTRA_OUTPUTS
    kept = []
    for tensor in reversed(chosen):
        size = 4
        for length in tensor.static_shape:
            size *= length
        if size <= room:
            room -= size
            kept.append(tensor)
    return kept[::-1]


def with_outputs(model: Model, tensors: list[TensorInfo]) -> Model:
    """Return `model` with intermediate results as further outputs.

    Its own outputs stay, or an input that only they depend on would be lost.
    """
    import onnx

    proto = onnx.ModelProto()
    proto.CopyFrom(model.proto)
    own = {value.name for value in proto.graph.output}
    added = [tensor for tensor in tensors if tensor.name not in own]
    kinds = {value.name: value.type.tensor_type.elem_type for value in proto.graph.value_info}
    for tensor in added:
        kind = kinds.get(tensor.name, onnx.TensorProto.FLOAT)
        proto.graph.output.append(onnx.helper.make_tensor_value_info(tensor.name, kind, tensor.static_shape))
    return replace(model, proto=proto, signature=Signature(model.signature.inputs, (*model.signature.outputs, *added)))


def locate(
    model: Model,
    exporter: Exporter,
    precision: Precision,
    options: dict[str, Value],
    sample: Sample,
    progress: Progress,
) -> FirstDifference:
    """Find the first layer at which an export leaves the original on one sample.

    Args:
        model: the original.
        exporter, precision, options: how the failing artifact was made.
        sample: on which it failed worst.
        progress: told about rounds.
    """
    search = _Search(model, exporter, precision, options, sample, progress)
    candidates = _candidates(model.proto)
    measured: dict[str, OutputDifference] = {}
    begin, end = 0, len(candidates)
    for round_number in (1, 2, 3):
        chosen = _spread(candidates[begin:end])
        if not chosen:
            break
        progress("Looking for the first layer that differs", round_number / 4)
        measured |= search.measure(chosen)
        places = [place for place, tensor in enumerate(candidates) if tensor.name in measured]
        bad = next((place for place in places if measured[candidates[place].name].complaint), None)
        if bad is None:
            break
        good = max((place for place in places if place < bad), default=-1)
        if bad - good <= 1:
            break
        begin, end = good + 1, bad
    ordered = tuple(measured[tensor.name] for tensor in candidates if tensor.name in measured)
    first = next((difference for difference in ordered if difference.complaint), None)
    if first is None:
        sentence = f"None of {len(ordered)} intermediate results differs on its own: only the fused graph does."
        return FirstDifference("", "", "", sentence, ordered)
    node = next(node for node in model.proto.graph.node if first.output in node.output)
    label = node.name or first.output
    sentence = f"The first layer that differs is {label} ({node.op_type}): its result {first.complaint}."
    return FirstDifference(first.output, label, node.op_type, sentence, ordered)


@dataclass(frozen=True)
class _Search:
    """What stays the same from round to round."""

    model: Model
    exporter: Exporter
    precision: Precision
    options: dict[str, Value]
    sample: Sample
    progress: Progress

    def measure(self, tensors: list[TensorInfo]) -> dict[str, OutputDifference]:
        """Compare intermediate results; those that a target fused away, and so cannot give out, are left out."""
        try:
            return self._measure_together(tensors)
        except (BadInputError, UnsupportedError, VerificationError):
            if len(tensors) == 1:
                return {}
        middle = len(tensors) // 2
        return self.measure(tensors[:middle]) | self.measure(tensors[middle:])

    def _measure_together(self, tensors: list[TensorInfo]) -> dict[str, OutputDifference]:
        probe = with_outputs(self.model, tensors)
        feeds = self.sample.feeds
        with tempfile.TemporaryDirectory(prefix="ffstudio-") as name:
            folder = Path(name)
            original = build_qdq(probe) if self.precision is Precision.INT8 else probe.proto
            with open_proto(original, folder / "original") as session:
                wanted = session.run(feeds)
            (folder / "export").mkdir()
            export = self.exporter.export(
                probe, folder / "export", self.precision, self.options, [feeds], self.progress
            )
            with self.exporter.open_session(export.path) as session:
                results = session.run(feeds)
        span = spans([(self.sample.kind, wanted)])
        return {
            name: compare_output(self.sample, name, wanted[name], results[name], span.get(name, 0.0), self.precision)
            for name in (tensor.name for tensor in tensors)
        }
