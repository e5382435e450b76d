"""Activation functions."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812

from converters.runtimes.mil.call import Call
from converters.runtimes.mil.registry import operator


def _per_channel(values: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Return one value per channel (or one for all) shaped to broadcast over `x`'s axis 1."""
    if values.numel() == 1:
        return values.reshape(())
    return values.reshape(-1, *[1] * (x.dim() - 2))


@operator("relu")
def relu(call: Call) -> torch.Tensor:
    """max(x, 0)."""
    return torch.relu(call.tensor("x"))


@operator("relu6")
def relu6(call: Call) -> torch.Tensor:
    """min(max(x, 0), 6)."""
    return call.tensor("x").clamp(0, 6)


@operator("leaky_relu")
def leaky_relu(call: Call) -> torch.Tensor:
    """x where it is not negative, alpha x elsewhere."""
    return F.leaky_relu(call.tensor("x"), call.number("alpha", 0.01))


@operator("clamped_relu")
def clamped_relu(call: Call) -> torch.Tensor:
    """min(leaky_relu(x), beta)."""
    return F.leaky_relu(call.tensor("x"), call.number("alpha")).clamp(max=call.number("beta"))


@operator("thresholded_relu")
def thresholded_relu(call: Call) -> torch.Tensor:
    """x where it reaches alpha, 0 elsewhere."""
    x = call.tensor("x")
    return torch.where(x >= call.number("alpha", 1.0), x, torch.zeros_like(x))


@operator("prelu")
def prelu(call: Call) -> torch.Tensor:
    """x where it is positive, alpha of its channel times x elsewhere."""
    x = call.tensor("x")
    return torch.where(x > 0, x, x * _per_channel(call.tensor("alpha"), x))


@operator("elu")
def elu(call: Call) -> torch.Tensor:
    """x where it is positive, alpha (e^x - 1) elsewhere."""
    x = call.tensor("x")
    return torch.where(x > 0, x, call.number("alpha", 1.0) * torch.expm1(x))


@operator("gelu")
def gelu(call: Call) -> torch.Tensor:
    """Gaussian error linear unit, exact or one of two approximations."""
    x = call.tensor("x")
    known = ("EXACT", "TANH_APPROXIMATION", "SIGMOID_APPROXIMATION")
    mode = call.choice("mode", call.text("mode", "EXACT"), known)
    if mode == "SIGMOID_APPROXIMATION":
        return x * torch.sigmoid(1.702 * x)
    return F.gelu(x, approximate="tanh" if mode == "TANH_APPROXIMATION" else "none")


@operator("linear_activation")
def linear_activation(call: Call) -> torch.Tensor:
    """alpha x + beta."""
    return call.number("alpha") * call.tensor("x") + call.number("beta", 0.0)


@operator("scaled_tanh")
def scaled_tanh(call: Call) -> torch.Tensor:
    """alpha tanh(beta x)."""
    return call.number("alpha", 1.0) * torch.tanh(call.number("beta", 1.0) * call.tensor("x"))


@operator("sigmoid")
def sigmoid(call: Call) -> torch.Tensor:
    """1 / (1 + e^-x)."""
    return torch.sigmoid(call.tensor("x"))


@operator("sigmoid_hard")
def sigmoid_hard(call: Call) -> torch.Tensor:
    """min(max(alpha x + beta, 0), 1)."""
    return (call.number("alpha", 0.2) * call.tensor("x") + call.number("beta", 0.5)).clamp(0, 1)


@operator("silu")
def silu(call: Call) -> torch.Tensor:
    """x sigmoid(x)."""
    return F.silu(call.tensor("x"))


@operator("softplus")
def softplus(call: Call) -> torch.Tensor:
    """log(1 + e^x), without overflow."""
    x = call.tensor("x")
    return torch.log1p(torch.exp(-x.abs())) + x.clamp(min=0)


@operator("softplus_parametric")
def softplus_parametric(call: Call) -> torch.Tensor:
    """alpha log(1 + e^(beta x)), with alpha and beta of the channel."""
    x = call.tensor("x")
    scaled = x * _per_channel(call.tensor("beta"), x)
    return _per_channel(call.tensor("alpha"), x) * (torch.log1p(torch.exp(-scaled.abs())) + scaled.clamp(min=0))


@operator("softsign")
def softsign(call: Call) -> torch.Tensor:
    """x / (1 + |x|)."""
    return F.softsign(call.tensor("x"))


@operator("softmax")
def softmax(call: Call) -> torch.Tensor:
    """e^x over its sum along the axis."""
    x = call.tensor("x")
    return torch.softmax(x, call.axis("axis", x.dim(), -1))
