"""The first page: what the model is, what it costs, and what will not survive."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSplitter, QStackedWidget, QWidget

from studio.ui.amounts import count_text, size_text
from studio.ui.pages.base import Page
from studio.ui.pages.model_changes import applied_rewrites, is_simplified
from studio.ui.pages.model_overview import OverviewPanel
from studio.ui.pages.model_tabs import ModelTabs
from studio.ui.texts import tr
from studio.ui.widgets.empty_state import EmptyState
from studio.ui.workbench import Workbench


class ModelPage(Page):
    """Overview at the left; layers, findings, fp16 and signature at the right.

    Attributes:
        reopen_model: the person wants other sizes of the inputs: a shape by input.
    """

    identifier = "model"
    reopen_model = Signal(object)

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(
            bench, tr("Model"), tr("What it is, what it costs, and what will not survive on a phone."), parent
        )
        # whatever is moved to another parent is styled anew with all it holds, so every part is made where it belongs
        self._contents = QStackedWidget(self)
        parts = QSplitter(Qt.Orientation.Horizontal, self._contents)
        parts.setChildrenCollapsible(False)
        parts.setHandleWidth(8)
        self._overview = OverviewPanel(parts)
        self._tabs = ModelTabs(bench, parts)
        self._tabs.sizes_wanted.connect(self.reopen_model)
        parts.addWidget(self._overview)
        parts.addWidget(self._tabs)
        parts.setStretchFactor(1, 1)
        self._overview.setMinimumWidth(200)
        self._tabs.setMinimumWidth(460)
        parts.setSizes([272, 760])
        self._contents.addWidget(
            EmptyState(
                tr("No model is open"),
                tr("Drop a model file or folder anywhere in this window, or try the demo."),
                (tr("Open the demo"), lambda: self.open_model.emit("demo")),
            )
        )
        self._contents.addWidget(parts)
        self.body.addWidget(self._contents, 1)
        document = bench.document
        document.inspection_changed.connect(self._show_model)
        document.recipe_changed.connect(self._recipe_changed)
        self._show_model()

    def shown(self) -> None:
        """Bring the page up to date."""
        self._show_changes()

    def _show_model(self) -> None:
        document = self.bench.document
        inspection = document.inspection
        self._contents.setCurrentIndex(0 if inspection is None else 1)
        if inspection is None:
            self._tabs.forget_model()
            self.set_forecast("")
            return
        self._overview.show_inspection(inspection, trusted=document.is_trusted)
        self._tabs.show_model()
        self._show_changes()

    def _recipe_changed(self) -> None:
        if self.isVisible():  # otherwise `shown` sees to it
            self._show_changes()

    def _show_changes(self) -> None:
        document = self.bench.document
        inspection = document.inspection
        if inspection is None:
            return
        self._tabs.show_changes()
        cost = inspection["cost"]
        words = [
            tr(
                "The model as it is: weights of {size}, {parameters} parameters, {macs} multiply-accumulates a run.",
                size=size_text(cost["bytes"]),
                parameters=count_text(cost["parameters"]),
                macs=count_text(cost["macs"]),
            )
        ]
        rewrites = len(applied_rewrites(document))
        if is_simplified(document):
            words.append(tr("Before every conversion the graph is simplified."))
        if rewrites:
            words.append(tr("Exact changes made before every conversion: {count}.", count=rewrites))
        if len(words) == 1:
            words.append(tr("Opening changes nothing."))
        self.set_forecast(" ".join(words))
