"""Pace the view as a simulated phone would: both panes, one frame."""

from __future__ import annotations

import time

from converters.errors import StudioError
from converters.preview.messages import PhoneReport
from converters.preview.pairs.base import SideInfo
from converters.preview.phone.profiles import profile_of
from converters.preview.phone.simulator import PhoneSimulator

Sides = tuple[SideInfo, SideInfo]


class Pacing:
    """Says when the next frame may begin, and how large it is to be; waits itself for nothing."""

    def __init__(self) -> None:
        self._simulator: PhoneSimulator | None = None
        self._profile = ""
        self._is_throttled = True
        self._begun = 0.0

    def choose(self, profile: str, sides: Sides, *, is_throttled: bool) -> None:
        """Take a phone; the one that was there stays as warm as it is, another one is cool.

        Args:
            profile: its id as `profile_of` takes it, "" for none.
            sides: the original's and the candidate's.
            is_throttled: whether it grows warm.

        Raises:
            StudioError: nobody knows that phone, or how fast it would be with such a model; the old one goes on.
        """
        simulator = None
        if profile:
            original, candidate = sides
            # the same layers, where nobody can count those of the artifact
            macs = candidate.macs or original.macs
            last = self._simulator if profile == self._profile else None
            temperature = None if last is None else last.temperature
            simulator = PhoneSimulator(
                profile_of(profile), macs, candidate.precision, is_throttled, temperature=temperature
            )
        self._simulator, self._profile, self._is_throttled = simulator, profile, is_throttled

    def renew(self, sides: Sides) -> None:
        """Take note of another candidate.

        Raises:
            StudioError: nobody knows how fast the phone would be with it; there is none until another candidate comes.
        """
        try:
            self.choose(self._profile, sides, is_throttled=self._is_throttled)
        except StudioError:
            self._simulator = None
            raise

    def frame(self, waited: float = 0.0) -> tuple[PhoneReport | None, float]:
        """Begin a frame.

        Args:
            waited: seconds since the last one in which the source gave none.

        Returns:
            What the phone does, and the sides of the frame it works on (1: all of it).
        """
        self._begun = time.monotonic()
        if self._simulator is None:
            return None, 1.0
        report = self._simulator.advance(self._begun, waited)
        return report, self._simulator.scale

    def left(self) -> float:
        """Return the seconds until the phone would begin the next frame; 0 where it may begin."""
        if self._simulator is None:
            return 0.0
        return max(0.0, self._begun + self._simulator.interval - time.monotonic())
