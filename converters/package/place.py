"""Where a package may go: nothing but an earlier export is ever replaced."""

from __future__ import annotations

import json
import os
import shutil
from enum import StrEnum
from pathlib import Path

from converters.destination import destination_errors
from converters.errors import DestinationError
from converters.package.names import CONTENTS_FILE


class Place(StrEnum):
    """What is at the place of a package."""

    FREE = "free"
    """Nothing, or an empty folder."""
    EXPORT = "export"
    """An earlier export, and nothing beside what it wrote."""
    TAKEN = "taken"
    """Something else."""


def place_of(destination: Path) -> Place:
    """Return what is at a place.

    Raises:
        DestinationError: it cannot be looked at.
    """
    with destination_errors(destination):
        if not os.path.lexists(destination):
            return Place.FREE
        foreign = _foreign(destination)
        if destination.is_dir() and not destination.is_symlink() and not any(destination.iterdir()):
            return Place.FREE
        return Place.TAKEN if foreign else Place.EXPORT


def check_place(destination: Path, *, force: bool) -> None:
    """Let an empty place be used, and an earlier export be replaced if that was asked for; nothing else.

    Raises:
        DestinationError: something is there.
    """
    place = place_of(destination)
    if place is Place.FREE:
        return
    if place is Place.TAKEN:
        raise DestinationError(
            f"{destination} holds what no export wrote: {', '.join(_foreign(destination)[:3])}.",
            "Replacing it would remove that.",
            "Choose another name.",
        )
    if not force:
        raise DestinationError(
            f"{destination} holds an earlier export.", "", "Choose another name, or have it replaced."
        )


def free_bytes(destination: Path) -> int:
    """Return the bytes that are free on the disk a package goes to.

    Raises:
        DestinationError: the disk cannot be asked.
    """
    existing = destination.absolute()
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    with destination_errors(destination):
        return shutil.disk_usage(existing).free


def _foreign(destination: Path) -> list[str]:
    """Return the names in a folder that no earlier export lists as its own."""
    if destination.is_symlink() or not destination.is_dir():
        return [destination.name]
    present = sorted(path.name for path in destination.iterdir())
    try:
        contents = json.loads((destination / CONTENTS_FILE).read_text(encoding="utf-8"))
        own = {file["name"] for file in contents["files"]} | {CONTENTS_FILE}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return present
    return [name for name in present if name not in own]
