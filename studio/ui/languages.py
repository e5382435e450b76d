"""The languages of the window, and how one is put into force while it runs."""

from __future__ import annotations

from PySide6.QtCore import QLibraryInfo, QLocale, QTranslator
from PySide6.QtWidgets import QApplication

from studio.ui.theme import RESOURCES

TRANSLATIONS = RESOURCES / "translations"
LANGUAGES = {"en": "English", "zh_CN": "简体中文"}
"""Codes, and what each language calls itself."""


def chosen_language(choice: str) -> str:
    """Return the code of a language: the choice itself, or what fits the system's settings for "system"."""
    if choice in LANGUAGES:
        return choice
    for name in QLocale.system().uiLanguages():
        if name.replace("_", "-").startswith("zh-") and not name.startswith(("zh-Hant", "zh-TW", "zh-HK", "zh-MO")):
            return "zh_CN"
        if name.startswith("en"):
            return "en"
    return "en"


class Languages:
    """Puts a language into force: our texts, those of Qt's own dialogs, and how numbers are written.

    Args:
        application: what the texts belong to.
    """

    def __init__(self, application: QApplication) -> None:
        self._application = application
        self._installed: list[QTranslator] = []
        self.language = "en"

    def choose(self, choice: str) -> bool:
        """Put a language into force and say whether it is another one than before; widgets are to be made anew then.

        Args:
            choice: a code of `LANGUAGES`, or "system".
        """
        language = chosen_language(choice)
        is_other = language != self.language
        if not is_other:
            return False
        for translator in self._installed:
            self._application.removeTranslator(translator)
        self._installed.clear()
        self.language = language
        QLocale.setDefault(QLocale(language))
        if language != "en":
            own = str(TRANSLATIONS)
            of_qt = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
            for name, folder in ((f"qtbase_{language}", of_qt), (f"studio_{language}", own)):
                translator = QTranslator(self._application)
                if translator.load(name, folder):
                    self._application.installTranslator(translator)
                    self._installed.append(translator)
        return True
