"""The streaming histogram of one tensor: bounded memory, and the same result in whatever order samples come.

The bins divide [-reach, reach) evenly, where reach is the least power of two above every magnitude seen. When it has to
grow, it doubles by merging neighbouring bins. Bin widths are powers of two as well, so which bin a value falls into is
computed without rounding and nothing depends on when the reach grew.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from converters.compress.quantize.encodings import Floats

BINS = 8192
_HALF = BINS // 2
_LEAST_EXPONENT = -100
"""Of the reach before anything but zeros was seen; smaller magnitudes share the two bins beside zero."""
_LARGEST_EXPONENT = 128
_AT_ONCE = 1 << 17

Counts = npt.NDArray[np.int64]


class NotFiniteError(ValueError):
    """Values that are NaN or infinite were to be counted."""


def _no_counts() -> Counts:
    return np.zeros(BINS, np.int64)


@dataclass
class Histogram:
    """How often values occurred. Grows in place by `add` and `merge`.

    Attributes:
        counts: of `BINS` bins between -reach and reach, the lower edge of each included.
        exponent: reach is 2 to this power.
        zeros: how many values were exactly 0; they are in `counts` too.
        low, high: the lowest and highest value, both 0 while there is none.
        total: how many values there were.
    """

    counts: Counts = field(default_factory=_no_counts)
    exponent: int = _LEAST_EXPONENT
    zeros: int = 0
    low: float = 0.0
    high: float = 0.0
    total: int = 0

    @property
    def reach(self) -> float:
        """Half the width of all bins."""
        return math.ldexp(1.0, self.exponent)

    @property
    def width(self) -> float:
        """The width of one bin."""
        return math.ldexp(1.0, self.exponent - (_HALF.bit_length() - 1))

    @property
    def edges(self) -> npt.NDArray[np.float64]:
        """The BINS + 1 edges of the bins."""
        return np.asarray((np.arange(BINS + 1) - _HALF) * self.width, np.float64)

    def add(self, values: Floats) -> None:
        """Count float32 values of any shape.

        Raises:
            NotFiniteError: some are NaN or infinite; nothing was counted.
        """
        flat = values.reshape(-1)
        if not flat.size:
            return
        low, high = float(flat.min()), float(flat.max())
        if not (math.isfinite(low) and math.isfinite(high)):
            raise NotFiniteError("values are not finite")
        self._include(low, high, flat.size)
        self.zeros += flat.size - int(np.count_nonzero(flat))
        # Products with a power of two are exact, and so is everything else here.
        bins_per_unit = np.float32(math.ldexp(1.0, min(_HALF.bit_length() - 1 - self.exponent, 127)))
        scaled = np.empty(min(_AT_ONCE, flat.size), np.float32)
        places = np.empty(len(scaled), np.int16)
        for start in range(0, flat.size, _AT_ONCE):
            part = flat[start : start + _AT_ONCE]
            place = places[: len(part)]
            np.multiply(part, bins_per_unit, out=scaled[: len(part)])
            np.floor(scaled[: len(part)], out=scaled[: len(part)])
            np.add(scaled[: len(part)], np.float32(_HALF), out=place, casting="unsafe")
            self.counts += np.bincount(place, minlength=BINS)

    def merge(self, other: Histogram) -> None:
        """Count what another histogram counted, exactly; the other stays as it is."""
        if not other.total:
            return
        self._include(other.low, other.high, other.total)
        self.zeros += other.zeros
        self.counts += _widened(other.counts, self.exponent - other.exponent)

    def _include(self, low: float, high: float, count: int) -> None:
        """Take a range and a number of values into account, and grow the bins to hold it."""
        self.low, self.high = (min(self.low, low), max(self.high, high)) if self.total else (low, high)
        self.total += count
        exponent = max(math.frexp(max(abs(low), abs(high)))[1], _LEAST_EXPONENT)
        if exponent > self.exponent:
            self.counts = _widened(self.counts, exponent - self.exponent)
            self.exponent = exponent

    def cropped(self) -> tuple[Counts, int]:
        """Return the counts between the first and the last bin that has any, and the place of the first."""
        used = np.flatnonzero(self.counts)
        if not used.size:
            return self.counts[:0], 0
        return self.counts[used[0] : used[-1] + 1], int(used[0])


def _widened(counts: Counts, doublings: int) -> Counts:
    """Return the counts of bins that are wider by a power of two."""
    if doublings == 0:
        return counts
    merged = 2 ** min(doublings, _HALF.bit_length() - 1)
    sums = counts.reshape(-1, merged).sum(axis=1)
    wide = _no_counts()
    first = _HALF - len(sums) // 2
    wide[first : first + len(sums)] = sums
    return wide


def histogram_of(values: Floats) -> Histogram:
    """Return the histogram of one array, as for `Histogram.add`."""
    made = Histogram()
    made.add(values)
    return made


@dataclass
class Channels:
    """What the values of each channel of a tensor are like. Grows in place.

    Attributes:
        low, high: of each channel.
        total: the sum of each channel's values, summed up in double precision.
        count: values of one channel.
    """

    low: Floats
    high: Floats
    total: npt.NDArray[np.float64]
    count: int = 0

    @classmethod
    def empty(cls, channels: int) -> Channels:
        """Return what is known before anything was seen."""
        return cls(
            np.full(channels, np.inf, np.float32),
            np.full(channels, -np.inf, np.float32),
            np.zeros(channels, np.float64),
        )

    @property
    def mean(self) -> Floats:
        """The mean of each channel; 0 while there is nothing."""
        return np.asarray(self.total / max(self.count, 1), np.float32)

    def add(self, values: Floats, axis: int) -> None:
        """Take an array into account whose channels lie along `axis`."""
        rows = np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)
        self._include(rows.min(axis=1), rows.max(axis=1), rows.sum(axis=1, dtype=np.float64), rows.shape[1])

    def merge(self, other: Channels) -> None:
        """Take into account what another has seen."""
        self._include(other.low, other.high, other.total, other.count)

    def _include(self, low: Floats, high: Floats, total: npt.NDArray[np.float64], count: int) -> None:
        self.low = np.minimum(self.low, low)
        self.high = np.maximum(self.high, high)
        self.total = self.total + total
        self.count += count
