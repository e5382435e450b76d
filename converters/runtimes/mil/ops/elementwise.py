"""Operators that work on every element by itself."""

from __future__ import annotations

from collections.abc import Callable

import torch

from converters.runtimes.mil.call import Call
from converters.runtimes.mil.registry import operator
from converters.runtimes.mil.value_types import broadcast_shape

_UNARY: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "abs": torch.abs,
    "acos": torch.acos,
    "asin": torch.asin,
    "atan": torch.atan,
    "atanh": torch.atanh,
    "ceil": torch.ceil,
    "cos": torch.cos,
    "cosh": torch.cosh,
    "erf": torch.erf,
    "exp": torch.exp,
    "exp2": torch.exp2,
    "floor": torch.floor,
    "logical_not": torch.logical_not,
    "round": torch.round,  # halves go to the even neighbour, as MIL's do
    "sign": torch.sign,
    "sin": torch.sin,
    "sinh": torch.sinh,
    "sqrt": torch.sqrt,
    "square": torch.square,
    "tan": torch.tan,
    "tanh": torch.tanh,
}


def _integer_pow(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    if x.is_floating_point() or y.is_floating_point():
        return torch.pow(x, y)
    return torch.pow(x.double(), y.double())


def _floor_div(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    if x.is_floating_point() or y.is_floating_point():
        return torch.floor_divide(x, y)
    # The smallest int32 over -1 traps on the processor; in 64 bits there is no such pair from a file.
    return torch.floor_divide(x.long(), y.long())


def _mod(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    if x.is_floating_point() or y.is_floating_point():
        return torch.remainder(x, y)
    return torch.remainder(x.long(), y.long())


_BINARY: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "real_div": torch.true_divide,
    "floor_div": _floor_div,
    "mod": _mod,
    "pow": _integer_pow,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "equal": torch.eq,
    "not_equal": torch.ne,
    "greater": torch.gt,
    "greater_equal": torch.ge,
    "less": torch.lt,
    "less_equal": torch.le,
    "logical_and": torch.logical_and,
    "logical_or": torch.logical_or,
    "logical_xor": torch.logical_xor,
}


@operator(*_UNARY)
def unary(call: Call) -> torch.Tensor:
    """The function that the operator is named after."""
    return _UNARY[call.operation.kind](call.tensor("x"))


@operator(*_BINARY)
def binary(call: Call) -> torch.Tensor:
    """The function that the operator is named after, broadcasting as numpy does."""
    x, y = call.tensor("x"), call.tensor("y")
    broadcast_shape(x.shape, y.shape)
    return _BINARY[call.operation.kind](x, y)


@operator("select")
def select(call: Call) -> torch.Tensor:
    """a where cond holds, b elsewhere."""
    condition, a, b = call.tensor("cond"), call.tensor("a"), call.tensor("b")
    broadcast_shape(condition.shape, a.shape, b.shape)
    return torch.where(condition != 0, a, b)


@operator("clip")
def clip(call: Call) -> torch.Tensor:
    """x limited to alpha..beta."""
    return call.tensor("x").clamp(call.number("alpha"), call.number("beta"))


@operator("threshold")
def threshold(call: Call) -> torch.Tensor:
    """max(x, alpha)."""
    return call.tensor("x").clamp(min=call.number("alpha"))


@operator("inverse")
def inverse(call: Call) -> torch.Tensor:
    """1 / (x + epsilon)."""
    return torch.reciprocal(call.tensor("x") + call.number("epsilon", 1e-4))


@operator("log")
def log(call: Call) -> torch.Tensor:
    """log(x + epsilon)."""
    return torch.log(call.tensor("x") + call.number("epsilon", 1e-45))


@operator("rsqrt")
def rsqrt(call: Call) -> torch.Tensor:
    """1 / sqrt(x + epsilon)."""
    return torch.rsqrt(call.tensor("x") + call.number("epsilon", 1e-12))


@operator("cast", "identity")
def cast(call: Call) -> torch.Tensor:
    """x itself: every result is brought to its declared type anyway."""
    return call.tensor("x")
