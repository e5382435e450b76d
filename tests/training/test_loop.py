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
from converters.progress import Progress
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
        self.material = f"points of {width}"
        self.broken: set[int] = set()

    def step(self, step: int, generator: Generator) -> dict[str, Tensor]:
        x = torch.randn((8, self.width), generator=generator)
        if step in self.broken:
            x[0] = torch.nan
        loss = (self.networks["line"](x) - x.sum(1, keepdim=True)).square().mean()
        self.update("line", loss, 1.0)
        return {"loss": loss.detach()}


SCHEDULE = Schedule(60, warm_up=5, seed=3)


def stop_after(steps: int) -> Progress:
    """Cancel after so many steps of this call."""
    calls = itertools.count()
    return Progress(is_cancelled=lambda: next(calls) == steps)


def weights(folder: Path) -> Tensor:
    return torch.cat([value.flatten().double() for value in read_average(folder).values()])


def test_an_interrupted_run_ends_where_an_uninterrupted_one_does(tmp_path: Path) -> None:
    train(Line(), SCHEDULE, tmp_path / "whole", Progress())
    for steps in (17, 25):
        with pytest.raises(CancelledError):
            train(Line(), SCHEDULE, tmp_path / "parts", stop_after(steps))
        with pytest.raises(BadInputError, match=r"holds \d+ of 60 steps"):
            read_average(tmp_path / "parts")
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
    schedule = Schedule(4)
    with pytest.raises(CancelledError):
        train(Line(), schedule, tmp_path, stop_after(2))
    others = (
        (Line(5), schedule, "material"),
        (Line(), Schedule(4, seed=1), "seed"),
        (Line(), Schedule(5), "steps"),
        (Line(), Schedule(4, batch=3), "batch"),
    )
    for task, other, word in others:
        with pytest.raises(BadInputError, match=f"belongs to another run. Its {word}"):
            train(task, other, tmp_path, Progress())
    train(Line(), schedule, tmp_path, Progress())


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
        train(Line(), Schedule(2), tmp_path, Progress())
    assert (tmp_path / "checkpoint.pt").read_bytes() == before
    assert {file.name for file in tmp_path.iterdir()} == {"checkpoint.pt"}


def test_a_step_whose_loss_is_no_number_changes_nothing(tmp_path: Path) -> None:
    task = Line()
    task.broken = {7, 8}
    train(task, SCHEDULE, tmp_path / "broken", Progress())
    assert torch.isfinite(weights(tmp_path / "broken")).all()
    assert all(torch.isfinite(value).all() for value in task.networks["line"].state_dict().values())
    entries = [json.loads(line) for line in (tmp_path / "broken" / "curves.jsonl").read_text().splitlines()]
    assert [entry["skipped"] for entry in entries] == [2, 0, 0]
    hopeless = Line()
    hopeless.broken = set(range(60))
    with pytest.raises(BadInputError, match="20 steps in a row"):
        train(hopeless, SCHEDULE, tmp_path / "hopeless", Progress())


def test_rate_rises_then_falls() -> None:
    schedule = Schedule(1000, warm_up=100, last=0.05)
    rates = [schedule.rate(step) for step in range(1000)]
    assert rates[0] == pytest.approx(0.01, rel=0.01)
    assert max(rates) == pytest.approx(0.98, abs=0.02)
    assert rates[-1] == pytest.approx(0.05, rel=0.01)
    assert all(later <= sooner for sooner, later in itertools.pairwise(rates[100:]))
