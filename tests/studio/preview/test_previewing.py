"""The live comparison of a project: what is chosen reaches the process, what the process says reaches who shows it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil
import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from converters.errors import StudioError
from converters.preview.messages import SourceState
from converters.preview.request import Look, ModelChoice, Overlay, SourceChoice, SourceKind
from studio.preview import commands, watching
from studio.preview.live import Live, LiveState
from studio.preview.mailbox import LiveFrame
from studio.preview.previewing import Previewing, previewing
from studio.ui.workbench import Workbench
from tests.studio.conftest import DEMO, delete_later_now
from tests.studio.projects import made_file, take_model, write_model

PATIENCE = 45_000  # milliseconds
DRAWN = "tests.studio.preview.preview_operations:TABLE"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="these processes end themselves with POSIX signals")


class Seen:
    """What whoever shows a live comparison sees of it."""

    def __init__(self, live: Previewing, qtbot: QtBot) -> None:
        self.frames: list[LiveFrame] = []
        self.sentences: list[tuple[str, str, StudioError | None]] = []
        self._live, self._qtbot = live, qtbot
        live.framed.connect(self.frames.append)
        live.told.connect(lambda *told: self.sentences.append(told))

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something; the failure says what was told instead."""

        def check() -> None:
            live = self._live
            assert condition(), (live.state, live.live.stage, live.live.error, self.sentences)

        self._qtbot.waitUntil(check, timeout=PATIENCE)

    def until_frames(self, count: int = 2) -> None:
        seen = len(self.frames)
        self.until(lambda: len(self.frames) >= seen + count)


@pytest.fixture
def drawn(bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Previewing:
    """Open a model with two verified files and one that is not; frames are drawn by a process without models."""
    monkeypatch.setattr(commands, "Live", partial(Live, operations=DRAWN))
    write_model(tmp_path / "model.onnx")
    take_model(bench.document, tmp_path / "model.onnx", {"input": (1, 3, 4, 4)})
    files = [replace(made_file(tmp_path / name, name), precision=name[:4]) for name in ("fp32.mnn", "fp16.mnn")]
    files.append(replace(made_file(tmp_path / "int8.mnn", "int8"), precision="int8", verified=False))
    bench.document.set_files(files)
    return previewing(bench)


def test_usual_sides_are_the_model_and_the_newest_verified_file(
    bench: Workbench, drawn: Previewing, tmp_path: Path
) -> None:
    assert previewing(bench) is drawn
    request = drawn.request()
    assert request is not None
    model = ModelChoice(str(tmp_path / "model.onnx"), "The model", {"input": (1, 3, 4, 4)})
    assert request.original == model
    assert Path(request.candidate.path).name == "fp16.mnn"
    bench.document.set_files([])
    request = drawn.request()
    assert request is not None
    assert request.candidate == model
    bench.document.new()
    assert drawn.request() is None
    drawn.start()  # without a model nothing happens
    assert drawn.state is LiveState.OFF


def test_choices_reach_the_process(drawn: Previewing, qtbot: QtBot, tmp_path: Path) -> None:
    seen = Seen(drawn, qtbot)
    drawn.start()
    seen.until_frames()
    assert seen.frames[-1].report.candidate == str(tmp_path / "fp16.mnn")
    assert drawn.statistics.frames > 0
    drawn.choose_candidate(str(tmp_path / "int8.mnn"))
    seen.until(lambda: seen.frames[-1].report.candidate.endswith("int8.mnn"))
    drawn.try_candidate(ModelChoice("a trial", like_original=True))
    seen.until(lambda: seen.frames[-1].report.candidate == "a trial")
    candidate = drawn.candidate
    assert candidate is not None
    assert candidate.path.endswith("int8.mnn")
    drawn.try_candidate(None)
    seen.until(lambda: seen.frames[-1].report.candidate.endswith("int8.mnn"))
    drawn.choose_look(Look(width=320, overlay=Overlay.FLIP))
    seen.until(lambda: seen.frames[-1].original.width() == 320)
    pid = drawn.live.pid
    drawn.choose_options({"blend": 0.5})  # nothing that a running process can change
    seen.until(lambda: drawn.live.pid not in (None, pid))
    seen.until_frames()
    assert seen.frames[-1].original.width() == 320
    drawn.stop()
    assert drawn.state is LiveState.OFF
    assert not seen.sentences


def test_refused_source_is_said_and_the_old_one_stays_chosen(drawn: Previewing, qtbot: QtBot) -> None:
    seen = Seen(drawn, qtbot)
    drawn.start()
    seen.until_frames()
    drawn.choose_source(SourceChoice(SourceKind.FOLDER, "nothing there"))
    seen.until(lambda: bool(seen.sentences))
    words, tone, error = seen.sentences[0]
    assert (words, tone) == ("There is nothing there.", "warning")
    assert isinstance(error, StudioError)
    assert drawn.source == SourceChoice()
    seen.until_frames()


def test_source_that_failed_at_the_start_gives_way_to_another(drawn: Previewing, qtbot: QtBot) -> None:
    seen = Seen(drawn, qtbot)
    drawn.choose_source(SourceChoice(SourceKind.FOLDER, "nothing there"))
    drawn.start()
    seen.until(lambda: drawn.state is LiveState.FAILED)
    drawn.choose_source(SourceChoice())
    seen.until_frames()
    assert drawn.state is LiveState.RUNNING


def test_killed_process_is_said_and_replaced(drawn: Previewing, qtbot: QtBot) -> None:
    seen = Seen(drawn, qtbot)
    drawn.start()
    seen.until_frames()
    pid = drawn.live.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    seen.until(lambda: drawn.state is LiveState.RESTARTING)
    assert drawn.models is None
    assert seen.sentences[0][:2] == ("The preview stopped unexpectedly and begins again.", "warning")
    seen.until_frames()
    assert drawn.models is not None
    assert drawn.source_report is not None


def test_another_project_ends_it_and_files_that_go_are_replaced(
    bench: Workbench, drawn: Previewing, qtbot: QtBot, tmp_path: Path
) -> None:
    seen = Seen(drawn, qtbot)
    drawn.start()
    seen.until_frames()
    files = bench.document.project.files
    bench.document.set_files([file for file in files if file.precision != "fp16"])
    seen.until(lambda: seen.frames[-1].report.candidate == str(tmp_path / "fp32.mnn"))
    write_model(tmp_path / "other.onnx", "another model")
    take_model(bench.document, tmp_path / "other.onnx")
    assert drawn.state is LiveState.OFF
    request = drawn.request()
    assert request is not None
    assert request.candidate.path == str(tmp_path / "other.onnx")


def test_it_rests_while_nobody_looks(drawn: Previewing, qtbot: QtBot) -> None:
    seen, widget, other = Seen(drawn, qtbot), QWidget(), QWidget()
    drawn._watching._timer.setInterval(50)
    assert watching.PATIENCE == 10_000
    drawn.watch(widget)
    drawn.watch(other)
    drawn.start()
    seen.until_frames()
    drawn.unwatch(widget)
    seen.until_frames()
    other.deleteLater()
    delete_later_now()
    seen.until(lambda: drawn.state is LiveState.OFF)
    drawn.watch(widget)
    seen.until_frames()
    drawn.stop()
    drawn.unwatch(widget)
    drawn.watch(widget)
    assert drawn.state is LiveState.OFF  # a person ended it
    widget.deleteLater()
    delete_later_now()


def test_it_ends_with_the_program(bench: Workbench, drawn: Previewing, qtbot: QtBot) -> None:
    seen = Seen(drawn, qtbot)
    drawn.start()
    seen.until_frames()
    process = psutil.Process(drawn.live.pid)
    bench.jobs.close()
    assert not process.is_running()
    assert drawn.state is LiveState.OFF
    drawn.start()
    assert drawn.state is LiveState.OFF


def test_real_models_are_killed_replaced_and_kept(bench: Workbench, qtbot: QtBot, tmp_path: Path) -> None:
    take_model(bench.document, DEMO)
    live = previewing(bench)
    seen, widget = Seen(live, qtbot), QWidget()
    live.watch(widget)  # a busy machine takes longer to begin than nobody looking is borne
    live.choose_look(Look(320, 180))
    live.start()
    seen.until_frames(1)
    assert live.models is not None
    assert live.models["kind"] == "swapper"
    assert live.source_report is not None
    assert live.source_report.state is SourceState.PLAYING
    live.pause()
    live.snapshot(tmp_path / "shot.png")
    seen.until(lambda: any("shot.png was saved" in words for words, *_ in seen.sentences))
    seen.until(lambda: live.source_report is not None and live.source_report.state is SourceState.PAUSED)
    pid = live.live.pid
    assert pid is not None
    os.kill(pid, signal.SIGSEGV)
    seen.until(lambda: live.state is LiveState.RESTARTING)
    seen.until_frames(1)
    seen.until(lambda: live.source_report is not None)
    assert live.source_report.state is SourceState.PAUSED
    assert live.statistics.seconds["original"] > 0
    live.stop()
    assert {tone for _, tone, _ in seen.sentences} == {"success", "warning"}
    widget.deleteLater()
    delete_later_now()


def test_worst_frames_become_calibration_pictures(bench: Workbench, drawn: Previewing, qtbot: QtBot) -> None:
    from converters.preview.messages import WorstFrame

    seen = Seen(drawn, qtbot)
    picture = str(DEMO.parent / "gallery")
    portrait = str(sorted(Path(picture).iterdir())[0])
    kept = WorstFrame(3, 0.2, 1.25, "", portrait, portrait, portrait, portrait)
    drawn.keep_worst([kept])
    seen.until(lambda: bool(seen.sentences))
    assert seen.sentences[0][1] == "success"
    folder = bench.document.work_folder / "calibration"
    assert len(list(folder.iterdir())) == 1
    drawn.keep_worst([replace(kept, picture="/nowhere.png")])
    seen.until(lambda: len(seen.sentences) == 2)
    assert seen.sentences[1][1] == "error"


def test_cameras_are_looked_for_while_somebody_looks(bench: Workbench, drawn: Previewing, qtbot: QtBot) -> None:
    asked: list[int] = []
    bench.jobs.finished.connect(asked.append)
    drawn._cameras._timer.setInterval(20)
    widget = QWidget()
    drawn.watch(widget)
    qtbot.waitUntil(lambda: len(asked) >= 3, timeout=PATIENCE)
    assert drawn._cameras.is_known
    qtbot.waitUntil(lambda: len(bench.jobs.jobs()) <= 1, timeout=PATIENCE)  # none of them is kept
    drawn.unwatch(widget)
    qtbot.waitUntil(lambda: not any(not job.state.is_over for job in bench.jobs.jobs()), timeout=PATIENCE)
    assert not drawn._cameras._timer.isActive()
    widget.deleteLater()
