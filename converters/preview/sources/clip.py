"""Frames of a video file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from converters.preview.sources.base import Captured, FrameSource
from converters.video import VideoFrame, VideoReader


class VideoSource(FrameSource):
    """A video file from its beginning, or from where it was sought.

    Args:
        path: of it.

    Raises:
        BadInputError: as `VideoReader`.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.title = self.path.name
        self._reader: VideoReader | None = None
        self._frames: Iterator[VideoFrame] = iter(())
        self._begin()

    def _begin(self) -> None:
        self.close()
        self._reader = VideoReader(self.path)
        self._frames = iter(self._reader)
        self.rate, self.count, self.size = self._reader.rate, self._reader.expected, self._reader.size
        self.duration = None if self.count is None else self.count / self.rate

    def read(self) -> Captured | None:
        """Return the next frame; None at the end."""
        frame = next(self._frames, None)
        return None if frame is None else Captured(frame.seconds, frame.picture, frame.index)

    def seek(self, seconds: float) -> None:
        """Read on from a time."""
        if seconds <= 0:
            self._begin()

    def close(self) -> None:
        """Close the file."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
