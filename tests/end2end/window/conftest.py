"""A screen for the real program, and where its own files go."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start an X server of our own and give its name; "", which is no screen, where none is installed."""
    server = shutil.which("Xvfb")
    if server is None:
        yield ""
        return
    read, write = os.pipe()
    log = (tmp_path_factory.mktemp("screen") / "Xvfb.log").open("wb")
    process = subprocess.Popen(
        [server, "-displayfd", str(write), "-screen", "0", "1920x1200x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stdout=log,
        stderr=log,
    )
    os.close(write)
    with os.fdopen(read) as told:
        number = told.readline().strip()
    assert number, "Xvfb did not start"
    yield f":{number}"
    process.terminate()
    process.wait()
    log.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the program keeps what is its own during a test."""
    (tmp_path / "data").mkdir()
    return tmp_path
