"""The service with real workers: results, order, every way to fail, cancelling, and that nothing stays behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest
from PySide6.QtCore import QObject, QThread
from pytestqt.qtbot import QtBot

from converters.errors import CancelledError, StudioError, WorkerError
from studio.jobs.job import Job, JobRequest, JobState, Lane
from studio.jobs.kinds import KINDS
from studio.jobs.service import JobService

OPERATIONS = "tests.engine.worker_operations:TABLE"
CANCEL_LIMIT = 3.0
CLOSE_LIMIT = 5.0
AT_ONCE = 0.05  # seconds that a method may keep the window's thread
PATIENCE = 20_000  # milliseconds


@pytest.fixture
def service(qapp: object, tmp_path: Path) -> Iterator[JobService]:  # noqa: ARG001
    made = JobService(tmp_path / "jobs", operations=OPERATIONS)
    yield made
    made.close()


def request(operation: str, *, worker: str = "test", lane: Lane = Lane.WORK, **arguments: Any) -> JobRequest:
    timeout = arguments.pop("timeout", None)
    replaces = arguments.pop("replaces", "")
    plain = {"worker": worker, "operation": operation, "arguments": arguments, "timeout": timeout}
    return JobRequest("operation", f"Title of {operation}", plain, lane, replaces)


class Listener(QObject):
    """Follows one job and keeps what it is told, and on which thread."""

    def __init__(self, service: JobService, identity: int) -> None:
        super().__init__()
        self.results: list[dict[str, Any]] = []
        self.errors: list[StudioError] = []
        self.changes: list[Job] = []
        self.threads: set[QThread] = set()
        service.follow(identity, self, done=self._done, failed=self._failed, changed=self._changed)

    def _done(self, result: dict[str, Any]) -> None:
        self.threads.add(QThread.currentThread())
        self.results.append(result)

    def _failed(self, error: StudioError) -> None:
        self.threads.add(QThread.currentThread())
        self.errors.append(error)

    def _changed(self, job: Job) -> None:
        self.threads.add(QThread.currentThread())
        self.changes.append(job)

    def has_ended(self) -> bool:
        return bool(self.results or self.errors)


def run(qtbot: QtBot, service: JobService, wanted: JobRequest) -> Listener:
    """Run a job to its end."""
    listener = Listener(service, service.submit(wanted))
    qtbot.waitUntil(listener.has_ended, timeout=PATIENCE)
    return listener


def wait_for_stage(qtbot: QtBot, service: JobService, identity: int) -> None:
    qtbot.waitUntil(lambda: bool(service.job(identity).message.stage), timeout=PATIENCE)


# results ------------------------------------------------------------------------------------------------------------


def test_result_progress_and_signals(qtbot: QtBot, service: JobService) -> None:
    seen: list[tuple[str, int]] = []
    service.added.connect(lambda identity: seen.append(("added", identity)))
    service.changed.connect(lambda identity: seen.append(("changed", identity)))
    service.finished.connect(lambda identity: seen.append(("finished", identity)))
    identity = service.submit(request("count", to=4, pause=0.15))
    assert seen == [("added", identity)], "everything else comes from the event loop"
    assert service.job(identity).state is JobState.QUEUED
    assert service.is_busy
    listener = Listener(service, identity)
    qtbot.waitUntil(listener.has_ended, timeout=PATIENCE)
    assert listener.results == [{"counted": 4}]
    assert [job.message.detail for job in listener.changes if job.message.stage] == ["0 ☃", "1 ☃", "2 ☃", "3 ☃"]
    assert listener.threads == {QThread.currentThread()}
    qtbot.waitUntil(lambda: seen[-1] == ("finished", identity), timeout=PATIENCE)
    job = service.job(identity)
    assert job.state is JobState.DONE
    assert 0.6 <= job.ended - job.started < 10
    assert not service.is_busy
    assert "count" in service.log(identity)


def test_following_a_job_that_is_over(qtbot: QtBot, service: JobService) -> None:
    first = run(qtbot, service, request("echo", n=1))
    late = Listener(service, service.jobs()[0].identity)
    assert not late.has_ended()
    qtbot.waitUntil(late.has_ended, timeout=PATIENCE)
    assert late.results == first.results


def test_thousands_of_messages_are_few_changes(qtbot: QtBot, service: JobService) -> None:
    listener = run(qtbot, service, request("count", to=5000))
    job = service.jobs()[0]
    assert len(listener.changes) <= 10 * (job.ended - job.started) + 3
    assert job.message.detail == "4999 ☃"


def test_jobs_of_a_lane_wait_for_one_another_and_lanes_do_not(qtbot: QtBot, service: JobService) -> None:
    long = Listener(service, service.submit(request("wait", seconds=60)))
    behind = service.submit(request("echo"))
    beside = run(qtbot, service, request("echo", worker="other", lane=Lane.MODEL))
    assert beside.results
    assert service.job(behind).state is JobState.QUEUED
    service.cancel(service.jobs()[0].identity)
    after = Listener(service, behind)
    qtbot.waitUntil(after.has_ended, timeout=PATIENCE)
    assert after.results
    assert [type(error) for error in long.errors] == [CancelledError]


def test_two_lanes_share_a_worker(qtbot: QtBot, service: JobService) -> None:
    identities = [service.submit(request("overlap", seconds=0.3, lane=lane)) for lane in Lane]
    listeners = [Listener(service, identity) for identity in identities]
    qtbot.waitUntil(lambda: all(each.has_ended() for each in listeners), timeout=PATIENCE)
    times = sorted((each.results[0]["start"], each.results[0]["end"]) for each in listeners)
    assert all(before[1] <= after[0] for before, after in pairwise(times))
    assert len({each.results[0]["pid"] for each in listeners}) == 1


# failures -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "arguments", "words"),
    [
        ("null_pointer", {}, "SIGSEGV (a crash in native code)"),
        ("kill_itself", {}, "was killed, most often because memory ran out"),
        ("eat_memory", {"limit": 1 << 30}, "Memory ran out."),
        ("bug", {}, "KeyError: 'missing'"),
        ("wait_stubborn", {"seconds": 60, "timeout": 2.0}, "did not finish within 2 seconds"),
    ],
)
def test_a_failure_is_a_sentence_and_the_next_job_runs(
    qtbot: QtBot, service: JobService, operation: str, arguments: dict[str, Any], words: str
) -> None:
    failing = service.submit(request(operation, **arguments))
    following = service.submit(request("echo"))
    failed, after = Listener(service, failing), Listener(service, following)
    qtbot.waitUntil(after.has_ended, timeout=PATIENCE)
    assert [type(error) for error in failed.errors] == [WorkerError]
    assert words in str(failed.errors[0])
    assert service.job(failing).state is JobState.FAILED
    assert f" {operation}\n" in service.log(failing)
    assert " echo" not in service.log(failing)
    assert after.results
    assert operation not in service.log(following)


def test_a_crash_has_the_tail_of_its_log(qtbot: QtBot, service: JobService) -> None:
    run(qtbot, service, request("print_garbage", times=3))
    failed = run(qtbot, service, request("null_pointer"))
    assert "The last lines of its log:" in failed.errors[0].why
    log = service.log(service.jobs()[-1].identity)
    assert "about to crash" in log
    assert "garbage" not in log
    assert "\x1b" not in log


@pytest.mark.parametrize(("kind", "words"), [("broken", "KeyError: 'missing' (kinds_for_tests.py:"), ("leaving", "3")])
def test_a_bug_in_a_kind_ends_its_own_job_only(
    qtbot: QtBot, service: JobService, monkeypatch: pytest.MonkeyPatch, kind: str, words: str
) -> None:
    monkeypatch.setitem(KINDS, kind, f"tests.studio.jobs.kinds_for_tests:{kind}")
    failed = run(qtbot, service, JobRequest(kind, "Broken", {}))
    assert "not foreseen" in str(failed.errors[0])
    assert words in str(failed.errors[0])
    assert "Traceback" in service.log(service.jobs()[0].identity)
    assert run(qtbot, service, request("echo")).results


def test_an_exception_in_a_callback_keeps_nobody_else_from_being_told(qtbot: QtBot, service: JobService) -> None:
    identity = service.submit(request("echo"))
    with qtbot.captureExceptions() as caught:
        service.follow(identity, service, done=lambda _result: 1 / 0)
        listener = Listener(service, identity)
        qtbot.waitUntil(listener.has_ended, timeout=PATIENCE)
    assert [kind for kind, _, _ in caught] == [ZeroDivisionError]
    assert listener.results


# cancelling ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["wait", "wait_deaf", "wait_stubborn"])
def test_cancel_ends_whatever_runs(qtbot: QtBot, service: JobService, operation: str) -> None:
    identity = service.submit(request(operation, seconds=60))
    listener = Listener(service, identity)
    wait_for_stage(qtbot, service, identity)
    start = time.monotonic()
    service.cancel(identity)
    assert time.monotonic() - start < AT_ONCE
    assert service.job(identity).is_stopping
    qtbot.waitUntil(listener.has_ended, timeout=PATIENCE)
    assert time.monotonic() - start < CANCEL_LIMIT
    assert [type(error) for error in listener.errors] == [CancelledError]
    assert service.job(identity).state is JobState.CANCELLED
    assert run(qtbot, service, request("echo")).results


def test_a_cancelled_waiting_job_ends_at_once_and_never_begins(qtbot: QtBot, service: JobService) -> None:
    running = service.submit(request("wait", seconds=60))
    waiting = service.submit(request("echo", worker="never"))
    wait_for_stage(qtbot, service, running)
    service.cancel(waiting)
    service.cancel(waiting)
    assert service.job(waiting).state is JobState.CANCELLED
    listener = Listener(service, waiting)
    assert not listener.has_ended(), "callbacks come from the event loop"
    qtbot.waitUntil(listener.has_ended, timeout=PATIENCE)
    assert service.job(running).state is JobState.RUNNING
    service.cancel(running)
    assert run(qtbot, service, request("echo")).results
    assert len(psutil.Process().children()) == 1


def test_the_newest_wins(qtbot: QtBot, service: JobService) -> None:
    listeners = []
    for number in range(5):
        identity = service.submit(request("wait", seconds=60 if number < 4 else 0, replaces="preview"))
        listeners.append(Listener(service, identity))
        if number == 0:
            wait_for_stage(qtbot, service, identity)
    qtbot.waitUntil(lambda: all(each.has_ended() for each in listeners), timeout=PATIENCE)
    assert [len(each.results) for each in listeners] == [0, 0, 0, 0, 1]
    assert all(type(each.errors[0]) is CancelledError for each in listeners[:4])


def test_nobody_is_called_whose_owner_is_gone(qtbot: QtBot, service: JobService) -> None:
    called: list[object] = []
    owner = QObject()
    identity = service.submit(request("wait", seconds=0.2))
    service.follow(identity, owner, done=called.append, failed=called.append, changed=called.append)
    owner.deleteLater()
    with qtbot.waitSignal(owner.destroyed, timeout=PATIENCE):
        pass
    before = list(called)
    with qtbot.waitSignal(service.finished, timeout=PATIENCE):
        pass
    assert called == before


def test_retry_is_the_same_again(qtbot: QtBot, service: JobService) -> None:
    run(qtbot, service, request("echo", n=5))
    again = service.retry(service.jobs()[0].identity)
    listener = Listener(service, again)
    qtbot.waitUntil(listener.has_ended, timeout=PATIENCE)
    assert listener.results[0]["arguments"] == {"n": 5}
    assert [job.identity for job in service.jobs()] == [1, 2]


def test_only_the_last_hundred_are_kept_and_quiet_ones_go_first(
    qtbot: QtBot, service: JobService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KINDS, "quick", "tests.studio.jobs.kinds_for_tests:quick")
    for number in range(120):
        service.submit(JobRequest("quick", str(number), {}, is_quiet=number % 2 == 1))
    qtbot.waitUntil(lambda: all(job.state.is_over for job in service.jobs()), timeout=PATIENCE)
    titles = [int(job.request.title) for job in service.jobs()]
    assert len(titles) == 100
    assert {number for number in range(120) if number % 2 == 0} < set(titles)
    with pytest.raises(KeyError):
        service.job(2)


# the end ------------------------------------------------------------------------------------------------------------


def test_close_ends_everything(qtbot: QtBot, tmp_path: Path) -> None:
    service = JobService(tmp_path / "jobs", operations=OPERATIONS)
    run(qtbot, service, request("echo", worker="idle"))
    running = [
        service.submit(request("wait_stubborn", worker=lane.value, seconds=60, lane=lane))
        for lane in (Lane.MODEL, Lane.WORK)
    ]
    waiting = service.submit(request("echo"))
    for identity in running:
        wait_for_stage(qtbot, service, identity)
    (service.scratch / "picture.png").write_bytes(b"x")
    assert len(psutil.Process().children()) == 3
    start = time.monotonic()
    service.close()
    assert time.monotonic() - start < CLOSE_LIMIT
    assert not psutil.Process().children()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("jobs", "warming"))]
    assert not (tmp_path / "jobs").exists()
    assert {service.job(identity).state for identity in (*running, waiting)} == {JobState.CANCELLED}
    service.close()
    assert service.job(service.submit(request("echo"))).state is JobState.CANCELLED


def test_close_without_any_job(qapp: object, tmp_path: Path) -> None:  # noqa: ARG001
    service = JobService(tmp_path / "jobs")
    assert service.scratch.is_dir()
    service.close()
    assert not (tmp_path / "jobs").exists()
