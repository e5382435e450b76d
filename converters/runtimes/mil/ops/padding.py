"""Padding with a constant, by reflection and by repeating the edge."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812

from converters.errors import BadInputError
from converters.runtimes.mil.call import Call
from converters.runtimes.mil.registry import operator
from converters.runtimes.mil.value_types import element_count


@operator("pad")
def pad(call: Call) -> torch.Tensor:
    """x with its last axes padded."""
    x = call.tensor("x")
    amounts = call.integers("pad")
    pairs = list(zip(amounts[0::2], amounts[1::2], strict=True))
    if len(pairs) > x.dim() or any(amount < 0 for amount in amounts):
        raise BadInputError(f"The operator {call.operation.label} has the impossible paddings {amounts}.")
    mode = call.choice("mode", call.text("mode", "constant"), ("constant", "reflect", "replicate"))
    first = x.dim() - len(pairs)
    element_count([*x.shape[:first], *(size + sum(pair) for size, pair in zip(x.shape[first:], pairs, strict=True))])
    if mode == "constant":
        flat = [amount for pair in reversed(pairs) for amount in pair]
        value = call.number("constant_val", 0.0)
        return F.pad(x, flat, value=value if x.is_floating_point() else int(value))
    for axis, (before, after) in enumerate(pairs, start=first):
        if before or after:
            x = x.index_select(axis, _sources(x.shape[axis], before, after, mode))
    return x


def _sources(size: int, before: int, after: int, mode: str) -> torch.Tensor:
    """Return for each element of the padded axis the one it is copied from."""
    positions = torch.arange(-before, size + after)
    if mode == "replicate":
        return positions.clamp(0, size - 1)
    if max(before, after) >= size:
        raise BadInputError(f"{max(before, after)} elements cannot be reflected out of {size}.")
    positions = positions.abs()
    return torch.where(positions >= size, 2 * (size - 1) - positions, positions)
