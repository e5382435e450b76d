"""What a rewrite is, and the editing of a graph that is never changed itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from converters.model.fingerprint import find_emap
from converters.model.graph_reading import GraphReading, node_title

if TYPE_CHECKING:
    import onnx

# Opset from which an operator takes its axes (or starts and ends) as inputs instead of attributes.
_AXES_AS_INPUT = {
    "Slice": 10,
    "Squeeze": 13,
    "Unsqueeze": 13,
    "ReduceSum": 13,
    "ReduceMean": 18,
    "ReduceMax": 18,
}


@dataclass(frozen=True)
class Rewritten:
    """What a rewrite made of a graph.

    Attributes:
        proto: a new graph; the very one that was given when there was nothing to do.
        count: places that were rewritten.
        nodes: titles of the nodes that were replaced, in the graph's order.
    """

    proto: onnx.ModelProto
    count: int
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Rewrite:
    """One change of a graph that keeps what it computes.

    Attributes:
        id: as in findings and recipes.
        title: for people.
        sentence: what it does and for whom.
        tolerance: largest difference allowed, as a part of the largest output; 0 claims bit-identical results.
        edit: makes the change on a GraphEdit; returns the titles of the nodes it replaced.
    """

    id: str
    title: str
    sentence: str
    tolerance: float
    edit: Callable[[GraphEdit], list[str]]

    @property
    def claims_exact(self) -> bool:
        """Whether results must not differ in a single bit."""
        return self.tolerance == 0.0

    def apply(self, proto: onnx.ModelProto) -> Rewritten:
        """Return the rewritten graph; `proto` is left unchanged."""
        edit = GraphEdit(proto)
        nodes = self.edit(edit)
        return Rewritten(edit.build() if nodes else proto, len(nodes), tuple(nodes))


class GraphEdit:
    """Records changes to a graph and builds a new one from them, copying every kept weight once.

    New nodes stand where the replaced ones stood; new initializers go in before `emap`, so that it stays last.
    """

    def __init__(self, proto: onnx.ModelProto) -> None:
        self.proto = proto
        self.reading = GraphReading(proto)
        self._replaced: dict[int, list[onnx.NodeProto]] = {}
        self._before: dict[int, list[onnx.NodeProto]] = defaultdict(list)
        self._renamed: dict[tuple[int, str], str] = {}
        self._new_initializers: list[onnx.TensorProto] = []
        self._substituted: dict[str, onnx.TensorProto] = {}
        self._moved_last = ""
        self._retyped: dict[int, int] = {}
        self._values: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._names = {name for node in self.reading.nodes for name in (*node.input, *node.output, node.name)}
        self._names |= set(self.reading.initializers) | {value.name for value in proto.graph.input}

    def fresh(self, wish: str) -> str:
        """Return a name like `wish` that nothing in the graph has."""
        name, number = wish, 1
        while name in self._names:
            number += 1
            name = f"{wish}_{number}"
        self._names.add(name)
        return name

    def constant(self, wish: str, value: npt.NDArray[Any], *, alone: bool = False) -> str:
        """Add an initializer; equal small ones are shared unless this one is to be alone."""
        import onnx

        value = np.ascontiguousarray(value) if value.ndim else value
        key = (str(value.dtype), value.shape, value.tobytes()) if value.size <= 64 and not alone else None
        if key is not None and key in self._values:
            return self._values[key]
        name = self.fresh(wish)
        self._new_initializers.append(onnx.numpy_helper.from_array(value, name))
        if key is not None:
            self._values[key] = name
        return name

    def integers(self, values: Sequence[int]) -> str:
        """Add a list of 64-bit integers."""
        return self.constant("_".join(["integers", *(str(value) for value in values[:4])]), np.array(values, np.int64))

    def node(
        self, operator: str, inputs: Sequence[str], owner: onnx.NodeProto, output: str = "", **attributes: Any
    ) -> onnx.NodeProto:
        """Return a new node named after the one it stands for; `output` "" for a new tensor."""
        import onnx

        name = self.fresh(f"{node_title(owner)}/{operator}")
        made: onnx.NodeProto = onnx.helper.make_node(operator, list(inputs), [output or f"{name}_out"], **attributes)
        made.name = name
        return made

    def with_axes(
        self,
        operator: str,
        source: str,
        axes: Sequence[int],
        owner: onnx.NodeProto,
        output: str = "",
        **attributes: Any,
    ) -> onnx.NodeProto:
        """Return a Squeeze, Unsqueeze or reduction as this graph's opset spells it."""
        if self.reading.opset >= _AXES_AS_INPUT[operator]:
            return self.node(operator, [source, self.integers(axes)], owner, output, **attributes)
        return self.node(operator, [source], owner, output, axes=list(axes), **attributes)

    def slice(
        self, source: str, axis: int, start: int, end: int, owner: onnx.NodeProto, output: str = ""
    ) -> onnx.NodeProto:
        """Return a Slice of one axis as this graph's opset spells it."""
        if self.reading.opset >= _AXES_AS_INPUT["Slice"]:
            limits = [self.integers([value]) for value in (start, end, axis)]
            return self.node("Slice", [source, *limits], owner, output)
        return self.node("Slice", [source], owner, output, starts=[start], ends=[end], axes=[axis])

    def reshape(self, source: str, shape: Sequence[int], owner: onnx.NodeProto, output: str = "") -> onnx.NodeProto:
        """Return a Reshape to a static shape."""
        return self.node("Reshape", [source, self.integers(shape)], owner, output)

    def replace(self, node: onnx.NodeProto, new: Sequence[onnx.NodeProto]) -> None:
        """Put `new` in the place of `node`; together they must make what it made."""
        self._replaced[id(node)] = list(new)

    def insert_before(self, node: onnx.NodeProto, new: Sequence[onnx.NodeProto]) -> None:
        """Put `new` right before `node`."""
        self._before[id(node)].extend(new)

    def rename_input(self, node: onnx.NodeProto, old: str, new: str) -> None:
        """Let `node` read `new` where it reads `old`."""
        self._renamed[id(node), old] = new

    def substitute(self, tensor: onnx.TensorProto) -> None:
        """Put `tensor` in the place of the initializer of its name."""
        self._substituted[tensor.name] = tensor

    def move_last(self, name: str) -> None:
        """Make this initializer the last one."""
        self._moved_last = name

    def retype(self, old: int, new: int) -> None:
        """Declare inputs, outputs and inner tensors of one element type as another."""
        self._retyped[old] = new

    def build(self) -> onnx.ModelProto:
        """Return a new graph with all recorded changes; nodes and weights that nothing uses any more are left out."""
        nodes = self._live(self._node_list())
        used = {name for node in nodes for name in _names_read(node)} | self.reading.output_names
        before = {tensor.name for tensor in self.reading.orphans()}
        last = self._moved_last or self._last_orphan()
        kept = [
            self._substituted.get(tensor.name, tensor)
            for tensor in self.proto.graph.initializer
            if (tensor.name in used or tensor.name in before) and tensor.name != last
        ]
        kept += [tensor for tensor in self._new_initializers if tensor.name in used]
        if last:
            kept.append(self._substituted.get(last, self.reading.initializers[last]))
        new = _assembled(self.proto, nodes, kept)
        for value in (*new.graph.input, *new.graph.output, *new.graph.value_info):
            kind = value.type.tensor_type
            kind.elem_type = self._retyped.get(kind.elem_type, kind.elem_type)
        return new

    def _last_orphan(self) -> str:
        """Return the name of `emap` when it is last, "" otherwise."""
        emap = find_emap(self.reading)
        initializers = self.proto.graph.initializer
        return emap.name if emap is not None and initializers[-1].name == emap.name else ""

    def _node_list(self) -> list[onnx.NodeProto]:
        nodes: list[onnx.NodeProto] = []
        for node in self.reading.nodes:
            nodes.extend(self._before[id(node)])
            if id(node) in self._replaced:
                nodes.extend(self._replaced[id(node)])
                continue
            renamed = {old: new for (place, old), new in self._renamed.items() if place == id(node)}
            if renamed:
                copy = type(node)()
                copy.CopyFrom(node)
                del copy.input[:]
                copy.input.extend(renamed.get(name, name) for name in node.input)
                nodes.append(copy)
            else:
                nodes.append(node)
        return nodes

    def _live(self, nodes: list[onnx.NodeProto]) -> list[onnx.NodeProto]:
        """Leave out nodes that nothing reads now although something did before."""
        dead_before = {
            id(node)
            for node in self.reading.nodes
            if not any(self.reading.users(name) or name in self.reading.output_names for name in node.output)
        }
        while True:
            used = {name for node in nodes for name in _names_read(node)} | self.reading.output_names
            live = [
                node for node in nodes if id(node) in dead_before or any(name in used for name in node.output if name)
            ]
            if len(live) == len(nodes):
                return live
            nodes = live


def _names_read(node: onnx.NodeProto) -> set[str]:
    from converters.model.graph_reading import names_in_subgraphs

    return {*node.input, *names_in_subgraphs(node)}


def _assembled(
    proto: onnx.ModelProto, nodes: list[onnx.NodeProto], initializers: list[onnx.TensorProto]
) -> onnx.ModelProto:
    """Return a model like `proto` with other nodes and initializers."""
    new = type(proto)()
    new.ir_version = max(proto.ir_version, 4)  # before 4 every initializer had to be an input too
    new.opset_import.extend(proto.opset_import)
    new.producer_name, new.producer_version = proto.producer_name, proto.producer_version
    new.domain, new.model_version, new.doc_string = proto.domain, proto.model_version, proto.doc_string
    new.metadata_props.extend(proto.metadata_props)
    new.functions.extend(proto.functions)
    graph = new.graph
    graph.name, graph.doc_string = proto.graph.name, proto.graph.doc_string
    names = {tensor.name for tensor in initializers}
    gone = {tensor.name for tensor in proto.graph.initializer} - names
    graph.input.extend(value for value in proto.graph.input if value.name not in gone)
    graph.output.extend(proto.graph.output)
    made = {name for node in nodes for name in node.output}
    graph.value_info.extend(value for value in proto.graph.value_info if value.name in made)
    graph.quantization_annotation.extend(proto.graph.quantization_annotation)
    graph.sparse_initializer.extend(proto.graph.sparse_initializer)
    graph.node.extend(nodes)
    graph.initializer.extend(initializers)
    return new
