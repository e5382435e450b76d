"""The real program: how soon it shows, what it loads, how it ends."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.studio.conftest import DEMO

PROJECT = Path(__file__).resolve().parents[3]
HEAVY = (
    "torch",
    "tensorflow",
    "coremltools",
    "litert_torch",
    "ai_edge_litert",
    "MNN",
    "onnx2tf",
    "onnxruntime",
    "onnx",
    "cv2",
    "scipy",
    "PIL",
)
PATIENCE = 60.0

SHOW_EVERY_PAGE = """
import json, sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from studio.app import Program
from studio.arguments import Arguments
from studio.jobs.service import JobService
from studio.ui.pages.table import PAGES

JobService.warm = lambda self: None
application = QApplication(["studio"])
application.setQuitOnLastWindowClosed(False)
at_start = []
begin = Program._begin

def note_and_begin(program):
    at_start.extend(sys.modules)
    begin(program)

Program._begin = note_and_begin
program = Program(application, Arguments("demo"))
window = program.window
pages = list(PAGES)

def show_next():
    if pages:
        window.go_to(pages.pop(0))
        QTimer.singleShot(300, show_next)
        return
    window.show_drawer(True)
    window.show_settings()
    window.show_about()
    window.show_shortcuts()
    QTimer.singleShot(100, window.close_without_questions)

window.opening.opened.connect(lambda: QTimer.singleShot(0, show_next))
window.opening.refused.connect(lambda *why: sys.exit(f"refused: {why}"))
status = program.run()
print(json.dumps({"status": status, "at_start": at_start, "at_end": list(sys.modules), "left": len(pages)}))
"""


def environment(data: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "QT_QPA_PLATFORM": "offscreen", "FFSTUDIO_DATA": str(data), **more}


def started(measures: Path, data: Path, *arguments: str, **more: str) -> subprocess.Popen[str]:
    """Start the program and return once its window is in view."""
    program = subprocess.Popen(
        [sys.executable, "main.py", *arguments, "--measure-loop", str(measures)],
        cwd=PROJECT,
        env=environment(data, **more),
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + PATIENCE
    while not measures.exists():
        assert program.poll() is None, program.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return program


def ended(program: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> str:
    """Ask the program to end; return what it said on the way."""
    program.send_signal(number)
    _, said = program.communicate(timeout=PATIENCE)
    assert program.returncode == 128 + number
    return said


def screens() -> list[dict[str, str]]:
    """Return the platforms a window can be shown on here: always the one without a screen."""
    real = os.environ.get("DISPLAY", "") if sys.platform == "linux" else ""
    return [{"QT_QPA_PLATFORM": "offscreen"}, *([{"QT_QPA_PLATFORM": "xcb", "DISPLAY": real}] if real else [])]


BARE_WINDOW = """
import time
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QWidget

class Bare(QWidget):
    def paintEvent(self, event):
        QTimer.singleShot(0, lambda: (print(time.monotonic()), application.quit()))

application = QApplication([])
bare = Bare()
bare.show()
application.exec()
"""


@pytest.mark.parametrize("screen", screens(), ids=lambda screen: screen["QT_QPA_PLATFORM"])
def test_the_window_shows_at_once(tmp_path: Path, screen: dict[str, str]) -> None:
    """At most 0.8 s, where an empty window of Qt takes 0.25 s; on a slower or busier machine as much more as that."""

    def until_bare() -> float:
        start = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", BARE_WINDOW],
            check=True,
            env=environment(tmp_path, **screen),
            stdout=subprocess.PIPE,
            text=True,
        )
        return float(done.stdout.split()[0]) - start

    def until_shown(number: int) -> float:
        measures = tmp_path / f"measures-{number}.json"
        start = time.monotonic()
        program = started(measures, tmp_path / "data", **screen)
        shown = json.loads(measures.read_text(encoding="utf-8"))["shown"] - start
        assert ended(program) == ""
        return float(shown)

    # by turns, so that both see the same business of the machine
    runs = [(until_bare(), until_shown(number)) for number in range(5)]
    bare, shown = (statistics.median(values) for values in zip(*runs, strict=True))
    assert shown < max(0.8, 3.5 * bare), f"{shown:.2f} s, an empty window {bare:.2f} s"


def test_nothing_heavy_is_ever_loaded(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHOW_EVERY_PAGE],
        cwd=PROJECT,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["status"] == 0
    assert said["left"] == 0
    assert "Traceback" not in done.stderr, done.stderr
    assert not [name for name in said["at_end"] if name.split(".")[0] in HEAVY]
    assert not [name for name in said["at_start"] if name.split(".")[0] in ("numpy", "pyqtgraph", "qtpy")]
    assert not [name for name in said["at_start"] if name.startswith(("studio.ui.pages.model", "converters.targets"))]
    assert "studio.ui.pages.export" in said["at_end"]
    assert not list((tmp_path / "crashes").glob("*"))


@pytest.mark.skipif(sys.platform == "win32", reason="signals of other processes are a matter of Unix")
def test_it_ends_in_order_when_the_system_says_so(tmp_path: Path) -> None:
    data = tmp_path / "data"
    program = started(tmp_path / "measures.json", data, str(DEMO))
    # examining the model has a worker process; ending in the middle of that leaves nothing
    children: list[psutil.Process] = []
    deadline = time.monotonic() + PATIENCE
    while not children and time.monotonic() < deadline:
        children = psutil.Process(program.pid).children(recursive=True)
    assert children
    assert ended(program, signal.SIGINT) == ""
    _, alive = psutil.wait_procs(children, timeout=5)
    assert not alive
    assert not list((data / "work").glob("*"))
    assert not list((data / "crashes").glob("*"))


def test_a_wrong_argument_is_said_without_a_window(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "main.py", "--project"],
        cwd=PROJECT,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "--project needs a file" in done.stderr
