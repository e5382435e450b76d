"""`run`: a model on real pictures: faces swapped, found, marked, enhanced, masked or compared."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters.builtin import DEMO_GALLERY, DEMO_NAME
from converters.errors import BadInputError, UsageError, did_you_mean
from converters.progress import Progress

_EPILOG = """\
A swapper puts the face of --source on the faces of --target. `--source A.jpg A2.jpg` are pictures of one person,
`--source A.jpg --source B.jpg` two: whoever appears first in the target gets the first, the next the second, in a
picture from left to right. Detectors and landmarkers draw what they find, recognisers compare the faces of --target
with --source, enhancers and other networks that draw pictures write the picture, maskers the mask. `run demo --out
FILE` shows the built-in faces: a sheet for a picture, a clip for a video.

exit status: 0 done; 2 wrong usage; 4 this model is not supported; 5 bad input, a picture without a face among it;
6 cancelled; 1 a bug or a crash"""
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
        "--source",
        metavar="FACE",
        nargs="+",
        action="append",
        default=[],
        help="pictures of the person whose face is to appear; repeat --source for each further person",
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
    if options.threads < 0:
        raise UsageError(f"--threads must be a number of threads, not {options.threads}.", "", "0 is for all cores.")
    is_folder = _check_out(options)
    arguments = {
        "model": _absolute(options.model),
        "sources": [[_absolute(path) for path in person] for person in options.source],
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
            finished = sorted(staged.iterdir()) if staged.is_dir() else [staged] if staged.is_file() else []
            if not finished:
                result["warnings"].append(f"Nothing was written to {out}.")
                out = None
            for file in finished:
                staging.place(file, file.name if is_folder else options.out.name, force=options.force)
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
    if options.reference and values.setdefault("faces", "reference") != "reference":
        raise UsageError(
            f"--reference and --faces {values['faces']} exclude each other.",
            "A reference says whose face is replaced, and whose is not.",
            "Leave one of them out.",
        )
    face_options(values)
    for name in _FILES:
        if values.get(name) and not (name == "landmarker" and values[name] == NO_LANDMARKER):
            values[name] = _absolute(str(values[name]))
            _require_file(str(values[name]))
    return values


def _require_file(text: str) -> None:
    """Refuse what is not there, even where it would not be used: somebody believes that it is.

    Raises:
        BadInputError: no such file.
    """
    from converters.model.sniffing import split_factory

    factory = split_factory(text)
    path = Path(text) if factory is None or Path(text).exists() else factory[0]
    if text not in ("", DEMO_NAME) and not path.exists():
        raise BadInputError(f"{text} does not exist.", "", "Check the path.")


def _check_out(options: argparse.Namespace) -> bool:
    """Say whether the result is a folder; refuse an --out that does not fit the target, or is taken."""
    from converters.destination import taken
    from converters.face.folders import result_names
    from converters.pictures import WRITABLE_SUFFIXES, pictures_in
    from converters.video import WRITABLE_VIDEO_SUFFIXES

    out: Path | None = options.out
    if out is None:
        return False
    given = [Path(text) for text in (options.target, *_pictures(options), options.reference) if text]
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
            _check_kind(target, out)
        elif os.path.lexists(out) and not out.is_dir():
            raise UsageError(f"--out {out} is a file, --target a folder.", "", "Give a folder for the results.")
    if not is_folder and os.path.lexists(out) and not options.force:
        raise taken(out)
    if is_folder and out.is_dir() and not options.force:
        folder = Path(options.target) if options.target else DEMO_GALLERY
        for name in result_names(pictures_in(folder)).values() if folder.is_dir() else ():
            if os.path.lexists(out / name):
                raise taken(out / name)
    return is_folder


def _check_kind(target: Path, out: Path) -> None:
    """Refuse a picture as the result of a video and the other way round."""
    from converters.pictures import WRITABLE_SUFFIXES, writable_suffix
    from converters.video import WRITABLE_VIDEO_SUFFIXES, is_video, writable_video_suffix

    suffix = out.suffix.lower()
    if is_video(target) and suffix in WRITABLE_SUFFIXES:
        raise UsageError(
            f"--out {out.name} is a kind of picture, --target a video.", "", f"Name it {out.stem}.mp4, for one."
        )
    if not is_video(target) and suffix in (*WRITABLE_VIDEO_SUFFIXES, ".webm", ".gif"):
        raise UsageError(
            f"--out {out.name} is a kind of video, --target a picture.", "", f"Name it {out.stem}.png, for one."
        )
    (writable_video_suffix if is_video(target) else writable_suffix)(out)


def _pictures(options: argparse.Namespace) -> list[str]:
    """Return all --source files of all people."""
    return [path for person in options.source for path in person]


def _absolute(text: str) -> str:
    return text if text in ("", DEMO_NAME) else str(Path(text).absolute())


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
    summary = (
        f"{_count(result['frames'], 'frame')}, {_count(result['faces'], 'face')} found, {result['treated']} treated"
    )
    if result["frames_without_faces"] and result["kind"] not in ("frame enhancer", "picture"):
        summary += f"; {result['frames_without_faces']} without a face"
    lines.append(f"{summary}.")
    times = result["milliseconds"]
    if times:
        stages = ", ".join(f"{stage} {value:.1f}" for stage, value in times.items() if stage != "total")
        lines.append(f"Median milliseconds a frame: total {times['total']:.1f} ({stages}).")
    return lines


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"
