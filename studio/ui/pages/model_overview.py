"""What a model is, in words: family, licence, what it was made for, what to mind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from studio.ui.amounts import count_text, size_text
from studio.ui.texts import tr
from studio.ui.widgets.plain_label import plain_label

_OPERATORS_SHOWN = 8


class OverviewPanel(QScrollArea):
    """Words on the model that is open."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("model-overview")
        self.setAccessibleName(tr("What the model is"))
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def show_inspection(self, inspection: Mapping[str, Any], *, trusted: bool) -> None:
        """Show another model.

        Args:
            inspection: plain data.
            trusted: whether the person let the file run code.
        """
        family = inspection["family"]
        inner = QWidget(self.viewport())
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 12, 0)
        column.setSpacing(8)
        column.addWidget(plain_label(tr(family["title"]) if family else tr("Unknown family"), role="subtitle"))
        if not family:
            text = tr("Roles are guessed from shapes; colour order and value range are not known.")
            column.addWidget(plain_label(text, role="secondary"))
        for text, role in licence_notes(family):
            column.addWidget(plain_label(text, role=role))
        if trusted:
            column.addWidget(
                plain_label(tr("Opened on your word that it is trusted; until the program ends."), role="warning")
            )
        column.addLayout(_facts(inspection))
        if family:
            _add_list(column, tr("Known about this model"), [tr(hazard) for hazard in family["hazards"]])
            alike = ", ".join(family["alternatives"])
            _add_list(column, tr("Built alike, not told apart"), [alike] if alike else [])
        _add_list(column, tr("While loading"), inspection["notes"])
        column.addStretch(1)
        self.setWidget(inner)


def licence_notes(family: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return sentences on licence and consent, each with the role of its label."""
    if not family:
        return []
    notes = []
    if family["commercial"] is False:
        text = tr("{licence}: not for commercial use, converted or not.", licence=family["licence"])
        notes.append((text, "warning"))
    elif family["commercial"] is None:
        notes.append((tr("No licence is established: ask its author before you ship it."), "warning"))
    if family["kind"] == "swapper":
        notes.append((tr("Use a person's face only with that person's consent."), "secondary"))
    return notes


def _facts(inspection: Mapping[str, Any]) -> QGridLayout:
    family, source, cost = inspection["family"], inspection["source"], inspection["cost"]
    operators = [f"{name} {count}" for name, count in cost["operators"].items()]
    more = len(operators) - _OPERATORS_SHOWN
    listed = ", ".join(operators[:_OPERATORS_SHOWN])
    unused = ", ".join(f"{name} ({count_text(count)})" for name, count in cost["unused_parameters"].items())
    size = family.get("size") if family else None
    crop = " ".join(part for part in (f"{size[1]}×{size[0]}" if size else "", family.get("template", "")) if part)
    facts = [
        (tr("Kind"), tr(family["kind"]) if family else ""),
        (tr("Vendor"), family.get("vendor", "")),
        (tr("Licence"), family.get("licence") or (tr("none stated") if family else "")),
        (tr("Crop"), crop),
        (tr("Embedding"), family.get("embedding", "")),
        (tr("File"), tr("{name}, {size}", name=_kind_of_file(source["kind"]), size=size_text(source["size"]))),
        (tr("Weights"), tr("{count} in {size}", count=count_text(cost["parameters"]), size=size_text(cost["bytes"]))),
        (tr("Not read"), unused),
        (tr("Work"), tr("{count} multiply-accumulates", count=count_text(cost["macs"]))),
        (
            tr("Memory"),
            tr(
                "{peak} at the peak, {total} in all",
                peak=size_text(cost["peak_activation_bytes"]),
                total=size_text(cost["total_activation_bytes"]),
            ),
        ),
        (tr("Operators"), tr("{names} and {count} more", names=listed, count=more) if more > 0 else listed),
        (tr("Opset"), str(cost["opset"])),
        (
            tr("Uncounted"),
            tr("{count} nodes of unknown size", count=len(cost["uncounted"])) if cost["uncounted"] else "",
        ),
    ]
    grid = QGridLayout()
    grid.setHorizontalSpacing(12)
    grid.setVerticalSpacing(4)
    grid.setColumnStretch(1, 1)
    for place, (name, value) in enumerate((name, value) for name, value in facts if value):
        title = QLabel(name)
        title.setProperty("role", "secondary")
        grid.addWidget(title, place, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(plain_label(value), place, 1)
    return grid


def _kind_of_file(kind: str) -> str:
    kinds = {
        "onnx": "ONNX",
        "state_dict": tr("PyTorch weights"),
        "safetensors": "safetensors",
        "torchscript": "TorchScript",
        "exported_program": tr("exported PyTorch program"),
        "factory": tr("Python code"),
    }
    return kinds.get(kind, kind)


def _add_list(column: QVBoxLayout, title: str, sentences: Sequence[str]) -> None:
    if not sentences:
        return
    heading = plain_label(title)
    heading.setProperty("role", "caption")
    column.addSpacing(4)
    column.addWidget(heading)
    for sentence in sentences:
        column.addWidget(plain_label(f"• {sentence}"))
