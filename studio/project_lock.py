"""One project, one window: a lock beside the project's file."""

from __future__ import annotations

import os
from pathlib import Path

from converters.errors import BadInputError
from studio.file_lock import FileLock, Holder, LockHeldError, LockImpossibleError


class ProjectLock:
    """Held while a project is open.

    Args:
        project: its file, absolute; it need not exist yet.

    Attributes:
        project: the file.
        is_read_only: no lock can be made there, nor can the project be saved there.

    Raises:
        BadInputError: another window has it open.
    """

    def __init__(self, project: Path) -> None:
        self.project = project
        self._lock: FileLock | None = None
        try:
            self._lock = FileLock(lock_file(project))
        except LockImpossibleError:
            self.is_read_only = True
        except LockHeldError as error:
            raise _held(project, error.holder) from error
        else:
            self.is_read_only = False

    def release(self) -> None:
        """Let go; doing so twice is harmless."""
        if self._lock is not None:
            self._lock.release()


def lock_file(project: Path) -> Path:
    """Return the lock's file of a project."""
    return project.with_name(f".{project.name}.lock")


def _held(project: Path, holder: Holder) -> BadInputError:
    what = f"{project.name} is open in another window."
    if not holder.process:
        return BadInputError(what, "", f"Close it there first. If there is none, remove {lock_file(project)}.")
    if holder.process == os.getpid():
        return BadInputError(what, "It belongs to this run of the program.", "Close it there first.")
    import platform

    why = f"Process {holder.process} on the machine {holder.machine} has it."
    if holder.machine == platform.node():
        return BadInputError(what, why, "Close it there first.")
    return BadInputError(
        what, why, f"Close it there first. If that machine does not run any more, remove {lock_file(project)}."
    )
