"""Which files are still what the recipe asks for: content keys, what need not be made again, what is outdated.

A key stands for everything that goes into one file: the model's contents, its shapes, the steps with all their
options, what lies at the paths they name, the target with its options, how it is verified, and the product's version.
Equal keys, equal files. Looking at those paths takes as long as the disk takes: `studio.surveying` does it in a job's
thread.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from converters.errors import StudioError
from converters.fingerprints import size_of
from converters.precision import Precision
from converters.recipe import Recipe, TargetRequest
from studio.catalogue import StepInfo, TargetInfo, catalogue
from studio.presence import is_there
from studio.product import VERSION
from studio.project import MadeFile
from studio.project_paths import PATH_OPTIONS

FOLDER_PREFIX = "conversion-"
_DIGITS = 12


class FileState(StrEnum):
    """What a file that was made is worth by now."""

    CURRENT = "current"
    """What the recipe asks for."""
    OUTDATED = "outdated"
    """Made by another recipe, or made again since."""
    CHANGED = "changed"
    """No longer of the size it was made with: somebody else wrote it."""
    MISSING = "missing"
    """Not there."""


# --- keys ----------------------------------------------------------------------------------------------------------


def content_key(recipe: Recipe, request: TargetRequest, source_sha256: str) -> str:
    """Return what stands for everything that goes into one file: 64 hexadecimal digits.

    Args:
        recipe: its targets do not matter, only `request` does.
        request: the file.
        source_sha256: of the model.
    """
    alone = replace(recipe, targets=(request,)).with_quantization()
    offer = catalogue()
    steps = {step.name: step for step in offer.steps}
    targets = {target.name: target for target in offer.targets}
    content = {
        "product": VERSION,
        "source": source_sha256,
        "shapes": {name: list(shape) for name, shape in alone.shapes.items()},
        "steps": [
            [item.step, _with_contents(item.step, _completed(steps.get(item.step), item.options))]
            for item in alone.steps
        ],
        "target": [
            request.target,
            str(request.precision),
            _completed(targets.get(request.target), request.options),
        ],
        "verification": [
            alone.verification.samples,
            alone.verification.seconds,
            place_fingerprint(alone.verification.images),
        ],
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def place_fingerprint(place: str) -> str:
    """Return what stands for the contents of a file or folder of pictures: names, sizes and times, nothing is read.

    Args:
        place: a path, or several, one a line; "" (also as a line) is what comes along.
    """
    return "\n".join(_fingerprint(Path(line)) if line else "" for line in place.split("\n"))


def _fingerprint(path: Path) -> str:
    try:
        if path.is_dir():
            with os.scandir(path) as entries:
                described = sorted(_described(entry.name, entry.stat()) for entry in entries if entry.is_file())
        else:
            described = [_described(path.name, path.stat())]
    except OSError as error:
        described = [f"unreadable: {error.errno}"]
    return hashlib.sha256("\n".join(described).encode(errors="surrogateescape")).hexdigest()


def _described(name: str, status: os.stat_result) -> str:
    return f"{name!r} {status.st_size} {status.st_mtime_ns}"


def _completed(owner: StepInfo | TargetInfo | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with the defaults of those that are not given, so that saying a default changes nothing."""
    defaults = {parameter.name: parameter.default for parameter in owner.parameters} if owner else {}
    return {**defaults, **options}


def _with_contents(step: str, options: dict[str, Any]) -> dict[str, Any]:
    for name in PATH_OPTIONS.get(step, ()):
        if name in options:
            options[name] = place_fingerprint(str(options[name]))
    return options


# --- what there is -------------------------------------------------------------------------------------------------


def files_of_report(report: Mapping[str, Any], keys: Mapping[str, str]) -> list[MadeFile]:
    """Return the files of a finished job of the kind "convert"; what could not be made has none.

    Args:
        report: the job's result.
        keys: content keys by the request's name.
    """
    report = json.loads(json.dumps(report))  # names of the engine's own types become plain texts
    whole = {name: report[name] for name in ("fp16_risk", "memory_estimate", "seconds", "peak_memory")}
    made = []
    for artifact in report["artifacts"]:
        if not artifact["path"]:
            continue
        own = {key: value for key, value in artifact.items() if key != "path"}
        made.append(
            MadeFile(
                path=Path(artifact["path"]),
                target=artifact["target"],
                precision=artifact["precision"],
                size=artifact["size"],
                sha256=artifact["sha256"],
                verified=artifact["verified"],
                key=keys.get(request_name(artifact["target"], artifact["precision"]), ""),
                report={**own, "conversion": {**whole, "notes": list(report["notes"])}},
            )
        )
    return made


def request_name(target: str, precision: str) -> str:
    """Return the name of the request for such a file, as `TargetRequest.name` does."""
    return TargetRequest(target, Precision(precision)).name


def name_of(file: MadeFile) -> str:
    """Return the name of the request that a file was made for."""
    return request_name(file.target, file.precision)


def states(files: Sequence[MadeFile], keys: Mapping[str, str]) -> list[FileState]:
    """Return what each file is worth, in their order (the oldest first).

    Args:
        files: that the project knows of.
        keys: content keys of what the recipe asks for now, by the request's name.
    """
    newest = {file.key: place for place, file in enumerate(files)}
    found = []
    for place, file in enumerate(files):
        if not is_there(file.path):
            found.append(FileState.MISSING)
        elif not _has_size(file):
            found.append(FileState.CHANGED)
        elif keys.get(name_of(file)) == file.key and newest[file.key] == place:
            found.append(FileState.CURRENT)
        else:
            found.append(FileState.OUTDATED)
    return found


def conversion_folder(work_folder: Path, keys: Iterable[str]) -> Path:
    """Return a folder for one conversion that does not exist yet.

    Args:
        work_folder: of the project.
        keys: of the files to be made.
    """
    digest = hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()[:_DIGITS]
    folder = work_folder / f"{FOLDER_PREFIX}{digest}"
    number = 2
    while os.path.lexists(folder):
        folder = work_folder / f"{FOLDER_PREFIX}{digest}-{number}"
        number += 1
    return folder


def _has_size(file: MadeFile) -> bool:
    try:
        return size_of(file.path) == file.size
    except StudioError:
        return False
