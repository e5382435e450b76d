"""What the frames of a live comparison amount to: rates, latencies, losses and their course. Bounded in any case."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from statistics import median

from converters.preview.messages import FrameReport

SPAN = 60.0
"""Seconds of the past that the charts show."""
_LATEST = 60  # frames that latencies are the median of
_RATE_SPAN = 2.0  # seconds of the past that the rate is counted over
_PIECE = 0.1  # seconds that one point of a chart stands for: more than a chart can show is not kept

Series = tuple[tuple[float, ...], tuple[float | None, ...]]


class Statistics:
    """Takes the reports of frames as they are shown.

    Everything but the rate, the latencies and the charts is of all frames since the last `reset`.

    Attributes:
        frames: taken since then.
        dropped: frames of the source that were not treated.
        rate: frames a second now; 0 where there are fewer than two.
        lpips_now: of the worst face of the newest frame; None where it was not measured.
        psnr_now: of the worst face of the newest frame, decibels; None likewise.
        figures: of the newest frame, those of its kind of model alone.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything: a side or the source is another one."""
        self.frames = 0
        self.dropped = 0
        self.rate = 0.0
        self.lpips_now: float | None = None
        self.psnr_now: float | None = None
        self.figures: Mapping[str, float] = {}
        self._first_dropped: int | None = None
        self._shown: deque[float] = deque()
        self._latest: deque[Mapping[str, float]] = deque(maxlen=_LATEST)
        self._delays: deque[float] = deque(maxlen=_LATEST)
        self._seconds: dict[str, float] | None = None
        self._losses = _Course()
        self._rates = _Course()
        self._lpips = _Spread()
        self._psnr = _Mean()
        self._original, self._candidate = _Mean(), _Mean()

    def take(self, report: FrameReport, now: float) -> None:
        """Count a frame that was shown.

        Args:
            report: of the frame.
            now: seconds of the monotonic clock.
        """
        self.frames += 1
        self._first_dropped = report.dropped if self._first_dropped is None else self._first_dropped
        self.dropped = max(report.dropped - self._first_dropped, 0)
        self._count(now)
        self._latest.append(report.seconds)
        self._delays.append(max(now - report.taken, 0.0))
        self._seconds = None
        self.figures = report.figures
        self.lpips_now = report.loss
        self.psnr_now = min(_known(face.psnr for face in report.faces), default=report.figures.get("psnr"))
        if self.lpips_now is not None:
            self._lpips.add(self.lpips_now)
        if self.psnr_now is not None:
            self._psnr.add(self.psnr_now)
        self._losses.add(now, self.lpips_now)
        for face in report.faces:
            # only together: their difference is to be the loss, not that other faces were measured
            if face.original_cosine is not None and face.candidate_cosine is not None:
                self._original.add(face.original_cosine)
                self._candidate.add(face.candidate_cosine)

    def _count(self, now: float) -> None:
        self._shown.append(now)
        while self._shown[0] < now - _RATE_SPAN:
            self._shown.popleft()
        passed = now - self._shown[0]
        self.rate = (len(self._shown) - 1) / passed if passed > 0 else 0.0
        self._rates.add(now, self.rate)

    @property
    def seconds(self) -> Mapping[str, float]:
        """Median seconds of each stage in the latest frames that had it, in the order of the stages."""
        if self._seconds is None:
            values: dict[str, list[float]] = {}
            for stages in self._latest:
                for stage, taken in stages.items():
                    values.setdefault(stage, []).append(taken)
            self._seconds = {stage: median(each) for stage, each in values.items()}
        return self._seconds

    @property
    def delay(self) -> float | None:
        """Median seconds from a frame's capture to its being shown; None without frames."""
        return median(self._delays) if self._delays else None

    @property
    def lpips_mean(self) -> float | None:
        """Mean of the frames' losses; None where none was measured."""
        return self._lpips.mean

    @property
    def lpips_p95(self) -> float | None:
        """Loss that 95 of 100 frames stay below, within 1 %; None where none was measured."""
        return self._lpips.quantile(0.95)

    @property
    def lpips_worst(self) -> float | None:
        """Largest loss; None where none was measured."""
        return self._lpips.largest

    @property
    def psnr(self) -> float | None:
        """Mean of the frames' PSNR, decibels; None where none was measured."""
        return self._psnr.mean

    @property
    def original_cosine(self) -> float | None:
        """Mean cosine of the original's faces to the person that appears on them; None where never measured."""
        return self._original.mean

    @property
    def candidate_cosine(self) -> float | None:
        """Mean cosine of the candidate's faces, of the same ones."""
        return self._candidate.mean

    @property
    def cosine_drop(self) -> float | None:
        """How much of the cosine the candidate loses; None where never measured."""
        original, candidate = self.original_cosine, self.candidate_cosine
        return None if original is None or candidate is None else original - candidate

    @property
    def losses(self) -> Series:
        """Moments of the last minute, seconds of the monotonic clock, and the largest loss at each."""
        return self._losses.series

    @property
    def rates(self) -> Series:
        """Moments of the last minute and the frames a second at each."""
        return self._rates.series


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]


class _Mean:
    def __init__(self) -> None:
        self._count, self._sum = 0, 0.0

    def add(self, value: float) -> None:
        self._count += 1
        self._sum += value

    @property
    def mean(self) -> float | None:
        return self._sum / self._count if self._count else None


class _Spread(_Mean):
    """Mean, largest and quantiles of any number of values, in bins that each are 1 % wide."""

    _LEAST, _WIDTH = 1e-7, math.log(1.01)

    def __init__(self) -> None:
        super().__init__()
        self._bins: dict[int, int] = {}  # at most one for each percent between the least value and the largest
        self.largest: float | None = None

    def add(self, value: float) -> None:
        super().add(value)
        self.largest = value if self.largest is None else max(self.largest, value)
        place = math.floor(math.log(max(value, self._LEAST) / self._LEAST) / self._WIDTH)
        self._bins[place] = self._bins.get(place, 0) + 1

    def quantile(self, share: float) -> float | None:
        """Return the value that this share of all values does not pass."""
        if self.largest is None:
            return None
        left = math.ceil(share * self._count)
        for place in sorted(self._bins):
            left -= self._bins[place]
            if left <= 0:
                middle = self._LEAST * math.exp((place + 0.5) * self._WIDTH)
                return min(middle, self.largest) if place else min(self._LEAST, self.largest)
        return self.largest


class _Course:
    """Values of the last minute, the one that matters most of each tenth of a second."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque()
        self._values: deque[float | None] = deque()

    def add(self, now: float, value: float | None) -> None:
        if self._seconds and math.floor(now / _PIECE) == math.floor(self._seconds[-1] / _PIECE):
            last = self._values[-1]
            self._values[-1] = value if last is None else last if value is None else max(last, value)
            return
        self._seconds.append(now)
        self._values.append(value)
        while self._seconds[0] < now - SPAN:
            self._seconds.popleft()
            self._values.popleft()

    @property
    def series(self) -> Series:
        return tuple(self._seconds), tuple(self._values)
