"""How long a model would take on a phone: a power law through the published runs of other models.

On one unit and in one precision, `milliseconds = a * gmacs ** b`: least squares over the logarithms of the published
runs, b kept between 0 (a fixed cost) and 1 (time in proportion to work). Beyond the largest published run, time grows
in proportion to work. How far off that may be is read from the same runs: each is predicted from the others, and the
worst ratio is the factor up and down. Where fewer than three kinds of models were published (sizes of one kind lie
closer together than other models would), the worst factor of the whole table is taken.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from converters.errors import UnsupportedError
from converters.precision import Precision
from converters.preview.phone.profiles import DeviceProfile, Run, Unit, UnitProfile, profiles

FP32, FP16, INT8 = "fp32", "fp16", "int8"
_ENOUGH: Final = 3  # kinds of models, to say how far apart they lie
_HALF: Final = (Precision.FP16, Precision.INT8_WEIGHTS, Precision.INT4_WEIGHTS, Precision.PALETTE)
"""Small weights are made large again before they are computed with: they change the file, not the arithmetic."""


@dataclass(frozen=True)
class Latency:
    """What one run of a model would take.

    Attributes:
        unit: that runs it.
        milliseconds: most likely.
        least, most: how far off that may be.
        basis: precision of the published runs.
        runs: those.
        is_beyond: the model is larger than all of them.
    """

    unit: Unit
    milliseconds: float
    least: float
    most: float
    basis: str
    runs: tuple[Run, ...]
    is_beyond: bool


def latency(profile: DeviceProfile, macs: int, precision: str) -> Latency:
    """Return what one run would take on the phone's chosen unit, or on its fastest where none is chosen.

    Args:
        profile: of the phone.
        macs: multiply-accumulates of one run, at least 1.
        precision: a `Precision`; "" for 32-bit numbers.

    Raises:
        UnsupportedError: nobody counted the work, or nobody published a run in a precision that says anything.
    """
    if macs <= 0:
        raise UnsupportedError(
            "How long this model would take on a phone cannot be said.",
            "Its multiply-accumulates are not known.",
            "Compare a model whose layers can be read, such as an ONNX file.",
        )
    units = [unit for unit in profile.units if profile.unit in (None, unit.unit)]
    found = [made for unit in units if (made := _on(unit, macs, precision)) is not None]
    if not found:
        others = [unit.unit for unit in profile.units if _on(unit, macs, precision) is not None]
        where = f"Choose {' or '.join(others)}." if others else "Choose another phone, or an int8 file."
        raise UnsupportedError(
            f"How long this model would take on the {profile.title} cannot be said.",
            f"No run in {precision or FP32} was published of its {' or '.join(unit.unit for unit in units)}.",
            where,
        )
    return min(found, key=lambda item: item.milliseconds)


def bases(unit: Unit, precision: str) -> tuple[str, ...]:
    """Return in which precisions published runs tell of a model in `precision`, the best first.

    Graphics and neural units compute floats in 16 bits unless they are told otherwise. A run in more bits says
    something of one in fewer (it will not be slower), never the other way round.
    """
    kind = FP16 if precision in _HALF else precision or FP32
    if kind == Precision.INT8_DYNAMIC:
        kind = INT8 if unit is Unit.CPU else FP16
    if kind == FP32:
        return (FP32,) if unit is Unit.CPU else (FP16, FP32)
    return (FP16, FP32) if kind == FP16 else (INT8, FP16, FP32)


def predicted(runs: Sequence[Run], gmacs: float) -> float:
    """Return the milliseconds of a model by published runs of one unit in one precision."""
    work = [math.log(run.gmacs) for run in runs]
    time = [math.log(run.milliseconds) for run in runs]
    middle, level = sum(work) / len(work), sum(time) / len(time)
    spread = sum((item - middle) ** 2 for item in work)
    slope = 1.0
    if spread > 0:
        slope = sum((x - middle) * (y - level) for x, y in zip(work, time, strict=True)) / spread
    slope = min(max(slope, 0.0), 1.0)
    largest = max(work)
    wanted = math.log(gmacs)
    inside, beyond = min(wanted, largest), max(wanted - largest, 0.0)
    return math.exp(level + slope * (inside - middle) + beyond)


def off_by(runs: Sequence[Run]) -> float:
    """Return by which factor predictions may be off: each run predicted from the others, the worst ratio."""
    if _kinds(runs) < _ENOUGH:
        return _worst_of_all()
    ratios = []
    for place, run in enumerate(runs):
        others = [*runs[:place], *runs[place + 1 :]]
        ratios.append(abs(math.log(predicted(others, run.gmacs) / run.milliseconds)))
    return math.exp(max(ratios))


@cache
def _worst_of_all() -> float:
    """Return the worst factor of all units of the table of which enough was published."""
    groups = [
        [run for run in unit.runs if run.precision == precision]
        for profile in profiles()
        for unit in profile.units
        for precision in (FP32, FP16, INT8)
    ]
    return max(off_by(group) for group in groups if _kinds(group) >= _ENOUGH)


def _kinds(runs: Sequence[Run]) -> int:
    """Return how many kinds of models there are: EfficientNet-Lite0 to 4 are one."""
    return len({run.model.rstrip("0123456789") for run in runs})


def _on(unit: UnitProfile, macs: int, precision: str) -> Latency | None:
    """Return what a unit would take; None where nothing published tells."""
    gmacs = macs / 1e9
    for basis in bases(unit.unit, precision):
        runs = tuple(run for run in unit.runs if run.precision == basis)
        if runs:
            likely, factor = predicted(runs, gmacs), off_by(runs)
            is_beyond = gmacs > max(run.gmacs for run in runs)
            return Latency(unit.unit, likely, likely / factor, likely * factor, basis, runs, is_beyond)
    return None
