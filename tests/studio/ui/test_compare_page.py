"""The Compare page with real jobs: what can be compared, what is shown of it, what is done with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QComboBox, QLabel, QPushButton, QSpinBox, QToolButton
from pytestqt.qtbot import QtBot

from studio.comparing import comparing
from studio.comparison_results import MeasureKey
from studio.file_labels import labels_of, told_apart
from studio.jobs.job import JobState
from studio.project import MadeFile
from studio.ui.pages.compare import ComparePage
from studio.ui.widgets.comparison_modes import Mode
from studio.ui.workbench import Workbench
from tests.compare.models import SIDE, write_swapper
from tests.measure.drawn import portrait

PICTURES = 3
PATIENCE = 60_000  # milliseconds; a comparison takes about five seconds


def made(path: Path, target: str = "onnx", precision: str = "fp32") -> MadeFile:
    return MadeFile(path, target, precision, 1000, "0" * 64, True, "key")


def page_of(bench: Workbench, qtbot: QtBot) -> ComparePage:
    page = ComparePage(bench)
    qtbot.addWidget(page)
    page.resize(1120, 640)
    page.show()
    return page


def button(page: ComparePage, name: str) -> QPushButton:
    found: QPushButton = page.findChild(QPushButton, name)
    return found


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """Write an original, two files made of it, one that is broken, and pictures."""
    from converters.pictures import write_picture

    folder = tmp_path / "models"
    folder.mkdir()
    write_swapper(folder / "original.onnx")
    write_swapper(folder / "near.onnx", noise=0.05)
    write_swapper(folder / "far.onnx", noise=0.4)
    (folder / "broken.mnn").write_bytes(b"no model at all" * 100)
    (folder / "faces").mkdir()
    for seed in range(PICTURES):
        write_picture(folder / "faces" / f"{seed}.png", portrait(seed, SIDE))
    return folder


@pytest.fixture
def opened(bench: Workbench, models: Path) -> Workbench:
    inspection = {"source": {"name": "original.onnx"}, "cost": {"macs": 1e6}, "signature": {"outputs": []}}
    bench.document.set_source(str(models / "original.onnx"), "1" * 64, inspection, {}, False)
    return bench


def finished(page: ComparePage, qtbot: QtBot) -> None:
    """Run the comparison to its end."""
    button(page, "compare-run").click()
    qtbot.waitUntil(lambda: comparing(page.bench).running is None, timeout=PATIENCE)
    qtbot.waitUntil(lambda: button(page, "compare-run").text() == "Compare", timeout=2000)


def test_without_files_the_page_says_where_they_come_from(opened: Workbench, qtbot: QtBot) -> None:
    page = page_of(opened, qtbot)
    assert not button(page, "compare-run").isEnabled()
    way = next(each for each in page.findChildren(QPushButton) if each.text() == "Go to Convert")
    with qtbot.waitSignal(page.go_to) as gone:
        way.click()
    assert gone.args == ["convert"]


def test_a_comparison_is_shown_sorted_reported_and_kept(
    opened: Workbench, models: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    names = ("near.onnx", "broken.mnn", "far.onnx")
    opened.document.set_files([made(models / name, "onnx", name.partition(".")[0]) for name in names])
    opened.document.set_comparison_images(str(models / "faces"))
    page = page_of(opened, qtbot)
    assert "about" in page.findChild(QLabel, "forecast").text()
    finished(page, qtbot)
    results = page.results
    assert results.isVisible()
    assert page.banner.text == ""

    # the worst picture of the first candidate is in view, and it is that candidate's
    result = comparing(opened).result
    assert result is not None
    assert results.candidate == 0
    key = result.leading(0)
    assert key == MeasureKey(0, "lpips")
    assert results.strip.places == result.order(0, key)
    assert results.view.frame_id == result.order(0, key)[0]
    shown = QImage(str(result.files(0, results.view.frame_id)["picture"]))
    assert results.view.pictures[1].pixel(20, 20) == shown.pixel(20, 20)
    assert "near" in page.findChild(QLabel, "finding").text()

    # the broken one has its sentence, the others work
    tree = results.tree
    assert [tree.topLevelItem(row).text(0) for row in range(4)] == ["The model", "ONNX near", "ONNX broken", "ONNX far"]
    tree.setCurrentItem(tree.topLevelItem(2))
    assert "broken.mnn" in page.findChild(QLabel, "finding").text()
    assert results.strip.count() == 0
    assert results.view.frame_id == -1

    # a measure of another candidate sorts its pictures
    line = next(
        tree.topLevelItem(3).child(row)
        for row in range(tree.topLevelItem(3).childCount())
        if tree.topLevelItem(3).child(row).text(0) == "PSNR"
    )
    tree.setCurrentItem(line)
    assert results.candidate == 2
    assert results.strip.places == result.order(2, MeasureKey(0, "psnr"))
    assert results.strip.item(0).text() == line.text(3)

    # heat maps have one scale; choosing another picture changes both panes
    overlay = page.findChild(QComboBox, "overlay")
    assert overlay.currentData() == "lpips"
    overlay.setCurrentIndex(overlay.findData("flip"))
    assert results.view.heat.highest == result.scales["flip"]
    results.strip.setCurrentRow(2)
    assert results.view.frame_id == results.strip.places[2]
    page.findChild(QToolButton, "mode-difference").click()
    assert results.view.mode is Mode.DIFFERENCE

    # a page that is made anew finds the result again
    again = page_of(opened, qtbot)
    assert again.results.isVisible()
    assert len(opened.jobs.jobs()) == 1

    identity = page.save_report(tmp_path / "report.html")
    assert identity is not None
    qtbot.waitUntil(lambda: opened.jobs.job(identity).state.is_over, timeout=PATIENCE)
    assert "Content-Security-Policy" in (tmp_path / "report.html").read_text(encoding="utf-8")
    qtbot.waitUntil(lambda: "report.html" in page.banner.text, timeout=2000)

    results._keep_worst.trigger()
    qtbot.waitUntil(lambda: "3 pictures were added" in page.banner.text, timeout=PATIENCE)
    assert len(list((opened.document.work_folder / "calibration").iterdir())) == PICTURES


def test_any_two_files_can_be_compared_and_what_fails_is_said(opened: Workbench, models: Path, qtbot: QtBot) -> None:
    page = page_of(opened, qtbot)
    choice = comparing(opened)
    choice.add(str(models / "far.onnx"))
    choice.add(str(models / "near.onnx"))
    choice.add(str(models / "broken.mnn"))
    original = page.findChild(QComboBox, "original")
    assert [original.itemText(row) for row in range(4)] == ["The model", "far.onnx", "near.onnx", "broken.mnn"]
    row = original.findText("broken.mnn")
    original.setCurrentIndex(row)
    original.activated.emit(row)
    chips = {chip.text(): chip for chip in page.setup.findChildren(QToolButton) if chip.property("role") == "chip"}
    assert set(chips) == {"The model", "far.onnx", "near.onnx"}
    chips["near.onnx"].click()
    assert [entry.label for entry in choice.candidates] == ["far.onnx"]
    page.findChild(QSpinBox, "picture-count").setValue(2)
    finished(page, qtbot)
    request = opened.jobs.jobs()[-1].request.arguments
    assert (Path(request["original"]).name, len(request["candidates"]), request["count"]) == ("broken.mnn", 1, 2)
    qtbot.waitUntil(lambda: "broken.mnn" in page.banner.text, timeout=2000)
    assert not page.results.isVisible()
    assert not button(page, "save-report").isEnabled()


def test_a_running_comparison_can_be_cancelled(opened: Workbench, models: Path, qtbot: QtBot) -> None:
    opened.document.set_files([made(models / "near.onnx")])
    page = page_of(opened, qtbot)
    run = button(page, "compare-run")
    run.click()
    assert run.text() == "Cancel"
    identity = opened.jobs.jobs()[-1].identity
    qtbot.waitUntil(lambda: opened.jobs.job(identity).state is JobState.RUNNING, timeout=PATIENCE)
    run.click()
    qtbot.waitUntil(lambda: opened.jobs.job(identity).state is JobState.CANCELLED, timeout=5000)
    qtbot.waitUntil(lambda: run.text() == "Compare", timeout=2000)
    assert page.banner.text == ""
    assert not any(opened.jobs.scratch.iterdir())


def test_only_the_projects_model_is_trusted_and_only_as_it_was(opened: Workbench, models: Path) -> None:
    document, choice = opened.document, comparing(opened)
    choice.add(str(models / "added.pt"))
    assert opened.jobs.job(choice.start()).request.arguments["trusted"] == {}
    document.set_source(str(models / "model.pt"), "2" * 64, document.inspection or {}, {}, True)
    choice.add(str(models / "added.pt"))
    arguments = opened.jobs.job(choice.start()).request.arguments
    assert arguments["candidates"] == [str(models / "added.pt")]
    assert arguments["trusted"] == {str(models / "model.pt"): "2" * 64}
    for job in opened.jobs.jobs():
        opened.jobs.cancel(job.identity)


def test_another_project_begins_with_another_choice(opened: Workbench, models: Path) -> None:
    choice = comparing(opened)
    choice.add(str(models / "far.onnx"))
    choice.choose_pictures(5)
    assert comparing(opened) is choice
    opened.document.new()
    assert choice.entries == []
    assert choice.original is None
    assert choice.pictures != 5


@pytest.mark.parametrize(
    ("paths", "labels"),
    [
        (("a/demo-int8.mnn", "a/demo-fp16.mnn"), ["MNN int8", "MNN fp16"]),
        (("a/one-int8.mnn", "a/two-int8.mnn"), ["MNN int8 · one-int8.mnn", "MNN int8 · two-int8.mnn"]),
        (("a/demo-int8.mnn", "b/demo-int8.mnn"), ["MNN int8 · demo-int8.mnn · a", "MNN int8 · demo-int8.mnn · b"]),
    ],
)
def test_files_of_one_kind_are_told_apart(paths: tuple[str, ...], labels: list[str]) -> None:
    files = [made(Path("/x") / path, "mnn", Path(path).stem.partition("-")[2]) for path in paths]
    assert labels_of(files) == labels


def test_equal_paths_do_not_search_for_ever() -> None:
    path = Path("/a.mnn")
    assert len(told_apart([("MNN", path), ("MNN", path)])) == 2


def test_controls_have_names(opened: Workbench, models: Path, qtbot: QtBot) -> None:
    opened.document.set_files([made(models / "near.onnx")])
    page = page_of(opened, qtbot)
    nameless: list[Any] = [
        each
        for kind in (QPushButton, QToolButton, QComboBox, QSpinBox)
        for each in page.setup.findChildren(kind) + page.results.findChildren(kind)
        if not (each.accessibleName() and each.objectName())
        and not each.objectName().startswith("qt_")
        and each.focusPolicy() != Qt.FocusPolicy.NoFocus
    ]
    assert not [(each, each.objectName(), each.accessibleName()) for each in nameless]
