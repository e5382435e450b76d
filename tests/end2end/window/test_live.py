"""The live comparison in the real program: a clip plays, its process is killed, it plays on, nothing is left."""

from __future__ import annotations

from pathlib import Path

import psutil

from converters.preview.slots import PREFIX, memory_folder
from tests.end2end.window.program import Program
from tests.end2end.window.test_walk import HEAVY

MOST_WORK = 0.05
"""Seconds for which the window's thread may be at work at a stretch while the preview runs."""


def preview_process(program: Program) -> psutil.Process:
    """Return the process that makes the frames."""
    (found,) = [child for child in program.children() if "preview.log" in " ".join(child.cmdline())]
    return found


def is_playing(program: Program, seconds: float = 90) -> None:
    """Wait until frames come: LPIPS of the newest is told."""
    program.wait("number-lpips", lambda found: any(each.isdigit() for each in found["text"]), seconds)


def test_a_clip_plays_and_goes_on_after_a_kill(folder: Path, screen: str) -> None:
    with Program(folder, ["--demo", "--source", "clip"], display=screen) as program:
        program.wait_visible("page-compare")
        is_playing(program)
        program.ask("gap")
        program.click("live-step-forward")  # which pauses
        program.click("live-play")
        gap = program.ask("gap")
        preview_process(program).kill()
        program.wait("banner", lambda found: "begins again" in found["text"], 20)
        is_playing(program)
        assert not set(program.ask("modules")["modules"]) & HEAVY
        assert program.close() == 0, program.log()
    assert gap["work"] < MOST_WORK, gap
    assert not list(memory_folder().glob(f"{PREFIX}*"))
