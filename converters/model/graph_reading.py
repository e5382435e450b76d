"""Look around in an ONNX graph: who makes and uses a tensor, constant values, shapes. Nothing here changes a graph."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from converters.model.shape_values import shape_value

if TYPE_CHECKING:
    import onnx

Constant = npt.NDArray[Any]

# Shape inference computes with small integer tensors only; every weight is larger than this.
_SMALL_TENSOR_ELEMENTS = 256
UNKNOWN = -1


@dataclass(frozen=True)
class TensorType:
    """Type and sizes of a tensor; -1 is an unknown size, `shape` is None for an unknown rank."""

    dtype: str
    shape: tuple[int, ...] | None

    @property
    def elements(self) -> int | None:
        """Number of elements, None when any size is unknown."""
        if self.shape is None or UNKNOWN in self.shape:
            return None
        return math.prod(self.shape)

    @property
    def bytes(self) -> int | None:
        """Size in memory, None when it is unknown."""
        elements = self.elements
        return None if elements is None else elements * item_size(self.dtype)


def dtype_name(element_type: int) -> str:
    """Return numpy's name of an ONNX element type ("bfloat16" and the like for those numpy lacks)."""
    import onnx

    try:
        return str(np.dtype(onnx.helper.tensor_dtype_to_np_dtype(element_type)).name)
    except (KeyError, TypeError, ValueError):
        return str(onnx.TensorProto.DataType.Name(element_type)).lower()


def item_size(dtype: str) -> int:
    """Return bytes of one element; sub-byte types count as one, text as a pointer."""
    try:
        return np.dtype(dtype).itemsize
    except TypeError:
        return {"bfloat16": 2, "str": 8, "string": 8}.get(dtype, 1)


def attribute(node: onnx.NodeProto, name: str, default: Any = None) -> Any:
    """Return an attribute's value; text as str, absent ones as `default`."""
    import onnx

    for item in node.attribute:
        if item.name == name:
            value = onnx.helper.get_attribute_value(item)
            return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return default


def node_title(node: onnx.NodeProto) -> str:
    """Return the node's name, or its operator and first output where it has none."""
    if node.name:
        return str(node.name)
    return f"{node.op_type}:{node.output[0] if node.output else ''}"


def tensor_elements(tensor: onnx.TensorProto) -> int:
    """Return the number of elements an initializer declares."""
    return math.prod(tensor.dims)


def initializer_dtype(tensor: onnx.TensorProto) -> str:
    """Return numpy's name of an initializer's type."""
    return dtype_name(tensor.data_type)


class GraphReading:
    """Indexes of one graph (the top level; sub-graphs of control flow only count as uses).

    Args:
        proto: must not change while this object is in use.
        fixed: static shapes of inputs that have dynamic axes.
    """

    def __init__(self, proto: onnx.ModelProto, fixed: Mapping[str, tuple[int, ...]] | None = None) -> None:
        self.proto = proto
        self.graph = proto.graph
        self.fixed = dict(fixed or {})
        self.nodes: list[onnx.NodeProto] = list(proto.graph.node)
        self.initializers: dict[str, onnx.TensorProto] = {tensor.name: tensor for tensor in proto.graph.initializer}
        self.producers: dict[str, onnx.NodeProto] = {}
        self.constant_nodes: dict[str, onnx.NodeProto] = {}
        users: dict[str, list[onnx.NodeProto]] = defaultdict(list)
        for node in self.nodes:
            for name in node.output:
                if name:
                    self.producers[name] = node
            if node.op_type == "Constant" and node.output:
                self.constant_nodes[node.output[0]] = node
            for name in dict.fromkeys((*node.input, *names_in_subgraphs(node))):
                if name:
                    users[name].append(node)
        self._users = users
        self.output_names = {value.name for value in proto.graph.output}

    @property
    def opset(self) -> int:
        """Version of the default operator set; 1 when none is declared."""
        return max((item.version for item in self.proto.opset_import if item.domain in ("", "ai.onnx")), default=1)

    @property
    def inputs(self) -> list[onnx.ValueInfoProto]:
        """Graph inputs without initializers (old files list both)."""
        return [value for value in self.graph.input if value.name not in self.initializers]

    def users(self, name: str) -> list[onnx.NodeProto]:
        """Nodes that read `name`."""
        return self._users.get(name, [])

    def producer(self, name: str, *operators: str) -> onnx.NodeProto | None:
        """The node that makes `name`, if it is one of `operators` (any, when none are given)."""
        node = self.producers.get(name)
        return node if node is not None and (not operators or node.op_type in operators) else None

    def is_constant(self, name: str) -> bool:
        """Whether `name` is an initializer or made by a Constant node."""
        return name in self.initializers or name in self.constant_nodes

    def constant(self, name: str) -> Constant | None:
        """The value of an initializer or Constant node, None for anything else."""
        import onnx

        tensor = self.constant_tensor(name)
        if tensor is not None:
            return np.asarray(onnx.numpy_helper.to_array(tensor))
        node = self.constant_nodes.get(name)
        if node is None:
            return None
        for kind, dtype in (("value_float", np.float32), ("value_int", np.int64)):
            value = attribute(node, kind)
            if value is not None:
                return np.array(value, dtype)
            value = attribute(node, f"{kind}s")
            if value is not None:
                return np.array(list(value), dtype)
        return None

    def constant_tensor(self, name: str) -> onnx.TensorProto | None:
        """The stored tensor behind a constant, without decoding it."""
        if name in self.initializers:
            return self.initializers[name]
        node = self.constant_nodes.get(name)
        value: onnx.TensorProto | None = attribute(node, "value") if node is not None else None
        return value

    def integers(self, name: str) -> list[int] | None:
        """A constant's values as a flat list of integers, None when it is no constant."""
        value = self.constant(name) if name else None
        return None if value is None else [int(item) for item in value.reshape(-1)]

    def scalar(self, name: str) -> float | None:
        """The value of a one-element constant, None for anything else."""
        tensor = self.constant_tensor(name)
        if tensor is not None and tensor_elements(tensor) != 1:
            return None
        value = self.constant(name)
        return float(value.reshape(-1)[0]) if value is not None and value.size == 1 else None

    def axes(self, node: onnx.NodeProto, position: int = 1) -> list[int] | None:
        """The axes of a reduction, Squeeze or Unsqueeze, from attribute or input; None when absent or computed."""
        found = attribute(node, "axes")
        if found is not None:
            return [int(axis) for axis in found]
        return self.integers(node.input[position]) if len(node.input) > position else None

    def orphans(self) -> list[onnx.TensorProto]:
        """Initializers that no node reads and that are no output."""
        return [
            tensor
            for tensor in self.graph.initializer
            if not self.users(tensor.name) and tensor.name not in self.output_names
        ]

    @cached_property
    def _settled(self) -> tuple[dict[str, TensorType], dict[str, Constant]]:
        return settle(self.proto, self.fixed)

    @property
    def types(self) -> dict[str, TensorType]:
        """Type and shape of every tensor that is known or can be inferred."""
        return self._settled[0]

    @property
    def shape_values(self) -> dict[str, Constant]:
        """Values of the small tensors that nodes compute from static shapes, by name."""
        return self._settled[1]

    def type(self, name: str) -> TensorType:
        """Type and shape of one tensor; dtype "" when nothing is known."""
        return self.types.get(name, TensorType("", None))

    def shape(self, name: str) -> tuple[int, ...] | None:
        """Shape of one tensor, None for an unknown rank."""
        return self.type(name).shape


def names_in_subgraphs(node: onnx.NodeProto) -> Iterator[str]:
    """Yield every name that the graphs inside a control-flow node read or return."""
    for graph in subgraphs(node):
        for inner in graph.node:
            yield from inner.input
            yield from names_in_subgraphs(inner)
        yield from (value.name for value in graph.output)


def subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """Yield the graphs a control-flow node carries."""
    for item in node.attribute:
        if item.HasField("g"):
            yield item.g
        yield from item.graphs


def all_nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Yield every node, those in sub-graphs included."""
    for node in graph.node:
        yield node
        for inner in subgraphs(node):
            yield from all_nodes(inner)


def skeleton(proto: onnx.ModelProto, fixed: Mapping[str, tuple[int, ...]] | None = None) -> onnx.ModelProto:
    """Return the graph without its weights: large initializers become inputs, so that copying costs nothing.

    Args:
        proto: left unchanged.
        fixed: static shapes for inputs with dynamic axes; inferred shapes kept in the file are dropped then.
    """
    import onnx

    bare = onnx.ModelProto()
    bare.ir_version = proto.ir_version
    bare.opset_import.extend(proto.opset_import)
    bare.functions.extend(proto.functions)
    bare.graph.name = proto.graph.name or "graph"
    bare.graph.node.extend(proto.graph.node)
    large = {tensor.name for tensor in proto.graph.initializer if tensor_elements(tensor) > _SMALL_TENSOR_ELEMENTS}
    for value in proto.graph.input:
        if value.name in large:
            continue
        added = bare.graph.input.add()
        added.CopyFrom(value)
        if fixed and value.name in fixed:
            del added.type.tensor_type.shape.dim[:]
            for size in fixed[value.name]:
                added.type.tensor_type.shape.dim.add().dim_value = size
    for tensor in proto.graph.initializer:
        if tensor.name in large:
            bare.graph.input.append(
                onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
            )
        else:
            bare.graph.initializer.append(tensor)
    if fixed:
        for value in proto.graph.output:
            added = bare.graph.output.add()
            added.name = value.name
            added.type.tensor_type.elem_type = value.type.tensor_type.elem_type
    else:
        bare.graph.output.extend(proto.graph.output)
        bare.graph.value_info.extend(proto.graph.value_info)
    return bare


def tensor_types(proto: onnx.ModelProto, fixed: Mapping[str, tuple[int, ...]] | None = None) -> dict[str, TensorType]:
    """Return type and shape of every tensor that can be inferred, without touching the weights."""
    return settle(proto, fixed)[0]


def settle(
    proto: onnx.ModelProto, fixed: Mapping[str, tuple[int, ...]] | None = None
) -> tuple[dict[str, TensorType], dict[str, Constant]]:
    """Return all tensor types, and the values of the small tensors that nodes compute from shapes.

    ONNX's own inference does not follow shapes through every operator of old opsets, so inference and the computing
    of shape values take turns until nothing new turns up.
    """
    import onnx

    bare = skeleton(proto, fixed)
    computed: dict[str, Constant] = {}
    types = _infer(bare)
    known = {tensor.name: np.asarray(onnx.numpy_helper.to_array(tensor)) for tensor in bare.graph.initializer}
    for node in bare.graph.node:
        value = attribute(node, "value") if node.op_type == "Constant" else None
        if value is not None and tensor_elements(value) <= _SMALL_TENSOR_ELEMENTS:
            known[node.output[0]] = np.asarray(onnx.numpy_helper.to_array(value))
    while True:
        shapes = {
            name: kind.shape for name, kind in types.items() if kind.shape is not None and kind.elements is not None
        }
        found: dict[str, Constant] = {}
        for node in bare.graph.node:
            if node.output and node.output[0] not in known:
                result = shape_value(node, known, shapes)
                if result is not None:
                    known[node.output[0]] = found[node.output[0]] = result
        if not found:
            break
        computed |= found
        kept = [node for node in bare.graph.node if not (node.output and node.output[0] in found)]
        del bare.graph.node[:]
        bare.graph.node.extend(kept)
        bare.graph.initializer.extend(onnx.numpy_helper.from_array(value, name) for name, value in found.items())
        types = types | _infer(bare)
    for tensor in proto.graph.initializer:
        types[tensor.name] = TensorType(dtype_name(tensor.data_type), tuple(tensor.dims))
    for name, result in computed.items():
        types[name] = TensorType(str(result.dtype), result.shape)
    return types, computed


def _infer(bare: onnx.ModelProto) -> dict[str, TensorType]:
    import onnx

    try:
        graph = onnx.shape_inference.infer_shapes(bare, data_prop=True).graph
    except onnx.shape_inference.InferenceError:
        graph = bare.graph
    types: dict[str, TensorType] = {}
    for value in (*graph.input, *graph.value_info, *graph.output):
        tensor = value.type.tensor_type
        if not value.type.HasField("tensor_type") or not tensor.elem_type:
            continue
        shape: tuple[int, ...] | None = None
        if tensor.HasField("shape"):
            shape = tuple(dim.dim_value if dim.HasField("dim_value") else UNKNOWN for dim in tensor.shape.dim)
        types[value.name] = TensorType(dtype_name(tensor.elem_type), shape)
    return types
