"""What a perceptual measure costs, beside the bare ONNX Runtime call in the same run.

    python -m tests.benchmarks.lpips [--rounds 31] [--threads 2]

Calls are made in turns, so that a busy machine slows all of them alike; medians are printed.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable

import numpy as np
import psutil

from converters.builtin import LPIPS_WEIGHTS
from converters.measure.flip import flip
from converters.measure.image import psnr, ssim
from converters.measure.lpips import Lpips
from converters.runtimes.base import default_threads

_SIDES = (128, 256, 512)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--threads", type=int, default=default_threads())
    options = parser.parse_args()
    print(f"{platform.machine()}, {psutil.cpu_count()} cores, {options.threads} threads, {options.rounds} rounds")
    print(f"{'side':>5} {'bare map':>9} {'map':>9} {'ratio':>6} {'floats':>9} {'distance':>9} "
          f"{'FLIP':>9} {'SSIM':>9} {'PSNR':>9}   ms, medians")  # fmt: skip
    for side in _SIDES:
        _one(side, options.rounds, options.threads)


def _one(side: int, rounds: int, threads: int) -> None:
    import onnxruntime

    generator = np.random.default_rng(side)
    a, b = (generator.integers(0, 256, (side, side, 3), np.uint8) for _ in range(2))
    floats = [picture.astype(np.float32) / 255 for picture in (a, b)]
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.inter_op_num_threads = 1
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(LPIPS_WEIGHTS, settings, providers=["CPUExecutionProvider"])
    feeds = {"a": a[None], "b": b[None]}
    with Lpips(threads=threads) as lpips:
        calls: dict[str, Callable[[], object]] = {
            "bare": lambda: session.run(["distance", "map"], feeds),
            "map": lambda: lpips.map(a, b),
            "floats": lambda: lpips.map(*floats),
            "distance": lambda: lpips.distance(a, b),
            "FLIP": lambda: flip(a, b),
            "SSIM": lambda: ssim(a, b),
            "PSNR": lambda: psnr(a, b),
        }
        seconds: dict[str, list[float]] = {name: [] for name in calls}
        for turn in range(rounds + 3):
            for name, call in calls.items():
                start = time.perf_counter()
                call()
                if turn >= 3:
                    seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values) * 1000 for name, values in seconds.items()}
    ratio = medians["map"] / medians["bare"]
    rest = " ".join(f"{medians[name]:9.2f}" for name in ("floats", "distance", "FLIP", "SSIM", "PSNR"))
    print(f"{side:5} {medians['bare']:9.2f} {medians['map']:9.2f} {ratio:6.2f} {rest}", flush=True)


if __name__ == "__main__":
    main()
