"""The demo model, from photographs to the files that ship: `python -m converters.training STAGE …`, in this order.

embedder, swapper   train, resumably: the same command goes on after an interruption
measure             figures on the held-out faces, and a contact sheet
export              swapper.onnx, swapper.pth and embedder.onnx
pictures            people who do not exist: gallery, crops and clip
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

from converters.errors import StudioError
from converters.progress import Progress, ProgressMessage
from converters.training.faces import read_faces
from converters.training.loop import Schedule, Task, read_average, train

_STAGES = ("embedder", "swapper", "measure", "export", "pictures")


def main() -> int:
    """Run one stage."""
    parser = argparse.ArgumentParser(
        prog="python -m converters.training", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stage", choices=_STAGES)
    parser.add_argument("--faces", type=Path, required=True, help="folder of 160 x 160 crops")
    parser.add_argument("--runs", type=Path, help="folder of the checkpoints; without it the shipped model is measured")
    parser.add_argument("--steps", type=int, help="of the training")
    parser.add_argument("--seed", type=int, default=0, help="of everything random")
    parser.add_argument("--batch", type=int, help="64 for the embedder, 4 for the swapper unless told")
    parser.add_argument("--pairs", type=int, default=1000, help="to measure")
    parser.add_argument("--out", type=Path, help="folder for the files; a picture for the contact sheet")
    options = parser.parse_args()
    if options.stage in _STAGES[:2] and options.steps is None:
        parser.error("training needs --steps")
    if options.stage in _STAGES[2:] and options.out is None:
        parser.error(f"{options.stage} needs --out")
    if options.stage != "measure" and options.runs is None:
        parser.error(f"{options.stage} needs --runs")
    try:
        if options.stage in _STAGES[:2]:
            _train(options)
        elif options.stage == "measure":
            _measure(options)
        elif options.stage == "export":
            _export(options)
        else:
            _draw(options)
    except StudioError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    return 0


def _print(message: ProgressMessage) -> None:
    if message.detail:
        print(message.detail, file=sys.stderr, flush=True)


def _train(options: argparse.Namespace) -> None:
    faces, _held_out = read_faces(options.faces)
    task: Task
    if options.stage == "embedder":
        from converters.training.embedder import EmbedderTask

        schedule = Schedule(options.steps, batch=options.batch or 64, seed=options.seed)
        task = EmbedderTask(faces, schedule)
    else:
        from converters.training.swapper import SwapperTask

        schedule = Schedule(options.steps, batch=options.batch or 4, seed=options.seed)
        task = SwapperTask(faces, schedule, options.runs / "embedder")
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):  # the step is finished and kept first
        signal.signal(number, lambda *_: stopped.set())
    train(task, schedule, options.runs / options.stage, Progress(_print, stopped.is_set))


def _measure(options: argparse.Namespace) -> None:
    from converters.pictures import write_picture
    from converters.training.evaluate import contact_sheet, measure
    from converters.training.export import functions, shipped_functions

    _faces, held_out = read_faces(options.faces)
    crops = held_out.middle()
    with shipped_functions() if options.runs is None else nullcontext(functions(options.runs)) as (swap, embed):
        for name, value in asdict(measure(swap, embed, crops, options.pairs)).items():
            print(f"{name}: {value:.4f}" if isinstance(value, float) else f"{name}: {value}")
        sheet = contact_sheet(swap, embed, crops[3::12][:9], crops[::13][:7])
    write_picture(options.out, sheet, force=True)


def _export(options: argparse.Namespace) -> None:
    from converters.training import export

    swapper = export.swapper_network(read_average(options.runs / "swapper"))
    embedder = export.embedder_network(read_average(options.runs / "embedder"))
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "swapper.onnx").write_bytes(export.swapper_graph(swapper).SerializeToString())
    (options.out / "embedder.onnx").write_bytes(export.embedder_graph(embedder).SerializeToString())
    export.write_checkpoint(swapper, options.out / "swapper.pth")


def _draw(options: argparse.Namespace) -> None:
    from converters.training.export import functions
    from converters.training.people import People, write_pictures

    faces, _held_out = read_faces(options.faces)
    swap, embed = functions(options.runs)
    write_pictures(People.of(faces, embed, swap), options.out)


if __name__ == "__main__":
    sys.exit(main())
