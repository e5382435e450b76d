"""`quantize`: what calibration does to a model, layer by layer, before anything is converted."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converters.errors import DestinationError, TakenError
from converters.parameters import Value
from converters.progress import Progress

if TYPE_CHECKING:
    from converters.files import Staging

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
        "--budget",
        metavar="LPIPS",
        type=float,
        help="choose schemes so that 16 calibration samples lose no more than this on average, nor twice this at 95 %%",
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

    recipe = Recipe(source, shapes=dict(shapes), steps=(StepRequest("quantize", values),))
    with ExitStack() as stack:
        # Before the work: whoever waited for it should not learn only then that it cannot be kept.
        staging = stack.enter_context(_open(options.out, options.force)) if options.out is not None else None
        with Worker("quantize") as worker:
            result = worker.call("quantize_source", {"recipe": recipe.to_json(), "trust": trust}, progress)
        if staging is not None:
            _keep(staging, result, options.force)
    return result


def _open(folder: Path, force: bool) -> Staging:
    """Return the way into a folder, which is made when it is entered.

    Raises:
        DestinationError: a file is there, or the folder holds such files.
    """
    from converters.files import Staging

    if folder.exists() and not folder.is_dir():
        raise DestinationError(
            f"{folder} is a file, not a folder.", "", f"Give --out a folder for {RECIPE_FILE} and {DATA_FILE}."
        )
    found = [name for name in (RECIPE_FILE, DATA_FILE) if os.path.lexists(folder / name)]
    if found and not force:
        raise TakenError(f"{folder} already holds {', '.join(found)}.", "", "Replace it, or choose another folder.")
    return Staging(folder)


def _keep(staging: Staging, result: Mapping[str, Any], force: bool) -> None:
    """Place both files; they are written before the first of them is placed."""
    from converters.destination import destination_errors

    contents = {RECIPE_FILE: result["recipe"], DATA_FILE: result["quantization"]}
    for name, content in contents.items():
        with destination_errors(staging.destination / name):
            text = json.dumps(content, indent=2, allow_nan=False)
            (staging.path / name).write_text(text, encoding="utf-8", newline="\n")
    for name in contents:
        staging.place(staging.path / name, name, force=force)
