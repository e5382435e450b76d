"""Every text of the window in the chosen language."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QCoreApplication

CONTEXT = "Studio"


def tr(text: str, **values: Any) -> str:
    """Return a text in the chosen language, with its {names} replaced.

    Args:
        text: the English text, written as a literal so that it is found for translation; or a text of the engine's
            parameter descriptions, targets and families, which are collected for translation as well.
        values: by the names in braces.
    """
    translated = QCoreApplication.translate(CONTEXT, text)
    return translated.format(**values) if values else translated
