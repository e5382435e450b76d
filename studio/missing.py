"""What a project speaks of and is not where it was, or not what it was.

Opening a project looks only whether things are there and files have their size, which takes no time. What is in them
is compared by a worker after opening (operation `fingerprints`); a model is compared when it is inspected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from converters.errors import BadInputError, StudioError
from converters.fingerprints import sha256_of, size_of
from studio.presence import is_there
from studio.project import MadeFile, Project
from studio.project_paths import PATH_OPTIONS, source_file, with_paths


class MissingKind(StrEnum):
    """What is missing."""

    SOURCE = "source"
    FILE = "file"
    IMAGES = "images"


@dataclass(frozen=True)
class Missing:
    """One thing that asks to be found.

    Attributes:
        kind: what it is.
        path: where it was; "file.py:function" for a factory.
        sha256: of what it was, "" for unknown.
        is_changed: it is there, but is another one.
    """

    kind: MissingKind
    path: Path
    sha256: str = ""
    is_changed: bool = False


def find_missing(project: Project) -> list[Missing]:
    """Return what is not there, and files that have another size; reads no contents."""
    missing = []
    recipe = project.recipe
    source = source_file(recipe.source)
    if source is not None and not is_there(source):
        missing.append(Missing(MissingKind.SOURCE, Path(recipe.source), recipe.source_sha256))
    missing += [Missing(MissingKind.IMAGES, folder) for folder in image_folders(project) if not is_there(folder)]
    for file in project.files:
        if not is_there(file.path):
            missing.append(Missing(MissingKind.FILE, file.path, file.sha256))
        elif not _has_size(file):
            missing.append(Missing(MissingKind.FILE, file.path, file.sha256, is_changed=True))
    return missing


def image_folders(project: Project) -> list[Path]:
    """Return the places of pictures that the project names, each once."""
    recipe = project.recipe
    options = [
        place
        for step in recipe.steps
        for name in PATH_OPTIONS.get(step.step, ())
        for place in str(step.options.get(name, "")).split("\n")
    ]
    named = (project.comparison_images, recipe.verification.images, *options)
    return [Path(each) for each in dict.fromkeys(named) if each]


def changed_files(files: Sequence[MadeFile], digests: Mapping[str, str]) -> list[Missing]:
    """Return the files whose contents are no longer what they were, by what a worker found."""
    return [
        Missing(MissingKind.FILE, file.path, file.sha256, is_changed=True)
        for file in files
        if digests.get(str(file.path), file.sha256) != file.sha256
    ]


def still_missing(
    missing: Sequence[Missing], project: Project, settled: MissingKind | None = None
) -> tuple[Missing, ...]:
    """Return what is still missing: nothing of the kind that was settled, nor files the project no longer names."""
    named = {(file.path, file.sha256) for file in project.files}
    return tuple(
        each
        for each in missing
        if each.kind is not settled and (each.kind is not MissingKind.FILE or (each.path, each.sha256) in named)
    )


def check_found(missing: Missing, path: Path, sha256: str = "") -> None:
    """Make sure that a path holds what was missing.

    Args:
        missing: what is looked for.
        path: where it is said to be.
        sha256: of what is there, where it is known already.

    Raises:
        BadInputError: there is nothing, or something else.
    """
    if missing.kind is MissingKind.IMAGES:
        if not is_there(path):
            raise BadInputError(f"{path} does not exist.", "", "Choose another folder.")
    elif missing.sha256 and (sha256 or sha256_of(path)) != missing.sha256:
        raise BadInputError(
            f"{path.name} is not what the project was made with.",
            "It is another file, or was changed since.",
            "Choose the right one, or open it as a new project.",
        )


def with_place(project: Project, missing: Missing, path: Path) -> Project:
    """Return a project in which what was missing is at `path`."""
    old, new = str(missing.path), str(path)
    if missing.kind is MissingKind.SOURCE:
        file = source_file(old)
        source = new + old.removeprefix(str(file))  # a factory keeps its function
        return replace(project, recipe=replace(project.recipe, source=source))
    if missing.kind is MissingKind.FILE:
        files = (replace(file, path=path) if file.path == missing.path else file for file in project.files)
        return replace(project, files=tuple(files))
    images = new if project.comparison_images == old else project.comparison_images
    recipe = with_paths(project.recipe, lambda each: new if each == old else each)
    return replace(project, comparison_images=images, recipe=recipe)


def _has_size(file: MadeFile) -> bool:
    try:
        return size_of(file.path) == file.size
    except StudioError:
        return False
