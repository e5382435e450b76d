"""The Model page on the demo model: layers, findings with their changes, fp16, signature and open sizes."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QTableWidget,
    QTabWidget,
    QWidget,
)
from pytestqt.qtbot import QtBot

from converters.opening import open_source
from converters.progress import Progress
from studio.ui.opening import Opening
from studio.ui.pages.model import ModelPage
from studio.ui.pages.model_findings import grouped
from studio.ui.pages.model_overview import licence_notes
from studio.ui.widgets.cost_chart import CostChart
from studio.ui.widgets.finding_card import FindingCard
from studio.ui.widgets.layer_table import LayerTable
from studio.ui.workbench import Workbench

PATIENCE = 30_000  # milliseconds; a worker has to start
LAYERS, FINDINGS, NUMBERS, SIGNATURE = range(4)


@pytest.fixture(scope="module")
def demo() -> dict[str, Any]:
    """What is known of the demo model."""
    opened = open_source({"source": "demo", "shapes": {}, "trust": False}, Progress())
    inspection: dict[str, Any] = json.loads(json.dumps(opened["inspection"]))  # as it comes from a worker
    return inspection


@pytest.fixture
def page(bench: Workbench, qtbot: QtBot, demo: dict[str, Any]) -> ModelPage:
    """Show the page with the demo model, all of its parts filled."""
    bench.document.set_source("demo", demo["source"]["sha256"], demo, {}, False)
    return shown(ModelPage(bench), qtbot)


def shown(page: ModelPage, qtbot: QtBot) -> ModelPage:
    qtbot.addWidget(page)
    page.resize(1116, 600)
    page.show()
    page.shown()
    qtbot.waitUntil(lambda: page.findChild(QTableWidget, "signature-table") is not None)
    return page


def find(page: QWidget, kind: type, name: str) -> Any:
    found = page.findChild(kind, name)
    assert found is not None, name
    return found


def texts(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel))


def test_the_page_says_what_the_model_is(page: ModelPage) -> None:
    forecast = find(page, QLabel, "forecast").text()
    assert "15.2 MB" in forecast
    assert "3.55 M parameters" in forecast
    assert "2.80 G multiply-accumulates" in forecast
    assert "Opening changes nothing." in forecast
    overview = texts(find(page, QScrollArea, "model-overview"))
    for words in ("Demo swapper", "swapper", "Apache-2.0", "arcface_128", "emap", "eps 1e-8 is zero", "consent"):
        assert words in overview


def test_licences_that_forbid_or_say_nothing_are_warned_about() -> None:
    family = {"commercial": False, "licence": "Non-Commercial", "kind": "detector"}
    assert licence_notes(family) == [("Non-Commercial: not for commercial use, converted or not.", "warning")]
    assert licence_notes({**family, "commercial": None})[0][1] == "warning"
    assert licence_notes({**family, "commercial": True}) == []
    assert licence_notes({}) == []


def test_layers_are_sorted_by_value_and_searched(page: ModelPage, demo: dict[str, Any]) -> None:
    table: LayerTable = find(page, LayerTable, "layer-table")
    layers = demo["cost"]["layers"]
    assert table.row_count == len(layers)
    heaviest = max(layer["macs"] for layer in layers)
    assert float(rows(table)[0]["MACs"]) == heaviest
    table.sortByColumn(4, Qt.SortOrder.AscendingOrder)
    parameters = [int(row["Parameters"]) for row in rows(table)]
    assert parameters == sorted(layer["parameters"] for layer in layers)  # by number, not by "3.5 M"
    search: QLineEdit = find(page, QLineEdit, "layer-search")
    QTest.keyClicks(search, "styles.3 conv")
    names = [row["Layer"] for row in rows(table)]
    assert names
    assert all("styles.3" in name and "conv" in name.casefold() for name in names)
    assert f"{len(names)} of {len(layers)}" in find(page, QLabel, "layer-count").text()
    search.setText("1x32x128x128 conv")
    assert {row["Layer"] for row in rows(table)} == {"/decoder.1/Conv", "/encoder.1/Conv"}
    search.setText("nothing of this name")
    assert table.row_count == 0


def rows(table: LayerTable) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.as_csv())))


def test_layers_are_copied_as_csv_as_shown(page: ModelPage) -> None:
    find(page, QLineEdit, "layer-search").setText("gemm")
    find(page, QPushButton, "layer-copy").click()
    copied = list(csv.DictReader(io.StringIO(QGuiApplication.clipboard().text())))
    assert len(copied) == 12
    assert {row["Operator"] for row in copied} == {"Gemm"}
    assert copied[0]["Output"] == "1×256"


def test_bars_and_table_share_one_choice(page: ModelPage, demo: dict[str, Any]) -> None:
    table: LayerTable = find(page, LayerTable, "layer-table")
    chart: CostChart = find(page, CostChart, "layer-chart")
    second = chart.bars[1].row
    find(page, QLineEdit, "layer-search").setText("gemm")  # hides the layer that is chosen next
    QTest.mouseClick(chart, Qt.MouseButton.LeftButton, pos=chart.rectangle(second).center())
    assert table.current == second
    assert [index.row() for index in table.selectionModel().selectedRows()] == [table.currentIndex().row()]
    table.selectRow(0)
    assert chart.current == chart.bars[0].row
    QTest.keyClick(chart, Qt.Key.Key_Down)
    assert table.current == second
    QTest.mouseClick(chart, Qt.MouseButton.LeftButton, pos=QPoint(5, chart.height() + 50))
    assert table.current == second
    by: QComboBox = find(page, QComboBox, "layer-measure")
    by.setCurrentIndex(by.findData("parameters"))
    most = max(range(len(demo["cost"]["layers"])), key=lambda row: demo["cost"]["layers"][row]["parameters"])
    assert chart.bars[0].row == most


def test_findings_are_applied_and_removed_and_undone(page: ModelPage, bench: Workbench) -> None:
    document = bench.document
    find(page, QPushButton, "apply-reflect_pad").click()
    assert document.step_options("rewrite") == {"only": "reflect_pad"}
    find(page, QPushButton, "apply-fp16_safe_statistics").click()
    assert document.step_options("rewrite") == {"only": "reflect_pad,fp16_safe_statistics"}
    assert "2" in find(page, QLabel, "forecast").text().rpartition(":")[2]
    document.undo_stack.undo()
    assert document.step_options("rewrite") == {"only": "reflect_pad"}
    settle()
    find(page, QPushButton, "remove-reflect_pad").click()
    assert document.step_options("rewrite") is None
    find(page, QPushButton, "apply-all").click()
    assert document.step_options("rewrite") == {"only": "reflect_pad,fp16_safe_statistics,style_split"}
    assert not find(page, QPushButton, "apply-all").isEnabled()
    assert document.undo_stack.undoText()


def settle() -> None:
    """Let go of what was given up for later."""
    QCoreApplication.processEvents()
    QCoreApplication.sendPostedEvents(None, 0)


def test_a_recipe_that_names_no_rewrite_has_all_that_are_advised(page: ModelPage, bench: Workbench) -> None:
    bench.document.set_step("rewrite", {}, "all")
    settle()
    find(page, QPushButton, "remove-style_split").click()
    assert bench.document.step_options("rewrite") == {"only": "reflect_pad,fp16_safe_statistics"}


def test_simplifying_is_a_switch(page: ModelPage, bench: Workbench) -> None:
    switch: QCheckBox = find(page, QCheckBox, "simplify")
    switch.click()
    assert bench.document.step_options("simplify") == {}
    bench.document.undo_stack.undo()
    assert not switch.isChecked()
    assert "Opening changes nothing." in find(page, QLabel, "forecast").text()


def test_findings_are_grouped_and_filtered_by_target(page: ModelPage, demo: dict[str, Any]) -> None:
    groups = grouped(demo["findings"])
    assert {"mnn", "tflite", "coreml"} <= set(groups[0][0])
    assert sum(len(findings) for _, findings in groups) == len(demo["findings"])
    tabs: QTabWidget = find(page, QTabWidget, "model-tabs")
    assert tabs.tabText(FINDINGS) == f"Findings ({len(demo['findings'])})"
    target: QComboBox = find(page, QComboBox, "finding-target")
    target.setCurrentIndex(target.findData("tflite-gpu-delegate"))
    settle()
    cards = find(page, QScrollArea, "findings").widget().findChildren(FindingCard)
    concerned = [finding for finding in demo["findings"] if "tflite-gpu-delegate" in finding["targets"]]
    assert len(cards) == len(concerned) < len(demo["findings"])


def test_a_finding_leads_to_its_layers(page: ModelPage, demo: dict[str, Any]) -> None:
    finding = next(item for item in demo["findings"] if item["rewrite"] == "style_split")
    find(find(page, FindingCard, f"finding-{finding['id']}"), QPushButton, "show-nodes").click()
    assert find(page, QTabWidget, "model-tabs").currentIndex() == LAYERS
    table: LayerTable = find(page, LayerTable, "layer-table")
    assert len(table.selectionModel().selectedRows()) == 12


def test_fp16_is_scanned_with_the_changes_of_the_recipe(page: ModelPage, bench: Workbench, qtbot: QtBot) -> None:
    scan: QPushButton = find(page, QPushButton, "fp16-scan")
    words: QLabel = find(page, QLabel, "fp16-words")
    tensors: QTableWidget = find(page, QTableWidget, "fp16-tensors")
    find(page, QTabWidget, "model-tabs").setCurrentIndex(NUMBERS)
    scan.click()
    assert not scan.isVisible()
    qtbot.waitUntil(scan.isVisible, timeout=PATIENCE)
    assert "12 constants" in words.text()
    assert tensors.rowCount() == 20
    assert float(tensors.item(0, 2).text()) >= float(tensors.item(1, 2).text())
    again = shown(ModelPage(bench), qtbot)  # as when the language changes
    assert "12 constants" in find(again, QLabel, "fp16-words").text()
    bench.document.set_step("rewrite", {"only": "fp16_safe_statistics"}, "apply")
    assert "Not scanned yet" in words.text()
    assert not tensors.isVisible()
    scan.click()
    qtbot.waitUntil(scan.isVisible, timeout=PATIENCE)
    assert "Nothing was found" in words.text()


def test_a_scan_can_be_stopped(page: ModelPage, qtbot: QtBot) -> None:
    find(page, QTabWidget, "model-tabs").setCurrentIndex(NUMBERS)
    scan: QPushButton = find(page, QPushButton, "fp16-scan")
    scan.click()
    find(page, QPushButton, "fp16-cancel").click()
    qtbot.waitUntil(scan.isVisible, timeout=PATIENCE)
    assert "cancelled" in find(page, QLabel, "fp16-words").text()


def test_open_sizes_are_changed_on_the_page(bench: Workbench, qtbot: QtBot, shared: Path) -> None:
    opening = Opening(bench)
    with qtbot.waitSignal(opening.opened, timeout=PATIENCE):
        opening.open(str(shared / "models" / "yunet_n_dynamic.onnx"))
    page = shown(ModelPage(bench), qtbot)
    page.reopen_model.connect(opening.reopen)
    find(page, QTabWidget, "model-tabs").setCurrentIndex(SIGNATURE)
    apply: QPushButton = find(page, QPushButton, "apply-sizes")
    assert not apply.isEnabled()
    assert find(page, QSpinBox, "size-input-2").value() == 640
    find(page, QSpinBox, "size-input-2").setValue(320)
    find(page, QSpinBox, "size-input-3").setValue(352)
    with qtbot.waitSignal(opening.opened, timeout=PATIENCE):
        apply.click()
    assert bench.document.project.recipe.shapes == {"input": (1, 3, 320, 352)}
    qtbot.waitUntil(lambda: find(page, QTableWidget, "signature-table").item(0, 2).text() == "1×3×320×352")


def test_without_a_model_the_page_offers_the_demo(bench: Workbench, qtbot: QtBot) -> None:
    page = ModelPage(bench)
    qtbot.addWidget(page)
    page.show()
    with qtbot.waitSignal(page.open_model) as asked:
        next(button for button in page.findChildren(QPushButton) if button.text() == "Open the demo").click()
    assert asked.args == ["demo"]
