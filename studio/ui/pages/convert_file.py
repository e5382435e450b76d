"""One file's card: whether it was verified, how near it is to the original, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from converters.errors import StudioError
from studio.made_files import FileState, name_of
from studio.project import MadeFile
from studio.ui.amounts import share_text, size_text
from studio.ui.icons import picture
from studio.ui.pages.convert_words import (
    complaint,
    notes_of,
    precision_text,
    verdict_figures,
    what_to_try,
)
from studio.ui.plain_tip import plain_tip
from studio.ui.texts import tr
from studio.ui.theme import colours
from studio.ui.widgets.elided_label import ElidedLabel
from studio.ui.widgets.fold import Fold
from studio.ui.widgets.plain_label import plain_label

_ICON = 16


class OutcomeCard(QFrame):
    """A picture, a name, a verdict, figures, sentences, and a row of buttons.

    Attributes:
        retry_wanted: with the names of requests to make (again).
        folder_wanted: with the path whose folder is to be opened.
        compare_wanted: with the path that is to be compared.
        remove_wanted: with the path that is to be removed.
    """

    retry_wanted = Signal(object)
    folder_wanted = Signal(object)
    compare_wanted = Signal(object)
    remove_wanted = Signal(object)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setProperty("role", "card")
        self._retry: QPushButton | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(12, 8, 12, 8)
        self._column.setSpacing(4)

    def set_can_make(self, can_make: bool) -> None:
        """Show whether it can be made (again) now."""
        if self._retry is not None:
            self._retry.setVisible(can_make)

    def _add_heading(self, icon: str, colour: str, title: str, verdict: str, role: str) -> None:
        mark = QLabel()
        mark.setFixedSize(_ICON, _ICON)
        mark.setPixmap(picture(icon, _ICON, colour, self.devicePixelRatioF()))
        mark.setAccessibleName(verdict)
        words = QLabel(verdict)
        words.setObjectName(f"{self.objectName()}-verdict")
        words.setProperty("role", role)
        words.setAccessibleName(verdict)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(mark)
        row.addWidget(ElidedLabel(title), 1)
        row.addWidget(words)
        self._column.addLayout(row)

    def _add_sentence(self, text: str, part: str, role: str = "") -> None:
        if text:
            label = plain_label(text, role=role)
            label.setObjectName(f"{self.objectName()}-{part}")
            self._column.addWidget(label)

    def _button(self, part: str, text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName(f"{self.objectName()}-{part}")
        button.setProperty("role", "link")
        button.setAccessibleName(tip)
        button.setToolTip(plain_tip(tip))
        return button


class FileCard(OutcomeCard):
    """A file that was made.

    Args:
        file: which one.
        title: of its target ("Core ML").
        state: what it is worth by now.
        original: bytes of the model, for the share.
    """

    def __init__(
        self,
        file: MadeFile,
        title: str,
        state: FileState,
        original: int,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(f"file-{name_of(file)}" if state is FileState.CURRENT else f"file-{file.sha256[:12]}", parent)
        self._file = file
        self.setAccessibleName(f"{file.name}: {_verdict(file, state)}")
        icon, role = _mark(file, state)
        colour = {"success": colours().success, "error": colours().error, "warning": colours().warning}[role]
        self._add_heading(icon, colour, file.name, _verdict(file, state), role)
        share = share_text(file.size / original) if original else ""
        kind = tr("{target} {precision}", target=title, precision=precision_text(file.precision))
        size = tr("{size}, {share} of the original", size=size_text(file.size), share=share)
        self._add_sentence(f"{kind} · {size}", "size", "secondary")
        self._add_sentence(verdict_figures(file.report), "figures", "secondary")
        self._add_sentence(_explained(state), "state", "warning")
        if not file.verified:
            self._add_sentence(complaint(file.report), "complaint", "error")
            self._add_sentence(what_to_try(file.target, file.precision), "advice", "error")
        self._add_actions(self._add_notes().row, state)

    def _add_notes(self) -> Fold:
        report = self._file.report
        lines = [tr("Made by {engine}.", engine=report["engine"])] if report.get("engine") else []
        notes = [*lines, *notes_of(report), tr("SHA-256 {digest}", digest=self._file.sha256)]
        name = f"{self.objectName()}-notes"

        def content() -> QWidget:
            label = plain_label("\n".join(notes), role="caption")
            label.setObjectName(name)
            return label

        fold = Fold(tr("Notes ({count})", count=len(notes)), content, name=f"{self.objectName()}-fold")
        self._column.addWidget(fold)
        return fold

    def _add_actions(self, row: QHBoxLayout, state: FileState) -> None:
        file = self._file
        if state in (FileState.CURRENT, FileState.OUTDATED):
            compare = self._button("compare", tr("Compare"), tr("Compare {name} with the original", name=file.name))
            compare.clicked.connect(lambda: self.compare_wanted.emit(file.path))
            row.addWidget(compare)
        if state is not FileState.MISSING:
            folder = self._button("folder", tr("Open folder"), tr("Open the folder of {name}", name=file.name))
            folder.clicked.connect(lambda: self.folder_wanted.emit(file.path.parent))
            row.addWidget(folder)
        if state is FileState.CURRENT:
            text = tr("Make again") if file.verified else tr("Retry")
            again = self._retry = self._button(
                "retry", text, tr("Make {name} once more, beside this one", name=file.name)
            )
            again.clicked.connect(lambda: self.retry_wanted.emit([name_of(file)]))
            row.addWidget(again)
        if state is not FileState.CURRENT:
            remove = self._button(
                "remove", tr("Remove"), tr("Remove {name} from the project and the disk", name=file.name)
            )
            remove.clicked.connect(lambda: self.remove_wanted.emit(file.path))
            row.addWidget(remove)


class FailureCard(OutcomeCard):
    """Files that could not be made, for one reason.

    Args:
        names: of the requests.
        titles: what they are called ("Core ML fp16").
        error: why.
    """

    def __init__(self, names: list[str], titles: list[str], error: StudioError, parent: QWidget | None = None) -> None:
        super().__init__(f"failure-{names[0]}", parent)
        title = ", ".join(titles)
        self.setAccessibleName(f"{title}: {error.what}")
        self._add_heading("error", colours().error, title, tr("Could not be made"), "error")
        self._add_sentence(error.what, "what", "error")
        # a crash's reason is the last lines of its log, below a line that says so
        first, _, rest = error.why.partition("\n")
        self._add_sentence(" ".join(part for part in ("" if rest else first, error.remedy) if part), "why")
        row = QHBoxLayout()
        row.addStretch(1)
        if rest:
            title = tr("What the worker printed last")
            fold = Fold(title, lambda: plain_label(rest, role="caption"), name=f"{self.objectName()}-fold")
            self._column.addWidget(fold)
            row = fold.row
        else:
            self._column.addLayout(row)
        self._retry = self._button("retry", tr("Retry"), tr("Make {files} once more", files=title))
        self._retry.clicked.connect(lambda: self.retry_wanted.emit(names))
        row.addWidget(self._retry)


def _verdict(file: MadeFile, state: FileState) -> str:
    if state is FileState.MISSING:
        return tr("Missing")
    if state is FileState.CHANGED:
        return tr("Changed since")
    if not file.verified:
        return tr("Verification failed")
    return tr("Verified") if state is FileState.CURRENT else tr("Outdated")


def _mark(file: MadeFile, state: FileState) -> tuple[str, str]:
    if state in (FileState.MISSING, FileState.CHANGED):
        return "warning", "warning"
    if not file.verified:
        return "error", "error"
    return ("success", "success") if state is FileState.CURRENT else ("warning", "warning")


def _explained(state: FileState) -> str:
    return {
        FileState.CURRENT: "",
        FileState.OUTDATED: tr("The recipe was changed since, or there is a newer file."),
        FileState.CHANGED: tr("Another program has written to it: it is not what was verified."),
        FileState.MISSING: tr("It is not where it was made."),
    }[state]
