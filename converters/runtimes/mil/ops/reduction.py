"""Sums, means, extremes and norms along axes."""

from __future__ import annotations

from collections.abc import Callable

import torch

from converters.runtimes.mil.call import Call
from converters.runtimes.mil.registry import operator

_Reduction = Callable[[torch.Tensor, list[int]], torch.Tensor]


def _product(x: torch.Tensor, axes: list[int]) -> torch.Tensor:
    for axis in axes:
        x = torch.prod(x, axis, keepdim=True)
    return x


def _mean(x: torch.Tensor, axes: list[int]) -> torch.Tensor:
    return torch.mean(x if x.is_floating_point() else x.double(), axes, keepdim=True)


_REDUCTIONS: dict[str, _Reduction] = {
    "reduce_sum": lambda x, axes: torch.sum(x, axes, keepdim=True),
    "reduce_mean": _mean,
    "reduce_max": lambda x, axes: torch.amax(x, axes, keepdim=True),
    "reduce_min": lambda x, axes: torch.amin(x, axes, keepdim=True),
    "reduce_prod": _product,
    "reduce_l1_norm": lambda x, axes: torch.sum(x.abs(), axes, keepdim=True),
    "reduce_l2_norm": lambda x, axes: torch.sqrt(torch.sum(torch.square(x), axes, keepdim=True)),
    "reduce_sum_square": lambda x, axes: torch.sum(torch.square(x), axes, keepdim=True),
    "reduce_log_sum": lambda x, axes: torch.log(torch.sum(x, axes, keepdim=True)),
    "reduce_log_sum_exp": lambda x, axes: torch.logsumexp(x, axes, keepdim=True),
}


@operator(*_REDUCTIONS)
def reduce(call: Call) -> torch.Tensor:
    """The reduction that the operator is named after, over the given axes or all."""
    x = call.tensor("x")
    axes = call.axes("axes", x.dim())
    if not axes:
        return _REDUCTIONS[call.operation.kind](x.unsqueeze(0), [0]).squeeze(0)
    reduced = _REDUCTIONS[call.operation.kind](x, axes)
    if call.flag("keep_dims"):
        return reduced
    return reduced.reshape([size for axis, size in enumerate(x.shape) if axis not in axes])


@operator("reduce_argmax", "reduce_argmin")
def arg_extreme(call: Call) -> torch.Tensor:
    """The index of the first largest or smallest element along the axis."""
    x = call.tensor("x")
    function = torch.argmax if call.operation.kind == "reduce_argmax" else torch.argmin
    return function(x, call.axis("axis", x.dim(), -1), keepdim=call.flag("keep_dims"))
