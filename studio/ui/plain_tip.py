"""Tooltips of text that comes from files: shown as it is, never as markup."""

from __future__ import annotations

from html import escape

from PySide6.QtGui import Qt


def plain_tip(text: str) -> str:
    """Return what a tooltip is given so that it shows `text`, sign by sign.

    Qt takes a tooltip that looks like markup for markup, and then opens the pictures that it names: a layer called
    `<img src="...">` would have the window read and decode any file. Whatever names a layer, a tensor, a file or a
    sentence of the engine goes through here.

    Args:
        text: of any origin.
    """
    if not Qt.mightBeRichText(text):
        return text
    return f'<p style="white-space: pre-wrap">{escape(text)}</p>'
