"""What frames amount to: every number against one counted by hand, and that nothing grows for ever."""

from __future__ import annotations

import numpy as np
import pytest

from studio.preview.statistics import SPAN, Statistics
from tests.studio.preview.reports import face, report


def test_nothing_is_known_before_the_first_frame() -> None:
    statistics = Statistics()
    assert (statistics.frames, statistics.dropped, statistics.rate) == (0, 0, 0.0)
    for value in ("lpips_now", "lpips_mean", "lpips_p95", "lpips_worst", "psnr", "cosine_drop", "delay"):
        assert getattr(statistics, value) is None
    assert statistics.losses == statistics.rates == ((), ())
    assert statistics.seconds == {}


def test_losses_are_of_the_worst_face_and_of_all_frames() -> None:
    random = np.random.default_rng(3)
    losses = random.gamma(2.0, 0.02, 5000)
    statistics = Statistics()
    for place, loss in enumerate(losses):
        statistics.take(report(place, face(float(loss) / 2, psnr=40.0), face(float(loss), psnr=30.0)), place * 0.01)
    assert statistics.lpips_now == losses[-1]
    assert statistics.lpips_mean == pytest.approx(losses.mean())
    assert statistics.lpips_worst == losses.max()
    assert statistics.lpips_p95 == pytest.approx(np.quantile(losses, 0.95), rel=0.011)
    assert statistics.lpips_p95 != pytest.approx(np.quantile(losses, 0.94), rel=0.011)
    assert statistics.psnr == pytest.approx(30.0)


def test_quantile_of_nothing_lost_is_nothing() -> None:
    statistics = Statistics()
    for place in range(10):
        statistics.take(report(place, face(0.0)), place)
    assert statistics.lpips_p95 == 0.0


def test_models_that_draw_no_faces_are_counted_by_their_figures() -> None:
    statistics = Statistics()
    statistics.take(report(figures={"lpips": 0.25, "psnr": 31.0, "worked_share": 0.5}), 1.0)
    assert (statistics.lpips_now, statistics.psnr_now) == (0.25, 31.0)
    assert statistics.figures["worked_share"] == 0.5


def test_cosines_are_counted_in_pairs_only() -> None:
    statistics = Statistics()
    statistics.take(report(1, face(original_cosine=0.8, candidate_cosine=0.6)), 1.0)
    statistics.take(report(2, face(), face(original_cosine=0.2)), 2.0)
    statistics.take(report(3, face(original_cosine=0.6, candidate_cosine=0.6)), 3.0)
    assert statistics.original_cosine == pytest.approx(0.7)
    assert statistics.candidate_cosine == pytest.approx(0.6)
    assert statistics.cosine_drop == pytest.approx(0.1)


def test_rate_is_of_now_and_latencies_are_medians_of_the_latest() -> None:
    statistics = Statistics()
    for place in range(300):
        seconds = {"detect": 1.0 if place < 200 else 0.010, "original": 0.02 if place % 2 else 0.03}
        statistics.take(report(place, taken=place * 0.04 - 0.1, seconds=seconds), place * 0.04)
    assert statistics.rate == pytest.approx(25.0)
    assert statistics.seconds["detect"] == pytest.approx(0.010)
    assert list(statistics.seconds) == ["detect", "original"]
    assert statistics.delay == pytest.approx(0.1)
    for place in range(40):
        statistics.take(report(place), 12.0 + place * 0.1)
    assert statistics.rate == pytest.approx(10.0)


def test_dropped_frames_count_from_the_reset() -> None:
    statistics = Statistics()
    statistics.take(report(1, dropped=5), 1.0)
    statistics.take(report(2, dropped=9), 2.0)
    assert statistics.dropped == 4
    statistics.reset()
    statistics.take(report(3, dropped=10), 3.0)
    assert statistics.dropped == 0


def test_charts_keep_a_minute_and_the_worst_of_every_moment() -> None:
    statistics = Statistics()
    for place in range(120 * 60):
        loss = 0.5 if place == 6000 else 0.1
        statistics.take(report(place, face(loss)), place / 60)
    seconds, values = statistics.losses
    assert seconds[-1] - seconds[0] <= SPAN
    assert len(seconds) <= SPAN * 10 + 2
    assert list(seconds) == sorted(seconds)
    assert max(value for value in values if value is not None) == 0.5
    statistics.take(report(9999), 121.0)
    assert statistics.losses[1][-1] is None  # a gap, not a zero
