"""Read a source in a thread of its own and keep its newest frame: whoever is slow misses frames, sees no old ones."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from converters.closing import Closing
from converters.errors import BadInputError, StudioError, UsageError
from converters.face.faces import Picture
from converters.preview.messages import SourceReport, SourceState
from converters.preview.pace import Pace
from converters.preview.request import SourceChoice
from converters.preview.sources.base import Captured, FrameSource
from converters.preview.sources.opening import open_source

SPEEDS = (0.1, 4.0)
"""Slowest and fastest."""
_MOST_TO_CATCH_UP = 1.0  # seconds; after a longer pause, as of a machine that slept, the clock begins anew


@dataclass(frozen=True)
class Frame:
    """A frame with its number.

    Attributes:
        identity: counts up by one for each frame that was captured, also for those nobody looked at; never repeats,
            whatever the source does.
        seconds, picture, index, name: as `Captured` has them; the picture is good until `newest` is called again.
        taken: when it was captured, seconds of the monotonic clock.
        is_discontinuous: what came before it does not lead to it: the clip began anew, was sought, or is another one.
    """

    identity: int
    seconds: float
    picture: Picture
    index: int
    name: str
    taken: float
    is_discontinuous: bool


class Capture(Closing):
    """Reads a source. Frames of a clip come at its own pace; those of a camera as they come.

    Args:
        source: what to open, or an open source; closed with this.
        first_identity: of the first frame.
        is_paused: give one frame and stand still.

    Attributes:
        source: that is read.
        next_identity: of the frame that comes next.

    Raises:
        StudioError: as `open_source`.
    """

    def __init__(self, source: FrameSource | SourceChoice, first_identity: int = 0, *, is_paused: bool = False) -> None:
        self.source = open_source(source) if isinstance(source, SourceChoice) else source
        self.next_identity = first_identity
        self._changed = threading.Condition()  # guards all that follows, and tells both threads of every change
        self._newest: Frame | None = None
        self._held: Frame | None = None
        self._buffers: list[Picture] = []
        self._is_looping = True
        self._pace = Pace()
        self._failure: BaseException | None = None
        self._begin(is_paused)

    def _begin(self, is_paused: bool) -> None:
        self._is_over = False
        self._is_paused = is_paused
        self._is_ended = False
        self._is_owed = True  # one frame, although it is paused
        self._is_wanted_again = False
        self._seek: float | None = None
        self._steps = 0
        self._position = (0.0, 0)  # seconds and index of the frame that was captured last
        self._error: StudioError | None = None
        self._is_discontinuous = self._is_clock_stale = True
        run = self._run_live if self.source.is_live else self._run_clip
        self._thread = threading.Thread(target=self._run, args=(run,), name="capture", daemon=True)
        self._thread.start()

    def newest(self, timeout: float) -> Frame | None:
        """Return the newest frame that was not yet returned; None where none came within `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._newest is not None or self._is_wanted_again or self._failure is not None, timeout
            )
            if self._failure is not None:
                raise self._failure
            wanted_again, self._is_wanted_again = self._is_wanted_again, False
            if self._newest is not None:
                if self._held is not None:
                    self._buffers.append(self._held.picture)
                self._held, self._newest = self._newest, None
                self._changed.notify_all()
            elif wanted_again and self._held is not None:
                self._held = replace(
                    self._held, identity=self.next_identity, taken=time.monotonic(), is_discontinuous=False
                )
                self.next_identity += 1
            else:
                return None
            return self._held

    def play(self) -> None:
        """Let frames go on; at the end of a clip, from its beginning."""
        with self._changed:
            if self._is_ended:
                self._seek = 0.0
            self._is_paused = False
            self._changed.notify_all()

    def pause(self) -> None:
        """Let frames stand still; a camera keeps being read, so that it is fresh afterwards."""
        with self._changed:
            self._is_paused = self._is_clock_stale = True
            self._changed.notify_all()

    def step(self, by: int) -> None:
        """Pause, and give the frames that follow or come before, one by one; of a camera the next.

        Args:
            by: how many, negative for backwards.
        """
        with self._changed:
            self._is_paused = self._is_clock_stale = True
            self._steps += by
            self._is_owed = self._is_owed or self.source.is_live
            self._changed.notify_all()

    def seek(self, seconds: float) -> None:
        """Go on from a time of a clip; paused, its frame is given. A camera has no other time than now."""
        with self._changed:
            if self.source.is_live:
                return
            self._seek, self._steps = max(0.0, seconds), 0
            self._changed.notify_all()

    def set_speed(self, factor: float) -> None:
        """Let a clip run faster or slower.

        Raises:
            UsageError: outside `SPEEDS`.
        """
        if not SPEEDS[0] <= factor <= SPEEDS[1]:
            raise UsageError(f"A speed of {factor:g} is not possible.", "", f"Give {SPEEDS[0]:g} to {SPEEDS[1]:g}.")
        with self._changed:
            self._pace.set_speed(factor)
            self._changed.notify_all()

    def set_loop(self, is_on: bool) -> None:
        """Begin again at the end, or not."""
        with self._changed:
            self._is_looping = is_on
            self._changed.notify_all()

    def again(self) -> None:
        """Give the frame that was returned last once more, with a new identity, where no newer one comes."""
        with self._changed:
            self._is_wanted_again = True
            self._changed.notify_all()

    def change(self, choice: SourceChoice) -> None:
        """Read another source from now on, playing; identities count on, speed and loop stay.

        Raises:
            StudioError: it cannot be opened; the old one goes on.
        """
        with self._changed:
            if self.source.adopt(choice):
                return
        source = open_source(choice)
        self._stop()
        with self._changed:
            if self._newest is not None:
                self._buffers.append(self._newest.picture)
                self._newest = None
        self.source = source
        self._begin(is_paused=False)

    def report(self) -> SourceReport:
        """Return how the source is; cheap."""
        health = self.source.health()
        with self._changed:
            state = health.state
            if state is SourceState.PLAYING:
                if self._is_ended:
                    state = SourceState.ENDED
                elif self._is_paused:
                    state = SourceState.PAUSED
            return SourceReport(
                self.source.title,
                state,
                self.source.is_live,
                self._position[0],
                self.source.duration,
                self._position[1],
                self.source.count,
                self.source.rate,
                self.source.size,
                self._pace.speed,
                self._is_looping,
                health.problem if self._error is None else str(self._error),
                health.next_try,
            )

    def close(self) -> None:
        """Stop reading; the source is closed."""
        self._stop()

    def _stop(self) -> None:
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
        self._thread.join(timeout=2)
        # what hangs in a read must not be closed under its feet; its thread ends with the process
        if not self._thread.is_alive():
            self.source.close()

    def _run(self, run: Callable[[], None]) -> None:
        try:
            run()
        except BaseException as error:  # a bug: whoever waits for frames shall hear of it
            with self._changed:
                self._failure = error
                self._changed.notify_all()

    def _is_given_up(self) -> bool:
        """Whether this thread has to end: also one that hung in a read and comes back beside its successor."""
        return self._is_over or threading.current_thread() is not self._thread

    def _run_live(self) -> None:
        while not self._is_given_up():
            captured = self.source.read()
            if captured is None or self._is_given_up():
                continue
            with self._changed:
                is_shown = not self._is_paused or self._is_owed
                self._is_owed, self._steps = False, 0
            if is_shown:
                self._put(captured)
            else:
                self._is_discontinuous = True

    def _run_clip(self) -> None:
        waiting: Captured | None = None  # was read, but its time has not come
        while True:
            with self._changed:
                self._changed.wait_for(self._has_work)
                if self._is_given_up():
                    return
                seek, self._seek = self._seek, None
                step = 0
                if self._steps and self._newest is None and seek is None:
                    step = 1 if self._steps > 0 else -1
                    self._steps -= step
                is_now = self._is_owed or seek is not None or step != 0
                speed = self._pace.speed
            try:
                if seek is not None or step < 0:
                    self._go_to(seek)
                    waiting = None
                if waiting is None:
                    waiting = self._read_on(is_now)
            except StudioError as error:
                with self._changed:
                    self._error, self._is_ended, self._is_owed, self._steps = error, True, False, 0
                continue
            if waiting is None:
                continue
            if (is_now or self._wait_for(waiting, speed)) and self._put(waiting):
                waiting = None

    def _has_work(self) -> bool:
        is_asked = self._is_given_up() or self._seek is not None or (self._steps != 0 and self._newest is None)
        return is_asked or (not self._is_ended and (self._is_owed or not self._is_paused))

    def _go_to(self, seconds: float | None) -> None:
        """Let the source go on at a time, None for one frame back."""
        if seconds is None:
            self.source.seek_before(self._position[0])
        else:
            self.source.seek(seconds)
        with self._changed:
            self._is_discontinuous = self._is_clock_stale = True
            self._is_ended, self._error = False, None

    def _read_on(self, is_now: bool) -> Captured | None:
        """Return the next frame, at the end of a loop the first; None at the end, which is noted."""
        now = time.monotonic()
        with self._changed:
            earliest = 0.0
            if not (is_now or self._is_clock_stale):
                earliest = self._pace.position(now)
                if earliest > self._position[0] + _MOST_TO_CATCH_UP * self._pace.speed:
                    self._is_clock_stale, earliest = True, 0.0
        captured = self.source.read(earliest)
        if captured is not None:
            return captured
        with self._changed:
            if not self._is_looping:
                self._is_ended, self._is_owed, self._steps = True, False, 0
                self._changed.notify_all()
                return None
            # the last frame is shown as long as the others
            self._pace.begin(0.0, self._pace.due(self._position[0] + 1 / self.source.rate))
            self._is_discontinuous = True
        self.source.seek(0.0)
        captured = self.source.read()
        if captured is None:
            raise BadInputError(f"{self.source.title} has no frames any more.", "", "Choose another source.")
        return captured

    def _wait_for(self, captured: Captured, speed: float) -> bool:
        """Wait until a frame is due; False where something else was asked for meanwhile."""

        def is_other() -> bool:
            is_asked = self._is_given_up() or self._seek is not None or self._steps != 0
            return is_asked or self._is_paused or self._pace.speed != speed

        with self._changed:
            if self._is_clock_stale:
                self._pace.begin(captured.seconds)
                self._is_clock_stale = False
            late = time.monotonic() - self._pace.due(captured.seconds)
            return not self._changed.wait_for(is_other, max(0.0, -late))

    def _put(self, captured: Captured) -> bool:
        """Make a frame the newest; False where it is not wanted any more."""
        picture = self._buffer(captured.picture)
        if self.source.mirror:
            import cv2

            cv2.flip(captured.picture, 1, dst=picture)
        else:
            np.copyto(picture, captured.picture)
        is_discontinuous = self._is_discontinuous or captured.is_discontinuous
        with self._changed:
            if self._is_given_up():
                return False
            if self._newest is not None:  # nobody looked at it
                self._buffers.append(self._newest.picture)
                is_discontinuous = is_discontinuous or self._newest.is_discontinuous
            self.next_identity += captured.skipped
            self._newest = Frame(
                self.next_identity,
                captured.seconds,
                picture,
                captured.index,
                captured.name,
                time.monotonic(),
                is_discontinuous,
            )
            self.next_identity += 1
            self._position = (captured.seconds, captured.index)
            self._is_owed = False
            self._is_discontinuous = False
            self._changed.notify_all()
        return True

    def _buffer(self, like: Picture) -> Picture:
        with self._changed:
            while self._buffers:
                buffer = self._buffers.pop()
                if buffer.shape == like.shape:
                    return buffer
        return np.empty(like.shape, np.uint8)
