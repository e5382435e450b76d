"""Who wants to know about which job; called on the window's thread only, and never after its owner is gone."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from PySide6.QtCore import QObject
from shiboken6 import isValid

from converters.errors import StudioError
from studio.jobs.job import Job

Data = dict[str, Any]


@dataclass(frozen=True)
class Follower:
    """One who follows a job.

    Attributes:
        owner: nothing is called any more once it is destroyed.
        done: gets the result.
        failed: gets the error, a CancelledError when the job was cancelled.
        changed: gets the job at every change but the last.
    """

    owner: QObject
    done: Callable[[Data], object] | None
    failed: Callable[[StudioError], object] | None
    changed: Callable[[Job], object] | None

    def tell_change(self, job: Job) -> None:
        """Tell that a job is another one now."""
        if self.changed is not None:
            self._call(partial(self.changed, job))

    def tell_end(self, job: Job) -> None:
        """Tell how a job ended."""
        if job.error is not None:
            if self.failed is not None:
                self._call(partial(self.failed, job.error))
        elif self.done is not None and job.result is not None:
            self._call(partial(self.done, job.result))

    def _call(self, action: Callable[[], object]) -> None:
        """Call back; a mistake there is reported as any in a slot and keeps nobody else from being told."""
        if not isValid(self.owner):
            return
        try:
            action()
        except Exception as error:
            sys.excepthook(type(error), error, error.__traceback__)
