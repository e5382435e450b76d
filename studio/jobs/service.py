"""The one door to work for the window: submit, follow, cancel, retry. Nothing here waits, except `close`."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, Qt, QTimer, Signal

from converters.errors import StudioError
from converters.files import Staging
from studio.jobs.context import WorkContext
from studio.jobs.followers import Follower
from studio.jobs.job import Job, JobRequest, JobState, Lane
from studio.jobs.lane import LaneThread
from studio.jobs.running import Outcome, cancelled, carry_out
from studio.jobs.ticket import Ticket
from studio.jobs.warming import Warming
from studio.jobs.workers import Workers

Data = dict[str, Any]

_TICK = 100  # milliseconds between two looks at how far running jobs are
_PATIENCE = 5.0  # seconds that threads have to end in `close`
_KEPT = 100  # finished jobs


class JobService(QObject):
    """Queues jobs, one lane beside the other, and tells the window's thread how they are.

    All methods are called on the thread the service was made on, and all signals and callbacks come on it, never from
    within `submit` or `cancel` (`added` excepted).

    Args:
        folder: takes a private folder for logs and scratch files, removed by `close`; made if missing.
        operations: "module:table" instead of the product's operations; for tests.
        parent: as for any object.

    Raises:
        DestinationError: the folder cannot be written to.
    """

    added = Signal(int)
    """A job's identity."""
    changed = Signal(int)
    finished = Signal(int)
    removed = Signal(int)
    """A finished job was dropped from the list; `job` does not know it any more."""
    closing = Signal()
    """The program ends: whoever has a process of its own ends it now, before the folder for its files goes."""
    _arrived = Signal()

    def __init__(self, folder: Path, *, operations: str = "", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._private = Staging(Path(folder).absolute())
        self._private.__enter__()
        self.scratch.mkdir()
        self._workers = Workers(self._private.path / "logs", operations)
        self._warming = Warming(self._workers)
        self._lanes: dict[Lane, LaneThread] = {}
        self._jobs: dict[int, Job] = {}
        self._tickets: dict[int, Ticket] = {}  # of those that are not over
        self._contexts: dict[int, WorkContext] = {}  # of those that are running
        self._logs: dict[int, str] = {}  # of those that are over
        self._followers: dict[int, list[Follower]] = {}
        self._last = 0
        self._is_closed = False
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._arrived.connect(self._take_in, Qt.ConnectionType.QueuedConnection)
        self._timer = QTimer(self, interval=_TICK)
        self._timer.timeout.connect(self._tick)
        application = QCoreApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self.close)

    # what the window asks for ---------------------------------------------------------------------------------------

    def submit(self, request: JobRequest) -> int:
        """Queue a job and return its identity; one after `close` is cancelled at once.

        Args:
            request: what is to be done; jobs that it replaces are cancelled.
        """
        if request.replaces:
            for identity in [
                key for key, ticket in self._tickets.items() if ticket.request.replaces == request.replaces
            ]:
                self.cancel(identity)
        self._last += 1
        identity = self._last
        ticket = Ticket(identity, request)
        self._jobs[identity] = Job(identity, request)
        self._tickets[identity] = ticket
        self.added.emit(identity)
        if self._is_closed:
            self.cancel(identity)
        else:
            self._lane(request.lane).put(ticket)
        return identity

    def follow(
        self,
        identity: int,
        owner: QObject,
        *,
        done: Callable[[Data], object] | None = None,
        failed: Callable[[StudioError], object] | None = None,
        changed: Callable[[Job], object] | None = None,
    ) -> None:
        """Be told about one job, on the window's thread; a job that is over is told about in a moment.

        Args:
            identity: of the job.
            owner: nothing is called any more once it is destroyed.
            done: gets the result.
            failed: gets the error, a CancelledError when the job was cancelled.
            changed: gets the job at every change but the last.
        """
        follower = Follower(owner, done, failed, changed)
        if identity in self._jobs and identity not in self._tickets:
            self._later(partial(follower.tell_end, self._jobs[identity]))
        else:
            self._followers.setdefault(identity, []).append(follower)

    def cancel(self, identity: int) -> None:
        """Have a job stop; returns at once, the job ends within 3 seconds. One that is over stays as it is."""
        ticket, job = self._tickets.get(identity), self._jobs.get(identity)
        if ticket is None or job is None or job.state.is_over or job.is_stopping:
            return
        if ticket.cancel():
            self._jobs[identity] = replace(job, state=JobState.CANCELLED, error=cancelled())
            self._later(partial(self._end, identity, Outcome(JobState.CANCELLED, error=cancelled())))
        else:
            self._jobs[identity] = replace(job, is_stopping=True)
            self._later(partial(self._tell_change, identity))

    def retry(self, identity: int) -> int:
        """Submit the same request again and return the new job's identity."""
        return self.submit(self.job(identity).request)

    def job(self, identity: int) -> Job:
        """Return a job as it is now.

        Raises:
            KeyError: it is none of the jobs that are kept.
        """
        return self._jobs[identity]

    def jobs(self) -> tuple[Job, ...]:
        """Return all jobs that are kept, the oldest first."""
        return tuple(self._jobs.values())

    def log(self, identity: int) -> str:
        """Return the last of what the workers of a job printed; "" when they printed nothing.

        Raises:
            KeyError: it is none of the jobs that are kept.
        """
        if identity not in self._jobs:
            raise KeyError(identity)
        context = self._contexts.get(identity)
        return self._logs.get(identity, "") if context is None else context.printed()

    def warm(self) -> None:
        """Start the workers of conversions and have them import their libraries, quietly in the background."""
        if not self._is_closed and not self.is_busy:
            self._warming.begin()

    def forget(self, identity: int) -> None:
        """Drop a job that is over from the list."""
        if self._jobs[identity].state.is_over and identity not in self._tickets:
            del self._jobs[identity]
            self._logs.pop(identity, None)
            self.removed.emit(identity)

    @property
    def scratch(self) -> Path:
        """A private folder for files that live as long as the program."""
        return self._private.path / "scratch"

    @property
    def is_busy(self) -> bool:
        """Whether jobs that are not quiet wait or run."""
        return any(not job.request.is_quiet and not job.state.is_over for job in self._jobs.values())

    def close(self) -> None:
        """Cancel everything and end all workers and threads; takes up to 5 seconds, and what `closing` takes.

        Closing twice is harmless.
        """
        if self._is_closed:
            return
        self._is_closed = True
        self.closing.emit()
        self._timer.stop()
        for ticket in self._tickets.values():
            ticket.cancel()
        self._warming.make_way(())
        for lane in self._lanes.values():
            lane.finish()
        deadline = time.monotonic() + _PATIENCE
        self._workers.close()
        for join in (*(lane.join for lane in self._lanes.values()), self._warming.join):
            join(max(0.0, deadline - time.monotonic()))
        for identity in self._tickets:
            self._jobs[identity] = replace(self._jobs[identity], state=JobState.CANCELLED, error=cancelled())
        self._tickets.clear()
        self._contexts.clear()
        self._followers.clear()
        self._private.__exit__(None, None, None)

    # in a lane's thread ---------------------------------------------------------------------------------------------

    def _work(self, ticket: Ticket) -> None:
        context = WorkContext(ticket.identity, ticket.progress, self._workers, self.scratch, self._warming.make_way)
        self._later(partial(self._begin, ticket.identity, context, time.monotonic()))
        self._later(partial(self._end, ticket.identity, carry_out(ticket, context)))

    def _later(self, action: Callable[[], None]) -> None:
        """Have something done on the window's thread; may be called on any."""
        self._inbox.put(action)
        self._arrived.emit()

    # on the window's thread -----------------------------------------------------------------------------------------

    def _lane(self, lane: Lane) -> LaneThread:
        if lane not in self._lanes:
            self._lanes[lane] = LaneThread(f"jobs: {lane}", self._work)
            self._lanes[lane].start()
        return self._lanes[lane]

    def _take_in(self) -> None:
        while not self._inbox.empty():
            action = self._inbox.get()
            if not self._is_closed:
                action()

    def _begin(self, identity: int, context: WorkContext, started: float) -> None:
        self._contexts[identity] = context
        self._jobs[identity] = replace(self._jobs[identity], state=JobState.RUNNING, started=started)
        if not self._timer.isActive():
            self._timer.start()
        self._tell_change(identity)

    def _tick(self) -> None:
        for identity in list(self._contexts):
            if self._take_news(identity):
                self._tell_change(identity)

    def _take_news(self, identity: int) -> bool:
        """Take over how far a running job is; say whether that is anything new."""
        ticket, job = self._tickets[identity], self._jobs[identity]
        news, remaining = ticket.news(), ticket.remaining()
        if news is not None:
            job = replace(job, message=news.message, parts=news.parts)
        is_other = (remaining is None) != (job.remaining is None) or abs((remaining or 0) - (job.remaining or 0)) >= 1
        if is_other:
            job = replace(job, remaining=remaining)
        self._jobs[identity] = job
        return is_other or news is not None

    def _end(self, identity: int, outcome: Outcome) -> None:
        if identity in self._contexts:
            self._take_news(identity)
        self._contexts.pop(identity, None)
        if not self._contexts:
            self._timer.stop()
        del self._tickets[identity]
        self._jobs[identity] = replace(
            self._jobs[identity],
            state=outcome.state,
            result=outcome.result,
            error=outcome.error,
            ended=time.monotonic(),
            remaining=None,
            is_stopping=False,
        )
        self._logs[identity] = outcome.log
        job, followers = self._jobs[identity], self._followers.pop(identity, [])
        self.changed.emit(identity)
        for follower in followers:
            follower.tell_end(job)
        self.finished.emit(identity)
        self._drop_oldest()

    def _tell_change(self, identity: int) -> None:
        job = self._jobs[identity]
        if not job.state.is_over:
            self.changed.emit(identity)
            for follower in self._followers.get(identity, [])[:]:
                follower.tell_change(job)

    def _drop_oldest(self) -> None:
        """Keep the list short: quiet jobs that went well go first."""
        over = [job for job in self._jobs.values() if job.identity not in self._tickets]
        over.sort(key=lambda job: not job.request.is_quiet or job.state is JobState.FAILED)
        for job in over[: max(0, len(over) - _KEPT)]:
            self.forget(job.identity)
