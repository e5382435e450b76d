"""How the window looks: qdarkstyle, dark or light, with a small stylesheet of our own on top."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFontInfo, QPalette
from PySide6.QtWidgets import QApplication

ThemeName = Literal["dark", "light"]

RESOURCES = Path(__file__).resolve().parents[2] / "resources"


@dataclass(frozen=True)
class Colours:
    """The colours of one theme, for painted widgets and plots; "#rrggbb".

    Attributes:
        text, secondary, disabled: on `background` and `panel`.
        background: of pages.
        panel: of what lies beside or on a page: rail, card, fields.
        raised: of what the mouse is on.
        border: hair lines.
        accent: the one colour that asks for attention, as a line or as text.
        primary, primary_hover, primary_text: of the button that does the page's work.
        success, warning, error: of sentences and verdicts.
        original, candidate: of the two models that are compared, in every chart.
    """

    text: str
    secondary: str
    disabled: str
    background: str
    panel: str
    raised: str
    border: str
    accent: str
    primary: str
    primary_hover: str
    primary_text: str
    success: str
    warning: str
    error: str
    original: str
    candidate: str


# Greys and blues are qdarkstyle's own (its Gray and Blue scales), so that its drawn arrows and boxes fit.
_COLOURS: dict[ThemeName, Colours] = {
    "dark": Colours(
        text="#DFE1E2",
        secondary="#9DA9B5",
        disabled="#60798B",
        background="#19232D",
        panel="#1F2B36",
        raised="#293544",
        border="#37414F",
        accent="#37AEFE",
        primary="#1A72BB",
        primary_hover="#156099",
        primary_text="#FFFFFF",
        success="#4CC38A",
        warning="#E5B454",
        error="#FF7B72",
        original="#5CB8FF",
        candidate="#FFA657",
    ),
    "light": Colours(
        text="#19232D",
        secondary="#4E6172",
        disabled="#9DA9B5",
        background="#FAFAFA",
        panel="#F0F2F4",
        raised="#E3E7EA",
        border="#D2D5D8",
        accent="#125F9E",
        primary="#1A72BB",
        primary_hover="#156099",
        primary_text="#FFFFFF",
        success="#16703F",
        warning="#7F5300",
        error="#B92B26",
        original="#1A72BB",
        candidate="#B8540A",
    ),
}


class Theme(QObject):
    """The look in force; follows the system where the person wants that.

    Args:
        application: what is styled.

    Attributes:
        about_to_change: the look will be another one; every widget there is then costs time.
        changed: the look is another one now; what is painted by hand is to be made anew.
    """

    about_to_change = Signal()
    changed = Signal()

    def __init__(self, application: QApplication) -> None:
        super().__init__(application)
        self._application = application
        self._choice = "system"
        application.setStyle("Fusion")
        application.styleHints().colorSchemeChanged.connect(self._follow_system)

    def choose(self, choice: str) -> None:
        """Apply "dark", "light" or "system"; the operating system's title bar follows where it can."""
        self._choice = choice
        hints = self._application.styleHints()
        if choice == "system":
            hints.unsetColorScheme()
        else:
            hints.setColorScheme(Qt.ColorScheme.Dark if choice == "dark" else Qt.ColorScheme.Light)
        self._apply()

    def _follow_system(self) -> None:
        if self._choice == "system":
            self._apply()

    def _apply(self) -> None:
        is_light = system_is_light() if self._choice == "system" else self._choice == "light"
        name: ThemeName = "light" if is_light else "dark"
        if name == _in_force.name:
            return
        self.about_to_change.emit()
        _in_force.name = name
        self._application.setPalette(_palette(colours()))
        self._application.setStyleSheet(stylesheet(name))
        self.changed.emit()


def system_is_light() -> bool:
    """Say whether the system is set to a light look; those that do not say get the dark one.

    Pictures are judged better before a dark ground.
    """
    return QApplication.styleHints().colorScheme() is Qt.ColorScheme.Light


class _InForce:
    """Which theme the painted widgets of this process use; a QApplication has one look."""

    name: ThemeName | None = None


_in_force = _InForce()


def colours() -> Colours:
    """Return the colours in force."""
    return _COLOURS[_in_force.name or "dark"]


def is_dark() -> bool:
    """Say whether the look in force is the dark one."""
    return (_in_force.name or "dark") == "dark"


def stylesheet(name: ThemeName) -> str:
    """Return qdarkstyle's sheet with ours behind it.

    qdarkstyle's own `load_stylesheet` imports QtPy and with it most of PySide6's modules, which takes as long as the
    rest of the start. The sheet and its pictures lie in the package as plain files, so they are used from there.
    """
    package = find_spec("qdarkstyle")
    if package is None or package.origin is None:
        raise RuntimeError("qdarkstyle is not installed")
    folder = Path(package.origin).parent / name
    sheet = (folder / f"{name}style.qss").read_text(encoding="utf-8")
    sheet = sheet.replace(f":/qss_icons/{name}/rc", (folder / "rc").as_posix())
    ours = Template((RESOURCES / "style" / "studio.qss").read_text(encoding="utf-8"))
    return sheet + ours.substitute(asdict(_COLOURS[name]), **_font_sizes())


def _font_sizes() -> dict[str, int]:
    """Return sizes of headings and small print in pixels; they grow with the font the system is set to."""
    body = QFontInfo(QApplication.font()).pixelSize()
    return {
        "title_size": round(body * 1.5),
        "subtitle_size": round(body * 1.15),
        "caption_size": max(10, round(body * 0.88)),
    }


def _palette(of: Colours) -> QPalette:
    """Return the palette for what no stylesheet reaches: links, placeholders, painted widgets."""
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: of.background,
        QPalette.ColorRole.WindowText: of.text,
        QPalette.ColorRole.Base: of.background,
        QPalette.ColorRole.AlternateBase: of.panel,
        QPalette.ColorRole.Text: of.text,
        QPalette.ColorRole.Button: of.panel,
        QPalette.ColorRole.ButtonText: of.text,
        QPalette.ColorRole.Highlight: of.primary,
        QPalette.ColorRole.HighlightedText: of.primary_text,
        QPalette.ColorRole.Link: of.accent,
        QPalette.ColorRole.LinkVisited: of.accent,
        QPalette.ColorRole.PlaceholderText: of.secondary,
        QPalette.ColorRole.ToolTipBase: of.raised,
        QPalette.ColorRole.ToolTipText: of.text,
    }
    for role, colour in roles.items():
        palette.setColor(role, QColor(colour))
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(of.disabled))
    return palette
