"""What an ONNX graph must be before anything native looks at it: versions, operators, names, order, tensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from converters.errors import BadInputError, UnsupportedError
from converters.model.external_data import declared_bytes, element_bits, tensors_of

if TYPE_CHECKING:
    import onnx

OLDEST_OPSET = 7
MOST_NODES = 200_000
DEFAULT_DOMAINS = ("", "ai.onnx")

_REPEATED_DATA = ("float_data", "int32_data", "string_data", "int64_data", "double_data", "uint64_data")


def check_versions(proto: onnx.ModelProto, name: str) -> None:
    """Refuse graphs that are too old, too new or of no version at all.

    Raises:
        BadInputError: not an ONNX model.
        UnsupportedError: outside opset 7 to the newest this onnx knows.
    """
    import onnx

    newest = int(onnx.defs.onnx_opset_version())
    if not proto.HasField("graph") or not (proto.graph.node or proto.graph.initializer):
        raise BadInputError(f"{name} holds no graph.", "The file is damaged or not an ONNX model.")
    if proto.ir_version <= 0:
        raise BadInputError(f"{name} does not say which version of ONNX it is.", "The file is damaged.")
    if proto.ir_version > onnx.IR_VERSION:
        raise UnsupportedError(
            f"{name} is written in ONNX format version {proto.ir_version}; this program knows up to {onnx.IR_VERSION}.",
            "",
            "Export it again with an older version of onnx.",
        )
    versions = [item.version for item in proto.opset_import if item.domain in DEFAULT_DOMAINS]
    # A file without any import is from before operator sets had versions.
    opset = versions[0] if versions else 1
    if opset < OLDEST_OPSET:
        raise UnsupportedError(
            f"{name} uses operator set {opset}; {OLDEST_OPSET} to {newest} are supported.",
            "It was exported years ago.",
            f"Export it again with opset {OLDEST_OPSET} or later.",
        )
    if opset > newest:
        raise UnsupportedError(
            f"{name} uses operator set {opset}; {OLDEST_OPSET} to {newest} are supported.",
            "It was exported by a newer program.",
            f"Export it again with opset {newest} or earlier.",
        )
    if len(set(versions)) > 1:
        raise BadInputError(f"{name} names two versions of the default operator set: {versions}.")


def inline_functions(proto: onnx.ModelProto, name: str) -> tuple[onnx.ModelProto, list[str]]:
    """Return the graph with its own functions written out, and notes.

    Raises:
        BadInputError: functions that call themselves, or grow beyond any real model.
    """
    if not proto.functions:
        return proto, []
    from onnx.inliner import inline_local_functions

    bodies = {(function.domain, function.name): function for function in proto.functions}
    sizes: dict[tuple[str, str], int] = {}

    def expanded(nodes: Iterable[onnx.NodeProto], open_calls: tuple[tuple[str, str], ...]) -> int:
        total = 0
        for node in nodes:
            key = (node.domain, node.op_type)
            if key in open_calls or len(open_calls) > 50:
                raise BadInputError(f"The function {node.op_type} of {name} calls itself.")
            if key in bodies and key not in sizes:
                sizes[key] = expanded(bodies[key].node, (*open_calls, key))
            total += sizes.get(key, 1)
            for graph in subgraphs(node):
                total += expanded(graph.node, open_calls)
            if total > MOST_NODES:
                raise BadInputError(f"{name} has more than {MOST_NODES} nodes once its functions are written out.")
        return total

    expanded(proto.graph.node, ())
    count = len(proto.functions)
    return inline_local_functions(proto), [f"{count} function{'s' * (count > 1)} written out."]


def check_operators(proto: onnx.ModelProto, name: str) -> list[str]:
    """Refuse operators that are not ONNX's own; drop imports of foreign domains nobody uses. Return notes.

    Raises:
        UnsupportedError: naming domains and operators.
        BadInputError: far too many nodes.
    """
    foreign: Counter[str] = Counter()
    count = 0
    for node in nodes_of(proto.graph):
        count += 1
        if node.domain not in DEFAULT_DOMAINS:
            foreign[f"{node.domain}.{node.op_type}"] += 1
    if count > MOST_NODES:
        raise BadInputError(f"{name} has {count} nodes, more than any face model.")
    if foreign:
        listed = ", ".join(f"{operator} ({times})" for operator, times in sorted(foreign.items())[:12])
        raise UnsupportedError(
            f"{name} uses operators that are not part of ONNX: {listed}.",
            "It was made for one runtime only, often by that runtime's own optimiser or quantizer.",
            "Give the model as it was before that step.",
        )
    unused = [item.domain for item in proto.opset_import if item.domain not in DEFAULT_DOMAINS]
    if not unused:
        return []
    kept = [item for item in proto.opset_import if item.domain in DEFAULT_DOMAINS]
    del proto.opset_import[:]
    proto.opset_import.extend(kept)
    return [f"Unused operator sets dropped: {', '.join(sorted(unused))}."]


def check_tensors(proto: onnx.ModelProto, name: str) -> None:
    """Compare every tensor's data with its shape and type, before anything allocates by the shape.

    Raises:
        BadInputError: data and shape disagree, or an unknown type.
        UnsupportedError: sparse weights.
    """
    if proto.graph.sparse_initializer:
        raise UnsupportedError(f"{name} keeps weights in sparse form.", "", "Export it again with dense weights.")
    for tensor in tensors_of(proto.graph):
        _check_tensor(tensor, name)


def _check_tensor(tensor: onnx.TensorProto, name: str) -> None:
    from onnx import TensorProto

    elements = 1
    for size in tensor.dims:
        elements *= max(size, 0)
    if tensor.data_type == TensorProto.STRING:
        have, want, unit = len(tensor.string_data), elements, "strings"
    elif tensor.HasField("raw_data"):
        have, want, unit = len(tensor.raw_data), declared_bytes(tensor), "bytes"
    else:
        bits = element_bits(tensor.data_type)
        declared_bytes(tensor)  # refuses unknown types and negative sizes
        have = sum(len(getattr(tensor, field)) for field in _REPEATED_DATA)
        # Complex numbers take two entries; 4-bit and 2-bit ones share an entry.
        per_entry = {2: 4, 4: 2}.get(bits or 0, 1)
        want = elements * 2 if tensor.data_type in (14, 15) else (elements + per_entry - 1) // per_entry
        unit = "values"
    if any(size < 0 for size in tensor.dims) or have != want:
        raise BadInputError(
            f"The tensor {tensor.name!r} of {name} has the shape {list(tensor.dims)} and holds {have} {unit} "
            f"where {want} belong.",
            "The file is damaged.",
            "Fetch it again.",
        )


def drop_initializers_from_inputs(proto: onnx.ModelProto) -> list[str]:
    """Remove weights from the graph's inputs, where files before IR version 4 had to list them. Return notes."""
    weights = {tensor.name for tensor in proto.graph.initializer}
    kept = [value for value in proto.graph.input if value.name not in weights]
    notes = []
    if len(kept) < len(proto.graph.input):
        count = len(proto.graph.input) - len(kept)
        copies = [type(value).FromString(value.SerializeToString()) for value in kept]
        del proto.graph.input[:]
        proto.graph.input.extend(copies)
        notes.append(f"{count} weights no longer listed as inputs.")
    if proto.ir_version < 4:
        notes.append(f"Format version raised from {proto.ir_version} to 4.")
        proto.ir_version = 4
    return notes


def check_names(proto: onnx.ModelProto, name: str) -> None:
    """Refuse graphs in which two things have one name, or that have nothing to run.

    Raises:
        BadInputError: doubled or empty names, no inputs or no outputs.
    """
    graph = proto.graph
    if not graph.name:
        graph.name = "graph"
    if not graph.input:
        raise BadInputError(f"{name} has no inputs.", "It holds weights or constants only.")
    if not graph.output:
        raise BadInputError(f"{name} has no outputs.")
    for what, names in (
        ("input", [value.name for value in graph.input]),
        ("output", [value.name for value in graph.output]),
        ("weight", [tensor.name for tensor in graph.initializer]),
        ("tensor", [*_written(graph.node), *(v.name for v in graph.input), *(t.name for t in graph.initializer)]),
    ):
        doubled = [item for item, times in Counter(names).items() if times > 1 or not item]
        if doubled:
            raise BadInputError(f"{name} has more than one {what} called {doubled[0]!r}, or one without a name.")
    missing = [v.name for v in graph.output if v.name not in {*_written(graph.node), *(i.name for i in graph.input)}]
    missing = [item for item in missing if item not in {tensor.name for tensor in graph.initializer}]
    if missing:
        raise BadInputError(f"Nothing in {name} computes the output {missing[0]!r}.", "The file is damaged.")


def sort_nodes(proto: onnx.ModelProto, name: str) -> list[str]:
    """Put the nodes into an order in which every input exists when it is needed. Return notes.

    Raises:
        BadInputError: a circle, or an input that nothing computes.
    """
    graph = proto.graph
    known = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    needs = [{item for item in read_by(node) if item and item not in known} for node in graph.node]
    makers = {output: index for index, node in enumerate(graph.node) for output in node.output if output}
    in_order = True
    for index, needed in enumerate(needs):
        for item in needed:
            if item not in makers:
                raise BadInputError(
                    f"The node {_title(graph.node[index])} of {name} reads {item!r}, which nothing computes.",
                    "The file is damaged.",
                )
            in_order = in_order and makers[item] < index
    if in_order:
        return []
    waiting = [len({makers[item] for item in needed}) for needed in needs]
    users: list[list[int]] = [[] for _ in needs]
    for index, needed in enumerate(needs):
        for maker in {makers[item] for item in needed}:
            users[maker].append(index)
    ready = [index for index, count in enumerate(waiting) if count == 0]
    order: list[int] = []
    for index in ready:
        order.append(index)
        for user in users[index]:
            waiting[user] -= 1
            if waiting[user] == 0:
                ready.append(user)
    if len(order) < len(needs):
        stuck = next(index for index, count in enumerate(waiting) if count)
        raise BadInputError(f"The graph of {name} runs in a circle through the node {_title(graph.node[stuck])}.")
    copies = [type(node).FromString(node.SerializeToString()) for node in graph.node]
    del graph.node[:]
    graph.node.extend(copies[index] for index in order)
    return ["Nodes put into an order that can be executed."]


def read_by(node: onnx.NodeProto) -> set[str]:
    """Return the names a node reads, including those its subgraphs take from outside."""
    names = set(node.input)
    for graph in subgraphs(node):
        inner = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
        inner.update(_written(graph.node))
        for child in graph.node:
            names |= read_by(child) - inner
        names |= {value.name for value in graph.output} - inner
    return names


def subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """Yield the graphs in a node's attributes (bodies of If, Loop and Scan)."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def nodes_of(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Yield every node of a graph, subgraphs included."""
    for node in graph.node:
        yield node
        for inner in subgraphs(node):
            yield from nodes_of(inner)


def _written(nodes: Iterable[onnx.NodeProto]) -> Iterator[str]:
    return (output for node in nodes for output in node.output if output)


def _title(node: onnx.NodeProto) -> str:
    return f"{node.name or '(unnamed)'} ({node.op_type})"
