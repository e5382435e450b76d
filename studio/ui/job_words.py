"""What a job says about itself: its stage, its time, its end."""

from __future__ import annotations

import time

from converters.progress import ProgressMessage
from studio.file_labels import title_of_request
from studio.jobs.job import Job, JobState
from studio.ui.amounts import seconds_text
from studio.ui.texts import tr

_SHOWN_PARTS = 2  # as many as work at the same time


def stage_text(job: Job) -> str:
    """Return what a job does right now, or how it ended, in one line; "" for one that does not say."""
    if job.state is JobState.QUEUED:
        return tr("Waiting for its turn")
    if job.state is JobState.DONE:
        return tr("Done")
    if job.state is JobState.CANCELLED:
        return tr("Cancelled")
    if job.state is JobState.FAILED:
        return failure_text(job)
    if job.is_stopping:
        return tr("Stopping")
    if not job.parts:
        return tr(job.message.stage) if job.message.stage else tr("Starting")
    last = list(job.parts.items())[-_SHOWN_PARTS:]
    busy = [(name, part) for name, part in last if part.fraction < 1.0] or last[-1:]
    return " · ".join(
        tr("{part}: {stage}", part=_part_title(name), stage=tr(part.stage)) for name, part in sorted(busy, key=_name)
    )


def failure_text(job: Job) -> str:
    """Return what went wrong and what to do, without the lines of the log that the whole error has."""
    error = job.error
    return "" if error is None else " ".join(part for part in (error.what, error.remedy) if part)


def time_text(job: Job) -> str:
    """Return the time that is left, roughly; the time that has passed while nobody can know, or once it is over."""
    if job.state is JobState.QUEUED or not job.started:
        return ""
    if job.state.is_over:
        return _passed_text(job.ended - job.started)
    if job.remaining is not None:
        return _left_text(job.remaining)
    passed = time.monotonic() - job.started
    return tr("{time} so far", time=_passed_text(passed)) if passed >= 1 else ""


def _passed_text(seconds: float) -> str:
    return seconds_text(seconds) if seconds >= 1 else tr("under 1 s")


def _left_text(seconds: float) -> str:
    """Return a time no more exact than an estimate is."""
    if seconds > 55:
        return tr("about {minutes} min left", minutes=max(1, round(seconds / 60)))
    step = 5 if seconds >= 10 else 1
    return tr("about {seconds} s left", seconds=max(1, round(seconds / step) * step))


def _part_title(name: str) -> str:
    """Return what a part of a job is called: "TFLite fp16", "Candidate 2"."""
    title = title_of_request(name)
    title = title[:1].upper() + title[1:]
    return tr(title)


def _name(part: tuple[str, ProgressMessage]) -> str:
    return part[0]
