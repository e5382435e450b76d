"""Matrix products and attention."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812

from converters.runtimes.mil.call import Call
from converters.runtimes.mil.registry import operator
from converters.runtimes.mil.value_types import broadcast_shape, element_count


@operator("linear")
def linear(call: Call) -> torch.Tensor:
    """x weight^T + bias."""
    return F.linear(call.tensor("x"), call.tensor("weight"), call.optional("bias"))


@operator("matmul")
def matmul(call: Call) -> torch.Tensor:
    """The matrix product, of transposes where asked for, broadcasting the leading axes."""
    x, y = call.tensor("x"), call.tensor("y")
    if call.flag("transpose_x") and x.dim() > 1:
        x = x.transpose(-1, -2)
    if call.flag("transpose_y") and y.dim() > 1:
        y = y.transpose(-1, -2)
    if x.dim() > 1 and y.dim() > 1:
        leading = broadcast_shape(x.shape[:-2], y.shape[:-2])
        element_count([*leading, x.shape[-2], y.shape[-1]])
    return torch.matmul(x, y)


@operator("einsum")
def einsum(call: Call) -> torch.Tensor:
    """The sum of products that the equation describes."""
    return torch.einsum(call.text("equation"), *call.tensors("values"))


@operator("scaled_dot_product_attention")
def scaled_dot_product_attention(call: Call) -> torch.Tensor:
    """softmax(query key^T / sqrt(width) + mask) value."""
    query, key, value = call.tensor("query"), call.tensor("key"), call.tensor("value")
    element_count([*query.shape[:-1], key.shape[-2]])
    scores = torch.matmul(query, key.transpose(-1, -2)) / math.sqrt(query.shape[-1])
    mask = call.optional("attn_mask")
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else scores + mask
    return torch.matmul(torch.softmax(scores, -1), value)
