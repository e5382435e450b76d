"""Frames of a video file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from converters.face.faces import Picture
from converters.preview.sources.base import Captured, FrameSource
from converters.video import VideoReader

_EARLIER = (0.1, 2.0, 10.0)
"""Seconds before the wanted time at which reading begins: a file that lands behind it is entered earlier."""
_LARGEST_GAP = 10.0  # seconds between two frames that are believed
_SAME = 1e-4
"""Seconds within which two times are one."""

_Decoded = tuple[float, Picture]  # when it is shown, and its pixels, BGR


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
        self._reader = _Reader(self.path)
        self.rate, self.count, self.size = self._reader.rate, self._reader.expected, self._reader.size
        self.duration = None if self.count is None else self.count / self.rate

    def read(self, earliest: float = 0.0) -> Captured | None:
        """Return the next frame; None at the end."""
        return self._reader.take(earliest)

    def seek(self, seconds: float) -> None:
        """Go on with the frame that is shown at a time, the last where it is behind the end."""
        if self._reader.seek(max(0.0, seconds)):
            return
        # the file cannot be entered in the middle: it is read from its beginning
        self._reader.close()
        self._reader = _Reader(self.path)
        self._reader.go_on_to(seconds)

    def close(self) -> None:
        """Close the file."""
        self._reader.close()


class _Reader(VideoReader):
    """Reads a checked file in any order, instead of by iterating."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        assert self._raw is not None  # a file without a first frame was refused
        self._decoded: Picture = np.empty(self._raw.shape, np.uint8)
        self._ahead: list[_Decoded] = [(0.0, self._raw)]  # decoded, but not given yet
        self._index = 0  # of the next frame

    def take(self, earliest: float) -> Captured | None:
        """Return the next frame that is not over at a time; None at the end."""
        import cv2

        skipped = 0
        if self._ahead:
            self._seconds, raw = self._ahead.pop(0)
        else:
            while (is_there := self._grab()) and self._seconds + 1 / self.rate < earliest:
                skipped += 1  # neither its colours are converted nor is it copied
            decoded = self._retrieve(self._decoded) if is_there else None
            if decoded is None:
                return None
            self._decoded = raw = decoded
        if raw.shape != self._picture.shape:  # some containers may change it under way
            raw = cv2.resize(raw, self.size).astype(np.uint8, copy=False)
        cv2.cvtColor(raw, cv2.COLOR_BGR2RGB, dst=self._picture)
        self._index += skipped + 1
        return Captured(self._seconds, self._picture, self._index - 1, skipped=skipped)

    def seek(self, seconds: float) -> bool:
        """Go to the frame that is shown at a time; False where the file cannot be entered before it."""
        import cv2

        for earlier in _EARLIER:
            start = max(0.0, seconds - earlier)
            if not self._capture.set(cv2.CAP_PROP_POS_MSEC, (start + self._start) * 1000):
                return False
            if not self._capture.grab():
                continue  # behind the end
            self._seconds = self._position() - self._start
            raw = self._retrieve(None) if self._seconds <= seconds + _SAME else None
            if raw is not None:
                self._go_on_to(seconds, (self._seconds, raw))
                return True
        return False

    def go_on_to(self, seconds: float) -> None:
        """Go forward to the frame that is shown at a time; nothing was read yet."""
        self._go_on_to(seconds, self._ahead[0])

    def _go_on_to(self, seconds: float, last: _Decoded) -> None:
        self._ahead = [last]
        while self._grab() and (raw := self._retrieve(None)) is not None:
            if self._seconds > seconds + _SAME:
                self._ahead.append((self._seconds, raw))
                break
            self._ahead = [(self._seconds, raw)]
        self._index = round(self._ahead[0][0] * self.rate)

    def _grab(self) -> bool:
        """Read the next frame and note when it is shown."""
        if not self._capture.grab():
            return False
        seconds, usual = self._position() - self._start, self._seconds + 1 / self.rate
        # damaged files show times that stand still or leap
        self._seconds = seconds if self._seconds < seconds < usual + _LARGEST_GAP else usual
        return True

    def _retrieve(self, buffer: Picture | None) -> Picture | None:
        is_there, raw = self._capture.retrieve(buffer)
        return raw.astype(np.uint8, copy=False) if is_there else None
