"""The Quantize page's settings: they appear once the engine's descriptions are there."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from studio.catalogue import catalogue, collect_in_background
from studio.ui.pages import quantize_request as plain
from studio.ui.pages.quantize_recipe import QuantizeRecipe
from studio.ui.widgets.parameter_form import ParameterForm

_NAMES = (
    "scheme",
    "policy",
    "percentile",
    "symmetric",
    "weight_block",
    "samples",
    "families_defaults",
    "equalize",
    "correct_biases",
    "adaround",
    "layers",
    "ranges",
)
_LOOK = 50
"""Milliseconds between two looks at whether the engine's descriptions are there."""


class QuantizeForm(QObject):
    """Makes the form in a later round of the event loop: it takes as long as all the rest of the page.

    Args:
        recipe: whose values it shows.
        owner: the widget that the form is made in.
        column: takes the form below its first widget.
        parent: the page.

    Attributes:
        changed: a person changed an option: its name and value.
    """

    changed = Signal(str, object)

    def __init__(self, recipe: QuantizeRecipe, owner: QWidget, column: QVBoxLayout, parent: QObject) -> None:
        super().__init__(parent)
        self._recipe, self._owner, self._column = recipe, owner, column
        self._form: ParameterForm | None = None
        self._collecting = QTimer(self, interval=_LOOK, singleShot=True)
        self._collecting.timeout.connect(self.fill)
        self._collecting.start()

    def fill(self) -> None:
        """Make the form as soon as that is possible."""
        if self._form is not None:
            return
        if not collect_in_background().done():
            self._collecting.start()
            return
        parameters = catalogue().step(plain.STEP).parameters
        self._form = ParameterForm(
            parameters, self._recipe.complete, names=_NAMES, owner="quantize", parent=self._owner
        )
        self._form.changed.connect(self.changed)
        self._column.insertWidget(1, self._form)
        self.follow()

    def follow(self) -> None:
        """Show the values that the recipe has now."""
        if self._form is not None:
            complete = self._recipe.complete
            self._form.set_values(complete)
            self._form.set_shown("percentile", complete["policy"] == "percentile")
            self._form.set_shown("weight_block", "w4" in f"{complete['scheme']} {complete['layers']}")
