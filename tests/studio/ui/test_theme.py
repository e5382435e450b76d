"""The look: both themes are whole, legible, and follow the system."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QLabel

from studio.ui import icons, theme
from studio.ui.theme import RESOURCES, Theme, colours


@pytest.fixture
def look(qapp: QApplication) -> Theme:
    return next((child for child in qapp.children() if isinstance(child, Theme)), None) or Theme(qapp)


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours by WCAG 2.2, 1 to 21."""

    def luminance(name: str) -> float:
        parts = QColor(name).getRgbF()[:3]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in map(float, parts))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", ["dark", "light"])
def test_words_can_be_read(look: Theme, name: str) -> None:
    look.choose(name)
    now = colours()
    for ground in (now.background, now.panel, now.raised):
        for words in (now.text, now.secondary, now.accent, now.success, now.warning, now.error):
            assert contrast(words, ground) >= 4.5, (words, ground)
    assert contrast(now.primary_text, now.primary) >= 4.5
    assert contrast(now.disabled, now.background) >= 2
    assert contrast("#777777", "#787878") < 1.1  # the measure can fail


@pytest.mark.parametrize("name", ["dark", "light"])
def test_the_sheet_is_whole_and_qt_understands_it(
    look: Theme, qapp: QApplication, name: theme.ThemeName, qtlog: object
) -> None:
    sheet = theme.stylesheet(name)
    pictures = [Path(found) for found in re.findall(r'url\("([^"]+)"\)', sheet)]
    assert len(pictures) > 20
    assert all(picture.is_file() for picture in pictures)
    assert "qtpy" not in sys.modules  # it takes longer than the rest of the start
    assert "$" not in sheet
    look.choose("light" if name == "dark" else "dark")
    look.choose(name)
    label = QLabel("words")
    label.setProperty("role", "title")
    label.ensurePolished()
    assert label.font().bold() or label.font().weight() >= 600
    assert qapp.styleSheet() == sheet
    assert not [record for record in qtlog.records if "parse" in record.message]  # type: ignore[attr-defined]


def test_the_system_is_followed(look: Theme, qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    look.choose("dark")
    look.changed.connect(lambda: seen.append(theme.is_dark()))
    look.choose("system")

    def system_becomes(scheme: Qt.ColorScheme) -> None:
        # the offscreen platform has no colour scheme of its own to set
        monkeypatch.setattr(theme, "system_is_light", lambda: scheme is Qt.ColorScheme.Light)
        qapp.styleHints().colorSchemeChanged.emit(scheme)

    system_becomes(Qt.ColorScheme.Light)
    assert not theme.is_dark()
    system_becomes(Qt.ColorScheme.Dark)
    assert theme.is_dark()
    look.choose("light")
    system_becomes(Qt.ColorScheme.Dark)
    assert not theme.is_dark()  # the person's own choice goes before the system's
    assert seen == [False, True, False]
    look.changed.disconnect()
    look.choose("dark")


def test_every_icon_is_drawn_in_the_themes_colours(look: Theme) -> None:
    look.choose("dark")
    names = sorted(path.stem for path in (RESOURCES / "icons").glob("*.svg"))
    assert len(names) > 20
    for name in names:
        image = icons.picture(name, 24, "#ff0000").toImage()
        drawn = {image.pixelColor(x, y).name() for x in range(24) for y in range(24) if image.pixelColor(x, y).alpha()}
        assert drawn, name
        assert all(QColor(colour).green() < 40 for colour in drawn), name
