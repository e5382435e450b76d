"""The page Export on real files: what is chosen, what is said before, what is written, and what is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt, QUrl
from PySide6.QtWidgets import QCheckBox, QLabel, QLineEdit, QPushButton, QTreeWidgetItem
from pytestqt.qtbot import QtBot

from converters.fingerprints import sha256_of, size_of
from converters.model.families import families
from converters.model.source import load
from converters.opening import open_source
from converters.precision import Precision
from converters.progress import Progress
from converters.recipe import TargetRequest
from converters.registry import exporter
from studio.converting import conversions
from studio.exporting import exporting
from studio.jobs.job import JobState
from studio.made_files import content_key
from studio.project import MadeFile
from studio.ui.pages.export import ExportPage
from studio.ui.pages.export_licence import licence_words
from studio.ui.pages.export_texts import MarkdownView
from studio.ui.workbench import Workbench
from tests.tiny_models import tiny_swapper_proto

PATIENCE = 60_000  # milliseconds
WORST = {
    **{"sample": "01.png", "kind": "real", "output": "output", "largest": 0.2, "relative": 0.2, "psnr": 20.0},
    **{"cosine": 0.9, "agreement": 0.0, "count": 3072, "complaint": "differs by 0.2 of its span"},
}


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a small swapper, and files made of it by the real exporters."""
    folder = tmp_path_factory.mktemp("models")
    onnx.save(tiny_swapper_proto(), str(folder / "tiny.onnx"))
    model = load(folder / "tiny.onnx")
    for target in ("onnx", "mnn"):
        (folder / target).mkdir()
        export = exporter(target).export(model, folder / target, Precision.FP32, {}, [], Progress())
        export.path.rename(folder / f"tiny-fp32.{target}")
    return folder


@pytest.fixture(scope="module")
def inspection(model_folder: Path) -> dict[str, Any]:
    arguments = {"source": str(model_folder / "tiny.onnx"), "shapes": {}, "trust": False}
    found: dict[str, Any] = open_source(arguments, Progress())["inspection"]
    return found


@pytest.fixture
def page(
    bench: Workbench, model_folder: Path, inspection: dict[str, Any], tmp_path: Path, qtbot: QtBot
) -> Iterator[ExportPage]:
    """Show the page with a current .mnn, an outdated .onnx and one that failed."""
    source, document = model_folder / "tiny.onnx", bench.document
    document.set_source(str(source), inspection["source"]["sha256"], inspection, {}, False)
    document.set_targets([TargetRequest("mnn")], "")
    key = content_key(document.project.recipe, TargetRequest("mnn"), inspection["source"]["sha256"])
    failed = tmp_path / "failed" / "tiny-fp16.mnn.unverified"
    failed.parent.mkdir()
    failed.write_bytes((model_folder / "tiny-fp32.mnn").read_bytes())
    document.set_files(
        [
            made_file(model_folder / "tiny-fp32.onnx", "onnx", "fp32", "before"),
            made_file(failed, "mnn", "fp16", "failed", verified=False),
            made_file(model_folder / "tiny-fp32.mnn", "mnn", "fp32", key),
        ]
    )
    exporting(bench).choose(folder=str(tmp_path), name="out")
    made = shown(bench, qtbot)
    yield made
    gone(made)


def made_file(path: Path, target: str, precision: str, key: str, *, verified: bool = True) -> MadeFile:
    worst = {**WORST, "complaint": "" if verified else WORST["complaint"]}
    verification = {"passed": verified, "samples": 4, "values": 12288, "worst": worst, "differences": [worst]}
    report = {"target": target, "precision": precision, "options": {}, "verification": verification, "notes": []}
    return MadeFile(path, target, precision, size_of(path), sha256_of(path), verified, key, report)


def shown(bench: Workbench, qtbot: QtBot) -> ExportPage:
    page = ExportPage(bench)
    page.resize(936, 560)
    page.show()
    qtbot.waitExposed(page)
    page.shown()
    qtbot.waitUntil(lambda: conversions(bench).is_surveyed, timeout=PATIENCE)
    return page


def gone(page: ExportPage) -> None:
    page.close()
    page.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def rows(page: ExportPage) -> dict[str, QTreeWidgetItem]:
    tree = page.files.tree
    items = [tree.topLevelItem(row) for row in range(tree.topLevelItemCount())]
    return {item.text(0): item for item in items if item is not None}


def ticked(page: ExportPage) -> set[str]:
    return {label for label, item in rows(page).items() if item.checkState(0) is Qt.CheckState.Checked}


def button(page: ExportPage, name: str) -> QPushButton:
    found = page.findChild(QPushButton, name)
    assert found is not None
    return found


def text_of(page: ExportPage, name: str) -> str:
    label = page.findChild(QLabel, name)
    assert label is not None
    return label.text()


def press(qtbot: QtBot, page: ExportPage, name: str) -> None:
    qtbot.mouseClick(button(page, name), Qt.MouseButton.LeftButton)


def wait_for_preview(qtbot: QtBot, page: ExportPage) -> None:
    qtbot.waitUntil(lambda: "What goes in" in page.texts.readme.toPlainText(), timeout=PATIENCE)


def wait_for_banner(qtbot: QtBot, page: ExportPage) -> str:
    qtbot.waitUntil(lambda: bool(page.banner.text), timeout=PATIENCE)
    return page.banner.text


def press_in_banner(qtbot: QtBot, page: ExportPage, words: str) -> None:
    found = next(each for each in page.banner.findChildren(QPushButton) if each.text() == words)
    qtbot.mouseClick(found, Qt.MouseButton.LeftButton)


def test_current_verified_files_are_chosen_and_the_others_say_why_not(page: ExportPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: "changed" in rows(page)["ONNX fp32"].text(2), timeout=PATIENCE)
    assert list(rows(page)) == ["MNN fp32", "MNN fp16", "ONNX fp32"]
    assert ticked(page) == {"MNN fp32"}
    assert rows(page)["MNN fp32"].text(2) == "verified"
    assert rows(page)["MNN fp16"].text(2) == "failed: on 01.png the output output differs by 0.2 of its span"
    press(qtbot, page, "preset-ios")
    assert ticked(page) == set()
    assert not button(page, "export-run").isEnabled()
    assert "at least one" in text_of(page, "forecast")
    press(qtbot, page, "preset-android")
    assert ticked(page) == {"MNN fp32"}
    assert button(page, "export-run").isEnabled()


def test_it_says_before_what_it_will_write(page: ExportPage, qtbot: QtBot, tmp_path: Path) -> None:
    wait_for_preview(qtbot, page)
    assert "tiny-fp32.mnn" in page.texts.readme.toPlainText()
    assert "are free there" in text_of(page, "place-state")
    assert "1 file of" in text_of(page, "forecast")
    assert "was not recognised" in text_of(page, "licence-line")
    assert not list(tmp_path.glob("out*"))


def test_export_writes_the_folder_and_shows_what(page: ExportPage, qtbot: QtBot, tmp_path: Path) -> None:
    box = page.findChild(QCheckBox, "with-recipe")
    assert box is not None
    box.click()
    press(qtbot, page, "export-run")
    assert "were written" in wait_for_banner(qtbot, page)
    assert not any(job.can_retry for job in page.bench.jobs.jobs() if job.request.kind == "package")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"tiny-fp32.mnn", "README.md", "LICENCE-NOTE.txt", "report.html", "contents.json"} <= names
    assert "recipe.json" not in names
    assert page.texts.isTabVisible(1)
    assert page.texts.currentIndex() == 1
    assert page.bench.settings.value.export_folder == str(tmp_path)
    # again in the same place: asked first, then replaced
    qtbot.waitUntil(lambda: "earlier export" in text_of(page, "place-state"), timeout=PATIENCE)
    page.banner.dismiss()
    press(qtbot, page, "export-run")
    assert "holds an earlier export" in page.banner.text
    before = (tmp_path / "out").stat().st_ino
    press_in_banner(qtbot, page, "Replace it")
    qtbot.waitUntil(lambda: "were written" in page.banner.text, timeout=PATIENCE)
    assert (tmp_path / "out").stat().st_ino != before


def test_a_folder_with_other_things_is_never_offered(page: ExportPage, qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("mine")
    line = page.findChild(QLineEdit, "export-name")
    assert line is not None
    line.setText("thesis")
    line.editingFinished.emit()
    qtbot.waitUntil(lambda: "holds other things" in text_of(page, "place-state"), timeout=PATIENCE)
    assert not button(page, "export-run").isEnabled()
    line.setText("fresh")
    line.editingFinished.emit()
    qtbot.waitUntil(lambda: button(page, "export-run").isEnabled(), timeout=PATIENCE)


def test_what_failed_goes_only_by_hand_and_is_marked(page: ExportPage, qtbot: QtBot, tmp_path: Path) -> None:
    press(qtbot, page, "preset-ios")
    rows(page)["MNN fp16"].setCheckState(0, Qt.CheckState.Checked)
    assert "did not pass verification" in text_of(page, "forecast")
    press(qtbot, page, "export-run")
    wait_for_banner(qtbot, page)
    assert (tmp_path / "out" / "tiny-fp16.mnn.unverified").is_file()
    contents = json.loads((tmp_path / "out" / "contents.json").read_text())
    assert "Do not ship it" in contents["notes"][0]


def test_a_file_that_was_replaced_since_is_refused(page: ExportPage, qtbot: QtBot, tmp_path: Path) -> None:
    copied = tmp_path / "made" / "tiny-fp32.mnn"
    copied.parent.mkdir()
    files = page.bench.document.project.files
    data = bytearray(files[-1].path.read_bytes())
    data[-50] ^= 1  # of the same size, so that only its contents tell
    copied.write_bytes(data)
    page.bench.document.set_files([*files[:-1], replace(files[-1], path=copied)])
    assert ticked(page) == {"MNN fp32"}
    press(qtbot, page, "export-run")
    assert "is not the file that was verified" in wait_for_banner(qtbot, page)
    assert not (tmp_path / "out").exists()


def test_cancelled_it_leaves_nothing(page: ExportPage, qtbot: QtBot, tmp_path: Path) -> None:
    exporting(page.bench).choose(with_comparison=True, pictures=4)
    press(qtbot, page, "export-run")
    running = exporting(page.bench).running
    assert running is not None
    jobs = page.bench.jobs
    qtbot.waitUntil(lambda: "original" in jobs.job(running.identity).message.stage, timeout=PATIENCE)
    assert button(page, "export-run").text() == "Cancel"
    press(qtbot, page, "export-run")
    qtbot.waitUntil(lambda: jobs.job(running.identity).state is JobState.CANCELLED, timeout=5_000)
    assert button(page, "export-run").text() == "Export"
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".ffstudio*"))


def test_a_page_made_anew_keeps_the_choice(page: ExportPage, qtbot: QtBot) -> None:
    rows(page)["ONNX fp32"].setCheckState(0, Qt.CheckState.Checked)
    exporting(page.bench).choose(with_comparison=True, pictures=5, name="another")
    made = shown(page.bench, qtbot)
    assert ticked(made) == {"MNN fp32", "ONNX fp32"}
    box, line = made.findChild(QCheckBox, "with-comparison"), made.findChild(QLineEdit, "export-name")
    assert box is not None
    assert line is not None
    assert box.isChecked()
    assert line.text() == "another"
    gone(made)


@pytest.mark.parametrize("identifier", ["inswapper_128", "demo_swapper", "hififace_unofficial_256"])
def test_the_licence_is_said_as_it_is(identifier: str) -> None:
    known = families()[identifier]
    words, is_warning = licence_words(
        {"title": known.title, "vendor": known.vendor, "licence": known.licence, "commercial": known.commercial}
    )
    assert known.title in words
    assert is_warning == (known.commercial is not True)
    assert ("not allowed" in words) == (known.commercial is False)
    assert licence_words({})[1]


def test_the_preview_loads_nothing(qtbot: QtBot, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(os.urandom(64))
    view = MarkdownView()
    qtbot.addWidget(view)
    view.show_markdown(f"# Title\n\n![a]({picture.as_uri()}) <script>alert(1)</script> [b](https://example.com)\n")
    assert view.loadResource(2, QUrl(picture.as_uri())) is None
    assert view.toPlainText().startswith("Title")
    assert not view.openLinks()
    assert not view.openExternalLinks()


def test_without_files_it_leads_to_convert(bench: Workbench, qtbot: QtBot) -> None:
    page = ExportPage(bench)
    qtbot.addWidget(page)
    page.show()
    asked: list[str] = []
    page.go_to.connect(asked.append)
    found = next(each for each in page.findChildren(QPushButton) if each.text() == "Go to Convert")
    found.click()
    assert asked == ["convert"]
