"""Damages a package in many ways and runs each result; prints one JSON object with what happened.

A process of its own: a crash of native code must show as its exit status, not end the test run.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from converters.errors import StudioError
from converters.runtimes.mil.program import MilProgram

PARTS = ("Manifest.json", "Data/com.apple.CoreML/model.mlmodel", "Data/com.apple.CoreML/weights/weight.bin")


def damaged(data: bytes, choice: random.Random) -> bytes:
    """Return `data` with bits flipped, bytes changed, or a piece cut out, doubled or put elsewhere."""
    kind = choice.randrange(6)
    changed = bytearray(data)
    if kind <= 2:
        for _count in range(choice.choice((1, 1, 2, 8))):
            place = choice.randrange(len(changed))
            changed[place] = changed[place] ^ (1 << choice.randrange(8)) if kind else choice.randrange(256)
        return bytes(changed)
    start = choice.randrange(len(changed))
    stop = min(len(changed), start + choice.choice((1, 4, 64, 1000)))
    if kind == 3:
        return bytes(changed[:start])
    if kind == 4:
        return bytes(changed[:start] + changed[stop:])
    return bytes(changed[:stop] + changed[start:stop] + changed[stop:])


def main(package: Path, work: Path, count: int, seed: int) -> None:
    """Damage `package` `count` times."""
    limit = 12 * 1024**3
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    torch.set_num_threads(1)
    choice = random.Random(seed)
    outcomes: Counter[str] = Counter()
    bugs: list[str] = []
    slowest = 0.0
    for index in range(count):
        target = work / "damaged.mlpackage"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(package, target)
        part = target / PARTS[index % len(PARTS)]
        part.write_bytes(damaged(part.read_bytes(), choice))
        started = time.monotonic()
        try:
            program = MilProgram.load(target)
            feeds = {
                edge.name: np.zeros([max(size, 1) for size in edge.shape], edge.dtype)
                for edge in program.inputs
                if np.prod([max(size, 1) for size in edge.shape]) < 1e7
            }
            program.run(feeds)
            outcomes["ran"] += 1
        except StudioError as error:
            outcomes[type(error).__name__] += 1
        except Exception:
            bugs.append(f"{part.name} #{index}: {traceback.format_exc()[-1500:]}")
        slowest = max(slowest, time.monotonic() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"outcomes": dict(outcomes), "bugs": bugs, "slowest": round(slowest, 2), "peak_mib": peak}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
