"""Tensors made from nothing but constants and shapes."""

from __future__ import annotations

import operator
from typing import Any

import torch

from converters.torch_import.operation import Operation
from converters.torch_import.ops.arithmetic import widened
from converters.torch_import.registry import builds
from converters.torch_import.values import Constant, Fact, Value, tensor_from_proto, torch_dtype

_GENERATED_LIMIT = 1 << 22


def _check_constant(attributes: dict[str, Any], _opset: int) -> str:
    known = {"value", "value_float", "value_floats", "value_int", "value_ints"}
    return "" if known & set(attributes) else "holds a sparse or text constant"


@builds("Constant", check=_check_constant)
def constant(op: Operation) -> Value:
    if "value" in op.attributes:
        return Constant(tensor_from_proto(op.attributes["value"]))
    name, value = next((name, value) for name, value in op.attributes.items() if name.startswith("value_"))
    return Constant(torch.tensor(value, dtype=torch.float32 if "float" in name else torch.int64))


@builds("ConstantOfShape")
def constant_of_shape(op: Operation) -> Value:
    sizes = op.ints(0)
    assert sizes is not None
    given = op.attribute("value")
    filler = tensor_from_proto(given).reshape(-1)[0] if given is not None else torch.tensor(0.0)
    if torch.Size(sizes).numel() > _GENERATED_LIMIT:
        return op.emit(torch.full, tuple(sizes), filler.item(), dtype=filler.dtype)
    return Constant(torch.full(tuple(sizes), filler.item(), dtype=filler.dtype))


@builds("Range")
def number_range(op: Operation) -> Value:
    start, limit, delta = (op.constant(index) for index in range(3))
    assert start is not None
    assert limit is not None
    assert delta is not None
    dtype = start.dtype
    numbers = [float(item) if dtype.is_floating_point else int(item) for item in (start, limit, delta)]
    return Constant(torch.arange(*numbers, dtype=dtype))


@builds("EyeLike")
def eye_like(op: Operation) -> Value:
    value = op.tensor()
    rows, columns = op.shape(value)
    code = op.attribute("dtype")
    dtype = torch_dtype(int(code), op.name) if code else op.dtype(value)
    offset = int(op.attribute("k", 0))
    return Constant((torch.arange(columns)[None] - torch.arange(rows)[:, None] == offset).to(dtype))


@builds("Trilu")
def triangle(op: Operation) -> Value:
    offsets = op.ints(1)
    function = torch.triu if op.attribute("upper", 1) else torch.tril
    return op.call(function, op.tensor(), offsets[0] if offsets else 0)


@builds("OneHot")
def one_hot(op: Operation) -> Value:
    indices, values = op.tensor(0), op.tensor(2)
    depths = op.ints(1)
    assert depths is not None
    depth, axis = depths[0], op.attribute("axis", -1)
    rank = op.rank(indices) + 1
    axis = axis + rank if axis < 0 else axis
    counted = op.call(torch.remainder, op.cast(indices, torch.int64), depth)
    inside = _within(op, op.cast(indices, torch.int64), depth)
    classes = Constant(torch.arange(depth).reshape([-1 if place == axis else 1 for place in range(rank)]))
    shape = list(op.shape(indices))
    shape.insert(axis, 1)
    hit = op.call(operator.eq, op.call("reshape", counted, tuple(shape)), classes)
    hit = op.call(torch.logical_and, hit, op.call("reshape", inside, tuple(shape)))
    off, on = (op.call(torch.select, values, 0, index) for index in range(2))
    return op.call(torch.where, hit, on, off)


def _within(op: Operation, indices: Value, depth: int) -> Value:
    low = op.call(operator.ge, indices, -depth)
    return op.call(torch.logical_and, low, op.call(operator.lt, indices, depth))


@builds("NonZero")
def non_zero(op: Operation) -> Value:
    value = op.tensor()
    if isinstance(value, Constant):
        return Constant(torch.nonzero(value.tensor).T.contiguous())
    rank = op.rank(value)
    positions = op.emit(torch.nonzero, value, fact=Fact((None, rank), torch.int64))
    return op.emit(torch.transpose, positions, 0, 1, fact=Fact((rank, None), torch.int64))


@builds("TopK")
def top_k(op: Operation) -> list[Value]:
    value = op.tensor()
    counts = op.ints_of("k", 1)
    assert counts is not None
    axis, largest = op.attribute("axis", -1), bool(op.attribute("largest", 1))
    # torch.topk leaves the order of equal values open; ONNX wants the lower index first
    wide = widened(op, value)
    # (on the CPU its sort is stable even unasked; asking is a form that converters do not know)
    result = op.call(torch.sort, wide, dim=axis, descending=largest)
    best = [op.call("narrow", op.item(result, index), axis, 0, counts[0]) for index in range(2)]
    return [op.cast(best[0], op.dtype(value)), best[1]]
