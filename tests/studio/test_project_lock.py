"""Two windows on one project, read-only folders, and disks that are full."""

from __future__ import annotations

import os
import platform
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from converters.errors import BadInputError, DestinationError
from studio.document import Document
from studio.project_lock import lock_file
from tests.studio.projects import end, line_of, running, take_model, write_model

HOLD = """
    document = Document()
    document.open(Path(sys.argv[1]))
    print("open", flush=True)
    sys.stdin.read()
    document.close()
"""


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FFSTUDIO_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def project(document: Document, tmp_path: Path) -> Path:
    """A saved project that nobody has open."""
    write_model(tmp_path / "faces.onnx")
    take_model(document, tmp_path / "faces.onnx")
    document.save(tmp_path / "p.ffstudio")
    document.close()
    return tmp_path / "p.ffstudio"


def test_a_second_window_is_refused_with_who_has_it(document: Document, project: Path, tmp_path: Path) -> None:
    with running(HOLD, project) as first:
        assert line_of(first) == "open"
        with pytest.raises(BadInputError) as caught:
            document.open(project)
        assert caught.value.what == "p.ffstudio is open in another window."
        assert caught.value.why == f"Process {first.pid} on the machine {platform.node()} has it."
        assert caught.value.remedy
        assert document.path is None
        take_model(document, tmp_path / "faces.onnx")
        with pytest.raises(BadInputError, match="open in another window"):
            document.save(project)
        assert document.path is None
        end(first)
    document.open(project)
    assert document.path == project


def test_the_lock_of_a_killed_window_is_taken_over(document: Document, project: Path) -> None:
    with running(HOLD, project) as first:
        assert line_of(first) == "open"
    assert lock_file(project).exists()
    document.open(project)
    document.close()
    assert not lock_file(project).exists()


def test_a_process_that_got_the_number_of_a_dead_one_does_not_hold_it(document: Document, project: Path) -> None:
    """It runs the same program, Python: only its start tells that it is another one."""
    with running("print('here', flush=True); sys.stdin.read()") as other:
        line_of(other)
        name = Path(psutil.Process(other.pid).exe()).name
        lock_file(project).write_text(f"{other.pid}\n{name}\n{platform.node()}\n")
        with pytest.raises(BadInputError, match=f"Process {other.pid} on"):
            document.open(project)
        began = psutil.Process(other.pid).create_time()
        os.utime(lock_file(project), (began - 60, began - 60))
        document.open(project)
        assert document.path == project


def test_what_a_power_cut_left_of_a_lock_is_nobodys(document: Document, project: Path) -> None:
    for content in (b"", b"\0" * 40):
        lock_file(project).write_bytes(content)
        document.open(project)
        document.close()


def test_another_machine_is_believed_however_old_its_lock_is(document: Document, project: Path) -> None:
    lock_file(project).write_text("4711\npython3\nother-machine\n")
    os.utime(lock_file(project), (1, 1))
    with pytest.raises(BadInputError) as caught:
        document.open(project)
    assert "Process 4711 on the machine other-machine has it." in str(caught.value)
    assert str(lock_file(project)) in caught.value.remedy
    lock_file(project).unlink()
    document.open(project)


def test_a_project_in_a_read_only_folder_opens_and_is_saved_elsewhere(project: Path) -> None:
    code = """
        document = Document()
        missing = document.open(Path(sys.argv[1]))
        document.set_step("prune", {"amount": 1}, "Prune")
        print(document.is_read_only, len(missing), document.is_dirty, flush=True)
        try:
            document.save()
        except StudioError as error:
            print(type(error).__name__, error, flush=True)
        print(document.is_dirty, document.path == Path(sys.argv[1]), flush=True)
        document.save(Path(sys.argv[2]))
        print(document.is_read_only, document.is_dirty, document.path == Path(sys.argv[2]), flush=True)
        document.close()
    """
    with tempfile.TemporaryDirectory() as folder:  # an ordinary user may not enter pytest's own
        locked, own = Path(folder) / "locked", Path(folder) / "own"
        locked.mkdir()
        own.mkdir()
        copy = locked / "p.ffstudio"
        copy.write_text(project.read_text().replace("./faces.onnx", "demo"))
        before = copy.read_bytes()
        locked.chmod(0o555)
        Path(folder).chmod(0o777)
        own.chmod(0o777)
        with running(code, copy, own / "q.ffstudio", as_nobody=True, FFSTUDIO_DATA=str(own / "data")) as process:
            assert line_of(process) == "True 0 True"
            words = line_of(process)
            assert words.startswith("DestinationError")
            assert "Choose a folder in which you may write." in words
            assert line_of(process) == "True True"
            assert line_of(process) == "False False True"
            end(process)
        assert copy.read_bytes() == before
        assert {path.name for path in locked.iterdir()} == {"p.ffstudio"}
        locked.chmod(0o755)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of one megabyte."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("needs the right to mount a small disk")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def test_a_full_disk_leaves_the_old_file_and_the_changes(document: Document, project: Path, small_disk: Path) -> None:
    document.open(project)
    document.save(small_disk / "p.ffstudio")
    before = (small_disk / "p.ffstudio").read_bytes()
    document.set_step("prune", {"amount": 1}, "Prune")
    with pytest.raises(OSError, match="No space left"):  # fill it to the last byte
        (small_disk / "filler").write_bytes(b"x" * 2**21)
    with pytest.raises(DestinationError, match=r"The disk is full\. Free some space"):
        document.save()
    assert document.is_dirty
    assert document.undo_stack.canUndo()
    assert (small_disk / "p.ffstudio").read_bytes() == before
    (small_disk / "filler").unlink()
    document.save()
    assert not document.is_dirty
    assert "prune" in (small_disk / "p.ffstudio").read_text()
    document.close()
    assert {path.name for path in small_disk.iterdir()} == {"p.ffstudio"}
