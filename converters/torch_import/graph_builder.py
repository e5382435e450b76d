"""Grows the fx graph: constants are computed at once, everything else becomes a node with a known shape."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import fx, nn

from converters.torch_import.binding import Binding, checksum
from converters.torch_import.naming import ModuleTree, identifier
from converters.torch_import.operation import Operation, RefusalError
from converters.torch_import.values import Constant, Fact, Origin, Value

# A folded result may have this many elements, or as many as what it was computed from.
LARGEST_FOLDED = 1 << 22

_FACTS = "onnx_facts"

# Arguments of fewer elements cannot give a huge result, except through these.
_SMALL = 1024
_EXPANDING = ("expand", "repeat", torch.full, torch.repeat_interleave)

Facts = Fact | tuple["Facts", ...]


class GraphBuilder:
    """The module under construction."""

    def __init__(self) -> None:
        self.root = nn.Module()
        self.graph = fx.Graph()
        self.bindings: list[Binding] = []
        self._tree = ModuleTree(self.root)
        self._attributes: dict[int, tuple[Constant, fx.Node]] = {}
        self._parameters: dict[tuple[int, str], tuple[Constant, nn.Parameter]] = {}

    def placeholder(self, name: str, fact: Fact) -> fx.Node:
        """Add a graph input."""
        node = self.graph.placeholder(identifier(name))
        node.meta.update({"onnx_name": name, _FACTS: fact})
        return node

    def fact(self, value: Value) -> Fact:
        """Return what is known about a value."""
        if isinstance(value, Constant):
            return Fact.of(value.tensor)
        facts = value.meta.get(_FACTS)
        return facts if isinstance(facts, Fact) else Fact(None, None)

    def learn(self, value: Value, fact: Fact) -> None:
        """Note what ONNX's shape inference knows about a value whose shape torch could not tell."""
        if isinstance(value, fx.Node) and not self.fact(value).is_known:
            known = self.fact(value)
            value.meta[_FACTS] = Fact(
                fact.shape if known.shape is None or fact.sizes is not None else known.shape,
                known.dtype or fact.dtype,
            )

    def call(
        self, op: Operation, function: Callable[..., Any] | str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Value:
        """Compute at once when no argument is an fx node and the result is not huge; emit a node otherwise."""
        arguments = list(_values((args, kwargs)))
        if any(isinstance(value, fx.Node) for value in arguments):
            return self.emit(op, function, args, kwargs, None)
        given = sum(value.tensor.numel() for value in arguments if isinstance(value, Constant))
        is_small = given <= _SMALL and function not in _EXPANDING
        facts = () if is_small else self._infer(function, args, kwargs)
        if max((_size(fact) for fact in _flat(facts)), default=0) > max(LARGEST_FOLDED, given):
            return self.emit(op, function, args, kwargs, None)
        with torch.no_grad():
            results = _apply(function, *_exchanged((args, kwargs), lambda value: value.tensor))
        return Constant(results) if isinstance(results, torch.Tensor) else _Several(results)

    def emit(
        self,
        op: Operation,
        function: Callable[..., Any] | str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        fact: Fact | None,
    ) -> fx.Node:
        """Add a node that calls a function or, by name, a tensor method."""
        facts = fact or self._infer(function, args, kwargs)
        node_args, node_kwargs = _exchanged((args, kwargs), self._attribute)
        kind = "call_method" if isinstance(function, str) else "call_function"
        node = self.graph.create_node(kind, function, node_args, node_kwargs, name=identifier(op.outputs[0] or op.name))
        return self._noted(node, op, facts)

    def item(self, op: Operation, value: Value, index: int) -> Value:
        """Return one of several results."""
        if isinstance(value, _Several):
            return Constant(value.results[index])
        assert isinstance(value, fx.Node)
        facts = value.meta.get(_FACTS)
        node = self.graph.call_function(operator.getitem, (value, index))
        return self._noted(node, op, facts[index] if isinstance(facts, tuple) else Fact(None, None))

    def call_module(
        self,
        op: Operation,
        module: nn.Module,
        args: tuple[Value, ...],
        weights: dict[str, Value | None],
        path: str,
        transposed: Sequence[str],
    ) -> Value:
        """Fill a layer with its weights, place it in the module tree and add a node that calls it."""
        constants = {key: value for key, value in weights.items() if isinstance(value, Constant)}
        for key, value in constants.items():
            _fill(module, key, self._parameter(value, getattr(module, key), transposed=key in transposed))
        module.eval()
        if all(isinstance(value, Constant) for value in args):
            with torch.no_grad():
                return Constant(module(*_exchanged(args, lambda value: value.tensor)))
        target = self._tree.add_module(path, module)
        for key, value in constants.items():
            self._bind(value, f"{target}.{key}", getattr(module, key), transposed=key in transposed)
        state = {key: value.to("meta") for key, value in [*module.named_parameters(), *module.named_buffers()]}
        facts = self._infer(lambda *inputs: torch.func.functional_call(module, state, inputs), args, {})
        node = self.graph.call_module(target, tuple(_exchanged(args, self._attribute)))
        return self._noted(node, op, facts)

    def _parameter(self, value: Constant, place: torch.Tensor, *, transposed: bool) -> torch.Tensor:
        """Return the tensor to put at `place`: the same Parameter wherever one ONNX value fills equal places."""
        tensor = value.tensor.T.contiguous() if transposed else value.tensor.reshape(place.shape)
        if not isinstance(place, nn.Parameter):
            return tensor
        key = (id(value), f"{tuple(tensor.shape)} {transposed}")
        if key not in self._parameters:
            self._parameters[key] = (value, nn.Parameter(tensor, requires_grad=tensor.is_floating_point()))
        return self._parameters[key][1]

    def _bind(self, value: Constant, path: str, placed: torch.Tensor, *, transposed: bool = False) -> None:
        if not value.name:
            return
        known = 0 if value.origin is Origin.INITIALIZER else checksum(value.tensor)
        shape, onnx_shape = tuple(placed.shape), tuple(value.tensor.shape)
        dtype = placed.dtype
        self.bindings.append(Binding(value.name, path, value.origin, shape, dtype, transposed, onnx_shape, known))

    def read(self, value: Constant) -> fx.Node:
        """Return a node that reads a constant, for constants that are graph outputs."""
        return self._attribute(value)

    def _attribute(self, value: Constant) -> fx.Node:
        """Return the node that reads a constant from the module."""
        known = self._attributes.get(id(value))
        if known is not None:
            return known[1]
        tensor = value.tensor
        trained = value.origin is Origin.INITIALIZER and tensor.is_floating_point() and tensor.numel() > 1
        target = self._tree.add_tensor(
            value.name if value.name and "::" not in value.name else identifier(value.name or "constant"),
            self._parameter(value, nn.Parameter(tensor), transposed=False) if trained else tensor,
        )
        if trained:
            self._bind(value, target, tensor)
        with self.graph.inserting_after(self._last_placeholder()):
            node = self.graph.get_attr(target)
        node.meta.update({"onnx_name": value.name, _FACTS: Fact.of(tensor)})
        self._attributes[id(value)] = (value, node)
        return node

    def _last_placeholder(self) -> fx.Node:
        last = self.graph._root
        for node in self.graph.nodes:
            if node.op not in ("placeholder", "get_attr"):
                break
            last = node
        return last

    def _infer(self, function: Callable[..., Any] | str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Facts:
        """Run a function on tensors without storage and return the facts of its results."""
        if not all(self._is_known(value) for value in _values((args, kwargs))):
            return Fact(None, None)
        meta_args, meta_kwargs = _exchanged((args, kwargs), lambda v: self.fact(v).stand_in(), nodes=True)
        try:
            with torch.no_grad(), torch.device("meta"):
                return _facts(_apply(function, meta_args, meta_kwargs))
        except (RuntimeError, IndexError, ValueError, TypeError) as error:
            raise RefusalError(f"does not fit its inputs ({str(error).splitlines()[0]})") from error

    def _is_known(self, value: Value) -> bool:
        return self.fact(value).is_known

    def _noted(self, node: fx.Node, op: Operation, facts: Facts) -> fx.Node:
        node.meta.update({"onnx_node": op.name, "onnx_op": op.kind, _FACTS: facts})
        return node


class _Several(Constant):
    """The constant results of a function that returns several."""

    def __init__(self, results: Any) -> None:
        super().__init__(torch.empty(0))
        self.results = results


def _values(tree: Any) -> Iterator[Value]:
    if isinstance(tree, (fx.Node, Constant)):
        yield tree
    elif isinstance(tree, (tuple, list)):
        for item in tree:
            yield from _values(item)
    elif isinstance(tree, dict):
        yield from _values(list(tree.values()))


def _exchanged(tree: Any, exchange: Callable[[Any], Any], *, nodes: bool = False) -> Any:
    wanted = (Constant, fx.Node) if nodes else (Constant,)
    if isinstance(tree, dict):
        return {key: _exchanged(item, exchange, nodes=nodes) for key, item in tree.items()}
    if isinstance(tree, torch.Size):
        return tuple(tree)
    if isinstance(tree, (tuple, list)):
        return type(tree)(_exchanged(item, exchange, nodes=nodes) for item in tree)
    return exchange(tree) if isinstance(tree, wanted) else tree


def _apply(function: Callable[..., Any] | str, args: Any, kwargs: Any) -> Any:
    if isinstance(function, str):
        return getattr(args[0], function)(*args[1:], **kwargs)
    return function(*args, **kwargs)


def _facts(results: Any) -> Facts:
    if isinstance(results, torch.Tensor):
        return Fact.of(results)
    return tuple(_facts(item) for item in results)


def _flat(facts: Facts) -> Iterator[Fact]:
    if isinstance(facts, Fact):
        yield facts
    else:
        for item in facts:
            yield from _flat(item)


def _size(fact: Fact) -> int:
    size = 1
    for length in fact.sizes or ():
        size *= length
    return size


def _fill(module: nn.Module, key: str, tensor: torch.Tensor) -> None:
    if isinstance(tensor, nn.Parameter):
        module.register_parameter(key, tensor)
    else:
        module.register_buffer(key, tensor)
