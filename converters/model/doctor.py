"""What will not survive in each target, what will run badly there, and which exact rewrite mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converters.errors import UsageError, did_you_mean
from converters.model.checks import numbers, operators, sampling, structure
from converters.model.checks.finding import CONSUMERS, EVERYWHERE, Examination, Finding, Severity

if TYPE_CHECKING:
    from converters.model.graph import Model

__all__ = ["Finding", "Severity", "examine"]

_CHECKS = (*operators.CHECKS, *sampling.CHECKS, *numbers.CHECKS, *structure.CHECKS)
_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.ADVICE: 2}


def examine(model: Model, target: str | None = None) -> tuple[Finding, ...]:
    """Return what speaks against a model, errors first.

    Args:
        model: as loaded; only its graph is read, it is never run.
        target: "mnn", "tflite", "coreml" or "onnx" for what concerns that file and the runtimes that take it; None
            for everything.

    Raises:
        UsageError: an unknown target.
    """
    if target is not None and target not in EVERYWHERE:
        raise UsageError(f"There is no target {target!r}.", "", did_you_mean(target, EVERYWHERE))
    table = Examination(model)
    found = [finding for check in _CHECKS for finding in check(table)]
    if target is not None:
        concerned = {target, *CONSUMERS.get(target, ())}
        found = [finding for finding in found if concerned & set(finding.targets)]
    return tuple(sorted(found, key=lambda finding: _ORDER[finding.severity]))
