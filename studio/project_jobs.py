"""Jobs that work for a project: they name it in their arguments, and end when another project takes its place."""

from __future__ import annotations

from studio.document import Document
from studio.jobs.job import Job
from studio.jobs.service import JobService


def running_jobs(document: Document, jobs: JobService) -> list[Job]:
    """Return the jobs of the open project that wait or run; what they make would be lost if it were left now."""
    return [job for job in _with_project(jobs) if document.owns(job.request.arguments["project"])]


def is_own(document: Document, job: Job, kind: str) -> bool:
    """Say whether a job is one of the open project's, of a kind of the table in `studio.jobs.kinds`."""
    return job.request.kind == kind and document.owns(job.request.arguments.get("project"))


def running_job(document: Document, jobs: JobService, kind: str) -> Job | None:
    """Return the job of the open project that waits or runs, of one kind; None when none does."""
    return next((job for job in jobs.jobs() if is_own(document, job, kind) and not job.state.is_over), None)


def cancel_others(document: Document, jobs: JobService) -> None:
    """Cancel the jobs of projects that are not open any more: nobody takes what they make."""
    for job in _with_project(jobs):
        if not document.owns(job.request.arguments["project"]):
            jobs.cancel(job.identity)


def _with_project(jobs: JobService) -> list[Job]:
    return [job for job in jobs.jobs() if "project" in job.request.arguments and not job.state.is_over]
