"""One thing the doctor found: how much it matters, what it is, where, and the change that mends it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from studio.ui.plain_tip import plain_tip
from studio.ui.texts import tr
from studio.ui.widgets.plain_label import plain_label

_NODES_SHOWN = 3


class FindingCard(QFrame):
    """A finding as plain data, with buttons.

    Args:
        finding: plain data of a Finding.
        rewrite: title, sentence and tolerance of the change that mends it; None for none.
        is_applied: whether the recipe has that change.

    Attributes:
        apply_wanted, remove_wanted: with the rewrite's id.
        nodes_wanted: with the names of the nodes concerned.
    """

    apply_wanted = Signal(str)
    remove_wanted = Signal(str)
    nodes_wanted = Signal(object)

    def __init__(
        self,
        finding: Mapping[str, Any],
        rewrite: Mapping[str, Any] | None,
        is_applied: bool,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._finding = finding
        self._button: QPushButton | None = None
        self.setProperty("role", "card")
        self.setObjectName(f"finding-{finding['id']}")
        severity = severity_text(finding["severity"])
        self.setAccessibleName(f"{severity}: {finding['sentence']}")
        mark = QLabel(severity)
        mark.setProperty("role", {"error": "error", "warning": "warning"}.get(finding["severity"], "secondary"))
        mark.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        mark.setMinimumWidth(64)
        column = QVBoxLayout()
        column.setSpacing(4)
        column.addWidget(plain_label(finding["sentence"]))
        if finding["nodes"]:
            column.addLayout(self._places())
        if rewrite is not None:
            column.addLayout(self._remedy(rewrite, is_applied))
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 12, 8)
        row.setSpacing(12)
        row.addWidget(mark)
        row.addLayout(column, 1)

    def focus_remedy(self) -> None:
        """Give the keyboard to the button that applies or removes the change."""
        if self._button is not None:
            self._button.setFocus()

    def _places(self) -> QHBoxLayout:
        nodes = self._finding["nodes"]
        listed = ", ".join(nodes[:_NODES_SHOWN])
        more = len(nodes) - _NODES_SHOWN
        text = (
            tr("At {names} and {count} more", names=listed, count=more) if more > 0 else tr("At {names}", names=listed)
        )
        places = plain_label(text, role="secondary")
        show = QPushButton(tr("Show"))
        show.setObjectName("show-nodes")
        show.setProperty("role", "link")
        show.setAccessibleName(tr("Show these layers"))
        show.setToolTip(tr("Selects these layers in the table of layers."))
        show.clicked.connect(lambda _checked=False: self.nodes_wanted.emit(list(nodes)))
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(places, 1)
        row.addWidget(show, 0, Qt.AlignmentFlag.AlignTop)
        return row

    def _remedy(self, rewrite: Mapping[str, Any], is_applied: bool) -> QHBoxLayout:
        title = rewrite["title"]
        if rewrite["tolerance"]:
            part = f"{rewrite['tolerance']:g}"
            sentence = tr("Proven when it is applied: results differ by {part} of the largest at most.", part=part)
        else:
            sentence = tr("Proven when it is applied: changes no bit of the results.")
        words = plain_label(tr("{title}: applied before every conversion.", title=title) if is_applied else title)
        words.setProperty("role", "success" if is_applied else "")
        words.setToolTip(plain_tip(f"{rewrite['sentence']}\n{sentence}"))
        identifier = self._finding["rewrite"]
        button = QPushButton(tr("Remove") if is_applied else tr("Apply"))
        button.setObjectName(f"{'remove' if is_applied else 'apply'}-{identifier}")
        name = tr("Remove {title}", title=title) if is_applied else tr("Apply {title}", title=title)
        button.setAccessibleName(name)
        button.setToolTip(plain_tip(f"{rewrite['sentence']}\n{sentence}"))
        self._button = button
        wanted = self.remove_wanted if is_applied else self.apply_wanted
        button.clicked.connect(lambda _checked=False: wanted.emit(identifier))
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(words, 1)
        row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        return row


def severity_text(severity: str) -> str:
    """Return how much a finding matters, in one word."""
    return {"error": tr("Error"), "warning": tr("Warning"), "advice": tr("Advice")}[severity]
