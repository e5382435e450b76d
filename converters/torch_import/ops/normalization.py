"""Normalisations: batch, instance, group, layer, RMS, L-p, local response, mean-variance."""

from __future__ import annotations

import math
import operator

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own spelling
from torch import nn

from converters.torch_import.operation import Operation, normalized_axes
from converters.torch_import.registry import builds
from converters.torch_import.values import Constant, Value

_BATCH = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}
_INSTANCE = {3: nn.InstanceNorm1d, 4: nn.InstanceNorm2d, 5: nn.InstanceNorm3d}


def _per_channel(op: Operation, value: Value, rank: int) -> Value:
    return op.call("reshape", value, (1, -1, *([1] * (rank - 2)))) if rank > 2 else value


@builds("BatchNormalization")
def batch_normalization(op: Operation) -> Value:
    value = op.tensor(0)
    scale, bias, mean, variance = (op.tensor(index) for index in range(1, 5))
    epsilon = op.attribute("epsilon", 1e-5)
    if op.attribute("training_mode", 0):
        op.refuse("is in training mode")
    rank = op.rank(value)
    constants = all(isinstance(item, Constant) for item in (scale, bias, mean, variance))
    same = len({op.dtype(item) for item in (value, scale, bias, mean, variance)}) == 1
    if constants and same and rank in _BATCH:
        layer = _BATCH[rank](op.shape(scale)[0], eps=epsilon, device="meta", dtype=op.dtype(scale))
        layer.register_buffer("num_batches_tracked", None)
        weights: dict[str, Value | None] = {
            "weight": scale,
            "bias": bias,
            "running_mean": mean,
            "running_var": variance,
        }
        return op.module(layer, value, weights=weights, path=op.module_path(scale))
    root = op.call(torch.sqrt, op.call(operator.add, variance, epsilon))
    factor = op.call(operator.truediv, scale, root)
    centred = op.call(operator.sub, value, _per_channel(op, mean, rank))
    scaled = op.call(operator.mul, centred, _per_channel(op, factor, rank))
    return op.cast(op.call(operator.add, scaled, _per_channel(op, bias, rank)), op.dtype(value))


@builds("InstanceNormalization")
def instance_normalization(op: Operation) -> Value:
    value, scale, bias = op.tensor(0), op.tensor(1), op.tensor(2)
    epsilon = op.attribute("epsilon", 1e-5)
    rank = op.rank(value)
    several = math.prod(op.shape(value)[2:]) > 1  # torch's layer refuses a single value per channel
    if isinstance(scale, Constant) and isinstance(bias, Constant) and rank in _INSTANCE and several:
        layer = _INSTANCE[rank](op.shape(scale)[0], eps=epsilon, affine=True, device="meta", dtype=op.dtype(scale))
        return op.module(layer, value, weights={"weight": scale, "bias": bias}, path=op.module_path(scale))
    normal = _standardized(op, value, list(range(2, rank)), epsilon)
    scaled = op.call(operator.mul, normal, _per_channel(op, scale, rank))
    return op.call(operator.add, scaled, _per_channel(op, bias, rank))


def _standardized(op: Operation, value: Value, axes: list[int], epsilon: float) -> Value:
    """Return the value with zero mean and unit (biased) variance over `axes`."""
    centred = op.call(operator.sub, value, op.call(torch.mean, value, dim=axes, keepdim=True))
    variance = op.call(torch.mean, op.call(operator.mul, centred, centred), dim=axes, keepdim=True)
    deviation = op.call(torch.sqrt, op.call(operator.add, variance, epsilon))
    return op.call(operator.truediv, centred, deviation)


@builds("GroupNormalization")
def group_normalization(op: Operation) -> Value:
    value, scale, bias = op.tensor(0), op.tensor(1), op.tensor(2)
    groups, epsilon = int(op.attribute("num_groups")), op.attribute("epsilon", 1e-5)
    shape = op.shape(value)
    channels = shape[1]
    if isinstance(scale, Constant) and isinstance(bias, Constant) and op.shape(scale) == (channels,):
        layer = nn.GroupNorm(groups, channels, eps=epsilon, device="meta", dtype=op.dtype(scale))
        return op.module(layer, value, weights={"weight": scale, "bias": bias}, path=op.module_path(scale))
    if op.shape(scale) == (groups,) and groups != channels:  # one factor per group, before opset 21
        scale, bias = (op.call(torch.repeat_interleave, item, channels // groups) for item in (scale, bias))
    normal = op.call(F.group_norm, value, groups, eps=epsilon)
    scaled = op.call(operator.mul, normal, _per_channel(op, scale, len(shape)))
    return op.call(operator.add, scaled, _per_channel(op, bias, len(shape)))


@builds("LayerNormalization")
def layer_normalization(op: Operation) -> list[Value | None]:
    value, scale, bias = op.tensor(0), op.tensor(1), op.optional(2)
    shape, epsilon = op.shape(value), op.attribute("epsilon", 1e-5)
    axis = normalized_axes([op.attribute("axis", -1)], len(shape))[0]
    sizes, axes = shape[axis:], list(range(axis, len(shape)))
    wants_statistics = any(op.outputs[1:])
    constants = isinstance(scale, Constant) and (bias is None or isinstance(bias, Constant))
    if constants and op.shape(scale) == sizes and (bias is None or op.shape(bias) == sizes) and not wants_statistics:
        layer = nn.LayerNorm(sizes, eps=epsilon, bias=bias is not None, device="meta", dtype=op.dtype(scale))
        return [op.module(layer, value, weights={"weight": scale, "bias": bias}, path=op.module_path(scale))]
    result = op.call(operator.mul, op.call(F.layer_norm, value, sizes, eps=epsilon), scale)
    if bias is not None:
        result = op.call(operator.add, result, bias)
    if not wants_statistics:
        return [result]
    mean = op.call(torch.mean, value, dim=axes, keepdim=True)
    centred = op.call(operator.sub, value, mean)
    variance = op.call(torch.mean, op.call(operator.mul, centred, centred), dim=axes, keepdim=True)
    return [result, mean, op.call(torch.rsqrt, op.call(operator.add, variance, epsilon))]


@builds("RMSNormalization")
def rms_normalization(op: Operation) -> Value:
    value, scale = op.tensor(0), op.tensor(1)
    axis = normalized_axes([op.attribute("axis", -1)], op.rank(value))[0]
    axes = list(range(axis, op.rank(value)))
    squares = op.call(torch.mean, op.call(operator.mul, value, value), dim=axes, keepdim=True)
    root = op.call(torch.sqrt, op.call(operator.add, squares, op.attribute("epsilon", 1e-5)))
    return op.call(operator.mul, op.call(operator.truediv, value, root), scale)


@builds("LpNormalization")
def lp_normalization(op: Operation) -> Value:
    value, order, axis = op.tensor(), int(op.attribute("p", 2)), op.attribute("axis", -1)
    if order == 1:
        norm = op.call(torch.sum, op.call(torch.abs, value), dim=axis, keepdim=True)
    else:
        norm = op.call(torch.sqrt, op.call(torch.sum, op.call(operator.mul, value, value), dim=axis, keepdim=True))
    # 0 / 0 is 0 in ONNX
    safe = op.call(torch.where, op.call(operator.eq, norm, 0.0), op.call(torch.ones_like, norm), norm)
    return op.call(operator.truediv, value, safe)


@builds("LRN")
def local_response_normalization(op: Operation) -> Value:
    value, size = op.tensor(), int(op.attribute("size"))
    alpha, beta, bias = op.attribute("alpha", 1e-4), op.attribute("beta", 0.75), op.attribute("bias", 1.0)
    shape = op.shape(value)
    before, after = (size - 1) // 2, size - 1 - (size - 1) // 2
    squares = op.call(operator.mul, value, value)
    padded = op.call(F.pad, squares, [0, 0] * (len(shape) - 2) + [before, after])
    windows = [op.call("narrow", padded, 1, start, shape[1]) for start in range(size)]
    total = windows[0]
    for window in windows[1:]:
        total = op.call(operator.add, total, window)
    scale = op.call(operator.add, op.call(operator.mul, total, alpha / size), bias)
    return op.call(operator.truediv, value, op.call(torch.pow, scale, beta))


@builds("MeanVarianceNormalization")
def mean_variance_normalization(op: Operation) -> Value:
    axes = op.attribute("axes", [0, 2, 3])
    value = op.tensor()
    centred = op.call(operator.sub, value, op.call(torch.mean, value, dim=axes, keepdim=True))
    variance = op.call(torch.mean, op.call(operator.mul, centred, centred), dim=axes, keepdim=True)
    return op.call(operator.truediv, centred, op.call(operator.add, op.call(torch.sqrt, variance), 1e-9))
