"""The window's texts in Chinese: all of them, whole, and compiled."""

from __future__ import annotations

from string import Formatter

from PySide6.QtCore import QTranslator
from PySide6.QtWidgets import QApplication

from studio import translations
from studio.ui.languages import Languages, chosen_language
from studio.ui.texts import CONTEXT, tr


def names_in(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_text_is_translated() -> None:
    texts, translated = translations.collect(), translations.read("zh_CN")
    assert len(texts) > 500
    missing = [text for text in texts if text not in translated]
    assert not missing, f"python -m studio.translations --missing lists {len(missing)}; the first: {missing[:5]}"


def test_translations_keep_what_is_filled_in() -> None:
    translated = translations.read("zh_CN")
    wrong = {source: words for source, words in translated.items() if names_in(source) != names_in(words)}
    assert not wrong
    keys = {source: words for source, words in translated.items() if ("&" in source) != ("&" in words)}
    assert not {source: words for source, words in keys.items() if source.startswith("&")}


def test_what_the_window_reads_is_what_was_translated() -> None:
    compiled = QTranslator()
    assert compiled.load(str(translations.ts_file("zh_CN").with_suffix(".qm")))
    translated = translations.read("zh_CN")
    stale = {source: words for source, words in translated.items() if compiled.translate(CONTEXT, source) != words}
    assert not stale, "run python -m studio.translations"


def test_only_known_texts_are_kept() -> None:
    assert set(translations.read("zh_CN")) <= set(translations.collect()), "run python -m studio.translations"


def test_the_language_changes_at_run_time(qapp: QApplication) -> None:
    languages = Languages(qapp)
    english = tr("Model")
    try:
        assert languages.choose("zh_CN")
        assert not languages.choose("zh_CN")  # nothing to be made anew
        assert tr("Model") == translations.read("zh_CN")["Model"] != english
        assert tr("no such text of ours {number}", number=3) == "no such text of ours 3"
        assert QApplication.translate("QPlatformTheme", "Cancel") != "Cancel"  # the buttons of Qt's own dialogs
    finally:
        languages.choose("en")
    assert tr("Model") == english == "Model"
    assert chosen_language("zh_CN") == "zh_CN"
    assert chosen_language("system") in ("en", "zh_CN")
