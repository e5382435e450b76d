"""Carrying out one job in its lane's thread: whatever happens, it ends with an outcome."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters.errors import CancelledError, StudioError
from converters.operations import imported
from studio.jobs.context import WorkContext
from studio.jobs.job import JobState
from studio.jobs.kinds import KINDS, LASTING
from studio.jobs.ticket import Ticket

Data = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Attributes:
        state: done, failed or cancelled.
        result: plain data when it is done.
        error: why there is no result.
        log: the last of what its workers printed.
    """

    state: JobState
    result: Data | None = None
    error: StudioError | None = None
    log: str = ""


def cancelled() -> CancelledError:
    """Return what a cancelled job ends with."""
    return CancelledError("Cancelled.")


def carry_out(ticket: Ticket, context: WorkContext) -> Outcome:
    """Do a job to its end.

    Returns:
        The outcome; nothing is ever raised, so that the next job of the lane runs in any case.
    """
    unforeseen = ""
    try:
        result: Data | None = imported(KINDS[ticket.request.kind])(dict(ticket.request.arguments), context)
        error: StudioError | None = None
        if ticket.is_cancelled() and ticket.request.kind not in LASTING:
            result, error = None, cancelled()
    except StudioError as caught:
        result, error = None, caught
    except BaseException as caught:  # a bug costs its own job and nothing else
        unforeseen = traceback.format_exc()
        result, error = None, cancelled() if ticket.is_cancelled() else _bug(caught)
    log = "\n".join(part for part in (_printed(context), unforeseen) if part)
    if error is None:
        return Outcome(JobState.DONE, result, log=log)
    state = JobState.CANCELLED if isinstance(error, CancelledError) else JobState.FAILED
    return Outcome(state, error=error, log=log)


def _printed(context: WorkContext) -> str:
    try:
        return context.printed()
    except OSError as error:
        return f"What the workers printed cannot be read: {error}"


def _bug(error: BaseException) -> StudioError:
    frames = traceback.extract_tb(error.__traceback__)[-2:]
    places = ", ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    words = "".join(traceback.format_exception_only(error)).strip()
    return StudioError(
        f"This failed in a way that is not foreseen: {words[:500]} ({places}).",
        "",
        "Please report this; the log of the job has more.",
    )
