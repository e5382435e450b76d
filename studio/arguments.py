"""What the command line says to the window, and whether it is for the window at all. Imports next to nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from converters.errors import UsageError

if TYPE_CHECKING:
    from converters.preview.request import SourceChoice

COMMANDS = ("inspect", "convert", "quantize", "compare", "run")
"""Words that belong to the command line; a file of that name is opened as ./NAME."""
USAGE = "usage: main.py [--demo | --project FILE | PATH] [--source SOURCE] [--measure-loop FILE]"
_OPTIONS = ("--demo", "--project", "--source", "--measure-loop")
_VALUES = {"--project": "a file", "--source": "a source, such as clip, camera:0 or a video", "--measure-loop": "a file"}


@dataclass(frozen=True)
class Arguments:
    """What to begin with.

    Attributes:
        path: a model, folder or project to open, "demo", or "" for the start page.
        source: of the frames that the live comparison is opened on, None for no live comparison.
        measure_loop: where the longest gap of the window's thread is written, None for nowhere.
    """

    path: str = ""
    source: SourceChoice | None = None
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
        UsageError: they make no sense, or name a source that is not there.
    """
    paths: list[str] = []
    source: SourceChoice | None = None
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
            if not equals and rest:
                value = rest.pop(0)
            if not value:
                raise UsageError(f"{name} needs {_VALUES[name]}.", "", f"{USAGE[0].upper()}{USAGE[1:]}")
            if name == "--project":
                paths.append(value)
            elif name == "--source":
                source = _source(value)
            else:
                measure_loop = Path(value).absolute()
    if len(paths) > 1:
        raise UsageError("The window opens one thing at a time.", f"Given were {', '.join(paths)}.")
    if source is not None and not paths:
        paths.append("demo")  # a live comparison needs a model
    return Arguments(paths[0] if paths else "", source, measure_loop)


def _source(text: str) -> SourceChoice:
    """Read a source; only whoever gives one pays for what that imports."""
    from converters.preview.request import SourceChoice

    return SourceChoice.of(text)
