"""Workers that several threads share, logs that keep each one's lines apart, and the progress of the whole."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from converters.errors import CancelledError
from converters.progress import Progress, ProgressMessage
from converters.whole_progress import WholeProgress
from converters.worker_client import Worker
from converters.worker_log import LogsSince
from converters.worker_pool import WorkerPool
from converters.worker_schedule import Call

OPERATIONS = "tests.engine.worker_operations:TABLE"


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[WorkerPool]:
    with WorkerPool(2, tmp_path / "logs", operations=OPERATIONS) as pool:
        yield pool


def test_a_call_can_wait_for_another_threads_call(tmp_path: Path) -> None:
    results: list[dict[str, Any]] = []
    running = threading.Event()
    with Worker("test", tmp_path / "log", operations=OPERATIONS) as worker:

        def first() -> None:
            progress = Progress(lambda _message: running.set())
            worker.call("count", {"to": 3, "pause": 0.1}, progress)
            results.append({"first": time.monotonic()})

        thread = threading.Thread(target=first)
        thread.start()
        assert running.wait(20)
        results.append(worker.call("echo", {}, Progress(), wait=True))
        thread.join()
    assert "first" in results[0]


def test_a_waiting_call_can_be_cancelled(tmp_path: Path) -> None:
    running, stop = threading.Event(), threading.Event()
    with Worker("test", tmp_path / "log", operations=OPERATIONS) as worker:

        def first() -> None:
            with pytest.raises(CancelledError):
                worker.call("wait", {"seconds": 60}, Progress(lambda _message: running.set(), stop.is_set))

        thread = threading.Thread(target=first)
        thread.start()
        assert running.wait(20)
        asked = time.monotonic()
        with pytest.raises(CancelledError):
            worker.call("echo", {}, Progress(is_cancelled=lambda: time.monotonic() > asked + 0.2), wait=True)
        assert time.monotonic() - asked < 1
        stop.set()
        thread.join()


def test_two_threads_run_jobs_in_one_pool(pool: WorkerPool) -> None:
    results: dict[int, Any] = {}

    def run(number: int) -> None:
        calls = {"a": Call("overlap", {"seconds": 0.2}), "b": Call("overlap", {"seconds": 0.2})}
        results[number] = pool.run(calls, Progress())

    threads = [threading.Thread(target=run, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in "ab":
        times = sorted((result[name]["start"], result[name]["end"]) for result in results.values())
        assert all(before[1] <= after[0] for before, after in pairwise(times))
        assert len({result[name]["pid"] for result in results.values()}) == 1


def test_logs_hold_what_came_since(pool: WorkerPool) -> None:
    whole = LogsSince(pool.log_folder)
    pool.run({"a": Call("print_garbage", {"times": 3})}, Progress())
    since = LogsSince(pool.log_folder)
    assert since.text() == ""
    pool.run({"a": Call("echo", {}), "b": Call("echo", {})}, Progress())
    assert "garbage" in whole.text()
    assert "garbage" not in since.text()
    headings = [line for line in since.text().splitlines() if line.startswith("=====")]
    assert headings == ["===== a =====", "===== b ====="]
    assert "garbage" not in whole.text(largest=40)


def test_logs_that_were_cut_are_shown_from_their_beginning(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("old\n" * 100)
    since = LogsSince(tmp_path)
    log.write_text("new\n")
    assert since.text() == "===== a =====\nnew\n"


def test_the_whole_never_goes_back() -> None:
    told: list[ProgressMessage] = []
    whole = WholeProgress(Progress(told.append), 10.0)
    preparing = whole.phase({"source": 2.0})
    preparing.report(ProgressMessage("source: Reading", 1.0))
    preparing.report(ProgressMessage("source: Checking", 0.0))
    exporting = whole.phase({"mnn": 2.0, "tflite": 4.0})
    exporting.report(ProgressMessage("tflite: Converting", 0.5, "detail"))
    exporting.report(ProgressMessage("unplanned: Scanning", 1.0))
    exporting.report(ProgressMessage("mnn: Converting", 1.0))
    whole.ended("tflite")
    whole.ended("never spoke")
    whole.phase({}).report(ProgressMessage("mnn-other: Converting", 0.3))
    assert [message.whole for message in told] == pytest.approx([0.2, 0.2, 0.4, 0.4, 0.6, 0.8, 0.8])
    assert told[2].stage == "tflite: Converting"
    assert told[2].detail == "detail"
    assert told[2].fraction == 0.5
    assert told[5].fraction == 1.0, "a call that ended is done"


def test_the_whole_can_be_cancelled() -> None:
    whole = WholeProgress(Progress(is_cancelled=lambda: True), 1.0)
    with pytest.raises(CancelledError):
        whole.phase({})("Working")
