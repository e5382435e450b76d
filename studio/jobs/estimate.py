"""How much longer work will take, from its pace so far."""

from __future__ import annotations

from collections import deque

LEAST_SECONDS = 5.0
LEAST_FRACTION = 0.05
_MEMORY = 30.0  # seconds of the past that the pace is taken from
_PATIENCE = 3.0  # what comes later than this many times the longest wait so far says that the pace is another one now
_WEIGHT = 0.3  # of a new estimate among those before it


class Pace:
    """The pace of one stage of work.

    It is the median of the paces from moments spread over the last half minute until now, so that neither a slow
    beginning nor one long step decides, and new estimates move the old one gently.
    """

    def __init__(self) -> None:
        self._stage: str | None = None
        self._marks: deque[tuple[float, float]] = deque()  # seconds of the clock and what was done then
        self._longest = 0.0  # seconds between two marks
        self._began = 0.0
        self._end: float | None = None

    def add(self, stage: str, fraction: float, now: float) -> None:
        """Take in how far the work is.

        Args:
            stage: another one begins a new pace; so does a fraction that goes back.
            fraction: 0..1 of that stage.
            now: seconds of the monotonic clock.
        """
        if stage != self._stage or (self._marks and fraction < self._marks[-1][1]):
            self._stage, self._began, self._end, self._longest = stage, now, None, 0.0
            self._marks.clear()
        if self._marks and fraction <= self._marks[-1][1]:
            return
        if self._marks:
            self._longest = max(self._longest, now - self._marks[-1][0])
        self._marks.append((now, fraction))
        while len(self._marks) > 2 and self._marks[1][0] < now - _MEMORY:
            self._marks.popleft()
        if len(self._marks) > 1 and now - self._began >= LEAST_SECONDS and fraction >= LEAST_FRACTION:
            end = now + self._seconds_for_all() * (1.0 - fraction)
            self._end = end if self._end is None else self._end + _WEIGHT * (end - self._end)

    def remaining(self, now: float) -> float | None:
        """Return the seconds that are left, None while nobody can know.

        Args:
            now: seconds of the monotonic clock.
        """
        if self._end is None or now > self._marks[-1][0] + max(LEAST_SECONDS, _PATIENCE * self._longest):
            return None
        return self._end - now if now < self._end else None

    def _seconds_for_all(self) -> float:
        last, done = self._marks[-1]
        paces = sorted((last - then) / (done - was) for then, was in list(self._marks)[:-1])
        return paces[len(paces) // 2]
