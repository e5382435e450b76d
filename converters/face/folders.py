"""A folder of pictures as a target: what the results are called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from converters.pictures import WRITABLE_SUFFIXES


def result_names(files: Sequence[Path]) -> dict[Path, str]:
    """Return what the result of each picture is called.

    It keeps the picture's name where its kind can be written and is a .png otherwise, with a number where that would
    be the name of another: of a.gif and a.gif.png the first becomes a.gif-2.png.
    """
    kept = {file: file.name for file in files if file.suffix.lower() in WRITABLE_SUFFIXES}
    used = {name.casefold() for name in kept.values()}
    for file in files:
        if file in kept:
            continue
        name, number = f"{file.name}.png", 1
        while name.casefold() in used:
            number += 1
            name = f"{file.name}-{number}.png"
        kept[file] = name
        used.add(name.casefold())
    return kept
