"""What a person prefers, kept between runs."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QObject, Signal

from converters.errors import StudioError
from studio.background_writer import BackgroundWriter
from studio.locations import settings_file
from studio.plain_data import parse

LANGUAGES: Final = ("system", "en", "zh_CN")
THEMES: Final = ("system", "dark", "light")
MOST_RECENT: Final = 12
_MOST_BYTES: Final = 1024**2
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {"language": LANGUAGES, "theme": THEMES}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """All of it.

    Attributes:
        language: "system", or one of `LANGUAGES`.
        theme: "system" (follow it), "dark" or "light".
        recent: projects and models, the newest first.
        window_geometry: as Qt writes it, in base64.
        drawer_open: whether the list of jobs is in view.
        last_folder: where the last file was chosen.
        export_folder: where the last package went.
        calibration_folder: where calibration pictures were chosen last.
    """

    language: str = "system"
    theme: str = "system"
    recent: tuple[str, ...] = ()
    window_geometry: str = ""
    drawer_open: bool = False
    last_folder: str = ""
    export_folder: str = ""
    calibration_folder: str = ""


class SettingsStore(QObject):
    """The settings and their file, which is written in the background after each change.

    Several windows may share the file: each writes what was changed in it and leaves the rest as it is there.

    Args:
        path: the file; this program's own place for None.

    Attributes:
        changed: after every change.
        failed: a StudioError: the file cannot be written. The change holds until the program ends.
        notice: what was wrong with the file at the start, None for nothing.
    """

    changed = Signal()
    failed = Signal(object)

    def __init__(self, path: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._writer = BackgroundWriter(path or settings_file(), self)
        self._writer.failed.connect(self.failed)
        self.notice: StudioError | None = None
        self._value = self._written = self._read()

    @property
    def value(self) -> Settings:
        """The settings as they are now."""
        return self._value

    def change(self, **values: Any) -> None:
        """Set some fields by name.

        Raises:
            ValueError, TypeError: no such field, or no such value; a bug of the caller.
        """
        for name, value in values.items():
            if not _fits(name, value):
                raise ValueError(f"{name} cannot be {value!r}")
        value = replace(self._value, **values)
        if value == self._value:
            return
        self._value = value
        self._writer.write(lambda: self._text(value), then=lambda: self._note_written(value))
        self.changed.emit()

    def add_recent(self, path: str) -> None:
        """Put a project or model at the head of the recent ones."""
        others = [each for each in self._value.recent if each != path]
        self.change(recent=(path, *others)[:MOST_RECENT])

    def remove_recent(self, path: str) -> None:
        """Take a project or model out of the recent ones."""
        self.change(recent=tuple(each for each in self._value.recent if each != path))

    def close(self) -> None:
        """Wait until everything is on the disk."""
        self._writer.wait()

    def _text(self, value: Settings) -> str:
        """Return what the file is to say; on the writer's thread."""
        try:
            theirs = replace(Settings(), **_good(_data(self._writer.path)))
        except (OSError, ValueError, RecursionError):
            theirs = self._written  # nothing of others can be told apart: all of ours
        return json.dumps(asdict(_merged(self._written, value, theirs)), indent=1, ensure_ascii=False) + "\n"

    def _note_written(self, value: Settings) -> None:
        self._written = value

    def _read(self) -> Settings:
        path = self._writer.path
        try:
            data = _data(path)
        except FileNotFoundError:
            return Settings()
        except OSError as error:
            self.notice = StudioError(
                "The settings cannot be read; the usual ones are used.", f"{error.strerror}.", f"Look at {path}."
            )
            return Settings()
        except (ValueError, RecursionError) as error:
            self.notice = self._set_aside(error)
            return Settings()
        good = _good(data)
        known = {field.name for field in fields(Settings)}
        bad = sorted(name for name in data if name in known and name not in good)
        if bad:
            self.notice = StudioError(
                "Some settings made no sense; the usual ones are used for them.", f"In {path}: {', '.join(bad)}."
            )
        return Settings(**good)

    def _set_aside(self, error: Exception) -> StudioError:
        path = self._writer.path
        aside = path.with_name(f"{path.name}.damaged")
        _log.warning("settings %s: %s", path, error)
        try:
            path.replace(aside)
        except OSError:
            aside = path
        return StudioError("The settings were damaged; the usual ones are used.", "", f"The old file is {aside}.")


def _data(path: Path) -> dict[str, object]:
    """Return what the settings' file says.

    Raises:
        OSError: it cannot be read.
        ValueError, RecursionError: it is damaged.
    """
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ValueError("it is too large")
    data = parse(content.decode("utf-8"))
    if not isinstance(data, dict):
        raise ValueError("it holds no settings")
    return data


def _good(data: Mapping[str, object]) -> dict[str, Any]:
    """Return the fields that make sense."""
    values = {name: _from_json(value) for name, value in data.items()}
    return {name: value for name, value in values.items() if _fits(name, value)}


def _merged(base: Settings, mine: Settings, theirs: Settings) -> Settings:
    """Return `theirs` with what differs between `base` and `mine`."""
    changed = {
        field.name: getattr(mine, field.name)
        for field in fields(Settings)
        if getattr(mine, field.name) != getattr(base, field.name)
    }
    if "recent" in changed:
        changed["recent"] = _merged_recent(base.recent, mine.recent, theirs.recent)
    return replace(theirs, **changed)


def _merged_recent(base: tuple[str, ...], mine: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[str, ...]:
    """Return `theirs` with what was opened here since `base` before it, and without what was taken out here."""
    head = mine[:1] if mine[:1] != base[:1] else ()
    opened = [path for path in mine if path in head or path not in base]
    gone = {path for path in base if path not in mine}
    return (*opened, *(path for path in theirs if path not in opened and path not in gone))[:MOST_RECENT]


def _from_json(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _fits(name: str, value: object) -> bool:
    """Say whether a field of this name exists and can have this value."""
    defaults = {field.name: field.default for field in fields(Settings)}
    if name not in defaults or type(value) is not type(defaults[name]):
        return False
    if isinstance(value, tuple):
        return len(value) <= MOST_RECENT and all(isinstance(each, str) and each for each in value)
    return name not in _CHOICES or value in _CHOICES[name]
