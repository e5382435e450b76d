"""MIL's quantize and dequantize to the last code: where halves go, where the zero point comes in, where codes end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.runtimes.mil.coremltools_import import import_coremltools
from converters.runtimes.mil.program import MilProgram
from tests.runtimes.mil.mil_packages import build, saved

X = np.array([[-1e6, -2.5, -1.5, -0.5, 0.0, 0.5, 1.5, 2.5, 3.49999, 1e6, 1e30]], np.float32)


def codes_of(path: Path, kind: str, zero_point: int, scale: float) -> Any:
    """Return the codes that the executor makes of `X`, as floats, and those that coremltools itself computes."""
    import_coremltools()
    from coremltools.converters.mil.mil import Builder as mb  # noqa: N813
    from coremltools.converters.mil.mil import types
    from coremltools.optimize import _utils as optimize

    point = np.dtype(kind).type(zero_point)
    numbers = {"scale": np.float32(scale), "output_dtype": kind, **({"zero_point": point} if zero_point else {})}

    def operators(x: Any) -> Any:
        # a scale of one and no zero point: what is dequantized are the codes themselves
        return mb.dequantize(input=mb.quantize(input=x, **numbers), scale=np.float32(1))

    package = saved(build(operators, {"x": (X.shape, types.fp32)}, "iOS17"), path)
    program = MilProgram.load(package)
    assert program.operation_kinds()["quantize"] == 1
    (found,) = program.run({"x": X}, precision="fp32").values()
    return found, optimize.quantize_by_scale_and_zp(X, np.full((1, 1), np.float32(scale)), np.full((1, 1), point), kind)


@pytest.mark.parametrize(
    ("kind", "zero_point", "scale"), [("int8", 0, 1.0), ("int8", 3, 1.0), ("int8", -128, 0.5), ("uint8", 7, 1.0)]
)
def test_codes_are_those_of_the_definition(kind: str, zero_point: int, scale: float, tmp_path: Path) -> None:
    found, own = codes_of(tmp_path / "q.mlpackage", kind, zero_point, scale)
    limits = np.iinfo(kind)
    defined = np.clip(np.rint(X.astype(np.float64) / scale) + zero_point, limits.min, limits.max)
    assert found.tolist() == defined.tolist() == own.tolist()
    # adding the zero point before rounding would send other halves the other way
    before = np.clip(np.rint(X.astype(np.float64) / scale + zero_point), limits.min, limits.max)
    assert (found.tolist() == before.tolist()) == (zero_point % 2 == 0)
