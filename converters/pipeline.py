"""From a recipe to verified files, read from top to bottom.

This is the side that never runs native code: it hands stages to worker processes, moves what they made out of
staging, and writes the report. A worker's crash costs its own target only.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from converters.conversion import Artifact, Conversion
from converters.destination import destination_errors, require_space
from converters.errors import (
    StudioError,
    TakenError,
    UsageError,
    error_from_json,
)
from converters.files import Staging
from converters.fingerprints import sha256_of, size_of
from converters.memory import available_memory, require_memory
from converters.progress import Progress
from converters.recipe import Recipe, TargetRequest
from converters.registry import exporter
from converters.stages import HOST_MATRIX_FILE
from converters.targets.base import Precision
from converters.whole_progress import WholeProgress
from converters.worker_log import LogsSince
from converters.worker_pool import WorkerPool
from converters.worker_schedule import Call

REPORT_FILE = "report.json"
LOG_FILE = "convert.log"
UNVERIFIED = ".unverified"
_LEAST_SPACE = 16_000_000
_LANES = 2
# Seconds that the demo model takes, warm; only how they compare matters.
_EXPORT_SECONDS = {"mnn": 1.0, "tflite": 18.0, "coreml": 5.0, "onnx": 0.5}
_PREPARE_SECONDS, _STEP_SECONDS, _COLD_SECONDS = 3.0, {"quantize": 40.0}, 8.0
_REFERENCE_SECONDS, _SCAN_SECONDS, _VERIFY_SECONDS = 2.0, 3.0, 3.0


_Outcome = dict[str, Any] | StudioError


def artifact_name(stem: str, request: TargetRequest) -> str:
    """Return the file name of an artifact: inswapper_128-fp16.mlpackage."""
    return f"{stem}-{request.precision}{exporter(request.target).suffix}"


def host_matrix_name(stem: str) -> str:
    """Return the file name of the matrix that host programs multiply embeddings by: inswapper_128-emap.npy."""
    return f"{stem}-{HOST_MATRIX_FILE}"


def stem_of(source: str) -> str:
    """Return the file stem artifacts of `source` are named by."""
    path = Path(source)
    stem = path.name.partition(":")[0]
    for suffix in (".onnx", ".pth", ".pt", ".pt2", ".ckpt", ".tar", ".safetensors", ".zip", ".py"):
        stem = stem.removesuffix(suffix)
    return stem or "model"


def convert(
    recipe: Recipe,
    destination: Path,
    *,
    trust: bool = False,
    force: bool = False,
    keep_going: bool = False,
    timeout: float | None = None,
    progress: Progress | None = None,
    pool: WorkerPool | None = None,
) -> Conversion:
    """Carry out a recipe and write its files, the report and the log into `destination`.

    Args:
        recipe: with a source and at least one target.
        destination: made if missing.
        trust: whether the source may run code.
        force: whether existing files may be replaced.
        keep_going: whether the other files are still made where a target cannot express the model; its artifact has
            the error.
        timeout: seconds for each stage, None for no limit.
        progress: told about stages; may cancel.
        pool: warm workers to use; None starts some and ends them.

    Raises:
        UsageError: the recipe lacks something.
        UnsupportedError: a target cannot express the model (none can, with `keep_going`); said before anything is
            converted.
        BadInputError, UnsafeInputError: the source cannot be used.
        DestinationError: the destination cannot be written to, or holds files of these names.
        CancelledError: cancelled; nothing was written.
        WorkerError: the first stage's worker crashed.
    """
    report = progress or Progress()
    if not recipe.targets:
        raise UsageError("The recipe names no target.", "", "Choose at least one of mnn, tflite, coreml and onnx.")
    recipe = recipe.with_quantization()
    names = {request.name: artifact_name(stem_of(recipe.source), request) for request in recipe.targets}
    if len(names) < len(recipe.targets):
        raise UsageError("The recipe names the same target and precision twice.")
    if not force:
        _refuse_existing(destination, [*names.values(), host_matrix_name(stem_of(recipe.source))])
    start = time.monotonic()
    with Staging(destination) as staging:
        own_pool = None if pool else WorkerPool(lanes=_LANES, log_folder=staging.path / "logs")
        workers = pool or own_pool
        assert workers is not None
        printed = LogsSince(workers.log_folder)  # warm workers have printed for others before
        try:
            conversion = _run(recipe, staging.path, trust, keep_going, timeout, report, workers, start)
        finally:
            if own_pool:
                own_pool.close()
        logs = printed.text()
        with _uninterrupted():
            return _place(conversion, staging, names, force, logs)


def _refuse_existing(destination: Path, names: Collection[str]) -> None:
    wanted = [*names, *(f"{name}{UNVERIFIED}" for name in names), REPORT_FILE, LOG_FILE]
    taken = [name for name in wanted if os.path.lexists(destination / name)]
    if taken:
        raise TakenError(
            f"{destination.name or destination} already holds {', '.join(taken)}.",
            "",
            "Replace them, or choose another folder.",
        )


def _run(
    recipe: Recipe,
    staging: Path,
    trust: bool,
    keep_going: bool,
    timeout: float | None,
    progress: Progress,
    workers: WorkerPool,
    start: float,
) -> Conversion:
    common = {"staging": str(staging)}
    workers.peak_memory = 0
    planned = _expected(recipe, workers)
    whole = WholeProgress(progress, sum(sum(phase.values()) for phase in planned))
    prepare = Call("prepare", {**common, "recipe": recipe.to_json(), "trust": trust})
    # While the model is loaded, the workers that need heavy libraries can already import them.
    targets = {request.target for request in recipe.targets}
    warming = {target: Call("warm_target", {"target": target}) for target in sorted(targets & {"tflite", "coreml"})}
    first = workers.run(
        {"source": prepare, **warming}, whole.phase(planned[0]), timeout, essential=("source",), ended=whole.ended
    )
    prepared = _finished(first["source"])
    refused = {name: error_from_json(error) for name, error in prepared["problems"].items() if error}
    requests = {request.name: request for request in recipe.targets if request.name not in refused}
    if refused and not (keep_going and requests):
        raise next(iter(refused.values()))
    memory = {name: prepared["memory"][name] for name in requests}
    _fit_into_memory(memory, workers)
    # Each converter writes its file, and some an intermediate copy of the weights beside it.
    require_space(staging.parent, _LEAST_SPACE + int(1.5 * prepared["parameters"] * len(requests)))

    judged = recipe.verification
    reference = Call(
        "run_reference",
        {
            **common,
            "images": judged.images,
            "samples": judged.samples,
            "seconds": judged.seconds,
            "precisions": sorted({request.precision for request in requests.values()}),
        },
    )
    by_need = dict(sorted(requests.items(), key=lambda item: -memory[item[0]]))
    # What fp16 cannot hold explains most black faces; a scan that itself fails costs no file.
    is_rounded = any(request.precision is not Precision.FP32 for request in requests.values())
    scan = Call("scan_fp16", {**common, "images": judged.images}, worker="source")
    jobs = {"source": reference, **_exports(common, by_need, ""), **({"fp16": scan} if is_rounded else {})}
    second = workers.run(jobs, whole.phase(planned[1]), timeout, essential=("source",), ended=whole.ended)
    reference_result = _finished(second["source"])
    risk = second.get("fp16")
    exports = {name: second[name] for name in requests}
    judging = whole.phase(planned[2])
    verdicts = workers.run(_checks(common, requests, exports, judged.seconds), judging, timeout, ended=whole.ended)

    others = _other_ways(requests, exports, verdicts, prepared["parameters"])
    if others:
        # beyond what was planned: the whole stays where it is
        again = whole.phase({})
        tried = workers.run(_exports(common, others, "-other"), again, timeout, ended=whole.ended)
        judged_again = workers.run(_checks(common, others, tried, judged.seconds), again, timeout, ended=whole.ended)
        for name, verdict in judged_again.items():
            if isinstance(verdict, dict) and verdict["passed"]:
                exports[name], verdicts[name] = tried[name], verdict
    searches = {
        name: Call("locate_difference", {**common, **search}, worker=requests[name].target)
        for name, search in _searches(requests, exports, verdicts).items()
    }
    located = workers.run(searches, whole.phase({}), timeout, ended=whole.ended)
    outcomes: dict[str, _Outcome] = {**exports, **refused}
    artifacts = tuple(
        _artifact(request, outcomes[request.name], verdicts.get(request.name), located.get(request.name))
        for request in recipe.targets
    )
    return Conversion(
        recipe=replace(recipe, source_sha256=prepared["source"]["sha256"]),
        prepared=prepared,
        artifacts=artifacts,
        samples=tuple(reference_result["samples"]),
        fp16_risk={"problems": [f"The scan for fp16 failed. {risk}"]} if isinstance(risk, StudioError) else risk,
        seconds=time.monotonic() - start,
        peak_memory=workers.peak_memory,
    )


def _expected(recipe: Recipe, workers: WorkerPool) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Return what each call of the three phases is expected to take, so that the whole moves evenly."""
    preparing = _PREPARE_SECONDS + sum(_STEP_SECONDS.get(request.step, 1.0) for request in recipe.steps)
    heavy = sorted({request.target for request in recipe.targets} & {"tflite", "coreml"})
    loading = {target: 0.1 if workers.is_running(target) else _COLD_SECONDS for target in heavy}
    is_rounded = any(request.precision is not Precision.FP32 for request in recipe.targets)
    exports = {request.name: _EXPORT_SECONDS.get(request.target, 5.0) for request in recipe.targets}
    return (
        {"source": preparing, **loading},
        {"source": _REFERENCE_SECONDS, "fp16": _SCAN_SECONDS if is_rounded else 0.0, **exports},
        dict.fromkeys(exports, _VERIFY_SECONDS),
    )


def _exports(common: dict[str, str], requests: Mapping[str, TargetRequest], suffix: str) -> dict[str, Call]:
    return {
        name: Call(
            "export_target", {**common, "request": asdict(request), "folder": name + suffix}, worker=request.target
        )
        for name, request in requests.items()
    }


def _checks(
    common: dict[str, str], requests: Mapping[str, TargetRequest], exports: Mapping[str, _Outcome], seconds: float
) -> dict[str, Call]:
    return {
        name: Call(
            "verify_target",
            {**common, "request": asdict(request), "path": export["path"], "seconds": seconds},
            worker=request.target,
        )
        for name, request in requests.items()
        if isinstance(export := exports[name], dict)
    }


def _failed(
    exports: Mapping[str, _Outcome], verdicts: Mapping[str, _Outcome]
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield name, engine and verdict of every artifact that was judged and found wanting."""
    for name, verdict in verdicts.items():
        export = exports[name]
        if isinstance(export, dict) and isinstance(verdict, dict) and not verdict["passed"]:
            yield name, json.loads(export["metadata"])["engine"], verdict


def _other_ways(
    requests: Mapping[str, TargetRequest],
    exports: Mapping[str, _Outcome],
    verdicts: Mapping[str, _Outcome],
    weights: int,
) -> dict[str, TargetRequest]:
    """Return what is worth trying for artifacts that failed: the same target by its other engine."""
    others = {}
    for name, engine, _ in _failed(exports, verdicts):
        options = exporter(requests[name].target).other_way(requests[name].options, engine, weights)
        if options is not None:
            others[name] = replace(requests[name], options=options)
    return others


def _searches(
    requests: Mapping[str, TargetRequest], exports: Mapping[str, _Outcome], verdicts: Mapping[str, _Outcome]
) -> dict[str, dict[str, Any]]:
    """Return what to search for the first layer that differs, each by the engine that made the failing file."""
    found = {}
    for name, engine, verdict in _failed(exports, verdicts):
        request = requests[name]
        pinned = replace(request, options=exporter(request.target).pinned(request.options, engine))
        found[name] = {"request": asdict(pinned), "sample": verdict["worst"]["sample"]}
    return found


def _fit_into_memory(estimates: Mapping[str, int], workers: WorkerPool) -> None:
    """Refuse what cannot fit, and do one thing after the other where two at once would not."""
    largest = sorted(estimates.values(), reverse=True)
    require_memory(largest[0], "This conversion")
    workers.lanes = 1 if sum(largest[:_LANES]) > available_memory() else _LANES


def _finished(outcome: _Outcome) -> dict[str, Any]:
    """Return what an essential job returned; its failure has been raised already."""
    assert not isinstance(outcome, StudioError)
    return outcome


def _artifact(request: TargetRequest, export: _Outcome, verdict: _Outcome | None, located: _Outcome | None) -> Artifact:
    if isinstance(export, StudioError):
        return Artifact(request, error=export)
    artifact = Artifact(
        request,
        path=Path(export["path"]),
        engine=json.loads(export["metadata"])["engine"],
        notes=tuple(export["notes"]),
        seconds=export["seconds"],
    )
    if isinstance(verdict, StudioError):
        return replace(artifact, error=verdict)
    if isinstance(located, StudioError):
        located = {"sentence": f"The first layer that differs could not be found. {located}"}
    return replace(artifact, verification=verdict, first_difference=located)


def _place(conversion: Conversion, staging: Staging, names: Mapping[str, str], force: bool, logs: str) -> Conversion:
    """Move what was made to its final names, and write report and log beside it."""
    placed = []
    for artifact in conversion.artifacts:
        if artifact.path is None:
            placed.append(artifact)
            continue
        name = names[artifact.request.name]
        size, digest = size_of(artifact.path), sha256_of(artifact.path)
        good, bad = name, f"{name}{UNVERIFIED}"
        final = staging.place(artifact.path, good if artifact.verified else bad, force=force)
        if force:
            # what an earlier run left under the other name would look as if it were of this one
            staging.remove(bad if artifact.verified else good)
        placed.append(replace(artifact, path=final, size=size, sha256=digest))
    finished = replace(conversion, artifacts=tuple(placed))
    if conversion.prepared["host_matrix"]:
        name = host_matrix_name(stem_of(conversion.recipe.source))
        staging.place(staging.path / HOST_MATRIX_FILE, name, force=force)
    for name, text in (
        (REPORT_FILE, json.dumps(finished.to_json(), indent=2, allow_nan=False)),
        (LOG_FILE, logs),
    ):
        with destination_errors(staging.destination / name):
            (staging.path / name).write_text(text, encoding="utf-8")
        staging.place(staging.path / name, name, force=force)
    return finished


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait while finished files are moved to their names: it promises that nothing was written."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is ever interrupted
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
