"""A job as plain data: what was asked for, how far it is, how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from converters.errors import StudioError
from converters.progress import ProgressMessage

Data = dict[str, Any]


class JobState(StrEnum):
    """Where a job is in its life."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class Lane(StrEnum):
    """Jobs of one lane run one after the other, lanes beside each other."""

    MODEL = "model"
    """Opening and examining models."""
    INTERACTIVE = "interactive"
    """What a person waits for while moving a handle."""
    WORK = "work"
    """What takes minutes and all cores."""


@dataclass(frozen=True)
class JobRequest:
    """What is to be done.

    Attributes:
        kind: a name of the table in `studio.jobs.kinds`.
        title: for people, in their language: "Converting demo".
        arguments: plain JSON data.
        lane: which jobs it waits for.
        replaces: a mark; waiting or running jobs with the same one are cancelled when this one is submitted, so that
            the newest wins. Empty for none.
        is_quiet: not listed in the drawer unless it fails.
        can_retry: whether the list of jobs offers to run it again: it makes sense without whoever asked for it, or
            they notice jobs of their kind that others submit.
        keeps_files: it writes to a place where nothing may be yet: once it is done, it would find its own files there.
    """

    kind: str
    title: str
    arguments: Mapping[str, Any]
    lane: Lane = Lane.WORK
    replaces: str = ""
    is_quiet: bool = False
    can_retry: bool = True
    keeps_files: bool = False


@dataclass(frozen=True)
class Job:
    """One job at one moment; every change makes another one.

    Attributes:
        identity: its number, unique in this run of the program.
        request: what was asked for.
        state: where it is.
        message: the last one about its progress.
        parts: the last message of each worker, by the name before ": " in its stages ("coreml-fp16").
        started, ended: seconds of the monotonic clock, 0 while not yet.
        remaining: estimated seconds, None while unknown.
        result: plain data once it is done.
        error: why there is no result, once it failed or was cancelled.
        is_stopping: somebody cancelled it and it is about to end.
    """

    identity: int
    request: JobRequest
    state: JobState = JobState.QUEUED
    message: ProgressMessage = field(default=ProgressMessage("", 0.0))
    parts: Mapping[str, ProgressMessage] = field(default_factory=dict)
    started: float = 0.0
    ended: float = 0.0
    remaining: float | None = None
    result: Data | None = None
    error: StudioError | None = None
    is_stopping: bool = False

    @property
    def can_retry(self) -> bool:
        """Whether it can be run again now with the same settings."""
        is_in_the_way = self.request.keeps_files and self.state is JobState.DONE
        return self.state.is_over and self.request.can_retry and not is_in_the_way

    @property
    def fraction(self) -> float:
        """How much is done, 0..1: of everything where that is known, else of the stage."""
        return self.message.fraction if self.message.whole is None else self.message.whole
