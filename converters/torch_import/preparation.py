"""What is settled before the first node is built: functions inlined, opset, shapes."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import onnx
from onnx import TensorProto

from converters.errors import BadInputError, UnsupportedError
from converters.torch_import.values import DTYPES, Fact, torch_dtype

OLDEST_OPSET = 7

# a function body may call operators that have bodies themselves
_DEEPEST_BODIES = 4


def inlined(proto: onnx.ModelProto, known: Container[str]) -> onnx.ModelProto:
    """Return the graph with function calls replaced by their bodies, then without its large weights.

    Functions are the graph's own and those ONNX operators outside `known` that ONNX defines by other operators.
    A graph without any is returned as it is. Operators whose body cannot be had stay where they are.
    """
    if not proto.functions and not _bodies(proto, known):
        return proto
    from onnx import inliner

    light = without_large_weights(proto)
    light.functions.extend(proto.functions)
    if proto.functions:
        light = inliner.inline_local_functions(light)
    for _depth in range(_DEEPEST_BODIES):
        bodies = _bodies(light, known)
        if not bodies:
            break
        _spell_out_defaults(light, bodies)
        try:
            light = onnx.shape_inference.infer_shapes(light, data_prop=True)
            names = [("", name) for name in sorted(bodies)]
            light = inliner.inline_selected_functions(light, names, inline_schema_functions=True)
        except (RuntimeError, onnx.shape_inference.InferenceError):
            break  # bodies that depend on the types of absent inputs; the nodes are named as unknown
    return light


def _bodies(proto: onnx.ModelProto, known: Container[str]) -> set[str]:
    """Return the operators outside `known` that ONNX defines by a function body."""
    opset = graph_opset(proto)
    names = set()
    for name in {node.op_type for node in proto.graph.node if node.domain in ("", "ai.onnx")}:
        if name not in known and onnx.defs.has(name):
            schema: Any = onnx.defs.get_schema(name, opset, "")
            if schema.has_function or schema.has_context_dependent_function:
                names.add(name)
    return names


def _spell_out_defaults(proto: onnx.ModelProto, bodies: set[str]) -> None:
    """Give nodes the default attributes that a function body would refer to in vain."""
    opset = graph_opset(proto)
    for node in proto.graph.node:
        if node.op_type in bodies and node.domain in ("", "ai.onnx"):
            given = {attribute.name for attribute in node.attribute}
            for name, attribute in onnx.defs.get_schema(node.op_type, opset, "").attributes.items():
                if name not in given and attribute.default_value.type != onnx.AttributeProto.UNDEFINED:
                    node.attribute.append(attribute.default_value)


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
    if fact.sizes is None:
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


def without_large_weights(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph with every large initializer turned into an input, so that copies of it are cheap."""
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
            light.graph.value_info.append(
                onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
            )
    return light


def _inferred(proto: onnx.ModelProto) -> onnx.ModelProto:
    light = without_large_weights(proto)
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
    if not kind.HasField("shape"):
        return Fact(None, dtype)
    return Fact(tuple(axis.dim_value if axis.HasField("dim_value") else None for axis in kind.shape.dim), dtype)
