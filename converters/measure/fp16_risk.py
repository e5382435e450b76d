"""What fp16 would do to a model: the largest value of every tensor on real samples, and constants that vanish.

fp16 ends at 65504 and rounds everything below 3e-8 to zero; numbers below 6.1e-5 are subnormal, and many GPUs treat
those as zero too. Black and grey faces come from there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from converters.errors import UsageError
from converters.model.checks.numbers import FP16_LARGEST, FP16_SMALLEST_NORMAL, FP16_VANISHES
from converters.model.graph_reading import GraphReading, TensorType, attribute, node_title
from converters.plain import finite_or_null
from converters.progress import Progress

if TYPE_CHECKING:
    import onnx

    from converters.model.graph import Model
    from converters.runtimes.base import Array, Arrays

# Outputs are asked for in groups of this size, so that a scan needs little more memory than a run.
GROUP_BYTES = 256 * 2**20
_UNKNOWN_SIZE = 4 * 2**20
# Values near the limit overflow on the next picture.
_NEAR = 0.5
# A tensor is lost when this part of its values that are not zero becomes zero.
_LOST_PART = 0.5
_SMALL = 16 * FP16_SMALLEST_NORMAL
_FLOATS = ("float32", "float64", "float16")
_EPSILON_ATTRIBUTES = ("InstanceNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization")


@dataclass(frozen=True)
class TensorRange:
    """One tensor over all samples.

    Attributes:
        name: of the tensor, in the graph.
        node, operator: what makes it; "" and "input" or "weight" for those that nothing makes.
        largest: largest magnitude, infinite or NaN as it came.
        vanishing: largest part, over the samples, of its values other than zero that fp16 rounds to zero.
        only_added: everything that reads it adds it to something, so that vanishing does no harm.
    """

    name: str
    node: str
    operator: str
    largest: float
    vanishing: float
    only_added: bool

    @property
    def overflows(self) -> bool:
        """Whether fp16 cannot hold it."""
        return not self.largest <= FP16_LARGEST

    @property
    def is_near(self) -> bool:
        """Whether it uses more than half of fp16's range."""
        return not self.overflows and self.largest > _NEAR * FP16_LARGEST

    @property
    def is_lost(self) -> bool:
        """Whether at least half of it vanishes where that matters: beside large values nobody misses small ones."""
        return self.vanishing >= _LOST_PART and self.largest < _SMALL and not self.only_added


@dataclass(frozen=True)
class EpsilonRisk:
    """A small constant that keeps a root or a quotient away from zero.

    Attributes:
        node: that adds it, or that has it as an attribute.
        value: as stored.
        vanishes: whether it is zero in fp16.
        is_subnormal: whether it is one of the small numbers many GPUs treat as zero.
    """

    node: str
    value: float
    vanishes: bool
    is_subnormal: bool


@dataclass(frozen=True)
class Fp16Risk:
    """Everything a scan found.

    Attributes:
        tensors: largest magnitude first.
        epsilons: smallest first.
        samples: how many were run.
        problems: one sentence for each kind of trouble; empty when fp16 is fine on these samples.
    """

    tensors: tuple[TensorRange, ...]
    epsilons: tuple[EpsilonRisk, ...]
    samples: int
    problems: tuple[str, ...]

    @property
    def is_safe(self) -> bool:
        """Whether nothing was found that fp16 breaks."""
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        """Return plain data; what is not finite becomes null."""
        return {**asdict(self), "tensors": [finite_or_null(asdict(tensor)) for tensor in self.tensors]}


def scan(
    model: Model,
    samples: Sequence[Arrays],
    progress: Progress | None = None,
    group_bytes: int = GROUP_BYTES,
) -> Fp16Risk:
    """Run a model in ONNX Runtime with every float tensor as an output and rank their largest magnitudes.

    Args:
        model: static, in fp32.
        samples: real feeds; what they do not provoke is not found.
        progress: told after every group of tensors.
        group_bytes: tensors are looked at in groups of about this size.

    Raises:
        UsageError: no samples.
        CancelledError: when asked to stop.
    """
    if not samples:
        raise UsageError("The fp16 scan needs at least one sample.", "", "Give a folder of face crops.")
    progress = progress or Progress()
    reading = GraphReading(model.proto)
    found = _weights(reading)
    for name in (tensor.name for tensor in model.signature.inputs if tensor.dtype in _FLOATS):
        found.append(_measured(reading, name, [sample[name] for sample in samples]))
    groups = _groups(reading, group_bytes)
    for place, names in enumerate(groups):
        progress("Scanning for fp16", place / len(groups), f"{len(names)} tensors")
        found += _scan_group(model, reading, names, samples)
    tensors = tuple(sorted(found, key=lambda item: -_rank(item.largest)))
    epsilons = tuple(sorted(_epsilons(reading), key=lambda item: item.value))
    return Fp16Risk(tensors, epsilons, len(samples), tuple(_problems(tensors, epsilons, len(samples))))


def _rank(value: float) -> float:
    return float("inf") if np.isnan(value) else value


def _groups(reading: GraphReading, group_bytes: int) -> list[list[str]]:
    """Return the names of all computed float tensors, in the graph's order, in groups of limited size."""
    groups: list[list[str]] = []
    used = group_bytes + 1
    for node in reading.nodes:
        for name in node.output:
            kind = reading.type(name)
            if not name or node.op_type == "Constant" or (kind.dtype and kind.dtype not in _FLOATS):
                continue
            if not kind.dtype:
                continue  # ONNX Runtime needs the type of what it is to hand out
            size = kind.bytes if kind.bytes is not None else _UNKNOWN_SIZE
            if used + size > group_bytes:
                groups.append([])
                used = 0
            groups[-1].append(name)
            used += size
    return groups


def _scan_group(
    model: Model, reading: GraphReading, names: Sequence[str], samples: Sequence[Arrays]
) -> list[TensorRange]:
    from converters.runtimes.onnx import open_proto

    largest = dict.fromkeys(names, 0.0)
    vanishing = dict.fromkeys(names, 0.0)
    proto = _with_outputs(model.proto, {name: reading.type(name) for name in names})
    with tempfile.TemporaryDirectory() as folder, open_proto(proto, Path(folder)) as session:
        del proto
        for sample in samples:
            for name, array in session.run(sample, names).items():
                magnitude, lost = _look(array)
                largest[name] = max(largest[name], magnitude, key=_rank)
                vanishing[name] = max(vanishing[name], lost)
    return [_range(reading, name, largest[name], vanishing[name]) for name in names]


def _with_outputs(proto: onnx.ModelProto, wanted: dict[str, TensorType]) -> onnx.ModelProto:
    """Return the graph with other outputs, and without the nodes and weights they do not need."""
    import onnx

    needed = set(wanted)
    kept = []
    for node in reversed(proto.graph.node):
        if any(name in needed for name in node.output):
            kept.append(node)
            needed |= set(node.input)
            needed |= {name for item in node.attribute for name in _inner_names(item)}
    new = onnx.ModelProto()
    new.ir_version = max(proto.ir_version, 4)
    new.opset_import.extend(proto.opset_import)
    new.functions.extend(proto.functions)
    new.graph.name = proto.graph.name
    new.graph.node.extend(reversed(kept))
    new.graph.input.extend(proto.graph.input)
    new.graph.initializer.extend(tensor for tensor in proto.graph.initializer if tensor.name in needed)
    for name, kind in wanted.items():
        value = new.graph.output.add()
        value.name = name
        value.type.tensor_type.elem_type = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(kind.dtype))
    return new


def _inner_names(item: onnx.AttributeProto) -> set[str]:
    graphs = [*item.graphs, *([item.g] if item.HasField("g") else [])]
    names: set[str] = set()
    for graph in graphs:
        for node in graph.node:
            names |= set(node.input)
            for inner in node.attribute:
                names |= _inner_names(inner)
        names |= {value.name for value in graph.output}
    return names


def _look(array: Array) -> tuple[float, float]:
    """Return (largest magnitude, part of the values other than zero that fp16 rounds to zero)."""
    if not array.size:
        return 0.0, 0.0
    magnitudes = np.abs(array)
    largest = float(np.max(magnitudes))  # NaN wins, as it should
    present = int(np.count_nonzero(magnitudes))
    lost = present - int(np.count_nonzero(magnitudes > FP16_VANISHES))
    return largest, lost / present if present else 0.0


def _measured(reading: GraphReading, name: str, arrays: Sequence[Array]) -> TensorRange:
    looks = [_look(array) for array in arrays]
    return _range(reading, name, max((look[0] for look in looks), key=_rank), max(look[1] for look in looks))


def _range(reading: GraphReading, name: str, largest: float, vanishing: float) -> TensorRange:
    node = reading.producers.get(name)
    users = reading.users(name)
    only_added = bool(users) and all(user.op_type in ("Add", "Sub", "Sum", "Max") for user in users)
    operator = node.op_type if node is not None else "input"
    return TensorRange(name, node_title(node) if node is not None else "", operator, largest, vanishing, only_added)


def _weights(reading: GraphReading) -> list[TensorRange]:
    """Return stored float tensors of more than one element that some node reads."""
    found = []
    for name in reading.initializers:
        if reading.type(name).dtype not in _FLOATS or (reading.type(name).elements or 0) <= 1:
            continue
        value = reading.constant(name) if reading.users(name) else None
        if value is not None:
            largest, vanishing = _look(value)
            users = reading.users(name)
            only_added = all(user.op_type in ("Add", "Sub", "Sum") for user in users)
            found.append(TensorRange(name, "", "weight", largest, vanishing, only_added))
    return found


def _epsilons(reading: GraphReading) -> list[EpsilonRisk]:
    """Return small constants added before a root, a quotient or a logarithm, and epsilons of normalisations."""
    found = []
    for node in reading.nodes:
        if node.op_type in _EPSILON_ATTRIBUTES:
            found.append((node_title(node), float(attribute(node, "epsilon", 1e-5))))
        if node.op_type not in ("Add", "Max", "Clip"):
            continue
        users = {user.op_type for user in reading.users(node.output[0])}
        if not users & {"Sqrt", "Div", "Reciprocal", "Log", "Pow"}:
            continue
        values = [reading.scalar(name) for name in node.input if name]
        found += [(node_title(node), value) for value in values if value is not None and 0 < value < 1e-2]
    return [
        EpsilonRisk(name, value, value < FP16_VANISHES, FP16_VANISHES <= value < FP16_SMALLEST_NORMAL)
        for name, value in found
    ]


def _problems(tensors: Sequence[TensorRange], epsilons: Sequence[EpsilonRisk], samples: int) -> list[str]:
    sentences = []
    over = [tensor for tensor in tensors if tensor.overflows]
    if over:
        worst = over[0]
        sentences.append(
            f"{len(over)} tensors pass 65504, the end of fp16; the largest is {worst.name} "
            f"({_made_by(worst)}) with {worst.largest:.3g}."
        )
    near = [tensor for tensor in tensors if tensor.is_near]
    if near:
        sentences.append(
            f"{len(near)} tensors come within a factor of two of 65504 on {samples} samples and may pass it on others; "
            f"first {near[0].name} ({_made_by(near[0])}) with {near[0].largest:.3g}."
        )
    lost = [tensor for tensor in tensors if tensor.is_lost]
    if lost:
        sentences.append(
            f"{len(lost)} tensors lose at least half of their values to zero in fp16; first {lost[0].name} "
            f"({_made_by(lost[0])}), largest value {lost[0].largest:.3g}."
        )
    gone = [epsilon for epsilon in epsilons if epsilon.vanishes]
    if gone:
        sentences.append(
            f"{len(gone)} constants that guard a root or a quotient are zero in fp16; the smallest is "
            f"{gone[0].value:.3g} at {gone[0].node}: a constant channel then becomes 0 / 0."
        )
    return sentences


def _made_by(tensor: TensorRange) -> str:
    return f"{tensor.operator} {tensor.node}".strip()
