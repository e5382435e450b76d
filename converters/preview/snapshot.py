"""Write one frame as it was seen: both sides, the map of what was lost, and the numbers, in one picture."""

from __future__ import annotations

from pathlib import Path

from converters.errors import UsageError
from converters.pictures import write_picture
from converters.preview.board import Sides, draw_board
from converters.preview.places import require_folder

SUFFIX = ".png"


def check_snapshot(path: Path) -> None:
    """Refuse names that do not end in ".png", and folders that are not there.

    Raises:
        UsageError: it does not.
        DestinationError: there is no such folder.
    """
    if path.suffix.lower() != SUFFIX:
        raise UsageError(f"A snapshot is a PNG; {path.name} is none.", "", f"Let its name end in {SUFFIX}.")
    require_folder(path)


def write_snapshot(path: Path, sides: Sides) -> None:
    """Write a snapshot, complete or not at all; the window has asked before it replaces anything.

    Args:
        path: ends in ".png": numbers and small losses must not suffer from another compression.
        sides: what is drawn.

    Raises:
        UsageError: another ending.
        DestinationError: it cannot be written.
    """
    check_snapshot(path)
    write_picture(path, draw_board(sides, separately=True), force=True)
