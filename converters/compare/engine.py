"""Run a comparison, read from top to bottom. This is the side that never runs native code.

Every model runs in a worker process of its own, one after the other, so that a crash costs its own candidate only and
no model is timed while another one runs.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from converters.compare.comparison import Candidate, Comparison
from converters.destination import taken
from converters.errors import StudioError, UsageError
from converters.files import Staging
from converters.progress import Progress
from converters.whole_progress import WholeProgress
from converters.worker_pool import WorkerPool
from converters.worker_schedule import Call

PICTURES = 64
RUNS = 30
_ORIGINAL, _JUDGE = "original", "measures"
_RUN, _JUDGE_TIME, _DRAW = 2.0, 2.0, 1.0  # how long the stages take, compared with one another


@dataclass(frozen=True)
class Request:
    """What to compare.

    Attributes:
        original: a model file of any kind, or `demo`.
        candidates: at least one, likewise.
        images: a folder of pictures; None for built-in crops.
        pictures: how many at most.
        shapes: sizes of inputs of source models, by name.
        trusted: paths, as given here, of source models that may run code, each with the SHA-256 of the contents for
            which a person said so, "" for any. Trust in one file says nothing of another.
        embedder: a face recogniser; None for the demo's where it fits.
        runs: how many to time, at least 10.
        threads: of each runtime; 0 for the usual number.
    """

    original: str
    candidates: tuple[str, ...]
    images: Path | None = None
    pictures: int = PICTURES
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    trusted: Mapping[str, str] = field(default_factory=dict)
    embedder: Path | None = None
    runs: int = RUNS
    threads: int = 0


@dataclass(frozen=True)
class ReportFiles:
    """Where a comparison is shown.

    Attributes:
        html: a file for the report, None for none.
        overlays: a folder for pictures of the worst frames with their heat maps, None for none.
        force: replace what is there.
        pictures: a folder for what both sides made of every picture, one file each, with heat maps, thumbnails and an
            index for programs (`compare_report.pictures`), None for none.
    """

    html: Path | None = None
    overlays: Path | None = None
    force: bool = False
    pictures: Path | None = None

    @property
    def wanted(self) -> dict[str, Path]:
        """What is to be written, by the end of the operation's name."""
        every = {"html": self.html, "overlays": self.overlays, "pictures": self.pictures}
        return {kind: path for kind, path in every.items() if path is not None}


def compare(
    request: Request,
    files: ReportFiles,
    progress: Progress | None = None,
    *,
    logs: Path | None = None,
    scratch: Path | None = None,
) -> Comparison:
    """Run every model on the same pictures and measure how far each candidate is from the original.

    Args:
        request: what to compare.
        files: what to write; nothing is written when the original cannot be run.
        progress: told about stages; may cancel.
        logs: a folder that keeps what the workers print; None to drop it.
        scratch: a folder for what lies on the disk meanwhile, which somebody tidies up when this process is killed;
            None for the system's folder for temporary files.

    Raises:
        UsageError: the request makes no sense.
        StudioError: the original cannot be opened or run.
        DestinationError: a file to write exists, or cannot be written.
        CancelledError: cancelled; nothing was written.
        WorkerError: the original's worker crashed.
    """
    _check(request, files)
    # running the original, then each candidate, then judging each, then what is drawn
    count, drawings = len(request.candidates), len(files.wanted)
    whole = WholeProgress(progress or Progress(), _RUN + count * (_RUN + _JUDGE_TIME) + drawings * _DRAW)
    start = time.monotonic()
    with ExitStack() as stack:
        staging = Path(stack.enter_context(TemporaryDirectory(prefix="ffstudio-compare-", dir=scratch)))
        pool = stack.enter_context(WorkerPool(lanes=1, log_folder=logs or staging / "logs"))
        common = {"staging": str(staging)}
        loading = {
            **common,
            "shapes": {name: list(shape) for name, shape in request.shapes.items()},
            "runs": request.runs,
            "threads": request.threads,
        }
        original = Call(
            "compare_original",
            {
                **loading,
                **_model(request.original, request),
                "images": str(request.images) if request.images else "",
                "pictures": request.pictures,
                "embedder": str(request.embedder) if request.embedder else "",
            },
        )
        running = whole.phase({_ORIGINAL: _RUN})
        outcomes = pool.run({_ORIGINAL: original}, running, essential=(_ORIGINAL,), ended=whole.ended)
        first = _finished(outcomes[_ORIGINAL])

        names = {number: _label(number, request) for number in range(1, len(request.candidates) + 1)}
        runs = {
            names[number]: Call("compare_candidate", {**loading, **_model(path, request), "number": number})
            for number, path in enumerate(request.candidates, 1)
        }
        sides = pool.run(runs, whole.phase(dict.fromkeys(runs, _RUN)), ended=whole.ended)
        judging = {
            names[number]: Call("compare_judge", {**common, "number": number}, worker=_JUDGE)
            for number in names
            if isinstance(sides[names[number]], dict)
        }
        judgements = pool.run(judging, whole.phase(dict.fromkeys(judging, _JUDGE_TIME)), ended=whole.ended)
        comparison = Comparison(
            original=first["side"],
            candidates=tuple(
                _candidate(path, sides[names[number]], judgements.get(names[number]))
                for number, path in enumerate(request.candidates, 1)
            ),
            names=tuple(first["names"]),
            pictures=first["pictures"],
            embeddings=first["embeddings"],
            notes=tuple(first["notes"]),
            seconds=time.monotonic() - start,
        )
        _write(comparison, files, common, pool, whole)
        return comparison


def _check(request: Request, files: ReportFiles) -> None:
    from converters.measure.latency import LEAST_RUNS

    if not request.candidates:
        raise UsageError("No candidate was given.", "", "Name the file to compare with the original.")
    if request.pictures < 1:
        raise UsageError(f"At least one picture is needed, not {request.pictures}.")
    if request.runs < LEAST_RUNS:
        raise UsageError(f"At least {LEAST_RUNS} timed runs are needed: fewer have no ninetieth percentile.")
    for path in files.wanted.values():
        if os.path.lexists(path) and not files.force and not _is_empty_folder(path):
            raise taken(path)


def _model(path: str, request: Request) -> dict[str, Any]:
    """Return the arguments that name a side's model and say whether its code may run."""
    return {"model": path, "trust": path in request.trusted, "sha256": request.trusted.get(path, "")}


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _label(number: int, request: Request) -> str:
    return "candidate" if len(request.candidates) == 1 else f"candidate {number}"


def _candidate(
    path: str, side: Mapping[str, Any] | StudioError, judgement: Mapping[str, Any] | StudioError | None
) -> Candidate:
    if isinstance(side, StudioError):
        return Candidate(path, error=side)
    if isinstance(judgement, StudioError) or judgement is None:
        return Candidate(path, side["side"], recipe=side["recipe"], error=judgement)
    return Candidate(path, side["side"], judgement, side["recipe"])


def _finished(outcome: dict[str, Any] | StudioError) -> dict[str, Any]:
    """Return what an essential job returned; its failure has been raised already."""
    assert not isinstance(outcome, StudioError)
    return outcome


def _write(
    comparison: Comparison, files: ReportFiles, common: Mapping[str, str], pool: WorkerPool, whole: WholeProgress
) -> None:
    """Have a worker draw all that was asked for, then move it into place: cancelled before that, nothing is there."""
    drawn: list[tuple[Staging, Path, Path]] = []
    with ExitStack() as stack:
        for kind, path in files.wanted.items():
            staging = stack.enter_context(Staging(path.absolute().parent))
            staged = staging.path / kind
            call = Call(
                f"compare_{kind}", {**common, "comparison": comparison.to_json(), "path": str(staged)}, worker=_JUDGE
            )
            pool.run({"report": call}, whole.phase({"report": _DRAW}), essential=("report",), ended=whole.ended)
            drawn.append((staging, staged, path))
        for staging, staged, path in drawn:
            staging.place(staged, path.name, force=files.force or _is_empty_folder(path))
