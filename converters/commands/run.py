"""`run`: a model on real pictures: faces swapped, found, marked, enhanced, masked or compared."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters.errors import UsageError, did_you_mean
from converters.progress import Progress

_EPILOG = """\
A swapper puts the face of --source on the faces of --target. Detectors and landmarkers draw what they find, recognisers
compare the faces of --target with --source, enhancers and other networks that draw pictures write the picture, maskers
the mask. `run demo --out FILE` shows the built-in faces: a sheet for a picture, a clip for a video.

exit status: 0 done; 2 wrong usage; 4 this model is not supported; 5 bad input, a picture without a face among it;
6 cancelled; 1 a bug or a crash"""
_DEMO = "demo"
# those of the pipeline's options that have a name of their own here; all others go through --option
_OWN = (
    ("detector", "FILE", "model that finds faces; the one that comes along if absent"),
    ("landmarker", "FILE", "model that finds 68 points, or `none`"),
    ("embedder", "FILE", "model that knows faces again; most swappers need ArcFace"),
    ("converter", "FILE", "crossface network, for the swappers that need one"),
    ("enhancer", "FILE", "model that redraws the faces after the swap"),
    ("occluder", "FILE", "model for the occlusion mask"),
    ("region-masker", "FILE", "model for the region mask"),
    ("family", "NAME", "what the model is, for a file that does not tell"),
    ("mask", "KINDS", "comma-separated, of box (default), occlusion, area, region"),
    ("blend", "HOW", "feather (default), poisson or pyramid"),
    ("faces", "WHICH", "one, many (default) or reference"),
    ("pixel-boost", "N", "times the swapper's pixels a side"),
)
_FILES = ("detector", "landmarker", "embedder", "converter", "enhancer", "occluder", "region_masker")


def add_arguments(commands: Any) -> None:
    """Add the command to a parser's commands; imports nothing heavy."""
    command = commands.add_parser(
        "run",
        help="run a model on pictures or videos: swap faces, find them, enhance them",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("model", metavar="MODEL", nargs="?", help="a model or artifact of any kind, or `demo`")
    command.add_argument(
        "--source", metavar="FACE", nargs="+", default=[], help="pictures of the person whose face is to appear"
    )
    command.add_argument("--target", metavar="FILE", default="", help="a picture, a video or a folder of pictures")
    command.add_argument("--out", metavar="FILE", type=Path, help="the result, of the target's kind")
    for name, metavar, words in _OWN:
        command.add_argument(f"--{name}", metavar=metavar, default=None, help=words)
    command.add_argument("--reference", metavar="FACE", default="", help="who is replaced, for --faces reference")
    command.add_argument(
        "--option", metavar="NAME=VALUE", action="append", default=[], help="any option of the pipeline, repeatable"
    )
    command.add_argument("--options", action="store_true", help="list the options of the pipeline and stop")
    command.add_argument("--threads", metavar="N", type=int, default=0, help="of native libraries; all cores if absent")
    command.add_argument("--trust", action="store_true", help="let the model's file run code; only for files you trust")
    command.add_argument("--force", action="store_true", help="replace existing files")
    command.add_argument("--json", action="store_true", help="print one JSON object on standard output, nothing else")


@dataclass(frozen=True)
class Run:
    """What became of a run.

    Attributes:
        model, target: as given.
        out: the result, None where none was asked for.
        result: of the operation `run_model`.
    """

    model: str
    target: str
    out: Path | None
    result: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        out = None if self.out is None else str(self.out)
        return {"exit_status": 0, "model": self.model, "target": self.target, "out": out, **self.result}

    def as_text(self) -> str:
        """Return sentences for people."""
        lines = [*_findings(self.result), *self.result["warnings"]]
        if self.out is not None:
            lines.append(f"Written: {self.out}")
        return "\n".join(lines)


def execute(options: argparse.Namespace, progress: Progress) -> Run:
    """Carry out the command in a worker process; the result appears when it is complete.

    Raises:
        UsageError: something is missing or contradicts itself.
        StudioError: as the operation `run_model` does.
    """
    from converters.files import Staging
    from converters.worker_client import Worker

    if not options.model:
        raise UsageError("No model was given.", "", "Name a file, or `demo`.")
    out: Path | None = options.out
    is_folder = _check_out(options)
    arguments = {
        "model": _absolute(options.model),
        "sources": [_absolute(source) for source in options.source],
        "target": _absolute(options.target),
        "reference": _absolute(options.reference),
        "staged": "",
        "out": str(out),
        "options": _pipeline_options(options),
        "trust": options.trust,
    }
    with ExitStack() as stack:
        worker = stack.enter_context(Worker("run", threads=options.threads))
        if out is None:
            result = worker.call("run_model", arguments, progress)
        else:
            # staging is ours, so that nothing stays when the worker is stopped in the middle
            staging = stack.enter_context(Staging(out if is_folder else out.absolute().parent))
            staged = staging.path.absolute() / ("results" if is_folder else f"result{out.suffix.lower()}")
            result = worker.call("run_model", {**arguments, "staged": str(staged)}, progress)
            finished = sorted(staged.iterdir()) if is_folder else [staged]
            for file in finished:
                staging.place(file, file.name if is_folder else out.name, force=options.force)
    return Run(options.model, options.target, out, result)


def options_text() -> str:
    """Return the options of the pipeline, one a line."""
    from converters.face.options import PARAMETERS

    lines = []
    for parameter in PARAMETERS:
        limits = f", {parameter.minimum:g} to {parameter.maximum:g}" if parameter.maximum is not None else ""
        choices = f", of {', '.join(map(str, parameter.choices))}" if parameter.choices else ""
        default = "empty" if parameter.default == "" else str(parameter.default).lower()
        lines.append(f"{parameter.name}  {parameter.help} ({default} unless told{choices}{limits})")
    return "\n".join(lines)


def _pipeline_options(options: argparse.Namespace) -> dict[str, Any]:
    """Return the pipeline's options in their types, checked before anything is opened."""
    from converters.face.options import NO_LANDMARKER, PARAMETERS, face_options

    texts: dict[str, str] = {}
    for text in options.option:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"--option {text!r} is not of the form NAME=VALUE.")
        texts[name.replace("-", "_")] = value
    for name, _, _ in _OWN:
        value = getattr(options, name.replace("-", "_"))
        if value is not None:
            texts[name.replace("-", "_")] = value
    known = {parameter.name: parameter for parameter in PARAMETERS}
    for name in texts:
        if name not in known:
            raise UsageError(f"run has no option {name!r}.", "", did_you_mean(name, known))
    values = {name: known[name].parse(text, "run") for name, text in texts.items()}
    if options.reference and "faces" not in values:
        values["faces"] = "reference"
    face_options(values)
    for name in _FILES:
        if name in values and not (name == "landmarker" and values[name] == NO_LANDMARKER):
            values[name] = _absolute(str(values[name]))
    return values


def _check_out(options: argparse.Namespace) -> bool:
    """Say whether the result is a folder; refuse an --out that does not fit the target, or is taken."""
    from converters.destination import taken
    from converters.pictures import WRITABLE_SUFFIXES, writable_suffix
    from converters.video import WRITABLE_VIDEO_SUFFIXES, is_video, writable_video_suffix

    out: Path | None = options.out
    if out is None:
        return False
    given = [Path(text) for text in (options.target, *options.source, options.reference) if text]
    if any(path.exists() and out.exists() and path.samefile(out) for path in given):
        raise UsageError(f"--out {out} is also what is read.", "", "Choose another name: originals are not replaced.")
    if not options.target:
        kinds = (*WRITABLE_SUFFIXES, *WRITABLE_VIDEO_SUFFIXES)
        if out.suffix and not out.is_dir() and out.suffix.lower() not in kinds:
            raise UsageError(f"--out {out.name} ends in no known kind.", "", did_you_mean(out.suffix, kinds))
        is_folder = out.is_dir() or not out.suffix
    else:
        target = Path(options.target)
        is_folder = target.is_dir()
        if not is_folder:
            (writable_video_suffix if is_video(target) else writable_suffix)(out)
        elif os.path.lexists(out) and not out.is_dir():
            raise UsageError(f"--out {out} is a file, --target a folder.", "", "Give a folder for the results.")
    if not is_folder and os.path.lexists(out) and not options.force:
        raise taken(out)
    return is_folder


def _absolute(text: str) -> str:
    return text if text in ("", _DEMO) else str(Path(text).absolute())


def _findings(result: dict[str, Any]) -> Sequence[str]:
    """Return what was found or done, in sentences."""
    if result["kind"] == "recogniser":
        return [
            f"{Path(item['source']).name}: cosine "
            + ", ".join(f"{value:.4f}" for value in item["cosines"])
            + " to the faces of the target, the largest first"
            for item in result["cosines"]
        ]
    lines = []
    if result["kind"] in ("detector", "landmarker") and result["frames"] == 1:
        for face in result["found"][0]["faces"]:
            box = ", ".join(f"{value:.0f}" for value in face["box"])
            points = " ".join(f"({x:.0f}, {y:.0f})" for x, y in face["points"])
            lines.append(f"box {box}  score {face['score']:.2f}  points {points}")
    frames = "1 frame" if result["frames"] == 1 else f"{result['frames']} frames"
    summary = f"{frames}, {result['faces']} faces found, {result['treated']} treated"
    if result["frames_without_faces"] and result["kind"] not in ("frame enhancer", "picture"):
        summary += f"; {result['frames_without_faces']} without a face"
    lines.append(f"{summary}.")
    times = result["milliseconds"]
    if times:
        stages = ", ".join(f"{stage} {value:.1f}" for stage, value in times.items() if stage != "total")
        lines.append(f"Median milliseconds a frame: total {times['total']:.1f} ({stages}).")
    return lines
