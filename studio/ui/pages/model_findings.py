"""What the doctor found, grouped by the targets it concerns, with the exact changes that mend it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from studio.document import Document
from studio.ui.pages.model_changes import (
    advised_rewrites,
    applied_rewrites,
    apply_rewrites,
    is_simplified,
    remove_rewrite,
    set_simplified,
)
from studio.ui.texts import tr
from studio.ui.widgets.finding_card import FindingCard

Finding = Mapping[str, Any]

_MOBILE = ("mnn", "tflite", "coreml")


def consumer_title(name: str) -> str:
    """Return what people call a target, or a runtime that takes its files."""
    titles = {
        "mnn": "MNN",
        "tflite": "TensorFlow Lite",
        "coreml": "Core ML",
        "onnx": "ONNX",
        "onnx-coreml-provider": tr("ONNX Runtime with Core ML"),
        "tflite-gpu-delegate": tr("TensorFlow Lite on a GPU"),
    }
    return titles.get(name, name)


def grouped(findings: Sequence[Finding], target: str = "") -> list[tuple[tuple[str, ...], list[Finding]]]:
    """Return findings by the set of targets they concern: what concerns all mobile ones first, then fewer and fewer.

    Args:
        findings: plain data, errors first.
        target: only those that concern this one; "" for all.
    """
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for finding in findings:
        if not target or target in finding["targets"]:
            groups.setdefault(tuple(finding["targets"]), []).append(finding)
    return sorted(groups.items(), key=lambda group: (not set(_MOBILE) <= set(group[0]), -len(group[0])))


class FindingsPanel(QWidget):
    """Findings as cards; what is applied is in the recipe and can be undone there.

    Attributes:
        nodes_wanted: the person wants to see these layers, by name.
    """

    nodes_wanted = Signal(object)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._drawn: tuple[object, ...] = ()
        self._target = QComboBox()
        self._target.setObjectName("finding-target")
        self._target.setAccessibleName(tr("Show findings for"))
        self._target.setToolTip(tr("Shows only what concerns this kind of file, or this runtime."))
        self._simplify = QCheckBox(tr("Simplify the graph first"))
        self._simplify.setObjectName("simplify")
        self._simplify.setAccessibleName(tr("Simplify the graph before every conversion"))
        self._simplify.setToolTip(
            tr("Before every conversion: folds constants, removes what does nothing, merges what can be one operator.")
        )
        self._simplify.toggled.connect(lambda on: set_simplified(self._document, on))
        self._apply_all = QPushButton(tr("Apply all"))
        self._apply_all.setObjectName("apply-all")
        self._apply_all.setAccessibleName(tr("Apply all advised changes"))
        self._apply_all.setToolTip(tr("Adds every change that mends a finding to the recipe; each is proven exact."))
        self._apply_all.clicked.connect(lambda _checked=False: self._apply_everything())
        top = QHBoxLayout()
        top.setSpacing(8)
        heading = QLabel(tr("For"))
        heading.setBuddy(self._target)
        top.addWidget(heading)
        top.addWidget(self._target)
        top.addStretch(1)
        top.addWidget(self._simplify)
        top.addWidget(self._apply_all)
        self._area = QScrollArea()
        self._area.setObjectName("findings")
        self._area.setAccessibleName(tr("Findings"))
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addLayout(top)
        column.addWidget(self._area, 1)
        self._target.currentIndexChanged.connect(lambda _index: self.refresh())

    def refresh(self) -> None:
        """Show the findings and what is applied; where the person was in the list they stay."""
        inspection = self._document.inspection
        if inspection is None:
            return
        self._offer_targets(inspection["findings"])
        applied = applied_rewrites(self._document)
        self._simplify.blockSignals(True)
        self._simplify.setChecked(is_simplified(self._document))
        self._simplify.blockSignals(False)
        self._apply_all.setEnabled(not set(advised_rewrites(inspection)) <= set(applied))
        wanted = (inspection["source"]["sha256"], applied, self._target.currentData(), inspection["findings"])
        if wanted != self._drawn:  # most changes of the recipe are about something else
            self._drawn = wanted
            self._draw(inspection, applied)

    def _draw(self, inspection: Mapping[str, Any], applied: Sequence[str]) -> None:
        place = self._area.verticalScrollBar().value()
        focused = self._focused_card()
        inner = QWidget(self._area.viewport())
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(8)
        if not inspection["findings"]:
            column.addWidget(QLabel(tr("Nothing was found that would not survive a conversion.")))
        for targets, findings in grouped(inspection["findings"], self._target.currentData()):
            heading = QLabel(_heading(targets))
            heading.setProperty("role", "subtitle")
            heading.setWordWrap(True)
            column.addWidget(heading)
            for finding in findings:
                column.addWidget(self._card(finding, inspection["rewrites"], applied, inner))
        column.addStretch(1)
        old = self._area.takeWidget()
        if old is not None:
            old.deleteLater()  # not now: this may be the doing of one of its buttons
        self._area.setWidget(inner)
        inner.adjustSize()
        self._area.verticalScrollBar().setValue(place)
        card = inner.findChild(FindingCard, focused) if focused else None
        if card is not None:
            card.focus_remedy()

    def _focused_card(self) -> str:
        """Return the name of the card whose button the keyboard is on, "" for none."""
        on = QApplication.focusWidget()
        cards = self._area.findChildren(FindingCard)
        return next((card.objectName() for card in cards if on is not None and card.isAncestorOf(on)), "")

    def _offer_targets(self, findings: Sequence[Finding]) -> None:
        names = {target for finding in findings for target in finding["targets"]}
        order = [name for name in (*_MOBILE, "onnx") if name in names]
        wanted = ["", *order, *sorted(names - set(order))]
        if [self._target.itemData(place) for place in range(self._target.count())] == wanted:
            return
        self._target.blockSignals(True)
        self._target.clear()
        for name in wanted:
            self._target.addItem(consumer_title(name) if name else tr("Every target"), name)
        self._target.blockSignals(False)

    def _card(
        self, finding: Finding, rewrites: Mapping[str, Any], applied: Sequence[str], parent: QWidget
    ) -> FindingCard:
        card = FindingCard(finding, rewrites.get(finding["rewrite"]), finding["rewrite"] in applied, parent)
        card.apply_wanted.connect(lambda identifier: apply_rewrites(self._document, [identifier]))
        card.remove_wanted.connect(lambda identifier: remove_rewrite(self._document, identifier))
        card.nodes_wanted.connect(self.nodes_wanted)
        return card

    def _apply_everything(self) -> None:
        inspection = self._document.inspection
        if inspection is not None:
            apply_rewrites(self._document, advised_rewrites(inspection))


def _heading(targets: Sequence[str]) -> str:
    if set(_MOBILE) <= set(targets):
        others = [consumer_title(name) for name in targets if name not in _MOBILE]
        everywhere = tr("For every mobile target")
        return f"{everywhere} + {', '.join(others)}" if others else everywhere
    return tr("For {targets}", targets=", ".join(map(consumer_title, targets)))
