"""What calibrating costs, how soon a changed range is seen, and what range policies lose of the demo's pictures.

    python -m tests.benchmarks.quantize [--policies] [--memory]

Without options: time of calibration, of policies, and from a changed range to the new picture. `--memory` adds the
memory of observing 64 and 1,024 samples (minutes), `--policies` the loss of each policy on held-out crops (minutes).
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from converters.builtin import DEMO_GALLERY, DEMO_NAME
from converters.compress.quantize.calibration import CalibrationSample, calibration_set
from converters.compress.quantize.encode import make_encodings
from converters.compress.quantize.fold import fold_batch_norm
from converters.compress.quantize.judge import Judge
from converters.compress.quantize.layers import find_layers
from converters.compress.quantize.observe import Observations, observe
from converters.compress.quantize.policies import Policy, range_of
from converters.compress.quantize.qdq import build_qdq
from converters.compress.quantize.settings import QuantizeSettings
from converters.model.graph import Model
from converters.model.source import load
from converters.progress import Progress
from converters.runtimes.base import Arrays
from converters.runtimes.onnx import open_proto

_CALIBRATED = 64
_MORE = 10
_SEEN_FOR_TABLE = 32
_JUDGED = 24
_ROUNDS = 9
_MOVED = "/decoder.1/Conv"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policies", action="store_true")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--observe-drawn", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    model = fold_batch_norm(load(DEMO_NAME, progress=Progress()))
    if given.observe_drawn:
        _observe_drawn(model, given.observe_drawn)
        return
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(datetime.date.today())
    samples = list(calibration_set(model, "", _CALIBRATED))
    more = list(calibration_set(model, str(DEMO_GALLERY), _MORE))
    seen = _calibration(model, samples, more)
    _policies_time(seen)
    _changed_range(model, seen, samples[0].feeds)
    if given.memory:
        _memory()
    if given.policies:
        _policies_loss(model, samples)


def _calibration(model: Model, samples: Sequence[CalibrationSample], more: Sequence[CalibrationSample]) -> Observations:
    with tempfile.TemporaryDirectory(prefix="ffstudio-benchmark-") as name:
        cache = Path(name)
        seen = _timed(f"observing {len(samples)} samples", lambda: observe(model, samples, cache))
        both = [*samples, *more]
        _timed(f"observing {len(both)} after {len(samples)} were kept", lambda: observe(model, both, cache))
        _timed(f"observing {len(both)} after all were kept", lambda: observe(model, both, cache))
        size = sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())
        print(f"{'kept on disk':44} {size / 1024:9.0f} KiB")
    return seen


def _timed(title: str, work: Callable[[], Observations]) -> Observations:
    start = time.perf_counter()
    result = work()
    print(f"{title:44} {time.perf_counter() - start:9.2f} s")
    return result


def _median(work: Callable[[], Any]) -> float:
    taken = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def _policies_time(seen: Observations) -> None:
    print(f"ranges of {len(seen.tensors)} tensors, ms")
    for policy in Policy:
        figures = []
        for symmetric in (False, True):

            def ranges(policy: Policy = policy, symmetric: bool = symmetric) -> None:
                for tensor in seen.tensors.values():
                    range_of(tensor, policy, symmetric=symmetric)

            figures.append(f"{_median(ranges) * 1e3:8.1f}")
        print(f"  {policy:20} asymmetric {figures[0]}, symmetric {figures[1]}")


def _changed_range(model: Model, seen: Observations, feeds: Arrays) -> None:
    settings = QuantizeSettings()
    tensor = next(layer.output for layer in find_layers(model.proto) if layer.name == _MOVED)
    low, high = seen.tensors[tensor].low, seen.tensors[tensor].high
    parts: dict[str, list[float]] = {"encodings": [], "graph": [], "session": [], "picture": []}
    for share in np.linspace(0.5, 1.0, _ROUNDS):
        moved = replace(settings, ranges={tensor: (low * share, high * share)})
        with tempfile.TemporaryDirectory(prefix="ffstudio-benchmark-") as name:
            times = [time.perf_counter()]
            encodings = make_encodings(model, seen, moved)
            times.append(time.perf_counter())
            proto = build_qdq(model, encodings)
            times.append(time.perf_counter())
            with open_proto(proto, Path(name)) as session:
                times.append(time.perf_counter())
                session.run(feeds)
                times.append(time.perf_counter())
        for part, took in zip(parts.values(), np.diff(times), strict=True):
            part.append(float(took))
    totals = [sum(each) for each in zip(*parts.values(), strict=True)]
    medians = ", ".join(f"{name} {statistics.median(part) * 1e3:.0f}" for name, part in parts.items())
    print(f"{'changed range to new picture':44} {statistics.median(totals):9.3f} s ({medians} ms)")


@dataclass(frozen=True)
class _Drawn:
    """Noise as a sample, made when it is asked for."""

    model: Model
    number: int

    @property
    def name(self) -> str:
        return f"noise {self.number}"

    @property
    def digest(self) -> str:
        return f"{self.number:064x}"

    @cached_property
    def feeds(self) -> Arrays:
        generator = np.random.default_rng(self.number)
        return {
            tensor.name: generator.random(tensor.static_shape, np.float32) for tensor in self.model.signature.inputs
        }


def _drawn(model: Model, count: int) -> Iterator[_Drawn]:
    return (_Drawn(model, number) for number in range(count))


class _Again:
    """Samples that are made anew whenever they are gone through."""

    def __init__(self, model: Model, count: int) -> None:
        self._model, self._count = model, count

    def __iter__(self) -> Iterator[_Drawn]:
        return _drawn(self._model, self._count)


def _observe_drawn(model: Model, count: int) -> None:
    """Observe noise in this process and print the most memory it ever had, MiB."""
    import resource

    observe(model, _Again(model, count))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _memory() -> None:
    for count in (64, 1024):
        command = [sys.executable, "-m", "tests.benchmarks.quantize", "--observe-drawn", str(count)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        print(f"{f'memory of observing {count} samples':44} {float(done.stdout.split()[-1]):9.0f} MiB")


def _policies_loss(model: Model, samples: Sequence[CalibrationSample]) -> None:
    seen = observe(model, samples[:_SEEN_FOR_TABLE])
    held_out = [sample.feeds for sample in samples[_SEEN_FOR_TABLE : _SEEN_FOR_TABLE + _JUDGED]]
    print(f"ranges of {_SEEN_FOR_TABLE} crops, judged on {_JUDGED} others: LPIPS mean, p95, PSNR")
    with Judge(model, held_out) as judge:
        for defaults in (False, True):
            for symmetric in (False, True):
                for policy in Policy:
                    settings = QuantizeSettings(policy=policy, symmetric=symmetric, families_defaults=defaults)
                    loss = judge.judge(build_qdq(model, make_encodings(model, seen, settings)))
                    print(
                        f"  {'family rules' if defaults else 'all w8a8':12} {policy:16} "
                        f"{'symmetric' if symmetric else 'asymmetric':10} "
                        f"{loss.mean:8.4f} {loss.p95:8.4f} {loss.psnr:6.1f} dB",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
