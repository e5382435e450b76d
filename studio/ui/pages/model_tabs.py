"""The parts of a model's description, each filled when it comes into view or when there is time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from studio.ui.pages.model_findings import FindingsPanel
from studio.ui.pages.model_layers import LayersPanel
from studio.ui.pages.model_numbers import NumbersPanel
from studio.ui.pages.model_signature import SignaturePanel
from studio.ui.texts import tr
from studio.ui.workbench import Workbench

LAYERS, FINDINGS, NUMBERS, SIGNATURE = range(4)
_REST = 5
"""Milliseconds between two parts, in which what is new is laid out and painted."""

_Panel = LayersPanel | FindingsPanel | NumbersPanel | SignaturePanel


class ModelTabs(QTabWidget):
    """Layers, findings, numbers in fp16, signature. One is made or filled in each round of the event loop: all at
    once would hold the window up for a fifth of a second.

    Attributes:
        sizes_wanted: the person wants other sizes of the inputs: a shape by input.
    """

    sizes_wanted = Signal(object)

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self._panels: dict[int, _Panel] = {}
        self._rooms: list[QWidget] = []
        self._stale: set[int] = set()
        self.setObjectName("model-tabs")
        self.setAccessibleName(tr("Parts of the model's description"))
        words = (
            (tr("Layers"), tr("Every layer with what it costs.")),
            (tr("Findings"), tr("What will not survive in which kind of file, and what mends it.")),
            (tr("Numbers in fp16"), tr("Whether values leave the range of 16-bit floats.")),
            (tr("Signature"), tr("What goes in and what comes out, and open sizes.")),
        )
        for place, (title, tip) in enumerate(words):
            room = QWidget(self)
            QVBoxLayout(room).setContentsMargins(0, 0, 0, 0)
            self._rooms.append(room)
            self.addTab(room, title)
            self.setTabToolTip(place, tip)
        self._soon = QTimer(self, singleShot=True, interval=_REST)
        self._soon.timeout.connect(self._fill_one)
        self.currentChanged.connect(self._fill)

    def show_model(self) -> None:
        """Show the document's model, which is there."""
        inspection = self._bench.document.inspection
        assert inspection is not None
        count = len(inspection["findings"])
        self.setTabText(FINDINGS, tr("Findings ({count})", count=count) if count else tr("Findings"))
        self._stale = {LAYERS, FINDINGS, NUMBERS, SIGNATURE}
        self._soon.start()

    def forget_model(self) -> None:
        """Leave everything as it is: there is no model to show."""
        self._stale.clear()

    def show_changes(self) -> None:
        """Show what the recipe says now."""
        for place in {FINDINGS, NUMBERS} & set(self._panels) - self._stale:
            self._panels[place].refresh()

    def show_layers(self, names: Sequence[str]) -> None:
        """Bring these layers into view."""
        self.setCurrentIndex(LAYERS)
        panel = self._panels[LAYERS]
        assert isinstance(panel, LayersPanel)
        panel.choose(names)

    def _fill_one(self) -> None:
        if self._stale:
            current = self.currentIndex()
            place = current if current in self._stale else min(self._stale)
            if place in self._panels:
                self._fill(place)
            else:
                self._make(place)
        if self._stale:
            self._soon.start()

    def _fill(self, place: int) -> None:
        if place not in self._stale:
            return
        self._stale.remove(place)
        if place not in self._panels:
            self._make(place)
        self._panels[place].refresh()

    def _make(self, place: int) -> None:
        room = self._rooms[place]
        makers: dict[int, Callable[[], _Panel]] = {
            LAYERS: lambda: LayersPanel(self._bench.document, room),
            FINDINGS: lambda: FindingsPanel(self._bench.document, room),
            NUMBERS: lambda: NumbersPanel(self._bench, room),
            SIGNATURE: lambda: SignaturePanel(self._bench.document, room),
        }
        made = makers[place]()
        if isinstance(made, FindingsPanel):
            made.nodes_wanted.connect(self.show_layers)
        if isinstance(made, SignaturePanel):
            made.sizes_wanted.connect(self.sizes_wanted)
        self._panels[place] = made
        layout = room.layout()
        assert layout is not None
        layout.addWidget(made)
