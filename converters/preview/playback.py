"""One source that is read in a thread of its own; nothing of it is shared with the source that comes after it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace

import numpy as np

from converters.errors import BadInputError, StudioError
from converters.face.faces import Picture
from converters.preview.messages import SourceReport, SourceState
from converters.preview.pace import Pace
from converters.preview.sources.base import Captured, FrameSource

_MOST_TO_CATCH_UP = 1.0  # seconds; after a longer pause, as of a machine that slept, the clock begins anew


@dataclass(frozen=True)
class Frame:
    """A frame with its number.

    Attributes:
        identity: counts up by one for each frame that was captured, also for those nobody looked at; never repeats,
            whatever the source does.
        seconds, picture, index, name: as `Captured` has them; the picture is good until the next frame is asked for.
        taken: when it was captured, seconds of the monotonic clock.
        is_discontinuous: what came before it does not lead to it: the clip began anew, was sought, or is another one.
        is_mirrored: left and right of the picture are exchanged.
    """

    identity: int
    seconds: float
    picture: Picture
    index: int
    name: str
    taken: float
    is_discontinuous: bool
    is_mirrored: bool = False


class Playback:
    """Reads a source. Everything public may be used from any thread.

    The reading thread knows only this object and its source: one that hung in a read and comes back after it was given
    up meets nothing of its successor, ends, and closes its source by itself.

    Args:
        source: an open source; the reading thread closes it.
        speed: of a clip.
        is_looping: whether a clip begins again.
        is_paused: give one frame and stand still.

    Attributes:
        source: that is read.
        speed: of a clip.
        is_looping: whether a clip begins again.
    """

    def __init__(
        self, source: FrameSource, speed: float = 1.0, *, is_looping: bool = True, is_paused: bool = False
    ) -> None:
        self.source = source
        self.is_looping = is_looping
        self._changed = threading.Condition()  # guards all that follows, and tells both threads of every change
        self._next_identity = 0
        self._newest: Frame | None = None
        self._held: Frame | None = None
        self._buffers: list[Picture] = []
        self._pace = Pace()
        self._pace.set_speed(speed)
        self._failure: BaseException | None = None
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
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)

    @property
    def speed(self) -> float:
        """How many seconds of a clip pass in one."""
        with self._changed:
            return self._pace.speed

    def begin(self, first_identity: int) -> None:
        """Read from now on; the first frame has this identity."""
        self._next_identity = first_identity
        self._thread.start()

    def give_up(self) -> int:
        """Let the reading end as soon as the source comes back, and no frame come any more; returns at once.

        Returns:
            the identity of the frame that would have come next.
        """
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
            return self._next_identity

    def join(self, timeout: float) -> bool:
        """Wait so many seconds until the reading has ended and the source is closed; return whether it has."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def newest(self, timeout: float) -> Frame | None:
        """Return the newest frame that was not yet returned; None where none came within `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._newest is not None or self._is_wanted_again or self._failure is not None, timeout
            )
            if self._failure is not None:
                raise self._failure
            wanted_again, self._is_wanted_again = self._is_wanted_again, False
            before = self._held
            if self._newest is not None:
                frame, self._newest = self._newest, None
                if before is not None:
                    self._buffers.append(before.picture)
                self._changed.notify_all()
            elif wanted_again and before is not None:
                frame = replace(before, identity=self._next_identity, taken=time.monotonic(), is_discontinuous=False)
                self._next_identity += 1
            else:
                return None
            if frame.is_mirrored != self.source.mirror:  # that was chosen after it had been captured
                picture = np.ascontiguousarray(frame.picture[:, ::-1])
                frame = replace(frame, picture=picture, is_mirrored=not frame.is_mirrored)
            if before is not None and before.is_mirrored != frame.is_mirrored:
                frame = replace(frame, is_discontinuous=True)
            self._held = frame
            return frame

    def play(self) -> None:
        """Let frames go on; at the end of a clip, from its beginning."""
        with self._changed:
            if self._is_ended:
                self._seek = 0.0
            self._is_paused, self._steps = False, 0
            self._changed.notify_all()

    def pause(self) -> None:
        """Let frames stand still; a camera keeps being read, so that it is fresh afterwards."""
        with self._changed:
            self._is_paused = self._is_clock_stale = True
            self._changed.notify_all()

    def step(self, by: int) -> None:
        """Pause, and give the next `by` frames one by one, negative for those before; of a camera the next."""
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
        """Let a clip run faster or slower."""
        with self._changed:
            self._pace.set_speed(factor)
            self._changed.notify_all()

    def set_loop(self, is_on: bool) -> None:
        """Begin again at the end, or not."""
        with self._changed:
            self.is_looping = is_on
            self._changed.notify_all()

    def again(self) -> None:
        """Give the frame that was returned last, if there is one, once more where no newer one comes."""
        with self._changed:
            self._is_wanted_again = self._held is not None
            self._changed.notify_all()

    def report(self) -> SourceReport:
        """Return how the source is; cheap."""
        source = self.source
        health = source.health()
        with self._changed:
            state = health.state
            if state is SourceState.PLAYING:
                if self._is_ended:
                    state = SourceState.ENDED
                elif self._is_paused:
                    state = SourceState.PAUSED
            return SourceReport(
                source.title,
                state,
                source.is_live,
                self._position[0],
                source.duration,
                self._position[1],
                source.count,
                source.rate,
                source.size,
                self._pace.speed,
                self.is_looping,
                health.problem if self._error is None else str(self._error),
                health.next_try,
            )

    # the reading thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            with self.source:
                if self.source.is_live:
                    self._run_live()
                else:
                    self._run_clip()
        except BaseException as error:  # a bug: whoever waits for frames shall hear of it
            with self._changed:
                self._failure = error
                self._changed.notify_all()

    def _run_live(self) -> None:
        while not self._is_over:
            captured = self.source.read()
            if captured is None or self._is_over:
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
                if self._is_over:
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
                if waiting is None and not self._is_over:
                    waiting = self._read_on(is_now)
            except StudioError as error:
                with self._changed:
                    self._error, self._is_ended, self._is_owed, self._steps = error, True, False, 0
                continue
            if waiting is None:
                continue
            if (is_now or self._wait_for(waiting, speed)) and self._put(waiting):
                waiting = None

    def _is_asked(self) -> bool:
        """Whether something else than the next frame in its time is to be done. A step waits for the one before."""
        return self._is_over or self._seek is not None or (self._steps != 0 and self._newest is None)

    def _has_work(self) -> bool:
        return self._is_asked() or (not self._is_ended and (self._is_owed or not self._is_paused))

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
        if captured is not None or self._is_over:
            return captured
        with self._changed:
            if not self.is_looping:
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
        with self._changed:
            if self._is_clock_stale:
                self._pace.begin(captured.seconds)
                self._is_clock_stale = False
            late = time.monotonic() - self._pace.due(captured.seconds)
            return not self._changed.wait_for(
                lambda: self._is_asked() or self._is_paused or self._pace.speed != speed, max(0.0, -late)
            )

    def _put(self, captured: Captured) -> bool:
        """Make a frame the newest; False where it is not wanted any more."""
        picture, is_mirrored = self._buffer(captured.picture), self.source.mirror
        if is_mirrored:
            import cv2

            cv2.flip(captured.picture, 1, dst=picture)
        else:
            np.copyto(picture, captured.picture)
        is_discontinuous = self._is_discontinuous or captured.is_discontinuous
        with self._changed:
            if self._is_over:
                return False
            if self._newest is not None:  # nobody looked at it
                self._buffers.append(self._newest.picture)
                is_discontinuous = is_discontinuous or self._newest.is_discontinuous
            self._next_identity += captured.skipped
            self._newest = Frame(
                self._next_identity,
                captured.seconds,
                picture,
                captured.index,
                captured.name,
                time.monotonic(),
                is_discontinuous,
                is_mirrored,
            )
            self._next_identity += 1
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
