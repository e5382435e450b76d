"""What is kept on disk to save time: named bytes in a folder of bounded size, the least recently used given up first.

Nothing depends on it. An entry that is damaged or of another kind counts as absent, and a folder that cannot be written
only costs time. Entries are data of this program's own formats; nothing in them is ever run or unpickled.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import secrets
import stat
import sys
import time
from dataclasses import dataclass
from pathlib import Path

CACHE_VARIABLE = "FFSTUDIO_CACHE"
"""The environment variable that names another folder."""
MOST_BYTES = 2 * 1024**3

_APPLICATION = "facefusion-mobile-studio"
_SUFFIX = ".ffcache"
_MAGIC = b"ffstudio-cache-1\n"
_DIGEST_BYTES = 32
_LARGEST_ENTRY = 512 * 1024**2
_NAME = re.compile(r"[0-9a-z][0-9a-z_-]{0,99}")
_UNFINISHED = re.compile(r"\.[0-9a-f]{16}\.part")
_UNFINISHED_SECONDS = 3600.0
_KEPT_PART = 0.9
"""How full the folder is after entries were given up; not to do it again at the very next one."""

_log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Return the program's cache folder: what the environment says, otherwise this system's place for caches."""
    named = os.environ.get(CACHE_VARIABLE, "").strip()
    if named:
        return Path(named).expanduser()
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / _APPLICATION / "Cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / _APPLICATION
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / _APPLICATION


@dataclass(frozen=True)
class _Entry:
    path: Path
    size: int
    used: float


class Cache:
    """Entries by group and key, both of digits, small letters, - and _.

    Args:
        folder: created when something is put into it; files in it that are not ours stay untouched.
        most_bytes: of all entries together.
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self.folder = Path(folder)
        self.most_bytes = most_bytes

    def get(self, group: str, key: str) -> bytes | None:
        """Return an entry, which counts as used now; None where there is none that is whole."""
        path = self._path(group, key)
        try:
            content = _read(path)
            if content is None:
                path.unlink(missing_ok=True)
                return None
            os.utime(path)
        except OSError as error:
            _log.debug("cache entry %s: %s", path, error)
            return None
        return content

    def put(self, group: str, key: str, content: bytes) -> bool:
        """Keep an entry, in the place of one of the same name; return whether that was possible."""
        path = self._path(group, key)
        stored = len(_MAGIC) + _DIGEST_BYTES + len(content)
        if stored > min(self.most_bytes, _LARGEST_ENTRY):
            return False
        unfinished = path.parent / f".{secrets.token_hex(8)}.part"
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                with unfinished.open("xb") as file:
                    file.write(_MAGIC + hashlib.sha256(content).digest())
                    file.write(content)
                unfinished.replace(path)
            finally:
                unfinished.unlink(missing_ok=True)
            self._make_room(path)
        except OSError as error:
            _log.debug("cache entry %s: %s", path, error)
            return False
        return True

    def remove(self, group: str, key: str) -> None:
        """Give up an entry."""
        try:
            self._path(group, key).unlink(missing_ok=True)
        except OSError as error:
            _log.debug("cache entry: %s", error)

    def keys(self, group: str) -> list[str]:
        """Return the keys of a group, sorted."""
        return sorted(entry.path.name.removesuffix(_SUFFIX) for entry in self._entries(self.folder / _checked(group)))

    def _path(self, group: str, key: str) -> Path:
        return self.folder / _checked(group) / f"{_checked(key)}{_SUFFIX}"

    def _entries(self, folder: Path) -> list[_Entry]:
        """Return the entries of a group; unfinished ones that nobody works on any more are removed."""
        found = []
        try:
            with os.scandir(folder) as items:
                for item in items:
                    status = item.stat(follow_symlinks=False)
                    if not stat.S_ISREG(status.st_mode):
                        continue
                    name = item.name.removesuffix(_SUFFIX)
                    if name != item.name and _NAME.fullmatch(name):
                        found.append(_Entry(Path(item.path), status.st_size, status.st_mtime))
                    elif _UNFINISHED.fullmatch(item.name) and time.time() - status.st_mtime > _UNFINISHED_SECONDS:
                        Path(item.path).unlink(missing_ok=True)
        except OSError as error:
            _log.debug("cache folder %s: %s", folder, error)
        return found

    def _make_room(self, newest: Path) -> None:
        """Give up what was not used for longest until everything fits."""
        groups = [path for path in self.folder.iterdir() if _NAME.fullmatch(path.name) and path.is_dir()]
        entries = sorted((entry for group in groups for entry in self._entries(group)), key=lambda entry: entry.used)
        size = sum(entry.size for entry in entries)
        if size <= self.most_bytes:
            return
        for entry in entries:
            if size <= self.most_bytes * _KEPT_PART:
                break
            if entry.path != newest:
                entry.path.unlink(missing_ok=True)
                size -= entry.size


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name in a cache")
    return name


def _read(path: Path) -> bytes | None:
    """Return an entry's content, None when the file is not what was written once; OSError where there is none."""
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST_ENTRY:
        return None
    stored = path.read_bytes()
    start = len(_MAGIC) + _DIGEST_BYTES
    content = stored[start:]
    is_whole = stored.startswith(_MAGIC) and stored[len(_MAGIC) : start] == hashlib.sha256(content).digest()
    return content if is_whole else None
