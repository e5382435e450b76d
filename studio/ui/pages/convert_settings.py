"""How files are judged, where they go, and what making them needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from converters.parameters import Parameter
from converters.recipe import DEFAULT_SAMPLES, DEFAULT_SECONDS, VerificationRequest
from studio.ui.amounts import size_text
from studio.ui.texts import tr
from studio.ui.widgets.elided_label import ElidedLabel
from studio.ui.widgets.fold import Fold
from studio.ui.widgets.parameter_form import ParameterForm
from studio.ui.widgets.plain_label import plain_label

VERIFICATION = (
    Parameter(
        "samples",
        DEFAULT_SAMPLES,
        "Real pictures that every file is run on, at most; noise, constants and extremes are added.",
        minimum=1,
        maximum=10_000,
    ),
    Parameter(
        "seconds",
        DEFAULT_SECONDS,
        "Time for running the original, and for each file; at least four samples are run.",
        minimum=0,
        maximum=86_400,
        unit="s",
    ),
)


def choose_folder(parent: QWidget, title: str, start: str) -> str:
    """Ask for a folder; "" when none was chosen."""
    return QFileDialog.getExistingDirectory(parent, title, start)


class VerificationPanel(QFrame):
    """How files are judged.

    Args:
        ask: for a folder: parent, title and where to start; returns "" for none.

    Attributes:
        changed: with the name of what changed ("samples", "seconds", "images") and its value.
    """

    changed = Signal(str, object)

    def __init__(self, ask: Callable[[QWidget, str, str], str] = choose_folder, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ask = ask
        self._request = VerificationRequest()
        self.setObjectName("verification")
        self.setProperty("role", "card")
        self._form: ParameterForm | None = None
        self._place = ElidedLabel()
        self._own = QPushButton(tr("Built-in"))
        self._fold = Fold("", self._make_fields, name="verification-fold")
        whole = QVBoxLayout(self)
        whole.setContentsMargins(12, 8, 12, 8)
        whole.addWidget(self._fold)
        self.show_request(self._request)

    def show_request(self, request: VerificationRequest) -> None:
        """Show how files are judged."""
        self._request = request
        self._fold.set_title(
            tr(
                "Verification: {samples} pictures, {seconds} s for each file",
                samples=request.samples,
                seconds=f"{request.seconds:g}",
            )
        )
        if self._form is not None:
            self._form.set_values({"samples": request.samples, "seconds": request.seconds})
            self._place.set_text(request.images or tr("Built-in face crops"))
            self._own.setVisible(bool(request.images))

    def _make_fields(self) -> QWidget:
        self._form = ParameterForm(VERIFICATION, {}, owner="verification")
        self._form.changed.connect(self.changed)
        self._place.setObjectName("verification-images")
        browse = QPushButton(tr("Choose…"))
        browse.setObjectName("verification-browse")
        browse.setAccessibleName(tr("Choose a folder of pictures to verify on"))
        browse.setToolTip(browse.accessibleName())
        browse.clicked.connect(self._browse)
        self._own.setObjectName("verification-built-in")
        self._own.setAccessibleName(tr("Verify on the built-in pictures"))
        self._own.setToolTip(self._own.accessibleName())
        self._own.clicked.connect(lambda: self.changed.emit("images", ""))
        pictures = QHBoxLayout()
        pictures.setSpacing(4)
        pictures.addWidget(QLabel(tr("Pictures")))
        pictures.addWidget(self._place, 1)
        pictures.addWidget(self._own)
        pictures.addWidget(browse)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._form)
        column.addLayout(pictures)
        self.show_request(self._request)
        return inside

    def _browse(self) -> None:
        chosen = self._ask(self, tr("Folder of pictures to verify on"), self._request.images)
        if chosen:
            self.changed.emit("images", str(Path(chosen)))


class DestinationPanel(QFrame):
    """Where files go, and what making them needs.

    Attributes:
        folder_wanted: the person wants to see the folder.
        go_to: asks for another page.
    """

    folder_wanted = Signal()
    go_to = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("destination")
        self.setProperty("role", "card")
        self._place = ElidedLabel(mode=Qt.TextElideMode.ElideLeft)
        self._place.setObjectName("destination-folder")
        show = QPushButton(tr("Open folder"))
        show.setObjectName("destination-open")
        show.setAccessibleName(tr("Open the folder that files are made in"))
        show.setToolTip(show.accessibleName())
        show.clicked.connect(self.folder_wanted)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(QLabel(tr("Files go to")))
        row.addWidget(self._place, 1)
        row.addWidget(show)
        self._hint = plain_label(role="caption")
        self._memory = plain_label(role="caption")
        self._memory.setObjectName("destination-memory")
        self._shortage = plain_label(role="warning")
        self._shortage.setObjectName("destination-shortage")
        self._quantization = plain_label(role="caption")
        self._quantization.setObjectName("destination-quantization")
        self._to_quantize = QPushButton(tr("Look at the page Quantize"))
        self._to_quantize.setObjectName("destination-to-quantize")
        self._to_quantize.setProperty("role", "link")
        self._to_quantize.setAccessibleName(self._to_quantize.text())
        self._to_quantize.setToolTip(tr("Calibration pictures, schemes and ranges of int8 files"))
        self._to_quantize.clicked.connect(lambda: self.go_to.emit("quantize"))
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(4)
        column.addLayout(row)
        for label in (self._hint, self._memory, self._shortage, self._quantization):
            column.addWidget(label)
        column.addWidget(self._to_quantize, 0, Qt.AlignmentFlag.AlignLeft)

    def show_folder(self, folder: Path, *, is_saved: bool) -> None:
        """Show where files go."""
        self._place.set_text(str(folder))
        self._hint.setText(
            tr("Each conversion has a folder of its own there; nothing is replaced.")
            if is_saved
            else tr("The project is not saved yet: files move beside it when it is.")
        )

    def show_memory(self, needed: int, available: int) -> None:
        """Show what the hungriest of the chosen files needs, in bytes; 0 for unknown."""
        is_short = needed > available
        text = tr(
            "Needs about {need} of memory, {free} are available.", need=size_text(needed), free=size_text(available)
        )
        self._memory.setText(text)
        self._memory.setVisible(bool(needed) and not is_short)
        self._shortage.setText(tr("{sentence} Close other programs first.", sentence=text))
        self._shortage.setVisible(bool(needed) and is_short)

    def show_quantization(self, *, wants_int8: bool, has_step: bool) -> None:
        """Say how int8 files come to their ranges."""
        self._quantization.setText(
            tr("int8 files are calibrated as the page Quantize says.")
            if has_step
            else tr(
                "int8 files are calibrated on built-in face crops, with the usual settings: the step Quantize is added."
            )
        )
        self._quantization.setVisible(wants_int8)
        self._to_quantize.setVisible(wants_int8)
