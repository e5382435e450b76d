"""What a worker's operation hears and says while it works: everything, in order, and only what was meant for it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from converters.errors import CancelledError, WorkerError
from converters.progress import Progress
from converters.worker_client import Worker

OPERATIONS = "tests.engine.dialogue_operations:TABLE"
MANY = 2000

Data = dict[str, Any]


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    with Worker("talker", tmp_path / "talker.log", operations=OPERATIONS) as worker:
        yield worker


def test_everything_told_is_heard_in_order_and_everything_said_comes_back(worker: Worker) -> None:
    said: list[Data] = []

    def hear(message: Data) -> None:
        said.append(message)
        if "ready" in message:
            for place in range(MANY):
                worker.tell({"place": place, "text": "jäger 模型 \ud800"})
        elif message["back"]["place"] == MANY - 1:
            worker.tell({"stop": True})

    assert worker.call("converse", {}, Progress(), heard=hear) == {"heard": MANY}
    assert [message["back"]["place"] for message in said[1:]] == list(range(MANY))
    assert said[1]["back"]["text"] == "jäger 模型 \ud800"


def test_telling_from_another_thread_while_the_call_runs(worker: Worker) -> None:
    ready = threading.Event()
    back: list[Data] = []

    def hear(message: Data) -> None:
        back.append(message)
        ready.set()

    result: list[Data] = []
    call = threading.Thread(target=lambda: result.append(worker.call("converse", {}, Progress(), heard=hear)))
    call.start()
    assert ready.wait(30)
    tellers = [threading.Thread(target=lambda n=n: [worker.tell({"from": n}) for _ in range(100)]) for n in range(4)]
    for teller in tellers:
        teller.start()
    for teller in tellers:
        teller.join()
    worker.tell({"stop": True})
    call.join(30)
    assert result == [{"heard": 400}]
    assert sorted(message["back"]["from"] for message in back[1:]) == sorted([0, 1, 2, 3] * 100)


def test_what_nobody_hears_any_more_is_not_heard_by_the_next_call(worker: Worker) -> None:
    worker.tell({"too early": True})  # nothing runs: nothing happens

    def tell_twice(message: Data) -> None:
        assert message == {"ready": True}
        worker.tell({"for": "the first"})
        worker.tell({"for": "nobody"})

    first = worker.call("hear", {"seconds": 30}, Progress(), heard=tell_twice)
    assert first["told"] == {"for": "the first"}
    worker.tell({"between": True})
    second = worker.call("hear", {"seconds": 0.3}, Progress())
    assert second["told"] is None


def test_hearing_waits_as_long_as_asked_and_no_longer(worker: Worker) -> None:
    assert worker.call("hear", {"seconds": 0}, Progress())["seconds"] < 0.2
    waited = worker.call("hear", {"seconds": 0.4}, Progress())
    assert waited["told"] is None
    assert 0.35 < waited["seconds"] < 5


def test_nothing_said_is_lost_before_the_result(worker: Worker) -> None:
    said: list[int] = []
    worker.call("say_much", {"count": MANY}, Progress(), heard=lambda message: said.append(message["place"]))
    assert said == list(range(MANY))


def test_saying_no_plain_data_is_a_bug_that_is_told(worker: Worker) -> None:
    with pytest.raises(WorkerError, match="not foreseen"):
        worker.call("say_no_plain_data", {}, Progress())
    assert worker.call("hear", {"seconds": 0}, Progress())["told"] is None


def test_conversation_can_be_cancelled(worker: Worker) -> None:
    is_cancelled = threading.Event()
    begun = 0.0

    def hear(_message: Data) -> None:
        nonlocal begun
        begun = time.monotonic()
        is_cancelled.set()

    with pytest.raises(CancelledError):
        worker.call("converse", {}, Progress(is_cancelled=is_cancelled.is_set), heard=hear)
    assert time.monotonic() - begun < 3
    assert worker.pid is not None  # it stopped of its own accord


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_killed_in_the_middle_and_telling_afterwards(worker: Worker) -> None:
    def hear(_message: Data) -> None:
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        worker.tell({"to": "the dead"})

    with pytest.raises(WorkerError, match="stopped in the middle"):
        worker.call("converse", {}, Progress(), heard=hear)
    worker.tell({"to": "nobody"})
    assert worker.call("hear", {"seconds": 0.2}, Progress())["told"] is None


def test_exception_of_the_hearer_ends_the_call_and_frees_the_worker(worker: Worker) -> None:
    def hear(_message: Data) -> None:
        raise KeyError("a bug of the caller")

    with pytest.raises(KeyError):
        worker.call("converse", {}, Progress(), heard=hear)
    assert worker.call("hear", {"seconds": 0}, Progress())["told"] is None
