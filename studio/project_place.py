"""Where the open project's file is, locked as long as it is open, and how it gets there."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from converters.errors import DestinationError, UsageError
from studio.presence import is_there
from studio.project import Project
from studio.project_file import SUFFIX, write_project
from studio.project_lock import ProjectLock
from studio.waiting import without_freezing


class ProjectPlace:
    """The place of the project that is open; at first it has none."""

    def __init__(self) -> None:
        self._lock: ProjectLock | None = None

    @property
    def path(self) -> Path | None:
        """The project's file, None for a project that was never saved."""
        return self._lock.project if self._lock else None

    @property
    def is_read_only(self) -> bool:
        """Whether nothing can be saved there."""
        return self._lock is not None and self._lock.is_read_only

    def lock_for(self, path: Path) -> ProjectLock:
        """Return a lock for another project's file, or the one that is held already where it is the same.

        Raises:
            BadInputError: another window has it open.
        """
        return self._lock if self._lock is not None and self._lock.project == path else ProjectLock(path)

    def take(self, lock: ProjectLock | None) -> None:
        """Go to another place, or to none, and let go of the one before."""
        old, self._lock = self._lock, lock
        if old is not None:
            self.release(old)

    def write(self, project: Project, path: Path | None = None) -> tuple[Project, ProjectLock]:
        """Write a project here, or at another place, without freezing the window.

        Args:
            project: what is written.
            path: another place, which gets the ending of projects if it has none; a file that is there is replaced.

        Returns:
            What was written (a copy of a project that has a file already is a project of its own), and the lock of
            the place, for `take`.

        Raises:
            UsageError: there is no place yet.
            StudioError: the place cannot be written to, or another window has it open; nothing changes.
        """
        place = own_place(path) if path else self.path
        if place is None:
            raise UsageError("The project has no file yet.", "", "Choose a place for it.")
        if place.suffix.lower() != SUFFIX:
            place = place.with_name(place.name + SUFFIX)
            if is_there(place) and place != self.path:  # the person agreed to replace another name at most
                raise DestinationError(f"{place} already exists.", "", "Choose another name.")
        if self._lock is not None and place != self.path:
            # two files must not be one project: what is kept of unsaved changes goes by its identity
            project = replace(project, identity=Project.fresh().identity)
        lock = self.lock_for(place)
        try:
            without_freezing(partial(write_project, place, project))
            if lock.is_read_only:  # its folder had to be made first
                lock.release()
                lock = ProjectLock(place)
        except BaseException:
            self.release(lock)
            raise
        return project, lock

    def release(self, lock: ProjectLock) -> None:
        """Let go of a lock, unless it is the one of this place."""
        if lock is not self._lock:
            lock.release()


def own_place(path: Path) -> Path:
    """Return an absolute path; a link to a project is followed, since saving would replace the link."""
    try:
        return path.resolve() if path.is_symlink() else path.absolute()
    except (OSError, RuntimeError):  # it cannot be looked at, or leads to itself; reading it says so
        return path.absolute()
