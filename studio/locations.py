"""Where this program keeps what is its own: settings, recovery files, files of projects that have no place yet."""

from __future__ import annotations

import os
import sys
from pathlib import Path

DATA_VARIABLE = "FFSTUDIO_DATA"
"""The environment variable that names another folder."""
_APPLICATION = "facefusion-mobile-studio"


def data_folder() -> Path:
    """Return the program's own folder: what the environment says, otherwise this system's place for such data.

    It need not exist; whoever writes into it makes it.
    """
    named = os.environ.get(DATA_VARIABLE, "").strip()
    if named:
        return Path(named).expanduser().absolute()
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / _APPLICATION
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / _APPLICATION
    return Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share") / _APPLICATION


def settings_file() -> Path:
    """Return where the person's settings are."""
    return data_folder() / "settings.json"


def recovery_folder() -> Path:
    """Return where unsaved changes are kept until they are saved or given up."""
    return data_folder() / "recovery"


def unsaved_folder() -> Path:
    """Return where files are made for projects that were not saved yet, a folder for each."""
    return data_folder() / "unsaved"
