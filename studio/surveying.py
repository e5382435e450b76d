"""Kinds of jobs that look after files that were made: what is current, and removing what is not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converters.destination import destination_errors
from converters.files import Staging, remove_stale_stagings
from converters.recipe import Recipe
from studio.made_files import FOLDER_PREFIX, content_key, states
from studio.project import MadeFile

if TYPE_CHECKING:
    from studio.jobs.context import WorkContext

Data = dict[str, Any]

_BESIDE = ("report.json", "convert.log", "-emap.npy")
"""How the names end of what a conversion leaves beside its files."""


def survey(arguments: Data, context: WorkContext) -> Data:
    """Look what of a project's files is current, and tidy up after conversions that never ended.

    Args:
        arguments: "recipe": plain data; "sha256": of the model; "files": plain data of made files with absolute paths;
            "work_folder".
        context: of the job.

    Returns:
        "keys": by the names of the recipe's requests; "states": of the files, in their order.
    """
    recipe = Recipe.from_json(arguments["recipe"])
    files = [MadeFile.from_json(item, None, "files") for item in arguments["files"]]
    context.progress("Looking at the files made so far")
    _tidy(Path(arguments["work_folder"]))
    keys = {request.name: content_key(recipe, request, arguments["sha256"]) for request in recipe.targets}
    return {"keys": keys, "states": [state.value for state in states(files, keys)]}


def _tidy(work_folder: Path) -> None:
    """Remove what conversions left behind whose program was killed."""
    try:
        for folder in work_folder.glob(f"{FOLDER_PREFIX}*"):
            if folder.is_dir() and remove_stale_stagings(folder) and not any(folder.iterdir()):
                folder.rmdir()
    except OSError:  # not readable, or used by another program: nothing that has to be done now
        return


def remove_files(arguments: Data, context: WorkContext) -> Data:
    """Remove files that were made, and what lies beside them once the last file of a conversion is gone.

    Args:
        arguments: "paths": of files; those that are in no conversion's folder of "work_folder" are left alone.
        context: of the job.

    Returns:
        "removed": the paths that are gone; cancelled, those that were gone by then.

    Raises:
        DestinationError: one of them cannot be removed.
    """
    work_folder = Path(arguments["work_folder"])
    removed = []
    for place, text in enumerate(arguments["paths"]):
        path = Path(text)
        if context.progress.is_cancelled():
            break  # what is gone is gone, and has to be told
        context.progress("Removing outdated files", place / len(arguments["paths"]), path.name)
        if path.parent.parent != work_folder or not path.parent.name.startswith(FOLDER_PREFIX):
            continue  # a project's file can name anything
        if os.path.lexists(path):
            with Staging(path.parent) as staging:
                staging.remove(path.name)
        removed.append(text)
        if path.parent.is_dir() and all(item.name.endswith(_BESIDE) for item in path.parent.iterdir()):
            with destination_errors(path.parent):
                shutil.rmtree(path.parent)
    return {"removed": removed}
