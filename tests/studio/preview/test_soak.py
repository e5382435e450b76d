"""A preview that runs for long: memory, threads, handles and shared memory stay what they were.

Run with `pytest -m soak -n 0`. `FFSTUDIO_SOAK_SECONDS` (600) says how long; short runs find leaks of handles and
threads, leaks of memory show in long ones only.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median

import psutil
import pytest
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from converters.preview.request import Look, Overlay
from converters.preview.slots import PREFIX, memory_folder
from studio.preview.live import LiveState
from studio.preview.mailbox import LiveFrame
from studio.preview.previewing import previewing
from studio.ui.widgets.comparison_view import ComparisonView
from studio.ui.workbench import Workbench
from tests.preview.models import write_worse_swapper
from tests.studio.conftest import DEMO, delete_later_now
from tests.studio.projects import take_model

SECONDS = float(os.environ.get("FFSTUDIO_SOAK_SECONDS", "600"))
WARMING = 0.2  # of that time: buffers, caches and allocators reach their size
FLAT = 0.05
_SAMPLES = 200


@dataclass(frozen=True)
class Sample:
    """What two processes hold at one moment.

    Attributes:
        window_memory, preview_memory: bytes that are theirs alone or mapped.
        window_threads, preview_threads, window_handles, preview_handles: how many.
        segments, segment_bytes: mapped by the window for pictures.
    """

    window_memory: float
    preview_memory: float
    window_threads: float
    preview_threads: float
    window_handles: float
    preview_handles: float
    segments: float
    segment_bytes: float


def sample(preview: psutil.Process) -> Sample:
    """Look at both processes now."""
    window = psutil.Process()
    mapped = [each for each in window.memory_maps(grouped=False) if PREFIX in each.path]
    return Sample(
        window.memory_info().rss,
        preview.memory_info().rss,
        window.num_threads(),
        preview.num_threads(),
        window.num_fds(),
        preview.num_fds(),
        len(mapped),
        sum(each.size for each in mapped),
    )


def grown(samples: list[Sample]) -> dict[str, tuple[float, float]]:
    """Return what is larger in the last third than in the first by more than `FLAT`: both medians by name."""
    third = max(1, len(samples) // 3)
    found = {}
    for field in fields(Sample):
        before = median(getattr(each, field.name) for each in samples[:third])
        after = median(getattr(each, field.name) for each in samples[-third:])
        if after > before * (1 + FLAT):
            found[field.name] = (before, after)
    return found


def test_growth_is_noticed() -> None:
    still = Sample(100.0, 100.0, 10, 10, 20, 20, 1, 1000)
    assert grown([still] * 30) == {}
    values = [Sample(100.0 + place * 0.3, 100.0, 10, 10, 20 + place // 10, 20, 1, 1000) for place in range(30)]
    assert set(grown(values)) == {"window_memory", "window_handles"}


@pytest.mark.soak
@pytest.mark.timeout(SECONDS + 300)
@pytest.mark.skipif(sys.platform != "linux", reason="looks at what is mapped")
def test_long_preview_holds_no_more_than_at_its_beginning(bench: Workbench, qtbot: QtBot, tmp_path: Path) -> None:
    take_model(bench.document, DEMO)
    live = previewing(bench)
    view = ComparisonView()
    view.resize(1000, 560)
    view.show()
    frames = []

    def show(frame: LiveFrame) -> None:
        view.set_pair(frame.original, frame.candidate, frame.identity)
        frames.append(frame.identity)

    live.framed.connect(show)
    live.watch(view)
    live.choose_look(Look(1000, 560, Overlay.LPIPS))
    live.add_candidate(str(write_worse_swapper(tmp_path / "worse.onnx")))
    live.start()
    qtbot.waitUntil(lambda: live.state is LiveState.RUNNING, timeout=120_000)
    preview = psutil.Process(live.live.pid)
    samples: list[Sample] = []
    timer = QTimer(interval=int(SECONDS * (1 - WARMING) * 1000 / _SAMPLES))
    timer.timeout.connect(lambda: samples.append(sample(preview)))
    qtbot.wait(int(SECONDS * WARMING * 1000))
    timer.start()
    with qtbot.waitSignal(timer.timeout, timeout=60_000):
        pass
    qtbot.waitUntil(lambda: len(samples) >= _SAMPLES, timeout=int(SECONDS * 1000) + 60_000)
    timer.stop()
    assert live.state is LiveState.RUNNING
    assert live.live.pid == preview.pid  # it was not replaced meanwhile
    print(f"{len(frames)} frames; first {samples[0]}; last {samples[-1]}")
    assert len(frames) > SECONDS
    assert frames == sorted(set(frames))
    assert samples[0].segments == 1
    assert grown(samples) == {}
    live.stop()
    view.deleteLater()
    delete_later_now()
    bench.jobs.close()
    assert not list(memory_folder().glob(f"{PREFIX}{preview.pid}-*"))
