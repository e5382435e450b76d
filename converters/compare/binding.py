"""Which tensor of one model is which of another: by name, or by shape where a program renamed them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from converters.errors import UsageError
from converters.model.signature import TensorInfo
from converters.runtimes.base import Array, TensorSpec

_CHANNELS_LAST = (0, 2, 3, 1)


@dataclass(frozen=True)
class Bound:
    """A candidate's tensor for one of the original's.

    Attributes:
        name: in the candidate.
        is_turned: the candidate has NHWC where the original has NCHW.
    """

    name: str
    is_turned: bool = False

    def to_candidate(self, array: Array) -> Array:
        """Return the original's array as the candidate takes it."""
        return np.ascontiguousarray(array.transpose(_CHANNELS_LAST)) if self.is_turned else array

    def from_candidate(self, array: Array) -> Array:
        """Return the candidate's array in the original's layout."""
        return np.ascontiguousarray(array.transpose(0, 3, 1, 2)) if self.is_turned else array


def bind(wanted: Sequence[TensorInfo], have: Sequence[TensorSpec], name: str, what: str) -> dict[str, Bound]:
    """Return for each of the original's tensors the candidate's.

    Args:
        wanted: inputs or outputs of the original, static.
        have: inputs or outputs of the candidate; -1 fits any size.
        name: of the candidate, for the sentence.
        what: "inputs" or "outputs".

    Raises:
        UsageError: they do not correspond one to one.
    """
    bound: dict[str, Bound] = {}
    free = {spec.name: spec for spec in have}
    # equal names first, so that two tensors of one shape are not exchanged
    for tensor in sorted(wanted, key=lambda each: each.name not in free):
        for spec in [free[tensor.name]] if tensor.name in free else list(free.values()):
            turned = _fit(tensor, spec)
            if turned is not None:
                bound[tensor.name] = Bound(spec.name, turned)
                del free[spec.name]
                break
    if len(bound) < len(wanted) or (what == "inputs" and free):
        theirs = ", ".join(f"{spec.name} {_sizes(spec.shape)}" for spec in have)
        ours = ", ".join(f"{tensor.name} {_sizes(tensor.shape)}" for tensor in wanted)
        raise UsageError(
            f"{name} has other {what} than the original: {theirs} instead of {ours}.",
            "Only models that do the same work at the same size can be compared.",
            "Give sizes to inputs that leave them open, or choose another file.",
        )
    return bound


def _fit(tensor: TensorInfo, spec: TensorSpec) -> bool | None:
    """Return whether a tensor must be turned to fit; None when it does not fit either way."""
    if _same(tensor.shape, spec.shape):
        return False
    is_map = len(tensor.shape) == 4 and (tensor.layout in ("NCHW", "") or tensor.shape[1] == 3)
    if is_map and _same(tuple(tensor.shape[axis] for axis in _CHANNELS_LAST), spec.shape):
        return True
    return None


def _same(ours: Sequence[int | str], theirs: Sequence[int]) -> bool:
    return len(ours) == len(theirs) and all(
        isinstance(one, str) or other in (-1, one) for one, other in zip(ours, theirs, strict=True)
    )


def _sizes(shape: Sequence[int | str]) -> str:
    return " x ".join("?" if size == -1 else str(size) for size in shape) or "scalar"
