"""`compare`: what a change to a model did to its pictures."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converters.progress import Progress

if TYPE_CHECKING:
    from converters.compare.comparison import Comparison

_EPILOG = """\
Every model runs in a process of its own on the same pictures and embeddings. The face models among them get faces
aligned as their family wants; a picture without a face, or one as small as the crop, is taken for the crop itself.

exit status: 0 measured; 2 the models do not correspond; 3 a candidate gives values that are not finite;
4 not supported; 5 bad or unsafe input; 6 cancelled; 1 a bug or a crash"""


def add_arguments(commands: Any) -> None:
    """Add the command to a parser's commands; imports nothing heavy."""
    command = commands.add_parser(
        "compare",
        help="measure what a change did to a model's pictures, and write a report to look at",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("original", metavar="ORIGINAL", help="a model or artifact of any kind, or `demo`")
    command.add_argument("candidate", metavar="CANDIDATE", help="what to compare with it")
    command.add_argument(
        "--candidate", dest="more", metavar="FILE", action="append", default=[], help="one more, repeatable"
    )
    command.add_argument("--images", metavar="DIR", type=Path, help="photographs or face crops; else built-in ones")
    command.add_argument("--pictures", metavar="N", type=int, default=64, help="at most so many; 64 unless told")
    command.add_argument("--embedder", metavar="FILE", type=Path, help="a recogniser to feed swappers and judge faces")
    command.add_argument("--html", metavar="FILE", type=Path, help="write a report that is one file")
    command.add_argument(
        "--overlays", metavar="DIR", type=Path, help="write original, candidate and heat map of the worst pictures"
    )
    command.add_argument("--runs", metavar="N", type=int, default=30, help="runs to time, 10 at least; 30 unless told")
    command.add_argument(
        "--threads", metavar="N", type=int, default=0, help="of each runtime; 0: as many as cores, at most 4"
    )
    command.add_argument("--shape", metavar="NAME=1,3,H,W", action="append", default=[], help="fix an input's size")
    command.add_argument("--trust", action="store_true", help="let files run code; only for files you trust")
    command.add_argument("--force", action="store_true", help="replace existing files")
    command.add_argument("--json", action="store_true", help="print one JSON object on standard output, nothing else")


def execute(options: argparse.Namespace, shapes: Mapping[str, tuple[int, ...]], progress: Progress) -> Comparison:
    """Carry out the command.

    Args:
        options: as parsed.
        shapes: from --shape.
        progress: told about stages.

    Raises:
        StudioError: as `converters.compare.engine.compare` does.
    """
    from converters.compare.engine import ReportFiles, Request, compare

    request = Request(
        original=options.original,
        candidates=(options.candidate, *options.more),
        images=options.images,
        pictures=options.pictures,
        shapes=shapes,
        trusted=dict.fromkeys([options.original, options.candidate, *options.more], "") if options.trust else {},
        embedder=options.embedder,
        runs=options.runs,
        threads=options.threads,
    )
    return compare(request, ReportFiles(options.html, options.overlays, options.force), progress)
