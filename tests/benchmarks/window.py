"""How soon the window is there, and how long its event loop ever pauses, in the real program.

    python -m tests.benchmarks.window [--runs N] [--large MODEL] [--no-start] [--no-conversion]

Prints a table for the log of measurements: from the start of the process to the window in view, beside what importing
PySide6.QtWidgets takes by itself, and the longest pause of the event loop while the demo opens, while each page is
shown for the first and the second time, while a large model opens, and while the demo becomes three files. Beside each
pause stands the most processor time that the window's thread used between two looks at its loop: what a pause takes
beyond that it waited, for another thread or because the machine was busy with other programs. All are medians of the
runs, in milliseconds. Compiled modules are kept, as they are on a person's machine from the first start on; that first
start is not measured.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from tests.end2end.window.program import PROJECT, Program

PAGES = ("prune", "quantize", "convert", "compare", "export", "model")
TARGETS = ("mnn", "tflite", "coreml")
SETTLED = 2.5
"""Seconds after which what was begun counts as settled; questions meanwhile would cost the event loop time as well."""
STARTS = 5

Figures = dict[str, list[tuple[float, float]]]
"""Pauses and the processor time in them by what was done, in seconds; one pair for each run."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="how often each pause is measured")
    parser.add_argument("--large", type=Path, help="a large model that is opened as well")
    parser.add_argument("--no-start", action="store_true", help="leave out the start")
    parser.add_argument("--no-conversion", action="store_true", help="leave out the conversion")
    wanted = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="ffstudio-benchmark-") as compiled:
        os.environ["PYTHONPYCACHEPREFIX"] = compiled
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        measure(wanted)
    return 0


def measure(wanted: argparse.Namespace) -> None:
    """Print the tables."""
    start()
    print(f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}, {machine()}, load {os.getloadavg()[0]:.1f}")
    print()
    if not wanted.no_start:
        print_starts()
    figures: Figures = defaultdict(list)
    measure_pages(defaultdict(list))  # compiles the pages' modules
    for _ in range(wanted.runs):
        measure_pages(figures)
        if wanted.large is not None:
            measure_large(figures, wanted.large.absolute())
        if not wanted.no_conversion:
            measure_conversion(figures)
    print()
    print("| pause of the event loop | median ms | at work | each pause |")
    print("|---|---|---|---|")
    for name, pauses in figures.items():
        pause, work = (statistics.median(each) for each in zip(*pauses, strict=True))
        print(f"| {name} | {in_ms(pause)} | {in_ms(work)} | {', '.join(in_ms(each) for each, _ in sorted(pauses))} |")


def print_starts() -> None:
    """Measure the start, and print the first table."""
    print("| start | median ms | each |")

    print("|---|---|---|")
    for name, seconds in (
        ("import PySide6.QtWidgets", [bare_import() for _ in range(STARTS)]),
        ("the window in view", [start() for _ in range(STARTS)]),
    ):
        print(f"| {name} | {in_ms(statistics.median(seconds))} | {', '.join(map(in_ms, sorted(seconds)))} |")


def machine() -> str:
    """Return what this machine is."""
    names = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines() if Path(path).exists() else []


def bare_import() -> float:
    """Return what a process takes that imports Qt's widgets and ends, in seconds."""
    begun = time.monotonic()
    subprocess.run([sys.executable, "-c", "import PySide6.QtWidgets"], check=True)
    return time.monotonic() - begun


def start() -> float:
    """Return the seconds from the start of the process to the first painting of the window."""
    with tempfile.TemporaryDirectory(prefix="ffstudio-benchmark-") as folder:
        measures = Path(folder) / "measures.json"
        environment = {**os.environ, "FFSTUDIO_DATA": folder}
        if not os.environ.get("DISPLAY"):
            environment["QT_QPA_PLATFORM"] = "offscreen"
        begun = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, str(PROJECT / "main.py"), "--measure-loop", str(measures)], env=environment, cwd=PROJECT
        )
        try:
            while not measures.exists():
                if process.poll() is not None or time.monotonic() > begun + 60:
                    raise RuntimeError("the window did not come")
                time.sleep(0.005)
            shown: float = json.loads(measures.read_text(encoding="utf-8"))["shown"]
        finally:
            process.terminate()
            process.wait(timeout=20)
    return shown - begun


def measure_pages(figures: Figures) -> None:
    """Open the demo and show every page twice."""
    with tempfile.TemporaryDirectory(prefix="ffstudio-benchmark-") as folder, program(folder) as running:
        running.click("start-demo")
        running.wait_visible("page-model")
        settle(running, figures, "opening the demo")
        for times in ("first", "second"):
            for page in PAGES:
                running.click(f"rail-{page}")
                running.wait_visible(f"page-{page}")
                if page == "quantize":  # its worker answers later, with the plot's and the picture's data
                    running.wait("quantize-latency", lambda found: found["text"], 120)
                settle(running, figures, f"{page}, {times} time")
        running.close(answers=())


def measure_large(figures: Figures, model: Path) -> None:
    """Open a large model, and show the pages whose tables grow with it."""
    with tempfile.TemporaryDirectory(prefix="ffstudio-benchmark-") as folder, program(folder) as running:
        running.ask("drop", paths=[str(model)])
        running.wait("model-card", lambda found: model.stem in found["text"], 240)
        settle(running, figures, f"opening {model.stem} ({model.stat().st_size / 1e6:.0f} MB)")
        running.close(answers=())


def measure_conversion(figures: Figures) -> None:
    """Have the demo become three files."""
    with tempfile.TemporaryDirectory(prefix="ffstudio-benchmark-") as folder, program(folder) as running:
        running.click("start-demo")
        running.wait_visible("page-model")
        running.click("rail-convert")
        for target in (*TARGETS, "onnx"):
            switch = running.wait_visible(f"target-{target}-switch")
            if switch["checked"] != (target in TARGETS):
                running.click(f"target-{target}-switch")
        time.sleep(SETTLED)
        running.ask("gap")
        running.click("convert-button")
        for target in TARGETS:
            running.wait(f"file-{target}-fp16-verdict", lambda found: found["visible"], 600)
        settle(running, figures, "converting the demo to three files")
        running.close()


def program(folder: str) -> Program:
    """Start the program and wait for its start page."""
    running = Program(Path(folder), display=os.environ.get("DISPLAY", ""))
    running.wait_visible("start-demo")
    time.sleep(SETTLED)
    running.ask("gap")
    return running


def settle(running: Program, figures: Figures, name: str) -> None:
    """Leave the program alone for a while, and keep the longest pause since the last time."""
    time.sleep(SETTLED)
    gap = running.ask("gap")
    figures[name].append((gap["seconds"], gap["work"]))


def in_ms(seconds: float) -> str:
    """Return seconds as whole milliseconds."""
    return f"{seconds * 1000:.0f}"


if __name__ == "__main__":
    sys.exit(main())
