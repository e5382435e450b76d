"""Write what is seen into a video, beside the frames: drawing and encoding have a thread of their own."""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from converters.closing import Closing
from converters.errors import CancelledError, StudioError
from converters.face.faces import Picture
from converters.preview.board import Sides, board_size, draw_board, fitted_board
from converters.preview.places import require_folder
from converters.progress import Progress
from converters.video import VideoWriter, writable_video_suffix

RATE: Final = 25.0
"""Frames a second of the video; frames that come slower are repeated."""
LARGEST: Final = (960, 1080)
"""Width and height of one side at most."""
MOST_SECONDS: Final = 600.0
"""A recording ends by itself then: whoever forgets it does not fill the disk, and the check at the end stays short."""
_WAITING = 2  # frames that are copied and not written yet
_PATIENCE = 1.0  # seconds without a frame after which the last one is repeated, so that the end is not all the work


class Recording(Closing):
    """A video of both sides. It is complete and in its place once `ended` was called with None, and absent otherwise.

    Args:
        path: ends in one of `converters.video.WRITABLE_VIDEO_SUFFIXES`; what is there is replaced at the end, the
            window has asked. Its folder is there.
        first: the first frame; its size decides on the video's. Frames of another size are fitted in.
        ended: called once, from the recording's thread, when it is over: with the StudioError where there is no
            video.
        clock: seconds, of the clock that the times of frames are of.

    Attributes:
        path: of the video.
        frames: that were taken.
        seconds: that it lasts: until the last frame, and until `finish` in the end.
        is_over: nothing more is taken; `ended` was called.
        left_out: frames that came faster than they could be written.

    Raises:
        UsageError: another ending.
        DestinationError: it cannot be written there.
    """

    def __init__(
        self,
        path: Path,
        first: Sides,
        ended: Callable[[Recording, StudioError | None], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        writable_video_suffix(path)
        require_folder(path)
        self.path = path
        self.frames = self.left_out = 0
        self.seconds = 0.0
        self.is_over = False
        height, width = first.original.shape[:2]
        self._size = board_size(width, height)
        self._ended, self._clock = ended, clock
        self._is_given_up = False
        self._is_ending = False
        progress = Progress(is_cancelled=lambda: self._is_given_up)
        self._stack = ExitStack()  # entered here, so that whoever began it learns what is wrong with the place
        self._writer = self._stack.enter_context(VideoWriter(path, self._size, RATE, force=True, progress=progress))
        self._waiting: queue.Queue[tuple[Sides, float] | None] = queue.Queue(_WAITING + 1)
        self._begun: float | None = None
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._thread.start()

    @property
    def takes(self) -> bool:
        """Whether it takes frames: it is not over, and not about to be."""
        return not (self._is_ending or self.is_over)

    @property
    def has_room(self) -> bool:
        """Whether a frame that is added now would be written."""
        return self.takes and self._waiting.qsize() < _WAITING

    def add(self, sides: Sides | None, seen: float) -> bool:
        """Append a frame; call it for every one, also where there is no room.

        Args:
            sides: copies, the recording's own from now on; None where `has_room` says that none are needed.
            seen: when it was shown, seconds of the clock.

        Returns:
            Whether it is written: not where too many wait already, or where it is over.
        """
        if sides is None or not self.has_room:
            self.left_out += self.takes
            return False
        self._begun = seen if self._begun is None else self._begun
        self.seconds = max(seen - self._begun, self.seconds)
        self._waiting.put((sides, self.seconds))
        self.frames += 1
        if self.seconds >= MOST_SECONDS:
            self.finish()
        return True

    def finish(self) -> None:
        """Have it end well, now: the last frame is seen until then. Returns at once, `ended` says when it is there."""
        if self.takes:
            self._is_ending = True
            self.seconds = max(self.seconds, min(self._elapsed(), MOST_SECONDS))
            self._waiting.put(None)

    def close(self) -> None:
        """Have it end well and wait for that."""
        self.finish()
        self._thread.join()

    def give_up(self) -> None:
        """End it without a video."""
        self._is_given_up = True
        self.close()

    def _elapsed(self) -> float:
        """Return the seconds since the first frame was shown."""
        return 0.0 if self._begun is None else self._clock() - self._begun

    def _run(self) -> None:
        error: StudioError | None = None
        try:
            with self._stack:
                self._write()
        except StudioError as caught:
            error = caught
        except Exception as caught:  # a bug costs the recording and not the preview
            traceback.print_exc()
            error = StudioError(
                f"The recording {self.path.name} failed in a way that is not foreseen: {caught!r:.300}."
            )
        self.is_over = True
        self._ended(self, error)

    def _write(self) -> None:
        """Write frames until the end, each until the next one is seen."""
        board: Picture | None = None
        while True:
            try:
                item = self._waiting.get(timeout=_PATIENCE)
            except queue.Empty:
                elapsed = self._elapsed()
                if board is not None:
                    self._writer.write(board, min(elapsed - _PATIENCE, MOST_SECONDS))
                if elapsed >= MOST_SECONDS and not self._is_ending:
                    self._is_ending = True
                    self.seconds = MOST_SECONDS
                    break
                continue
            if self._is_given_up:
                raise CancelledError("Cancelled.")
            if item is None:
                break
            sides, seconds = item
            board = fitted_board(draw_board(sides, separately=False), self._size)
            self._writer.write(board, seconds)
        if board is not None:
            self._writer.write(board, self.seconds - 1 / RATE)
