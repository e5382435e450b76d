"""The simulated phone: every figure has its source, times follow from them, warmth does what an app must do."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from converters.errors import UnsupportedError, UsageError
from converters.precision import Precision
from converters.preview.messages import PhoneReport
from converters.preview.phone.latency import bases, latency, off_by, predicted
from converters.preview.phone.profiles import (
    DEVICES_FILE,
    DeviceProfile,
    Run,
    Source,
    Unit,
    profile_of,
    profiles,
    read_profiles,
)
from converters.preview.phone.simulator import PhoneSimulator
from converters.preview.phone.thermal import ThermalModel

DEMO_MACS = 2_796_552_192
SOMEWHERE = Source("a paper", "https://example.org", "a table")


def table() -> dict[str, Any]:
    return json.loads(DEVICES_FILE.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def runs(*pairs: tuple[float, float]) -> list[Run]:
    return [Run("fp16", f"model {chr(97 + at)}", *pair, SOMEWHERE) for at, pair in enumerate(pairs)]


# the table -----------------------------------------------------------------------------------------------------------


def test_the_table_has_phones_of_three_makers_old_and_new() -> None:
    assert 6 <= len(profiles()) <= 12
    for word in ("iPhone", "Pixel", "Galaxy"):
        years = [profile.year for profile in profiles() if word in profile.title]
        assert max(years) - min(years) >= 2, word
    assert {unit.unit for profile in profiles() for unit in profile.units} == set(Unit)


def unsourced(data: dict[str, Any]) -> list[str]:
    """Return what of the table has no source that says where it was read."""
    sources = data["sources"]
    good = {name for name, one in sources.items() if one["address"].startswith("http") and len(one["read"]) > 15}
    thermal = data["thermal"]
    found = [name for name in sources if name not in good]
    for device in data["devices"]:
        figures = [run for unit in device["units"].values() for run in unit["runs"]]
        figures += [device["memory"]] if "memory" in device else []
        found += [f"{device['id']}: {figure}" for figure in figures if figure["source"] not in good]
        found += [f"{device['id']}/{name}: no runs" for name, unit in device["units"].items() if not unit["runs"]]
    parts = [thermal["idle"], thermal["time_constant"], thermal["thresholds"], thermal["steps"]]
    for part in (*parts, *thermal["heating"].values()):
        found += [] if part["sources"] and set(part["sources"]) <= good else [str(part)]
    return found


def test_every_figure_has_a_source() -> None:
    assert unsourced(table()) == []


def test_a_figure_without_a_source_is_noticed() -> None:
    data = table()
    data["devices"][0]["units"]["cpu"]["runs"][0]["source"] = "hearsay"
    data["thermal"]["heating"]["google"]["sources"] = []
    assert len(unsourced(data)) == 2
    with pytest.raises(KeyError, match="hearsay"):
        read_profiles(data)


def test_every_figure_is_of_a_possible_size() -> None:
    for profile in profiles():
        for unit in profile.units:
            for run in unit.runs:
                assert 20 < run.gmacs / run.milliseconds * 1e3 < 15_000, (profile.title, run)  # G per second
        thermal = profile.thermal
        assert 20 < thermal.idle < thermal.thresholds[0] < thermal.thresholds[-1] < thermal.full < 60
        assert list(thermal.thresholds) == sorted(thermal.thresholds)
        assert len(thermal.rates) == len(thermal.scales) == len(thermal.thresholds) + 1
        assert (thermal.rates[0], thermal.rates[-1], thermal.scales[0]) == (30.0, 15.0, 1.0)
        assert list(thermal.rates) == sorted(thermal.rates, reverse=True)
        assert list(thermal.scales) == sorted(thermal.scales, reverse=True)


def test_the_time_constant_follows_from_what_was_published() -> None:
    seconds = profiles()[0].thermal.time_constant
    at_five_minutes = 25 + (47.4 - 25) * (1 - math.exp(-300 / seconds)) / (1 - math.exp(-1200 / seconds))
    assert at_five_minutes == pytest.approx(40.0, abs=0.1)


def test_phones_are_found_by_their_names() -> None:
    assert profile_of("galaxy-s23").unit is None
    assert profile_of("galaxy-s23/gpu").unit is Unit.GPU
    assert [profile_of(profile.choice) for profile in profiles()] == list(profiles())
    with pytest.raises(UsageError, match="pixel-8"):
        profile_of("pixel-88")
    with pytest.raises(UsageError, match="npu"):
        profile_of("pixel-8/cpu")


def test_the_documentation_names_every_source_and_figure() -> None:
    text = (DEVICES_FILE.parents[1] / "docs" / "phone_simulation.md").read_text(encoding="utf-8")
    for profile in profiles():
        for source in profile.sources:
            assert source.address in text, source.title
        for unit in profile.units:
            for run in unit.runs:
                assert f"{run.milliseconds:g}" in text, (profile.title, run)


# how long ------------------------------------------------------------------------------------------------------------


def test_time_runs_through_published_runs() -> None:
    both = runs((1.0, 2.0), (8.0, 8.0))
    assert predicted(both, 1.0) == pytest.approx(2.0)
    assert predicted(both, 8.0) == pytest.approx(8.0)
    assert 2.0 < predicted(both, 3.0) < 8.0
    assert predicted(both, 80.0) == pytest.approx(80.0)  # beyond what was published: in proportion
    assert predicted(runs((2.0, 5.0)), 4.0) == pytest.approx(10.0)
    assert predicted(runs((1.0, 9.0), (4.0, 3.0)), 2.0) == pytest.approx(math.sqrt(27))  # never less for more work
    assert predicted(runs((1.0, 1.0), (2.0, 8.0)), 4.0) < 32  # nor more than in proportion


def test_the_table_agrees_with_its_own_runs() -> None:
    for profile in profiles():
        for unit in profile.units:
            for precision in {run.precision for run in unit.runs}:
                group = [run for run in unit.runs if run.precision == precision]
                for run in group:
                    ratio = predicted(group, run.gmacs) / run.milliseconds
                    assert 1 / off_by(group) <= ratio <= off_by(group), (profile.title, run)


def test_a_wrong_figure_makes_times_uncertain() -> None:
    data = table()
    pixel = next(device for device in data["devices"] if device["id"] == "pixel-8")
    before = latency(profile_of("pixel-8"), DEMO_MACS, "int8")
    pixel["units"]["npu"]["runs"][4]["milliseconds"] *= 20
    spoilt = next(profile for profile in read_profiles(data) if profile.identity == "pixel-8")
    after = latency(spoilt, DEMO_MACS, "int8")
    assert before.most / before.milliseconds < 1.5
    assert after.most / after.milliseconds > 5


def test_few_or_like_models_promise_little() -> None:
    sizes = [replace(run, model=f"Lite{at}") for at, run in enumerate(runs((1, 10), (2, 20), (4, 40), (8, 80)))]
    different = runs((1, 10), (2, 20), (4, 40), (8, 80))
    assert off_by(different) == pytest.approx(1.0)
    assert off_by(sizes) == off_by(runs((1, 10))) > 2


@pytest.mark.parametrize(
    ("unit", "precision", "expected"),
    [
        (Unit.CPU, "", "fp32"),
        (Unit.CPU, Precision.INT8_DYNAMIC, "int8"),
        (Unit.CPU, Precision.PALETTE, "fp16"),
        (Unit.GPU, "fp32", "fp16"),
        (Unit.NPU, Precision.INT8_WEIGHTS, "fp16"),
        (Unit.NPU, Precision.INT8, "int8"),
    ],
)
def test_runs_are_chosen_by_what_would_be_computed(unit: Unit, precision: str, expected: str) -> None:
    assert bases(unit, precision)[0] == expected


def test_a_run_in_fewer_bits_says_nothing_of_one_in_more() -> None:
    for unit in Unit:
        assert "int8" not in bases(unit, "fp32") + bases(unit, "fp16")
    with pytest.raises(UnsupportedError, match="int8 file"):
        latency(profile_of("pixel-8"), DEMO_MACS, "fp32")
    with pytest.raises(UnsupportedError, match="Choose gpu or npu"):
        latency(profile_of("galaxy-s23/cpu"), DEMO_MACS, "fp32")
    with pytest.raises(UnsupportedError, match="multiply-accumulates"):
        latency(profile_of("galaxy-s23"), 0, "int8")


def test_the_fastest_unit_is_taken_unless_one_is_chosen() -> None:
    assert latency(profile_of("iphone-14"), DEMO_MACS, "").unit is Unit.NPU
    slow = latency(profile_of("iphone-14/gpu"), DEMO_MACS, "")
    assert slow.unit is Unit.GPU
    assert slow.least < slow.milliseconds < slow.most
    assert not slow.is_beyond
    assert latency(profile_of("iphone-14/gpu"), 4 * DEMO_MACS, "").is_beyond


# how warm ------------------------------------------------------------------------------------------------------------


def warmed(seconds: float, steps: int, load: float) -> ThermalModel:
    model = ThermalModel(profile_of("pixel-8").thermal, gives_way=True)
    for _ in range(steps):
        model.pass_time(seconds / steps, load)
    return model


def test_warming_is_the_exact_solution_in_steps_of_any_length() -> None:
    thermal = profile_of("pixel-8").thermal
    expected = thermal.full + (thermal.idle - thermal.full) * math.exp(-1)
    for steps in (1, 7, 280):
        assert warmed(thermal.time_constant, steps, 1.0).temperature == pytest.approx(expected, abs=1e-9)
    assert warmed(1e5, 1, 1.0).temperature == pytest.approx(thermal.full)
    assert warmed(1e5, 1, 0.0).temperature == pytest.approx(thermal.idle)


def test_an_app_gives_way_at_each_mark_and_comes_back_only_when_cooler() -> None:
    thermal = profile_of("pixel-8").thermal
    model = ThermalModel(thermal, gives_way=True, temperature=38.9)
    assert (model.step, model.rate, model.scale) == (0, 30.0, 1.0)
    seen = {}
    for _ in range(2000):
        model.pass_time(1.0, 1.0)
        seen.setdefault(model.step, model.temperature)
    assert [round(seen[step], 1) for step in (1, 2, 3)] == [39.0, 43.0, 45.0]
    assert (model.rate, model.scale) == (15.0, 0.5)
    back = {}
    for _ in range(4000):
        model.pass_time(1.0, 0.0)
        back.setdefault(model.step, model.temperature)
    assert [round(back[step], 1) for step in (2, 1, 0)] == [43.1, 41.1, 37.1]


def changes(model: ThermalModel, load: Callable[[ThermalModel], float]) -> int:
    """Return how often the app changes its step in an hour."""
    count, before = 0, model.step
    for _ in range(3600):
        model.pass_time(1.0, load(model))
        count, before = count + (model.step != before), model.step
    return count


def test_hysteresis_keeps_an_app_from_changing_all_the_time() -> None:
    def load(model: ThermalModel) -> float:
        return 0.55 if model.step == 0 else 0.25

    thermal = profile_of("pixel-8").thermal
    calm = changes(ThermalModel(thermal, gives_way=True), load)
    nervous = changes(ThermalModel(replace(thermal, hysteresis=0.0), gives_way=True), load)
    assert 1 <= calm < 40
    assert nervous > 5 * calm


# the whole phone -----------------------------------------------------------------------------------------------------


def simulated(
    profile: DeviceProfile,
    seconds: float,
    *,
    is_throttled: bool = True,
    macs: int = 5 * DEMO_MACS,
    slower: float = 1.0,
    waited: float = 0.0,
) -> list[PhoneReport]:
    """Return what a phone says of each frame, on a clock of our own."""
    phone, now, reports = PhoneSimulator(profile, macs, "fp32", is_throttled), 0.0, []
    while now < seconds:
        reports.append(phone.advance(now, waited))
        now += phone.interval * slower + waited
    return reports


def must_hold(reports: list[PhoneReport], profile: DeviceProfile) -> None:
    """Say what is wrong with a quarter of an hour of a phone that is too busy."""
    first, last = reports[0], reports[-1]
    assert (first.rate, first.scale, first.is_throttling) == (30.0, 1.0, False)
    assert max(report.temperature for report in reports) < profile.thermal.full - 5
    assert min(report.rate for report in reports) == 15.0
    assert min(report.scale for report in reports) <= 0.75
    assert last.is_throttling
    for report in reports:
        assert (report.temperature >= 39.0) <= report.is_throttling


def test_a_busy_phone_grows_warm_and_its_app_gives_way() -> None:
    profile = profile_of("galaxy-s23/gpu")
    reports = simulated(profile, 900)
    must_hold(reports, profile)
    assert (reports[0].profile, reports[0].unit, reports[0].basis) == ("galaxy-s23/gpu", "gpu", "fp16")
    again = simulated(profile, 300)
    assert reports[: len(again)] == again  # nothing but the clock that was given counts


@pytest.mark.parametrize("broken", ["never", "late", "cold"])
def test_a_phone_that_warms_wrongly_is_noticed(broken: str) -> None:
    right = profile_of("galaxy-s23/gpu")
    changed = {
        "never": {"thresholds": (90.0, 91.0, 92.0)},
        "late": {"thresholds": (42.0, 43.0, 45.0)},
        "cold": {"full": 31.0},
    }[broken]
    wrong = replace(right, thermal=replace(right.thermal, **changed))  # type: ignore[arg-type]
    with pytest.raises(AssertionError):
        must_hold(simulated(wrong, 900), right)


def test_without_throttling_it_only_warms() -> None:
    profile = profile_of("galaxy-s23/gpu")
    reports = simulated(profile, 900, is_throttled=False)
    assert {(report.rate, report.scale, report.is_throttling) for report in reports} == {(30.0, 1.0, False)}
    assert reports[-1].temperature > 47
    with pytest.raises(AssertionError):
        must_hold(reports, profile)


def test_a_light_model_on_a_quick_unit_never_gives_way() -> None:
    reports = simulated(profile_of("galaxy-s25"), 900, macs=DEMO_MACS)
    assert not any(report.is_throttling for report in reports)
    assert reports[-1].temperature < 37


def test_a_slow_unit_shows_fewer_frames_at_once() -> None:
    phone = PhoneSimulator(profile_of("iphone-11-pro/cpu"), DEMO_MACS, "", is_throttled=True)
    assert phone.rate == pytest.approx(1000 / phone.latency.milliseconds)
    assert phone.rate < 15
    assert phone.interval == pytest.approx(phone.latency.milliseconds / 1000)
    assert phone.load == 1.0


def test_it_says_when_this_computer_is_the_slower_one() -> None:
    profile = profile_of("galaxy-s25")
    assert not any(report.is_slower_here for report in simulated(profile, 10, macs=DEMO_MACS))
    assert not any(report.is_slower_here for report in simulated(profile, 10, macs=DEMO_MACS, slower=1.05))
    slow = simulated(profile, 10, macs=DEMO_MACS, slower=3.0)
    assert slow[-1].is_slower_here
    assert {report.rate for report in slow} == {30.0}  # the phone's rate, not this computer's
    assert simulated(profile, 100, macs=DEMO_MACS, slower=90.0)[-1].is_slower_here  # three seconds a frame
    # a folder of pictures gives one a second
    assert not any(report.is_slower_here for report in simulated(profile, 30, macs=DEMO_MACS, waited=0.9))


def test_a_view_that_stood_still_makes_up_for_a_minute_at_most() -> None:
    profile = profile_of("iphone-11-pro/cpu")
    paused = PhoneSimulator(profile, DEMO_MACS, "", is_throttled=True)
    paused.advance(0.0)
    paused.advance(7200.0, 7199.9)
    minute = PhoneSimulator(profile, DEMO_MACS, "", is_throttled=True)
    minute.advance(0.0)
    assert paused.temperature == minute.advance(60.0).temperature
    following = [paused.advance(7200 + paused.interval * count) for count in range(1, 30)]
    assert not any(report.is_slower_here for report in following)


def test_a_phone_can_go_on_as_warm_as_it_was() -> None:
    warm = PhoneSimulator(profile_of("pixel-7"), DEMO_MACS, "", is_throttled=True, temperature=44.0)
    assert (warm.rate, warm.scale) == (15.0, 0.75)
    assert warm.advance(0.0).temperature == 44.0


def test_reports_are_plain_data() -> None:
    report = simulated(profile_of("pixel-7"), 1.0)[0]
    assert PhoneReport(**json.loads(json.dumps(copy.copy(report.__dict__)))) == report
