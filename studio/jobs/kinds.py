"""The kinds of jobs: functions that run in a thread of the window's process and have worker processes do the work.

No native code of a converter or runtime is ever loaded here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio.jobs.context import WorkContext

Data = dict[str, Any]
Kind = Callable[[Data, WorkContext], Data]

KINDS: dict[str, str] = {
    "operation": "studio.jobs.kinds:operation",
    "convert": "studio.jobs.kinds:convert",
    "compare": "studio.jobs.kinds:compare",
    "package": "studio.jobs.kinds:package",
    "survey": "studio.surveying:survey",
    "remove_files": "studio.surveying:remove_files",
}

LASTING = frozenset({"convert", "compare", "package", "remove_files"})
"""Kinds whose files are in their place when they return: cancelling a moment later does not undo them."""


def operation(arguments: Data, context: WorkContext) -> Data:
    """Have a named warm worker do one operation.

    Args:
        arguments: "worker": its name; "operation": a name of `converters.operations`; "arguments": of the operation;
            "timeout": seconds, may be missing.
        context: of the job.

    Returns:
        What the operation returned.
    """
    worker = context.worker(arguments["worker"])
    timeout = arguments.get("timeout")
    return worker.call(arguments["operation"], arguments["arguments"], context.progress, timeout, wait=True)


def convert(arguments: Data, context: WorkContext) -> Data:
    """Carry out a recipe in the warm workers.

    Args:
        arguments: "recipe": plain data; "destination": a folder; "trust": whether the source may run code; "force":
            whether files may be replaced; "keep_going": whether the others are made when one target cannot be.
        context: of the job.

    Returns:
        The report as plain data; each artifact has its absolute "path", None when there is none.
    """
    from converters.pipeline import convert as carry_out
    from converters.recipe import Recipe

    recipe = Recipe.from_json(arguments["recipe"])
    context.make_way({"source", *(request.target for request in recipe.targets)})
    conversion = carry_out(
        recipe,
        Path(arguments["destination"]).absolute(),
        trust=bool(arguments.get("trust")),
        force=bool(arguments.get("force")),
        keep_going=bool(arguments.get("keep_going")),
        progress=context.progress,
        pool=context.pool,
    )
    report = conversion.to_json()
    for artifact, data in zip(conversion.artifacts, report["artifacts"], strict=True):
        data["path"] = str(artifact.path) if artifact.path else None
    return report


def compare(arguments: Data, context: WorkContext) -> Data:
    """Compare models on the same pictures.

    Args:
        arguments: the fields of `converters.compare.engine.Request` as plain data, "original" and "candidates" at
            least; "html": a file for the report, "" for none; "overlays", "pictures": folders, likewise; "force".
            How many pictures at most is "count".
        context: of the job.

    Returns:
        The comparison as plain data.
    """
    from converters.compare.engine import PICTURES, RUNS, ReportFiles, Request
    from converters.compare.engine import compare as run

    def path(name: str) -> Path | None:
        return Path(arguments[name]) if arguments.get(name) else None

    context.make_way(())
    request = Request(
        original=arguments["original"],
        candidates=tuple(arguments["candidates"]),
        images=path("images"),
        pictures=int(arguments.get("count", PICTURES)),
        shapes={name: tuple(shape) for name, shape in arguments.get("shapes", {}).items()},
        trusted=dict(arguments.get("trusted", {})),
        embedder=path("embedder"),
        runs=int(arguments.get("runs", RUNS)),
        threads=int(arguments.get("threads", 0)),
    )
    wanted = {name: path(name) for name in ("html", "overlays", "pictures") if arguments.get(name)}
    files = ReportFiles(**wanted, force=bool(arguments.get("force")))
    return run(request, files, context.progress, logs=context.own_logs(), scratch=context.scratch).to_json()


def package(arguments: Data, context: WorkContext) -> Data:
    """Write chosen files and what is known of them into a folder.

    Args:
        arguments: plain data of a `converters.package.PackageRequest`.
        context: of the job.

    Returns:
        What `converters.package.write_package` returns.
    """
    from converters.package import PackageRequest, write_package

    request = PackageRequest.from_json(arguments)
    if request.pictures:
        context.make_way(())
    logs = context.own_logs() if request.pictures else None
    return write_package(
        request, context.progress, worker=context.worker("inspector"), logs=logs, scratch=context.scratch
    )
