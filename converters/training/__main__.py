"""`python -m converters.training embedder|swapper --faces DIR --out DIR`: train the demo model, resumably."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from converters.errors import StudioError
from converters.progress import Progress, ProgressMessage
from converters.training.faces import read_faces
from converters.training.loop import Schedule, Task, train


def _print(message: ProgressMessage) -> None:
    print(message.detail, file=sys.stderr, flush=True)


def main() -> int:
    """Train one network; run again with the same arguments to go on after an interruption."""
    parser = argparse.ArgumentParser(prog="python -m converters.training", description=__doc__)
    parser.add_argument("network", choices=("embedder", "swapper"))
    parser.add_argument("--faces", type=Path, required=True, help="folder of 160 x 160 crops")
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint and the curves")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--embedder", type=Path, help="folder of the trained embedder's checkpoint (for the swapper)")
    options = parser.parse_args()
    try:
        faces, _held_out = read_faces(options.faces)
        task: Task
        if options.network == "embedder":
            from converters.training.embedder import EmbedderTask

            schedule = Schedule(options.steps, batch=options.batch or 64)
            task = EmbedderTask(faces, schedule)
        else:
            from converters.training.swapper import SwapperTask

            if options.embedder is None:
                parser.error("the swapper needs --embedder")
            schedule = Schedule(options.steps, batch=options.batch or 8)
            task = SwapperTask(faces, schedule, options.embedder)
        train(task, schedule, options.out, Progress(_print))
    except StudioError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
