"""What tests of the window share: no screen needed, a data folder of their own, a bench and a window that end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["QT_API"] = "pyside6"

from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication

from studio.document import Document
from studio.jobs.service import JobService
from studio.settings import SettingsStore
from studio.ui.theme import Theme
from studio.ui.window import Window
from studio.ui.workbench import Workbench

DEMO = Path(__file__).resolve().parents[2] / "resources" / "demo" / "swapper.onnx"


@pytest.fixture(autouse=True)
def data_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test settings, rescued work and crash reports of its own."""
    folder = tmp_path_factory.mktemp("data")
    monkeypatch.setenv("FFSTUDIO_DATA", str(folder))
    return folder


@pytest.fixture
def document(qapp: QApplication) -> Iterator[Document]:
    """Make an empty document that ends with the test."""
    assert qapp is QApplication.instance()
    made = Document()
    yield made
    made.close()


@pytest.fixture
def bench(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workbench]:
    """Make what pages work with: an empty document, real jobs and fresh settings."""
    monkeypatch.chdir(tmp_path)
    # what warms up in the background would take the cores of the tests; the jobs' own tests look at it
    monkeypatch.setattr(JobService, "warm", lambda _self: None)
    assert qapp is QApplication.instance()
    document = Document()
    settings = SettingsStore()
    jobs = JobService(tmp_path / "work")
    yield Workbench(document, jobs, settings)
    document.close()
    settings.close()
    jobs.close()
    delete_later_now()


@pytest.fixture
def window(bench: Workbench, qapp: QApplication) -> Iterator[Window]:
    """Show a window on the bench, dark and in English."""
    theme = next((child for child in qapp.children() if isinstance(child, Theme)), None) or Theme(qapp)
    theme.choose("dark")
    window = Window(bench)
    window.show()
    QCoreApplication.processEvents()
    yield window
    window.close_without_questions()
    window.deleteLater()
    delete_later_now()


def delete_later_now() -> None:
    """Delete what was given up for later, so that no test's widgets hear of the next one's signals."""
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QCoreApplication.processEvents()
