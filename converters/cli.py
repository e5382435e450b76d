"""The command line: `inspect`, `convert`, `quantize`, `compare`, `run`."""

from __future__ import annotations

import argparse
import json
import math
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from converters.commands import compare, quantize, run
from converters.commands.speaking import ProgressPrinter, print_result, report_error
from converters.errors import CancelledError, StudioError, UsageError, did_you_mean
from converters.progress import Progress

if TYPE_CHECKING:
    from converters.parameters import Parameter, Value
    from converters.recipe import Recipe, TargetRequest

STAGE_SECONDS = 3600.0
_TARGETS = "mnn,tflite,coreml,onnx"
_EXIT_STATUS = """\
exit status: 0 done and verified; 2 wrong usage; 3 verification failed (the files stay, named *.unverified);
4 this model or option is not supported; 5 bad or unsafe input; 6 cancelled; 1 a bug"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[:1].upper()}{message[1:]}.", "", f"See `{self.prog} --help`.")


def parser() -> argparse.ArgumentParser:
    """Return the command line's grammar; imports nothing heavy."""
    top = _Parser(
        prog="main.py",
        description="Compress, convert and compare face models for phones.\n\n"
        "Without a command the window opens: main.py [--demo | --project FILE | MODEL] [--source SOURCE].\n"
        "SOURCE (clip, camera:0, a video, a picture, a folder) opens the live comparison.",
        epilog=_EXIT_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)

    inspect = commands.add_parser("inspect", help="say what a model is, what it costs and what will not survive")
    _source_arguments(inspect)

    convert = commands.add_parser(
        "convert",
        help="write verified .mnn, .tflite, .mlpackage and .onnx files",
        epilog=_EXIT_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _source_arguments(convert, optional=True)
    convert.add_argument("--to", metavar="TARGETS", help=f"comma-separated, of {_TARGETS}")
    convert.add_argument("--out", metavar="DIR", type=Path, help="folder for the files and report.json")
    convert.add_argument(
        "--precision",
        metavar="P",
        default=None,
        help="comma-separated, of fp32 (default), fp16, int8 (calibrated), int8-weights, int4-weights, int8-dynamic, "
        "palette; not every target has all",
    )
    convert.add_argument(
        "--images", metavar="DIR", default=None, help="face crops to verify on; the built-in ones if absent"
    )
    convert.add_argument(
        "--calibration",
        metavar="PATH",
        default=None,
        help="photographs, a video or .npz to calibrate int8 by; a folder of pictures is verified on too",
    )
    convert.add_argument(
        "--quantize",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="an option of the step quantize, repeatable; see --options",
    )
    convert.add_argument(
        "--timeout", metavar="SECONDS", type=float, default=STAGE_SECONDS, help="for each stage; one hour unless told"
    )
    convert.add_argument(
        "--option", metavar="TARGET.NAME=VALUE", action="append", default=[], help="an option of a target, repeatable"
    )
    convert.add_argument("--options", action="store_true", help="list the options of the targets and stop")
    convert.add_argument(
        "--step", metavar="STEP", action="append", default=[], help="simplify, rewrite or quantize, repeatable"
    )
    convert.add_argument("--recipe", metavar="FILE", type=Path, help="read steps and targets from a recipe")
    convert.add_argument("--force", action="store_true", help="replace existing files")
    _source_arguments(quantize.add_arguments(commands))
    compare.add_arguments(commands)
    run.add_arguments(commands)
    return top


def _source_arguments(command: argparse.ArgumentParser, *, optional: bool = False) -> None:
    command.add_argument(
        "model",
        metavar="MODEL",
        nargs="?" if optional else None,
        help="a model file or folder, FILE.py:FACTORY, or `demo` for the built-in one",
    )
    command.add_argument(
        "--shape",
        metavar="NAME=1,3,H,W",
        action="append",
        default=[],
        help="fix an input with dynamic axes, repeatable",
    )
    command.add_argument("--trust", action="store_true", help="let the file run code; only for files you trust")
    command.add_argument("--json", action="store_true", help="print one JSON object on standard output, nothing else")


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status. Sentences and progress go to standard error."""
    is_json = "--json" in arguments
    try:
        with _terminable():
            options = parser().parse_args(list(arguments))
            if options.command is None:
                raise UsageError("No command was given.", "", "See `main.py --help`.")
            return _COMMANDS[options.command](options)
    except KeyboardInterrupt:
        return report_error(CancelledError("Cancelled.", "", "Nothing was written."), is_json)
    except StudioError as error:
        return report_error(error, is_json)


@contextmanager
def _terminable() -> Iterator[None]:
    """Let the system's wish to end (SIGTERM) end the block as Ctrl-C does, so that nothing half-done stays.

    Only the main thread gets signals; where somebody else sees to this one already, it stays theirs.
    """
    is_ours = (
        threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    )
    if is_ours:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        if is_ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def parse_shapes(texts: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Return the shapes written as NAME=1,3,H,W; UsageError for anything else."""
    shapes = {}
    for text in texts:
        name, equals, sizes = text.rpartition("=")
        try:
            shape = tuple(int(size) for size in sizes.split(","))
        except ValueError:
            shape = ()
        if not equals or not name or not shape or min(shape) < 1:
            raise UsageError(f"--shape {text!r} is not of the form NAME=1,3,H,W.")
        shapes[name] = shape
    return shapes


def _inspect(options: argparse.Namespace) -> int:
    from converters.worker_client import Worker

    arguments = {"source": options.model, "shapes": parse_shapes(options.shape), "trust": options.trust}
    with Worker("inspect") as worker:
        result = worker.call("inspect_source", arguments, Progress(ProgressPrinter()))
    print_result(json.dumps(result["inspection"], allow_nan=False) if options.json else result["text"])
    return 0


def _convert(options: argparse.Namespace) -> int:
    from converters.pipeline import convert
    from converters.report import as_text

    if options.options:
        from converters.report import options_text

        print_result(options_text())
        return 0
    if options.out is None:
        raise UsageError("No folder for the files was given.", "", "Say --out DIR.")
    if not 0 < options.timeout < math.inf:
        raise UsageError(f"--timeout must be a positive number of seconds, not {options.timeout}.")
    conversion = convert(
        recipe_from(options),
        options.out,
        trust=options.trust,
        force=options.force,
        timeout=options.timeout,
        progress=Progress(ProgressPrinter()),
    )
    print_result(json.dumps(conversion.to_json(), allow_nan=False) if options.json else as_text(conversion))
    return conversion.exit_status


def _quantize(options: argparse.Namespace) -> int:
    from converters.registry import step

    values = _step_options(options.quantize, "quantize", step("quantize").parameters)
    given = {"calibration": options.calibration, "budget": options.budget, "blame": options.blame or None}
    values |= {name: value for name, value in given.items() if value is not None}
    result = quantize.execute(
        options.model, parse_shapes(options.shape), options.trust, values, options, Progress(ProgressPrinter())
    )
    print_result(json.dumps(result["quantization"], allow_nan=False) if options.json else result["text"])
    return 0


def _compare(options: argparse.Namespace) -> int:
    from converters.compare.text import as_text

    comparison = compare.execute(options, parse_shapes(options.shape), Progress(ProgressPrinter()))
    print_result(json.dumps(comparison.to_json(), allow_nan=False) if options.json else as_text(comparison))
    return comparison.exit_status


def _run(options: argparse.Namespace) -> int:
    if options.options:
        print_result(run.options_text())
        return 0
    done = run.execute(options, Progress(ProgressPrinter()))
    print_result(json.dumps(done.to_json(), allow_nan=False) if options.json else done.as_text())
    return 0


def recipe_from(options: argparse.Namespace) -> Recipe:
    """Return the recipe that the command line asks for: the one of --recipe, overridden by what is given beside it."""
    from dataclasses import replace

    from converters.recipe import Recipe, StepRequest

    recipe = Recipe.read(options.recipe) if options.recipe else Recipe(source="")
    if options.model:
        recipe = recipe.with_source(options.model)
    if not recipe.source:
        raise UsageError("No model was given.", "", "Name a file, or `demo`.")
    if options.shape:
        recipe = replace(recipe, shapes={**recipe.shapes, **parse_shapes(options.shape)})
    if options.step:
        recipe = replace(recipe, steps=tuple(StepRequest(name) for name in options.step))
    given = _target_options(options.option)
    if options.to or options.precision:
        recipe = replace(recipe, targets=_requested(recipe.targets, options.to, options.precision))
    recipe = _quantized(recipe, options.quantize, options.calibration)
    images = options.images if options.images is not None else _pictures_to_verify_on(recipe, options.calibration)
    if images is not None:
        recipe = replace(recipe, verification=replace(recipe.verification, images=images))
    unused = sorted(set(given) - {item.target for item in recipe.targets})
    if unused:
        raise UsageError(f"--option names {', '.join(unused)}, which is not among the targets.", "", "Add it to --to.")
    return replace(
        recipe,
        targets=tuple(replace(item, options={**item.options, **given.get(item.target, {})}) for item in recipe.targets),
    )


def _pictures_to_verify_on(recipe: Recipe, calibration: str | None) -> str | None:
    """Return the calibration's folder where it holds pictures, which a video or saved arrays are not.

    Where nothing is calibrated, verifying is all it can be meant for.
    """
    from converters.pictures import pictures_in

    if calibration is None or not recipe.is_quantized:
        return calibration
    folder = Path(calibration)
    return calibration if folder.is_dir() and pictures_in(folder) else None


def _quantized(recipe: Recipe, texts: Sequence[str], calibration: str | None) -> Recipe:
    """Return the recipe with the options of its step quantize, which is added where a target needs it."""
    from dataclasses import replace

    from converters.registry import step

    recipe = recipe.with_quantization()
    if not recipe.is_quantized:
        if texts:
            raise UsageError("--quantize was given, but nothing is quantized.", "", "Add --precision int8.")
        return recipe
    values = _step_options(texts, "quantize", step("quantize").parameters)
    if calibration is not None:
        values["calibration"] = calibration
    steps = [
        replace(item, options={**item.options, **values}) if item.step == "quantize" else item for item in recipe.steps
    ]
    return replace(recipe, steps=tuple(steps))


def _step_options(texts: Sequence[str], owner: str, parameters: Sequence[Parameter]) -> dict[str, Value]:
    """Return values written as NAME=VALUE, in the types that a step's parameters declare."""
    known = {parameter.name: parameter for parameter in parameters}
    values = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"--{owner} {text!r} is not of the form NAME=VALUE.")
        if name not in known:
            raise UsageError(f"The step {owner} has no option {name!r}.", "", did_you_mean(name, known))
        values[name] = known[name].parse(value, f"The step {owner}")
    return values


def _requested(
    known: tuple[TargetRequest, ...], targets: str | None, precisions: str | None
) -> tuple[TargetRequest, ...]:
    """Return requests for the targets and precisions asked for; what the recipe says of each of them stays."""
    from converters.recipe import TargetRequest, parse_precision
    from converters.targets.base import Precision

    wanted = [parse_precision(text, "--precision") for text in precisions.split(",")] if precisions else []
    requests = []
    for target in targets.split(",") if targets else list(dict.fromkeys(item.target for item in known)):
        of_recipe = [item for item in known if item.target == target]
        for precision in wanted or [item.precision for item in of_recipe] or [Precision.FP32]:
            same = [item for item in of_recipe if item.precision is precision] or of_recipe
            requests.append(TargetRequest(target, precision, dict(same[0].options) if same else {}))
    return tuple(requests)


def _target_options(texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the values of --option by target, in the types that the targets' parameters declare."""
    from converters.registry import exporter

    values: dict[str, dict[str, Any]] = {}
    for text in texts:
        path, equals, value = text.partition("=")
        target, dot, name = path.partition(".")
        if not equals or not dot:
            raise UsageError(f"--option {text!r} is not of the form TARGET.NAME=VALUE.")
        known = {parameter.name: parameter for parameter in exporter(target).parameters}
        if name not in known:
            raise UsageError(f"{target} has no option {name!r}.", "", did_you_mean(name, known))
        values.setdefault(target, {})[name] = known[name].parse(value, target)
    return values


_COMMANDS = {"inspect": _inspect, "convert": _convert, "quantize": _quantize, "compare": _compare, "run": _run}
