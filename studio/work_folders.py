"""Where a project's files are made: beside it once it is saved, in the program's own folder until then."""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections.abc import Collection, Container, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from converters.errors import StudioError
from studio.locations import unsaved_folder
from studio.missing import image_folders
from studio.presence import is_there
from studio.project import Project
from studio.project_paths import with_paths
from studio.ui.texts import tr

_STAGING: Final = ".ffstudio-"
"""How the folders begin that work in progress makes for itself; see `converters.files`."""
_KEPT: Final = ".kept"
"""Marks a folder whose files a saved project refers to, because they could not move to it."""
_ABANDONED_SECONDS: Final = 24 * 3600.0

_log = logging.getLogger(__name__)


def work_folder_of(project: Path) -> Path:
    """Return the folder for files of a saved project: "swapper-files" beside "swapper.ffstudio"."""
    return project.with_name(f"{project.stem}-files")


def unsaved_work_folder(identity: str) -> Path:
    """Return the folder for files of a project that was never saved."""
    return unsaved_folder() / identity


def keep_files(project: Project) -> None:
    """Note that a project which is about to be saved names files in the program's own folder; to be done before."""
    for folder in _unsaved_folders(project):
        try:
            (folder / _KEPT).touch()
        except FileNotFoundError:
            continue
        except OSError as error:
            _log.warning("%s may be swept away: %s", folder, error)


def collected(project: Project, place: Path) -> tuple[Project, dict[Path, Path]]:
    """Move files that were made before a project had its place to it, as far as that takes no copying.

    Args:
        project: that has a place now.
        place: its file.

    Returns:
        The project with everything at its new place, and for each thing that moved, where it was and where it is.
    """
    own = unsaved_work_folder(project.identity)
    # a job may have begun under the identity that the project had before it was saved elsewhere; what is kept there
    # is named by another saved project
    folders = {own, *(each for each in _unsaved_folders(project) if not is_there(each / _KEPT))}
    moved: dict[Path, Path] = {}
    for folder in folders:
        moved.update(_move_into(folder, work_folder_of(place)))
    if moved:
        project = _settled(project, moved)
    for folder in folders - _unsaved_folders(project):
        _let_go(folder)
    return project, moved


def left_behind(project: Project) -> frozenset[Path]:
    """Return the files of a project that lie in the program's own folder, and are not being worked on."""
    base = unsaved_folder()
    there = (file.path for file in project.files if base in file.path.parents)
    return frozenset(path for path in there if not _is_in_progress(path.parent))


def stay_behind(files: Collection[Path]) -> StudioError:
    """Return what is said of files that could not move to their project."""
    return StudioError(
        tr("Files that were made stay where they are: {path}.", path=min(files).parent),
        tr("The project lies on another disk, or another project names them."),
        tr("The project works as it is here; export the files to take them elsewhere."),
    )


def _unsaved_folders(project: Project) -> set[Path]:
    """Return the folders for projects that were never saved which a project names something in."""
    base = unsaved_folder()
    named = (*(file.path for file in project.files), *image_folders(project))
    return {base / path.relative_to(base).parts[0] for path in named if base in path.parents}


def _let_go(folder: Path) -> None:
    """Remove a folder that nothing saved refers to, if nobody works in it."""
    try:
        (folder / _KEPT).unlink(missing_ok=True)
        folder.rmdir()
    except FileNotFoundError:
        return
    except OSError as error:
        _log.info("%s stays: %s", folder, error)


def _move_into(old: Path, new: Path) -> dict[Path, Path]:
    """Move what was made in one folder to another one, as far as that takes no copying.

    Work in progress stays, and so does everything where the two lie on different disks.

    Returns:
        For each thing that moved, where it was and where it is.
    """
    moved: dict[Path, Path] = {}
    try:
        items = [item for item in sorted(old.iterdir()) if item.name != _KEPT and not _is_in_progress(item)]
    except FileNotFoundError:
        return moved
    try:
        if items:
            new.mkdir(parents=True, exist_ok=True)
        for item in items:
            place = _free_name(new / item.name)
            item.rename(place)
            moved[item] = place
    except OSError as error:  # another disk, or a file that is in use
        _log.info("%s stays in %s: %s", ", ".join(item.name for item in items if item not in moved), old, error)
        (old / _KEPT).touch()
    return moved


def _settled(project: Project, moved: Mapping[Path, Path]) -> Project:
    """Return a project in which everything that moved is named by its new place."""
    files = tuple(replace(file, path=Path(new_place(str(file.path), moved))) for file in project.files)
    return replace(project, files=files, recipe=with_paths(project.recipe, lambda path: new_place(path, moved)))


def new_place(path: str, moved: Mapping[Path, Path]) -> str:
    """Return where something is now, `path` itself where it did not move."""
    for old, new in moved.items():
        if Path(path) == old or old in Path(path).parents:
            return str(new / Path(path).relative_to(old))
    return path


def remove_unsaved(identity: str) -> None:
    """Remove the files of a project that was never saved; the disk's work is done on another thread."""
    folder = unsaved_work_folder(identity)
    if is_there(folder):
        threading.Thread(target=_remove, args=(folder,), name="removing unsaved files").start()


def remove_abandoned(wanted: Container[str]) -> None:
    """Remove folders of projects that were never saved and that nobody wants, if not touched for a day.

    Args:
        wanted: identities of projects that have recovery files.
    """
    try:
        folders = [folder for folder in unsaved_folder().iterdir() if folder.is_dir() and not folder.is_symlink()]
    except OSError:
        return
    for folder in folders:
        try:
            names = [folder, *folder.iterdir()]
            newest = max(each.lstat().st_mtime for each in names)
        except OSError:  # it is just being removed
            continue
        is_kept = any(each.name == _KEPT for each in names)
        if folder.name not in wanted and not is_kept and time.time() - newest > _ABANDONED_SECONDS:
            _remove(folder)


def _is_in_progress(item: Path) -> bool:
    """Say whether work goes on in a folder: moving it would take it away from under a worker."""
    if item.name.startswith(_STAGING):
        return True
    return item.is_dir() and not item.is_symlink() and any(each.name.startswith(_STAGING) for each in item.iterdir())


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder):
        _log.warning("could not remove %s", folder)


def _free_name(path: Path) -> Path:
    """Return a name that nothing has: "a-fp16.mnn", "a-fp16-2.mnn", …"""
    number = 2
    free = path
    while os.path.lexists(free):
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return free
