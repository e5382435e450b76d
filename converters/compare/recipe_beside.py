"""The report that a conversion left beside its files: which recipe made this one."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

_REPORT = "report.json"
_LARGEST = 20_000_000


def recipe_beside(artifact: Path, sha256: str) -> dict[str, Any] | None:
    """Return what made an artifact, from the `report.json` in its folder.

    The report is believed only where it names this very file by its SHA-256; its words are data from a file, to be
    escaped wherever they are shown.

    Args:
        artifact: the file or package.
        sha256: of it.

    Returns:
        "recipe": plain data; "steps": what each found out; "target", "precision", "options", "engine", "verified"; None
        where there is none.
    """
    path = artifact.parent / _REPORT
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST:
            return None
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):  # none, or somebody else's: the comparison does not need it
        return None
    artifacts = report.get("artifacts") if isinstance(report, dict) else None
    for entry in artifacts if isinstance(artifacts, list) else []:
        if isinstance(entry, dict) and entry.get("sha256") == sha256:
            return {
                "recipe": report.get("recipe"),
                "steps": report.get("steps"),
                **{key: entry.get(key) for key in ("target", "precision", "options", "engine", "verified")},
            }
    return None
