"""What is settled before the first node is built: functions inlined, opset, shapes."""

from __future__ import annotations

import onnx
from onnx import TensorProto

from converters.errors import BadInputError, UnsupportedError
from converters.torch_import.values import DTYPES, Fact, torch_dtype

OLDEST_OPSET = 7


def inlined(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph with calls of its own functions replaced by their bodies; itself when it has none."""
    if not proto.functions:
        return proto
    from onnx import inliner

    return inliner.inline_local_functions(proto)


def graph_opset(proto: onnx.ModelProto) -> int:
    """Return the version of the default operator set.

    Raises:
        UnsupportedError: older than 7.
        BadInputError: the graph does not say.
    """
    versions = [int(item.version) for item in proto.opset_import if item.domain in ("", "ai.onnx")]
    if not versions:
        raise BadInputError("The graph does not say which version of the ONNX operator set it uses.")
    if versions[0] < OLDEST_OPSET:
        raise UnsupportedError(
            f"The graph uses ONNX operator set {versions[0]}; {OLDEST_OPSET} is the oldest that is understood.",
            "",
            "Raise it with onnx.version_converter, or export the model again.",
        )
    return versions[0]


def input_fact(value: onnx.ValueInfoProto) -> Fact:
    """Return shape and dtype of a graph input.

    Raises:
        BadInputError: a dynamic axis.
        UnsupportedError: no tensor, or an element type that torch does not have.
    """
    if not value.type.HasField("tensor_type"):
        raise UnsupportedError(f"The input {value.name} is not a tensor.")
    fact = _fact(value)
    if fact.shape is None:
        raise BadInputError(f"The input {value.name} has dynamic axes.", "", "Give it a fixed shape first.")
    return Fact(fact.shape, torch_dtype(value.type.tensor_type.elem_type, f"The input {value.name}"))


def inferred_facts(proto: onnx.ModelProto) -> dict[str, Fact]:
    """Return what ONNX knows about every value of the graph, by name.

    Shape inference runs only when the graph does not already describe most of its values, and without the weights'
    bytes when they are large, because it copies the whole model.
    """
    described = {value.name for value in proto.graph.value_info} | {value.name for value in proto.graph.output}
    produced = [name for node in proto.graph.node for name in node.output if name]
    graph = proto.graph
    if any(name not in described for name in produced):
        graph = _inferred(proto).graph
    return {value.name: _fact(value) for value in (*graph.value_info, *graph.output)}


def _inferred(proto: onnx.ModelProto) -> onnx.ModelProto:
    light = onnx.ModelProto()
    light.ir_version = proto.ir_version
    light.opset_import.extend(proto.opset_import)
    light.graph.name = proto.graph.name
    light.graph.node.extend(proto.graph.node)
    light.graph.input.extend(proto.graph.input)
    light.graph.output.extend(proto.graph.output)
    given = {value.name for value in proto.graph.input}
    for tensor in proto.graph.initializer:
        if tensor.data_type not in (TensorProto.INT64, TensorProto.INT32) and _elements(tensor) > 16:
            if tensor.name not in given:
                light.graph.input.append(
                    onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
                )
        else:
            light.graph.initializer.append(tensor)
    try:
        return onnx.shape_inference.infer_shapes(light, data_prop=True)
    except onnx.shape_inference.InferenceError as error:
        raise BadInputError("The shapes of the graph do not fit together.", str(error).splitlines()[0]) from error


def _elements(tensor: onnx.TensorProto) -> int:
    count = 1
    for size in tensor.dims:
        count *= size
    return count


def _fact(value: onnx.ValueInfoProto) -> Fact:
    kind = value.type.tensor_type
    dtype = DTYPES.get(kind.elem_type)
    if not kind.HasField("shape") or any(not axis.HasField("dim_value") for axis in kind.shape.dim):
        return Fact(None, dtype)
    return Fact(tuple(axis.dim_value for axis in kind.shape.dim), dtype)
