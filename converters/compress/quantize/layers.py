"""The layers of a graph that can be quantized: those with constant weights."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from converters.compress.quantize.encodings import Encodings, Floats

if TYPE_CHECKING:
    import onnx

_DEFAULT_DOMAINS = ("", "ai.onnx")
WITH_WEIGHTS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
# The runtimes of all targets have integer kernels for these; a transposed convolution stays float in two of three.
WITH_INTEGER_KERNELS = ("Conv", "Gemm", "MatMul")


@dataclass(frozen=True)
class Layer:
    """A convolution or matrix product with constant weights.

    Attributes:
        name: the node's, or its output's where the node has none of its own.
        operator: "Conv", "ConvTranspose", "Gemm" or "MatMul".
        input, weight, bias: tensors it reads; "" for no bias.
        result: the tensor the node itself writes.
        output: the tensor after a Relu or a Clip to 0..6 that targets fuse into the layer; otherwise `result`.
        axis: of the output channels in the weights.
        groups: of a convolution, 1 for everything else.
    """

    name: str
    operator: str
    input: str
    weight: str
    bias: str
    result: str
    output: str
    axis: int
    groups: int = 1

    @property
    def has_integer_kernel(self) -> bool:
        """Whether every target can compute it with integers."""
        return self.operator in WITH_INTEGER_KERNELS


def find_layers(proto: onnx.ModelProto) -> list[Layer]:
    """Return the layers of a graph in its order; those whose weights are computed while it runs are left out."""
    graph = proto.graph
    weights = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer if tensor.data_type == 1}
    names = Counter(node.name for node in graph.node)
    consumers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            consumers.setdefault(name, []).append(node)
    outputs = {value.name for value in graph.output}
    constants = constant_values(proto)
    found = []
    for node in graph.node:
        if node.op_type not in WITH_WEIGHTS or node.domain not in _DEFAULT_DOMAINS or len(node.input) < 2:
            continue
        if node.input[1] not in weights or node.input[0] in weights:
            continue
        axis = _output_axis(node, len(weights[node.input[1]]))
        bias = node.input[2] if len(node.input) > 2 else ""
        if axis is None or (bias and not _is_per_channel(weights.get(bias), weights[node.input[1]][axis])):
            continue
        result = node.output[0]
        own = node.name if node.name and names[node.name] == 1 else _own_name(result, names)
        names[own] += own != node.name
        following = consumers.get(result, [])
        fused = len(following) == 1 and result not in outputs and _is_fused(following[0], constants)
        found.append(
            Layer(
                name=own,
                operator=node.op_type,
                input=node.input[0],
                weight=node.input[1],
                bias=bias,
                result=result,
                output=following[0].output[0] if fused else result,
                axis=axis,
                groups=_integer(node, "group", 1),
            )
        )
    return found


def _is_per_channel(shape: tuple[int, ...] | None, channels: int) -> bool:
    """Whether a bias has one number for each output channel; a matrix product may add whole matrices, too."""
    return shape in ((channels,), (1, channels))


def _own_name(result: str, names: Counter[str]) -> str:
    """Return a name for a node without one of its own: its result's, unless another node is called so."""
    while result in names:
        result += "'"
    return result


def constant_values(proto: onnx.ModelProto) -> dict[str, Floats]:
    """Return the values of all scalar float constants by tensor name."""
    import onnx

    found = {}
    for tensor in proto.graph.initializer:
        if tensor.data_type == 1 and int(np.prod(tensor.dims)) == 1:
            found[tensor.name] = onnx.numpy_helper.to_array(tensor)
    for node in proto.graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value" and attribute.t.data_type == 1 and int(np.prod(attribute.t.dims)) == 1:
                    found[node.output[0]] = onnx.numpy_helper.to_array(attribute.t)
    return found


def effective_weights(proto: onnx.ModelProto, encodings: Encodings | None, name: str) -> Floats:
    """Return an initializer's values as quantization uses them: the replaced ones where there are any.

    Raises:
        KeyError: no such initializer, a bug of the caller.
    """
    import onnx

    if encodings is not None and name in encodings.replaced:
        return np.asarray(encodings.replaced[name], np.float32)
    tensor = {item.name: item for item in proto.graph.initializer}[name]
    return np.asarray(onnx.numpy_helper.to_array(tensor), np.float32)


def with_replaced(proto: onnx.ModelProto, encodings: Encodings) -> onnx.ModelProto:
    """Return a copy of a graph with the replaced initializers in place: the float graph that targets quantize."""
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    for tensor in copy.graph.initializer:
        if tensor.name in encodings.replaced:
            values = np.asarray(encodings.replaced[tensor.name], np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    return copy


def _integer(node: onnx.NodeProto, name: str, default: int) -> int:
    return next((int(attribute.i) for attribute in node.attribute if attribute.name == name), default)


def _number(node: onnx.NodeProto, name: str, default: float) -> float:
    return next((float(attribute.f) for attribute in node.attribute if attribute.name == name), default)


def _output_axis(node: onnx.NodeProto, rank: int) -> int | None:
    if node.op_type == "Conv":
        return 0
    if node.op_type == "ConvTranspose":
        return 1 if _integer(node, "group", 1) == 1 else None
    if node.op_type == "MatMul":
        return 1 if rank == 2 else None
    plain = _integer(node, "transA", 0) == 0 and _number(node, "alpha", 1) == 1 and _number(node, "beta", 1) == 1
    return (0 if _integer(node, "transB", 0) else 1) if plain and rank == 2 else None


def _is_fused(node: onnx.NodeProto, constants: dict[str, Floats]) -> bool:
    if node.op_type == "Relu":
        return True
    if node.op_type != "Clip" or len(node.input) < 3:
        return False
    bounds = [constants.get(name) for name in node.input[1:3]]
    return all(bound is not None for bound in bounds) and [float(bound.reshape(-1)[0]) for bound in bounds] == [0, 6]  # type: ignore[union-attr]
