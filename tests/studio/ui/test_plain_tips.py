"""Names come from files, and files from anywhere: a tooltip shows them, and never obeys them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtGui import Qt, QTextDocument
from PySide6.QtWidgets import QAbstractItemView, QTableView, QWidget
from pytestqt.qtbot import QtBot

from studio.ui.plain_tip import plain_tip
from studio.ui.start_rows import RecentRow
from studio.ui.widgets import layer_losses
from studio.ui.widgets.elided_label import ElidedLabel
from studio.ui.widgets.fold import Fold
from studio.ui.widgets.layer_table import LayerTable, cost_columns
from studio.ui.widgets.plain_table import PlainTable
from studio.ui.widgets.sample_grid import SampleGrid
from studio.ui.widgets.sample_strip import SampleStrip, Thumbnail
from studio.ui.widgets.size_fields import SizeFields

HOSTILE = "<img src='secret.png'> &amp; more"
LAYER = {
    "name": HOSTILE,
    "operator": HOSTILE,
    "output_shape": [1, 2],
    "parameters": 1,
    "activation_bytes": 1,
    "macs": 1,
    "scheme": "w8a8",
    "macs_share": 0.5,
}


def table_of_layers() -> QWidget:
    table = LayerTable()
    table.set_layers([LAYER], cost_columns(1))
    return table


def table_of_losses() -> QWidget:
    rows = layer_losses.LayerLosses()
    rows.set_layers([LAYER])
    table = layer_losses.LayerTable(rows)
    rows.setParent(table)
    return table


def plain_table() -> QWidget:
    table = PlainTable(["Name", "Type"])
    table.set_rows([[HOSTILE, HOSTILE]])
    return table


def samples() -> QWidget:
    grid = SampleGrid()
    grid.set_samples([{"name": HOSTILE, "duplicate_of": HOSTILE, "thumbnail": ""}], 0)
    return grid


def strip() -> QWidget:
    found = SampleStrip()
    found.set_thumbnails([Thumbnail(0, HOSTILE, "0.1", None)], 0)
    return found


def line() -> QWidget:
    label = ElidedLabel(HOSTILE)
    label.resize(20, 20)
    return label


MAKERS: dict[str, Callable[[], QWidget]] = {
    "layers": table_of_layers,
    "losses": table_of_losses,
    "plain": plain_table,
    "samples": samples,
    "strip": strip,
    "line": line,
    "fold": lambda: Fold(HOSTILE, QWidget, name="fold"),
    "recent": lambda: RecentRow(HOSTILE, is_missing=False),
    "gone": lambda: RecentRow(HOSTILE, is_missing=True),
    "sizes": lambda: SizeFields({HOSTILE: (HOSTILE, 3), "other": None}, {}),
}


def tips_of(widget: QWidget) -> list[str]:
    """Return all tooltips of a widget, its children and its cells."""
    every = [widget, *widget.findChildren(QWidget)]
    tips = [each.toolTip() for each in every]
    for view in every:
        model = view.model() if isinstance(view, QAbstractItemView) else None
        if model is not None:
            columns = model.columnCount() if isinstance(view, QTableView) else 1
            cells = [model.index(row, column) for row in range(model.rowCount()) for column in range(columns)]
            tips += [str(cell.data(Qt.ItemDataRole.ToolTipRole) or "") for cell in cells]
    return tips


@pytest.mark.parametrize("name", MAKERS)
def test_a_name_that_is_markup_is_shown_and_loads_nothing(name: str, qtbot: QtBot) -> None:
    widget = MAKERS[name]()
    qtbot.addWidget(widget)
    widget.show()
    told = [tip for tip in tips_of(widget) if "secret.png" in tip]
    assert told
    for tip in told:
        loaded: list[object] = []

        class Document(QTextDocument):
            def loadResource(self, kind: int, url: object, loaded: list[object] = loaded) -> object:  # noqa: N802
                loaded.append((kind, url))
                return None

        document = Document()
        # as Qt shows a tooltip
        document.setHtml(tip) if Qt.mightBeRichText(tip) else document.setPlainText(tip)
        document.adjustSize()
        assert HOSTILE in document.toPlainText()
        assert loaded == []


def test_what_is_no_markup_stays_as_it_is(tmp_path: Path) -> None:
    assert plain_tip(str(tmp_path)) == str(tmp_path)
    assert plain_tip("a & b") == "a & b"
