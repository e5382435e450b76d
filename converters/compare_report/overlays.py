"""The worst pictures as files: original, candidate and candidate with its heat map, side by side."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from converters.compare_report.encoding import highest_of, over, palette
from converters.compare_report.frames import Frame
from converters.compare_report.writing import comparison_from, frames_of
from converters.destination import destination_errors
from converters.face.faces import Picture
from converters.pictures import write_picture
from converters.progress import Progress

_OPACITY = 0.8
SCALE_HEIGHT = 16
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
    every = frames_of(comparison, Path(arguments["staging"]), progress)
    highest = highest_of([frame.heat for frames in every for frame in frames if frame.heat is not None])
    for number, frames in enumerate(every, 1):
        for rank, frame in enumerate(frames, 1):
            name = f"{number}-{rank:02d}-{plain_stem(frame.name)}.png"
            write_picture(folder / name, _side_by_side(frame, highest))
            count += 1
    return {"files": count}


def plain_stem(name: str) -> str:
    """Return a picture's name without its ending, with plain signs only."""
    return _UNSAFE.sub("_", Path(name).stem)[:60]


def _side_by_side(frame: Frame, highest: float) -> Picture:
    pictures = [frame.original, frame.candidate]
    if frame.heat is None:
        return np.hstack(pictures)
    pictures.append(over(frame.candidate, frame.heat, highest, _OPACITY))
    return np.vstack([np.hstack(pictures), _scale(frame.candidate.shape[1], highest)])


def _scale(width: int, highest: float) -> Picture:
    """Return a strip for under three pictures of this width: in words, and under the heat map its colours."""
    import cv2

    words = np.zeros((SCALE_HEIGHT, 2 * width, 3), np.uint8)
    cv2.putText(
        words,
        f"LPIPS 0..{highest:.2g}",
        (4, SCALE_HEIGHT - 5),
        cv2.FONT_HERSHEY_SIMPLEX,
        0.4,
        (230,) * 3,
        1,
        cv2.LINE_AA,
    )
    colours = palette()[np.linspace(0, 255, width).round().astype(int)]
    return np.hstack([words, np.repeat(colours[None], SCALE_HEIGHT, axis=0)])
