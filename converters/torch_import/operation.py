"""One ONNX node while it is being built: its attributes, its inputs, and the ways to emit torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import torch
from torch import fx, nn

from converters.torch_import.naming import module_path
from converters.torch_import.values import Constant, Fact, Origin, Value

if TYPE_CHECKING:
    from converters.torch_import.graph_builder import GraphBuilder


class RefusalError(Exception):
    """A builder cannot build this node; the importer collects the reasons of all nodes."""


class Operation:
    """What a builder gets.

    Attributes:
        kind: ONNX operator.
        name: the node's name, or one made from its first output.
        opset: version of the default operator set that the graph uses.
        attributes: as plain Python values.
        inputs: one Value per ONNX input, None where an optional one is absent.
        outputs: names of the ONNX outputs, "" where one is not wanted.
    """

    def __init__(
        self,
        graph: GraphBuilder,
        kind: str,
        name: str,
        opset: int,
        attributes: dict[str, Any],
        inputs: list[Value | None],
        outputs: list[str],
    ) -> None:
        self.graph = graph
        self.kind = kind
        self.name = name
        self.opset = opset
        self.attributes = attributes
        self.inputs = inputs
        self.outputs = outputs

    def refuse(self, reason: str) -> NoReturn:
        """Give up on this node; `reason` completes the sentence 'node (operator) …'."""
        raise RefusalError(reason)

    def attribute(self, name: str, default: Any = None) -> Any:
        """Return an attribute's value, or `default` when the node does not have it."""
        return self.attributes.get(name, default)

    def has(self, index: int) -> bool:
        """Whether the optional input `index` is present."""
        return index < len(self.inputs) and self.inputs[index] is not None

    def tensor(self, index: int = 0) -> Value:
        """Return a required input."""
        value = self.inputs[index] if index < len(self.inputs) else None
        if value is None:
            self.refuse(f"lacks its input {index}")
        return value

    def optional(self, index: int) -> Value | None:
        """Return an optional input."""
        return self.inputs[index] if self.has(index) else None

    def constant(self, index: int) -> torch.Tensor | None:
        """Return an optional input that must be known at import time."""
        value = self.optional(index)
        if value is None:
            return None
        if not isinstance(value, Constant):
            self.refuse(f"has an input {index} that is only known when the model runs")
        return value.tensor

    def ints(self, index: int) -> list[int] | None:
        """Return an optional integer input, known at import time, as a list."""
        tensor = self.constant(index)
        return None if tensor is None else [int(item) for item in tensor.reshape(-1).tolist()]

    def ints_of(self, name: str, index: int) -> list[int] | None:
        """Return integers that older operator sets give as attribute `name` and newer ones as input `index`."""
        if name in self.attributes:
            value = self.attributes[name]
            return [int(item) for item in value] if isinstance(value, list) else [int(value)]
        return self.ints(index)

    def fact(self, value: Value) -> Fact:
        """Return what is known about a value."""
        return self.graph.fact(value)

    def shape(self, value: Value) -> tuple[int, ...]:
        """Return a value's sizes, refusing the node when they depend on the data."""
        shape = self.graph.fact(value).sizes
        if shape is None:
            self.refuse("needs a shape that is only known when the model runs")
        return shape

    def size(self, value: Value, axis: int) -> int:
        """Return the size of one axis (counted from the front), refusing the node when it depends on the data."""
        shape = self.graph.fact(value).shape
        size = shape[axis] if shape is not None else None
        if size is None:
            self.refuse("needs a size that is only known when the model runs")
        return size

    def rank(self, value: Value) -> int:
        """Return the number of axes."""
        shape = self.graph.fact(value).shape
        if shape is None:
            self.refuse("needs a number of axes that is only known when the model runs")
        return len(shape)

    def dtype(self, value: Value) -> torch.dtype:
        """Return a value's dtype."""
        dtype = self.graph.fact(value).dtype
        if dtype is None:
            self.refuse("needs an element type that is only known when the model runs")
        return dtype

    def call(self, function: Callable[..., Any] | str, *args: Any, **kwargs: Any) -> Value:
        """Apply a torch function, or the tensor method of that name: at once when every argument is a constant,
        otherwise as an fx node."""
        return self.graph.call(self, function, args, kwargs)

    def emit(self, function: Callable[..., Any] | str, *args: Any, fact: Fact | None = None, **kwargs: Any) -> fx.Node:
        """Apply a torch function when the model runs, never at once.

        Args:
            fact: of the result, for functions that cannot run without data.
        """
        return self.graph.emit(self, function, args, kwargs, fact)

    def module(
        self,
        module: nn.Module,
        *args: Value,
        weights: dict[str, Value | None],
        path: str,
        transposed: Sequence[str] = (),
    ) -> Value:
        """Apply a layer whose parameters are ONNX values.

        Args:
            weights: parameters and buffers of the layer by name, with the constants that fill them; None is skipped.
            path: where the layer belongs in the module tree.
            transposed: those among `weights` that ONNX stores as the transposed matrix.
        """
        return self.graph.call_module(self, module, args, weights, path, transposed)

    def module_path(self, weight: Value) -> str:
        """Return where a layer with this weight belongs in the module tree."""
        named = isinstance(weight, Constant) and weight.origin is not Origin.FOLDED
        return module_path(self.name, weight.name if named and isinstance(weight, Constant) else "")

    def item(self, value: Value, index: int) -> Value:
        """Return one of the results of a function that returns several."""
        return self.graph.item(self, value, index)

    def cast(self, value: Value, dtype: torch.dtype) -> Value:
        """Return the value in another dtype, itself when it already has it."""
        if self.fact(value).dtype is dtype:
            return value
        return self.call("to", value, dtype)

    def operand(self, value: Value, *others: Value) -> Value | float | int | bool:
        """Return a one-element constant as a Python number where that changes neither dtype nor rank.

        Converters turn Python numbers into immediate operands, tensors into stored constants.
        """
        if not isinstance(value, Constant) or value.tensor.numel() != 1:
            return value
        facts = [self.fact(other) for other in others if other is not value and not isinstance(other, Constant)]
        fits = any(
            fact.shape is not None and len(fact.shape) >= value.tensor.ndim and fact.dtype is value.tensor.dtype
            for fact in facts
        )
        return value.tensor.item() if fits else value


def normalized_axes(axes: Sequence[int], rank: int) -> list[int]:
    """Return axes counted from the front."""
    return [axis + rank if axis < 0 else axis for axis in axes]
