"""The training loop: going on after an interruption, and what happens to its files when things go wrong."""

from __future__ import annotations

import errno
import itertools
import json
from pathlib import Path

import pytest
import torch
from torch import Generator, Tensor, nn

from converters.errors import BadInputError, CancelledError
from converters.progress import Progress, ProgressMessage
from converters.training.loop import Schedule, Task, read_average, train


class Line(Task):
    """Fit a line through noisy points."""

    averaged = "line"

    def __init__(self, width: int = 3) -> None:
        torch.manual_seed(0)
        line = nn.Sequential(nn.Linear(width, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
        self.networks = {"line": line}
        self.optimisers = {"line": torch.optim.Adam(line.parameters(), lr=0.01)}
        self.width = width

    def step(self, step: int, generator: Generator) -> dict[str, Tensor]:  # noqa: ARG002
        x = torch.randn((8, self.width), generator=generator)
        loss = (self.networks["line"](x) - x.sum(1, keepdim=True)).square().mean()
        self.update("line", loss, 1.0)
        return {"loss": loss.detach()}


SCHEDULE = Schedule(60, warm_up=5, seed=3)


def stop_at(step: int) -> Progress:
    def refuse(message: ProgressMessage) -> None:
        if message.detail.startswith(f"step {step} "):
            raise CancelledError("Cancelled.")

    return Progress(refuse)


def weights(folder: Path) -> Tensor:
    return torch.cat([value.flatten().double() for value in read_average(folder).values()])


def test_an_interrupted_run_ends_where_an_uninterrupted_one_does(tmp_path: Path) -> None:
    train(Line(), SCHEDULE, tmp_path / "whole", Progress())
    for step in (20, 40):
        with pytest.raises(CancelledError):
            train(Line(), SCHEDULE, tmp_path / "parts", stop_at(step))
    train(Line(), SCHEDULE, tmp_path / "parts", Progress())
    assert torch.equal(weights(tmp_path / "parts"), weights(tmp_path / "whole"))
    lines = (tmp_path / "parts" / "curves.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["step"] == 60


def test_another_seed_ends_elsewhere(tmp_path: Path) -> None:
    """The twin: the comparison above notices a difference."""
    train(Line(), SCHEDULE, tmp_path / "one", Progress())
    train(Line(), Schedule(60, warm_up=5, seed=4), tmp_path / "other", Progress())
    assert not torch.equal(weights(tmp_path / "one"), weights(tmp_path / "other"))


def test_training_learns(tmp_path: Path) -> None:
    train(Line(), Schedule(400, seed=1), tmp_path, Progress())
    curve = [json.loads(line)["loss"] for line in (tmp_path / "curves.jsonl").read_text().splitlines()]
    assert curve[-1] < 0.3 * curve[0]


def test_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    train(Line(), Schedule(2), tmp_path, Progress())
    with pytest.raises(BadInputError, match="belongs to another run"):
        train(Line(5), Schedule(4), tmp_path, Progress())


def test_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    train(Line(), Schedule(2), tmp_path, Progress())
    file = tmp_path / "checkpoint.pt"
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(BadInputError, match="cannot be read"):
        train(Line(), Schedule(4), tmp_path, Progress())


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(Line(), Schedule(2), tmp_path, Progress())
    before = (tmp_path / "checkpoint.pt").read_bytes()

    def full(_data: object, path: Path) -> None:
        path.write_bytes(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="No space"):
        train(Line(), Schedule(4), tmp_path, Progress())
    assert (tmp_path / "checkpoint.pt").read_bytes() == before
    assert {file.name for file in tmp_path.iterdir()} == {"checkpoint.pt"}


def test_a_gradient_that_is_no_number_changes_nothing() -> None:
    task = Line()
    before = [value.clone() for value in task.networks["line"].parameters()]
    task.update("line", task.networks["line"](torch.full((2, 3), torch.nan)).sum(), 1.0)
    assert all(torch.equal(old, new) for old, new in zip(before, task.networks["line"].parameters(), strict=True))


def test_rate_rises_then_falls() -> None:
    schedule = Schedule(1000, warm_up=100, last=0.05)
    rates = [schedule.rate(step) for step in range(1000)]
    assert rates[0] == pytest.approx(0.01, rel=0.01)
    assert max(rates) == pytest.approx(0.98, abs=0.02)
    assert rates[-1] == pytest.approx(0.05, rel=0.01)
    assert all(later <= sooner for sooner, later in itertools.pairwise(rates[100:]))
