"""Cameras of this machine: which there are, and opening one."""

from __future__ import annotations

import functools
import os
import platform
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from converters.errors import BadInputError, UsageError
from converters.preview.request import SourceChoice
from converters.preview.sources.camera import REMEDY, Camera
from converters.progress import Progress

if TYPE_CHECKING:
    import cv2

_NODES = Path("/dev")
_VGA = 640 * 480
"""Pixels that USB carries uncompressed at a usual rate."""


@dataclass(frozen=True)
class FoundCamera:
    """A camera that the system knows.

    Attributes:
        number: by which OpenCV opens it.
        title: for people, no two the same.
    """

    number: int
    title: str


class _Listed(Protocol):
    """What is used of `cv2_enumerate_cameras.CameraInfo`."""

    index: int
    name: str


def list_cameras(_arguments: Mapping[str, Any], _progress: Progress) -> dict[str, Any]:
    """List the cameras, without opening one.

    Returns:
        "cameras": for each its `place` (of a `SourceChoice`) and `title`.
    """
    return {"cameras": [{"place": str(camera.number), "title": camera.title} for camera in found_cameras()]}


def found_cameras() -> tuple[FoundCamera, ...]:
    """Return the cameras, by number."""
    if platform.system() != "Linux":
        return _enumerated()
    # telling cameras from other devices opens them: only when a device came or went
    return _enumerated_once(_nodes())


def _nodes() -> tuple[tuple[str, int], ...]:
    """Return the name of each node and when it was made."""
    nodes = []
    for node in _NODES.glob("video*"):
        try:
            nodes.append((node.name, node.stat().st_ctime_ns))
        except OSError:  # unplugged since it was listed
            continue
    return tuple(sorted(nodes))


@functools.lru_cache(maxsize=1)
def _enumerated_once(_nodes: tuple[tuple[str, int], ...]) -> tuple[FoundCamera, ...]:
    return _enumerated()


def _enumerated() -> tuple[FoundCamera, ...]:
    from cv2_enumerate_cameras import enumerate_cameras

    return described(enumerate_cameras(_backend()))


def described(listed: Iterable[_Listed]) -> tuple[FoundCamera, ...]:
    """Return cameras by number; those of one name with their numbers."""
    by_number = {camera.index: camera.name or "Camera" for camera in listed}
    names = Counter(by_number.values())
    return tuple(
        FoundCamera(number, name if names[name] == 1 and name != "Camera" else f"{name} {number}")
        for number, name in sorted(by_number.items())
    )


def _backend() -> int:
    import cv2

    # Of Windows' two the older opens in a second what the newer takes half a minute for, and knows virtual cameras.
    backends = {"Linux": cv2.CAP_V4L2, "Windows": cv2.CAP_DSHOW, "Darwin": cv2.CAP_AVFOUNDATION}
    return int(backends.get(platform.system(), cv2.CAP_ANY))


def open_camera(choice: SourceChoice) -> Camera:
    """Return a camera, opened and watched.

    Raises:
        UsageError: its place is no number.
        BadInputError: there is none of that number, it is taken, or not permitted.
    """
    if not choice.place.isdecimal():
        raise UsageError(f"{choice.place!r} is no camera.", "", "Cameras are numbered from 0.")
    machine = _OfMachine(int(choice.place))
    machine.check()
    return Camera(machine.opened, machine.title, (choice.width, choice.height), machine.is_there)


class _OfMachine:
    """A camera of this machine, also when it comes back under another number."""

    def __init__(self, number: int) -> None:
        self._number = number
        titles = {camera.number: camera.title for camera in found_cameras()}
        self._known = titles.get(number, "")
        self.title = self._known or f"Camera {number}"

    def check(self) -> None:
        """Say what keeps it from being opened, where the system tells."""
        if platform.system() != "Linux":
            return
        node = self._node()
        if not node.exists():
            others = ", ".join(f"{camera.number} ({camera.title})" for camera in found_cameras())
            why = f"There are: {others}." if others else "No camera is connected."
            raise BadInputError(f"There is no camera {self._number}.", why, REMEDY)
        if not os.access(node, os.R_OK | os.W_OK):
            raise BadInputError(
                f"{self.title} may not be opened.",
                f"You have no right to {node}.",
                "Become a member of the group `video`, and log in again.",
            )

    def is_there(self) -> bool:
        """Whether the system still has it."""
        return platform.system() != "Linux" or self._node().exists()

    def opened(self, size: tuple[int, int]) -> cv2.VideoCapture:
        """Open it under the number that it has now."""
        import cv2

        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)  # a camera that is away is no news every time
        if self._known:
            again = [camera.number for camera in found_cameras() if camera.title == self._known]
            self._number = again[0] if again else self._number
        capture = cv2.VideoCapture(self._number, _backend())
        if capture.isOpened():
            _set_up(capture, size)
        return capture

    def _node(self) -> Path:
        return _NODES / f"video{self._number}"


def _set_up(capture: cv2.VideoCapture, size: tuple[int, int]) -> None:
    import cv2

    if size[0] * size[1] > _VGA:
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    if all(size):
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the newest frame, not one that waited
