"""Normalisations. Statistics are computed in float32, whatever the tensors' declared type."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812

from converters.runtimes.mil.call import Call
from converters.runtimes.mil.registry import operator


def _scaled(call: Call, x: torch.Tensor, shape: list[int]) -> torch.Tensor:
    gamma, beta = call.optional("gamma"), call.optional("beta")
    if gamma is not None:
        x = x * gamma.reshape(shape)
    return x if beta is None else x + beta.reshape(shape)


def _normalised(x: torch.Tensor, axes: list[int], epsilon: float) -> torch.Tensor:
    centred = x - x.mean(axes, keepdim=True)
    return centred * torch.rsqrt(centred.square().mean(axes, keepdim=True) + epsilon)


@operator("batch_norm")
def batch_norm(call: Call) -> torch.Tensor:
    """(x - mean) / sqrt(variance + epsilon) gamma + beta, per channel."""
    x = call.tensor("x")
    shape = [-1, *[1] * (x.dim() - 2)]
    scale = torch.rsqrt(call.tensor("variance") + call.number("epsilon", 1e-5))
    return _scaled(call, (x - call.tensor("mean").reshape(shape)) * scale.reshape(shape), shape)


@operator("instance_norm")
def instance_norm(call: Call) -> torch.Tensor:
    """Every channel of every sample brought to mean 0 and variance 1, then scaled."""
    x = call.tensor("x")
    normalised = _normalised(x, list(range(2, x.dim())), call.number("epsilon", 1e-5))
    return _scaled(call, normalised, [-1, *[1] * (x.dim() - 2)])


@operator("layer_norm")
def layer_norm(call: Call) -> torch.Tensor:
    """Mean 0 and variance 1 over the given axes, then scaled elementwise."""
    x = call.tensor("x")
    axes = call.axes("axes", x.dim())
    shape = [size if axis in axes else 1 for axis, size in enumerate(x.shape)]
    return _scaled(call, _normalised(x, axes, call.number("epsilon", 1e-5)), shape)


@operator("l2_norm")
def l2_norm(call: Call) -> torch.Tensor:
    """x over the length of its last three axes."""
    x = call.tensor("x")
    return x * torch.rsqrt(x.square().sum([-3, -2, -1], keepdim=True) + call.number("epsilon", 1e-6))


@operator("local_response_norm")
def local_response_norm(call: Call) -> torch.Tensor:
    """x / (k + alpha / size sum of squares of neighbouring channels)^beta."""
    size = call.integer("size")
    alpha, beta, k = call.number("alpha", 1e-4), call.number("beta", 0.75), call.number("k", 1.0)
    return F.local_response_norm(call.tensor("x"), size, alpha, beta, k)
