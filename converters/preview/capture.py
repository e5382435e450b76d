"""Keep the newest frame of a source, which may be exchanged: whoever is slow misses frames, sees no old ones."""

from __future__ import annotations

import time

from converters.closing import Closing
from converters.errors import UsageError
from converters.preview.messages import SourceReport
from converters.preview.playback import Frame, Playback
from converters.preview.request import SourceChoice
from converters.preview.sources.base import FrameSource, differ_in_mirror
from converters.preview.sources.opening import open_source

__all__ = ["SPEEDS", "Capture", "Frame"]

SPEEDS = (0.1, 4.0)
"""Slowest and fastest."""
_PATIENCE = 2.0
"""Seconds that a source which is done with may take to come back from its last read."""


class Capture(Closing):
    """Reads a source. Frames of a clip come at its own pace; those of a camera as they come.

    `report` may be called from any thread, the rest from one.

    Args:
        source: what to open, or an open source; closed with this.
        first_identity: of the first frame.
        is_paused: give one frame and stand still.

    Raises:
        StudioError: as `open_source`.
    """

    def __init__(self, source: FrameSource | SourceChoice, first_identity: int = 0, *, is_paused: bool = False) -> None:
        opened = open_source(source) if isinstance(source, SourceChoice) else source
        self._late: list[Playback] = []  # did not come back in time when others took their places
        self._playback = Playback(opened, is_paused=is_paused)
        self._playback.begin(first_identity)

    @property
    def source(self) -> FrameSource:
        """What is read now."""
        return self._playback.source

    def newest(self, timeout: float) -> Frame | None:
        """Return the newest frame that was not yet returned; None where none came within `timeout` seconds."""
        return self._playback.newest(timeout)

    def play(self) -> None:
        """Let frames go on; at the end of a clip, from its beginning."""
        self._playback.play()

    def pause(self) -> None:
        """Let frames stand still; a camera keeps being read, so that it is fresh afterwards."""
        self._playback.pause()

    def step(self, by: int) -> None:
        """Pause, and give the frames that follow or come before, one by one; of a camera the next.

        Args:
            by: how many, negative for backwards.
        """
        self._playback.step(by)

    def seek(self, seconds: float) -> None:
        """Go on from a time of a clip; paused, its frame is given. A camera has no other time than now."""
        self._playback.seek(seconds)

    def set_speed(self, factor: float) -> None:
        """Let a clip run faster or slower.

        Raises:
            UsageError: outside `SPEEDS`.
        """
        if not SPEEDS[0] <= factor <= SPEEDS[1]:
            raise UsageError(f"A speed of {factor:g} is not possible.", "", f"Give {SPEEDS[0]:g} to {SPEEDS[1]:g}.")
        self._playback.set_speed(factor)

    def set_loop(self, is_on: bool) -> None:
        """Begin again at the end, or not."""
        self._playback.set_loop(is_on)

    def again(self) -> None:
        """Give the frame that was returned last once more, with a new identity, where no newer one comes.

        Before the first frame of a source there is none.
        """
        self._playback.again()

    def change(self, choice: SourceChoice) -> None:
        """Read another source from now on, playing; identities count on, speed and loop stay.

        Where only the mirror is another one, all goes on as it is, and a frame that stands still is given once more.
        Otherwise a clip or folder that is chosen again begins anew, with what is in it now.

        Raises:
            StudioError: it cannot be opened; the old one goes on.
        """
        old = self._playback
        is_only_turned = differ_in_mirror(old.source.choice, choice)
        if old.source.adopt(choice):
            if is_only_turned:
                old.again()
            else:
                old.play()
            return
        new = Playback(open_source(choice), old.speed, is_looping=old.is_looping)
        # first it is the one that is reported, then the old one may fall silent
        self._playback = new
        new.begin(old.give_up())
        old.join(_PATIENCE)
        self._late = [playback for playback in (*self._late, old) if not playback.join(0)]

    def report(self) -> SourceReport:
        """Return how the source is; cheap. From any thread."""
        return self._playback.report()

    def close(self) -> None:
        """Stop reading; the source is closed. What hangs in a read is left to the end of the process."""
        until = time.monotonic() + _PATIENCE
        self._playback.give_up()
        for playback in (self._playback, *self._late):
            playback.join(max(0.0, until - time.monotonic()))
