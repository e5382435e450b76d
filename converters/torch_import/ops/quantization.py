"""QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear, with the numbers a device would see."""

from __future__ import annotations

import operator
from typing import Any

import torch
from onnx import TensorProto

from converters.torch_import.operation import Operation, normalized_axes
from converters.torch_import.registry import builds
from converters.torch_import.values import DTYPES, Value, torch_dtype


def _check_type(attributes: dict[str, Any], _opset: int) -> str:
    code = attributes.get("output_dtype", 0)
    return "" if not code or code in DTYPES else "uses an element type that the torch view cannot hold"


def _spread(op: Operation, parameter: Value, value: Value) -> Value:
    """Return scale or zero point in a shape that broadcasts with the value: per tensor, axis or block."""
    shape, rank = op.shape(value), op.rank(value)
    given = op.shape(parameter)
    if len(given) == 0 or given == (1,):
        return op.call("reshape", parameter, ())
    axis = normalized_axes([op.attribute("axis", 1)], rank)[0]
    block = int(op.attribute("block_size", 0))
    if block:
        repeated = op.call(torch.repeat_interleave, parameter, block, dim=axis)
        if op.shape(repeated)[axis] != shape[axis]:
            repeated = op.call("narrow", repeated, axis, 0, shape[axis])
        return repeated
    return op.call("reshape", parameter, tuple(-1 if place == axis else 1 for place in range(rank)))


@builds("DequantizeLinear", check=_check_type)
def dequantize(op: Operation) -> Value:
    value, scale, zero_point = op.tensor(0), op.tensor(1), op.optional(2)
    code = op.attribute("output_dtype", 0)
    dtype = torch_dtype(int(code), op.name) if code else op.dtype(scale)
    centred = op.cast(value, torch.float32)
    if zero_point is not None:
        # int32 minus a zero point may need more than float32's 24 bits
        exact = op.cast(value, torch.int64)
        zero = _spread(op, op.cast(zero_point, torch.int64), value)
        centred = op.cast(op.call(operator.sub, exact, zero), torch.float32)
    factor = op.cast(_spread(op, scale, value), torch.float32)
    return op.cast(op.call(operator.mul, centred, factor), dtype)


@builds("QuantizeLinear", check=_check_type)
def quantize(op: Operation) -> Value:
    value, scale, zero_point = op.tensor(0), op.tensor(1), op.optional(2)
    code = int(op.attribute("output_dtype", 0)) or TensorProto.UINT8
    dtype = op.dtype(zero_point) if zero_point is not None else torch_dtype(code, op.name)
    precision = op.attribute("precision", 0)
    work = torch_dtype(int(precision), op.name) if precision else torch.float32
    ratio = op.call(operator.truediv, op.cast(value, work), op.cast(_spread(op, scale, value), work))
    rounded = op.cast(op.call(torch.round, ratio), torch.float32)
    if zero_point is not None:
        rounded = op.call(operator.add, rounded, op.cast(_spread(op, zero_point, value), torch.float32))
    limits = torch.iinfo(dtype)
    return op.cast(op.call(torch.clamp, rounded, float(limits.min), float(limits.max)), dtype)


@builds("DynamicQuantizeLinear")
def dynamic_quantize(op: Operation) -> list[Value]:
    value = op.tensor()
    low = op.call(torch.clamp, op.call(torch.amin, value), max=0.0)
    high = op.call(torch.clamp, op.call(torch.amax, value), min=0.0)
    scale = op.call(operator.truediv, op.call(operator.sub, high, low), 255.0)
    zero = op.call(torch.round, op.call(operator.truediv, op.call(torch.neg, low), scale))
    zero = op.call(torch.clamp, zero, 0.0, 255.0)
    rounded = op.call(torch.round, op.call(operator.truediv, value, scale))
    shifted = op.call(torch.clamp, op.call(operator.add, rounded, zero), 0.0, 255.0)
    return [op.cast(shifted, torch.uint8), scale, op.cast(zero, torch.uint8)]
