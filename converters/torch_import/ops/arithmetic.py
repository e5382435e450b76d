"""Element-wise arithmetic of two or more tensors."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import torch

from converters.torch_import.operation import Operation
from converters.torch_import.registry import builds
from converters.torch_import.values import Constant, Value

# torch stores these but computes hardly anything with them; int64 holds the same numbers modulo 2**64.
_STORED_ONLY = (torch.uint16, torch.uint32, torch.uint64)


def computed(op: Operation, function: Callable[..., Any], *values: Value, **options: Any) -> Value:
    """Apply an arithmetic function; unsigned types that torch cannot compute with go through int64 and back."""
    dtype = op.dtype(values[0])
    if dtype not in _STORED_ONLY:
        return op.call(function, *values, **options)
    result = op.call(function, *(op.cast(value, torch.int64) for value in values), **options)
    return op.cast(result, dtype)


def widened(op: Operation, value: Value) -> Value:
    """Return a value that torch can compare and select from."""
    return op.cast(value, torch.int64) if op.dtype(value) in _STORED_ONLY else value


def _is_number(value: Any) -> bool:
    return not isinstance(value, (torch.fx.Node, Constant))


@builds("Add", "Mul", "Sub")
def add_multiply_subtract(op: Operation) -> Value:
    function = {"Add": operator.add, "Mul": operator.mul, "Sub": operator.sub}[op.kind]
    left, right = op.tensor(0), op.tensor(1)
    if op.dtype(left) in _STORED_ONLY:
        return computed(op, function, left, right)
    first, second = op.operand(left, right), op.operand(right, left)
    if _is_number(first) and op.kind != "Sub":
        first, second = second, first
    return op.call(function, first, second)


@builds("Div")
def divide(op: Operation) -> Value:
    left, right = op.tensor(0), op.tensor(1)
    if not op.dtype(left).is_floating_point:
        return computed(op, torch.div, left, right, rounding_mode="trunc")
    if op.operand(left, right) == 1.0:
        return op.call(torch.reciprocal, right)
    return op.call(operator.truediv, left, op.operand(right, left))


@builds("Pow")
def power(op: Operation) -> Value:
    base, exponent = op.tensor(0), op.tensor(1)
    dtype = op.dtype(base)
    if isinstance(exponent, Constant) and exponent.tensor.numel() == 1 and exponent.tensor.ndim <= op.rank(base):
        number = exponent.tensor.item()
        if dtype.is_floating_point and number == 2:
            return op.call(operator.mul, base, base)
        if dtype.is_floating_point and number == 0.5:
            return op.call(torch.sqrt, base)
        if dtype.is_floating_point or (number >= 0 and not exponent.tensor.is_floating_point()):
            return op.call(torch.pow, base, number)
    if not dtype.is_floating_point and op.dtype(exponent).is_floating_point:
        return op.cast(op.call(torch.pow, op.cast(base, torch.float64), exponent), dtype)
    return op.cast(op.call(torch.pow, widened(op, base), widened(op, exponent)), dtype)


@builds("Mod")
def modulo(op: Operation) -> Value:
    function = torch.fmod if op.attribute("fmod", 0) else torch.remainder
    return computed(op, function, op.tensor(0), op.tensor(1))


@builds("Sum")
def sum_of(op: Operation) -> Value:
    values = [op.tensor(index) for index in range(len(op.inputs))]
    return reduce(lambda left, right: op.call(operator.add, left, right), values)


@builds("Mean")
def mean_of(op: Operation) -> Value:
    return op.call(operator.truediv, sum_of(op), float(len(op.inputs)))


@builds("Min", "Max")
def extreme_of(op: Operation) -> Value:
    function = torch.minimum if op.kind == "Min" else torch.maximum
    values = [op.tensor(index) for index in range(len(op.inputs))]
    return reduce(lambda left, right: computed(op, function, left, right), values)


@builds("BitShift")
def bit_shift(op: Operation) -> Value:
    function = operator.lshift if op.attribute("direction") == "LEFT" else operator.rshift
    return computed(op, function, op.tensor(0), op.tensor(1))


@builds("BitwiseAnd", "BitwiseOr", "BitwiseXor")
def bitwise(op: Operation) -> Value:
    function = {"And": operator.and_, "Or": operator.or_, "Xor": operator.xor}[op.kind.removeprefix("Bitwise")]
    return computed(op, function, op.tensor(0), op.tensor(1))


@builds("BitwiseNot")
def bitwise_not(op: Operation) -> Value:
    return computed(op, operator.invert, op.tensor())
