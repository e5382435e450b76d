"""Where a person may have something written."""

from __future__ import annotations

import os
from pathlib import Path

from converters.errors import DestinationError


def require_folder(path: Path) -> None:
    """Refuse a path whose folder is not there: it was mistyped, and a folder made of it would never be found again.

    Raises:
        DestinationError: there is no such folder.
    """
    if not os.path.isdir(path.parent):  # noqa: PTH112 - false for names that no system accepts, too
        raise DestinationError(
            f"{path} cannot be written.", f"There is no folder {path.parent}.", "Correct the path, or make the folder."
        )
