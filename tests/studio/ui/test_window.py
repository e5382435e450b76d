"""The window itself: what is dropped on it, its keys, its card, its questions, and that everything has a name."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QMessageBox,
    QPlainTextEdit,
    QScrollBar,
    QTabBar,
    QTextEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from converters.recipe import StepRequest
from studio.document import Document
from studio.jobs.job import JobRequest
from studio.locations import recovery_folder
from studio.ui.languages import Languages
from studio.ui.pages.table import PAGES
from studio.ui.start_look import StartLook
from studio.ui.widgets.banner import Banner
from studio.ui.window import MINIMUM, Window
from studio.ui.workbench import Workbench
from tests.studio.conftest import DEMO

CONTROLS = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QTabBar,
)


def dropped(window: Window, *urls: QUrl) -> QDropEvent:
    """Hold something over the window and let go of it, as a file manager does."""
    data = QMimeData()
    data.setUrls(list(urls))
    where, action = QPoint(300, 300), Qt.DropAction.CopyAction
    entering = QDragEnterEvent(where, action, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    entering.setAccepted(False)
    QApplication.sendEvent(window, entering)
    event = QDropEvent(QPointF(where), action, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    event.setAccepted(False)
    if entering.isAccepted():
        QApplication.sendEvent(window, event)
    return event


def press_in_question(name: str) -> None:
    """Press a button of the question that the next event loop shows."""

    def press() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        button = box.findChild(QAbstractButton, name)
        assert button is not None
        button.click()

    QTimer.singleShot(0, press)


def opened(window: Window, qtbot: QtBot, act: Callable[[], object]) -> None:
    with qtbot.waitSignal(window.opening.opened, timeout=60_000):
        act()


def test_a_model_is_dropped_and_shown_on_every_page(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    model, other = tmp_path / "my model.onnx", tmp_path / "second.onnx"
    shutil.copy(DEMO, model)
    assert not any(window.rail.findChild(QAbstractButton, f"rail-{name}").isEnabled() for name in list(PAGES)[1:])
    assert not dropped(window, QUrl("https://example.org/model.onnx")).isAccepted()
    assert not window.bench.jobs.jobs()
    opened(window, qtbot, lambda: dropped(window, *(QUrl.fromLocalFile(str(path)) for path in (model, other))))
    said = window.banner.text
    assert model.name in said
    assert window.bench.document.project.recipe.source == str(model)
    card = {label.objectName(): label for label in window.card.findChildren(QWidget)}
    assert card["card-name"].full_text == model.name  # type: ignore[attr-defined]
    assert card["card-outputs"].full_text == "→ output 1×3×128×128"  # type: ignore[attr-defined]
    assert card["card-size"].text() == "15.3 MB"  # type: ignore[attr-defined]
    card["card-hash"].click()  # type: ignore[attr-defined]
    assert QGuiApplication.clipboard().text() == window.bench.document.project.recipe.source_sha256

    window.resize(*MINIMUM)
    for number, name in enumerate(PAGES, start=1):
        qtbot.keyClick(window, Qt.Key(Qt.Key.Key_0 + number), Qt.KeyboardModifier.ControlModifier)
        assert window.page == name
        assert window.stack.page(name).isVisible()
    window.show_drawer(True)
    QApplication.processEvents()
    assert window.size().toTuple() == MINIMUM  # no page needs more
    assert not nameless(window), "\n".join(nameless(window))


def nameless(window: Window) -> list[str]:
    """Return the controls that a screen reader could not name."""
    found = []
    for widget in window.findChildren(QWidget):
        owners = owners_of(widget)
        # parts of Qt's own controls are named by these
        is_part = isinstance(widget, QScrollBar | QHeaderView) or widget.objectName().startswith("qt_")
        is_part = is_part or any(
            isinstance(owner, QComboBox | QAbstractSpinBox | QLineEdit | QTabBar) for owner in owners[1:]
        )
        if isinstance(widget, CONTROLS) and not is_part and not widget.accessibleName():
            names = [f"{type(owner).__name__}#{owner.objectName()}" for owner in owners]
            found.append(" in ".join(names[:4]))
    return found


def owners_of(widget: QWidget) -> list[QWidget]:
    """Return a widget and what it lies in, up to its page or window."""
    owners = [widget]
    while (owner := owners[-1].parentWidget()) is not None and not owners[-1].objectName().startswith("page-"):
        owners.append(owner)
    return owners


def test_a_control_without_a_name_is_found(window: Window) -> None:
    assert not nameless(window), "\n".join(nameless(window))
    stray = QLineEdit(window)
    stray.setObjectName("stray")
    assert nameless(window) == ["QLineEdit#stray in Window#window"]


def test_a_file_that_is_no_model_leaves_what_is_open(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    opened(window, qtbot, lambda: window.open("demo"))
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"\x08\x07" + bytes(range(256)) * 40)
    with qtbot.waitSignal(window.opening.refused, timeout=60_000):
        dropped(window, QUrl.fromLocalFile(str(damaged)))
    assert window.bench.document.project.recipe.source == "demo"
    assert any("damaged.onnx" in banner.text for banner in window.findChildren(Banner))
    assert str(damaged) not in window.bench.settings.value.recent


@pytest.mark.parametrize(
    ("answer", "is_closed", "is_saved"),
    [("question-cancel", False, False), ("question-discard", True, False), ("question-save", True, True)],
)
def test_closing_with_unsaved_work_asks(
    window: Window, bench: Workbench, tmp_path: Path, answer: str, is_closed: bool, is_saved: bool
) -> None:
    path = tmp_path / "kept.ffstudio"
    bench.document.save(path)
    before = path.read_bytes()
    bench.document.set_step("simplify", {}, "Simplify")
    assert window.isWindowModified()
    press_in_question(answer)
    assert window.close() is is_closed
    assert window.isVisible() is not is_closed
    assert (path.read_bytes() != before) is is_saved


def test_closing_with_running_jobs_asks(window: Window, bench: Workbench) -> None:
    arguments = {"worker": "w", "operation": "warm", "arguments": {"modules": ["torch"]}, "timeout": None}
    bench.jobs.submit(JobRequest("operation", "Something long", arguments))
    press_in_question("question-keep")
    assert not window.close()
    assert bench.jobs.is_busy
    press_in_question("question-end-jobs")
    assert window.close()


def test_undo_and_redo_say_what(window: Window, bench: Workbench, qtbot: QtBot) -> None:
    def entry(name: str) -> str:
        action = next(a for menu in window.menuBar().actions() for a in menu.menu().actions() if a.objectName() == name)
        return f"{action.text()} {action.isEnabled()}"

    assert entry("action-undo") == "&Undo False"
    bench.document.set_step("simplify", {}, "Simplify & go")
    assert entry("action-undo") == "&Undo: Simplify && go True"
    qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert bench.document.project.recipe.steps == ()
    assert entry("action-redo") == "&Redo: Simplify && go True"
    window.rebuild()
    qtbot.keyClick(window, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    assert bench.document.project.recipe.steps == (StepRequest("simplify"),)


def test_the_window_stays_on_the_screen(bench: Workbench, window: Window, qtbot: QtBot) -> None:
    window.setGeometry(5000, 4000, 1100, 720)
    assert window.close()
    assert bench.settings.value.window_geometry
    again = Window(bench)
    qtbot.addWidget(again)
    again.show()
    screen = again.screen().availableGeometry()
    assert screen.intersects(again.frameGeometry())
    assert (again.width(), again.height()) >= MINIMUM or screen.width() < MINIMUM[0]


def test_recent_files_that_are_gone_say_so(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    there, gone = tmp_path / "there.onnx", tmp_path / "gone.onnx"
    window.start.set_recent([str(there), str(gone)], frozenset([str(gone)]))
    rows = window.start.findChildren(QAbstractButton, "recent-open")
    assert [row.isEnabled() for row in rows] == [True, False]
    with qtbot.waitSignal(window.start.open_wanted) as wanted:
        rows[0].click()
    assert wanted.args == [str(there)]


def test_rescued_work_is_offered_and_opened(window: Window, bench: Workbench, qtbot: QtBot) -> None:
    lost = Document()
    lost.set_step("simplify", {}, "Simplify")
    lost.close(keep_changes=True)
    look = StartLook(window, bench)
    look.begin()
    qtbot.waitUntil(lambda: len(window.start.findChildren(QAbstractButton, "rescued-open")) == 1)
    assert not bench.document.is_dirty
    window.start.findChildren(QAbstractButton, "rescued-open")[0].click()
    assert bench.document.project.recipe.steps == (StepRequest("simplify"),)
    assert bench.document.is_dirty
    qtbot.waitUntil(lambda: not window.start.findChildren(QAbstractButton, "rescued-open"))
    look.close()


def test_rescued_work_is_offered_whatever_the_recent_files_are(window: Window, bench: Workbench, qtbot: QtBot) -> None:
    lost = Document()
    lost.set_step("simplify", {}, "Simplify")
    lost.close(keep_changes=True)
    (recovery_folder() / f"{0:032x}-{0:032x}.json").write_text("{")
    too_long = f"/{'x' * 300}.onnx"
    bench.settings.add_recent(too_long)
    look = StartLook(window, bench)
    look.begin()
    qtbot.waitUntil(lambda: len(window.start.findChildren(QAbstractButton, "rescued-open")) == 1)
    qtbot.waitUntil(
        lambda: [row.isEnabled() for row in window.start.findChildren(QAbstractButton, "recent-open")] == [False]
    )
    qtbot.waitUntil(lambda: "cannot be offered" in window.banner.text)
    look.close()


def test_another_language_makes_everything_anew(window: Window, bench: Workbench, qapp: QApplication) -> None:
    languages = Languages(qapp)
    window.show_drawer(True)
    before = window.rail
    assert languages.choose("zh_CN")
    try:
        window.rebuild()
        assert window.rail is not before
        assert window.menuBar().actions()[0].text() == "文件(&F)"
        assert next(window.rail.actions_of_pages).text() == "模型"
        assert window.is_drawer_open
        bench.document.set_step("simplify", {}, "Simplify")  # the parts that went do not listen any more
    finally:
        languages.choose("en")
    window.rebuild()
    assert next(window.rail.actions_of_pages).text() == "Model"
