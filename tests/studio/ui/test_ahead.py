"""Pages are imported and made before somebody asks for them, and layers are sorted and searched without a proxy."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from studio.ui.ahead import Ahead
from studio.ui.pages.table import PAGES
from studio.ui.widgets.layer_table import LayerTable, cost_columns
from studio.ui.window import Window

PATIENCE = 60_000


@pytest.fixture(name="begun")
def _begun(window: Window) -> Iterator[None]:
    """Begin as the program does when its window is in view."""
    ahead = Ahead(window)
    ahead.begin()
    yield
    ahead.close()


def made(window: Window) -> list[str]:
    return [name for name in PAGES if window.stack.is_made(name)]


@pytest.mark.usefixtures("begun")
def test_pages_are_there_before_they_are_asked_for(window: Window, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: made(window) == ["model"], timeout=PATIENCE)
    with qtbot.waitSignal(window.opening.opened, timeout=PATIENCE):
        window.open("demo")
    assert window.stack.page("model").isVisible()
    qtbot.waitUntil(lambda: made(window) == list(PAGES), timeout=PATIENCE)
    assert [name for name in PAGES if window.stack.page(name).isVisible()] == ["model"]
    window.rebuild()  # another language
    assert made(window) == ["model"]
    qtbot.waitUntil(lambda: made(window) == list(PAGES), timeout=PATIENCE)


def test_closing_at_once_leaves_no_import_behind(window: Window) -> None:
    ahead = Ahead(window)
    ahead.begin()
    ahead.close()
    assert not any(thread.name == "ahead" for thread in threading.enumerate())


def test_the_choice_stays_with_its_layers_while_they_are_sorted_and_searched(qtbot: QtBot) -> None:
    layers = [
        {
            "name": f"/{name}/Conv",
            "operator": "Conv",
            "output_shape": [1, 8],
            "parameters": 1,
            "activation_bytes": 4,
            "macs": macs,
        }
        for name, macs in (("first", 20), ("second", 30), ("third", 10))
    ]
    table = LayerTable()
    qtbot.addWidget(table)
    table.set_layers(layers, cost_columns(60), 6)
    told: list[int] = []
    table.chosen.connect(told.append)
    table.choose([0])
    for sort in (lambda: table.sortByColumn(6, Qt.SortOrder.AscendingOrder), lambda: table.search("ir")):
        sort()
        assert table.current == 0
        assert [index.row() for index in table.selectionModel().selectedRows()] == [table.currentIndex().row()]
    assert [line.split(",")[1] for line in table.as_csv().splitlines()[1:]] == ["/third/Conv", "/first/Conv"]
    assert not told  # nobody chose anything
