"""Find normalisations written out in a graph: mean, centring, mean of squares, epsilon, root, quotient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from converters.model.fingerprint import centrings
from converters.model.graph_reading import GraphReading

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class Statistics:
    """One written-out normalisation: centred / sqrt(mean(centred²) + epsilon).

    Attributes:
        centred: tensor x - mean(x).
        mean_node: the node that makes mean(x).
        square: the node that squares `centred`.
        variance_node: the node that takes the mean of the squares.
        add: the node that adds epsilon to it.
        epsilon_name, epsilon: the constant.
        root: the node that takes the square root.
        normalise: the nodes that multiply or divide `centred`.
        axes: of both means, not negative; empty when unknown.
    """

    centred: str
    mean_node: onnx.NodeProto
    square: onnx.NodeProto
    variance_node: onnx.NodeProto
    add: onnx.NodeProto
    epsilon_name: str
    epsilon: float
    root: onnx.NodeProto
    normalise: tuple[onnx.NodeProto, ...]
    axes: tuple[int, ...]


def written_out_statistics(reading: GraphReading) -> list[Statistics]:
    """Return every normalisation of a graph that is made of single operators, in the graph's order."""
    return [found for centred, mean in centrings(reading) if (found := _statistics(reading, centred, mean)) is not None]


def _statistics(reading: GraphReading, centred: str, mean: str) -> Statistics | None:
    mean_node = reading.producers[mean]
    for square in reading.users(centred):
        if not _squares(reading, square, centred):
            continue
        variance_node = _only_user(reading, square, "ReduceMean", "GlobalAveragePool")
        add = _only_user(reading, variance_node, "Add") if variance_node is not None else None
        root = _only_user(reading, add, "Sqrt") if add is not None else None
        if variance_node is None or add is None or root is None:
            continue
        epsilon_name = next((name for name in add.input if name != variance_node.output[0]), "")
        epsilon = reading.scalar(epsilon_name)
        normalise = _quotients(reading, root, centred)
        if epsilon is None or not normalise or reading.output_names & {centred, root.output[0]}:
            continue
        if set(map(id, reading.users(centred))) - {id(square), *map(id, normalise)}:
            continue  # something else reads the centred tensor: leave it as it is
        return Statistics(
            centred,
            mean_node,
            square,
            variance_node,
            add,
            epsilon_name,
            epsilon,
            root,
            normalise,
            _axes(reading, variance_node),
        )
    return None


def _squares(reading: GraphReading, node: onnx.NodeProto, name: str) -> bool:
    if node.op_type == "Mul":
        return list(node.input) == [name, name]
    return node.op_type == "Pow" and node.input[0] == name and reading.scalar(node.input[1]) == 2.0


def _only_user(reading: GraphReading, node: onnx.NodeProto, *operators: str) -> onnx.NodeProto | None:
    users = reading.users(node.output[0])
    if len(users) != 1 or users[0].op_type not in operators or node.output[0] in reading.output_names:
        return None
    return users[0]


def _quotients(reading: GraphReading, root: onnx.NodeProto, centred: str) -> tuple[onnx.NodeProto, ...]:
    """Return the nodes that bring `centred` and the root together; empty when the root is used otherwise."""
    found: list[onnx.NodeProto] = []
    for user in reading.users(root.output[0]):
        if user.op_type == "Div" and list(user.input) == [centred, root.output[0]]:
            found.append(user)
            continue
        is_inverse = user.op_type == "Reciprocal" or (user.op_type == "Div" and reading.scalar(user.input[0]) == 1.0)
        products = reading.users(user.output[0]) if is_inverse else []
        if not products or any(product.op_type != "Mul" or centred not in product.input for product in products):
            return ()
        found.extend(products)
    return tuple(found)


def _axes(reading: GraphReading, node: onnx.NodeProto) -> tuple[int, ...]:
    shape = reading.shape(node.input[0])
    if shape is None:
        return ()
    if node.op_type == "GlobalAveragePool":
        return tuple(range(2, len(shape)))
    axes = reading.axes(node)
    return tuple(sorted(axis % len(shape) for axis in axes)) if axes else ()
