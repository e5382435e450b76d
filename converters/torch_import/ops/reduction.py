"""Reductions over axes."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

import torch

from converters.torch_import.operation import Operation, normalized_axes
from converters.torch_import.ops.arithmetic import computed
from converters.torch_import.registry import builds
from converters.torch_import.values import Constant, Value

Reduction = Callable[[Operation, Value, list[int], bool], Value]


def _sum(op: Operation, value: Value, axes: list[int], keep: bool) -> Value:
    # torch sums small integers in int64
    return op.cast(computed(op, torch.sum, value, dim=axes, keepdim=keep), op.dtype(value))


def _mean(op: Operation, value: Value, axes: list[int], keep: bool) -> Value:
    dtype = op.dtype(value)
    if dtype.is_floating_point:
        return op.call(torch.mean, value, dim=axes, keepdim=keep)
    return op.cast(op.call(torch.mean, op.cast(value, torch.float64), dim=axes, keepdim=keep), dtype)


def _max(op: Operation, value: Value, axes: list[int], keep: bool) -> Value:
    return computed(op, torch.amax, value, dim=axes, keepdim=keep)


def _min(op: Operation, value: Value, axes: list[int], keep: bool) -> Value:
    return computed(op, torch.amin, value, dim=axes, keepdim=keep)


def _prod(op: Operation, value: Value, axes: list[int], keep: bool) -> Value:
    dtype = op.dtype(value)
    for axis in sorted(axes, reverse=True):
        value = computed(op, torch.prod, value, dim=axis, keepdim=keep)
    return op.cast(value, dtype)


def _sum_square(op: Operation, value: Value, axes: list[int], keep: bool) -> Value:
    return _sum(op, computed(op, operator.mul, value, value), axes, keep)


def _l1(op: Operation, value: Value, axes: list[int], keep: bool) -> Value:
    return _sum(op, computed(op, torch.abs, value), axes, keep)


def _l2(op: Operation, value: Value, axes: list[int], keep: bool) -> Value:
    dtype = op.dtype(value)
    if not dtype.is_floating_point:
        value = op.cast(value, torch.float64)
    return op.cast(op.call(torch.sqrt, _sum_square(op, value, axes, keep)), dtype)


def _log_sum(op: Operation, value: Value, axes: list[int], keep: bool) -> Value:
    return op.cast(op.call(torch.log, _sum(op, value, axes, keep)), op.dtype(value))


def _log_sum_exp(op: Operation, value: Value, axes: list[int], keep: bool) -> Value:
    return op.cast(op.call(torch.logsumexp, value, dim=axes, keepdim=keep), op.dtype(value))


_REDUCTIONS: dict[str, Reduction] = {
    "ReduceSum": _sum,
    "ReduceMean": _mean,
    "ReduceMax": _max,
    "ReduceMin": _min,
    "ReduceProd": _prod,
    "ReduceSumSquare": _sum_square,
    "ReduceL1": _l1,
    "ReduceL2": _l2,
    "ReduceLogSum": _log_sum,
    "ReduceLogSumExp": _log_sum_exp,
}


@builds(*_REDUCTIONS)
def reduction(op: Operation) -> Value:
    value = op.tensor()
    rank = op.rank(value)
    axes = op.ints_of("axes", 1)
    if not axes and op.attribute("noop_with_empty_axes", 0):
        return _REDUCTIONS[op.kind](op, op.call("reshape", value, (1, *op.shape(value))), [0], False)
    axes = normalized_axes(axes, rank) if axes else list(range(rank))
    if not axes:  # a scalar: nothing to go over, yet a norm is still a norm
        value, axes, keep = op.call("reshape", value, (1,)), [0], False
    else:
        keep = bool(op.attribute("keepdims", 1))
    if any(op.shape(value)[axis] == 0 for axis in axes) and op.kind in ("ReduceMax", "ReduceMin"):
        return _nothing(op, value, axes, keep)
    if op.dtype(value) is torch.bool:  # only minimum and maximum exist for it
        return op.cast(_REDUCTIONS[op.kind](op, op.cast(value, torch.uint8), axes, keep), torch.bool)
    return _REDUCTIONS[op.kind](op, value, axes, keep)


def _nothing(op: Operation, value: Value, axes: list[int], keep: bool) -> Value:
    """Return the extreme of no elements: the lowest number for a maximum, the highest for a minimum."""
    dtype = op.dtype(value)
    sizes = [1 if axis in axes else size for axis, size in enumerate(op.shape(value)) if keep or axis not in axes]
    is_max = op.kind == "ReduceMax"
    filler: float | int | bool
    if dtype is torch.bool:
        filler = not is_max
    elif dtype.is_floating_point:
        filler = -math.inf if is_max else math.inf
    else:
        filler = torch.iinfo(dtype).min if is_max else torch.iinfo(dtype).max
    return Constant(torch.full(sizes, filler, dtype=dtype))


@builds("ArgMax", "ArgMin")
def index_of_extreme(op: Operation) -> Value:
    value = op.tensor()
    axis = normalized_axes([op.attribute("axis", 0)], op.rank(value))[0]
    keep = bool(op.attribute("keepdims", 1))
    function = torch.argmax if op.kind == "ArgMax" else torch.argmin
    if not op.attribute("select_last_index", 0):
        return op.call(function, value, dim=axis, keepdim=keep)
    last = op.shape(value)[axis] - 1
    mirrored = op.call(function, op.call(torch.flip, value, [axis]), dim=axis, keepdim=keep)
    return op.call(operator.sub, last, mirrored)


@builds("CumSum")
def cumulative_sum(op: Operation) -> Value:
    return _cumulative(op, torch.cumsum, 0)


@builds("CumProd")
def cumulative_product(op: Operation) -> Value:
    return _cumulative(op, torch.cumprod, 1)


def _cumulative(op: Operation, function: Callable[..., torch.Tensor], neutral: int) -> Value:
    value, dtype = op.tensor(), op.dtype(op.tensor())
    axes = op.ints(1)
    assert axes is not None
    axis = normalized_axes(axes, op.rank(value))[0]
    size = op.shape(value)[axis]
    if op.attribute("reverse", 0):
        value = op.call(torch.flip, value, [axis])
    if op.attribute("exclusive", 0):
        first = op.call("narrow", value, axis, 0, 1)
        start = op.call(torch.full_like, first, neutral)
        value = op.call(torch.cat, [start, op.call("narrow", value, axis, 0, size - 1)], axis)
    result = op.cast(computed(op, function, value, dim=axis), dtype)
    return op.call(torch.flip, result, [axis]) if op.attribute("reverse", 0) else result
