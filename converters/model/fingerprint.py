"""What a graph looks like, in numbers: what families are recognised by."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from converters.model.graph_reading import (
    UNKNOWN,
    GraphReading,
    attribute,
    dtype_name,
    initializer_dtype,
    tensor_elements,
)

if TYPE_CHECKING:
    import onnx

EMAP_SHAPE = (512, 512)
_FLOATS = {"float32", "float16", "float64", "bfloat16"}
_CONVOLUTIONS = {"Conv", "ConvTranspose"}
# Inputs that tell an operator what to do; what stands there is configuration, not a weight.
_CONFIGURATION = {
    "Resize": {1, 2, 3},
    "Upsample": {1},
    "Pad": {1, 2, 3},
    "Clip": {1, 2},
    "Slice": {1, 2, 3, 4},
    "Reshape": {1},
    "Expand": {1},
    "Tile": {1},
    "TopK": {1},
    "OneHot": {1, 2},
    "NonMaxSuppression": {2, 3, 4},
    "QuantizeLinear": {1, 2},
    "DequantizeLinear": {1, 2},
}


@dataclass(frozen=True)
class Edge:
    """An input or output as the graph declares it; -1 is a dynamic size, `shape` None an unknown rank."""

    name: str
    shape: tuple[int, ...] | None
    dtype: str


@dataclass(frozen=True)
class Fingerprint:
    """A graph's edges and countable marks.

    Attributes:
        inputs, outputs: in the graph's order.
        numbers: "nodes", "parameters", "half" (share of the parameters kept in 16 bits), "centrings" (places where
            a mean is subtracted, instance normalisations included), "centring_width" (the most channels at such a
            place), "orphan_512x512", "dynamic_convolutions", "dilated_convolutions", "grouped_convolutions",
            "output_width" (last size of the first output), "output_width_modulo_128" and "operators.X" for every
            operator X.
    """

    inputs: tuple[Edge, ...]
    outputs: tuple[Edge, ...]
    numbers: dict[str, float]


def weight_inputs(reading: GraphReading) -> dict[str, onnx.NodeProto]:
    """Return each float constant of more than one element that some node computes with, and its first user.

    Configuration (scales of a Resize, limits of a Clip, …) is left out, and so is what no node uses.
    """
    found: dict[str, onnx.NodeProto] = {}
    for node in reading.nodes:
        skipped = _CONFIGURATION.get(node.op_type, set())
        for position, name in enumerate(node.input):
            if name and position not in skipped and name not in found and reading.is_constant(name):
                tensor = reading.constant_tensor(name)
                if tensor is None or initializer_dtype(tensor) not in _FLOATS or tensor_elements(tensor) <= 1:
                    continue
                found[name] = node
    return found


def find_emap(reading: GraphReading) -> onnx.TensorProto | None:
    """Return the identity matrix a swapper carries for its host: the last float matrix that no node reads and that is
    512x512 or called emap.
    """
    found = [
        tensor
        for tensor in reading.orphans()
        if (tuple(tensor.dims) == EMAP_SHAPE or (tensor.name == "emap" and len(tensor.dims) == 2))
        and initializer_dtype(tensor) in _FLOATS
    ]
    return found[-1] if found else None


def centrings(reading: GraphReading) -> list[tuple[str, str]]:
    """Return (centred tensor, mean tensor) wherever a mean over an axis is subtracted from its own input."""
    found = []
    for node in reading.nodes:
        if node.op_type == "Sub" and len(node.input) == 2:
            mean = reading.producer(node.input[1], "ReduceMean", "GlobalAveragePool")
            if mean is not None and mean.input[0] == node.input[0]:
                found.append((node.output[0], node.input[1]))
    return found


def fingerprint(proto: onnx.ModelProto) -> Fingerprint:
    """Measure a graph; weights are counted, never read."""
    reading = GraphReading(proto)
    operators = Counter(node.op_type for node in reading.nodes if node.op_type != "Constant")
    emap = find_emap(reading)
    weights = {name: reading.constant_tensor(name) for name in weight_inputs(reading)}
    sizes = [(initializer_dtype(tensor), tensor_elements(tensor)) for tensor in weights.values() if tensor is not None]
    parameters = sum(size for _, size in sizes)
    half = sum(size for dtype, size in sizes if dtype in ("float16", "bfloat16"))
    instances = [node for node in reading.nodes if node.op_type == "InstanceNormalization"]
    places = centrings(reading)
    widths = [_width(reading, name) for name, _ in places] + [_vector_length(reading, node) for node in instances]
    convolutions = [node for node in reading.nodes if node.op_type in _CONVOLUTIONS]
    outputs = tuple(_edge(value) for value in reading.graph.output)
    width = outputs[0].shape[-1] if outputs and outputs[0].shape else 0
    numbers: dict[str, float] = {
        "nodes": sum(operators.values()),
        "parameters": parameters,
        "half": half / parameters if parameters else 0.0,
        "centrings": len(places) + len(instances),
        "centring_width": max(widths, default=0),
        "orphan_512x512": int(emap is not None and tuple(emap.dims) == EMAP_SHAPE),
        "dynamic_convolutions": sum(not _has_constant_kernel(reading, node) for node in convolutions),
        "dilated_convolutions": sum(max(attribute(node, "dilations", [1])) > 1 for node in convolutions),
        "grouped_convolutions": sum(attribute(node, "group", 1) > 1 for node in convolutions),
        "output_width": width,
        "output_width_modulo_128": width % 128,
        **{f"operators.{name}": count for name, count in operators.items()},
    }
    return Fingerprint(tuple(_edge(value) for value in reading.inputs), outputs, numbers)


def _edge(value: onnx.ValueInfoProto) -> Edge:
    tensor = value.type.tensor_type
    shape: tuple[int, ...] | None = None
    if tensor.HasField("shape"):
        shape = tuple(
            dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else UNKNOWN for dim in tensor.shape.dim
        )
    return Edge(value.name, shape, dtype_name(tensor.elem_type) if tensor.elem_type else "")


def _has_constant_kernel(reading: GraphReading, node: onnx.NodeProto) -> bool:
    """Whether the kernel is stored, possibly behind a Cast or DequantizeLinear."""
    name = node.input[1]
    for _ in range(4):
        if reading.is_constant(name):
            return True
        producer = reading.producer(name, "Cast", "DequantizeLinear", "Identity", "QuantizeLinear")
        if producer is None:
            return False
        name = producer.input[0]
    return False


def _vector_length(reading: GraphReading, node: onnx.NodeProto) -> int:
    tensor = reading.constant_tensor(node.input[1])
    return tensor_elements(tensor) if tensor is not None else 0


def _width(reading: GraphReading, name: str) -> int:
    """Return the channels of a tensor: from its shape, or from the convolution it comes from."""
    shape = reading.shape(name)
    return max(shape[1], 0) if shape is not None and len(shape) >= 2 else 0
