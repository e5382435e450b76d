"""pyqtgraph, imported beside the window's thread: it takes half a second, and a page is there before its plots are."""

from __future__ import annotations

import importlib
import threading
from typing import Any

_loading: list[threading.Thread] = []


def load_in_background() -> None:
    """Begin to import what plots need; once is enough."""
    if not _loading:
        thread = threading.Thread(target=plotting, name="plotting", daemon=True)
        _loading.append(thread)
        thread.start()


def is_loaded() -> bool:
    """Say whether making a plot would not have to wait any more."""
    return bool(_loading) and not _loading[0].is_alive()


def plotting() -> Any:
    """Return pyqtgraph; imports it, or waits for whoever is doing that."""
    return importlib.import_module("pyqtgraph")
