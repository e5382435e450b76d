"""The phones that can be simulated: `resources/devices.json`, where every figure names where it was read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Any, Final

from converters.builtin import RESOURCES
from converters.errors import UsageError, did_you_mean

Data = Mapping[str, Any]
DEVICES_FILE: Final = RESOURCES / "devices.json"


class Unit(StrEnum):
    """What runs a model on a phone."""

    CPU = "cpu"
    GPU = "gpu"
    NPU = "npu"


@dataclass(frozen=True)
class Source:
    """Where a figure was read.

    Attributes:
        title: of the page or paper.
        address: of it.
        read: what was read there, and how it was taken.
    """

    title: str
    address: str
    read: str


@dataclass(frozen=True)
class Run:
    """A published run of a known model.

    Attributes:
        precision: that it computed in: "fp32", "fp16" or "int8".
        model: its name.
        gmacs: billions of multiply-accumulates of one run.
        milliseconds: that one took.
        source: where that was read.
    """

    precision: str
    model: str
    gmacs: float
    milliseconds: float
    source: Source


@dataclass(frozen=True)
class UnitProfile:
    """One unit of a phone.

    Attributes:
        unit: which.
        title: for people, with how it was used: "CPU, 4 threads".
        runs: what was published of it; at least one.
    """

    unit: Unit
    title: str
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class Assumption:
    """What no source says and is taken to be so.

    Attributes:
        identity: "siblings"; the window has its own words for each.
        text: a sentence.
    """

    identity: str
    text: str


@dataclass(frozen=True)
class ThermalProfile:
    """How a phone warms, and from where on an app gives way. Temperatures are of the surface, degrees Celsius.

    Attributes:
        idle: with the screen on and little to do.
        full: where full load would end if nothing held back; the phone that was measured throttled itself meanwhile.
        time_constant: seconds in which 63 % of the way to the final temperature pass.
        thresholds: from each of them on the app gives way by one more step.
        hysteresis: how far below a threshold it takes the step back, kelvins.
        rates: frames a second at no step and at each step.
        scales: of the sides of the frame, likewise.
        rest_share: of full load, what camera, detection and drawing cost at the first rate and the whole frame.
        measured_on: the phone whose warming was published.
        sources: of these figures.
    """

    idle: float
    full: float
    time_constant: float
    thresholds: tuple[float, ...]
    hysteresis: float
    rates: tuple[float, ...]
    scales: tuple[float, ...]
    rest_share: float
    measured_on: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class DeviceProfile:
    """A phone.

    Attributes:
        identity: "pixel-8".
        title: for people.
        year: in which it came out.
        memory: gigabytes, and where that was read; None where no source says it.
        units: those that figures were published of.
        thermal: how it warms.
        assumptions: what no source says and is taken to be so.
        unit: the chosen one; None for the fastest.
    """

    identity: str
    title: str
    year: int
    memory: tuple[float, Source] | None
    units: tuple[UnitProfile, ...]
    thermal: ThermalProfile
    assumptions: tuple[Assumption, ...]
    unit: Unit | None = None

    @property
    def choice(self) -> str:
        """What `profile_of` takes: "pixel-8" or "pixel-8/npu"."""
        return self.identity if self.unit is None else f"{self.identity}/{self.unit}"

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every source of this phone's figures, once."""
        found = [run.source for unit in self.units for run in unit.runs]
        if self.memory is not None:
            found.append(self.memory[1])
        return tuple(dict.fromkeys((*found, *self.thermal.sources)))


@cache
def profiles() -> tuple[DeviceProfile, ...]:
    """Return every phone of the table, in its order."""
    return read_profiles(json.loads(DEVICES_FILE.read_text(encoding="utf-8")))


def profile_of(choice: str) -> DeviceProfile:
    """Return a phone by its id, "pixel-8", with one of its units chosen where that is named: "pixel-8/npu".

    Raises:
        UsageError: there is no such phone, or no figures of that unit.
    """
    identity, _, unit = choice.partition("/")
    known = {profile.identity: profile for profile in profiles()}
    if identity not in known:
        raise UsageError(f"There is no phone {identity!r}.", "", did_you_mean(identity, known))
    profile = known[identity]
    if not unit:
        return profile
    units = [known.unit for known in profile.units]
    if unit not in units:
        why = f"Figures were published of its {', '.join(units)}."
        raise UsageError(f"Nothing is known of {unit!r} of the {profile.title}.", why, did_you_mean(unit, units))
    return replace(profile, unit=Unit(unit))


def read_profiles(data: Data) -> tuple[DeviceProfile, ...]:
    """Read the table.

    Args:
        data: the contents of `devices.json`.

    Raises:
        KeyError: a figure names a source that is not in it.
    """
    sources = {name: Source(**source) for name, source in data["sources"].items()}
    assumptions = tuple(Assumption(item["id"], item["text"]) for item in data["assumptions"])
    return tuple(
        DeviceProfile(
            device["id"],
            device["title"],
            device["year"],
            _memory(device, sources),
            tuple(_unit(name, unit, sources) for name, unit in device["units"].items()),
            _thermal(data["thermal"], device["maker"], sources),
            assumptions,
        )
        for device in data["devices"]
    )


def _memory(device: Data, sources: Mapping[str, Source]) -> tuple[float, Source] | None:
    memory = device.get("memory")
    return None if memory is None else (float(memory["gigabytes"]), sources[memory["source"]])


def _unit(name: str, data: Data, sources: Mapping[str, Source]) -> UnitProfile:
    runs = [
        Run(run["precision"], run["model"], run["gmacs"], run["milliseconds"], sources[run["source"]])
        for run in data["runs"]
    ]
    return UnitProfile(Unit(name), data["title"], tuple(runs))


def _thermal(data: Data, maker: str, sources: Mapping[str, Source]) -> ThermalProfile:
    heating = data["heating"][maker]
    parts = (data["idle"], data["time_constant"], data["thresholds"], data["steps"], heating)
    named = [name for part in parts for name in part["sources"]]
    idle = float(data["idle"]["celsius"])
    return ThermalProfile(
        idle,
        # the phone throttled itself meanwhile: only this share of full load brought it to that temperature
        idle + (heating["surface"] - idle) / heating["sustained"],
        float(data["time_constant"]["seconds"]),
        tuple(data["thresholds"]["celsius"]),
        float(data["thresholds"]["hysteresis"]),
        tuple(data["steps"]["rates"]),
        tuple(data["steps"]["scales"]),
        float(data["rest_share"]),
        heating["measured_on"],
        tuple(sources[name] for name in dict.fromkeys(named)),
    )
