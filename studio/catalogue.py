"""What the engine offers, as plain data: targets and steps with their options, and why a target cannot run here.

The descriptions live on the classes that do the work, so that there is one of each. Importing those classes costs some
tenths of a second (numpy, but none of the heavy libraries), so they are collected once, in a thread of their own, long
before a page asks: call `collect_in_background` when the window is up.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

from converters.errors import UsageError, did_you_mean
from converters.parameters import Parameter, Value
from converters.precision import Precision

_Info = TypeVar("_Info")


@dataclass(frozen=True)
class TargetInfo:
    """A kind of file that can be made.

    Attributes:
        name: in recipes ("coreml").
        title: what people read ("Core ML").
        suffix: of its files, with the dot.
        precisions: how it can keep numbers.
        parameters: its options.
        unavailable: why it cannot run on this machine, a sentence, or "".
    """

    name: str
    title: str
    suffix: str
    precisions: tuple[Precision, ...]
    parameters: tuple[Parameter, ...]
    unavailable: str = ""


@dataclass(frozen=True)
class StepInfo:
    """A change of a model.

    Attributes:
        name: in recipes ("quantize").
        title: what people read while it runs.
        parameters: its options.
    """

    name: str
    title: str
    parameters: tuple[Parameter, ...]

    @property
    def defaults(self) -> dict[str, Value]:
        """Every option with the value it has unless told otherwise."""
        return {parameter.name: parameter.default for parameter in self.parameters}

    def complete(self, options: Mapping[str, Value] | None) -> dict[str, Value]:
        """Return every option's value: those given, and the defaults of the others; nothing is checked."""
        return {**self.defaults, **(options or {})}


@dataclass(frozen=True)
class Catalogue:
    """Everything on offer, in the engine's order."""

    targets: tuple[TargetInfo, ...]
    steps: tuple[StepInfo, ...]

    def target(self, name: str) -> TargetInfo:
        """Return a target by its name; UsageError for an unknown one."""
        return _named({target.name: target for target in self.targets}, name, "target")

    def step(self, name: str) -> StepInfo:
        """Return a step by its name; UsageError for an unknown one (or one that is not built yet)."""
        return _named({step.name: step for step in self.steps}, name, "step")


def _named(known: Mapping[str, _Info], name: str, what: str) -> _Info:
    if name not in known:
        raise UsageError(f"There is no {what} {name!r}.", "", did_you_mean(name, known))
    return known[name]


_collecting = threading.Lock()
_future: Future[Catalogue] | None = None


def collect_in_background() -> Future[Catalogue]:
    """Begin to collect what is on offer, in a thread of its own; once is enough, later calls return the same future."""
    future, is_new = _the_future()
    if is_new:
        threading.Thread(target=_fulfil, args=(future,), name="catalogue", daemon=True).start()
    return future


def catalogue() -> Catalogue:
    """Return what is on offer; waits some tenths of a second where nobody collected it before."""
    future, is_new = _the_future()
    if is_new:
        _fulfil(future)
    return future.result()


def _the_future() -> tuple[Future[Catalogue], bool]:
    """Return the one future, and whether the caller is the one who has to fulfil it."""
    global _future  # noqa: PLW0603 - what the classes say cannot change while the program runs
    with _collecting:
        if _future is not None:
            return _future, False
        _future = Future()
        return _future, True


def _fulfil(future: Future[Catalogue]) -> None:
    try:
        future.set_result(_collect())
    except BaseException as error:  # whoever waits for it gets to know, in whichever thread that is
        future.set_exception(error)


def _collect() -> Catalogue:
    from converters.registry import EXPORTERS, STEPS, exporter, step

    targets = []
    for name in EXPORTERS:
        found = exporter(name)
        targets.append(
            TargetInfo(name, found.title, found.suffix, found.precisions, found.parameters, found.unavailable())
        )
    steps = [StepInfo(name, step(name).title, step(name).parameters) for name in STEPS]
    return Catalogue(tuple(targets), tuple(steps))
