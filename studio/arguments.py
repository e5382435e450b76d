"""What the command line says to the window, and whether it is for the window at all. Imports next to nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from converters.errors import UsageError

COMMANDS = ("inspect", "convert", "quantize", "compare", "run")
"""Words that belong to the command line; a file of that name is opened as ./NAME."""
USAGE = "usage: main.py [--demo | --project FILE | PATH] [--measure-loop FILE]"
_OPTIONS = ("--demo", "--project", "--measure-loop")


@dataclass(frozen=True)
class Arguments:
    """What to begin with.

    Attributes:
        path: a model, folder or project to open, "demo", or "" for the start page.
        measure_loop: where the longest gap of the window's thread is written, None for nowhere.
    """

    path: str = ""
    measure_loop: Path | None = None


def are_for_window(arguments: Sequence[str]) -> bool:
    """Say whether these arguments open the window; a command, a wish for help or a mistyped command do not."""
    if not arguments:
        return True
    first = arguments[0]
    if first.startswith("-"):
        return first.partition("=")[0] in _OPTIONS
    if first in COMMANDS:
        return False
    return os.path.lexists(first) or Path(first).suffix != "" or os.sep in first or "/" in first


def parse(arguments: Sequence[str]) -> Arguments:
    """Read the window's arguments.

    Raises:
        UsageError: they make no sense.
    """
    paths: list[str] = []
    measure_loop: Path | None = None
    rest = list(arguments)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if not name.startswith("-"):
            paths.append(name + equals + value)
        elif name not in _OPTIONS or (name == "--demo" and equals):
            raise UsageError(f"The window has no option {name!r}.", "", f"{USAGE[0].upper()}{USAGE[1:]}")
        elif name == "--demo":
            paths.append("demo")
        else:
            if not equals:
                if not rest:
                    raise UsageError(f"{name} needs a file.", "", f"{USAGE[0].upper()}{USAGE[1:]}")
                value = rest.pop(0)
            if name == "--project":
                paths.append(value)
            else:
                measure_loop = Path(value).absolute()
    if len(paths) > 1:
        raise UsageError("The window opens one thing at a time.", f"Given were {', '.join(paths)}.")
    return Arguments(paths[0] if paths else "", measure_loop)
