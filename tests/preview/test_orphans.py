"""Shared memory of processes that are gone is removed; everybody else's stays."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from converters.preview.orphans import remove_orphans
from converters.preview.slots import PREFIX


def made(folder: Path, pid: int, *, age: float = 0.0) -> Path:
    path = folder / f"{PREFIX}{pid}-{'0123456789abcdef' if age else 'fedcba9876543210'}"
    path.touch()
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_only_what_nobody_has_any_more_is_removed(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    old, young = made(tmp_path, ended.pid, age=3600), made(tmp_path, ended.pid)
    own = made(tmp_path, os.getpid(), age=3600)
    foreign = tmp_path / f"{PREFIX}{ended.pid}-notours"
    foreign.touch()
    assert remove_orphans(folder=tmp_path) == [old]
    assert {young, own, foreign} <= set(tmp_path.iterdir())
    assert remove_orphans([ended.pid], tmp_path) == [young]
    assert {own, foreign} == set(tmp_path.iterdir())
