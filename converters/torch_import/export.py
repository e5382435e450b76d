"""Torch back to ONNX: the module's weights in a copy of the graph they came from."""

from __future__ import annotations

from collections.abc import Iterable

import onnx
import torch
from onnx import numpy_helper
from torch import fx

from converters.errors import UnsupportedError
from converters.torch_import.binding import BINDINGS, Binding, checksum
from converters.torch_import.values import Origin

_REMEDY = "Change weights only, not the structure, or build a new ONNX graph."


def to_onnx(module: fx.GraphModule, proto: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy of `proto` with the module's present weights; nodes, names and order stay.

    A weight that the graph computes from others (a transposed or dequantized one, say) and that has changed becomes an
    initializer under the name of the value it replaces; the nodes that computed it go, and so do initializers that only
    they read. Initializers that nothing read before, such as `emap`, stay, and a last initializer stays last.

    Args:
        module: from `import_model(proto)`, its weights changed in place or loaded from a state dict.
        proto: the graph that `module` was made from. Not changed.

    Raises:
        UnsupportedError: the module does not come from an import, `proto` is not the graph it came from, a weight has
            another shape or dtype than at import, a layer of the graph is gone, one ONNX weight that several layers
            share now has different values in them, or a trained weight lies inside a function body.
    """
    bindings = module.meta.get(BINDINGS)
    if bindings is None:
        raise UnsupportedError("The module was not made by the importer.", "", "Import an ONNX graph first.")
    state = {**dict(module.named_parameters(remove_duplicate=False)), **dict(module.named_buffers())}
    refusals = [reason for binding in bindings if (reason := _refusal(binding, state))]
    changed: dict[str, tuple[Binding, torch.Tensor]] = {}
    for binding in bindings:
        if binding.path not in state:
            continue
        value = _onnx_value(binding, state[binding.path])
        if binding.value in changed and not torch.equal(changed[binding.value][1], value):
            refusals.append(
                f"{binding.value} has different values in {changed[binding.value][0].path}, {binding.path}."
            )
        if binding.origin is Origin.INITIALIZER or checksum(value) != binding.checksum:
            changed[binding.value] = (binding, value)
    refusals += _strangers(changed, proto)
    if refusals:
        raise UnsupportedError(f"The weights cannot be written back: {' '.join(refusals)}", "", _REMEDY)
    return _with_weights(proto, {name: value for name, (_, value) in changed.items()})


def _refusal(binding: Binding, state: dict[str, torch.Tensor]) -> str:
    if binding.path not in state:
        return f"{binding.path} is gone from the module."
    tensor = state[binding.path]
    if tuple(tensor.shape) != binding.shape:
        return f"{binding.path} has shape {tuple(tensor.shape)}, {binding.value} was imported as {binding.shape}."
    if tensor.dtype is not binding.dtype:
        return f"{binding.path} is {tensor.dtype}, {binding.value} was imported as {binding.dtype}."
    return ""


def _onnx_value(binding: Binding, tensor: torch.Tensor) -> torch.Tensor:
    if tuple(tensor.shape) != binding.shape:
        return tensor
    tensor = tensor.detach().cpu()
    return (tensor.T if binding.transposed else tensor).reshape(binding.onnx_shape).contiguous()


def _strangers(changed: dict[str, tuple[Binding, torch.Tensor]], proto: onnx.ModelProto) -> list[str]:
    shapes = {tensor.name: tuple(tensor.dims) for tensor in proto.graph.initializer}
    computed = {name for node in proto.graph.node for name in node.output}
    reasons = []
    for name, (binding, _) in changed.items():
        if binding.origin is Origin.INITIALIZER and shapes.get(name) != binding.onnx_shape:
            reasons.append(f"The graph has no initializer {name} of shape {binding.onnx_shape}.")
        if binding.origin is not Origin.INITIALIZER and name not in computed:
            reasons.append(f"{name} ({binding.path}) lies inside a function and is not part of the graph itself.")
    return reasons


def _with_weights(proto: onnx.ModelProto, weights: dict[str, torch.Tensor]) -> onnx.ModelProto:
    result = onnx.ModelProto()
    for name in proto.DESCRIPTOR.fields_by_name:
        if name != "graph":
            _copy_field(proto, result, name)
    graph = result.graph
    for name in proto.graph.DESCRIPTOR.fields_by_name:
        if name not in ("initializer", "node"):
            _copy_field(proto.graph, graph, name)
    folded = set(weights) - {tensor.name for tensor in proto.graph.initializer}
    nodes = [_without_outputs(node, folded) for node in proto.graph.node if not _is_replaced(node, folded)]
    dead = _newly_unread(proto, nodes)
    graph.node.extend(node for node in nodes if not _is_replaced(node, dead))
    kept = [tensor for tensor in proto.graph.initializer if tensor.name not in dead]
    for position, tensor in enumerate(kept):
        if position == len(kept) - 1:  # a last initializer may be read by its position
            _add(graph, {name: weights[name] for name in weights if name in folded})
        if tensor.name in weights:
            _add(graph, {tensor.name: weights[tensor.name]})
        else:
            graph.initializer.append(tensor)
    if not kept:
        _add(graph, {name: weights[name] for name in weights if name in folded})
    return result


def _copy_field(source: object, target: object, name: str) -> None:
    value = getattr(source, name)
    if hasattr(value, "CopyFrom"):
        if source.HasField(name):  # type: ignore[attr-defined]
            getattr(target, name).CopyFrom(value)
    elif hasattr(value, "extend"):
        getattr(target, name).extend(value)
    elif source.HasField(name):  # type: ignore[attr-defined]
        setattr(target, name, value)


def _add(graph: onnx.GraphProto, weights: dict[str, torch.Tensor]) -> None:
    for name, value in weights.items():
        if value.dtype is torch.bfloat16:
            tensor = onnx.TensorProto(name=name, data_type=onnx.TensorProto.BFLOAT16, dims=list(value.shape))
            tensor.raw_data = value.view(torch.int16).numpy().tobytes()
            graph.initializer.append(tensor)
        else:
            graph.initializer.append(numpy_helper.from_array(value.numpy(), name))


def _is_replaced(node: onnx.NodeProto, names: set[str]) -> bool:
    return bool(node.output) and all(not name or name in names for name in node.output)


def _without_outputs(node: onnx.NodeProto, names: set[str]) -> onnx.NodeProto:
    """Return the node with other names for those of its outputs that initializers replace."""
    if not set(node.output) & names:
        return node
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.output[:] = [f"{name}_as_exported" if name in names else name for name in node.output]
    return copy


def _reads(nodes: Iterable[onnx.NodeProto]) -> set[str]:
    read: set[str] = set()
    for node in nodes:
        read |= set(node.input)
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                read |= _reads(attribute.g.node) | {value.name for value in attribute.g.output}
    return read


def _newly_unread(proto: onnx.ModelProto, nodes: list[onnx.NodeProto]) -> set[str]:
    """Return values that were read before some nodes went and are read no more, going upstream."""
    outputs = {value.name for value in proto.graph.output}
    before = _reads(proto.graph.node) | outputs
    dead: set[str] = set()
    while True:
        alive = [node for node in nodes if not _is_replaced(node, dead)]
        unread = before - _reads(alive) - outputs - {value.name for value in proto.graph.input}
        grown = unread | dead
        if grown == dead:
            return dead
        dead = grown
