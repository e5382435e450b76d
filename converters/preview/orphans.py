"""Remove shared memory that processes left behind which were killed before anybody could."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Collection
from pathlib import Path

from converters.preview.slots import PREFIX, memory_folders

_NAME = re.compile(re.escape(PREFIX) + r"(?P<pid>\d+)-[0-9a-f]{16}")
_YOUNG = 60.0  # seconds; a container that shares the folder may count its processes differently: see `remove_orphans`


def remove_orphans(ended: Collection[int] = (), folder: Path | None = None) -> list[Path]:
    """Remove the files of processes that are not there any more.

    Files of a minute ago stay, unless their process is known to have ended: it may be one that cannot be seen from
    here. Older ones are mapped by everybody concerned, who does not need the name any more.

    Args:
        ended: numbers of processes that have ended for certain.
        folder: where to look; None for wherever `Slots` are made.

    Returns:
        What was removed.
    """
    removed = []
    folders = (folder,) if folder is not None else memory_folders()
    for path in (path for each in folders for path in each.glob(f"{PREFIX}*")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            continue
        pid = int(match["pid"])
        try:
            status = path.lstat()
            is_old = time.time() - status.st_mtime > _YOUNG
            is_own = not hasattr(os, "getuid") or status.st_uid == os.getuid()
            if is_own and (pid in ended or (is_old and not _is_running(pid))):
                path.unlink()
                removed.append(path)
        except OSError:  # its owner removed it, or keeps it open (Windows)
            continue
    return removed


def _is_running(pid: int) -> bool:
    import psutil

    return bool(psutil.pid_exists(pid))
