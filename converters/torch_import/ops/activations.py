"""Activation functions and softmax."""

from __future__ import annotations

import math
import operator
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own spelling
from torch import nn

from converters.torch_import.operation import Operation, normalized_axes
from converters.torch_import.registry import builds
from converters.torch_import.values import Constant, Value

_PLAIN = {
    "Relu": torch.relu,
    "Sigmoid": torch.sigmoid,
    "Tanh": torch.tanh,
    "HardSwish": F.hardswish,
    "Mish": F.mish,
    "Softsign": F.softsign,
}


@builds(*_PLAIN)
def plain(op: Operation) -> Value:
    return op.call(_PLAIN[op.kind], op.tensor())


@builds("LeakyRelu")
def leaky_relu(op: Operation) -> Value:
    return op.call(F.leaky_relu, op.tensor(), op.attribute("alpha", 0.01))


@builds("Softplus")
def softplus(op: Operation) -> Value:
    # threshold: beyond it torch returns x itself; in float32 log(1 + exp(x)) equals x from 17 on
    return op.call(F.softplus, op.tensor(), 1.0, 40.0 if op.dtype(op.tensor()) is torch.float64 else 20.0)


@builds("Elu")
def elu(op: Operation) -> Value:
    return op.call(F.elu, op.tensor(), op.attribute("alpha", 1.0))


@builds("Celu")
def celu(op: Operation) -> Value:
    return op.call(F.celu, op.tensor(), op.attribute("alpha", 1.0))


@builds("Selu")
def selu(op: Operation) -> Value:
    alpha, gamma = op.attribute("alpha", 1.6732632423543772), op.attribute("gamma", 1.0507009873554805)
    return op.call(operator.mul, op.call(F.elu, op.tensor(), alpha), gamma)


@builds("HardSigmoid")
def hard_sigmoid(op: Operation) -> Value:
    alpha, beta = op.attribute("alpha", 0.2), op.attribute("beta", 0.5)
    if math.isclose(alpha, 1 / 6, rel_tol=1e-6) and beta == 0.5:
        return op.call(F.hardsigmoid, op.tensor())
    scaled = op.call(operator.add, op.call(operator.mul, op.tensor(), alpha), beta)
    return op.call(torch.clamp, scaled, 0.0, 1.0)


@builds("Gelu")
def gelu(op: Operation) -> Value:
    return op.call(F.gelu, op.tensor(), approximate=op.attribute("approximate", "none"))


@builds("Swish")
def swish(op: Operation) -> Value:
    alpha = op.attribute("alpha", 1.0)
    if alpha == 1.0:
        return op.call(F.silu, op.tensor())
    return op.call(operator.mul, op.tensor(), op.call(torch.sigmoid, op.call(operator.mul, op.tensor(), alpha)))


@builds("ThresholdedRelu")
def thresholded_relu(op: Operation) -> Value:
    return op.call(F.threshold, op.tensor(), op.attribute("alpha", 1.0), 0.0)


@builds("Shrink")
def shrink(op: Operation) -> Value:
    value, bias, limit = op.tensor(), op.attribute("bias", 0.0), op.attribute("lambd", 0.5)
    zero = op.call(torch.zeros_like, value)
    upper = op.call(torch.where, op.call(torch.gt, value, limit), op.call(torch.sub, value, bias), zero)
    shrunk = op.call(torch.where, op.call(torch.lt, value, -limit), op.call(torch.add, value, bias), upper)
    return op.cast(shrunk, op.dtype(value))


@builds("PRelu")
def prelu(op: Operation) -> Value:
    value, slope = op.tensor(0), op.tensor(1)
    shape = op.shape(value)
    if isinstance(slope, Constant) and op.dtype(value).is_floating_point and len(shape) >= 2:
        sizes = (1,) * (len(shape) - slope.tensor.ndim) + tuple(slope.tensor.shape)
        per_channel = all(size == 1 for axis, size in enumerate(sizes) if axis != 1) and sizes[1] == shape[1]
        if slope.tensor.numel() == 1 or per_channel:
            layer = nn.PReLU(slope.tensor.numel(), dtype=slope.tensor.dtype)
            return op.module(layer, value, weights={"weight": slope}, path=op.module_path(slope))
    zero: Any = 0
    scaled = op.call(operator.mul, value, slope)
    return op.call(torch.where, op.call(operator.lt, value, zero), scaled, value)


@builds("Softmax", "LogSoftmax")
def softmax(op: Operation) -> Value:
    function = F.softmax if op.kind == "Softmax" else F.log_softmax
    return _along(op, lambda value, axis: op.call(function, value, dim=axis))


@builds("Hardmax")
def hardmax(op: Operation) -> Value:
    def one_hot(value: Value, axis: int) -> Value:
        best = op.call(torch.argmax, value, dim=axis, keepdim=True)
        zero = op.call(torch.zeros_like, value)
        return op.call(torch.scatter, zero, axis, best, 1.0)

    return _along(op, one_hot)


def _along(op: Operation, function: Any) -> Value:
    """Apply a function along `axis`; before opset 13 all axes from `axis` on count as one."""
    value = op.tensor()
    shape = op.shape(value)
    axis = normalized_axes([op.attribute("axis", -1 if op.opset >= 13 else 1)], len(shape))[0]
    if op.opset >= 13 or axis == len(shape) - 1 or math.prod(shape[axis + 1 :]) == 1:
        return function(value, axis)  # type: ignore[no-any-return]
    flat = op.call("reshape", value, (math.prod(shape[:axis]), math.prod(shape[axis:])))
    return op.call("reshape", function(flat, 1), shape)
