"""Read and write videos with OpenCV's own FFmpeg: frames one by one in reused memory, results complete or absent."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np

from converters.closing import Closing
from converters.destination import destination_errors, taken
from converters.errors import BadInputError, DestinationError, UsageError, did_you_mean
from converters.face.faces import Picture
from converters.files import Staging
from converters.pictures import LARGEST_PIXELS
from converters.progress import Progress
from converters.video_kind import open_capture, video_kind

if TYPE_CHECKING:
    import cv2

WRITABLE_VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv", ".avi")

_CODEC = "mp4v"  # of OpenCV's wheels on every system; H.264 needs an encoder that they do not carry
_USUAL_RATE = 25.0
_RATES = (1.0, 240.0)
_LARGEST_GAP = 10.0  # seconds between two frames that are believed
# Times in a file cost nothing, repeated frames do: more than these are not made of one second that passes.
_MOST_REPEATS_A_SECOND = 60
_SPACE_LEFT = 8_000_000  # bytes below which a disk counts as full: FFmpeg drops what it cannot write without a word
_FRAMES_BETWEEN_LOOKS = 25


@dataclass(frozen=True)
class VideoFrame:
    """One frame of a video.

    Attributes:
        index: from 0.
        seconds: when it is shown, from the start.
        picture: RGB, upright; its memory is used again for the next frame, so copy what must stay.
    """

    index: int
    seconds: float
    picture: Picture


class VideoReader(Closing):
    """A video file, frame by frame. Use as a context manager and iterate.

    Args:
        path: a file of a usual kind, by content. The rotation that a phone notes is applied.

    Attributes:
        size: width and height of the upright frames.
        rate: frames a second; 25 where the file says nothing sensible. Frames of a variable rate carry their own
            time (`VideoFrame.seconds`).
        expected: number of frames that the file promises, None where it does not say.
        frames_read: so far.

    Raises:
        BadInputError: no regular file, no video, damaged, or too large.
    """

    def __init__(self, path: Path) -> None:
        import cv2

        self.path = Path(path)
        self._capture = open_capture(self.path, _known_kind(self.path))
        try:
            if not self._capture.isOpened():
                raise _damaged(self.path, "Its index is missing or its kind of video is unknown.")
            width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
            height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
            if width < 1 or height < 1:
                raise _damaged(self.path, "It has no pixels.")
            if width * height > LARGEST_PIXELS:
                raise BadInputError(
                    f"{self.path.name} is too large.", f"It says that it has {width} x {height} pixels."
                )
            self.rate = _sensible_rate(self._capture.get(cv2.CAP_PROP_FPS))
            count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
            self.expected = int(count) if 0 < count < 1e9 else None
            self.frames_read = 0
            is_there, first = self._capture.read()
            if not is_there:
                raise _damaged(self.path, "Not one of its frames can be decoded.")
            self._raw: Picture | None = first.astype(np.uint8, copy=False)
            self._start = self._position()
            self._seconds = 0.0
            self.size: tuple[int, int] = (first.shape[1], first.shape[0])
            self._picture: Picture = np.empty(first.shape, np.uint8)
        except BaseException:
            self._capture.release()
            raise

    @property
    def is_shorter_than_promised(self) -> bool:
        """Whether, once all is read, at least two frames and one in fifty of the promised ones were missing."""
        missing = (self.expected or 0) - self.frames_read
        return missing >= max(2, (self.expected or 0) / 50)

    def __iter__(self) -> Iterator[VideoFrame]:
        """Yield the frames; once only."""
        import cv2

        while self._raw is not None:
            raw = self._raw
            if raw.shape != self._picture.shape:  # some containers may change it under way
                raw = cv2.resize(raw, self.size).astype(np.uint8, copy=False)
            cv2.cvtColor(raw, cv2.COLOR_BGR2RGB, dst=self._picture)
            yield VideoFrame(self.frames_read, self._seconds, self._picture)
            self.frames_read += 1
            self._decode_next(self._raw)

    def _decode_next(self, buffer: Picture) -> None:
        """Decode the next frame into `_raw`, which becomes None at the end; note when it is shown."""
        is_there, raw = self._capture.read(buffer)
        self._raw = raw.astype(np.uint8, copy=False) if is_there else None
        seconds = self._position() - self._start
        # damaged files show times that stand still or leap
        usual = self._seconds + 1 / self.rate
        self._seconds = seconds if self._seconds < seconds < usual + _LARGEST_GAP else usual

    def _position(self) -> float:
        import cv2

        seconds = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        return seconds if math.isfinite(seconds) else 0.0

    def close(self) -> None:
        """Close the file."""
        self._capture.release()


def is_video(path: Path) -> bool:
    """Whether a file begins like a video of a known kind.

    Raises:
        BadInputError: it is no file that can be read, or empty.
    """
    return bool(video_kind(path))


def _known_kind(path: Path) -> str:
    kind = video_kind(path)
    if not kind:
        raise BadInputError(
            f"{path.name} is no video, or of a kind that cannot be read.",
            "",
            "Give an MP4, MOV, MKV, WebM or AVI file.",
        )
    return kind


def _damaged(path: Path, why: str) -> BadInputError:
    return BadInputError(
        f"{path.name} is damaged or was not copied completely.", why, "Copy it again, or convert it to MP4."
    )


def _sensible_rate(rate: float) -> float:
    low, high = _RATES
    return rate if math.isfinite(rate) and low <= rate <= high else _USUAL_RATE


class VideoWriter:
    """A video file that is complete, checked and in place when the block ends well, and absent otherwise.

    Frames come at a constant rate; give their times, and frames of a variable rate are repeated or dropped to fit.

    Args:
        path: ends in one of `WRITABLE_VIDEO_SUFFIXES`.
        size: width and height of the frames; an odd last column or row is lost, the codec knows only even sizes.
        rate: frames a second.
        force: replace what is there.
        progress: called during long repeats and while the finished file is checked, which may cancel either.

    Attributes:
        written: frames in the file so far.
        is_shortened: whether pauses between frames were cut: more than 60 repeats a second were asked for.

    Raises:
        UsageError: another ending.
        DestinationError: it exists and `force` is off, or it cannot be written.
        CancelledError: the person asked to stop; nothing is left.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        rate: float,
        *,
        force: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self.path = Path(path)
        self.size = size
        self.rate = _sensible_rate(rate)
        self.written = 0
        self.is_shortened = False
        self._progress = progress or Progress()
        self._given = 0
        self._force = force
        self._ticks = 0.0
        writable_video_suffix(self.path)
        if min(size) < 2:
            raise BadInputError(f"A video cannot be {size[0]} x {size[1]} pixels.", "", "Give a larger one.")
        if not force and os.path.lexists(self.path):
            raise taken(self.path)

    def __enter__(self) -> Self:
        import cv2

        self._staging = Staging(self.path.parent)
        self._staging.__enter__()
        try:
            self._staged = self._staging.path / f"video{self.path.suffix.lower()}"
            self._check_space()
            code = cv2.VideoWriter.fourcc(*_CODEC)
            self._writer = cv2.VideoWriter(os.path.abspath(self._staged), cv2.CAP_FFMPEG, code, self.rate, self.size)  # noqa: PTH100
            if not self._writer.isOpened():
                raise DestinationError(
                    f"{self.path} cannot be written.", "The encoder did not start.", "Write an .mp4."
                )
            self._raw = np.empty((self.size[1], self.size[0], 3), np.uint8)
        except BaseException:
            self._staging.__exit__(None, None, None)
            raise
        return self

    def write(self, picture: Picture, seconds: float | None = None) -> None:
        """Append a frame.

        Args:
            picture: height x width x 3, RGB, of the writer's size.
            seconds: when it is shown; None for one tick after the one before.

        Raises:
            DestinationError: the disk is full.
            CancelledError: the person asked to stop.
            ValueError: another size; a bug of the caller.
        """
        import cv2

        if picture.shape != self._raw.shape:
            raise ValueError(f"the frame is {picture.shape}, the video {self._raw.shape}")
        tick = self._ticks if seconds is None else max(seconds, 0.0) * self.rate
        # what was shown before stays until this one's time has come
        most = self._given + tick / self.rate * _MOST_REPEATS_A_SECOND
        while self.written and self.written < round(tick):
            if self.written >= most:
                self.is_shortened = True
                break
            if self.written % _FRAMES_BETWEEN_LOOKS == 0:
                self._progress("Writing the video", self.written / round(tick), f"frame {self.written + 1}")
            self._put()
        cv2.cvtColor(picture, cv2.COLOR_RGB2BGR, dst=self._raw)
        if self.written <= round(tick):
            self._put()
        self._given += 1
        self._ticks = tick + 1

    def _put(self) -> None:
        if self.written % _FRAMES_BETWEEN_LOOKS == 0:
            self._check_space()
        self._writer.write(self._raw)
        self.written += 1

    def _check_space(self) -> None:
        with destination_errors(self.path):
            free = shutil.disk_usage(self._staging.path).free
        if free < _SPACE_LEFT:
            raise DestinationError(
                f"{self.path} cannot be written.",
                "The disk is full.",
                "Free some space there or choose another folder.",
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._writer.release()
            if kind is None:
                self._check()
                self._staging.place(self._staged, self.path.name, force=self._force)
        finally:
            self._staging.__exit__(kind, error, traceback)

    def _check(self) -> None:
        """Read the file back: it must open, have the size and all frames, and the last one must decode."""
        if not self.written:
            raise BadInputError(f"No frame was given for {self.path.name}.", "", "Give a video with frames.")
        why = _fault(self._staged, (self.size[0] & -2, self.size[1] & -2), self.written, self._progress)
        if why:
            self._check_space()
            raise DestinationError(
                f"{self.path} cannot be written.", why, "The disk may be full or failing; choose another folder."
            )


def writable_video_suffix(path: Path) -> str:
    """Return the ending, in small letters, of a video that can be written; UsageError for another."""
    suffix = path.suffix.lower()
    if suffix not in WRITABLE_VIDEO_SUFFIXES:
        raise UsageError(
            f"{path.name} does not end in a kind of video that can be written.",
            "",
            did_you_mean(suffix or "nothing", WRITABLE_VIDEO_SUFFIXES),
        )
    return suffix


def _fault(path: Path, size: tuple[int, int], frames: int, progress: Progress) -> str:
    """Return what is wrong with a video that was just written, "" for nothing."""
    import cv2

    if not path.exists() or not path.stat().st_size:
        return "Nothing arrived on the disk."
    capture = open_capture(path, video_kind(path))
    try:
        if not capture.isOpened():
            return "What arrived on the disk cannot be opened."
        found = (int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)))
        if found != size:
            return f"What arrived on the disk has {found[0]} x {found[1]} pixels."
        return _missing_frames(capture, frames, progress)
    finally:
        capture.release()


def _missing_frames(capture: cv2.VideoCapture, frames: int, progress: Progress) -> str:
    arrived = 0
    while capture.grab():  # reads and decodes, but converts no colours
        if arrived % _FRAMES_BETWEEN_LOOKS == 0:
            progress("Checking the video", arrived / frames, f"frame {arrived + 1} of {frames}")
        arrived += 1
    return "" if arrived == frames else f"{arrived} of {frames} frames arrived on the disk."
