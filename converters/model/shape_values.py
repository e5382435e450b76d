"""Compute the small tensors that a graph derives from shapes (Shape, Gather, Concat, …) once shapes are static."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import onnx

Value = npt.NDArray[Any]
Known = dict[str, Value]

# A shape, some axes, a handful of scales: anything larger is data.
LARGEST_VALUE = 64


def shape_value(node: onnx.NodeProto, known: Known, shapes: dict[str, tuple[int, ...]]) -> Value | None:
    """Return what a node yields when it only computes with known small tensors or static shapes, otherwise None.

    Args:
        node: of the standard operators.
        known: values of small tensors, by name.
        shapes: complete shapes, by name.
    """
    from converters.model.graph_reading import attribute

    if node.domain not in ("", "ai.onnx") or len([name for name in node.output if name]) != 1:
        return None
    if node.op_type in ("Shape", "Size"):
        shape = shapes.get(node.input[0])
        if shape is None:
            return None
        if node.op_type == "Size":
            return np.array(int(np.prod(shape)), np.int64)
        return np.array(shape[attribute(node, "start", 0) : attribute(node, "end", len(shape))], np.int64)
    compute = _COMPUTE.get(node.op_type)
    if compute is None or not all(name in known for name in node.input if name):
        return None
    inputs = [known[name] if name else None for name in node.input]
    if any(value is not None and value.size > LARGEST_VALUE for value in inputs):
        return None
    try:
        value = compute(node, inputs)
    except (IndexError, ValueError, TypeError, KeyError, ZeroDivisionError):
        return None  # an ill-formed node: leave the verdict to ONNX's own checks
    return np.asarray(value) if value is not None and value.size <= LARGEST_VALUE else None


def _axes(node: onnx.NodeProto, inputs: Sequence[Value | None]) -> list[int]:
    from converters.model.graph_reading import attribute

    axes = attribute(node, "axes")
    if axes is None and len(inputs) > 1 and inputs[1] is not None:
        axes = inputs[1].reshape(-1)
    return [] if axes is None else [int(axis) for axis in axes]


def _first(inputs: Sequence[Value | None]) -> Value:
    if inputs[0] is None:
        raise ValueError("an input is missing")
    return inputs[0]


def _gather(node: onnx.NodeProto, inputs: Sequence[Value | None]) -> Value | None:
    from converters.model.graph_reading import attribute

    indices = inputs[1]
    return None if indices is None else np.take(_first(inputs), indices, axis=attribute(node, "axis", 0))


def _unsqueeze(node: onnx.NodeProto, inputs: Sequence[Value | None]) -> Value:
    value, axes = _first(inputs), _axes(node, inputs)
    rank = value.ndim + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        value = np.expand_dims(value, axis)
    return value


def _squeeze(node: onnx.NodeProto, inputs: Sequence[Value | None]) -> Value:
    axes = _axes(node, inputs)
    return np.squeeze(_first(inputs), axis=tuple(axes) if axes else None)


def _concat(node: onnx.NodeProto, inputs: Sequence[Value | None]) -> Value:
    from converters.model.graph_reading import attribute

    return np.concatenate([value for value in inputs if value is not None], axis=attribute(node, "axis", 0))


def _slice(node: onnx.NodeProto, inputs: Sequence[Value | None]) -> Value:
    from converters.model.graph_reading import attribute

    value = _first(inputs)
    if len(inputs) > 1:
        parts = [None if item is None else [int(x) for x in item.reshape(-1)] for item in inputs[1:]]
        starts, ends = parts[0] or [], parts[1] or []
        axes = parts[2] if len(parts) > 2 else None
        steps = parts[3] if len(parts) > 3 else None
    else:
        starts, ends = list(attribute(node, "starts")), list(attribute(node, "ends"))
        axes, steps = attribute(node, "axes"), None
    index = [slice(None)] * value.ndim
    for place, (start, end) in enumerate(zip(starts, ends, strict=True)):
        axis = axes[place] if axes else place
        step = steps[place] if steps else 1
        lowest = -value.shape[axis] - 1
        index[axis] = slice(start, None if step < 0 and end <= lowest else end, step)
    return value[tuple(index)]


def _cast(node: onnx.NodeProto, inputs: Sequence[Value | None]) -> Value:
    import onnx

    from converters.model.graph_reading import attribute

    return _first(inputs).astype(onnx.helper.tensor_dtype_to_np_dtype(attribute(node, "to")))


def _reshape(node: onnx.NodeProto, inputs: Sequence[Value | None]) -> Value | None:
    del node
    return None if inputs[1] is None else _first(inputs).reshape([int(size) for size in inputs[1]])


def _constant_of_shape(node: onnx.NodeProto, inputs: Sequence[Value | None]) -> Value | None:
    import onnx

    from converters.model.graph_reading import attribute

    fill = attribute(node, "value")
    filled = np.zeros(1, np.float32) if fill is None else onnx.numpy_helper.to_array(fill)
    sizes = [int(size) for size in _first(inputs)]
    return None if int(np.prod(sizes)) > LARGEST_VALUE else np.full(sizes, filled.reshape(-1)[0])


def _range(node: onnx.NodeProto, inputs: Sequence[Value | None]) -> Value:
    del node
    start, limit, delta = (value.item() for value in inputs if value is not None)
    if abs((limit - start) / delta) > LARGEST_VALUE:
        raise ValueError("too long")
    return np.arange(start, limit, delta, dtype=_first(inputs).dtype)


def _pair(operation: Callable[[Value, Value], Any]) -> Callable[[onnx.NodeProto, Sequence[Value | None]], Value | None]:
    def compute(node: onnx.NodeProto, inputs: Sequence[Value | None]) -> Value | None:
        del node
        right = inputs[1]
        return None if right is None else np.asarray(operation(_first(inputs), right))

    return compute


def _single(operation: Callable[[Value], Any]) -> Callable[[onnx.NodeProto, Sequence[Value | None]], Value]:
    def compute(node: onnx.NodeProto, inputs: Sequence[Value | None]) -> Value:
        del node
        return np.asarray(operation(_first(inputs)))

    return compute


def _divide(left: Value, right: Value) -> Value:
    if not np.issubdtype(left.dtype, np.integer):
        return np.asarray(left / right)
    if not np.all(right):
        raise ValueError("division by zero")
    return np.asarray(np.trunc(left / right)).astype(left.dtype)  # ONNX rounds towards zero


_COMPUTE: dict[str, Callable[[onnx.NodeProto, Sequence[Value | None]], Value | None]] = {
    "Gather": _gather,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Concat": _concat,
    "Slice": _slice,
    "Cast": _cast,
    "Reshape": _reshape,
    "ConstantOfShape": _constant_of_shape,
    "Range": _range,
    "Add": _pair(np.add),
    "Sub": _pair(np.subtract),
    "Mul": _pair(np.multiply),
    "Div": _pair(_divide),
    "Equal": _pair(np.equal),
    "Identity": _single(np.asarray),
    "Floor": _single(np.floor),
    "Ceil": _single(np.ceil),
    "Neg": _single(np.negative),
}
