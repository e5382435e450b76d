"""What a conversion costs, beside onnx2tf alone in the same run.

    python -m tests.benchmarks.convert large      the swapper of inswapper_128's size: all three targets, then onnx2tf
    python -m tests.benchmarks.convert small MODEL   a small model: cold, then with warm workers

Memory is the largest sum of resident bytes of the whole process tree, looked at five times a second.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from converters.conversion import Conversion
from converters.pipeline import convert
from converters.recipe import Recipe, TargetRequest
from converters.worker_pool import WorkerPool

_TARGETS = tuple(TargetRequest(target) for target in ("mnn", "tflite", "coreml"))


def main() -> None:
    """Print the figures asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    large = commands.add_parser("large")
    large.add_argument("--width", type=int, default=1024)
    large.add_argument("--without-peer", action="store_true", help="leave out onnx2tf, which takes minutes")
    small = commands.add_parser("small")
    small.add_argument("model")
    small.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(f"{platform.machine()}, {psutil.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB")
    with tempfile.TemporaryDirectory(prefix="ffstudio-benchmark-") as folder:
        if options.command == "large":
            _large(Path(folder), options.width, not options.without_peer)
        else:
            _small(Path(folder), options.model, options.rounds)


def _large(folder: Path, width: int, with_peer: bool) -> None:
    import onnx

    from tests.generated import generated_swapper

    path = folder / f"swapper_{width}.onnx"
    onnx.save(generated_swapper(width), str(path))
    print(f"swapper of width {width}: {path.stat().st_size / 1e6:.0f} MB")
    conversion = convert(Recipe(str(path), targets=_TARGETS), folder / "out")
    _print(f"ours, {len(_TARGETS)} targets, verified", conversion)
    if with_peer:
        seconds, peak, status = _peer(path, folder / "peer")
        outcome = "done, unverified" if status == 0 else f"failed with status {status}"
        print(f"onnx2tf alone, .tflite only: {seconds:.0f} s, {peak / 1e9:.1f} GB, {outcome}")


def _small(folder: Path, model: str, rounds: int) -> None:
    recipe = Recipe(model, targets=_TARGETS)
    for number in range(rounds):
        with WorkerPool(2, folder / f"logs{number}") as pool:
            cold = convert(recipe, folder / f"cold{number}", pool=pool)
            warm = convert(recipe, folder / f"warm{number}", pool=pool)
        _print(f"round {number + 1}, cold", cold)
        _print(f"round {number + 1}, warm", warm)


def _print(label: str, conversion: Conversion) -> None:
    print(f"{label}: {conversion.seconds:.1f} s, {conversion.peak_memory / 1e9:.1f} GB at the peak", flush=True)
    for artifact in conversion.artifacts:
        if artifact.verification is None:
            print(f"    {artifact.request.name}: {artifact.error}")
            continue
        worst = artifact.verification["worst"]
        print(
            f"    {artifact.request.name}: {artifact.seconds:.1f} s to export, {artifact.size / 1e6:.1f} MB, "
            f"{'verified' if artifact.verified else 'NOT VERIFIED'} on {artifact.verification['samples']} samples, "
            f"largest difference {worst['relative']:.1e} of the span"
        )


def _peer(path: Path, folder: Path) -> tuple[float, int, int]:
    """Run onnx2tf in a process of its own, with the calibration file without which it would download one."""
    import numpy as np

    folder.mkdir()
    sample = np.random.default_rng(0).random((20, 128, 128, 3)).astype(np.float32)
    np.save(folder / "calibration_image_sample_data_20x128x128x3_float32.npy", sample)
    start = time.monotonic()
    command = [sys.executable, "-m", "onnx2tf", "-i", str(path), "-o", str(folder / "out"), "-n"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0

    def watch() -> None:
        nonlocal peak
        while process.poll() is None:
            try:
                family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
                peak = max(peak, sum(member.memory_info().rss for member in family))
            except psutil.NoSuchProcess:
                return
            time.sleep(0.2)

    watcher = threading.Thread(target=watch)
    watcher.start()
    status = process.wait()
    watcher.join()
    return time.monotonic() - start, peak, status


if __name__ == "__main__":
    main()
