"""Conversions and comparisons through the service: warm workers, logs of their own, and the whole's progress."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import psutil
import pytest
from pytestqt.qtbot import QtBot

from converters.recipe import Recipe, TargetRequest, VerificationRequest
from studio.jobs.job import Job, JobRequest, JobState
from studio.jobs.service import JobService
from tests.tiny_models import tiny_swapper_proto

PATIENCE = 60_000  # milliseconds


@pytest.fixture
def service(qapp: object, tmp_path: Path) -> Iterator[JobService]:  # noqa: ARG001
    made = JobService(tmp_path / "jobs")
    yield made
    made.close()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.onnx"
    onnx.save(tiny_swapper_proto(), str(path))
    return path


def conversion(source: Path, destination: Path, *targets: str) -> JobRequest:
    recipe = Recipe(
        str(source),
        targets=tuple(TargetRequest(target) for target in targets),
        verification=VerificationRequest(samples=2, seconds=5),
    )
    return JobRequest("convert", "Converting tiny", {"recipe": recipe.to_json(), "destination": str(destination)})


def run(qtbot: QtBot, service: JobService, wanted: JobRequest) -> tuple[Job, list[Job]]:
    changes: list[Job] = []
    identity = service.submit(wanted)
    service.follow(identity, service, changed=changes.append)
    qtbot.waitUntil(lambda: service.job(identity).state.is_over, timeout=PATIENCE)
    return service.job(identity), changes


def result(job: Job) -> dict[str, Any]:
    assert job.result is not None, job.error
    return job.result


def test_conversions_share_warm_workers_but_not_their_logs(
    qtbot: QtBot, service: JobService, source: Path, tmp_path: Path
) -> None:
    first, changes = run(qtbot, service, conversion(source, tmp_path / "one", "mnn", "onnx"))
    paths = [Path(artifact["path"]) for artifact in result(first)["artifacts"]]
    assert [path.name for path in paths] == ["tiny-fp32.mnn", "tiny-fp32.onnx"]
    assert all(path.is_absolute() and path.exists() for path in paths)
    pids = {child.pid for child in psutil.Process().children()}
    fractions = [job.fraction for job in changes]
    assert fractions == sorted(fractions)
    assert {"source", "mnn-fp32"} <= set(service.job(first.identity).parts)

    second, _ = run(qtbot, service, conversion(source, tmp_path / "two", "mnn"))
    assert result(second)["artifacts"][0]["verified"]
    assert {child.pid for child in psutil.Process().children()} == pids
    log = (tmp_path / "two" / "convert.log").read_text(encoding="utf-8")
    assert "===== onnx =====" in (tmp_path / "one" / "convert.log").read_text(encoding="utf-8")
    assert "===== onnx =====" not in log
    assert log.count(" prepare\n") == 1
    assert service.log(second.identity).count(" prepare\n") == 1


def test_a_conversion_while_the_workers_warm_up(
    qtbot: QtBot, service: JobService, source: Path, tmp_path: Path
) -> None:
    service.warm()
    qtbot.waitUntil(lambda: bool(psutil.Process().children()), timeout=PATIENCE)
    warming = {child.pid for child in psutil.Process().children()}
    job, _ = run(qtbot, service, conversion(source, tmp_path / "out", "onnx"))
    assert result(job)["artifacts"][0]["verified"]
    assert warming & {child.pid for child in psutil.Process().children()}, "what was warm is used"
    # it takes twenty seconds when nobody needs anything, and makes way for what somebody needs
    assert "warming" not in {thread.name for thread in threading.enumerate()}


def test_closing_while_the_workers_warm_up(qtbot: QtBot, service: JobService) -> None:
    service.warm()
    qtbot.waitUntil(lambda: bool(psutil.Process().children()), timeout=PATIENCE)
    start = time.monotonic()
    service.close()
    assert time.monotonic() - start < 5
    assert not psutil.Process().children()


def test_a_refused_source_is_a_sentence(qtbot: QtBot, service: JobService, tmp_path: Path) -> None:
    (tmp_path / "noise.onnx").write_bytes(b"noise")
    job, _ = run(qtbot, service, conversion(tmp_path / "noise.onnx", tmp_path / "out", "onnx"))
    assert job.state is JobState.FAILED
    assert "noise.onnx" in str(job.error)
    assert not (tmp_path / "out").exists()


def test_comparison(qtbot: QtBot, service: JobService, source: Path, tmp_path: Path) -> None:
    html = tmp_path / "report.html"
    arguments = {
        "original": str(source),
        "candidates": [str(source)],
        "count": 2,
        "runs": 10,
        "html": str(html),
        "pictures": "",
    }
    job, changes = run(qtbot, service, JobRequest("compare", "Comparing", arguments))
    assert len(result(job)["names"]) == 2
    assert html.exists()
    assert "compare_original" in service.log(job.identity)
    fractions = [change.fraction for change in changes]
    assert fractions == sorted(fractions)
