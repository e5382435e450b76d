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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QObject, QTimer, Signal

from converters.errors import StudioError, UnsupportedError
from studio.background_writer import BackgroundWriter
from studio.file_lock import FileLock, LockHeldError, LockImpossibleError, is_held
from studio.locations import recovery_folder
from studio.plain_data import mapping, typed
from studio.presence import is_there
from studio.project import Project
from studio.project_file import UnreadableError, project_data, project_from, read_json
from studio.ui.texts import tr
from studio.work_folders import remove_abandoned, remove_unsaved

_FORMAT: Final = "ffstudio-recovery"
_KEYS: Final = ("format", "title", "when", "path", "project")
_NAME: Final = re.compile(r"(?P<identity>[0-9a-f]{32})-[0-9a-f]{32}")
_DAMAGED: Final = ".damaged"
_DELAY_MILLISECONDS: Final = 1000
_CLOCK_SECONDS: Final = 2.0
"""By how much a project's file must be newer: offers know whole seconds, some disks only every second one."""

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


@dataclass(frozen=True)
class Restored:
    """What the work of an offer goes on as.

    Attributes:
        project: with its unsaved changes.
        place: of its file, None for none.
        notice: what the person should know, None for nothing.
    """

    project: Project
    place: Path | None
    notice: StudioError | None = None


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

    def wait(self) -> bool:
        """Return when everything is on the disk, False where it could not be written; on any thread."""
        writer = self._writer
        return writer is not None and writer.wait()

    def abandon(self) -> None:
        """Begin to remove what is kept."""
        self._timer.stop()
        writer, lock = self._writer, self._lock
        self._writer = self._lock = None
        if writer is not None and lock is not None:
            writer.remove(lock.release)

    def clear(self) -> None:
        """Remove what is kept, and wait for the disk."""
        self.abandon()
        for writer in self.findChildren(BackgroundWriter):  # also of projects that were open before
            writer.wait()

    def leave(self) -> None:
        """Let go of what is kept, so that the next start offers it."""
        self.update()
        self.wait()
        if self._writer is not None and self._lock is not None:
            self._writer.deleteLater()
            self._lock.release()
        self._writer = self._lock = None
        self.clear()

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


def offers(say: Callable[[StudioError], object] | None = None) -> list[Offer]:
    """Return the work that earlier runs left behind, newest first; that of runs which still go on is not among it.

    What is damaged is set aside in the same folder, with `.damaged` at the end of its name. What a newer version of
    this program wrote, or cannot be read just now, stays where it is.

    Args:
        say: is told of each that is not offered; on the thread of the caller.
    """
    found = []
    for file in _files():
        if is_held(_lock_of(file)):
            continue
        try:
            found.append(read_offer(file))
        except StudioError as error:
            _log.warning("recovery file %s: %s", file.name, error)
            if not is_there(file) and not isinstance(error, UnreadableError):  # another window took it just now
                continue
            is_sound = isinstance(error, UnsupportedError | UnreadableError)
            kept = file if is_sound else _set_aside(file)
            if say is not None:
                say(_not_offered(error, kept))
    return sorted(found, key=lambda offer: offer.when, reverse=True)


def read_offer(file: Path) -> Offer:
    """Read a recovery file.

    Raises:
        BadInputError, UnsupportedError, UsageError: it cannot be read, or is none of this program.
    """
    # keys that are not known are a newer version's, which the project's version says
    top = mapping(read_json(file), "The recovery file", needed=_KEYS)
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
    if is_there(offer.file):
        return lock
    lock.release()
    return None


def restored(offer: Offer) -> Restored:
    """Return what the work of an offer goes on as.

    Where the project was saved after that work was kept, or its folder is gone, it goes on as a project of its own,
    which has no place yet: what was saved is not taken back, nor its files.
    """
    if offer.path is None:
        return Restored(offer.project, None)
    is_overtaken = _is_newer(offer.path, offer.when)
    if not is_overtaken and is_there(offer.path.parent):
        return Restored(offer.project, offer.path)
    project = replace(offer.project, identity=Project.fresh().identity)
    return Restored(project, None, _overtaken(offer) if is_overtaken else None)


def _is_newer(path: Path, when: float) -> bool:
    try:
        return path.stat().st_mtime > when + _CLOCK_SECONDS
    except OSError:
        return False


def _overtaken(offer: Offer) -> StudioError:
    return StudioError(
        tr("{name} was saved after this work was kept.", name=offer.title),
        tr("So that nothing is lost, this work is a project of its own now."),
        tr("Compare the two, and save this one under another name if you need it."),
    )


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

    They are what a kill leaves that comes between the making of a file and the first recovery file. A recovery file
    that is damaged counts: what it names may still be wanted.
    """
    try:
        kept = [file for file in _kept() if file.suffix in (".json", _DAMAGED)]
    except OSError as error:  # who cannot see what is wanted removes nothing
        _log.warning("recovery folder: %s", error)
        return
    remove_abandoned({match["identity"] for file in kept if (match := _NAME.fullmatch(file.stem))})


def _files() -> list[Path]:
    try:
        return sorted(file for file in _kept() if file.suffix == ".json" and file.is_file())
    except OSError as error:
        _log.warning("recovery folder: %s", error)
        return []


def _kept() -> list[Path]:
    """Return what is in the recovery folder, nothing where there is none yet."""
    try:
        return list(recovery_folder().iterdir())
    except FileNotFoundError:
        return []


def _lock_of(file: Path) -> Path:
    return file.with_suffix(".lock")


def _set_aside(file: Path) -> Path:
    """Rename a file so that it is not read again; return where it is now."""
    try:
        return file.replace(file.with_suffix(_DAMAGED))
    except OSError as error:
        _log.warning("recovery file %s: %s", file.name, error)
        return file


def _not_offered(error: StudioError, kept: Path) -> StudioError:
    return StudioError(
        tr("Unsaved work of an earlier run cannot be offered."), str(error), tr("It is kept in {path}.", path=kept)
    )


def _text(snapshot: Snapshot, when: float) -> str:
    data: dict[str, Any] = {
        "format": _FORMAT,
        "title": snapshot.title,
        "when": int(when),
        "path": str(snapshot.path or ""),
        "project": project_data(snapshot.project, None),
    }
    return json.dumps(data, ensure_ascii=False, allow_nan=False)
