"""The worst pictures as files: original, candidate and candidate with its heat map, side by side."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from converters.compare_report.encoding import highest_of, over
from converters.compare_report.frames import Frame
from converters.compare_report.writing import comparison_from, frames_of
from converters.destination import destination_errors
from converters.face.faces import Picture
from converters.pictures import write_picture
from converters.progress import Progress

_OPACITY = 0.8
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def write_overlays(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Write one PNG per worst picture and candidate into a new folder.

    Args:
        arguments: "staging": of the comparison; "comparison": its plain data; "path": of the folder, not yet there.
        progress: told about every candidate.

    Returns:
        "files": how many.

    Raises:
        DestinationError: the folder cannot be written to.
    """
    comparison = comparison_from(arguments["comparison"])
    folder = Path(arguments["path"])
    with destination_errors(folder):
        folder.mkdir()
    count = 0
    for number, frames in enumerate(frames_of(comparison, Path(arguments["staging"]), progress), 1):
        highest = highest_of([frame.heat for frame in frames if frame.heat is not None])
        for rank, frame in enumerate(frames, 1):
            stem = _UNSAFE.sub("_", Path(frame.name).stem)[:60]
            write_picture(folder / f"{number}-{rank:02d}-{stem}.png", _side_by_side(frame, highest))
            count += 1
    return {"files": count}


def _side_by_side(frame: Frame, highest: float) -> Picture:
    pictures = [frame.original, frame.candidate]
    if frame.heat is not None:
        pictures.append(over(frame.candidate, frame.heat, highest, _OPACITY))
    return np.hstack(pictures)
