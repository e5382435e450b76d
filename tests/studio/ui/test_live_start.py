"""The window that was started on a source shows the live comparison of it, with the first model that opens."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from converters.preview.request import SourceKind
from studio.app import Program
from studio.arguments import parse
from studio.jobs.service import JobService
from studio.preview.mailbox import LiveFrame
from studio.preview.previewing import previewing

PATIENCE = 60_000


def test_the_live_comparison_opens_on_the_source(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JobService, "warm", lambda _self: None)
    folder = tmp_path / "grey"
    folder.mkdir()
    cv2.imwrite(str(folder / "one.png"), np.full((120, 200, 3), 128, np.uint8))
    frames: list[LiveFrame] = []
    seen = SimpleNamespace(page="", source=None, status=0)
    program = Program(qapp, parse(["--demo", "--source", str(folder)]))
    preview = previewing(program._bench)

    def take(frame: LiveFrame) -> None:
        frames.append(frame)
        seen.page, seen.source = program.window.page, preview.source
        program.window.close_without_questions()

    preview.framed.connect(take)
    QTimer.singleShot(PATIENCE, program.window, program.window.close_without_questions)
    seen.status = program.run()
    assert seen.status == 0
    assert frames, "no frame came"
    assert seen.page == "compare"
    assert seen.source.kind is SourceKind.FOLDER
    assert seen.source.place == str(folder)
    assert frames[0].full_size == (200, 120)
    assert frames[0].report.name == "one.png"
