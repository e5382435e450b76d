"""The optimisation inside AdaRound: which of two codes each weight of one layer gets.

Nagel et al., "Up or Down? Adaptive Rounding for Post-Training Quantization", ICML 2020. Every weight lies between two
codes. A variable V says how far up it goes: h(V) = clip(sigmoid(V) (zeta - gamma) + gamma, 0, 1) (equation 23). What is
minimised is the error of what the layer computes, plus a regulariser 1 - |2h - 1|^beta that drives every h to 0 or 1
while beta falls (equations 24 and 25).

The error of every output channel is divided by what rounding to the nearest code makes of it: channels do not depend on
one another, and so the weight of the regulariser means the same for all layers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from converters.compress.quantize.encodings import Floats

if TYPE_CHECKING:
    import torch

_ZETA, _GAMMA = 1.1, -0.1
_STEPS_BETWEEN_REPORTS = 25
# A weight that is the outermost code already stays there: it decides the scale when that is computed anew.
_OUTERMOST = 1e-3
_LEAST = 1e-12


@dataclass(frozen=True)
class RoundingSettings:
    """How long and how hard to look.

    Attributes:
        steps: of Adam for each layer.
        rows: positions at which a layer is looked at, all samples together.
        batch: rows of a step.
        rate: of Adam.
        regulariser: its weight against the error of rounding to the nearest, which is 1.
        warm: part of the steps before it sets in.
        beta: its exponent at the beginning and at the end.
        seed: of rows and batches.
    """

    steps: int = 500
    rows: int = 4096
    batch: int = 256
    rate: float = 0.3
    regulariser: float = 6.0
    warm: float = 0.2
    beta: tuple[float, float] = (20.0, 2.0)
    seed: int = 0


@dataclass(frozen=True)
class RoundingProblem:
    """One layer: groups x rows x inputs, and what the results should be.

    Attributes:
        weights: float, groups x outputs x inputs.
        scales: of every weight.
        highest: code; the lowest is its negative.
        inputs: groups x rows x inputs, as the quantized model has them.
        wanted: groups x rows x outputs, as the float model has them, with `bias` still in them.
        bias: groups x 1 x outputs.
        judged: the last rows, at least one, are not looked at: what was found is judged by them.
        slope: of the activation function that follows for negative values: 1 for none, 0 for Relu.
    """

    weights: Floats
    scales: Floats
    highest: int
    inputs: Floats
    wanted: Floats
    bias: Floats
    judged: int
    slope: float = 1.0


@dataclass(frozen=True)
class Rounded:
    """What was found.

    Attributes:
        codes: int8, groups x outputs x inputs.
        nearest_error, error: root mean square of the error in what the layer computes, as a part of the root mean
            square of what it should; on rows that were not looked at, rounded to the nearest and as found.
        changed: part of the codes that are not the nearest.
    """

    codes: npt.NDArray[np.int8]
    nearest_error: float
    error: float
    changed: float


def find_rounding(
    problem: RoundingProblem, settings: RoundingSettings, report: Callable[[float], None] = lambda _fraction: None
) -> Rounded:
    """Return codes for a layer's weights; the same for the same problem and settings.

    Output channels that come out worse than rounded to the nearest, on rows that were not looked at, stay nearest.

    Args:
        problem: the layer.
        settings: how long to look.
        report: told the finished fraction now and then; may raise to stop.
    """
    import torch

    generator = torch.Generator().manual_seed(settings.seed)
    inputs, wanted = torch.from_numpy(problem.inputs), torch.from_numpy(problem.wanted)
    bias = torch.from_numpy(problem.bias)
    rows = inputs.shape[1]
    judge = _Judge(inputs[:, rows - problem.judged :], wanted[:, rows - problem.judged :], bias, problem.slope)
    trained = torch.arange(max(1, rows - problem.judged))
    scales = torch.from_numpy(problem.scales)
    position = torch.from_numpy(problem.weights) / scales
    nearest = position.round().clamp(-problem.highest, problem.highest)
    is_fixed = position.abs() >= problem.highest - _OUTERMOST
    lower = torch.where(is_fixed, nearest, position.floor())
    fraction = torch.where(is_fixed, torch.zeros(()), position - lower)
    variable = _inverse(fraction)
    free = max(1, int((~is_fixed).sum()))
    norm = _error_of_rounding(inputs[:, trained], (nearest - position) * scales)
    adam = torch.optim.Adam([variable], lr=settings.rate, fused=True)
    batch = min(settings.batch, len(trained))
    shuffled = torch.empty(0, dtype=torch.long)
    for step in range(settings.steps):
        if step % _STEPS_BETWEEN_REPORTS == 0:
            report(step / settings.steps)
        if len(shuffled) < batch:
            shuffled = trained[torch.randperm(len(trained), generator=generator)]
        chosen, shuffled = shuffled[:batch], shuffled[batch:]
        # Gradients by hand: half the time of recording them.
        soft = torch.sigmoid(variable)
        up = (soft * (_ZETA - _GAMMA) + _GAMMA).clamp_(0, 1)
        slope_of_up = soft.mul_(1 - soft).mul_(_ZETA - _GAMMA) * ((up > 0) & (up < 1) & ~is_fixed)
        up[is_fixed] = 0
        read = inputs[:, chosen]
        found = torch.bmm(read, ((lower + up) * scales).transpose(1, 2)) + bias
        gap = _activated(found, problem.slope) - _activated(wanted[:, chosen], problem.slope)
        if problem.slope != 1.0:
            gap *= torch.where(found > 0, 1.0, problem.slope)
        gap *= (2.0 / (batch * norm.numel())) / norm.unsqueeze(1)
        gradient = torch.bmm(gap.transpose(1, 2), read) * scales
        past_warm = (step / settings.steps - settings.warm) / (1 - settings.warm)
        if past_warm >= 0:
            start, end = settings.beta
            beta = end + 0.5 * (start - end) * (1 + math.cos(past_warm * math.pi))
            away = up.mul_(2).sub_(1)
            push = away.abs().pow_(beta - 1).mul_(away.sign_())
            gradient -= push.mul_(2 * beta * settings.regulariser / free)
        variable.grad = gradient.mul_(slope_of_up)
        adam.step()
    codes = torch.where(is_fixed, nearest, lower + (_rectified(variable) >= 0.5))
    codes = codes.clamp(-problem.highest, problem.highest)
    before, after = judge.errors(nearest * scales), judge.errors(codes * scales)
    codes = torch.where((after < before).unsqueeze(2), codes, nearest)
    size = float(judge.size.sum()) + _LEAST
    return Rounded(
        codes.to(torch.int8).numpy(),
        float(before.sum() / size) ** 0.5,
        float(torch.minimum(before, after).sum() / size) ** 0.5,
        float((codes != nearest).float().mean()),
    )


class _Judge:
    """Measures the error of every output channel on rows that were kept back."""

    def __init__(self, inputs: torch.Tensor, wanted: torch.Tensor, bias: torch.Tensor, slope: float) -> None:
        self._inputs, self._bias, self._slope = inputs, bias, slope
        self._wanted = _activated(wanted, slope)
        self.size = (self._wanted**2).mean(dim=1)

    def errors(self, weights: torch.Tensor) -> torch.Tensor:
        """Return mean squares, groups x outputs."""
        found = _activated(self._inputs.bmm(weights.transpose(1, 2)) + self._bias, self._slope)
        return ((found - self._wanted) ** 2).mean(dim=1)


def _rectified(variable: torch.Tensor) -> torch.Tensor:
    return (variable.sigmoid() * (_ZETA - _GAMMA) + _GAMMA).clamp(0, 1)


def _inverse(fraction: torch.Tensor) -> torch.Tensor:
    return -((_ZETA - _GAMMA) / (fraction - _GAMMA) - 1).log()


def _activated(values: torch.Tensor, slope: float) -> torch.Tensor:
    return values if slope == 1.0 else values.where(values > 0, values * slope)


def _error_of_rounding(inputs: torch.Tensor, errors: torch.Tensor) -> torch.Tensor:
    """Return the mean square of what rounding to the nearest adds to each output channel: groups x outputs."""
    found = (inputs.bmm(errors.transpose(1, 2)) ** 2).mean(dim=1)
    return found.clamp_min(max(float(found.mean()) * 1e-3, _LEAST))
