"""The middle of the window: the start page, or the page of the walk that was chosen; made when first asked for."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QStackedWidget, QWidget

from studio.ui.pages.base import Page
from studio.ui.pages.table import page_maker
from studio.ui.start_page import StartPage
from studio.ui.workbench import Workbench


class PageStack(QStackedWidget):
    """Shows one page at a time.

    Every page lies in a scroll area, so that none makes the window larger than the screen.

    Args:
        bench: what pages work with.
        start: shown while there is no model.

    Attributes:
        made: a page was made, before it is shown.
    """

    made = Signal(object)

    def __init__(self, bench: Workbench, start: StartPage, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self.start = start
        self._pages: dict[str, Page] = {}
        self._areas: dict[str, QScrollArea] = {}
        self._start_area = self._add_area()
        self._put_in(self._start_area, start)

    def page(self, identifier: str) -> Page:
        """Return a page; it is made now if it was not before."""
        if identifier not in self._pages:
            area = self._add_area()
            # the page is made where it will be: whatever is moved to another parent is styled anew with all it holds
            page = page_maker(identifier)(self._bench, area.viewport())
            self._put_in(area, page)
            self._pages[identifier] = page
            self._areas[identifier] = area
            self.made.emit(page)
        return self._pages[identifier]

    def is_made(self, identifier: str) -> bool:
        """Say whether a page is there already."""
        return identifier in self._pages

    def show_page(self, identifier: str) -> None:
        """Bring a page into view; the start page instead while there is no model."""
        if self._bench.document.inspection is None:
            self.setCurrentWidget(self._start_area)
            self.start.setFocus()
            return
        page = self.page(identifier)
        if self.currentWidget() is not self._areas[identifier]:
            self.setCurrentWidget(self._areas[identifier])
            page.setFocus()
            page.shown()

    def _add_area(self) -> QScrollArea:
        area = QScrollArea(self)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        # the pages' controls take the keyboard, the area around them does not
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.addWidget(area)
        return area

    def _put_in(self, area: QScrollArea, page: QWidget) -> None:
        area.setAccessibleName(page.accessibleName())
        area.setWidget(page)
