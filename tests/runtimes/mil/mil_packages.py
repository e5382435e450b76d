"""Makes Core ML packages on the spot, and measures how far apart two results are."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from converters.runtimes.mil.coremltools_import import import_coremltools


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep coremltools' progress bars, renaming warnings and log lines out of the test output."""
    logger = logging.getLogger("coremltools")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def convert(module: torch.nn.Module, examples: Sequence[torch.Tensor], **options: Any) -> Any:
    """Return the coremltools model of a torch module; inputs are called x0, x1, …, outputs y0, y1, …"""
    ct = import_coremltools()
    with quiet(), torch.no_grad():
        module = module.eval()
        traced = torch.jit.trace(module, tuple(examples), check_trace=False)
        given = options.pop("inputs", None) or [
            ct.TensorType(f"x{index}", shape=example.shape) for index, example in enumerate(examples)
        ]
        result = module(*examples)
        count = len(result) if isinstance(result, tuple) else 1
        options.setdefault("outputs", [ct.TensorType(f"y{index}") for index in range(count)])
        options.setdefault("minimum_deployment_target", ct.target.iOS16)
        precision = {"fp16": ct.precision.FLOAT16, "fp32": ct.precision.FLOAT32}[options.pop("precision", "fp16")]
        return ct.convert(traced, inputs=given, compute_precision=precision, skip_model_load=True, **options)


def saved(model: Any, path: Path) -> Path:
    """Save a coremltools model as a package; return its path."""
    with quiet():
        model.save(str(path))
    return path


def build(
    operators: Callable[..., Any], shapes: dict[str, tuple[tuple[int, ...], Any]], opset: str, precision: str = "fp32"
) -> Any:
    """Return the coremltools model of a program written with the MIL builder.

    Args:
        operators: called with the inputs by name; returns a variable or several.
        shapes: shape and MIL type of every input.
        opset: "iOS15" … "iOS18".
        precision: "fp32" or "fp16".
    """
    ct = import_coremltools()
    from coremltools.converters.mil import mil
    from coremltools.converters.mil.mil import Builder as mb  # noqa: N813

    target = getattr(ct.target, opset)
    with quiet():
        program = mil.Program()
        placeholders = {name: mb.placeholder(shape=shape, dtype=kind) for name, (shape, kind) in shapes.items()}
        with mil.Function(placeholders, opset_version=target) as function:
            results = operators(**function.inputs)
            function.set_outputs(list(results) if isinstance(results, list | tuple) else [results])
            program.add_function("main", function)
        return ct.convert(
            program,
            source="milinternal",
            convert_to="mlprogram",
            minimum_deployment_target=target,
            compute_precision={"fp16": ct.precision.FLOAT16, "fp32": ct.precision.FLOAT32}[precision],
            skip_model_load=True,
        )


def relative_error(result: Any, expected: Any) -> float:
    """Return the largest difference over the largest expected magnitude."""
    result, expected = np.asarray(result, np.float64), np.asarray(expected, np.float64)
    assert result.shape == expected.shape, (result.shape, expected.shape)
    assert np.isfinite(result).all()
    return float(np.abs(result - expected).max() / max(np.abs(expected).max(), 1e-30))


def decibels(result: Any, expected: Any) -> float:
    """Return the peak signal-to-noise ratio; the peak is the span of the expected values."""
    result, expected = np.asarray(result, np.float64), np.asarray(expected, np.float64)
    assert result.shape == expected.shape, (result.shape, expected.shape)
    assert np.isfinite(result).all()
    error = float(np.mean((result - expected) ** 2))
    return float(10 * np.log10(np.ptp(expected) ** 2 / max(error, 1e-30)))
