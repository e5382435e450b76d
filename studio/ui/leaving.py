"""Questions around what is open: which file, where to save, and what to do with unsaved work and running jobs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QFileDialog, QMessageBox, QPushButton, QWidget

from converters.errors import StudioError
from studio.document import Document
from studio.product import NAME
from studio.project_file import SUFFIX
from studio.project_jobs import running_jobs
from studio.recovery import Offer
from studio.ui.texts import tr
from studio.ui.widgets.banner import Banner
from studio.ui.workbench import Workbench

_MODELS = f"*.onnx *.pth *.pt *.pt2 *.ckpt *.bin *.safetensors *.zip *.py *{SUFFIX}"


def ask_file(parent: QWidget, folder: str) -> str:
    """Ask for a model file or a project; "" for none."""
    filters = ";;".join((tr("Models and projects ({patterns})", patterns=_MODELS), tr("All files (*)")))
    return QFileDialog.getOpenFileName(parent, tr("Open a model or project"), folder, filters)[0]


def ask_folder(parent: QWidget, folder: str) -> str:
    """Ask for a folder that holds a model; "" for none."""
    return QFileDialog.getExistingDirectory(parent, tr("Open a folder that holds a model"), folder)


def save(parent: QWidget, bench: Workbench, banner: Banner, *, elsewhere: bool = False) -> bool:
    """Save the project; say whether it is saved now.

    Args:
        parent: of the dialog.
        bench: with the document.
        banner: says why it could not be saved.
        elsewhere: ask for a place even where it has one.
    """
    document = bench.document
    path = document.path
    if path is None or elsewhere:
        path = _ask_place(parent, bench)
        if path is None:
            return False
    try:
        document.save(path)
    except StudioError as error:
        banner.say_error(error)
        return False
    return True


def _ask_place(parent: QWidget, bench: Workbench) -> Path | None:
    document = bench.document
    folder = document.path.parent if document.path else Path(bench.settings.value.last_folder or Path.home())
    name = f"{Path(document.title).stem or 'project'}{SUFFIX}"
    filters = tr("Projects ({patterns})", patterns=f"*{SUFFIX}")
    chosen, _ = QFileDialog.getSaveFileName(parent, tr("Save the project"), str(folder / name), filters)
    if not chosen:
        return None
    bench.settings.change(last_folder=str(Path(chosen).parent))
    return Path(chosen) if chosen.endswith(SUFFIX) else Path(chosen + SUFFIX)


def may_leave(parent: QWidget, bench: Workbench, save_it: Callable[[], bool]) -> bool:
    """Say whether another project may take the open one's place now; its jobs end then.

    Args:
        parent: of the questions.
        bench: with the document and the jobs.
        save_it: saves the project, and says whether it did.
    """
    if running_jobs(bench.document, bench.jobs) and not _may_end_jobs(
        parent,
        tr("Jobs of this project are still running."),
        tr("Leaving the project cancels them. Nothing half-done is left behind."),
        tr("Cancel the jobs and go on"),
    ):
        return False
    return _may_leave_work(parent, bench.document, save_it)


def may_close(parent: QWidget, bench: Workbench, save_it: Callable[[], bool]) -> bool:
    """Say whether the window may be closed now, which ends all jobs; arguments as for `may_leave`."""
    if bench.jobs.is_busy and not _may_end_jobs(
        parent,
        tr("Jobs are still running."),
        tr("Closing the window cancels them. Nothing half-done is left behind."),
        tr("Cancel the jobs and close"),
    ):
        return False
    return _may_leave_work(parent, bench.document, save_it)


def may_discard(parent: QWidget, offer: Offer) -> bool:
    """Say whether rescued work may be thrown away."""
    lost = tr("Its changes cannot be brought back.")
    if offer.path is None and offer.project.files:
        count = len(offer.project.files)
        lost = tr("Its changes cannot be brought back, and the files made so far ({count}) are deleted.", count=count)
    box = _box(parent, tr("Discard the rescued work on {name}?", name=offer.title), lost)
    given_up = _button(box, tr("Discard"), QMessageBox.ButtonRole.DestructiveRole, "question-discard")
    box.setDefaultButton(_cancel_button(box))
    return _answer(box) is given_up


def _may_leave_work(parent: QWidget, document: Document, save_it: Callable[[], bool]) -> bool:
    """Ask about unsaved work, and again where a job that ended meanwhile has added to it."""
    while document.is_dirty:
        asked = document.project
        box = _box(parent, tr("Save the changes to {name}?", name=document.title), _what_is_lost(document))
        kept = _button(box, tr("Save"), QMessageBox.ButtonRole.AcceptRole, "question-save")
        given_up = _button(box, tr("Discard"), QMessageBox.ButtonRole.DestructiveRole, "question-discard")
        _cancel_button(box)
        box.setDefaultButton(kept)
        pressed = _answer(box)
        if pressed is given_up and document.project == asked:
            return True
        if pressed is not given_up and not (pressed is kept and save_it()):
            return False
    return True


def _what_is_lost(document: Document) -> str:
    if document.path is not None:
        return tr("The recipe and the list of made files are lost otherwise. The made files themselves stay.")
    count = len(document.project.files)
    if count:
        return tr("The recipe is lost otherwise, and the files made so far ({count}) are deleted.", count=count)
    return tr("The recipe is lost otherwise.")


def _may_end_jobs(parent: QWidget, question: str, explanation: str, end: str) -> bool:
    box = _box(parent, question, explanation)
    ended = _button(box, end, QMessageBox.ButtonRole.DestructiveRole, "question-end-jobs")
    going_on = _button(box, tr("Keep working"), QMessageBox.ButtonRole.RejectRole, "question-keep")
    box.setDefaultButton(going_on)
    box.setEscapeButton(going_on)
    return _answer(box) is ended


def _answer(box: QMessageBox) -> QAbstractButton | None:
    """Ask, and return the button that was pressed."""
    box.exec()
    pressed = box.clickedButton()
    box.deleteLater()
    return pressed


def _box(parent: QWidget, question: str, explanation: str) -> QMessageBox:
    box = QMessageBox(parent)
    box.setObjectName("question")
    box.setWindowTitle(NAME)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setIcon(QMessageBox.Icon.Question)
    box.setText(question)
    box.setInformativeText(explanation)
    return box


def _button(box: QMessageBox, text: str, role: QMessageBox.ButtonRole, name: str) -> QPushButton:
    button = box.addButton(text, role)
    button.setObjectName(name)
    button.setAccessibleName(text)
    return button


def _cancel_button(box: QMessageBox) -> QPushButton:
    button = _button(box, tr("Cancel"), QMessageBox.ButtonRole.RejectRole, "question-cancel")
    box.setEscapeButton(button)
    return button
