"""Run an engine's file once beside the original, before it is believed.

Engines fail silently too: a wrong guess of a layout gives a file that opens, runs and draws something else. This is
no verification, which comes later with many samples and strict limits; it only decides between engines.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from converters.errors import BadInputError
from converters.model.graph import Model
from converters.runtimes.base import Array, Arrays
from converters.runtimes.tflite import TFLiteSession
from converters.targets.tflite_engine import Edge, EngineError

# Of an output's span. Engines that are right differ by less than 1e-4, engines that are wrong by more than 0.1.
LIMIT = 0.02
_SEED = 7


def probe_feeds(model: Model, samples: list[Arrays]) -> Arrays:
    """Return one feed: the first sample, or noise within the inputs' ranges."""
    if samples:
        return samples[0]
    generator = np.random.default_rng(_SEED)
    feeds: Arrays = {}
    for tensor in model.signature.inputs:
        low, high = tensor.value_range or (0.0, 1.0)
        noise = generator.uniform(low, high, tensor.static_shape)
        feeds[tensor.name] = noise.astype(tensor.dtype)
    return feeds


def reference(model: Model, feeds: Arrays, folder: Path) -> Arrays:
    """Return what ONNX Runtime makes of `feeds`.

    Args:
        model: with static shapes.
        feeds: every input by name.
        folder: private; a folder is made in it and removed again.
    """
    from converters.runtimes.onnx import open_proto

    place = folder / "probe"
    place.mkdir()
    try:
        with open_proto(model.proto, place) as session:
            return session.run(feeds)
    finally:
        shutil.rmtree(place)


def run_unlabelled(path: Path, inputs: Sequence[Edge], feeds: Arrays) -> list[Array]:
    """Run an engine's own file, which has no metadata yet.

    Args:
        path: the file.
        inputs: how the inputs appear in it.
        feeds: every input by the ONNX graph's name, in its layout.

    Returns:
        Outputs in the file's order and layout.

    Raises:
        EngineError: LiteRT refuses the file.
    """
    try:
        with TFLiteSession(path) as session:
            names = [spec.name for spec in session.inputs]
            arrays = {names[edge.position]: edge.binding.to_file(feeds[edge.binding.name]) for edge in inputs}
            results = session.run(arrays)
            return [results[spec.name] for spec in session.outputs]
    except BadInputError as error:
        reason = (error.why or error.what).partition(". ")[0]
        raise EngineError(f"its file does not run: {reason}.") from error


def difference(got: Array, want: Array) -> float:
    """Return the largest difference as a fraction of the span of `want`; infinite for another shape or a NaN.

    Whole numbers and booleans: the fraction of elements that differ.
    """
    if got.shape != want.shape:
        return float("inf")
    if not np.issubdtype(want.dtype, np.floating):
        return float(np.mean(got != want)) if want.size else 0.0
    exact = want.astype(np.float64)
    distance = float(np.max(np.abs(got.astype(np.float64) - exact), initial=0.0))
    span = float(np.ptp(exact)) if want.size else 0.0
    relative = distance / (span or float(np.max(np.abs(exact), initial=0.0)) or 1.0)
    return relative if np.isfinite(relative) else float("inf")
