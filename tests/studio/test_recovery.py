"""Work that was not saved survives the death of the program, and nothing else is offered."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from converters.errors import BadInputError, DestinationError, StudioError
from studio import background_writer, recovery, work_folders
from studio.background_writer import BackgroundWriter
from studio.document import Document
from studio.locations import recovery_folder
from tests.studio.projects import line_of, made_file, running, take_model, write_model

WORK = """
    from tests.studio.projects import made_file, take_model
    document = Document()
    folder = Path(sys.argv[1])
    if sys.argv[2]:
        document.open(Path(sys.argv[2]))
    take_model(document, folder / "faces.onnx")
    document.set_step("prune", {"amount": 1}, "Prune")
    document.set_files([*document.project.files, made_file(document.work_folder / "a.mnn")])
    document.remember_page("convert")
    from studio.locations import recovery_folder
    while not list(recovery_folder().glob("*.json")):  # nobody saves or asks for anything: it comes by itself
        application.processEvents()
        document.thread().msleep(10)
    print(document.project.identity, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FFSTUDIO_DATA", str(tmp_path / "data"))
    write_model(tmp_path / "faces.onnx")
    return tmp_path / "data"


def kept() -> list[Path]:
    return sorted(recovery_folder().glob("*")) if recovery_folder().exists() else []


def flush(document: Document) -> None:
    document._autosave.update()
    document._autosave.wait()


def wait_until_nothing_is_kept(qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not kept())


def test_work_never_saved_is_offered_after_a_kill(document: Document, tmp_path: Path, qtbot: QtBot) -> None:
    with running(WORK, tmp_path, "") as other:
        identity = line_of(other)
        assert identity
        assert recovery.offers() == [], "what still runs is not offered"
    assert other.returncode == -signal.SIGKILL
    (offer,) = recovery.offers()
    assert (offer.title, offer.path, offer.project.identity) == ("faces.onnx", None, identity)
    assert offer.when > 0
    assert document.restore(offer) == []
    assert document.is_dirty
    assert document.path is None
    assert document.step_options("prune") == {"amount": 1}
    assert document.project.page == "convert"
    assert document.is_intact(document.project.files[0])
    assert not offer.file.exists()
    assert recovery.offers() == [], "it is this process's now"
    assert len(kept()) == 2, "and kept again, with its lock"
    document.save(tmp_path / "p.ffstudio")
    assert document.project.files[0].path == tmp_path / "p-files" / "a.mnn"
    assert document.is_intact(document.project.files[0])
    wait_until_nothing_is_kept(qtbot)


def test_changes_of_a_saved_project_are_offered_after_a_kill(document: Document, tmp_path: Path, qtbot: QtBot) -> None:
    path = tmp_path / "p.ffstudio"
    take_model(document, tmp_path / "faces.onnx")
    document.save(path)
    before = path.read_bytes()
    document.close()
    with running(WORK, tmp_path, path) as other:
        assert line_of(other)
    assert path.read_bytes() == before
    (offer,) = recovery.offers()
    assert (offer.title, offer.path) == ("p", path)
    blocker = Document()
    blocker.open(path)
    with pytest.raises(BadInputError, match="open in another window"):
        document.restore(offer)
    assert document.path is None
    assert recovery.offers() == [offer], "a refusal loses nothing"
    blocker.close()
    document.open(path)  # the person had it open already
    document.restore(offer)
    assert document.path == path
    assert document.is_dirty
    document.save()
    assert b"prune" in path.read_bytes()
    wait_until_nothing_is_kept(qtbot)


def test_an_offer_that_is_discarded_goes_with_its_files(document: Document, tmp_path: Path, qtbot: QtBot) -> None:
    take_model(document, tmp_path / "faces.onnx")
    made = made_file(document.work_folder / "a.mnn")
    document.set_files([made])
    document.close(keep_changes=True)  # as at a log-out
    (offer,) = recovery.offers()
    assert made.path.exists()
    recovery.discard(offer)
    assert recovery.offers() == []
    assert kept() == []
    qtbot.waitUntil(lambda: not made.path.exists())
    with pytest.raises(BadInputError, match="opened or discarded in another window"):
        document.restore(offer)


def test_what_is_saved_or_taken_back_or_closed_is_not_kept(document: Document, tmp_path: Path, qtbot: QtBot) -> None:
    take_model(document, tmp_path / "faces.onnx")
    flush(document)
    assert kept() == [], "a model alone is no work"
    document.set_step("prune", {}, "Prune")
    flush(document)
    assert [path.suffix for path in kept()] == [".json", ".lock"]
    document.undo_stack.undo()
    flush(document)
    wait_until_nothing_is_kept(qtbot)
    document.undo_stack.redo()
    flush(document)
    document.save(tmp_path / "p.ffstudio")
    wait_until_nothing_is_kept(qtbot)
    document.set_step("prune", None, "Do not prune")
    flush(document)
    document.save(tmp_path / "q.ffstudio")  # another project from here on
    wait_until_nothing_is_kept(qtbot)
    document.set_step("prune", {}, "Prune")
    flush(document)
    assert document.project.identity in kept()[0].name
    document.close()
    assert kept() == []


def test_many_changes_are_written_about_once_a_second_and_not_by_the_window(
    document: Document, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []
    plain = background_writer.write_text_atomically

    def write(path: Path, text: str, force: bool = False) -> None:
        threads.append(threading.current_thread())
        plain(path, text, force)

    monkeypatch.setattr(background_writer, "write_text_atomically", write)
    take_model(document, tmp_path / "faces.onnx")
    amounts = itertools.count()
    moving = QTimer()  # a handle that is never let go of
    moving.timeout.connect(lambda: document.set_step("prune", {"amount": next(amounts)}, "Amount", merge="amount"))
    moving.start(20)
    qtbot.waitUntil(lambda: any(path.suffix == ".json" for path in kept()), timeout=5000)
    moving.stop()
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()
    last = next(amounts) - 1
    assert last > 10
    flush(document)
    (file,) = recovery_folder().glob("*.json")
    assert f'"amount": {last}' in file.read_text()


def test_damaged_recovery_files_are_set_aside(document: Document, tmp_path: Path) -> None:
    take_model(document, tmp_path / "faces.onnx")
    document.set_step("prune", {}, "Prune")
    document.close(keep_changes=True)
    (offer,) = recovery.offers()
    whole = offer.file.read_text()
    for place, content in enumerate(("", "{", whole.replace('"version": 1', '"version": 99'), '{"format": 1}')):
        offer.file.with_name(f"{place:032x}-{place:032x}.json").write_text(content)
    said: list[StudioError] = []
    assert [each.file for each in recovery.offers(said.append)] == [offer.file]
    newer = offer.file.with_name(f"{2:032x}-{2:032x}.json")
    assert [path.stem[31] for path in kept() if path.suffix == ".damaged"] == ["0", "1", "3"]
    assert newer.exists(), "what a newer version wrote is left for it"
    assert len(said) == 4
    assert "newer version" in said[2].why
    assert str(newer) in said[2].remedy
    said.clear()
    assert [each.file for each in recovery.offers(said.append)] == [offer.file]
    assert len(said) == 1, "what was set aside is said once"


def test_recovery_files_that_cannot_be_read_now_stay(
    document: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_model(document, tmp_path / "faces.onnx")
    document.set_step("prune", {}, "Prune")
    document.close(keep_changes=True)
    (offer,) = recovery.offers()
    plain = Path.open

    def refuse(path: Path, *arguments: Any, **more: Any) -> Any:
        if path == offer.file:
            raise PermissionError(13, "Permission denied")
        return plain(path, *arguments, **more)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refuse)
        assert recovery.offers() == []
    assert recovery.offers() == [offer]


def test_files_are_swept_only_where_it_is_known_that_nobody_wants_them(
    document: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work_folders, "_ABANDONED_SECONDS", -1.0)
    take_model(document, tmp_path / "faces.onnx")
    made = made_file(document.work_folder / "a.mnn")
    document.set_files([made])
    document.close(keep_changes=True)
    (file,) = recovery_folder().glob("*.json")
    file.write_text("{")
    assert recovery.offers() == []
    recovery.sweep()
    assert made.path.exists(), "a damaged recovery file counts"
    plain = Path.iterdir

    def refuse(path: Path) -> Iterator[Path]:
        if path == recovery_folder():
            raise PermissionError(13, "Permission denied")
        return plain(path)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "iterdir", refuse)
        file.with_suffix(".damaged").unlink()
        recovery.sweep()
    assert made.path.exists(), "who cannot look knows nothing"
    recovery.sweep()
    assert not made.path.exists()


def test_work_that_was_overtaken_by_a_save_becomes_a_project_of_its_own(
    document: Document, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "p.ffstudio"
    take_model(document, tmp_path / "faces.onnx")
    document.save(path)
    document.set_step("prune", {}, "Prune")
    document.close(keep_changes=True)
    (offer,) = recovery.offers()
    document.open(path)
    document.set_step("simplify", {}, "Simplify")
    document.save()
    os.utime(path, (offer.when + 60, offer.when + 60))  # a minute later
    newer = path.read_bytes()
    with qtbot.waitSignal(document.noticed) as said:
        document.restore(offer)
    assert said.args is not None
    assert "p was saved after this work was kept" in str(said.args[0])
    assert document.path is None
    assert document.is_dirty
    assert document.step_options("prune") == {}
    assert document.project.identity != offer.project.identity, "two projects, or their files would be mixed up"
    assert not offer.file.exists()
    document.save(tmp_path / "q.ffstudio")
    assert path.read_bytes() == newer


def test_an_offer_stays_until_its_work_is_kept_anew(
    document: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_model(document, tmp_path / "faces.onnx")
    document.set_step("prune", {}, "Prune")
    document.close(keep_changes=True)
    (offer,) = recovery.offers()

    def refuse(*_: object, **__: object) -> None:
        raise DestinationError("The disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(background_writer, "write_text_atomically", refuse)
        document.restore(offer)
    assert offer.file.exists(), "the only copy"
    document.restore(offer)
    assert not offer.file.exists()


def test_nothing_is_left_of_a_recovery_file_that_went(document: Document, tmp_path: Path, qtbot: QtBot) -> None:
    take_model(document, tmp_path / "faces.onnx")
    for amount in range(3):
        document.set_step("prune", {"amount": amount}, "Prune")
        flush(document)
        document.save(tmp_path / "p.ffstudio")
    qtbot.waitUntil(lambda: not document._autosave.findChildren(BackgroundWriter))
    wait_until_nothing_is_kept(qtbot)


def test_where_nothing_can_be_kept_it_is_said_once(document: Document, tmp_path: Path, data_folder: Path) -> None:
    data_folder.write_text("a file where the folder would be")
    said: list[StudioError] = []
    document.recovery_failed.connect(said.append)
    take_model(document, tmp_path / "faces.onnx")
    for amount in range(3):
        document.set_step("prune", {"amount": amount}, "Amount")
        flush(document)
    assert len(said) == 1
    assert "cannot be kept for the case of a crash" in said[0].what
    assert said[0].remedy == "Save the project often."
