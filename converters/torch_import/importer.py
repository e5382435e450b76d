"""ONNX to torch: an fx GraphModule of ordinary layers that keeps the ONNX names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx
import torch
from torch import fx

from converters.errors import BadInputError, UnsupportedError
from converters.torch_import.binding import BINDINGS
from converters.torch_import.graph_builder import GraphBuilder
from converters.torch_import.operation import Operation, RefusalError
from converters.torch_import.preparation import graph_opset, inferred_facts, inlined, input_fact
from converters.torch_import.registry import builders, objection
from converters.torch_import.values import Constant, Fact, Origin, Value, attribute_value, tensor_from_proto

_DEFAULT_DOMAINS = ("", "ai.onnx")
_REMEDY = "Export the model again with operators from the default ONNX set, or simplify it first."


def unsupported_nodes(proto: onnx.ModelProto) -> list[str]:
    """Return one sentence for each node that the importer does not know: name, operator, and why.

    Reads the graph's structure only and is quick: no weights are touched. An empty list does not promise success:
    a known operator can still be used in a way that `import_model` refuses.
    """
    known = builders()
    proto = inlined(proto, known)
    opset = graph_opset(proto)
    sentences = []
    for node in proto.graph.node:
        reason = ""
        if node.domain not in _DEFAULT_DOMAINS:
            reason = f"belongs to the custom operator set {node.domain!r}"
        elif node.op_type in ("If", "Loop", "Scan"):
            reason = "" if node.op_type == "If" and _is_static_if(proto, node) else "is control flow"
        elif node.op_type not in known:
            reason = "is an operator that the importer does not know"
        else:
            attributes = {item.name: attribute_value(item) for item in node.attribute}
            reason = objection(node.op_type, attributes, opset)
        if reason:
            sentences.append(_sentence(node, reason))
    return sentences


def import_model(proto: onnx.ModelProto) -> fx.GraphModule:
    """Build a module that computes what an ONNX graph computes, in evaluation mode, on the CPU.

    `forward` takes the graph's inputs positionally (initializers are none of them) and returns a tuple of tensors in
    the order of its outputs. Layers are `nn.Conv2d`, `nn.Linear` and their like where they fit exactly, functions
    elsewhere; floating-point initializers become trainable parameters, named after the ONNX weights. Each node's
    `meta` has `onnx_name` (the value), `onnx_node` and `onnx_op`; the module's `meta["onnx_bindings"]` maps parameters
    to initializers, which `export.to_onnx` uses to write them back. Initializers that nothing uses are ignored.

    Args:
        proto: self-contained, with static input shapes. Not changed. Weights are copied once.

    Raises:
        UnsupportedError: naming every node that cannot be imported.
        BadInputError: an input without a static shape, or a node that reads a value nobody computes.
    """
    reasons = unsupported_nodes(proto)
    if reasons:
        raise _unsupported(reasons)
    return _Import(proto).run()


class _Import:
    """One run of the importer."""

    def __init__(self, proto: onnx.ModelProto) -> None:
        self.proto = inlined(proto, builders())
        self.opset = graph_opset(proto)
        self.builder = GraphBuilder()
        self.values: dict[str, Value] = {}
        self.initializers = {tensor.name: tensor for tensor in proto.graph.initializer}
        self.facts = inferred_facts(self.proto)
        self.inputs = list(proto.graph.input)
        self.refusals: list[str] = []

    def run(self) -> fx.GraphModule:
        graph = self.proto.graph
        for value in self.inputs:
            if value.name not in self.initializers:
                self.values[value.name] = self.builder.placeholder(value.name, input_fact(value))
        self.build(graph.node)
        if self.refusals:
            raise _unsupported(self.refusals)
        results = tuple(self._as_node(value.name) for value in graph.output)
        self.builder.graph.output(results)
        _drop_unused(self.builder.graph)
        module = fx.GraphModule(self.builder.root, self.builder.graph, class_name="ImportedModel")
        held = dict([*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)])
        module.meta[BINDINGS] = tuple(binding for binding in self.builder.bindings if binding.path in held)
        return module.eval()

    def build(self, nodes: Sequence[onnx.NodeProto]) -> None:
        known = builders()
        for node in nodes:
            if node.op_type == "If":
                self._build_branch(node)
                continue
            operation = self._operation(node)
            try:
                results = known[node.op_type](operation)
            except RefusalError as refusal:
                self.refusals.append(_sentence(node, str(refusal)))
                results = [self._unknown(name) for name in node.output]
            self._keep(node, [results] if isinstance(results, (fx.Node, Constant)) else list(results))

    def _operation(self, node: onnx.NodeProto) -> Operation:
        attributes = {item.name: attribute_value(item) for item in node.attribute}
        inputs = [self._value(name) if name else None for name in node.input]
        name = node.name or (node.output[0] if node.output else node.op_type)
        return Operation(self.builder, node.op_type, name, self.opset, attributes, inputs, list(node.output))

    def _value(self, name: str) -> Value:
        if name not in self.values:
            if name not in self.initializers:
                raise BadInputError(f"The graph reads the value {name}, which nothing computes.")
            tensor = tensor_from_proto(self.initializers[name])
            self.values[name] = Constant(tensor, name, Origin.INITIALIZER)
        return self.values[name]

    def _keep(self, node: onnx.NodeProto, results: list[Value | None]) -> None:
        for name, value in zip(node.output, results, strict=False):
            if not name or value is None:
                continue
            if isinstance(value, Constant):
                if not value.name:
                    value.name = name
                    value.origin = Origin.CONSTANT_NODE if node.op_type == "Constant" else Origin.FOLDED
            else:
                if "onnx_name" not in value.meta:
                    value.meta["onnx_name"] = name
                if name in self.facts:
                    self.builder.learn(value, self.facts[name])
            self.values[name] = value

    def _unknown(self, name: str) -> Value:
        node = self.builder.graph.call_function(torch.empty, (0,))
        self.builder.learn(node, self.facts.get(name, Fact(None, None)))
        return node

    def _build_branch(self, node: onnx.NodeProto) -> None:
        """Build the branch of an If whose condition is a constant."""
        condition = self._value(node.input[0])
        if not isinstance(condition, Constant):
            self.refusals.append(_sentence(node, "is control flow that depends on the data"))
            for name in node.output:
                self.values[name] = self._unknown(name)
            return
        wanted = "then_branch" if bool(condition.tensor.reshape(-1)[0]) else "else_branch"
        branch = next(item.g for item in node.attribute if item.name == wanted)
        self.initializers.update({tensor.name: tensor for tensor in branch.initializer})
        self.build(branch.node)
        for name, inner in zip(node.output, branch.output, strict=True):
            self.values[name] = self._value(inner.name)

    def _as_node(self, name: str) -> fx.Node:
        value = self._value(name)
        return self.builder.read(value) if isinstance(value, Constant) else value


def _drop_unused(graph: fx.Graph) -> None:
    """Remove nodes whose results nobody reads."""
    for node in reversed(graph.nodes):
        if not node.users and node.op not in ("placeholder", "output"):
            graph.erase_node(node)


def _is_static_if(proto: onnx.ModelProto, node: onnx.NodeProto) -> bool:
    """Whether an If's condition may turn out constant: it does not read a graph input directly."""
    initializers = {tensor.name for tensor in proto.graph.initializer}
    fed = {value.name for value in proto.graph.input} - initializers
    branches = [item.g for item in node.attribute if item.type == onnx.AttributeProto.GRAPH]
    known = builders()
    return node.input[0] not in fed and all(
        _is_static_if(proto, inner) if inner.op_type == "If" else inner.op_type in known
        for branch in branches
        for inner in branch.node
    )


def _sentence(node: onnx.NodeProto, reason: str) -> str:
    name = node.name or (f"the node that makes {node.output[0]}" if node.output else "a node without a name")
    return f"{name} ({node.op_type}) {reason}."


def _unsupported(reasons: list[str]) -> UnsupportedError:
    count = "One node" if len(reasons) == 1 else f"{len(reasons)} nodes"
    return UnsupportedError(f"{count} cannot be turned into torch: {' '.join(reasons)}", "", _REMEDY)


def summary(module: fx.GraphModule) -> dict[str, Any]:
    """Return the number of calls by layer or function name, for reports and tests."""
    counts: dict[str, Any] = {}
    for node in module.graph.nodes:
        if node.op in ("placeholder", "output", "get_attr"):
            continue
        target = type(module.get_submodule(node.target)).__name__ if node.op == "call_module" else str(node.target)
        counts[target] = counts.get(target, 0) + 1
    return counts
