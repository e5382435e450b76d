"""Tidying a graph that the torch exporter wrote: constants listed, norms merged, weight names restored.

Only for graphs made by this program from a torch network. Graphs that people bring stay as they are: changing those
is the `simplify` step's business.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from converters.model.graph_checks import read_by

if TYPE_CHECKING:
    import onnx
    from torch import Tensor

Array = npt.NDArray[Any]


def constants_to_initializers(proto: onnx.ModelProto) -> None:
    """Turn Constant nodes into initializers of the same names, in place."""
    graph = proto.graph
    kept = []
    for node in graph.node:
        value = next((a.t for a in node.attribute if a.name == "value" and a.HasField("t")), None)
        if node.op_type == "Constant" and value is not None:
            graph.initializer.add().CopyFrom(value)
            graph.initializer[-1].name = node.output[0]
        else:
            kept.append(_copy(node))
    _replace_nodes(graph, kept)


def drop_unused(proto: onnx.ModelProto) -> None:
    """Remove nodes and weights that no output needs, in place."""
    graph = proto.graph
    needed = {value.name for value in graph.output}
    kept: list[onnx.NodeProto] = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed |= read_by(node)
            kept.append(_copy(node))
    _replace_nodes(graph, kept[::-1])
    for index in reversed(range(len(graph.initializer))):
        if graph.initializer[index].name not in needed:
            del graph.initializer[index]
    values = [value for value in graph.value_info if value.name in needed]
    copies = [type(value).FromString(value.SerializeToString()) for value in values]
    del graph.value_info[:]
    graph.value_info.extend(copies)


def merge_batch_norms(proto: onnx.ModelProto) -> None:
    """Multiply every batch normalisation that directly follows a convolution into its weights, in place.

    y = g (conv(x) - m) / sqrt(v + e) + b, so weights are scaled by g / sqrt(v + e) per output channel. The weight keeps
    its name; the bias is called like it with `bias` for `weight`.
    """
    from onnx import numpy_helper

    graph = proto.graph
    weights = {tensor.name: index for index, tensor in enumerate(graph.initializer)}
    uses = Counter(name for node in graph.node for name in read_by(node))
    uses.update(value.name for value in graph.output)
    makers = {output: node for node in graph.node for output in node.output}
    merged: list[int] = []

    def value(name: str) -> Array:
        return numpy_helper.to_array(graph.initializer[weights[name]]).astype(np.float64)

    def store(name: str, array: Array) -> None:
        tensor = numpy_helper.from_array(array.astype(np.float32), name)
        if name in weights:
            graph.initializer[weights[name]].CopyFrom(tensor)
        else:
            weights[name] = len(graph.initializer)
            graph.initializer.append(tensor)

    for index, node in enumerate(graph.node):
        if (
            node.op_type != "BatchNormalization"
            or len(node.output) != 1
            or not all(n in weights for n in node.input[1:])
        ):
            continue
        conv = makers.get(node.input[0])
        mergeable = (
            conv is not None
            and conv.op_type == "Conv"
            and uses[conv.output[0]] == 1
            and all(name in weights and uses[name] == 1 for name in conv.input[1:])
        )
        if not mergeable or conv is None:
            continue
        epsilon = next((a.f for a in node.attribute if a.name == "epsilon"), 1e-5)
        gain, shift, mean, variance = (value(name) for name in node.input[1:])
        factor = gain / np.sqrt(variance + epsilon)
        weight = value(conv.input[1])
        bias = value(conv.input[2]) if len(conv.input) > 2 else np.zeros(len(factor))
        store(conv.input[1], weight * factor.reshape(-1, *[1] * (weight.ndim - 1)))
        if len(conv.input) < 3:
            wanted = conv.input[1].removesuffix("weight") + "bias"
            conv.input.append(wanted if wanted not in weights else f"{conv.input[1]}.merged_bias")
        store(conv.input[2], (bias - mean) * factor + shift)
        conv.output[0] = node.output[0]
        merged.append(index)
    _replace_nodes(graph, [_copy(node) for index, node in enumerate(graph.node) if index not in set(merged)])
    drop_unused(proto)


def restore_names(proto: onnx.ModelProto, state: Mapping[str, Tensor]) -> None:
    """Give weights that the exporter renamed (`onnx::MatMul_12`) the name they have in `state`, in place.

    A weight is recognised by its bytes, as they are or transposed.
    """
    graph = proto.graph
    taken = {tensor.name for tensor in graph.initializer}
    taken |= {name for node in graph.node for name in (*node.input, *node.output)}
    lost = [tensor for tensor in graph.initializer if tensor.name.startswith("onnx::")]
    if not lost:
        return
    by_bytes: dict[str, list[str]] = {}
    for key, value in state.items():
        if key in taken:
            continue
        array = value.detach().cpu().contiguous().numpy()
        by_bytes.setdefault(_digest(array), []).append(key)
        if array.ndim == 2:
            by_bytes.setdefault(_digest(np.ascontiguousarray(array.T)), []).append(key)
    # Equal weights (untrained slopes) get their names in the order in which the graph uses them.
    place = {name: index for index, node in reversed(list(enumerate(graph.node))) for name in node.input}
    renamed: dict[str, str] = {}
    for tensor in sorted(lost, key=lambda weight: place.get(weight.name, 0)):
        keys = by_bytes.get(hashlib.sha256(tensor.raw_data).hexdigest(), []) if tensor.raw_data else []
        found = next((key for key in keys if key not in renamed.values()), None)
        if found is not None:
            renamed[tensor.name] = found
            tensor.name = found
    for node in graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = renamed.get(name, name)


def name_outputs(proto: onnx.ModelProto) -> None:
    """Call outputs that the exporter numbered `output`, or `output_1`, `output_2`, …, in place."""
    graph = proto.graph
    taken = {name for node in graph.node for name in (*node.input, *node.output)} | {v.name for v in graph.input}
    renamed = {}
    for index, value in enumerate(graph.output, start=1):
        wanted = "output" if len(graph.output) == 1 else f"output_{index}"
        if value.name.isdigit() and wanted not in taken:
            renamed[value.name] = wanted
            value.name = wanted
    for node in graph.node:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                names[index] = renamed.get(name, name)


def _digest(array: Array) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()


def _copy(node: onnx.NodeProto) -> onnx.NodeProto:
    copied = type(node)()
    copied.CopyFrom(node)
    return copied


def _replace_nodes(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    del graph.node[:]
    graph.node.extend(nodes)
