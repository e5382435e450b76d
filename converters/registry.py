"""Every target and step by name, imported only when asked for."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from converters.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

    from converters.compress.base import Step
    from converters.runtimes.base import Session
    from converters.targets.base import Exporter

EXPORTERS = {
    "mnn": "converters.targets.mnn:MnnExporter",
    "tflite": "converters.targets.tflite:TFLiteExporter",
    "coreml": "converters.targets.coreml:CoreMLExporter",
    "onnx": "converters.targets.onnx:OnnxExporter",
}
STEPS = {
    "simplify": "converters.compress.simplify:Simplify",
    "rewrite": "converters.compress.rewrite:Rewrite",
    "quantize": "converters.compress.quantize.step:Quantize",
}
# By the suffix of a file or package, for `compare` and `run`.
SESSIONS = {
    ".onnx": "converters.runtimes.onnx:OnnxSession",
    ".mnn": "converters.runtimes.mnn:MnnSession",
    ".tflite": "converters.runtimes.tflite:TFLiteSession",
    ".mlpackage": "converters.runtimes.coreml:CoreMLSession",
}


def _find(table: dict[str, str], name: str, what: str) -> type:
    if name not in table:
        raise UsageError(f"There is no {what} {name!r}.", "", did_you_mean(name, table))
    module, attribute = table[name].split(":")
    found: type = getattr(importlib.import_module(module), attribute)
    return found


def exporter(target: str) -> Exporter:
    """Return the exporter of a target; UsageError for an unknown one."""
    made: Exporter = _find(EXPORTERS, target, "target")()
    return made


def step(name: str) -> Step:
    """Return the step of that name; UsageError for an unknown one."""
    made: Step = _find(STEPS, name, "step")()
    return made


def open_session(path: Path, *, threads: int | None = None) -> Session:
    """Open any model file or artifact by its suffix.

    Raises:
        UsageError: an unknown suffix.
        BadInputError: the runtime refuses the file.
    """
    suffix = path.name.removesuffix(".unverified").rpartition(".")
    opened: Session = _find(SESSIONS, f".{suffix[2].lower()}", "runtime for files ending in")(path, threads=threads)
    return opened
