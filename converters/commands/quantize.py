"""`quantize`: what calibration does to a model, layer by layer, before anything is converted."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from converters.errors import DestinationError
from converters.parameters import Value
from converters.progress import Progress

RECIPE_FILE, DATA_FILE = "recipe.json", "quantization.json"
_EPILOG = """\
Says what the calibration pictures cover and lack, the range of every layer, what int8 loses of the picture, and
with --blame which layers lose it. With --budget layers get more precise schemes until the loss holds. --out keeps a
recipe, from which `convert --recipe recipe.json --to mnn,tflite,coreml --precision int8 --out DIR` makes the files.

exit status: 0 done; 2 wrong usage; 4 not supported; 5 bad or unsafe input; 6 cancelled; 1 a bug or a crash"""


def add_arguments(commands: Any) -> argparse.ArgumentParser:
    """Add the command to a parser's commands and return it; imports nothing heavy."""
    command: argparse.ArgumentParser = commands.add_parser(
        "quantize",
        help="calibrate a model and say what int8 does to it, layer by layer",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument(
        "--calibration", metavar="PATH", help="photographs, crops, a video or .npz; the built-in crops unless told"
    )
    command.add_argument("--blame", action="store_true", help="measure every layer's part in the loss")
    command.add_argument(
        "--budget", metavar="LPIPS", type=float, help="choose schemes so that no more than this is lost on average"
    )
    command.add_argument(
        "--quantize", metavar="NAME=VALUE", action="append", default=[], help="any option of the step, repeatable"
    )
    command.add_argument("--out", metavar="DIR", type=Path, help=f"folder for {RECIPE_FILE} and {DATA_FILE}")
    command.add_argument("--force", action="store_true", help="replace existing files")
    return command


def execute(
    source: str,
    shapes: Mapping[str, tuple[int, ...]],
    trust: bool,
    values: dict[str, Value],
    options: argparse.Namespace,
    progress: Progress,
) -> dict[str, Any]:
    """Quantize a model in a worker and keep what was asked for.

    Args:
        source, shapes, trust: the model.
        values: options of the step.
        options: the command's own.
        progress: told about stages; may cancel.

    Returns:
        "quantization": plain data; "text": the same for a terminal; "recipe": plain data.

    Raises:
        StudioError: as the step does.
        DestinationError: the folder holds such files, or cannot be written.
    """
    from converters.recipe import Recipe, StepRequest
    from converters.worker_client import Worker

    if options.out is not None and not options.force:
        taken = [name for name in (RECIPE_FILE, DATA_FILE) if (options.out / name).exists()]
        if taken:
            raise DestinationError(
                f"{options.out} already holds {', '.join(taken)}.", "", "Choose another folder, or add --force."
            )
    recipe = Recipe(source, shapes=dict(shapes), steps=(StepRequest("quantize", values),))
    with Worker("quantize") as worker:
        result = worker.call("quantize_source", {"recipe": recipe.to_json(), "trust": trust}, progress)
    if options.out is not None:
        _keep(options.out, result, options.force)
    return result


def _keep(folder: Path, result: Mapping[str, Any], force: bool) -> None:
    from converters.destination import destination_errors
    from converters.files import write_text_atomically

    with destination_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, key in ((RECIPE_FILE, "recipe"), (DATA_FILE, "quantization")):
            write_text_atomically(folder / name, json.dumps(result[key], indent=2, allow_nan=False), force)
