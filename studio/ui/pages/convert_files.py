"""All files of the project: what could not be made, what the recipe asks for, and what it no longer asks for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from converters.errors import StudioError
from studio.catalogue import Catalogue, TargetInfo
from studio.converting import Conversions
from studio.document import Document
from studio.made_files import FileState, name_of
from studio.project import MadeFile
from studio.ui.pages.convert_file import FailureCard, FileCard, OutcomeCard
from studio.ui.pages.convert_words import precision_text
from studio.ui.texts import tr
from studio.ui.widgets.empty_state import EmptyState

Cards = dict[tuple[object, ...], OutcomeCard]
"""By all that they show."""


class FilesPanel(QWidget):
    """A card for each file and each failure.

    Attributes:
        retry_wanted: with names of requests.
        folder_wanted: with a path.
        compare_wanted: with a file's path.
        remove_wanted: with files' paths.
    """

    retry_wanted = Signal(object)
    folder_wanted = Signal(object)
    compare_wanted = Signal(object)
    remove_wanted = Signal(object)

    def __init__(
        self, document: Document, conversions: Conversions, catalogue: Catalogue, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("files")
        self._document = document
        self._conversions = conversions
        self._catalogue = catalogue
        self._shown: object = None
        self._cards: Cards = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)

    def refresh(self) -> None:
        """Show what there is; cards are made anew only when something changed."""
        project = self._document.project
        order = {request.name: place for place, request in enumerate(project.recipe.targets)}
        failures = {name: each for name, each in self._conversions.failures.items() if name in order}
        files = [(file, self._conversions.state(file)) for file in reversed(project.files)]
        current = [each for each in files if each[1] is FileState.CURRENT]
        current.sort(key=lambda each: order.get(name_of(each[0]), len(order)))
        others = [each for each in files if each[1] is not FileState.CURRENT]
        can_make = self._conversions.running is None
        original = self._document.inspection["source"]["size"] if self._document.inspection else 0
        shown = (current, others, failures, can_make, original, set(order))
        if shown == self._shown:
            return
        self._shown = shown
        before, self._cards = self._cards, {}
        self._clear(keep=before.values())
        reasons: dict[str, list[str]] = {}
        for name, failure in failures.items():
            reasons.setdefault(str(failure.error), []).append(name)
        for reason, names in reasons.items():
            self._add(before, (reason, *names), partial(self._failure_card, names, failures[names[0]].error), can_make)
        for file, state in current:
            self._add_file(before, file, state, original, can_make=can_make and name_of(file) in order)
        if others:
            self._add_heading([file for file, _ in others])
        for file, state in others:
            self._add_file(before, file, state, original, can_make=False)
        for key in before.keys() - self._cards.keys():
            _discard(before[key])
        if not files and not failures and can_make:
            self._column.addWidget(
                EmptyState(
                    tr("No file was made yet"),
                    tr("Choose targets and precisions at the left, then press Convert. What was made appears here."),
                )
            )

    def _add_file(self, before: Cards, file: MadeFile, state: FileState, original: int, *, can_make: bool) -> None:
        title = target_info(self._catalogue, file.target).title
        key = (str(file.path), file.sha256, state, original)
        self._add(before, key, partial(FileCard, file, title, state, original), can_make)

    def _failure_card(self, names: list[str], error: StudioError) -> FailureCard:
        return FailureCard(names, [title_of(self._catalogue, name) for name in names], error)

    def _add(self, before: Cards, key: tuple[object, ...], make: Callable[[], OutcomeCard], can_make: bool) -> None:
        """Add a card, the one that was there before where nothing changed: many new ones at once take too long."""
        card = before.get(key)
        if card is None:
            card = make()
            card.retry_wanted.connect(self.retry_wanted)
            card.folder_wanted.connect(self.folder_wanted)
            card.compare_wanted.connect(self.compare_wanted)
            card.remove_wanted.connect(lambda path: self.remove_wanted.emit([path]))
        card.set_can_make(can_make)
        self._cards[key] = card
        self._column.addWidget(card)

    def _add_heading(self, files: Sequence[MadeFile]) -> None:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 4, 0, 0)
        words = QLabel(tr("Not what the recipe asks for now"))
        words.setProperty("role", "secondary")
        line.addWidget(words, 1)
        remove = QPushButton(tr("Remove outdated files"))
        remove.setObjectName("remove-outdated")
        remove.setProperty("role", "link")
        tip = tr("Remove from the project and the disk: {count}", count=len(files))
        remove.setAccessibleName(tip)
        remove.setToolTip(tip)
        paths: list[Path] = [file.path for file in files]
        remove.clicked.connect(lambda: self.remove_wanted.emit(paths))
        line.addWidget(remove)
        self._column.addWidget(row)

    def _clear(self, keep: Collection[QWidget]) -> None:
        while (item := self._column.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None and widget not in keep:
                _discard(widget)


def _discard(widget: QWidget) -> None:
    widget.hide()
    widget.setParent(None)  # the new ones may have the same names
    widget.deleteLater()


def target_info(catalogue: Catalogue, target: str) -> TargetInfo:
    """Return what is known of a target; one of a later version of the program is unavailable."""
    try:
        return catalogue.target(target)
    except StudioError:
        return TargetInfo(target, target, "", (), (), tr("This version of the program does not know it."))


def title_of(catalogue: Catalogue, name: str) -> str:
    """Return what people call a request: "Core ML fp16" for "coreml-fp16"."""
    target, _, precision = name.partition("-")
    title = target_info(catalogue, target).title
    return tr("{target} {precision}", target=title, precision=precision_text(precision))
