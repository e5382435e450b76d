"""How warm a phone grows, and what an app gives up for it: one lump with a time constant, thresholds with hysteresis.

The surface is taken for one body: `dT/dt = (T_end - T) / time_constant`, where `T_end` lies as far between idle and
full load as the load does. Solved exactly for each step of time, so that coarse steps end where fine ones do.
"""

from __future__ import annotations

import math

from converters.preview.phone.profiles import ThermalProfile


class ThermalModel:
    """The temperature of a phone and how many steps its app has given way.

    Args:
        profile: how the phone warms.
        gives_way: whether the app does what it must; otherwise it only warms.
        temperature: to begin at, degrees Celsius; None for the idle phone's.

    Attributes:
        temperature: of the surface, degrees Celsius.
        step: how many steps the app has given way, 0 for none.
    """

    def __init__(self, profile: ThermalProfile, *, gives_way: bool, temperature: float | None = None) -> None:
        self._profile = profile
        self._gives_way = gives_way
        self.temperature = profile.idle if temperature is None else temperature
        self.step = 0
        self._choose_step()

    @property
    def rate(self) -> float:
        """Most frames a second that the app shows now."""
        return self._profile.rates[self.step]

    @property
    def scale(self) -> float:
        """Share of the frame's sides that it works on now."""
        return self._profile.scales[self.step]

    def pass_time(self, seconds: float, load: float) -> None:
        """Let time pass under a load.

        Args:
            seconds: how long, from 0.
            load: share of full load, 0..1.
        """
        profile = self._profile
        end = profile.idle + load * (profile.full - profile.idle)
        self.temperature = end + (self.temperature - end) * math.exp(-seconds / profile.time_constant)
        self._choose_step()

    def _choose_step(self) -> None:
        """Give way at a threshold; take the step back only where it is cooler by the hysteresis."""
        if not self._gives_way:
            return
        thresholds = self._profile.thresholds
        while self.step < len(thresholds) and self.temperature >= thresholds[self.step]:
            self.step += 1
        while self.step and self.temperature < thresholds[self.step - 1] - self._profile.hysteresis:
            self.step -= 1
