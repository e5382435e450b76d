"""Unsaved changes, kept so that a crash or a power cut costs a second of work at most.

While a project has changes that are not saved, a file in the program's own folder holds all of it. It goes when they
are saved or given up. What is still there at the next start, and whose process is gone, is offered to the person.
"""

from __future__ import annotations

import json
import logging
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QObject, QTimer, Signal

from converters.errors import StudioError
from studio.background_writer import BackgroundWriter
from studio.file_lock import FileLock, LockHeldError, LockImpossibleError, is_held
from studio.locations import recovery_folder
from studio.plain_data import mapping, typed
from studio.project import Project
from studio.project_file import project_data, project_from, read_json
from studio.work_folders import remove_abandoned, remove_unsaved

_FORMAT: Final = "ffstudio-recovery"
_KEYS: Final = ("format", "title", "when", "path", "project")
_NAME: Final = re.compile(r"(?P<identity>[0-9a-f]{32})-[0-9a-f]{32}")
_DELAY_MILLISECONDS: Final = 1000

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Snapshot:
    """What is kept.

    Attributes:
        project: with its unsaved changes.
        path: of its file, None for never saved.
        title: for people.
    """

    project: Project
    path: Path | None
    title: str


@dataclass(frozen=True)
class Offer:
    """Work that a run of the program left behind without having saved it.

    Attributes:
        file: in the recovery folder.
        title: of the project.
        when: of the last change, seconds since 1970.
        path: of the project's file, None for never saved.
        project: with its unsaved changes.
    """

    file: Path
    title: str
    when: float
    path: Path | None
    project: Project


class Autosave(QObject):
    """Keeps the recovery file of one open project up to date, at most a second late.

    Attributes:
        failed: a StudioError: nothing can be kept.
    """

    failed = Signal(object)

    def __init__(self, capture: Callable[[], Snapshot | None], parent: QObject | None = None) -> None:
        """Begin with nothing kept.

        Args:
            capture: returns what is to be kept now, None when nothing is unsaved.
            parent: the owner.
        """
        super().__init__(parent)
        self._capture = capture
        self._writer: BackgroundWriter | None = None
        self._lock: FileLock | None = None
        self._has_failed = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DELAY_MILLISECONDS)
        self._timer.timeout.connect(self._keep)

    def schedule(self) -> None:
        """Note that something changed. Later changes do not put it off."""
        if not self._timer.isActive():
            self._timer.start()

    def update(self) -> None:
        """Begin to bring the recovery file up to date now."""
        self._timer.stop()
        self._keep()

    def wait(self) -> None:
        """Return when everything is on the disk; on any thread."""
        writer = self._writer
        if writer is not None:
            writer.wait()

    def abandon(self) -> None:
        """Begin to remove what is kept."""
        self._timer.stop()
        writer, lock = self._writer, self._lock
        self._writer = self._lock = None
        if writer is not None and lock is not None:
            writer.remove(lock.release)

    def clear(self) -> None:
        """Remove what is kept, and wait for the disk."""
        writer = self._writer
        self.abandon()
        if writer is not None:
            writer.wait()

    def leave(self) -> None:
        """Let go of what is kept, so that the next start offers it."""
        self.update()
        self.wait()
        if self._lock is not None:
            self._lock.release()
        self._writer = self._lock = None

    def _keep(self) -> None:
        snapshot = self._capture()
        if snapshot is None:
            self.abandon()
            return
        identity = snapshot.project.identity
        if self._writer is not None and not self._writer.path.name.startswith(identity):
            self.abandon()
        if self._writer is None and not self._begin(recovery_folder() / f"{identity}-{uuid.uuid4().hex}.json"):
            return
        assert self._writer is not None
        when = time.time()
        self._writer.write(lambda: _text(snapshot, when))

    def _begin(self, file: Path) -> bool:
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = FileLock(_lock_of(file))
        except (OSError, LockHeldError, LockImpossibleError) as error:
            _log.warning("unsaved changes cannot be kept in %s: %s", file.parent, error)
            self._fail(StudioError(f"{file.parent} cannot be written to."))
            return False
        self._writer = BackgroundWriter(file, self)
        self._writer.failed.connect(self._fail)
        return True

    def _fail(self, error: StudioError) -> None:
        if not self._has_failed:  # said once; it would come again every second
            self._has_failed = True
            self.failed.emit(
                StudioError(
                    "Unsaved changes cannot be kept for the case of a crash.", str(error), "Save the project often."
                )
            )


def offers() -> list[Offer]:
    """Return the work that earlier runs left behind, newest first; that of runs which still go on is not among it.

    What cannot be read is set aside in the same folder, with `.damaged` at the end of its name.
    """
    found = []
    for file in _files():
        if is_held(_lock_of(file)):
            continue
        try:
            found.append(read_offer(file))
        except StudioError as error:
            _log.warning("recovery file %s: %s", file.name, error)
            _set_aside(file)
    return sorted(found, key=lambda offer: offer.when, reverse=True)


def read_offer(file: Path) -> Offer:
    """Read a recovery file.

    Raises:
        BadInputError, UnsupportedError, UsageError: it cannot be read, or is none of this program.
    """
    top = mapping(read_json(file), "The recovery file", _KEYS, _KEYS)
    path = typed(top["path"], str, "path")
    return Offer(
        file=file,
        title=typed(top["title"], str, "title"),
        when=float(typed(top["when"], int, "when")),
        path=Path(path) if path else None,
        project=project_from(top["project"], file.name, None),
    )


def take(offer: Offer) -> FileLock | None:
    """Make an offer this process's own; None when another one took or discarded it in the meantime."""
    try:
        lock = FileLock(_lock_of(offer.file))
    except (LockHeldError, LockImpossibleError):
        return None
    if offer.file.exists():
        return lock
    lock.release()
    return None


def discard(offer: Offer) -> None:
    """Give up what an offer holds, and the files made for it that were never saved anywhere else."""
    lock = take(offer)
    if lock is None:
        return
    try:
        offer.file.unlink(missing_ok=True)
        if offer.path is None:
            remove_unsaved(offer.project.identity)
    finally:
        lock.release()


def sweep() -> None:
    """Remove files of projects that were never saved, are not open anywhere and have no recovery file.

    They are what a kill leaves that comes between the making of a file and the first recovery file.
    """
    remove_abandoned({match["identity"] for file in _files() if (match := _NAME.fullmatch(file.stem))})


def _files() -> list[Path]:
    try:
        return sorted(file for file in recovery_folder().iterdir() if file.suffix == ".json" and file.is_file())
    except OSError:
        return []


def _lock_of(file: Path) -> Path:
    return file.with_suffix(".lock")


def _set_aside(file: Path) -> None:
    try:
        file.replace(file.with_suffix(".damaged"))
    except OSError as error:
        _log.warning("recovery file %s: %s", file.name, error)


def _text(snapshot: Snapshot, when: float) -> str:
    data: dict[str, Any] = {
        "format": _FORMAT,
        "title": snapshot.title,
        "when": int(when),
        "path": str(snapshot.path or ""),
        "project": project_data(snapshot.project, None),
    }
    return json.dumps(data, ensure_ascii=False, allow_nan=False)
