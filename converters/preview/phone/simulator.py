"""A phone that runs the candidate: when its next frame is due, how large it works, how warm it is. Simulated."""

from __future__ import annotations

from collections import deque
from typing import Final

from converters.preview.messages import PhoneReport
from converters.preview.phone.latency import Latency, latency
from converters.preview.phone.profiles import DeviceProfile
from converters.preview.phone.thermal import ThermalModel

_STEP: Final = 1.0  # seconds for which the load is taken for constant
_LONGEST: Final = 60.0  # seconds that one call makes up for: a view that stood still did not warm the phone for hours
_GAPS: Final = 10  # frames over which this machine's speed is looked at
_SLOWER: Final = 1.1  # times the phone's interval: less is the machine's clock


class PhoneSimulator:
    """Says what a phone would do with each frame; never waits itself.

    Only the candidate's own run counts for the rate: what an app does besides can run beside it, and nobody published
    how long that takes. It counts for the warmth, though, as an assumption of the profile.

    Args:
        profile: of the phone, with a unit chosen or not.
        macs: multiply-accumulates of one run of the candidate.
        precision: of it, a `Precision`; "" for 32-bit numbers.
        is_throttled: whether the app gives way when the phone is warm.
        temperature: of the surface at the beginning, degrees Celsius; None for an idle phone's.

    Attributes:
        latency: what one run would take there.

    Raises:
        UnsupportedError: how long the model would take there cannot be said.
    """

    def __init__(
        self,
        profile: DeviceProfile,
        macs: int,
        precision: str,
        is_throttled: bool,
        temperature: float | None = None,
    ) -> None:
        self.latency: Latency = latency(profile, macs, precision)
        self._profile = profile
        self._thermal = ThermalModel(profile.thermal, gives_way=is_throttled, temperature=temperature)
        self._now: float | None = None
        self._excess: deque[float] = deque(maxlen=_GAPS)

    @property
    def rate(self) -> float:
        """Frames a second that the app would show."""
        return min(self._thermal.rate, 1000.0 / self.latency.milliseconds)

    @property
    def interval(self) -> float:
        """Seconds from the beginning of one frame to that of the next."""
        return 1.0 / self.rate

    @property
    def scale(self) -> float:
        """Share of the frame's sides that the app would work on."""
        return self._thermal.scale

    @property
    def temperature(self) -> float:
        """Degrees Celsius of the surface."""
        return self._thermal.temperature

    @property
    def load(self) -> float:
        """Share of full load, 0..1: the candidate's runs, and the rest of the app by frames and pixels."""
        thermal = self._profile.thermal
        model = self.rate * self.latency.milliseconds / 1000.0
        return min(1.0, model + thermal.rest_share * self.rate / thermal.rates[0] * self.scale**2)

    def advance(self, now: float, waited: float = 0.0) -> PhoneReport:
        """Begin a frame.

        Args:
            now: seconds of any clock that never goes back.
            waited: seconds since the last frame in which there was none to work on: the view stood still, or its
                source is slow. They warm the phone as if it showed frames, and say nothing of this machine's speed.

        Returns:
            What the phone does with this frame.
        """
        passed = 0.0 if self._now is None else now - self._now
        self._now = now
        if passed > 0:
            self._excess.append(max(0.0, passed - waited) / self.interval)
        left = min(passed, _LONGEST)
        while left > 0:
            self._thermal.pass_time(min(left, _STEP), self.load)
            left -= _STEP
        return self._report()

    def _report(self) -> PhoneReport:
        time = self.latency
        is_measured = len(self._excess) == self._excess.maxlen
        return PhoneReport(
            profile=self._profile.choice,
            unit=time.unit.value,
            milliseconds=time.milliseconds,
            temperature=self.temperature,
            rate=self.rate,
            scale=self.scale,
            is_throttling=self._thermal.step > 0,
            is_slower_here=is_measured and sum(self._excess) / len(self._excess) > _SLOWER,
            least=time.least,
            most=time.most,
            basis=time.basis,
        )
