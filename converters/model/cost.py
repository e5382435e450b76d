"""What a model costs: parameters, multiply-accumulates, memory, layer by layer. Weights are never copied."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from converters.model.fingerprint import weight_inputs
from converters.model.graph_reading import (
    UNKNOWN,
    GraphReading,
    all_nodes,
    initializer_dtype,
    item_size,
    node_title,
    tensor_elements,
)
from converters.model.multiply_accumulates import multiply_accumulates

if TYPE_CHECKING:
    import onnx

# These hand on the memory of their input; runtimes do not copy.
_VIEWS = {"Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"}


@dataclass(frozen=True)
class LayerCost:
    """One node.

    Attributes:
        name, operator: as in the graph.
        output_shape: of the first output; -1 is an unknown size.
        parameters: float weights first used here.
        macs: multiply-accumulates; element-wise work counts none.
        activation_bytes: of all outputs; 0 when a size is unknown.
    """

    name: str
    operator: str
    output_shape: tuple[int, ...]
    parameters: int
    macs: int
    activation_bytes: int


@dataclass(frozen=True)
class Cost:
    """A model's cost for one run.

    Attributes:
        parameters: float weights of more than one element that some node computes with, each counted once (the
            running statistics of a batch normalisation included, scales of a Resize and the like not).
        unused_parameters: elements of initializers that no node reads, by name (`emap`).
        bytes: of all initializers and constants.
        macs: multiply-accumulates of all layers.
        peak_activation_bytes: most memory in use at once when the nodes run in order and every tensor is freed after
            its last use (inputs and outputs included, weights not).
        total_activation_bytes: of all tensors together.
        operators: how often each occurs, sub-graphs included.
        opset: of the default operator set.
        layers: in the graph's order, without Constant nodes.
        uncounted: names of nodes whose work could not be counted because a shape is unknown.
    """

    parameters: int
    unused_parameters: dict[str, int]
    bytes: int
    macs: int
    peak_activation_bytes: int
    total_activation_bytes: int
    operators: dict[str, int]
    opset: int
    layers: tuple[LayerCost, ...]
    uncounted: tuple[str, ...]

    @property
    def gmacs(self) -> float:
        """Multiply-accumulates in thousands of millions."""
        return self.macs / 1e9

    def heaviest(self, count: int) -> tuple[LayerCost, ...]:
        """Return the layers with the most multiply-accumulates, the heaviest first."""
        return tuple(sorted((layer for layer in self.layers if layer.macs), key=lambda item: -item.macs)[:count])

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def measure_cost(proto: onnx.ModelProto) -> Cost:
    """Measure a graph. Dynamic inputs take the recognised family's shapes, or 1 for the batch axis.

    Multiply-accumulates follow the usual convention: a bias, an activation, a resize or a normalisation counts none.
    """
    reading = GraphReading(proto, _fixed_shapes(proto))
    first_user = weight_inputs(reading)
    own: Counter[int] = Counter()
    for name, node in first_user.items():
        tensor = reading.constant_tensor(name)
        own[id(node)] += tensor_elements(tensor) if tensor is not None else 0
    layers, uncounted = [], []
    for node in reading.nodes:
        if node.op_type == "Constant":
            continue
        macs = multiply_accumulates(reading, node)
        if macs is None:
            uncounted.append(node_title(node))
        outputs = [reading.type(name).bytes for name in node.output if name]
        shape = reading.shape(node.output[0]) if node.output else None
        layers.append(
            LayerCost(
                name=node_title(node),
                operator=node.op_type,
                output_shape=shape if shape is not None else (),
                parameters=own[id(node)],
                macs=macs or 0,
                activation_bytes=sum(size or 0 for size in outputs),
            )
        )
    peak, total = _activation_memory(reading)
    constants = [*proto.graph.initializer]
    constants += [tensor for name in reading.constant_nodes if (tensor := reading.constant_tensor(name)) is not None]
    return Cost(
        parameters=sum(own.values()),
        unused_parameters={tensor.name: tensor_elements(tensor) for tensor in reading.orphans()},
        bytes=sum(tensor_elements(tensor) * item_size(initializer_dtype(tensor)) for tensor in constants),
        macs=sum(layer.macs for layer in layers),
        peak_activation_bytes=peak,
        total_activation_bytes=total,
        operators=dict(Counter(node.op_type for node in all_nodes(proto.graph)).most_common()),
        opset=reading.opset,
        layers=tuple(layers),
        uncounted=tuple(uncounted),
    )


def _fixed_shapes(proto: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    from converters.model.understand import default_shapes

    reading = GraphReading(proto)
    dynamic = {}
    for value in reading.inputs:
        sizes = [dim.dim_value if dim.HasField("dim_value") else UNKNOWN for dim in value.type.tensor_type.shape.dim]
        if UNKNOWN in sizes:
            dynamic[value.name] = sizes
    if not dynamic:
        return {}
    fixed = default_shapes(proto)
    for name, sizes in dynamic.items():
        if name not in fixed and sizes.count(UNKNOWN) == 1 and sizes[0] == UNKNOWN:
            fixed[name] = (1, *sizes[1:])
    return fixed


def _activation_memory(reading: GraphReading) -> tuple[int, int]:
    """Return (peak, total) bytes of activations, node by node in the graph's order."""
    root: dict[str, str] = {}
    for node in reading.nodes:
        if node.op_type in _VIEWS and node.input and not reading.is_constant(node.input[0]):
            root[node.output[0]] = root.get(node.input[0], node.input[0])
    last_use: dict[str, int] = {}
    for place, node in enumerate(reading.nodes):
        for name in (*node.input, *node.output):
            last_use[root.get(name, name)] = place
    for name in reading.output_names:
        last_use[root.get(name, name)] = len(reading.nodes)
    dying: dict[int, list[str]] = {}
    for name, place in last_use.items():
        dying.setdefault(place, []).append(name)

    def size(name: str) -> int:
        return reading.type(name).bytes or 0

    live = {value.name: size(value.name) for value in reading.inputs}
    used = total = peak = sum(live.values())
    for place, node in enumerate(reading.nodes):
        for name in node.output:
            if name and name not in root and not reading.is_constant(name):
                live[name] = size(name)
                used += live[name]
                total += live[name]
        peak = max(peak, used)
        for name in dying.get(place, []):
            used -= live.pop(name, 0)
    return peak, total
