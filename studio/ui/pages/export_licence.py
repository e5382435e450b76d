"""Whose the model is, said before anything is exported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from studio.ui.texts import tr
from studio.ui.widgets.plain_label import plain_label

_UNKNOWN = ("", "Unknown")


class LicenceCard(QFrame):
    """Two lines: the licence, coloured where it forbids or nothing is known, and the consent of people."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("licence-card")
        self.setProperty("role", "card")
        self.licence = plain_label()
        self.licence.setObjectName("licence-line")
        consent = plain_label(
            tr("Use it only on pictures of people who agreed to it, and say of every picture that it is synthetic."),
            role="secondary",
        )
        consent.setObjectName("consent-line")
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(2)
        column.addWidget(self.licence)
        column.addWidget(consent)

    def show_family(self, family: Mapping[str, Any]) -> None:
        """Say what is known of a family's licence.

        Args:
            family: of the inspection; {} for an unknown model.
        """
        words, is_warning = licence_words(family)
        self.licence.setText(words)
        self.licence.setAccessibleName(words)
        self.licence.setProperty("role", "warning" if is_warning else "")
        self.licence.style().unpolish(self.licence)
        self.licence.style().polish(self.licence)


def licence_words(family: Mapping[str, Any]) -> tuple[str, bool]:
    """Return what is known of a family's licence, and whether it is a warning."""
    if not family:
        return tr("The model was not recognised, so its licence is not known. Find it out before you ship it."), True
    title = family["title"]
    vendor = tr("an unknown vendor") if family["vendor"] in _UNKNOWN else family["vendor"]
    licence = tr("not known") if family["licence"] in _UNKNOWN else family["licence"]
    if family["commercial"] is None:
        words = tr(
            "{title} by {vendor}. Licence: {licence}. Whether commercial use is allowed is not known.",
            title=title,
            vendor=vendor,
            licence=licence,
        )
        return words, True
    if not family["commercial"]:
        words = tr(
            "{title} by {vendor}. Licence: {licence}. Commercial use is not allowed.",
            title=title,
            vendor=vendor,
            licence=licence,
        )
        return words, True
    words = tr(
        "{title} by {vendor}. Licence: {licence}. Commercial use is allowed under its conditions.",
        title=title,
        vendor=vendor,
        licence=licence,
    )
    return words, False
