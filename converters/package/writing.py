"""Write a package, read from top to bottom. This is the side that never runs native code."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from converters.destination import require_space
from converters.errors import BadInputError, UsageError
from converters.files import Staging
from converters.fingerprints import sha256_of, size_of
from converters.package.copying import copy
from converters.package.harmless import last_name
from converters.package.names import emap_beside, name_in_package
from converters.package.place import check_place
from converters.package.request import PackageRequest
from converters.progress import Progress, ProgressMessage
from converters.worker_client import Worker

_MARGIN = 20_000_000
"""Bytes for the texts and the comparison's pictures."""
_FOLDER, _COMPARISON = "package", "comparison.html"
_WORKER = "texts"
_COMPARED = 0.8
"""Part of the time that a comparison takes, where there is one."""


def write_package(
    request: PackageRequest,
    progress: Progress | None = None,
    *,
    worker: Worker | None = None,
    logs: Path | None = None,
    scratch: Path | None = None,
) -> dict[str, Any]:
    """Write the folder that a request asks for: complete, or not at all.

    Every file is copied first, and its copy is what is checked, compared and described.

    Args:
        request: what is to be packaged.
        progress: told about stages; may cancel.
        worker: a warm worker that writes the texts; None starts one and ends it.
        logs: folder for what the comparison's workers print; None for none.
        scratch: folder for what the comparison keeps on the disk meanwhile; None for the system's.

    Returns:
        "folder": where it is; "files": "name", "size", "sha256", "kind" of everything in it; "notes": sentences;
        "size": bytes of all; "comparison": plain data, None for none.

    Raises:
        UsageError: nothing was chosen, two files of one name, or a file that is not verified without leave.
        BadInputError: a file is missing, or another one than was verified.
        UnsafeInputError: a package holds a symbolic link.
        DestinationError: the folder exists, does not fit on the disk, or cannot be written to.
        CancelledError: cancelled; nothing was written.
        WorkerError: the worker crashed.
    """
    report = progress or Progress()
    destination = request.destination.absolute()
    _check(request)
    check_place(destination, force=request.force)
    needed = sum(size_of(file.path) for file in request.files) + _MARGIN
    require_space(destination.parent, needed)
    with ExitStack() as stack:
        staging = stack.enter_context(Staging(destination.parent))
        folder = staging.path / _FOLDER
        folder.mkdir()
        compared = _COMPARED if request.pictures else 0.0
        _copy_files(request, folder, _part(report, 0.0, (1 - compared) / 2))
        comparison = None
        if request.pictures:
            comparison = _compare(request, folder, _part(report, (1 - compared) / 2, compared), logs, scratch)
        arguments = {"request": request.to_json(), "folder": str(folder), "comparison": comparison}
        workers = worker or stack.enter_context(Worker(_WORKER))
        last = _part(report, (1 + compared) / 2, (1 - compared) / 2)
        outcome = workers.call("package", arguments, last, wait=True)
        report("Moving it to its place", 1.0)
        check_place(destination, force=request.force)
        staging.place(folder, destination.name, force=os.path.lexists(destination))
    files = outcome["files"]
    return {
        "folder": str(destination),
        "files": files,
        "notes": outcome["notes"],
        "size": sum(file["size"] for file in files),
        "comparison": comparison,
    }


def _part(progress: Progress, start: float, share: float) -> Progress:
    """Return the progress of a part of the work: from `start`, for `share` of all."""

    def report(message: ProgressMessage) -> None:
        own = message.fraction if message.whole is None else message.whole
        progress.report(replace(message, whole=start + share * own))

    return Progress(report, progress.is_cancelled)


def _copy_files(request: PackageRequest, folder: Path, progress: Progress) -> None:
    for place, file in enumerate(request.files):
        name = name_in_package(file)
        progress("Copying", place / len(request.files), name)
        copy(file.path, folder / name, Progress(is_cancelled=progress.is_cancelled))
        progress("Checking", (place + 0.7) / len(request.files), name)
        if sha256_of(folder / name) != file.sha256:
            raise BadInputError(
                f"{file.path.name} is not the file that was verified.",
                "It was changed or replaced afterwards.",
                "Convert the model again.",
            )
    emap = emap_beside([file.path for file in request.files], _source_names(request))
    if emap is not None:
        copy(emap, folder / emap.name, Progress(is_cancelled=progress.is_cancelled))


def _check(request: PackageRequest) -> None:
    if not request.files:
        raise UsageError("No file was chosen.", "", "Choose at least one file to export.")
    names = [name_in_package(file) for file in request.files]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"Two of the chosen files are called {twice[0]}.", "", "Export them one after the other.")
    unverified = [file.path.name for file in request.files if not file.verified]
    if unverified and not request.allow_unverified:
        raise UsageError(
            f"{', '.join(unverified)} did not pass verification.",
            "An app that ships it may show broken pictures.",
            "Leave it out, or choose it explicitly.",
        )
    for file in request.files:
        if not os.path.lexists(file.path):
            raise BadInputError(f"{file.path.name} is gone.", "It was moved or removed.", "Convert the model again.")


def _source_names(request: PackageRequest) -> tuple[str, str]:
    source = request.model.get("source") or {}
    return request.recipe.source, str(source.get("name") or "")


def _compare(
    request: PackageRequest, folder: Path, progress: Progress, logs: Path | None, scratch: Path | None
) -> dict[str, Any]:
    """Compare the copies with the original on a few pictures, and leave the page in the folder."""
    from converters.compare.engine import ReportFiles, Request, compare

    comparison = compare(
        Request(
            original=request.recipe.source,
            candidates=tuple(str(folder / name_in_package(file)) for file in request.files),
            images=Path(request.images) if request.images else None,
            pictures=request.pictures,
            shapes=request.recipe.shapes,
            trusted={request.recipe.source: request.recipe.source_sha256} if request.trust else {},
        ),
        ReportFiles(html=folder / _COMPARISON),
        progress,
        logs=logs,
        scratch=scratch,
    )
    if request.recipe.source_sha256 and comparison.original["sha256"] != request.recipe.source_sha256:
        raise BadInputError(
            f"{comparison.original['name']} is not the model that these files were made from.",
            "It was changed or replaced afterwards.",
            "Export without the comparison, or open the model again.",
        )
    return _without_paths(comparison.to_json())


def _without_paths(comparison: dict[str, Any]) -> dict[str, Any]:
    """Return a comparison's plain data with names where it has paths of the staging folder."""
    sides = [comparison["original"], *(each["side"] for each in comparison["candidates"] if each["side"])]
    for side in sides:
        side["path"] = side["name"]
    for each in comparison["candidates"]:
        each["path"] = last_name(each["path"])
    return comparison
