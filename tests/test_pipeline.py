"""Conversions that are disturbed: cancelled, killed, out of space. Nothing half-written, nothing lost."""

from __future__ import annotations

import os
import signal
import subprocess
from functools import partial
from pathlib import Path

import onnx
import psutil
import pytest

from converters.errors import CancelledError, DestinationError, WorkerError
from converters.pipeline import convert
from converters.progress import Progress, ProgressMessage
from converters.recipe import Recipe, TargetRequest, VerificationRequest
from converters.worker_pool import WorkerPool
from tests.tiny_models import tiny_swapper_proto

TARGETS = (TargetRequest("mnn"), TargetRequest("onnx"))


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    path = tmp_path / "tiny.onnx"
    onnx.save(tiny_swapper_proto(), str(path))
    return Recipe(str(path), targets=TARGETS, verification=VerificationRequest(samples=2, seconds=5))


def workers_named(name: str) -> list[psutil.Process]:
    """Return this process's workers whose log is called so; one that has just died is none."""
    found = []
    for child in psutil.Process().children():
        try:
            if any(Path(word).stem == name for word in child.cmdline()):
                found.append(child)
        except psutil.Error:
            continue
    return found


def has_more_than(messages: list[ProgressMessage], count: int) -> bool:
    return len(messages) > count


def test_cancelling_at_every_message_leaves_the_destination_as_it_was(recipe: Recipe, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "tiny-fp32.mnn").write_bytes(b"precious")
    seen: list[ProgressMessage] = []
    with WorkerPool(2, tmp_path / "logs") as pool:
        convert(recipe, tmp_path / "whole", progress=Progress(seen.append), pool=pool)
        assert len(seen) > 10
        cancelled = 0
        for stop_at in range(len(seen)):
            messages: list[ProgressMessage] = []
            progress = Progress(messages.append, partial(has_more_than, messages, stop_at))
            try:
                convert(recipe, out, force=True, progress=progress, pool=pool)
            except CancelledError:
                cancelled += 1
                assert [path.name for path in out.iterdir()] == ["tiny-fp32.mnn"]
                assert (out / "tiny-fp32.mnn").read_bytes() == b"precious"
            else:
                break  # the number of messages varies a little: this time there were fewer
        assert cancelled > len(seen) // 2


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("death", ["SIGKILL", "SIGSEGV"])
def test_a_dead_worker_costs_its_own_target_only(recipe: Recipe, tmp_path: Path, death: str) -> None:
    killed: list[int] = []

    def report(message: ProgressMessage) -> None:
        if message.stage.startswith("mnn-fp32") and not killed:
            for child in workers_named("mnn"):
                killed.append(child.pid)
                child.send_signal(getattr(signal, death))

    conversion = convert(recipe, tmp_path / "out", progress=Progress(report))
    assert killed
    mnn, plain = conversion.artifacts
    assert isinstance(mnn.error, WorkerError)
    assert not mnn.verified
    assert plain.verified
    assert conversion.exit_status == 1
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert "tiny-fp32.onnx" in names
    assert "tiny-fp32.mnn" not in names
    assert "report.json" in names


def test_a_dead_loader_is_a_sentence(recipe: Recipe, tmp_path: Path) -> None:
    def report(_message: ProgressMessage) -> None:
        for child in workers_named("source"):
            child.kill()

    with pytest.raises(WorkerError):
        convert(recipe, tmp_path / "out", progress=Progress(report))
    assert not (tmp_path / "out").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """A file system of 1 MB, where this process may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("this account may not mount a small disk")
    return folder


def test_a_full_disk_is_said_and_left_clean(recipe: Recipe, small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        with pytest.raises(DestinationError, match="free"):
            convert(recipe, small_disk / "out")
        assert not list(small_disk.iterdir())
        # As if something else had filled the disk after it was asked: every stage meets the real full disk.
        monkeypatch.setattr("converters.pipeline.require_space", lambda *_: None)
        (small_disk / "filler").write_bytes(b"x" * 990_000)
        with pytest.raises(DestinationError, match="full"):
            convert(recipe, small_disk / "out")
        assert [path.name for path in small_disk.iterdir()] == ["filler"]
    finally:
        subprocess.run(["umount", "-l", str(small_disk)], check=True)


def test_warm_workers_are_used_again(recipe: Recipe, tmp_path: Path) -> None:
    with WorkerPool(2, tmp_path / "logs") as pool:
        convert(recipe, tmp_path / "one", pool=pool)
        first = {child.pid for child in psutil.Process().children()}
        convert(recipe, tmp_path / "two", pool=pool)
        assert {child.pid for child in psutil.Process().children()} == first
    assert not psutil.Process().children()
