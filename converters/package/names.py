"""What things are called in a package, and where what belongs to a file lies."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from converters.package.request import PackagedFile

CONTENTS_FILE = "contents.json"
UNVERIFIED = ".unverified"


def name_in_package(file: PackagedFile) -> str:
    """Return a file's name in the package; one that did not pass keeps the mark in its name, or gets it."""
    name = file.path.name
    return name if file.verified or name.endswith(UNVERIFIED) else f"{name}{UNVERIFIED}"


def emap_beside(files: Iterable[Path], sources: Iterable[str]) -> Path | None:
    """Return the matrix that conversion left beside one of these files, None for none.

    Args:
        files: made files.
        sources: what the original may be called: its path in the recipe, which conversion names files by, and its own
            name; "" for unknown.
    """
    from converters.pipeline import host_matrix_name, stem_of

    names = [host_matrix_name(stem_of(source)) for source in sources if source]
    for folder in dict.fromkeys(file.parent for file in files):
        for path in (folder / name for name in names):
            if path.is_file() and not path.is_symlink():
                return path
    return None
