"""A program that is killed takes its workers along, whatever they do."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

PROJECT = Path(__file__).resolve().parents[3]
GRACE = 5.0  # seconds that workers have to notice

EXPECTED = 8  # two workers, each with its overseer, a child and a grandchild

PROGRAM = """
    import sys
    from pathlib import Path
    import psutil
    from PySide6.QtCore import QCoreApplication, QTimer
    from studio.jobs.job import JobRequest, Lane
    from studio.jobs.service import JobService

    application = QCoreApplication([])
    service = JobService(Path(sys.argv[1]), operations="tests.engine.worker_operations:TABLE")

    for lane, then in ((Lane.WORK, "wait_stubborn"), (Lane.MODEL, "wait_deaf")):
        arguments = {"worker": lane.value, "operation": "family", "arguments": {"then": then, "seconds": 60}}
        service.submit(JobRequest("operation", then, arguments, lane))

    def look():
        tree = psutil.Process().children(recursive=True)
        if len(tree) >= EXPECTED:
            print(*(process.pid for process in tree), flush=True)

    timer = QTimer(interval=50)
    timer.timeout.connect(look)
    timer.start()
    application.exec()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the operations of these tests use POSIX calls")
def test_workers_end_with_a_killed_program_and_the_next_one_tidies_up(tmp_path: Path) -> None:
    folder = tmp_path / "jobs"
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "TMPDIR": str(tmp_path),
        "QT_QPA_PLATFORM": "offscreen",
    }
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM.replace("EXPECTED", str(EXPECTED))), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as program:
        assert program.stdout is not None
        numbers = [int(word) for word in program.stdout.readline().split()]
        assert len(numbers) >= EXPECTED
        tree = [psutil.Process(number) for number in numbers]
        program.kill()
    _, alive = psutil.wait_procs(tree, timeout=GRACE)
    assert not alive
    left = {path.name for path in folder.iterdir()}
    assert left, "the killed program could not tidy up"
    _open_and_close(folder)
    assert not folder.exists() or not left & {path.name for path in folder.iterdir()}


def _open_and_close(folder: Path) -> None:
    from studio.jobs.service import JobService

    start = time.monotonic()
    JobService(folder).close()
    assert time.monotonic() - start < 2
