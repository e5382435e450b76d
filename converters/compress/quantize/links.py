"""Which layers follow one another through nothing that minds the size of a channel.

A function f is positively homogeneous where f(s x) = s f(x) for every s > 0. Between two layers that are connected by
such functions alone, a channel may be made smaller by the first layer and larger by the second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from converters.compress.quantize.layers import Layer
from converters.model.graph_reading import GraphReading, attribute

if TYPE_CHECKING:
    import onnx

# Elementwise and homogeneous whatever their attributes are; PRelu's slopes are checked.
_ELEMENTWISE = ("Relu", "LeakyRelu", "PRelu", "Abs", "Identity", "Dropout")
_POOLS = ("MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool")
_FLATTENING = ("Flatten", "Reshape", "Squeeze")


@dataclass(frozen=True)
class Link:
    """Two layers, one after the other.

    Attributes:
        first, second: the layers.
        tensor: what `second` reads.
        through: operators between them, in order.
        repeat: inputs of `second` that belong to one channel of `first`: the positions of a map that was flattened.
    """

    first: Layer
    second: Layer
    tensor: str
    through: tuple[str, ...]
    repeat: int = 1


def is_depth_wise(layer: Layer, reading: GraphReading) -> bool:
    """Return whether a layer computes every channel from the same channel alone."""
    dims = reading.initializers[layer.weight].dims
    return layer.operator == "Conv" and layer.groups > 1 and dims[0] == layer.groups and dims[1] == 1


def find_links(reading: GraphReading, layers: Sequence[Layer]) -> list[Link]:
    """Return the links of a graph in its order.

    Layers that share weights or biases with another node are left out: their values cannot be changed for one alone.
    """
    own = [layer for layer in layers if has_its_own_values(layer, reading)]
    by_result = {layer.result: layer for layer in own}
    found = []
    for layer in own:
        link = _follow(reading, layer, by_result)
        if link is not None:
            found.append(link)
    return found


def has_its_own_values(layer: Layer, reading: GraphReading) -> bool:
    """Return whether nothing else reads a layer's weights and bias."""
    inputs = {value.name for value in reading.graph.input}
    return all(
        len(reading.users(name)) == 1
        and sum(item == name for item in reading.users(name)[0].input) == 1
        and name not in reading.output_names | inputs
        for name in (layer.weight, layer.bias)
        if name
    )


def removes_mean(reading: GraphReading, layer: Layer) -> bool:
    """Return whether what follows takes each channel's mean over all positions away, as InstanceNorm and AdaIN do."""
    users = reading.users(layer.result)
    shape = reading.shape(layer.result)
    if layer.operator not in ("Conv", "ConvTranspose") or not users or shape is None:
        return False
    if layer.result in reading.output_names:
        return False
    if all(user.op_type == "InstanceNormalization" and user.input[0] == layer.result for user in users):
        return True
    means: list[onnx.NodeProto] = []
    others: list[onnx.NodeProto] = []
    for user in users:
        (means if user.op_type == "ReduceMean" else others).append(user)
    spatial = set(range(2, len(shape)))
    mean_names = {node.output[0] for node in means if _reduced(reading, node, len(shape)) == spatial}
    return (
        len(mean_names) == len(means) > 0
        and bool(others)
        and all(
            node.op_type == "Sub" and node.input[0] == layer.result and node.input[1] in mean_names for node in others
        )
        and all(
            user.op_type == "Sub" and user.input[0] == layer.result
            for name in mean_names
            for user in reading.users(name)
        )
        and not mean_names & reading.output_names
    )


def _reduced(reading: GraphReading, node: onnx.NodeProto, rank: int) -> set[int]:
    axes = reading.axes(node)
    return set() if axes is None or not attribute(node, "keepdims", 1) else {axis % rank for axis in axes}


def _follow(reading: GraphReading, layer: Layer, by_result: dict[str, Layer]) -> Link | None:
    """Return the link from a layer to the only one that reads what it makes, None where anything else is between."""
    name, repeat = layer.result, 1
    through: list[str] = []
    shape = reading.shape(name)
    if shape is None:
        return None
    axis = len(shape) - 1 if layer.operator == "MatMul" else 1
    while True:
        users = reading.users(name)
        if len(users) != 1 or name in reading.output_names or list(users[0].input).count(name) != 1:
            return None
        node = users[0]
        following = by_result.get(node.output[0])
        if following is not None and following.input == name:
            shape = reading.shape(name)
            if shape is None or (len(shape) - 1 if following.operator == "MatMul" else 1) != axis:
                return None
            return Link(layer, following, name, tuple(through), repeat)
        if node.input[0] != name or node.domain not in ("", "ai.onnx"):
            return None
        if node.op_type in _FLATTENING and axis == 1:
            factor = _flattened(reading, node)
            if factor is None:
                return None
            repeat *= factor
        elif not _is_homogeneous(reading, node, axis):
            return None
        through.append(node.op_type)
        name = node.output[0]


def _is_homogeneous(reading: GraphReading, node: onnx.NodeProto, axis: int) -> bool:
    """Return whether a node treats every channel alone and alike at every size; Relu6 minds the size."""
    operator = node.op_type
    if any(reading.users(name) or name in reading.output_names for name in node.output[1:]):
        return False
    if operator in _ELEMENTWISE:
        if operator == "Dropout" and len(node.input) > 2:
            return False
        return operator != "PRelu" or reading.is_constant(node.input[1])
    if operator in _POOLS:
        return axis == 1
    before, after = reading.shape(node.input[0]), reading.shape(node.output[0])
    if before is None or after is None or len(before) != len(after) or before[: axis + 1] != after[: axis + 1]:
        return False
    if axis != 1:
        return False
    if operator == "Pad":
        return _pads_with_nothing_else(reading, node)
    if operator in ("Resize", "Upsample"):
        # Outside the picture it would be a value of its own; axes given in another order are rare and not worth a risk.
        mode = attribute(node, "coordinate_transformation_mode", "")
        return mode != "tf_crop_and_resize" and attribute(node, "axes") is None
    return False


def _pads_with_nothing_else(reading: GraphReading, node: onnx.NodeProto) -> bool:
    """Return whether a Pad leaves samples and channels alone and brings in no values but the tensor's own and 0."""
    if len(node.input) > 3 and node.input[3]:
        return False
    given = reading.integers(node.input[1]) if len(node.input) > 1 else attribute(node, "pads")
    if given is None:
        return False
    rank = len(given) // 2
    if any(given[axis] or given[axis + rank] for axis in (0, 1)):
        return False
    if attribute(node, "mode", "constant") != "constant":
        return True
    has_value = len(node.input) > 2 and node.input[2]
    value = reading.scalar(node.input[2]) if has_value else attribute(node, "value", 0.0)
    return value == 0.0


def _flattened(reading: GraphReading, node: onnx.NodeProto) -> int | None:
    """Return how many positions become values of their own in a vector; None where it is something else."""
    before, after = reading.shape(node.input[0]), reading.shape(node.output[0])
    if before is None or after is None or len(before) < 2 or len(after) != 2:
        return None
    if min(*before, *after) < 1 or before[0] != after[0]:
        return None
    factor, rest = divmod(after[1], before[1])
    return factor if not rest else None
