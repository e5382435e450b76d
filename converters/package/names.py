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


def emap_beside(files: Iterable[Path], source_name: str) -> Path | None:
    """Return the matrix that conversion left beside one of these files, None for none.

    Args:
        files: made files.
        source_name: of the original, as their metadata has it; "" when it is not known yet.
    """
    from converters.pipeline import host_matrix_name, stem_of

    for folder in dict.fromkeys(file.parent for file in files):
        path = folder / host_matrix_name(stem_of(source_name))
        if source_name and path.is_file() and not path.is_symlink():
            return path
    return None
