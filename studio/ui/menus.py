"""The menu bar: everything the window can do, with its keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence, QUndoStack
from PySide6.QtWidgets import QMenu, QMenuBar

from studio.ui.languages import LANGUAGES
from studio.ui.texts import tr

if TYPE_CHECKING:
    from studio.ui.window import Window

_MOST_RECENT = 10
Keys = QKeySequence.StandardKey | str


class _History(QObject):
    """Keeps the entries for undo and redo in step with what can be undone; lives and dies with them."""

    def __init__(self, stack: QUndoStack, undo: QAction, redo: QAction) -> None:
        super().__init__(undo)
        self._stack, self._undo, self._redo = stack, undo, redo
        stack.indexChanged.connect(self._show)
        stack.cleanChanged.connect(self._show)
        self._show()

    def _show(self, _changed: object = None) -> None:
        stack = self._stack
        self._undo.setEnabled(stack.canUndo())
        self._redo.setEnabled(stack.canRedo())
        # an & would be taken for a key
        undone, redone = stack.undoText().replace("&", "&&"), stack.redoText().replace("&", "&&")
        self._undo.setText(tr("&Undo: {what}", what=undone) if undone else tr("&Undo"))
        self._redo.setText(tr("&Redo: {what}", what=redone) if redone else tr("&Redo"))


class Menus:
    """Fills a window's menu bar; made anew with the window's other parts when the language changes.

    Args:
        window: whose bar it is, and whose slots the entries call.
    """

    def __init__(self, window: Window) -> None:
        self._window = window
        window.setMenuBar(QMenuBar())
        window.menuBar().show()
        window.menuBar().setAccessibleName(tr("Menu bar"))
        self._fill_file()
        self._fill_edit()
        self._fill_view()
        self._fill_help()

    def _fill_file(self) -> None:
        window = self._window
        menu = self._menu(tr("&File"), "file")
        self._add(menu, "new", tr("&New project"), window.new_project, QKeySequence.StandardKey.New)
        self._add(menu, "open", tr("&Open..."), window.choose_file, QKeySequence.StandardKey.Open)
        self._add(menu, "open-folder", tr("Open &folder..."), window.choose_folder, "Ctrl+Shift+O")
        self._add(menu, "open-demo", tr("Open the &demo"), lambda: window.open("demo"))
        recent = menu.addMenu(tr("Open &recent"))
        recent.setObjectName("menu-recent")
        recent.aboutToShow.connect(lambda: self._fill_recent(recent))
        menu.addSeparator()
        self._add(menu, "save", tr("&Save"), window.save, QKeySequence.StandardKey.Save)
        self._add(menu, "save-as", tr("Save &as..."), window.save_as, "Ctrl+Shift+S")
        menu.addSeparator()
        settings = self._add(menu, "settings", tr("Se&ttings..."), window.show_settings, "Ctrl+,")
        settings.setMenuRole(QAction.MenuRole.PreferencesRole)
        close = self._add(menu, "quit", tr("&Quit"), window.close, "Ctrl+Q")
        close.setMenuRole(QAction.MenuRole.QuitRole)

    def _fill_recent(self, menu: QMenu) -> None:
        menu.clear()
        for path in self._window.recent_paths()[:_MOST_RECENT]:
            # an & would be taken for a key
            entry = menu.addAction(str(Path(path)).replace("&", "&&"))
            entry.triggered.connect(lambda _checked=False, path=path: self._window.open(path))
        if menu.isEmpty():
            menu.addAction(tr("Nothing yet")).setEnabled(False)

    def _fill_edit(self) -> None:
        menu = self._menu(tr("&Edit"), "edit")
        stack = self._window.bench.document.undo_stack
        undo = self._add(menu, "undo", tr("&Undo"), stack.undo, QKeySequence.StandardKey.Undo)
        redo = self._add(menu, "redo", tr("&Redo"), stack.redo, QKeySequence.StandardKey.Redo)
        self._history = _History(stack, undo, redo)

    def _fill_view(self) -> None:
        window = self._window
        menu = self._menu(tr("&View"), "view")
        for action in window.rail.actions_of_pages:
            menu.addAction(action)
        menu.addSeparator()
        jobs = self._add(menu, "jobs", tr("&Jobs"), None, "Ctrl+J")
        jobs.setCheckable(True)
        jobs.setChecked(window.is_drawer_open)
        jobs.toggled.connect(window.show_drawer)
        self.jobs = jobs
        menu.addSeparator()
        themes = {"system": tr("As the system"), "dark": tr("Dark"), "light": tr("Light")}
        self._choice(menu, tr("&Theme"), "theme", list(themes.items()))
        languages = [("system", tr("As the system")), *LANGUAGES.items()]
        self._choice(menu, tr("&Language"), "language", languages)
        menu.addSeparator()
        full = self._add(menu, "full-screen", tr("Full screen"), window.toggle_full_screen, "F11")
        full.setMenuRole(QAction.MenuRole.NoRole)

    def _choice(self, menu: QMenu, title: str, setting: str, choices: Sequence[tuple[str, str]]) -> None:
        """Add a sub-menu whose entries set one setting."""
        settings = self._window.bench.settings
        below = menu.addMenu(title)
        below.setObjectName(f"menu-{setting}")
        group = QActionGroup(below)
        for value, words in choices:
            entry = below.addAction(words)
            entry.setObjectName(f"{setting}-{value}")
            entry.setCheckable(True)
            entry.setChecked(getattr(settings.value, setting) == value)
            group.addAction(entry)
            entry.triggered.connect(lambda _checked=False, value=value: settings.change(**{setting: value}))

    def _fill_help(self) -> None:
        window = self._window
        menu = self._menu(tr("&Help"), "help")
        self._add(menu, "shortcuts", tr("&Keyboard shortcuts"), window.show_shortcuts, "F1")
        self._add(menu, "crash-reports", tr("&Crash reports"), window.show_crash_reports)
        about = self._add(menu, "about", tr("&About"), window.show_about)
        about.setMenuRole(QAction.MenuRole.AboutRole)

    def _menu(self, title: str, name: str) -> QMenu:
        menu = self._window.menuBar().addMenu(title)
        menu.setObjectName(f"menu-{name}")
        menu.setToolTipsVisible(True)
        return menu

    def _add(
        self,
        menu: QMenu,
        name: str,
        text: str,
        act: Callable[[], object] | None,
        keys: Keys | None = None,
    ) -> QAction:
        action = QAction(text, menu)
        action.setObjectName(f"action-{name}")
        if keys is not None:
            action.setShortcut(QKeySequence(keys))
        if act is not None:
            action.triggered.connect(lambda _checked=False: act())
        menu.addAction(action)
        return action
