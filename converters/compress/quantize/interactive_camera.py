"""Calibration pictures from a camera, taken while a person moves before it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from converters.errors import BadInputError, UsageError
from converters.pictures import write_picture
from converters.progress import Progress

if TYPE_CHECKING:
    import cv2

MOST_PICTURES = 200
_MOST_SECONDS = 120.0
_MOST_CAMERAS = 64
_MISSES = 50
"""Frames in a row that a camera may fail to give: some need a moment until the first."""
_PAUSE = 0.02
"""Seconds after such a failure."""
_REMEDY = "Check that it is connected, free and permitted to this program; or add pictures from a folder."


def grab(arguments: Mapping[str, Any], progress: Progress) -> list[Path]:
    """Take pictures with a camera; arguments as for `calibration_grab`.

    Raises:
        BadInputError: no such camera, or it gives no picture.
        CancelledError: pictures taken so far stay.
    """
    number = int(arguments["camera"])
    if not 0 <= number < _MOST_CAMERAS:
        raise UsageError(f"There is no camera {number}.", "", "Cameras are numbered from 0.")

    def opened() -> cv2.VideoCapture:
        import cv2

        return cv2.VideoCapture(number)

    count, seconds = int(arguments["pictures"]), float(arguments["seconds"])
    return taken_from(opened, f"camera {number}", Path(arguments["folder"]), count, seconds, progress)


def taken_from(
    opened: Callable[[], cv2.VideoCapture], name: str, folder: Path, count: int, seconds: float, progress: Progress
) -> list[Path]:
    """Write pictures of a capture, evenly spread over some time.

    Args:
        opened: opens the capture; it may turn out not to be open.
        name: of the camera, in the middle of a sentence.
        folder: made if missing.
        count: how many, from 1.
        seconds: from the first to the last.
        progress: told about every picture; may cancel.

    Raises:
        BadInputError: it cannot be opened, or gives no picture.
        UsageError: too many pictures or seconds.
    """
    import cv2

    if not (1 <= count <= MOST_PICTURES and 0 <= seconds <= _MOST_SECONDS):
        raise UsageError(f"{count} pictures in {seconds:g} seconds are not possible.")
    progress("Opening the camera")
    capture = opened()
    try:
        if not capture.isOpened():
            raise BadInputError(f"There is no {name} that can be opened.", "", _REMEDY)
        begun, stamp = time.monotonic(), time.strftime("%Y%m%d-%H%M%S")
        files: list[Path] = []
        misses = 0
        while len(files) < count:
            progress("Taking pictures", len(files) / count, f"{len(files)} / {count}")
            is_there, frame = capture.read()
            if not is_there:
                misses += 1
                if misses > _MISSES:
                    break
                time.sleep(_PAUSE)
                continue
            misses = 0
            # frames in between are read and dropped, because a capture would give them later
            if time.monotonic() - begun < seconds * len(files) / max(count - 1, 1):
                continue
            picture = np.ascontiguousarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8)
            path = folder / f"camera-{stamp}-{len(files) + 1:03d}.png"
            write_picture(path, picture)
            files.append(path)
    finally:
        capture.release()
    if not files:
        raise BadInputError(f"The {name} gives no picture.", "", _REMEDY)
    return files
