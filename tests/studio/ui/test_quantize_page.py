"""The page Quantize on real workers: hand to picture, recipe and undo, crashes, long work, pages made anew."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QDoubleSpinBox, QLabel, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from converters.builtin import DEMO_CROPS
from converters.compress.quantize.settings import parse_layers, parse_ranges
from converters.model.graph import write_proto
from converters.model.inspection import inspect
from converters.model.source import load
from studio.ui.pages import quantize_request as plain
from studio.ui.pages.quantize import QuantizePage
from studio.ui.pages.quantize_camera import CameraDialog
from studio.ui.widgets.layer_losses import LOST, NAME
from studio.ui.workbench import Workbench
from tests.studio.histogram_hand import Hand
from tests.tiny_models import tiny_swapper

PATIENCE = 60_000
LAYER, TENSOR = "/encoder.3/Conv", "/encoder.3/Conv_output_0"


def opened(bench: Workbench, qtbot: QtBot, source: str = "demo", **options: Any) -> QuantizePage:
    model = load(source)
    bench.document.set_source(source, model.source.sha256, inspect(model).to_json(), {}, False)
    bench.document.set_step("quantize", {"samples": 4, **options}, "begin")
    bench.document.undo_stack.clear()
    return shown(bench, qtbot)


def shown(bench: Workbench, qtbot: QtBot) -> QuantizePage:
    page = QuantizePage(bench)
    qtbot.addWidget(page)
    page.resize(1100, 640)
    page.show()
    page.shown()
    settle(qtbot, page)
    return page


def settle(qtbot: QtBot, page: QuantizePage, is_done: Callable[[], object] = lambda: True) -> None:
    """Wait until the page has what it asked for."""

    def is_settled() -> bool:
        waits = page.desk.is_idle and not page._rest.isActive()
        return bool(waits and (page.banner.text or page.ranges.histogram is not None) and is_done())

    qtbot.waitUntil(is_settled, timeout=PATIENCE)


def find(page: QWidget, kind: type, name: str) -> Any:
    found = page.findChild(kind, name)
    assert found is not None, name
    return found


def press(qtbot: QtBot, page: QuantizePage, words: str) -> None:
    """Press a button of the banner; they appear a moment after its sentence."""

    def found() -> list[QPushButton]:
        return [each for each in page.banner.findChildren(QPushButton) if each.text() == words and each.isVisible()]

    qtbot.waitUntil(lambda: len(found()) == 1)
    found()[0].click()


def pixels(path: str) -> bytes:
    image = QImage(path)
    assert not image.isNull(), path
    return bytes(image.convertToFormat(QImage.Format.Format_RGB888).constBits())


def options(page: QuantizePage) -> dict[str, Any]:
    return dict(page.bench.document.step_options("quantize") or {})


def worker_process() -> psutil.Process:
    """Return the one worker process that runs."""
    (found,) = [
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE and "converters.worker" in child.cmdline()
    ]
    return found


def test_a_handle_changes_the_picture_while_it_moves(bench: Workbench, qtbot: QtBot) -> None:
    page = opened(bench, qtbot)
    page.layers.table.choose(LAYER)
    settle(qtbot, page)
    assert page.ranges.tensor == TENSOR
    assert page.calibration.grid.model().rowCount() == 4
    before, usual = page.preview.files, pixels(page.preview.files[1])
    assert page.preview.view.frame_id >= 0

    assert page.ranges.histogram is not None
    hand = Hand(page.ranges.histogram, "high")
    assert hand.take()
    for _ in range(8):
        hand.move(-12)
    qtbot.waitUntil(lambda: page.preview.files[1] != before[1] and page.desk.is_idle, timeout=PATIENCE)
    assert page.preview.files[0] == before[0]
    assert pixels(page.preview.files[1]) != usual
    assert 0 < page.preview.seconds < 10
    assert f"{page.preview.seconds:.2f}" in find(page, QLabel, "quantize-latency").text()
    assert "ranges" not in options(page)  # the recipe follows when the handle is let go

    hand.let_go()
    ranges = parse_ranges(options(page)["ranges"])
    assert page.ranges.histogram is not None
    assert ranges[TENSOR] == pytest.approx(page.ranges.histogram.range)
    assert ranges[TENSOR][1] < 8
    settle(qtbot, page)
    assert find(page, QPushButton, "range-reset").isEnabled()
    assert "by hand" in find(page, QLabel, "range-caption").text()

    # by keys and by numbers, too; moves of one tensor's handles are undone together
    qtbot.keyClick(page.ranges.histogram, Qt.Key.Key_Down)
    qtbot.keyClick(page.ranges.histogram, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert parse_ranges(options(page)["ranges"])[TENSOR][0] > ranges[TENSOR][0]
    find(page, QDoubleSpinBox, "range-high").setValue(1.5)
    assert parse_ranges(options(page)["ranges"])[TENSOR][1] == 1.5
    settle(qtbot, page)
    assert page.ranges.histogram.range[1] == 1.5
    assert bench.document.undo_stack.count() == 1
    bench.document.undo_stack.undo()
    settle(qtbot, page)
    assert "ranges" not in options(page)
    assert pixels(page.preview.files[1]) == usual


def test_layers_and_settings_change_the_recipe_and_what_is_shown(bench: Workbench, qtbot: QtBot) -> None:
    page = opened(bench, qtbot)
    forecast = find(page, QLabel, "forecast").text()
    assert "15.2 MB → 4.6 MB" in forecast
    page.layers.table.choose(LAYER)
    qtbot.keyClick(page.layers.table, Qt.Key.Key_Space)
    assert parse_layers(options(page)["layers"]) == {LAYER: "float"}
    settle(qtbot, page)
    schemes = {layer["name"]: layer["scheme"] for layer in page.layers.rows.layers}
    assert schemes[LAYER] == "float"
    assert find(page, QLabel, "forecast").text() != forecast
    qtbot.keyClick(page.layers.table, Qt.Key.Key_Space)
    assert parse_layers(options(page)["layers"]) == {}

    lossy = page.preview.files[1]
    page.form.changed.emit("scheme", "float")
    settle(qtbot, page, lambda: page.preview.files[1] != lossy)
    assert pixels(page.preview.files[0]) == pixels(page.preview.files[1])
    assert "smaller, not faster" in find(page, QLabel, "forecast").text()
    bench.document.undo_stack.undo()

    first = page.preview.files[0]
    qtbot.mouseClick(find(page, QToolButton, "quantize-next"), Qt.MouseButton.LeftButton)
    settle(qtbot, page, lambda: page.preview.files[0] != first)
    assert page.calibration.grid.place == 1
    find(page, QWidget, "quantize-enabled").click()
    assert bench.document.step_options("quantize") is None


def test_a_worker_that_is_killed_costs_a_click(bench: Workbench, qtbot: QtBot) -> None:
    page = opened(bench, qtbot)
    loss = find(page, QLabel, "quantize-loss-lpips").text()
    worker = worker_process()
    # a stage is told by the worker: it has begun, so that its end is not overcome in silence
    with qtbot.waitSignal(page.desk.progressed, timeout=PATIENCE, check_params_cb=lambda stage, _part: bool(stage)):
        page.recipe.set_option("samples", 5)
    worker.kill()
    qtbot.waitUntil(lambda: page.banner.text != "", timeout=PATIENCE)
    assert "calibrator" in page.banner.text
    assert "calibration_open" not in page.banner.text.partition("The last lines")[0]
    assert options(page) == {"samples": 5}
    press(qtbot, page, "Retry")
    samples = page.calibration.grid.model()
    settle(qtbot, page, lambda: not page.banner.text and samples.rowCount() == 5)
    page.recipe.set_option("samples", 4)
    settle(qtbot, page, lambda: samples.rowCount() == 4)
    settle(qtbot, page)
    assert find(page, QLabel, "quantize-loss-lpips").text() == loss

    # a page that is made anew (another language) shows the same
    page.close()
    again = shown(bench, qtbot)
    assert find(again, QLabel, "quantize-loss-lpips").text() == loss


def test_places_are_added_and_what_cannot_be_used_has_a_way_out(bench: Workbench, qtbot: QtBot, tmp_path: Path) -> None:
    page = opened(bench, qtbot)
    folder = tmp_path / "few"
    folder.mkdir()
    for name in ("01.png", "02.png"):
        shutil.copy(DEMO_CROPS / name, folder)
    page.calibration.place_added.emit(str(folder))
    assert options(page)["calibration"] == str(folder)
    settle(qtbot, page, lambda: page.calibration.grid.model().rowCount() == 2)
    collected = bench.document.work_folder / plain.CALIBRATION_FOLDER
    collected.mkdir(parents=True)
    shutil.copy(DEMO_CROPS / "03.png", collected)
    page.shown()
    page.calibration.place_added.emit(str(collected))
    assert options(page)["calibration"] == f"{folder}\n{collected}"
    settle(qtbot, page, lambda: page.calibration.grid.model().rowCount() == 3)
    assert find(page, QLabel, "calibration-place-1").accessibleName() == "Collected pictures (1)"

    page.calibration.place_added.emit(str(tmp_path / "nowhere"))
    qtbot.waitUntil(lambda: "nowhere does not exist" in page.banner.text, timeout=PATIENCE)
    press(qtbot, page, "Use the built-in crops")
    settle(qtbot, page, lambda: page.calibration.grid.model().rowCount() == 4)
    assert options(page)["calibration"] == ""
    assert not page.banner.text


def test_long_jobs_change_the_recipe_or_say_what_is_missing(bench: Workbench, qtbot: QtBot, tmp_path: Path) -> None:
    folder = tmp_path / "faces"
    folder.mkdir()
    for name in ("01.png", "02.png"):
        shutil.copy(DEMO_CROPS / name, folder)
    source = str(write_proto(tiny_swapper().proto, tmp_path / "model"))
    page = opened(bench, qtbot, source, calibration=str(folder), families_defaults=False)
    assert "about" in find(page, QLabel, "blame-estimate").text()
    find(page, QPushButton, "blame-run").click()
    assert bench.jobs.is_busy
    rows = page.layers.table.model()
    qtbot.waitUntil(lambda: rows.index(0, LOST).data() != "–", timeout=PATIENCE)
    losses = [float(rows.index(row, LOST).data()) for row in range(rows.rowCount())]
    assert losses == sorted(losses, reverse=True)

    page.layers.set_budget(0.0005)
    find(page, QPushButton, "budget-run").click()
    qtbot.waitUntil(lambda: "udget of 0.0005" in page.banner.text, timeout=PATIENCE)
    names = {rows.index(row, NAME).data() for row in range(rows.rowCount())}
    assert set(parse_layers(options(page)["layers"])) == names
    press(qtbot, page, "Undo")
    assert "layers" not in options(page)
    settle(qtbot, page)

    page.calibration.camera_asked.emit()
    dialog = find(page, CameraDialog, "camera-dialog")
    find(dialog, QWidget, "camera-number").setValue(63)
    find(dialog, QPushButton, "camera-take").click()
    qtbot.waitUntil(lambda: "no camera 63" in page.banner.text, timeout=PATIENCE)
    assert not (bench.document.work_folder / plain.CALIBRATION_FOLDER).exists()

    page.close()
    again = shown(bench, qtbot)  # what was found out is still there
    assert again.layers.table.model().index(0, LOST).data() != "–"


def test_rules_and_places_are_written_as_the_engine_reads_them() -> None:
    given: dict[str, Any] = {"layers": "/decoder*=w8", "ranges": "a=-1:1"}
    kept = plain.kept_float(given, "odd, =name", True)
    assert parse_layers(kept["layers"]) == {"/decoder*": "w8", "odd, =name": "float"}
    assert plain.kept_float(kept, "odd, =name", False)["layers"] == given["layers"]
    assert parse_layers(plain.kept_float({"scheme": "float"}, "x", False)["layers"]) == {"x": "w8a8"}
    ranged = plain.with_range(given, "b", (-0.1, 0.30000000000000004))
    assert parse_ranges(ranged["ranges"]) == {"a": (-1.0, 1.0), "b": (-0.1, 0.30000000000000004)}
    assert parse_ranges(plain.with_range(ranged, "a", None)["ranges"]) == {"b": (-0.1, 0.30000000000000004)}
    assert plain.with_place([""], "/a") == ["/a"]
    assert plain.with_place(["/a"], "") == ["/a", ""]
    assert plain.without_place(["/a"], "/a") == [""]
    assert plain.places_of({"calibration": plain.joined(["", "/a"])}) == ["", "/a"]
