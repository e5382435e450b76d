"""Element-wise functions of one tensor, comparison, logic, casts."""

from __future__ import annotations

import operator
from typing import Any

import torch

from converters.torch_import.operation import Operation
from converters.torch_import.ops.arithmetic import computed, widened
from converters.torch_import.registry import builds
from converters.torch_import.values import DTYPES, Value, torch_dtype

_FUNCTIONS = {
    "Abs": torch.abs,
    "Acos": torch.acos,
    "Acosh": torch.acosh,
    "Asin": torch.asin,
    "Asinh": torch.asinh,
    "Atan": torch.atan,
    "Atanh": torch.atanh,
    "Ceil": torch.ceil,
    "Cos": torch.cos,
    "Cosh": torch.cosh,
    "Det": torch.linalg.det,
    "Erf": torch.erf,
    "Exp": torch.exp,
    "Floor": torch.floor,
    "IsNaN": torch.isnan,
    "Log": torch.log,
    "Neg": torch.neg,
    "Not": torch.logical_not,
    "Reciprocal": torch.reciprocal,
    "Round": torch.round,
    "Sign": torch.sign,
    "Sin": torch.sin,
    "Sinh": torch.sinh,
    "Sqrt": torch.sqrt,
    "Tan": torch.tan,
}


@builds(*_FUNCTIONS)
def function_of_one(op: Operation) -> Value:
    return computed(op, _FUNCTIONS[op.kind], op.tensor())


@builds("IsInf")
def is_infinite(op: Operation) -> Value:
    negative, positive = op.attribute("detect_negative", 1), op.attribute("detect_positive", 1)
    if negative and positive:
        return op.call(torch.isinf, op.tensor())
    if not negative and not positive:
        return op.call(torch.zeros_like, op.tensor(), dtype=torch.bool)
    return op.call(torch.eq, op.tensor(), float("inf") if positive else float("-inf"))


_COMPARISONS = {
    "Equal": operator.eq,
    "Greater": operator.gt,
    "GreaterOrEqual": operator.ge,
    "Less": operator.lt,
    "LessOrEqual": operator.le,
}


@builds(*_COMPARISONS)
def compare(op: Operation) -> Value:
    left, right = op.tensor(0), op.tensor(1)
    return op.call(_COMPARISONS[op.kind], widened(op, left), op.operand(widened(op, right), left))


@builds("And", "Or", "Xor")
def logic(op: Operation) -> Value:
    function = {"And": torch.logical_and, "Or": torch.logical_or, "Xor": torch.logical_xor}[op.kind]
    return op.call(function, op.tensor(0), op.tensor(1))


@builds("Where")
def where(op: Operation) -> Value:
    return computed_where(op, op.tensor(0), op.tensor(1), op.tensor(2))


def computed_where(op: Operation, condition: Value, yes: Value, no: Value) -> Value:
    """Select element-wise, in types that torch only stores as well."""
    dtype = op.dtype(yes)
    return op.cast(op.call(torch.where, condition, widened(op, yes), widened(op, no)), dtype)


def _check_cast(attributes: dict[str, Any], _opset: int) -> str:
    code = attributes.get("to", 1)
    return "" if code in DTYPES else "casts to an element type that the torch view cannot hold"


@builds("Cast", check=_check_cast)
def cast(op: Operation) -> Value:
    return _converted(op, op.tensor(), torch_dtype(int(op.attribute("to")), op.name))


@builds("CastLike")
def cast_like(op: Operation) -> Value:
    return _converted(op, op.tensor(), op.dtype(op.tensor(1)))


def _converted(op: Operation, value: Value, dtype: torch.dtype) -> Value:
    source = op.dtype(value)
    if source.is_floating_point and not dtype.is_floating_point and dtype not in (torch.int64, torch.bool):
        # C leaves the value of an out-of-range conversion open; going through int64 wraps, as ONNX Runtime does
        value = op.cast(value, torch.int64)
    return op.cast(value, dtype)


@builds("Clip")
def clip(op: Operation) -> Value:
    value = op.tensor()
    dtype = op.dtype(value)
    if op.opset < 11:
        low, high = op.attribute("min"), op.attribute("max")
        return op.call(torch.clamp, value, low, high) if (low, high) != (None, None) else value
    limits = [op.optional(1), op.optional(2)]
    numbers = [op.operand(limit, value) if limit is not None else None for limit in limits]
    if any(isinstance(number, (int, float)) for number in numbers) and not any(
        isinstance(number, (torch.fx.Node,)) or hasattr(number, "tensor") for number in numbers
    ):
        return op.call(torch.clamp, value, *numbers)
    result = widened(op, value)
    for limit, function in zip(limits, (torch.maximum, torch.minimum), strict=True):
        if limit is not None:
            result = op.call(function, result, widened(op, limit))
    return op.cast(result, dtype)


@builds("Identity", "Dropout")
def identity(op: Operation) -> list[Value | None]:
    if op.kind == "Dropout" and op.has(2):
        training = op.constant(2)
        if training is not None and bool(training.reshape(-1)[0]):
            op.refuse("is in training mode")
    results: list[Value | None] = [op.tensor()]
    if len(op.outputs) > 1 and op.outputs[1]:
        results.append(op.call(torch.ones_like, op.tensor(), dtype=torch.bool))
    return results
