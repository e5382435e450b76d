"""The page Convert: choosing, making in real workers, verdicts, retry, reuse, and what goes wrong on the way."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt
from PySide6.QtWidgets import QCheckBox, QLabel, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from converters.errors import WorkerError
from converters.opening import open_source
from converters.precision import Precision
from converters.progress import Progress
from converters.recipe import TargetRequest
from studio.catalogue import Catalogue, TargetInfo, catalogue
from studio.converting import Conversions, conversions
from studio.made_files import FileState
from studio.project import MadeFile
from studio.target_checks import Answer, target_checks
from studio.ui.pages import convert as convert_module
from studio.ui.pages.convert import ConvertPage
from studio.ui.pages.convert_file import FailureCard, FileCard
from studio.ui.pages.convert_progress import ProgressCard
from studio.ui.pages.convert_settings import VerificationPanel
from studio.ui.pages.convert_target import TargetCard, TargetView
from studio.ui.widgets.parameter_form import ParameterForm
from studio.ui.workbench import Workbench
from tests.tiny_models import tiny_swapper_proto

PATIENCE = 60_000  # milliseconds


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "tiny.onnx"
    onnx.save(tiny_swapper_proto(), str(path))
    return path


@pytest.fixture(scope="module")
def inspection(source: Path) -> dict[str, Any]:
    arguments = {"source": str(source), "shapes": {}, "trust": False}
    found: dict[str, Any] = open_source(arguments, Progress())["inspection"]
    return found


@pytest.fixture
def page(
    bench: Workbench, source: Path, inspection: dict[str, Any], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ConvertPage]:
    """Show the page with a small model; the targets are asked in one test only, that costs seconds."""
    monkeypatch.setattr("studio.target_checks.TargetChecks._ask", lambda _self: None)
    catalogue()
    bench.document.set_source(str(source), inspection["source"]["sha256"], inspection, {}, False)
    recipe = bench.document.project.recipe
    bench.document.edit("", replace(recipe, verification=replace(recipe.verification, samples=2, seconds=5)))
    made = shown(bench, qtbot)
    yield made
    gone(made)


def shown(bench: Workbench, qtbot: QtBot) -> ConvertPage:
    page = ConvertPage(bench)
    page.resize(936, 700)
    page.show()
    qtbot.waitExposed(page)
    qtbot.waitUntil(lambda: conversions(bench).is_surveyed, timeout=PATIENCE)
    return page


def gone(page: ConvertPage) -> None:
    page.close()
    page.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def child(page: QWidget, name: str, kind: type[Any] = QPushButton) -> Any:
    found = page.findChild(kind, name)
    assert found is not None, name
    return found


def press(qtbot: QtBot, button: QWidget) -> None:
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def choose(page: ConvertPage, qtbot: QtBot, *names: str) -> None:
    for name in names:
        press(qtbot, child(page, f"target-{name}"))
    qtbot.waitUntil(lambda: made_by(page).is_surveyed, timeout=PATIENCE)


def made_by(page: ConvertPage) -> Conversions:
    return conversions(page.bench)


def convert(page: ConvertPage, qtbot: QtBot) -> None:
    """Press Convert and wait until the files have been made and looked at."""
    press(qtbot, child(page, "convert-button"))
    assert made_by(page).running is not None
    wait_for_end(page, qtbot)


def wait_for_end(page: ConvertPage, qtbot: QtBot) -> None:
    made = made_by(page)
    qtbot.waitUntil(lambda: made.running is None and made.is_surveyed, timeout=PATIENCE)


def files(page: ConvertPage) -> tuple[MadeFile, ...]:
    return page.bench.document.project.files


def verdicts(page: ConvertPage) -> dict[str, str]:
    return {
        card.objectName(): child(card, f"{card.objectName()}-verdict", QLabel).text()
        for card in (*page.findChildren(FileCard), *page.findChildren(FailureCard))
    }


# --- choosing --------------------------------------------------------------------------------------------------------


def test_choosing_files_changes_the_recipe_and_can_be_undone(page: ConvertPage, qtbot: QtBot) -> None:
    recipe = page.bench.document.project.recipe
    assert not child(page, "convert-button").isEnabled()
    assert {target.name for target in catalogue().targets} == {
        card.objectName().removeprefix("target-") for card in page.findChildren(TargetCard)
    }
    choose(page, qtbot, "mnn-fp32", "mnn-int8-weights", "coreml-palette")
    names = [request.name for request in page.bench.document.project.recipe.targets]
    assert names == ["mnn-fp32", "mnn-int8-weights", "coreml-palette"]
    assert "about" in child(page, "target-mnn-expected", QLabel).text()
    assert child(page, "forecast", QLabel).text().startswith("3 files of about")
    switch = child(page, "target-mnn-switch", QCheckBox)
    qtbot.mouseClick(switch, Qt.MouseButton.LeftButton, pos=QPoint(10, switch.height() // 2))
    assert [request.name for request in page.bench.document.project.recipe.targets] == ["coreml-palette"]
    assert not child(page, "target-mnn-fp32").isChecked()
    for _ in range(4):
        page.bench.document.undo_stack.undo()
    assert page.bench.document.project.recipe == recipe
    assert not child(page, "target-coreml-palette").isChecked()


def test_options_are_those_of_the_chosen_precisions_and_reach_their_files_only(page: ConvertPage, qtbot: QtBot) -> None:
    choose(page, qtbot, "coreml-fp32", "coreml-palette", "mnn-fp32")
    assert child(page, "target-mnn-options", QWidget).isHidden(), "no option of MNN has an effect on fp32"
    press(qtbot, child(page, "target-coreml-options-button", QToolButton))
    form = child(page, "target-coreml", TargetCard).findChild(ParameterForm)
    bits = form.control("palette_bits")
    assert bits.isVisible()
    qtbot.keyClick(bits, Qt.Key.Key_Up)
    by_name = {request.name: request.options for request in page.bench.document.project.recipe.targets}
    assert by_name == {"coreml-fp32": {}, "coreml-palette": {"palette_bits": 4}, "mnn-fp32": {}}
    press(qtbot, child(page, "target-coreml-palette"))
    assert not bits.isVisible()


def test_int8_says_that_it_calibrates_and_leads_to_the_page_quantize(page: ConvertPage, qtbot: QtBot) -> None:
    words = child(page, "destination-quantization", QLabel)
    assert words.isHidden()
    choose(page, qtbot, "mnn-int8")
    assert "the step Quantize is added" in words.text()
    with qtbot.waitSignal(page.go_to) as asked:
        press(qtbot, child(page, "destination-to-quantize"))
    assert asked.args == ["quantize"]
    page.bench.document.set_step("quantize", {"samples": 8}, "")
    assert "as the page Quantize says" in words.text()


def test_verification_is_set_by_its_form_and_a_folder(
    bench: Workbench, qtbot: QtBot, tmp_path: Path, page: ConvertPage
) -> None:
    press(qtbot, child(page, "verification-fold-button", QToolButton))
    form = child(page, "verification", VerificationPanel).findChild(ParameterForm)
    samples = form.control("samples")
    samples.selectAll()
    qtbot.keyClicks(samples, "7")
    qtbot.keyClick(samples, Qt.Key.Key_Return)
    assert bench.document.project.recipe.verification.samples == 7
    heard: list[tuple[str, object]] = []
    panel = VerificationPanel(lambda *_: str(tmp_path))
    qtbot.addWidget(panel)
    panel.changed.connect(lambda name, value: heard.append((name, value)))
    child(panel, "verification-fold-button", QToolButton).click()
    child(panel, "verification-browse").click()
    assert heard == [("images", str(tmp_path))]


def test_a_target_that_cannot_run_here_is_greyed_out_with_its_reason(qtbot: QtBot) -> None:
    target = TargetInfo("coreml", "Core ML", ".mlpackage", (Precision.FP32,), (), "The package torch is not installed.")
    card = TargetCard(target)
    qtbot.addWidget(card)
    assert not child(card, "target-coreml-switch", QCheckBox).isEnabled()
    assert not child(card, "target-coreml-fp32").isEnabled()
    assert "The package torch is not installed." in child(card, "target-coreml-problems", QLabel).text()
    # a recipe from another machine may ask for it: it can be taken out again
    card.show_view(TargetView(precisions=(Precision.FP32,)))
    assert child(card, "target-coreml-fp32").isEnabled()


def test_what_targets_object_to_is_said_and_not_tried(
    bench: Workbench, source: Path, inspection: dict[str, Any], qtbot: QtBot
) -> None:
    finding = {
        "id": "made-up",
        "targets": ["tflite"],
        "severity": "error",
        "nodes": [],
        "sentence": "It will not work.",
        "rewrite": "mends-it",
    }
    described = {**inspection, "findings": [finding]}
    bench.document.set_source(str(source), inspection["source"]["sha256"], described, {}, False)
    wanted = TargetRequest("mnn", Precision.FP32, {"weight_block": 32})  # as a recipe written by hand may say
    bench.document.set_targets([wanted], "")
    offer = catalogue()
    # asking all of them imports torch
    checks = target_checks(bench, Catalogue((offer.target("mnn"), offer.target("onnx")), ()))
    page = shown(bench, qtbot)
    qtbot.waitUntil(lambda: checks.answer != Answer(), timeout=PATIENCE)
    assert "weight_block" not in str(checks.answer.problems["mnn-fp32"]), "the page leaves out what has no effect"
    assert checks.answer.memory["mnn"] > 1e9
    assert "of memory" in child(page, "destination-memory", QLabel).text()
    assert child(page, "target-tflite-findings", QLabel).text() == "It will not work."
    bench.document.set_step("rewrite", {"only": "mends-it"}, "")
    assert child(page, "target-tflite-findings", QLabel).isHidden()
    checks.answer = Answer({"mnn-fp32": ("Too large.",), "mnn-fp16": ("Far too large.",)}, {"mnn": 10**15}, 1)
    checks.changed.emit()
    assert child(page, "target-mnn-problems", QLabel).text() == "fp32: Too large."
    assert "fp16: Far too large." in child(page, "target-mnn-limits", QLabel).text()
    assert not child(page, "target-mnn-fp16").isEnabled()
    assert not child(page, "convert-button").isEnabled()
    assert not child(page, "destination-shortage", QLabel).isHidden()
    gone(page)


# --- making ----------------------------------------------------------------------------------------------------------


def test_files_are_made_verified_kept_and_made_again_only_when_asked(
    page: ConvertPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(
        convert_module.QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()) or True
    )
    choose(page, qtbot, "mnn-fp32", "onnx-fp16")
    convert(page, qtbot)
    assert verdicts(page) == {"file-mnn-fp32": "Verified", "file-onnx-fp16": "Verified"}
    assert [file.name for file in files(page)] == ["tiny-fp32.mnn", "tiny-fp16.onnx"]
    assert not any(job.can_retry for job in page.bench.jobs.jobs() if job.request.kind == "convert")
    folder = files(page)[0].path.parent
    assert folder.parent == page.bench.document.work_folder
    assert "PSNR" in child(page, "file-mnn-fp32-figures", QLabel).text()
    assert "% of the original" in child(page, "file-mnn-fp32-size", QLabel).text()
    press(qtbot, child(page, "file-mnn-fp32-fold-button", QToolButton))
    assert "Made by MNN" in child(page, "file-mnn-fp32-notes", QLabel).text()
    press(qtbot, child(page, "file-mnn-fp32-folder"))
    assert opened == [str(folder)]
    with qtbot.waitSignal(page.go_to) as asked:
        press(qtbot, child(page, "file-mnn-fp32-compare"))
    assert asked.args == ["compare"]

    # nothing to do: said, and nothing is started
    press(qtbot, child(page, "convert-button"))
    assert made_by(page).running is None
    assert "already" in page.banner.text

    # only what another recipe asks for is made, in another folder; what it no longer asks for is outdated
    choose(page, qtbot, "onnx-fp32", "onnx-fp16")
    convert(page, qtbot)
    assert [file.name for file in files(page)][2:] == ["tiny-fp32.onnx"]
    assert files(page)[2].path.parent != folder
    assert made_by(page).state(files(page)[1]) is FileState.OUTDATED
    press(qtbot, child(page, "file-mnn-fp32-retry"))
    wait_for_end(page, qtbot)
    states = [made_by(page).state(file).value for file in files(page)]
    assert states == ["outdated", "outdated", "current", "current"]
    assert sorted(verdicts(page).values()) == ["Outdated", "Outdated", "Verified", "Verified"]

    press(qtbot, child(page, "remove-outdated"))
    qtbot.waitUntil(lambda: len(files(page)) == 2, timeout=PATIENCE)
    assert not folder.exists()
    assert all(file.path.exists() for file in files(page))

    # what somebody else changes or removes is no longer what was verified
    files(page)[0].path.write_bytes(b"other")
    files(page)[1].path.unlink()
    page.shown()
    changed, missing = files(page)
    made = made_by(page)
    qtbot.waitUntil(lambda: made.state(missing) is FileState.MISSING, timeout=PATIENCE)
    assert made.state(changed) is FileState.CHANGED
    assert sorted(made.to_make()) == ["mnn-fp32", "onnx-fp32"]


def test_a_target_that_cannot_express_the_model_costs_only_its_own_file(page: ConvertPage, qtbot: QtBot) -> None:
    impossible = TargetRequest("onnx", Precision.FP32, {"of_another_version": 1})
    page.bench.document.set_targets([TargetRequest("mnn"), impossible], "")
    qtbot.waitUntil(lambda: made_by(page).is_surveyed, timeout=PATIENCE)
    convert(page, qtbot)
    assert verdicts(page) == {"file-mnn-fp32": "Verified", "failure-onnx-fp32": "Could not be made"}
    assert "of_another_version" in child(page, "failure-onnx-fp32-what", QLabel).text()
    assert page.banner.text.startswith("Verified: 1 of 2")


def test_a_killed_worker_costs_a_file_and_retry_makes_it(page: ConvertPage, qtbot: QtBot) -> None:
    choose(page, qtbot, "mnn-fp32", "onnx-fp32")
    worker = page.bench.jobs._workers.pool()._worker("mnn")
    press(qtbot, child(page, "convert-button"))
    qtbot.waitUntil(lambda: worker.pid is not None, timeout=PATIENCE)
    assert worker.pid
    os.kill(worker.pid, signal.SIGKILL)  # it was started for this call: it is met in the middle, however quick it is
    wait_for_end(page, qtbot)
    assert verdicts(page)["failure-mnn-fp32"] == "Could not be made"
    assert verdicts(page)["file-onnx-fp32"] == "Verified"
    assert isinstance(made_by(page).failures["mnn-fp32"].error, WorkerError)
    press(qtbot, child(page, "failure-mnn-fp32-retry"))
    wait_for_end(page, qtbot)
    assert verdicts(page) == {"file-mnn-fp32": "Verified", "file-onnx-fp32": "Verified"}
    assert made_by(page).failures == {}


def test_cancelling_leaves_nothing_and_says_so(page: ConvertPage, qtbot: QtBot) -> None:
    choose(page, qtbot, "mnn-fp32")
    press(qtbot, child(page, "convert-button"))
    card = child(page, "conversion", ProgressCard)
    qtbot.waitUntil(lambda: card.isVisible() and card.stage("source") != "Waiting", timeout=PATIENCE)
    press(qtbot, child(page, "conversion-cancel"))
    wait_for_end(page, qtbot)
    assert page.banner.text.startswith("Cancelled.")
    assert files(page) == ()
    assert made_by(page).failures == {}
    work = page.bench.document.work_folder
    assert not work.exists() or not any(work.iterdir())


def test_a_place_that_cannot_be_written_to_is_one_sentence_with_retry(
    page: ConvertPage, qtbot: QtBot, data_folder: Path
) -> None:
    choose(page, qtbot, "mnn-fp32", "onnx-fp32")
    blocking = page.bench.document.work_folder.parent
    blocking.parent.mkdir(parents=True, exist_ok=True)
    blocking.write_text("a file where the folder would be")
    convert(page, qtbot)
    assert list(verdicts(page)) == ["failure-mnn-fp32"], "one card for both"
    assert str(data_folder) in child(page, "failure-mnn-fp32-what", QLabel).text()
    blocking.unlink()
    choose(page, qtbot, "mnn-fp32")
    press(qtbot, child(page, "failure-onnx-fp32-retry"))
    wait_for_end(page, qtbot)
    assert verdicts(page) == {"file-onnx-fp32": "Verified"}


def test_a_page_made_anew_shows_what_is_made_meanwhile_and_another_project_none_of_it(
    page: ConvertPage, qtbot: QtBot
) -> None:
    choose(page, qtbot, "onnx-fp32")
    press(qtbot, child(page, "convert-button"))
    page.hide()
    other = shown(page.bench, qtbot)
    assert child(other, "convert-button").isEnabled() == (made_by(other).running is None)
    wait_for_end(other, qtbot)
    assert verdicts(other) == {"file-onnx-fp32": "Verified"}
    press(qtbot, child(other, "file-onnx-fp32-retry"))
    running = made_by(other).running
    assert running is not None
    page.bench.document.new()
    qtbot.waitUntil(lambda: page.bench.jobs.job(running.identity).state.is_over, timeout=PATIENCE)
    assert files(page) == ()
    gone(other)


# --- verdicts --------------------------------------------------------------------------------------------------------


def test_a_failed_verification_says_what_where_and_what_to_try(qtbot: QtBot, tmp_path: Path) -> None:
    worst = {
        "sample": "a<b>.png",
        "kind": "real",
        "output": "output",
        "largest": 0.9,
        "relative": 0.9,
        "psnr": 12.0,
        "complaint": "differs by 9.00e-01 of its span, 1e-01 is allowed",
    }
    report = {
        "engine": "MNN 3",
        "precision": "fp16",
        "notes": ["Converted."],
        "verification": {"passed": False, "samples": 4, "worst": worst, "notes": ["Short of time."]},
        "first_difference": {"sentence": "The first layer that differs is conv."},
        "conversion": {"notes": ["Folded."], "fp16_risk": {"problems": ["Too large for fp16."]}},
    }
    path = tmp_path / "a-fp16.mnn.unverified"
    file = MadeFile(path, "mnn", "fp16", 500, "0" * 64, False, "key", report)
    card = FileCard(file, "MNN", FileState.CURRENT, 1000)
    qtbot.addWidget(card)
    assert child(card, "file-mnn-fp16-verdict", QLabel).text() == "Verification failed"
    assert child(card, "file-mnn-fp16-verdict", QLabel).property("role") == "error"
    assert "50.0 % of the original" in child(card, "file-mnn-fp16-size", QLabel).text()
    figures = child(card, "file-mnn-fp16-figures", QLabel)
    assert figures.text().startswith("Largest difference 90 % of the range · PSNR 12.0 dB · worst sample a<b>.png")
    assert figures.textFormat() == Qt.TextFormat.PlainText
    complaint = child(card, "file-mnn-fp16-complaint", QLabel).text()
    assert "differs by 9.00e-01" in complaint
    assert "The first layer that differs is conv." in complaint
    assert "do not ship it" in child(card, "file-mnn-fp16-advice", QLabel).text()
    assert card.findChild(QLabel, "file-mnn-fp16-notes") is None, "folded away"
    child(card, "file-mnn-fp16-fold-button", QToolButton).click()
    notes = child(card, "file-mnn-fp16-notes", QLabel).text().split("\n")
    assert notes[:5] == ["Made by MNN 3.", "Converted.", "Short of time.", "Folded.", "Too large for fp16."]
    with qtbot.waitSignal(card.retry_wanted) as wanted:
        child(card, "file-mnn-fp16-retry").click()
    assert wanted.args == [["mnn-fp16"]]


def test_the_log_of_a_crash_is_folded_away(qtbot: QtBot) -> None:
    error = WorkerError("The worker mnn crashed.", "The last lines of its log:\nline one\nline two", "Try again.")
    card = FailureCard(["mnn-fp32"], ["MNN fp32"], error)
    card.set_can_make(False)
    qtbot.addWidget(card)
    assert child(card, "failure-mnn-fp32-why", QLabel).text() == "Try again."
    assert child(card, "failure-mnn-fp32-retry").isHidden()
    card.show()
    assert not any("line two" in label.text() for label in card.findChildren(QLabel))
    press(qtbot, child(card, "failure-mnn-fp32-fold-button", QToolButton))
    assert any("line two" in label.text() for label in card.findChildren(QLabel))
