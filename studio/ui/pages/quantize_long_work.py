"""The Quantize page's long jobs: who is to blame, schemes within a budget, pictures from a camera.

They outlive the page: a page that is made anew finds them among the jobs and takes over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, Signal

from converters.errors import CancelledError, StudioError
from studio.jobs.job import Job, JobRequest, JobState, Lane
from studio.jobs.service import JobService
from studio.ui.texts import tr

Data = dict[str, Any]

BLAME, BUDGET, GRAB = "calibration_blame", "calibration_budget", "calibration_grab"
_WORKERS = {BLAME: "analysis", BUDGET: "analysis", GRAB: "camera"}
_CAMERA_SECONDS = 180.0


class LongWork(QObject):
    """Submits long jobs and tells how they ended.

    Signals:
        blamed(result, arguments), searched(result, arguments), grabbed(result): they ended well.
        failed(error, identity): one did not.
    """

    blamed = Signal(object, object)
    searched = Signal(object, object)
    grabbed = Signal(object)
    failed = Signal(object, int)

    def __init__(self, jobs: JobService, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        for job in jobs.jobs():
            if not job.state.is_over:
                self._follow(job.identity)
        jobs.added.connect(self._follow)

    def tell_blame(self, source: str) -> None:
        """Tell once more what was found out about a model last, if anything was."""
        found = [
            job
            for job in self._jobs.jobs()
            if operation_of(job) == BLAME and job.state is JobState.DONE and _arguments_of(job)["source"] == source
        ]
        if found:
            self.blamed.emit(found[-1].result, _arguments_of(found[-1]))

    def blame(self, arguments: Data, name: str) -> int:
        """Find who is to blame."""
        return self._submit(BLAME, tr("Finding which layers of {model} lose most", model=name), arguments)

    def search(self, arguments: Data, budget: float, name: str) -> int:
        """Choose schemes within a budget."""
        title = tr("Choosing schemes for {model} within {budget}", model=name, budget=f"{budget:g}")
        return self._submit(BUDGET, title, {**arguments, "budget": budget})

    def grab(self, arguments: Data) -> int:
        """Take pictures with a camera."""
        return self._submit(GRAB, tr("Taking calibration pictures"), arguments)

    def _submit(self, operation: str, title: str, arguments: Data) -> int:
        called: Data = {"worker": _WORKERS[operation], "operation": operation, "arguments": arguments}
        if operation == GRAB:
            called["timeout"] = _CAMERA_SECONDS
        lane = Lane.INTERACTIVE if operation == GRAB else Lane.WORK
        return self._jobs.submit(JobRequest("operation", title, called, lane=lane))

    def _follow(self, identity: int) -> None:
        """Be told how a job ends, whoever submitted it: this page, one before it, or the list of jobs for a retry."""
        job = self._jobs.job(identity)
        operation = operation_of(job)
        if operation not in _WORKERS:
            return
        arguments = _arguments_of(job)

        def done(result: Data) -> None:
            if operation == BLAME:
                self.blamed.emit(result, arguments)
            elif operation == BUDGET:
                self.searched.emit(result, arguments)
            else:
                self.grabbed.emit(result)

        def failed(error: StudioError) -> None:
            if not isinstance(error, CancelledError):
                self.failed.emit(error, identity)

        self._jobs.follow(identity, self, done=done, failed=failed)


def operation_of(job: Job) -> str:
    """Return the name of the operation that a job has a worker do, "" for other kinds of jobs."""
    return str(job.request.arguments.get("operation", "")) if job.request.kind == "operation" else ""


def _arguments_of(job: Job) -> Mapping[str, Any]:
    found: Mapping[str, Any] = job.request.arguments["arguments"]
    return found


def same_options(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two calls are about the same model, steps and options."""
    names = ("source", "shapes", "steps", "options")
    first, second = (json.dumps([each[name] for name in names], sort_keys=True) for each in (one, other))
    return first == second
