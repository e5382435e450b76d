"""Run a file on the benchmark's samples and time it in turns with another, in a process that it may take down.

    python -m tests.benchmarks.quantize_running FILE BESIDE FEEDS OUTPUTS

FEEDS is an `.npz` with N x the rest of every input's shape, OUTPUTS the `.npy` to write (N x 3 x height x width, as
the model gives it). Prints one line of JSON: milliseconds of a run of FILE and of BESIDE, and what FILE's inputs take.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from converters.closing import Closing
from converters.measure.latency import LEAST_RUNS, WARM_UP, latency_of
from converters.registry import open_session
from converters.runtimes.base import Array, Arrays
from converters.targets.metadata import METADATA_KEY
from converters.targets.tflite_file import read_outline

THREADS = 2
_RUNS = 30
_BUDGET = 30.0
"""Seconds after which no further round begins, once there are enough."""
Floats = npt.NDArray[np.float32]


class ForeignTFLite(Closing):
    """A `.tflite` of another program: pictures with their channels last, integer interfaces, inputs known by name."""

    def __init__(self, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter: Any = Interpreter(model_path=str(path), num_threads=THREADS)
        self._interpreter.allocate_tensors()
        self._inputs = self._interpreter.get_input_details()
        (self._output,) = self._interpreter.get_output_details()
        self.takes = str(np.dtype(self._inputs[0]["dtype"]))

    def run(self, feeds: Arrays) -> Floats:
        """Return the output for float feeds in the ONNX graph's layout, in the same layout."""
        for detail in self._inputs:
            name = next(name for name in feeds if name in detail["name"])
            values = np.asarray(feeds[name], np.float32)
            if values.shape != tuple(detail["shape"]):
                values = values.transpose(0, 2, 3, 1)
            self._interpreter.set_tensor(detail["index"], _encoded(values, detail))
        self._interpreter.invoke()
        values = _decoded(self._interpreter.get_tensor(self._output["index"]), self._output)
        return np.ascontiguousarray(values.transpose(0, 3, 1, 2)) if values.shape[-1] == 3 else values

    def close(self) -> None:
        """Free native memory."""
        self._interpreter = None


class Ours(Closing):
    """Any file that a session of this program opens."""

    def __init__(self, path: Path) -> None:
        self._session = open_session(path, threads=THREADS)
        self.takes = self._session.inputs[0].dtype

    def run(self, feeds: Arrays) -> Floats:
        """Return the one output."""
        (values,) = self._session.run(feeds).values()
        return np.asarray(values, np.float32)

    def close(self) -> None:
        """Free native memory."""
        self._session.close()


def _encoded(values: Floats, detail: dict[str, Any]) -> Array:
    if np.dtype(detail["dtype"]).kind == "f":
        return values
    scale, zero_point = detail["quantization"]
    limits = np.iinfo(detail["dtype"])
    codes: Array = np.clip(np.rint(values / scale) + zero_point, limits.min, limits.max).astype(detail["dtype"])
    return codes


def _decoded(values: Array, detail: dict[str, Any]) -> Floats:
    if np.dtype(detail["dtype"]).kind == "f":
        return np.asarray(values, np.float32)
    scale, zero_point = detail["quantization"]
    return np.asarray((values.astype(np.float32) - zero_point) * scale, np.float32)


def _open(path: Path, stack: ExitStack) -> ForeignTFLite | Ours:
    is_foreign = path.suffix == ".tflite" and METADATA_KEY not in read_outline(path).metadata
    opened: ForeignTFLite | Ours = ForeignTFLite(path) if is_foreign else Ours(path)
    stack.enter_context(opened)
    return opened


def _in_turns(models: Sequence[ForeignTFLite | Ours], feeds: Arrays) -> list[float]:
    """Return the medians of runs that alternate, in milliseconds."""
    seconds: list[list[float]] = [[] for _ in models]
    began = time.perf_counter()
    while len(seconds[0]) < WARM_UP + _RUNS:
        if len(seconds[0]) >= WARM_UP + LEAST_RUNS and time.perf_counter() - began > _BUDGET:
            break
        for model, runs in zip(models, seconds, strict=True):
            start = time.perf_counter()
            model.run(feeds)
            runs.append(time.perf_counter() - start)
    return [1000 * latency_of(runs[WARM_UP:], WARM_UP).median for runs in seconds]


def main() -> None:
    """Run, time, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("file", "beside", "feeds", "outputs"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--untimed", action="store_true")
    given = parser.parse_args()
    with np.load(given.feeds, allow_pickle=False) as arrays:
        stacks = dict(arrays)
    count = len(next(iter(stacks.values())))
    feeds = [{name: array[place : place + 1] for name, array in stacks.items()} for place in range(count)]
    with ExitStack() as stack:
        model = _open(given.file, stack)
        np.save(given.outputs, np.concatenate([model.run(feed) for feed in feeds]), allow_pickle=False)
        is_timed = not given.untimed
        milliseconds = _in_turns([model, _open(given.beside, stack)], feeds[0]) if is_timed else [math.nan, math.nan]
        print(json.dumps({"milliseconds": milliseconds[0], "beside": milliseconds[1], "takes": model.takes}))


if __name__ == "__main__":
    main()
