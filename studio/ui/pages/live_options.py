"""How faces are found, cut out and put back, while one looks at what it does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from converters.face.options import PARAMETERS, Which
from converters.parameters import Parameter, Value
from studio.ui.texts import tr
from studio.ui.widgets.closing_row import closing_row
from studio.ui.widgets.parameter_form import ParameterForm
from studio.ui.widgets.plain_label import plain_label

if TYPE_CHECKING:
    from studio.preview.previewing import Previewing

_FINDING = ("score", "track", "detect_every")
_SWAPPING = ("faces", "blend", "mask_blur", "identity_weight", "pixel_boost", *_FINDING)


class LiveOptionsDialog(QDialog):
    """Changes the running preview at once; it stays beside the pictures as long as a person likes.

    Args:
        previewing: whose options.
    """

    def __init__(self, previewing: Previewing, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("live-options-dialog")
        self.setWindowTitle(tr("Face options"))
        self._previewing = previewing
        models = previewing.models
        is_swapper = models is None or models["kind"] == "swapper"
        self.form = ParameterForm(
            _parameters(),
            previewing.options,
            names=_SWAPPING if is_swapper else _FINDING,
            owner="live",
            parent=self,
        )
        self.form.changed.connect(self._change)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        words = tr("Both sides get the same faces, so these hold for the original and the candidate.")
        column.addWidget(plain_label(words, role="secondary", parent=self))
        column.addWidget(self.form)
        column.addLayout(closing_row(self))
        self.setMinimumWidth(380)

    def _change(self, name: str, value: Value) -> None:
        self._previewing.choose_options({**self._previewing.options, name: value})


def _parameters() -> list[Parameter]:
    """Return the descriptions; here nobody says which face is the reference."""
    return [
        replace(each, choices=(Which.ONE.value, Which.MANY.value)) if each.name == "faces" else each
        for each in PARAMETERS
    ]
