"""Real worker processes: what they return, every way they can end, and that nothing of them stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from converters.errors import (
    BadInputError,
    CancelledError,
    DestinationError,
    StudioError,
    UnsafeInputError,
    UnsupportedError,
    UsageError,
    VerificationError,
    WorkerError,
)
from converters.progress import Progress, ProgressMessage
from converters.worker_client import Worker
from converters.worker_log import LARGEST_LOG
from converters.worker_pool import WorkerPool
from converters.worker_schedule import Call

PROJECT = Path(__file__).resolve().parent.parent.parent
OPERATIONS = "tests.engine.worker_operations:TABLE"
CANCEL_LIMIT = 3.0

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the operations of these tests use POSIX calls")


def open_descriptors() -> list[str]:
    """Return the open descriptors of this process and what they lead to."""
    return [f"{each.name} {each.readlink()}" for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]


def temporary_folders() -> set[Path]:
    folder = Path(tempfile.gettempdir())
    return {*folder.glob(f".ffstudio-{os.getpid()}-*"), *folder.glob(f"ffstudio-log-{os.getpid()}-*")}


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    """No process, descriptor or temporary folder outlives a test."""
    before = open_descriptors()
    yield
    children = psutil.Process().children(recursive=True)
    assert not children, f"left running: {children}"
    assert len(open_descriptors()) <= len(before), set(open_descriptors()) - set(before)
    assert not temporary_folders()


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    with Worker("test", tmp_path / "logs" / "test.log", operations=OPERATIONS) as worker:
        yield worker


def is_gone(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def describe(pid: int) -> str:
    try:
        return repr(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return f"{pid} is gone"


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


class Canceller:
    """A Progress that cancels `delay` seconds after the first message, and measures how long that took."""

    def __init__(self, delay: float = 0.0) -> None:
        self.messages: list[ProgressMessage] = []
        self.delay = delay
        self.first: float | None = None
        self.progress = Progress(self._report, self._is_cancelled)

    def _report(self, message: ProgressMessage) -> None:
        self.messages.append(message)
        if self.first is None:
            self.first = time.monotonic()

    def _is_cancelled(self) -> bool:
        return self.first is not None and time.monotonic() >= self.first + self.delay

    @property
    def seconds(self) -> float:
        assert self.first is not None
        return time.monotonic() - self.first - self.delay


# results ------------------------------------------------------------------------------------------------------------


def test_result_and_progress(worker: Worker) -> None:
    messages: list[ProgressMessage] = []
    assert worker.call("count", {"to": 4}, Progress(messages.append)) == {"counted": 4}
    assert messages == [ProgressMessage("Counting ünïcode", n / 4, f"{n} ☃") for n in range(4)]


def test_200_calls_use_one_process(worker: Worker) -> None:
    pids = {worker.call("echo", {"n": n}, Progress())["pid"] for n in range(200)}
    assert pids == {worker.pid}


def test_unicode_and_names_that_are_none(worker: Worker) -> None:
    texts = ["Grüße 漢字 😀 \u2028 \n\r\t\0", "undecodable \udcff", '"\\']
    assert worker.call("echo", {"texts": texts}, Progress())["arguments"] == {"texts": texts}


def test_messages_of_five_megabytes(worker: Worker) -> None:
    text = "ä漢x" * 1_700_000
    assert worker.call("echo", {"text": text}, Progress())["arguments"]["text"] == text


def test_arguments_that_are_no_plain_data_are_the_callers_bug(worker: Worker) -> None:
    with pytest.raises(TypeError):
        worker.call("echo", {"path": Path("x")}, Progress())
    assert worker.call("echo", {}, Progress())["arguments"] == {}


def test_warm_imports_and_says_what_is_missing(worker: Worker) -> None:
    answer = worker.call("warm", {"modules": ["wave", "no_such_module"]}, Progress())
    assert set(answer["seconds"]) == {"wave"}
    assert set(answer["missing"]) == {"no_such_module"}


def test_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = tmp_path / "sent by somebody"
    hostile.mkdir()
    (hostile / "json.py").write_text("raise SystemExit('code from the current folder was run')")
    monkeypatch.chdir(hostile)
    with Worker("test", threads=3, operations=OPERATIONS) as worker:
        found = worker.call("surroundings", {}, Progress())
        assert found["environment"]["OMP_NUM_THREADS"] == "3"
        assert found["environment"]["HF_HUB_OFFLINE"] == "1"
        assert found["environment"]["TF_CPP_MIN_LOG_LEVEL"] == "2"
        assert found["core"] == 0
        assert found["nice"] == min(os.nice(0) + 10, 19)  # whoever watches gets a core first
        assert found["oom"] == "500"
        assert found["input"] == os.devnull
        assert "" not in found["path"]
        assert str(hostile) not in found["path"]
        assert found["group"] == worker.pid
        assert Path(found["temporary"]) in temporary_folders()


def test_no_network(worker: Worker) -> None:
    refusals = worker.call("use_network", {}, Progress())["refusals"]
    assert len(refusals) == 3
    assert "192.0.2.1" in refusals[0]
    assert "example.org" in refusals[1]


def test_runs_behind_main() -> None:
    """`main.py --worker` is the same as the module; here it is told to quit at once."""
    main = PROJECT / "main.py"
    if not main.exists():
        pytest.skip("there is no main.py yet")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(main), "--worker", "--log", str(Path(folder, "log"))]
        done = subprocess.run(command, input=b'{"quit": true}\n', capture_output=True, timeout=20, check=True)
    assert done.stdout.startswith(b'{"event": "ready"')


# errors -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [
        StudioError,
        UsageError,
        VerificationError,
        UnsupportedError,
        BadInputError,
        UnsafeInputError,
        DestinationError,
        CancelledError,
        WorkerError,
    ],
)
def test_errors_keep_their_kind_and_words(worker: Worker, kind: type[StudioError]) -> None:
    with pytest.raises(kind) as caught:
        worker.call("fail", kind("Was.", "Wärum.", "Wie weiter.").to_json(), Progress())
    assert type(caught.value) is kind
    assert str(caught.value) == "Was. Wärum. Wie weiter."


@pytest.mark.parametrize(
    ("operation", "arguments", "words"),
    [
        ("bug", {}, "KeyError: 'missing' (worker_operations.py:"),
        ("no_such_operation", {}, "KeyError: 'no_such_operation'"),
        ("no_plain_data", {}, "TypeError: Object of type object is not JSON serializable"),
        ("leave", {"status": 3}, "stopped itself (exit status 3)"),
        ("eat_memory", {"limit": 1 << 30}, "Memory ran out."),
        ("native_out_of_memory", {}, "Memory ran out."),
    ],
)
def test_failures_that_the_process_survives(worker: Worker, operation: str, arguments: dict, words: str) -> None:
    worker.start()
    pid = worker.pid
    with pytest.raises(WorkerError) as caught:
        worker.call(operation, arguments, Progress())
    assert words in str(caught.value)
    assert worker.call("echo", {}, Progress())["pid"] == pid


# crashes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "arguments", "words"),
    [
        ("null_pointer", {}, "stopped by SIGSEGV (a crash in native code)"),
        ("abort", {}, "stopped by SIGABRT (native code gave up)"),
        ("kill_itself", {}, "was killed, most often because memory ran out"),
        ("hard_leave", {"status": 7}, "ended by itself with exit status 7"),
        ("hard_leave", {"status": 0}, "ended by itself with exit status 0"),
        ("uncaught_bad_alloc", {}, "(native code gave up). Memory ran out."),
    ],
)
def test_crash_is_a_sentence_and_the_next_call_works(
    worker: Worker, operation: str, arguments: dict, words: str
) -> None:
    first = worker.call("echo", {}, Progress())["pid"]
    with pytest.raises(WorkerError) as caught:
        worker.call(operation, arguments, Progress())
    assert words in str(caught.value)
    assert "The test worker stopped in the middle of its work." in str(caught.value)
    assert operation not in str(caught.value.what)
    assert worker.call("echo", {}, Progress())["pid"] != first


def test_crash_shows_the_last_lines_of_this_call_only(worker: Worker) -> None:
    worker.call("print_garbage", {"times": 50}, Progress())
    with pytest.raises(WorkerError) as caught:
        worker.call("null_pointer", {}, Progress())
    lines = caught.value.why.splitlines()
    assert lines[0] == "The last lines of its log:"
    assert len(lines) <= 21
    assert "about to crash" in lines
    assert any("null_pointer" in line for line in lines)
    assert "garbage" not in caught.value.why
    assert "\x1b" not in caught.value.why


def test_idle_process_that_was_killed_is_replaced(worker: Worker) -> None:
    worker.start()
    pid = worker.pid
    assert pid is not None
    worker.call("echo", {}, Progress())
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: worker.pid is None, 5)
    assert worker.call("echo", {}, Progress())["pid"] != pid


def test_process_that_dies_while_it_is_idle_costs_no_call(worker: Worker) -> None:
    worker.start()
    pid = worker.pid
    assert pid is not None
    worker.call("echo", {}, Progress())
    os.kill(pid, signal.SIGSTOP)  # nothing has told this side of its end yet, and it will not hear of the call
    progress = Progress(is_cancelled=lambda: os.kill(pid, signal.SIGKILL) if psutil.pid_exists(pid) else None)
    answer = worker.call("echo", {"n": 5}, progress)
    assert answer["arguments"] == {"n": 5}
    assert answer["pid"] != pid


def test_what_was_begun_is_not_begun_again(worker: Worker, tmp_path: Path) -> None:
    worker.call("echo", {}, Progress())
    with pytest.raises(WorkerError, match="stopped in the middle of its work"):
        worker.call("kill_itself", {}, Progress())
    assert (tmp_path / "logs" / "test.log").read_text(encoding="utf-8").count("kill_itself") == 1


def test_output_of_native_code_never_reaches_the_protocol(worker: Worker, tmp_path: Path) -> None:
    assert worker.call("print_garbage", {"times": 100}, Progress()) == {"done": True}
    log = (tmp_path / "logs" / "test.log").read_bytes()
    assert log.count(b"forged") == 100
    assert "printed by Python: ☃".encode() in log
    assert b"printed by a child" in log


def test_broken_protocol(worker: Worker) -> None:
    with pytest.raises(WorkerError, match="sent something that is no message"):
        worker.call("forge_protocol", {}, Progress())
    assert worker.call("echo", {}, Progress())["arguments"] == {}


def test_timeout(worker: Worker) -> None:
    start = time.monotonic()
    with pytest.raises(WorkerError, match=r"did not finish within 0\.5 seconds"):
        worker.call("wait_stubborn", {"seconds": 60}, Progress(), timeout=0.5)
    assert time.monotonic() - start < 0.5 + CANCEL_LIMIT
    assert worker.call("echo", {}, Progress())["arguments"] == {}


def test_process_that_cannot_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    with Worker("test") as worker, pytest.raises(WorkerError, match="cannot be started"):
        worker.start()


def test_process_that_dies_at_once_says_why(tmp_path: Path) -> None:
    worker = Worker("test", tmp_path / "log", operations="no_such_module:TABLE")
    with worker, pytest.raises(WorkerError) as caught:
        worker.call("echo", {}, Progress())
    assert "No module named 'no_such_module'" in caught.value.why


def test_log_stays_small(worker: Worker, tmp_path: Path) -> None:
    worker.call("print_much", {"megabytes": 45}, Progress())
    worker.call("echo", {}, Progress())
    log = tmp_path / "logs" / "test.log"
    assert log.stat().st_size <= LARGEST_LOG
    text = log.read_bytes()
    assert b"the very last line\n" in text
    assert b"\0" not in text


@pytest.mark.parametrize("is_crash", [False, True])
def test_temporary_files_go_with_the_process(tmp_path: Path, is_crash: bool) -> None:
    canceller = Canceller(delay=1000)
    with Worker("test", tmp_path / "log", operations=OPERATIONS) as worker:
        try:
            worker.call("leave_temporary_files", {"crash": is_crash}, canceller.progress)
        except WorkerError:
            assert is_crash
        folder = Path(canceller.messages[0].detail)
        assert folder.name.startswith("leftover-")
        assert folder.exists() is not is_crash
    assert not folder.exists()


# cancelling ---------------------------------------------------------------------------------------------------------


def test_cancel_that_the_operation_hears_keeps_the_process(worker: Worker) -> None:
    worker.start()
    pid = worker.pid
    canceller = Canceller()
    with pytest.raises(CancelledError):
        worker.call("wait", {"seconds": 60}, canceller.progress)
    assert canceller.seconds < 0.5
    assert worker.call("echo", {}, Progress())["pid"] == pid


@pytest.mark.parametrize("operation", ["wait_deaf", "wait_stubborn"])
def test_cancel_that_the_operation_ignores(worker: Worker, operation: str) -> None:
    canceller = Canceller(delay=0.2)
    worker.start()
    pid = worker.pid
    assert pid is not None
    with pytest.raises(CancelledError):
        worker.call(operation, {"seconds": 60}, canceller.progress)
    assert canceller.seconds < CANCEL_LIMIT
    assert is_gone(pid)
    assert worker.call("echo", {}, Progress())["pid"] != pid


def test_cancel_at_every_message(worker: Worker) -> None:
    for stop_at in range(1, 12):
        seen: list[ProgressMessage] = []
        progress = Progress(seen.append, lambda seen=seen, stop_at=stop_at: len(seen) >= stop_at)  # type: ignore[misc]
        with pytest.raises(CancelledError):
            worker.call("count", {"to": 12, "pause": 0.02}, progress)
        assert len(seen) == stop_at
    assert worker.call("count", {"to": 12}, Progress()) == {"counted": 12}


def test_cancelled_before_it_began(worker: Worker) -> None:
    with pytest.raises(CancelledError):
        worker.call("echo", {}, Progress(is_cancelled=lambda: True))
    assert worker.pid is None


def test_stopped_process_is_cancelled_too(worker: Worker) -> None:
    worker.start()
    pid = worker.pid
    assert pid is not None
    worker.call("echo", {}, Progress())
    os.kill(pid, signal.SIGSTOP)
    start = time.monotonic()
    big = "x" * 3_000_000  # more than the pipe takes: the call must not hang in writing either
    with pytest.raises(CancelledError):
        worker.call("echo", {"big": big}, Progress(is_cancelled=lambda: time.monotonic() > start + 0.2))
    assert time.monotonic() - start < 0.2 + CANCEL_LIMIT
    assert is_gone(pid)


@pytest.mark.parametrize("then", ["wait_deaf", "wait_stubborn", "null_pointer"])
def test_children_go_with_the_worker(worker: Worker, then: str) -> None:
    canceller = Canceller(delay=0.5)  # the operation looks for a cancel once more after its first message
    with pytest.raises((CancelledError, WorkerError)):
        worker.call("family", {"then": then, "seconds": 60}, canceller.progress)
    numbers = [int(word) for word in canceller.messages[0].detail.split()]
    assert len(numbers) == 3
    assert wait_until(lambda: all(map(is_gone, numbers)), CANCEL_LIMIT), [*map(describe, numbers)]


def test_children_of_finished_work_go_at_the_end(tmp_path: Path) -> None:
    canceller = Canceller(delay=1000)
    with Worker("test", tmp_path / "log", operations=OPERATIONS) as worker:
        worker.call("family", {"then": "echo"}, canceller.progress)
        numbers = [int(word) for word in canceller.messages[0].detail.split()]
        assert not any(map(is_gone, numbers))
    assert wait_until(lambda: all(map(is_gone, numbers)), CANCEL_LIMIT), [*map(describe, numbers)]


def test_close_ends_a_running_call(tmp_path: Path) -> None:
    worker = Worker("test", tmp_path / "log", operations=OPERATIONS)
    caught: list[BaseException] = []
    running = threading.Event()

    def call() -> None:
        try:
            worker.call("wait_stubborn", {"seconds": 60}, Progress(lambda _message: running.set()))
        except StudioError as error:
            caught.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    assert running.wait(20)
    with pytest.raises(RuntimeError, match="busy"):
        worker.call("echo", {}, Progress())
    start = time.monotonic()
    worker.close()
    assert time.monotonic() - start < CANCEL_LIMIT
    thread.join()
    assert [type(error) for error in caught] == [CancelledError]


def test_close_does_not_wait_for_threads_that_an_operation_left(tmp_path: Path) -> None:
    with Worker("test", tmp_path / "log", operations=OPERATIONS) as worker:
        worker.call("leave_thread", {}, Progress())
        start = time.monotonic()
        worker.close()
        assert time.monotonic() - start < CANCEL_LIMIT


def test_mistake_in_report_leaves_nothing_running(worker: Worker) -> None:
    def report(_message: ProgressMessage) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        worker.call("wait", {"seconds": 60}, Progress(report))
    assert worker.pid is None


PARENT = """
    import sys
    from pathlib import Path
    from converters.progress import Progress
    from converters.worker_client import Worker

    with Worker("orphan", Path(sys.argv[1]), operations="tests.engine.worker_operations:TABLE") as worker:
        show = Progress(lambda message: print(message.detail, flush=True))
        worker.call("family", {"then": sys.argv[2], "seconds": 60}, show)
"""


@pytest.mark.parametrize("then", ["wait_deaf", "wait_stubborn"])
def test_killed_parent_leaves_no_worker(tmp_path: Path, then: str) -> None:
    command = [sys.executable, "-c", textwrap.dedent(PARENT), str(tmp_path / "log"), then]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as parent:
        assert parent.stdout is not None
        numbers = [int(word) for word in parent.stdout.readline().split()]
        assert len(numbers) == 3
        assert not any(map(is_gone, numbers))
        tree = psutil.Process(numbers[0]).children(recursive=True)  # with the overseer
        parent.kill()
    assert wait_until(lambda: all(map(is_gone, numbers)), 4)
    assert wait_until(lambda: all(is_gone(process.pid) for process in tree), 4)


# pool ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[WorkerPool]:
    with WorkerPool(2, tmp_path / "logs", operations=OPERATIONS) as pool:
        yield pool


def test_pool_keeps_results_apart_and_survives_failures(pool: WorkerPool, tmp_path: Path) -> None:
    messages: list[ProgressMessage] = []
    calls = {
        "mnn": Call("null_pointer", {}),
        "tflite": Call("fail", UnsupportedError("Nein.").to_json()),
        "coreml": Call("count", {"to": 3}),
    }
    results = pool.run(calls, Progress(messages.append))
    assert list(results) == list(calls)
    assert isinstance(results["mnn"], WorkerError)
    assert "SIGSEGV" in str(results["mnn"])
    assert isinstance(results["tflite"], UnsupportedError)
    assert results["coreml"] == {"counted": 3}
    assert [message.stage for message in messages] == ["coreml: Counting ünïcode"] * 3
    assert {file.name for file in (tmp_path / "logs").iterdir()} == {"mnn.log", "tflite.log", "coreml.log"}


def test_pool_workers_stay_warm_by_name(pool: WorkerPool) -> None:
    def pids() -> dict[str, int]:
        calls = {"first": Call("echo", {}), "second": Call("echo", {}), "third": Call("echo", {}, worker="first")}
        return {name: result["pid"] for name, result in pool.run(calls, Progress()).items()}  # type: ignore[index]

    once = pids()
    assert once["first"] == once["third"] != once["second"]
    assert pids() == once


def test_pool_uses_its_lanes_and_no_more(pool: WorkerPool) -> None:
    calls = {f"job {n}": Call("overlap", {"seconds": 0.4}) for n in range(5)}
    pool.run({name: Call("echo", {}) for name in calls}, Progress())  # warm
    results = list(pool.run(calls, Progress()).values())
    at_once = [
        sum(other["start"] <= result["start"] < other["end"] for other in results)  # type: ignore[index]
        for result in results
    ]
    assert max(at_once) == 2


def test_pool_keeps_jobs_of_one_worker_in_order_without_blocking_lanes(pool: WorkerPool) -> None:
    calls = {
        "a1": Call("overlap", {"seconds": 0.5}, worker="a"),
        "a2": Call("overlap", {"seconds": 0.1}, worker="a"),
        "b": Call("overlap", {"seconds": 0.1}),
    }
    pool.run({"a": Call("echo", {}), "b": Call("echo", {})}, Progress())
    results = pool.run(calls, Progress())
    assert results["b"]["start"] < results["a1"]["end"] <= results["a2"]["start"]  # type: ignore[index]


def test_pool_cancels_everything(pool: WorkerPool) -> None:
    canceller = Canceller(delay=0.2)
    calls = {
        "hears": Call("wait", {"seconds": 60}),
        "ignores": Call("wait_stubborn", {"seconds": 60}),
        "never starts": Call("wait", {"seconds": 60}),
    }
    with pytest.raises(CancelledError):
        pool.run(calls, canceller.progress)
    assert canceller.seconds < CANCEL_LIMIT
    assert not any(message.stage.startswith("never") for message in canceller.messages)


def test_pool_timeout_stops_the_slow_one_only(pool: WorkerPool) -> None:
    calls = {"slow": Call("wait_deaf", {"seconds": 60}), "quick": Call("echo", {"n": 1})}
    results = pool.run(calls, Progress(), timeout=1)
    assert isinstance(results["slow"], WorkerError)
    assert results["quick"]["arguments"] == {"n": 1}  # type: ignore[index]


def test_pool_measures_the_whole_tree(pool: WorkerPool) -> None:
    pool.run({"a": Call("echo", {}), "b": Call("echo", {})}, Progress())
    assert pool.peak_memory > 20_000_000
    pool.peak_memory = 0  # the tests' own process may be larger or smaller by now than it was at its peak
    pool.run({"a": Call("echo", {}), "b": Call("hold_memory", {"bytes": 0, "seconds": 1.0})}, Progress())
    before, pool.peak_memory = pool.peak_memory, 0
    size = 150_000_000
    pool.run({name: Call("hold_memory", {"bytes": size, "seconds": 1.0}) for name in ("a", "b")}, Progress())
    assert 2 * size <= pool.peak_memory - before < 3 * size


def test_pool_stops_all_when_reporting_is_broken(pool: WorkerPool) -> None:
    def report(_message: ProgressMessage) -> None:
        raise ZeroDivisionError

    start = time.monotonic()
    with pytest.raises(ZeroDivisionError):
        pool.run(
            {"speaks": Call("wait", {"seconds": 60}), "is deaf": Call("overlap", {"seconds": 60})}, Progress(report)
        )
    assert time.monotonic() - start < 2 * CANCEL_LIMIT


def test_pool_stops_the_others_when_an_essential_job_fails(pool: WorkerPool) -> None:
    calls = {
        "source": Call("fail", UnsupportedError("Nein.").to_json()),
        "coreml": Call("wait_deaf", {"seconds": 60}),
        "tflite": Call("wait", {"seconds": 60}),
    }
    start = time.monotonic()
    with pytest.raises(UnsupportedError, match="Nein"):
        pool.run(calls, Progress(), essential=("source",))
    assert time.monotonic() - start < 10
    assert pool.run({"source": Call("count", {"to": 3})}, Progress(), essential=("source",))["source"]


def test_closed_pool_stops_its_jobs_and_takes_no_more(tmp_path: Path) -> None:
    pool = WorkerPool(1, tmp_path, operations=OPERATIONS)
    running = threading.Event()
    caught: list[BaseException] = []

    def run() -> None:
        try:
            calls = {name: Call("wait", {"seconds": 60}) for name in "ab"}
            pool.run(calls, Progress(lambda _message: running.set()))
        except CancelledError as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert running.wait(20)
    pool.close()
    thread.join(5)
    assert len(caught) == 1
    with pytest.raises(RuntimeError, match="closed"):
        pool.run({}, Progress())
