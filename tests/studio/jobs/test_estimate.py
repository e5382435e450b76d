"""The time that is left: none while nobody can know, then near the truth, and steady."""

from __future__ import annotations

import random

import pytest

from studio.jobs.estimate import LEAST_SECONDS, Pace


def test_nothing_is_said_too_early() -> None:
    pace = Pace()
    for second in range(5):
        pace.add("Running", 0.1 * second, 100.0 + second)
        assert pace.remaining(100.0 + second) is None


def test_nothing_is_said_of_the_first_twentieth() -> None:
    pace = Pace()
    for second in range(40):
        pace.add("Running", 0.001 * second, float(second))
    assert pace.remaining(39.0) is None


def test_an_even_pace() -> None:
    pace = Pace()
    for second in range(31):
        pace.add("Running", second / 60, 50.0 + second)
    assert pace.remaining(80.0) == pytest.approx(30, abs=1)
    assert pace.remaining(82.0) == pytest.approx(28, abs=1)


def test_a_quick_start_does_not_deceive() -> None:
    """A third is done at once because the libraries were loaded; the rest goes evenly for 60 seconds."""
    pace = Pace()
    pace.add("", 0.0, 0.0)
    pace.add("", 0.33, 0.1)
    for second in range(1, 31):
        pace.add("", 0.33 + 0.67 * second / 60, float(second))
    remaining = pace.remaining(30.0)
    assert remaining is not None
    assert 20 < remaining < 45


def test_an_uneven_pace_is_steady() -> None:
    pace = Pace()
    pauses = random.Random(7)
    now, told = 0.0, []
    for step in range(100):
        pace.add("Running", step / 100, now)
        remaining = pace.remaining(now)
        if remaining is not None and step > 25:
            told.append(now + remaining)
        now += pauses.choice((0.2, 0.2, 0.2, 2.0))
    assert max(told) - min(told) < 0.5 * now
    assert told[-1] == pytest.approx(now, rel=0.15)


def test_another_stage_begins_anew() -> None:
    pace = Pace()
    for second in range(11):
        pace.add("Reading", second / 20, float(second))
    assert pace.remaining(10.0) is not None
    pace.add("Running", 0.5, 11.0)
    assert pace.remaining(11.0) is None


def test_nothing_is_said_once_nothing_moves() -> None:
    pace = Pace()
    for second in range(11):
        pace.add("Reading", second / 20, float(second))
    assert pace.remaining(10.0 + LEAST_SECONDS) is not None
    assert pace.remaining(10.5 + 2 * LEAST_SECONDS) is None
