"""What holds for every test: no network, no leaked threads, processes or temporary files; where shared material is."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

PROJECT = Path(__file__).resolve().parent.parent
SHARED = PROJECT.parent / "shared"
# coremltools keeps a copy of every package it makes until the process ends, torch its compiler's cache, TensorFlow the
# source it generates; a worker's temporary folder goes with the worker.
LIBRARIES_OWN = re.compile(r"tmp\w+\.mlpackage|\.ses|torchinductor_.*|__autograph_generated_file.*\.py")

# Two tests run at a time: threads of torch that wait for one another by spinning would take each other's cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

sys.path.insert(0, str(PROJECT))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of third-party models and pictures that are not part of this project."""
    if not SHARED.is_dir():
        pytest.skip("the shared test material is not on this machine")
    return SHARED


class NetworkUsedError(AssertionError):
    """Something tried to reach the network."""


def _refuse(*args: object, **_kwargs: object) -> None:
    raise NetworkUsedError(f"a test tried to open a network connection: {args}")


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """Refuse every connection except those between processes of this machine by Unix socket."""
    patch = pytest.MonkeyPatch()
    plain_connect = socket.socket.connect

    def connect(self: socket.socket, address: object) -> None:
        if self.family == getattr(socket, "AF_UNIX", None):
            plain_connect(self, address)  # type: ignore[arg-type]
            return
        _refuse(address)

    patch.setattr(socket.socket, "connect", connect)
    patch.setattr(socket.socket, "connect_ex", _refuse)
    patch.setattr(socket, "create_connection", _refuse)
    patch.setattr(socket, "getaddrinfo", _refuse)
    yield
    patch.undo()


@pytest.fixture(autouse=True, scope="session")
def own_temporary_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the whole run a temporary folder of its own, so that what is left in it is ours."""
    tmp_path_factory.getbasetemp()  # pytest makes its own folder beside it, not inside
    folder = Path(tempfile.mkdtemp(prefix="ffstudio-tests-"))
    folder.chmod(0o755)  # some tests work as another user
    patch = pytest.MonkeyPatch()
    patch.setattr(tempfile, "tempdir", str(folder))
    for name in ("TMPDIR", "TEMP", "TMP"):
        patch.setenv(name, str(folder))
    (folder / "cache").mkdir()  # nobody's own cache is read or filled by a test
    patch.setenv("FFSTUDIO_CACHE", str(folder / "cache"))
    yield folder
    patch.undo()
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def no_leaked_files(own_temporary_folder: Path) -> Iterator[None]:
    """Fail a test that leaves temporary files behind."""
    before = set(own_temporary_folder.iterdir())
    yield
    leaked = {path for path in set(own_temporary_folder.iterdir()) - before if not LIBRARIES_OWN.fullmatch(path.name)}
    assert not leaked, f"left behind: {', '.join(sorted(path.name for path in leaked))}"


@pytest.fixture(autouse=True)
def no_leaked_processes() -> Iterator[None]:
    """Fail a test that leaves processes behind."""
    before = {child.pid for child in psutil.Process().children()}
    yield
    leaked = [child for child in psutil.Process().children() if child.pid not in before]
    _, alive = psutil.wait_procs(leaked, timeout=3)
    assert not alive, f"left running: {alive}"


@pytest.fixture(autouse=True)
def no_leaked_threads() -> Iterator[None]:
    """Fail a test that leaves Python threads behind."""
    before = set(threading.enumerate())
    yield
    leaked = []
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=2)
        if thread.is_alive():
            leaked.append(thread.name)
    assert not leaked, f"left running: {', '.join(leaked)}"
