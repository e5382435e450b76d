"""The window: rail, model card, pages, jobs drawer, and what is dropped on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import QByteArray, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDesktopServices,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QGuiApplication,
    QPaintEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMainWindow, QSplitter, QVBoxLayout, QWidget

from converters.errors import StudioError
from studio.locations import data_folder
from studio.product import NAME
from studio.project_jobs import cancel_others
from studio.ui import leaving
from studio.ui.dropping import DropOverlay, dropped_paths
from studio.ui.icons import icon
from studio.ui.job_status import JobStatus
from studio.ui.menus import Menus
from studio.ui.model_card import ModelCard
from studio.ui.opening import Opening
from studio.ui.opening_strip import OpeningStrip
from studio.ui.page_stack import PageStack
from studio.ui.pages.base import Page
from studio.ui.pages.table import PAGES
from studio.ui.rail import Rail
from studio.ui.start_page import StartPage
from studio.ui.texts import tr
from studio.ui.widgets.banner import Banner, Tone
from studio.ui.workbench import Workbench

if TYPE_CHECKING:
    from converters.preview.request import SourceChoice
    from studio.recovery import Offer
    from studio.ui.widgets.jobs_drawer import JobsDrawer

MINIMUM = (1024, 700)
_USUAL = (1280, 800)
_DRAWER = 180


class Window(QMainWindow):
    """The studio's only window.

    Args:
        bench: what pages work with.

    Attributes:
        painted: it is in view for the first time.
        built: its parts were made anew.
        closed: it was closed for good, with the person's consent.
    """

    painted = Signal()
    built = Signal()
    closed = Signal()

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bench = bench
        self._page = bench.document.project.page if bench.document.project.page in PAGES else "model"
        self._drawer: JobsDrawer | None = None
        self._had_drawer = False
        self._may_close = False
        self._is_painted = False
        self.setObjectName("window")
        self.setMinimumSize(*MINIMUM)
        self.setAcceptDrops(True)
        self.opening = Opening(bench, self, self._may_leave)
        self.opening.opened.connect(self._show_opened)
        self._build()
        document = bench.document
        document.inspection_changed.connect(self._show_model)
        document.source_changed.connect(self._show_model)
        document.source_changed.connect(self._end_other_jobs)
        document.state_changed.connect(self._show_title)
        self._restore_geometry()
        self._show_title()

    # what others may ask of the window ------------------------------------------------------------------------------

    @property
    def page(self) -> str:
        """The chosen page's identifier."""
        return self._page

    @property
    def is_drawer_open(self) -> bool:
        """Whether the jobs drawer is shown."""
        return self._drawer is not None and not self._drawer.isHidden()

    def go_to(self, identifier: str) -> None:
        """Bring a page into view and remember it with the project."""
        self._page = identifier
        self.bench.document.remember_page(identifier)
        self._show_page()

    def show_live(self, source: SourceChoice) -> None:
        """Bring the live comparison into view, on a source; a model is open."""
        self.go_to("compare")
        self.stack.page("compare").show_live(source)  # type: ignore[attr-defined]

    def open(self, path: str) -> None:
        """Open a model file, a folder, a project or "demo", unless the person wants to keep what is open."""
        self.opening.open(path)

    def rebuild(self) -> None:
        """Make all parts anew, in the language and colours that are in force now; from the event loop only."""
        self.tear_down()
        self._build()
        self.show_drawer(self._had_drawer)
        self._show_title()
        self.setUpdatesEnabled(True)
        self.built.emit()

    def tear_down(self) -> None:
        """Remove all parts, until `rebuild` makes new ones."""
        central: QWidget | None = self.centralWidget()
        if central is None:
            return
        self._had_drawer = self.is_drawer_open
        self.setUpdatesEnabled(False)
        self._drawer = None
        self.statusBar().removeWidget(self._status)
        # at once, and from where they are: widgets that wait for their end, or move, are styled anew, which takes long
        for part in (central, self._status, self._overlay, self.menuBar()):
            shiboken6.delete(part)

    def restore(self, offer: Offer) -> None:
        """Open rescued work, unless the person wants to keep what is open."""
        self.opening.restore(offer)

    def choose_file(self) -> None:
        """Ask for a file and open it."""
        self._chosen(leaving.ask_file(self, self.bench.settings.value.last_folder))

    def choose_folder(self) -> None:
        """Ask for a folder and open the model in it."""
        self._chosen(leaving.ask_folder(self, self.bench.settings.value.last_folder))

    def new_project(self) -> None:
        """Begin without a model."""
        if self._may_leave():
            self.bench.document.new()
            self.go_to("model")

    def save(self) -> bool:
        """Save the project where it is, or where the person says; say whether it is saved now."""
        return leaving.save(self, self.bench, self.banner)

    def save_as(self) -> bool:
        """Save the project where the person says; say whether it is saved now."""
        return leaving.save(self, self.bench, self.banner, elsewhere=True)

    def say_error(self, error: StudioError) -> None:
        """Say above the pages what went wrong."""
        self.banner.say_error(error)

    def recent_paths(self) -> tuple[str, ...]:
        """Return what was open lately, the newest first."""
        return self.bench.settings.value.recent

    def show_drawer(self, is_open: bool) -> None:
        """Show or hide the jobs drawer."""
        if is_open and self._drawer is None:
            from studio.ui.widgets.jobs_drawer import JobsDrawer

            self._drawer = JobsDrawer(self.bench)
            self._splitter.addWidget(self._drawer)
            self._splitter.setSizes([self.height() - _DRAWER, _DRAWER])
            self._splitter.setStretchFactor(0, 1)
            self._splitter.setCollapsible(1, False)
        if self._drawer is not None:
            self._drawer.setVisible(is_open)
        self._status.show_drawer_open(is_open)
        self._menus.jobs.setChecked(is_open)

    def toggle_full_screen(self) -> None:
        """Use the whole screen, or no longer."""
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def show_settings(self) -> None:
        """Show the settings dialog."""
        from studio.ui.settings_dialog import SettingsDialog

        SettingsDialog(self.bench.settings, self).open()

    def show_shortcuts(self) -> None:
        """Show all keys."""
        from studio.ui.shortcuts import ShortcutsDialog

        ShortcutsDialog(self.menuBar(), self).open()

    def show_about(self) -> None:
        """Show what this program is and which versions it uses."""
        from studio.ui.about import AboutDialog

        AboutDialog(self).open()

    def show_crash_reports(self) -> None:
        """Show the folder of crash reports in the system's file manager."""
        folder = data_folder() / "crashes"
        folder.mkdir(parents=True, exist_ok=True)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def close_without_questions(self) -> None:
        """Close at once, as the system asked; unsaved work is offered at the next start."""
        self._may_close = True
        self.close()

    # parts ----------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.setWindowIcon(icon("studio"))
        self.rail = Rail()
        self.card = ModelCard()
        self.banner = Banner()
        self.start = StartPage()
        self.stack = PageStack(self.bench, self.start)
        self._splitter = QSplitter(Qt.Orientation.Vertical)
        self._splitter.setObjectName("splitter")
        self._splitter.addWidget(self.stack)
        self._splitter.setCollapsible(0, False)
        self._status = JobStatus(self.bench.jobs)
        self.statusBar().setSizeGripEnabled(False)
        self.statusBar().addWidget(self._status, 1)
        self._status.show()
        self._lay_out()
        self._menus = Menus(self)
        self._overlay = DropOverlay(self)
        self._connect()
        self.start.set_recent(self.recent_paths())
        self._show_model()

    def _lay_out(self) -> None:
        sentences = QVBoxLayout()
        sentences.setContentsMargins(16, 8, 16, 0)
        sentences.setSpacing(8)
        sentences.addWidget(self.banner)
        sentences.addWidget(OpeningStrip(self.opening))
        right = QVBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        right.addWidget(self.card)
        right.addLayout(sentences)
        right.addWidget(self._splitter, 1)
        whole = QWidget()
        row = QHBoxLayout(whole)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.rail)
        row.addLayout(right, 1)
        self.setCentralWidget(whole)

    def _connect(self) -> None:
        self.rail.chosen.connect(self.go_to)
        self.card.open_wanted.connect(self.choose_file)
        self.card.demo_wanted.connect(lambda: self.open("demo"))
        self.start.open_wanted.connect(self.open)
        self.start.file_wanted.connect(self.choose_file)
        self.start.folder_wanted.connect(self.choose_folder)
        self.stack.made.connect(self._connect_page)
        self._status.drawer_wanted.connect(self.show_drawer)

    def _connect_page(self, page: Page) -> None:
        page.go_to.connect(self.go_to)
        page.open_model.connect(self.open)
        for field in page.findChildren(QLineEdit):
            field.setAcceptDrops(False)  # it would take a dropped file's name as text
        if page.identifier == "model":
            page.reopen_model.connect(self.opening.reopen)  # type: ignore[attr-defined]

    # what is shown --------------------------------------------------------------------------------------------------

    def _show_model(self) -> None:
        document = self.bench.document
        has_model = document.inspection is not None
        self.card.show_model(document.inspection, trusted=document.is_trusted)
        for identifier in PAGES:
            self.rail.set_usable(identifier, has_model or identifier == "model")
        if not has_model:
            self._page = "model"
        self._show_page()

    def _show_page(self) -> None:
        self.rail.show_chosen(self._page)
        self.stack.show_page(self._page)

    def _show_opened(self) -> None:
        self._page = self.bench.document.project.page
        if self._page not in PAGES:
            self._page = "model"
        self._show_page()
        if self.bench.document.is_read_only:
            name = self.bench.document.title
            self.banner.say(
                tr("{name} lies where it cannot be changed. Save it elsewhere to keep your work.", name=name),
                Tone.WARNING,
                [(tr("Save as..."), self.save_as)],
            )

    def _show_title(self) -> None:
        document = self.bench.document
        # Qt puts the mark for unsaved work where this sign is, so a name must not hold it
        name = document.title.replace("[*]", "[*][*]")
        self.setWindowTitle(f"{name}[*] - {NAME}" if name else f"{NAME}[*]")
        self.setWindowModified(document.is_dirty)

    def _may_leave(self) -> bool:
        return leaving.may_leave(self, self.bench, self.save)

    def _end_other_jobs(self) -> None:
        cancel_others(self.bench.document, self.bench.jobs)

    def _chosen(self, path: str) -> None:
        if path:
            self.bench.settings.change(last_folder=str(Path(path).parent))
            self.open(path)

    # dropping -------------------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Take files and folders of this machine."""
        paths = dropped_paths(event.mimeData())
        if paths:
            self._overlay.show_for(paths)
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802 - Qt's name
        """Forget what was held over the window."""
        self._overlay.hide()
        event.accept()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """Open what was dropped, the first of several."""
        self._overlay.hide()
        paths = dropped_paths(event.mimeData())
        if not paths:
            return
        event.acceptProposedAction()
        if len(paths) > 1:
            name = Path(paths[0]).name
            self.banner.say(tr("One model at a time: {name} is opened.", name=name), Tone.INFORMATION)
        self.open(paths[0])

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Say when the window is in view for the first time."""
        super().paintEvent(event)
        if not self._is_painted:
            self._is_painted = True
            QTimer.singleShot(0, self, self.painted.emit)

    # closing --------------------------------------------------------------------------------------------------------

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Ask about running jobs and unsaved work, remember where the window was."""
        if not self._may_close and not leaving.may_close(self, self.bench, self.save):
            event.ignore()
            return
        self._may_close = True
        geometry = bytes(self.saveGeometry().toBase64().data()).decode("ascii")
        self.bench.settings.change(window_geometry=geometry, drawer_open=self.is_drawer_open)
        event.accept()
        self.closed.emit()

    def _restore_geometry(self) -> None:
        kept = self.bench.settings.value.window_geometry
        if kept and self.restoreGeometry(QByteArray.fromBase64(kept.encode("ascii"))):
            return  # Qt moves it onto a screen that is there
        screen = QGuiApplication.primaryScreen().availableGeometry()
        self.resize(min(_USUAL[0], screen.width()), min(_USUAL[1], screen.height()))
        self.move(screen.center() - self.rect().center())
