"""Questions around what is open: which file, where to save, and what to do with unsaved work and running jobs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox, QPushButton, QWidget

from converters.errors import StudioError
from studio.document import Document
from studio.jobs.service import JobService
from studio.product import NAME
from studio.ui.texts import tr
from studio.ui.widgets.banner import Banner
from studio.ui.workbench import Workbench

PROJECT_SUFFIX = ".ffstudio"
_MODELS = "*.onnx *.pth *.pt *.pt2 *.ckpt *.bin *.safetensors *.zip *.py *.ffstudio"


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
    name = f"{Path(document.title).stem or 'project'}{PROJECT_SUFFIX}"
    filters = tr("Projects ({patterns})", patterns=f"*{PROJECT_SUFFIX}")
    chosen, _ = QFileDialog.getSaveFileName(parent, tr("Save the project"), str(folder / name), filters)
    if not chosen:
        return None
    bench.settings.change(last_folder=str(Path(chosen).parent))
    return Path(chosen) if chosen.endswith(PROJECT_SUFFIX) else Path(chosen + PROJECT_SUFFIX)


def may_leave_document(parent: QWidget, document: Document, save_it: Callable[[], bool]) -> bool:
    """Say whether the open project may be left: it is saved, or the person saves or gives it up."""
    if not document.is_dirty:
        return True
    box = _box(
        parent,
        tr("Save the changes to {name}?", name=document.title),
        tr("The recipe and the list of made files are lost otherwise. The made files themselves stay."),
    )
    kept = _button(box, tr("Save"), QMessageBox.ButtonRole.AcceptRole, "question-save")
    given_up = _button(box, tr("Discard"), QMessageBox.ButtonRole.DestructiveRole, "question-discard")
    _cancel_button(box)
    box.setDefaultButton(kept)
    box.exec()
    pressed = box.clickedButton()
    box.deleteLater()
    return save_it() if pressed is kept else pressed is given_up


def may_end_jobs(parent: QWidget, jobs: JobService) -> bool:
    """Say whether running jobs may be ended."""
    if not jobs.is_busy:
        return True
    box = _box(
        parent,
        tr("Jobs are still running."),
        tr("Closing the window cancels them. Nothing half-done is left behind."),
    )
    ended = _button(box, tr("Cancel the jobs and close"), QMessageBox.ButtonRole.DestructiveRole, "question-end-jobs")
    going_on = _button(box, tr("Keep working"), QMessageBox.ButtonRole.RejectRole, "question-keep")
    box.setDefaultButton(going_on)
    box.setEscapeButton(going_on)
    box.exec()
    pressed = box.clickedButton()
    box.deleteLater()
    return pressed is ended


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


def _cancel_button(box: QMessageBox) -> None:
    button = _button(box, tr("Cancel"), QMessageBox.ButtonRole.RejectRole, "question-cancel")
    box.setEscapeButton(button)
