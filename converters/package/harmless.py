"""Take a machine's paths out of everything that ships: where somebody keeps their files is nobody else's business."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from converters.recipe import Recipe, StepRequest

_PLACES = "calibration"
"""The option of a step that holds paths, one a line."""
_LEAST_PARTS = 3
_WINDOWS = re.compile(r"(?<![A-Za-z0-9])(?:[A-Za-z]:[\\/]|\\\\[^\\/\s]+[\\/])(?:[^\s\"'<>|:*?\\/]+[\\/])*")
_POSIX = re.compile(r"(?<![\w./:\\-])/(?:[^\s\"'<>|:/]+/)+")


def last_name(path: str) -> str:
    """Return the last part of a path of any system: what of it says nothing about a machine."""
    if path in ("", "."):
        return path
    return PureWindowsPath(path).name if "\\" in path else PurePosixPath(path).name


def harmless_recipe(recipe: Recipe) -> Recipe:
    """Return a recipe whose source, calibration and verification pictures are last names only."""
    return replace(
        recipe,
        source=last_name(recipe.source),
        steps=tuple(_harmless_step(step) for step in recipe.steps),
        verification=replace(recipe.verification, images=last_name(recipe.verification.images)),
    )


def _harmless_step(step: StepRequest) -> StepRequest:
    places = step.options.get(_PLACES)
    if not isinstance(places, str):
        return step
    names = "\n".join(last_name(line) for line in places.split("\n"))
    return replace(step, options={**step.options, _PLACES: names})


class Harmless:
    """Replaces paths in texts and plain data by their last names.

    What is known to be a path (the source, its folder, the home folder, …) goes wherever it stands. Beyond that only
    what leads to something on this machine counts as a path: layers have names such as /decoder/conv_1/Conv.

    Args:
        known: paths of this project; relative and empty ones are ignored.
    """

    def __init__(self, known: Iterable[str]) -> None:
        folders = {str(Path.home()), tempfile.gettempdir(), str(Path.cwd())}
        for path in map(Path, filter(os.path.isabs, known)):
            folders.update(str(each) for each in (*path.parents, *([path] if path.is_dir() else [])))
        # /home and the like could be a layer's name as well; what begins there on this disk goes all the same
        short = {folder for folder in folders if len(Path(folder).parts) < _LEAST_PARTS}
        forms = {form for folder in folders - short for form in _forms(folder)}
        self._folders = sorted(forms, key=lambda folder: (-len(folder), folder))

    def text(self, text: str) -> str:
        """Return a text without the folders of this machine."""
        for folder in self._folders:
            if folder in text:
                text = _without(folder, text)
        text = _WINDOWS.sub("", text)
        return _POSIX.sub(_unless_here, text)

    def data(self, value: Any) -> Any:
        """Return plain data with every text made harmless; names of keys as well."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.data(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.data(item) for item in value]
        return value


def _forms(folder: str) -> tuple[str, ...]:
    """Return a folder as it may be written: as it is, with slashes, and with the backslashes of JSON."""
    return folder, folder.replace("\\", "/"), folder.replace("\\", "\\\\")


def _without(folder: str, text: str) -> str:
    """Return a text in which what lies in a folder has its last names only, and the folder itself its own."""
    inside = re.compile(r"(?<![\w.-])" + re.escape(folder) + r"[\\/]+(?:[^\s\"'<>|:*?\\/]+[\\/]+)*")
    alone = re.compile(r"(?<![\w.-])" + re.escape(folder) + r"(?![\w.-])")
    return alone.sub(last_name(folder), inside.sub("", text))


def _unless_here(match: re.Match[str]) -> str:
    """Return nothing for the folders of a path that begins on this machine's disk, other texts as they are."""
    text = match.group()
    beginning = Path(*PurePosixPath(text).parts[:3])
    return "" if beginning.exists() else text
