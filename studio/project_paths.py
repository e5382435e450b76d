"""Paths in a project's file: relative where they lie below its folder, so that the folder can move as a whole.

A relative path is written as "./models/a.onnx", with `/` on every system. The dot tells it from names that are no
paths ("demo"), and the command line understands it too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Final

from converters.builtin import DEMO_NAME
from converters.errors import UsageError
from converters.recipe import Recipe, StepRequest
from studio.presence import is_there

PATH_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {"quantize": ("calibration",)}
"""Options of steps that name files or folders, one a line."""
_RELATIVE = "./"
_FACTORY = re.compile(r"(?P<file>.+\.py)(?P<function>:[A-Za-z_][A-Za-z_0-9]*)")


def relative(path: str, folder: Path | None) -> str:
    """Return how a path is written in a file of `folder`; "" stays ""."""
    if not path or folder is None:
        return path
    try:
        below = Path(path).relative_to(folder)
    except ValueError:
        return path
    return _RELATIVE + below.as_posix()


def absolute(path: str, folder: Path | None) -> str:
    """Return the path that `relative` wrote.

    Raises:
        UsageError: a relative path that leads out of the folder.
    """
    if folder is None or not path.startswith(_RELATIVE):
        return path
    below = PurePosixPath(path)
    if ".." in below.parts or "\0" in path:
        raise UsageError(f"The path {path!r} leads out of the project's folder.", "", "Write it as an absolute path.")
    return str(folder / Path(*below.parts))


def source_file(source: str) -> Path | None:
    """Return the file or folder that a recipe's source is in, None for none and for the built-in demo."""
    if not source:
        return None
    path = Path(source)
    if is_there(path):
        return path
    if source == DEMO_NAME:
        return None
    match = _FACTORY.fullmatch(source)
    return Path(match["file"]) if match else path


def source_title(source: str) -> str:
    """Return what a recipe's source is called: the name of its file, or the source itself where it is none."""
    file = source_file(source)
    return file.name if file else source


def relative_recipe(recipe: Recipe, folder: Path | None) -> Recipe:
    """Return a recipe with its paths as they are written in a file of `folder`."""
    return with_paths(recipe, lambda path: relative(path, folder))


def absolute_recipe(recipe: Recipe, folder: Path | None) -> Recipe:
    """Return the recipe that `relative_recipe` wrote.

    Raises:
        UsageError: a relative path leads out of the folder.
    """
    return with_paths(recipe, lambda path: absolute(path, folder))


def with_paths(recipe: Recipe, change: Callable[[str], str]) -> Recipe:
    """Return a recipe with every path in it changed by a function; "" is a path as well."""
    judged = recipe.verification
    return replace(
        recipe,
        source=change(recipe.source),
        steps=tuple(_step_with(step, change) for step in recipe.steps),
        verification=replace(judged, images=change(judged.images)),
    )


def _step_with(step: StepRequest, change: Callable[[str], str]) -> StepRequest:
    options = dict(step.options)
    for name in PATH_OPTIONS.get(step.step, ()):
        if name in options:
            options[name] = _each_line(str(options[name]), change)
    return replace(step, options=options)


def _each_line(text: str, change: Callable[[str], str]) -> str:
    return "\n".join(change(line) for line in text.split("\n"))
