"""Which two models the live comparison shows, and whose face appears in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from studio.comparing import Entry
from studio.ui.icons import icon
from studio.ui.pages.live_fields import Item, LiveField, caption_of
from studio.ui.texts import tr
from studio.ui.theme import colours

if TYPE_CHECKING:
    from studio.preview.previewing import Previewing

_ADD = "add-file"
_BUILT_IN, _CHOSEN, _PICTURES, _ANOTHER = "built-in", "chosen", "pictures", "another"


class LiveModelsBar(QWidget):
    """Chooses the original, the candidate and the person. Keeps nothing of its own.

    Args:
        previewing: what it shows and changes.

    Attributes:
        file_wanted: a file is to be added as candidate.
        person_wanted: pictures of a person are to be chosen: whether beside the persons chosen before.
        options_wanted: the options of the face pipeline are to be shown.
    """

    file_wanted = Signal()
    person_wanted = Signal(bool)
    options_wanted = Signal()

    def __init__(self, previewing: Previewing, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("live-models-bar")
        self._previewing = previewing
        tip = tr("What the candidate is compared with")
        self._original = LiveField("live-original", tr("Original"), tip, 6, self)
        self._original.activated.connect(self._choose_original)
        tip = tr("The file whose losses are shown; the video goes on while it changes")
        self._candidate = LiveField("live-candidate", tr("Candidate"), tip, 6, self)
        self._candidate.activated.connect(self._choose_candidate)
        self._person = LiveField("live-person", tr("Person"), tr("Whose face is put into the pictures"), 6, self)
        self._person.activated.connect(self._choose_person)
        self._options = QToolButton(self)
        self._options.setObjectName("live-options")
        self._options.setIcon(icon("settings"))
        self._options.setIconSize(QSize(18, 18))
        self._options.setAccessibleName(tr("Face options"))
        self._options.setToolTip(tr("How faces are found, cut out and put back"))
        self._options.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._options.clicked.connect(self.options_wanted)
        of = colours()
        self._person_caption = caption_of(tr("Person"), self._person)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(caption_of(tr("Original"), self._original, of.original))
        row.addWidget(self._original, 2)
        row.addSpacing(4)
        row.addWidget(caption_of(tr("Candidate"), self._candidate, of.candidate))
        row.addWidget(self._candidate, 3)
        row.addSpacing(4)
        row.addWidget(self._person_caption)
        row.addWidget(self._person, 2)
        row.addWidget(self._options)
        self.refresh()

    def refresh(self) -> None:
        """Show the choice as it is."""
        items = [Item(entry.label, entry.path, entry.path) for entry in self._previewing.entries]
        self._original.show_items(items, _row_of(items, self._previewing.original))
        add = Item(tr("Add file…"), _ADD, tr("Compare any model file: .onnx, .pth, .mnn, .tflite, .mlpackage"))
        self._candidate.show_items([*items, add], _row_of(items, self._previewing.candidate))
        models = self._previewing.models
        takes_person = models is None or str(models["kind"]) == "swapper"
        for part in (self._person, self._person_caption):
            part.setVisible(takes_person)
        people = self._previewing.people
        persons = [Item(tr("Built-in face"), _BUILT_IN)]
        if people:
            persons.append(Item(_people_title(people), _CHOSEN, "\n".join(path for each in people for path in each)))
        persons.append(Item(tr("Pictures of a person…"), _PICTURES))
        if people:
            persons.append(Item(tr("One more person…"), _ANOTHER))
        self._person.show_items(persons, 1 if people else 0)

    def _choose_original(self, row: int) -> None:
        self._previewing.choose_original(str(self._original.items[row].data))

    def _choose_candidate(self, row: int) -> None:
        path = str(self._candidate.items[row].data)
        if path == _ADD:
            self.refresh()
            self.file_wanted.emit()
        else:
            self._previewing.choose_candidate(path)

    def _choose_person(self, row: int) -> None:
        what = self._person.items[row].data
        if what == _BUILT_IN:
            self._previewing.choose_people(())
        elif what in (_PICTURES, _ANOTHER):
            self.refresh()
            self.person_wanted.emit(what == _ANOTHER)


def _row_of(items: list[Item], entry: Entry | None) -> int:
    return next((row for row, item in enumerate(items) if entry is not None and item.data == entry.path), -1)


def _people_title(people: tuple[tuple[str, ...], ...]) -> str:
    first = Path(people[0][0]).name
    if len(people) > 1:
        return tr("{count} persons", count=len(people))
    more = len(people[0]) - 1
    return tr("{name} and {count} more", name=first, count=more) if more else first
