"""Which pages the walk has, in order; each is imported when it is first shown."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from PySide6.QtWidgets import QWidget

from studio.ui.pages.base import Page
from studio.ui.texts import tr
from studio.ui.workbench import Workbench

PAGES = {
    "model": "studio.ui.pages.model:ModelPage",
    "prune": "studio.ui.pages.prune:PrunePage",
    "quantize": "studio.ui.pages.quantize:QuantizePage",
    "convert": "studio.ui.pages.convert:ConvertPage",
    "compare": "studio.ui.pages.compare:ComparePage",
    "export": "studio.ui.pages.export:ExportPage",
}
"""Identifiers, which are the icons' names as well, and where each page's class is."""


@dataclass(frozen=True)
class PageWords:
    """What the rail and the menu say of a page.

    Attributes:
        title: one word.
        sentence: what one does there.
    """

    title: str
    sentence: str


def page_words() -> dict[str, PageWords]:
    """Return the words for every page in the chosen language."""
    return {
        "model": PageWords(tr("Model"), tr("See what the model is, what it costs and what will not survive")),
        "prune": PageWords(tr("Prune"), tr("Take away channels that matter little")),
        "quantize": PageWords(tr("Quantize"), tr("Calibrate 8-bit numbers and see what they do to the picture")),
        "convert": PageWords(tr("Convert"), tr("Make verified files for phones")),
        "compare": PageWords(tr("Compare"), tr("See the original and the made files side by side")),
        "export": PageWords(tr("Export"), tr("Gather what an app needs in one folder")),
    }


def page_maker(identifier: str) -> Callable[[Workbench, QWidget | None], Page]:
    """Import a page's class and return it.

    Raises:
        KeyError: there is no such page, a bug of the caller.
    """
    module, _, name = PAGES[identifier].partition(":")
    return cast(Callable[[Workbench, QWidget | None], Page], getattr(importlib.import_module(module), name))
