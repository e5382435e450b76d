"""A training loop that can end at any moment and go on from its last checkpoint as if nothing had happened."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from converters.errors import BadInputError
from converters.files import flush_file
from converters.progress import Progress

_Network = TypeVar("_Network", bound=nn.Module)
_CHECKPOINT = "checkpoint.pt"
_CURVES = "curves.jsonl"
_VERSION = 2
_MOST_SKIPPED = 20
_LOGGED = 20
"""Steps between two entries of the curves."""


@dataclass(frozen=True)
class Schedule:
    """How long to train and how the learning rate runs: a linear warm-up, then half a cosine.

    Attributes:
        steps: in all.
        warm_up: steps until the full rate.
        last: rate at the end as a fraction of the full one.
        batch: samples a step.
        seed: of everything random.
        average: decay of the weights' moving average (EMA) a step.
        clip: largest gradient norm.
    """

    steps: int
    warm_up: int = 100
    last: float = 0.05
    batch: int = 8
    seed: int = 0
    average: float = 0.998
    clip: float = 5.0

    def rate(self, step: int) -> float:
        """Return the fraction of the full learning rate at `step`."""
        rising = min(1.0, (step + 1) / max(self.warm_up, 1))
        done = min(1.0, step / max(self.steps, 1))
        return rising * (self.last + (1 - self.last) * 0.5 * (1 + math.cos(math.pi * done)))


class Task(ABC):
    """What is trained: networks, their optimisers, and one step."""

    networks: dict[str, nn.Module]
    optimisers: dict[str, torch.optim.Optimizer]
    averaged: str
    """The network whose moving average is the result."""
    material: str
    """What is learnt from, in a word that no other material has (see `digest`): a checkpoint goes with it."""

    @abstractmethod
    def step(self, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Compute gradients, step the optimisers (through `self.update`), and return losses to log.

        Args:
            step: counted from 0; the same step draws the same random numbers whatever happened before.
            generator: seeded from the run's seed and the step.
        """

    def update(self, name: str, result: Tensor, clip: float, gradient: Tensor | None = None) -> None:
        """Take one optimiser's step, unless the gradient is not finite.

        Args:
            result: a loss, or with `gradient` anything the networks made.
            clip: largest norm of the parameters' gradient.
            gradient: of the loss with respect to `result`.
        """
        optimiser = self.optimisers[name]
        optimiser.zero_grad(set_to_none=True)
        result.backward(gradient)  # type: ignore[no-untyped-call]
        parameters = [item for group in optimiser.param_groups for item in group["params"]]
        norm = nn.utils.clip_grad_norm_(parameters, clip)
        if torch.isfinite(norm):
            optimiser.step()


def channels_last(network: _Network) -> _Network:
    """Return the network with its weights in the layout that processors convolve fastest."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's own stub lacks it
    return network


def averaged_copy(network: nn.Module) -> dict[str, Tensor]:
    """Return a detached copy of a network's parameters and buffers, the start of a moving average."""
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def move_average(average: dict[str, Tensor], network: nn.Module, decay: float) -> None:
    """Move an average a step towards the network; whole numbers (counters) are copied."""
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                average[name].lerp_(value, 1 - decay)
            else:
                average[name].copy_(value)


def train(task: Task, schedule: Schedule, folder: Path, progress: Progress, checkpoint_seconds: float = 120.0) -> None:
    """Train to the end of the schedule, from the checkpoint in `folder` where there is one.

    Every finished step depends on the checkpoint and the step's own random numbers only, so an interrupted run
    continues with the numbers an uninterrupted one would have seen.

    Args:
        folder: gets `checkpoint.pt` (replaced atomically) and `curves.jsonl` (one object of losses every 20 steps).
        progress: told about steps; may cancel, after which the checkpoint is up to date.

    Raises:
        BadInputError: the checkpoint is of another run or damaged.
        CancelledError: progress asked for it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    average = averaged_copy(task.networks[task.averaged])
    full_rates = {name: [group["lr"] for group in item.param_groups] for name, item in task.optimisers.items()}
    run = {**asdict(schedule), "material": task.material}
    first = _restore(task, average, folder, run)
    curves = _Curves(folder, first)
    saved = time.monotonic()
    done, is_between_steps = first, True
    try:
        for step in range(first, schedule.steps):
            progress("Training", step / schedule.steps, curves.told())
            for name, optimiser in task.optimisers.items():
                for group, full in zip(optimiser.param_groups, full_rates[name], strict=True):
                    group["lr"] = full * schedule.rate(step)
            is_between_steps = False
            losses = _take(task, step, schedule)
            if losses is not None:
                move_average(average, task.networks[task.averaged], min(schedule.average, (1 + step) / (10 + step)))
            done, is_between_steps = step + 1, True
            curves.add(done, losses)
            if time.monotonic() - saved > checkpoint_seconds:
                _save(task, average, folder, done, run)
                saved = time.monotonic()
    finally:
        # A step that broke off may have changed one network and not the other: the last checkpoint is better.
        if is_between_steps:
            _save(task, average, folder, done, run)


def _take(task: Task, step: int, schedule: Schedule) -> dict[str, float] | None:
    """Take a step; None where a loss was no number, with running statistics as they were before."""
    generator = torch.Generator().manual_seed(schedule.seed * 1_000_003 + step)
    torch.manual_seed(schedule.seed * 1_000_003 + step)
    buffers = [buffer for network in task.networks.values() for buffer in network.buffers()]
    before = [buffer.clone() for buffer in buffers]
    losses = {name: float(value) for name, value in task.step(step, generator).items()}
    if all(math.isfinite(value) for value in losses.values()):
        return losses
    with torch.no_grad():
        for buffer, old in zip(buffers, before, strict=True):
            buffer.copy_(old)
    return None


class _Curves:
    """Means of the losses, written every `_LOGGED` steps."""

    def __init__(self, folder: Path, first: int) -> None:
        self._folder = folder
        self._first, self._began = first, time.monotonic()
        self._sums: dict[str, float] = {}
        self._summed = self._skipped = self._in_a_row = 0
        self._news = ""

    def add(self, done: int, losses: Mapping[str, float] | None) -> None:
        """Count a step; BadInputError when many in a row were no good."""
        self._skipped += losses is None
        self._in_a_row = self._in_a_row + 1 if losses is None else 0
        if self._in_a_row == _MOST_SKIPPED:
            raise BadInputError(
                f"Training broke down: the losses of {_MOST_SKIPPED} steps in a row were no numbers.",
                "",
                "Start again with a lower rate.",
            )
        for name, value in (losses or {}).items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._summed += losses is not None
        if done % _LOGGED:
            return
        means = {name: round(value / self._summed, 5) for name, value in self._sums.items()}
        seconds = round((time.monotonic() - self._began) / (done - self._first), 3)
        entry = {"step": done, "seconds": seconds, "skipped": self._skipped, **means}
        with (self._folder / _CURVES).open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, allow_nan=False) + "\n")
        self._news = f"step {done}, {means}"
        self._sums.clear()
        self._summed = self._skipped = 0

    def told(self) -> str:
        """Return what was written since the last call, "" for nothing new."""
        news, self._news = self._news, ""
        return news


def digest(*parts: object) -> str:
    """Return a hash of names or weights, to know material again by."""
    found = hashlib.sha256()
    for part in parts:
        found.update(part.numpy().tobytes() if isinstance(part, Tensor) else repr(part).encode())
    return found.hexdigest()


def read_average(folder: Path) -> dict[str, Tensor]:
    """Return the averaged weights of the finished run in `folder`.

    Raises:
        BadInputError: there is none, it is damaged, or training is not finished.
    """
    data = _read(folder / _CHECKPOINT)
    step, steps = data["step"], data["run"]["steps"]
    if step < steps:
        raise BadInputError(
            f"{folder} holds {step} of {steps} steps.", "", "Go on with the same command until it is finished."
        )
    average: dict[str, Tensor] = data["average"]
    return average


def _read(path: Path) -> dict[str, Any]:
    try:
        data: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises a dozen kinds for damaged files
        raise BadInputError(f"{path} cannot be read.", str(error).split("\n")[0], "Delete it to start anew.") from error
    if data.get("version") != _VERSION:
        raise BadInputError(f"{path} was written by another version.", "", "Delete it to start anew.")
    return data


def _restore(task: Task, average: dict[str, Tensor], folder: Path, run: dict[str, Any]) -> int:
    path = folder / _CHECKPOINT
    if not path.exists():
        return 0
    data = _read(path)
    other = [name for name, value in run.items() if data["run"].get(name) != value]
    try:
        if other:
            raise ValueError(f"Its {', '.join(other)} differ.")
        for name, network in task.networks.items():
            network.load_state_dict(data["networks"][name])
        for name, optimiser in task.optimisers.items():
            optimiser.load_state_dict(data["optimisers"][name])
        for name, value in average.items():
            value.copy_(data["average"][name])
    except (KeyError, RuntimeError, ValueError) as error:
        raise BadInputError(
            f"{path} belongs to another run.", str(error).split("\n")[0], "Give another folder, or delete it."
        ) from error
    return int(data["step"])


def _save(task: Task, average: dict[str, Tensor], folder: Path, step: int, run: dict[str, Any]) -> None:
    path = folder / _CHECKPOINT
    staged = path.with_suffix(".partial")
    try:
        torch.save(
            {
                "version": _VERSION,
                "step": step,
                "run": run,
                "networks": {name: network.state_dict() for name, network in task.networks.items()},
                "optimisers": {name: optimiser.state_dict() for name, optimiser in task.optimisers.items()},
                "average": average,
            },
            staged,
        )
        flush_file(staged)
        staged.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            staged.unlink(missing_ok=True)
        raise
