"""Whether something is at a path, for paths that may lead anywhere."""

from __future__ import annotations

from pathlib import Path


def is_there(path: Path) -> bool:
    """Say whether something is at a path; what cannot be looked at counts as not there.

    `Path.exists` raises for a folder that this account may not enter, a name that is too long, and a share that went
    away.
    """
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
