"""The strip chart: peaks stay, gaps are gaps, the scale does not pump."""

from __future__ import annotations

import math

import pytest
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from studio.ui.widgets.strip_chart import SPAN, StripChart, lines, loss_chart, rate_chart, scale_top


def values_in(runs: list[list[tuple[float, float]]]) -> list[float]:
    return [value for run in runs for _, value in run]


def test_a_minute_of_frames_becomes_few_points_and_every_peak_stays() -> None:
    seconds = [frame / 25 for frame in range(1500)]
    values: list[float | None] = [0.02 + 0.01 * math.sin(frame / 40) for frame in range(1500)]
    values[333], values[900] = 0.4, 0.001
    runs = lines(seconds, values, 200)
    assert len(runs) == 1
    assert len(runs[0]) <= 2 * 201
    assert max(values_in(runs)) == 0.4
    assert min(values_in(runs)) == 0.001
    shares = [share for share, _ in runs[0]]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_times_without_a_value_are_gaps_and_old_ones_are_left_out() -> None:
    seconds = [0.0, 100.0, 100.5, 101.0, 110.0, 110.5]
    runs = lines(seconds, [9.0, 1.0, None, 2.0, 3.0, math.inf], 100)
    assert [[value for _, value in run] for run in runs] == [[1.0, 2.0], [3.0]]
    assert runs[1][0][0] == pytest.approx((110.0 - 50.5) / SPAN)
    assert lines([], [], 100) == []


def test_the_scale_grows_at_once_and_shrinks_seldom(qtbot: QtBot) -> None:
    chart = loss_chart()
    qtbot.addWidget(chart)
    tops = []
    for highest in (0.01, 0.07, 0.06, 0.045, 0.03, 0.01):
        chart.set_series([1.0, 2.0], [0.0, highest])
        chart._refresh()
        tops.append(chart.top)
    assert tops == [0.05, 0.1, 0.1, 0.1, 0.05, 0.05]
    assert scale_top(3.0, 0.05) >= 3.0


def columns_with_a_line(chart: StripChart) -> list[int]:
    """Return where the line is: it is the only blue thing below the words."""
    image = chart.grab().toImage()

    def is_blue(colour: QColor) -> bool:
        return colour.blue() - colour.red() > 60

    return [x for x in range(image.width()) if any(is_blue(image.pixelColor(x, y)) for y in range(24, image.height()))]


def test_what_is_painted_is_the_series(qtbot: QtBot) -> None:
    chart = rate_chart()
    qtbot.addWidget(chart)
    chart.resize(300, 64)
    assert columns_with_a_line(chart) == []
    # the later half of the minute
    chart.set_series([second / 5 for second in range(151)], [15.0] * 151)
    columns = columns_with_a_line(chart)
    assert columns == list(range(columns[0], columns[-1] + 1))
    assert 110 < columns[0] < 150
    assert columns[-1] > 240
    assert "15" in chart.accessibleDescription()
    with pytest.raises(ValueError, match="2 times for 1 values"):
        chart.set_series([1.0, 2.0], [1.0])
