"""Doing, once and for all, the arithmetic on shapes and constants that a graph would repeat at every run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from converters.model.graph_checks import read_by, subgraphs
from converters.model.tensor_dims import Dims, dims_of, is_static_dims

if TYPE_CHECKING:
    import onnx

Array = npt.NDArray[Any]

# Arithmetic on shapes and constants; anything else computes on data.
# fmt: off
_FOLDABLE = frozenset({
    "Add", "Cast", "Concat", "ConstantOfShape", "Div", "Equal", "Expand", "Floor", "Gather", "Identity", "Mul", "Neg",
    "Range", "ReduceProd", "Reshape", "Shape", "Slice", "Squeeze", "Sub", "Transpose", "Unsqueeze", "Where",
})
# fmt: on


# The size of these results is not bounded by the size of their inputs.
_GROWING = frozenset({"ConstantOfShape", "Expand", "Range"})


def fold_constants(proto: onnx.ModelProto, largest: int) -> int:
    """Replace nodes that compute on shapes and constants alone by Constant nodes, in place; return how many.

    Initializers keep their order; those that only the replaced nodes read go with them, others (emap) stay.

    Args:
        proto: with shapes inferred as far as they can be.
        largest: elements of the largest constant that is computed with or made.
    """
    from onnx import helper, numpy_helper

    graph = proto.graph
    dims = {value.name: dims_of(value) for value in (*graph.input, *graph.value_info, *graph.output)}
    known: dict[str, Array] = {
        tensor.name: numpy_helper.to_array(tensor)
        for tensor in graph.initializer
        if int(np.prod(tensor.dims, dtype=object)) <= largest
    }
    outputs = {value.name for value in graph.output}
    made: set[str] = set()
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        result = None if outputs.intersection(node.output) else _result(node, known, dims, proto, largest)
        if result is None:
            nodes.append(type(node).FromString(node.SerializeToString()))
            continue
        name = node.output[0]
        known[name] = result
        if node.op_type == "Constant":
            nodes.append(type(node).FromString(node.SerializeToString()))
        else:
            made.add(name)
            tensor = numpy_helper.from_array(result, name)
            nodes.append(helper.make_node("Constant", [], [name], name=node.name, value=tensor))
    if made:
        used_before = {name for node in graph.node for name in read_by(node)}
        used = {name for node in nodes for name in read_by(node)} | outputs
        constants = [node for node in nodes if node.op_type != "Constant" or node.output[0] in used]
        del graph.node[:]
        graph.node.extend(constants)
        for index in reversed(range(len(graph.initializer))):
            name = graph.initializer[index].name
            if name in used_before and name not in used:
                del graph.initializer[index]
    return len(made)


def _result(
    node: onnx.NodeProto,
    known: Mapping[str, Array],
    dims: Mapping[str, Dims | None],
    proto: onnx.ModelProto,
    largest: int,
) -> Array | None:
    """Return what a node computes from constants alone, None when it computes on data or its result is large."""
    from onnx import numpy_helper

    if node.op_type == "Constant":
        value = next((a.t for a in node.attribute if a.name == "value" and a.HasField("t")), None)
        if value is None or int(np.prod(value.dims, dtype=object)) > largest:
            return None
        return np.asarray(numpy_helper.to_array(value))
    if node.op_type == "Shape" and node.input[0] not in known:
        sizes = dims.get(node.input[0])
        if sizes is None or not is_static_dims(sizes):
            return None
        start = next((a.i for a in node.attribute if a.name == "start"), 0)
        end = next((a.i for a in node.attribute if a.name == "end"), len(sizes))
        return np.array(sizes[start:end], np.int64)
    if node.op_type not in _FOLDABLE or len(node.output) != 1 or any(subgraphs(node)):
        return None
    if not node.input or not all(name in known for name in node.input if name):
        return None
    size = dims.get(node.output[0])
    if size is None or not is_static_dims(size):
        if node.op_type in _GROWING:
            return None
    elif int(np.prod(np.array(size, dtype=object), dtype=object)) > largest:
        return None
    return _evaluated(node, known, proto)


def _evaluated(node: onnx.NodeProto, known: Mapping[str, Array], proto: onnx.ModelProto) -> Array | None:
    """Run one node in ONNX's reference implementation; None where it refuses (a damaged file's index, say)."""
    from onnx import TypeProto, helper
    from onnx.reference import ReferenceEvaluator

    names = [name for name in dict.fromkeys(node.input) if name]
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(known[name].dtype), known[name].shape)
        for name in names
    ]
    outputs = [helper.make_value_info(node.output[0], TypeProto())]
    graph = helper.make_graph([node], "fold", inputs, outputs)
    model = helper.make_model(graph, opset_imports=list(proto.opset_import), ir_version=proto.ir_version)
    try:
        with np.errstate(all="ignore"):
            results: Any = ReferenceEvaluator(model).run(None, {name: known[name] for name in names})
            return np.asarray(results[0])
    except Exception:
        # The reference implementation is plain numpy and raises whatever numpy does. A node that cannot be computed
        # now is left in the graph; if that leaves a shape open, it is said there.
        return None
