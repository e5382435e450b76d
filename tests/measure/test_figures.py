"""Landmarks, latency and summaries: exact answers, ranges, refusals."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from converters.errors import BadInputError
from converters.measure.landmark import displacement
from converters.measure.latency import LEAST_RUNS, latency_of, measure_latency
from converters.measure.summary import summarise


def face(seed: int = 0) -> np.ndarray:
    points = np.random.default_rng(seed).uniform(20, 100, (68, 2))
    points[36], points[45] = (30, 50), (80, 50)
    return points


def test_displacement_is_relative_to_the_eyes() -> None:
    moved = face() + np.array([3, 4])
    assert displacement(face(), face()) == 0
    assert displacement(face(), moved) == pytest.approx(5 / 50)
    assert displacement(face() * 4, moved * 4) == pytest.approx(5 / 50)
    moved[10] += 1
    assert displacement(face(), moved) != pytest.approx(5 / 50)


def test_displacement_refuses_what_is_no_face() -> None:
    blind = face()
    blind[45] = blind[36]
    with pytest.raises(BadInputError, match="no face"):
        displacement(blind, face())
    with pytest.raises(BadInputError, match="no face"):
        displacement(face(), np.full((68, 2), np.nan))
    with pytest.raises(ValueError, match="68 x 2"):
        displacement(np.zeros((5, 2)), np.zeros((5, 2)))


def test_latency_figures() -> None:
    figures = latency_of([float(value) for value in range(1, 21)], warm_up=2)
    assert figures.median == 10.5
    assert figures.p90 == 18
    assert figures.runs == 20
    assert latency_of([1.0] * 17 + [9.0] * 3, 0).p90 == 9
    assert latency_of([1.0] * 18 + [9.0] * 2, 0).p90 == 1


def test_latency_leaves_the_warm_up_out() -> None:
    calls = 0

    def call() -> None:
        nonlocal calls
        calls += 1
        time.sleep(0.05 if calls <= 3 else 0.002)

    figures = measure_latency(call, runs=10, warm_up=3)
    assert calls == 13
    assert figures.runs == 10
    assert 0.002 <= figures.median <= figures.p90
    assert figures.median < 0.05
    calls = 0
    assert measure_latency(call, runs=10, warm_up=0).runs == 10
    assert calls == 10


def test_what_comes_between_runs_is_not_timed() -> None:
    calls: list[str] = []
    figures = measure_latency(
        lambda: calls.append("run"),
        runs=10,
        warm_up=2,
        between=lambda: (calls.append("between"), time.sleep(0.005)),
    )
    assert calls == ["between", "run"] * 12
    assert figures.median < 0.005


def test_latency_keeps_to_its_budget_and_refuses_too_few_runs() -> None:
    figures = measure_latency(lambda: time.sleep(0.003), runs=10_000, warm_up=0, budget=0.0)
    assert figures.runs == LEAST_RUNS
    with pytest.raises(ValueError, match="too few"):
        measure_latency(lambda: None, runs=LEAST_RUNS - 1)
    with pytest.raises(ValueError, match="too few"):
        latency_of([1.0] * (LEAST_RUNS - 1), 0)


def test_summaries_name_the_worst() -> None:
    values = {f"{number}.png": float(number) for number in range(1, 41)}
    worse_up = summarise(values, higher_is_better=False)
    assert (worse_up.mean, worse_up.p95, worse_up.worst, worse_up.worst_sample) == (20.5, 38, 40, "40.png")
    worse_down = summarise(values, higher_is_better=True)
    assert (worse_down.p95, worse_down.worst, worse_down.worst_sample) == (3, 1, "1.png")
    assert summarise({"a": 2.0}, higher_is_better=True).p95 == 2


def test_summaries_of_equal_and_broken_pictures() -> None:
    equal = summarise({"a": math.inf, "b": math.inf}, higher_is_better=True)
    assert equal.mean == math.inf
    assert equal.equal == 2
    assert equal.to_json()["mean"] == "equal"
    mixed = summarise({"a": math.inf, "b": 40.0, "c": 30.0}, higher_is_better=True)
    assert (mixed.mean, mixed.worst, mixed.worst_sample, mixed.equal) == (35, 30, "c", 1)
    broken = summarise({"a": 1.0, "b": math.nan}, higher_is_better=False)
    assert broken.worst_sample == "b"
    assert math.isnan(broken.mean)
    both = summarise({"a": math.inf, "b": math.nan, "c": 50.0}, higher_is_better=True)
    assert (both.worst_sample, both.equal, both.broken) == ("b", 1, 1)
    assert [both.to_json()[key] for key in ("mean", "p95", "worst")] == [None] * 3
    # an infinite distance is no equality
    far = summarise({"a": math.inf, "b": 1.0}, higher_is_better=False)
    assert (far.equal, far.broken, far.worst_sample) == (0, 1, "a")
    assert far.to_json()["worst"] is None
    with pytest.raises(ValueError, match="nothing"):
        summarise({}, higher_is_better=True)
