"""The row at the bottom of a dialog that has nothing to decide."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton

from studio.ui.texts import tr


def closing_row(dialog: QDialog, *before: QPushButton) -> QHBoxLayout:
    """Return a row with a button that closes the dialog, at the right.

    Args:
        dialog: what is closed.
        before: further buttons, at the left.
    """
    close = QPushButton(tr("Close"))
    close.setObjectName("dialog-close")
    close.setAccessibleName(tr("Close"))
    close.setToolTip(tr("Close this dialog"))
    close.setDefault(True)
    close.clicked.connect(dialog.accept)
    row = QHBoxLayout()
    row.setSpacing(8)
    for button in before:
        row.addWidget(button)
    row.addStretch(1)
    row.addWidget(close)
    return row
