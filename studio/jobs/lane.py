"""A thread that does one job after the other."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from studio.jobs.ticket import Ticket


class LaneThread(threading.Thread):
    """Does the jobs of one lane, the oldest first; those cancelled meanwhile are left out.

    Args:
        name: of the thread.
        work: does a job to its end, whatever that is; must not raise.
    """

    def __init__(self, name: str, work: Callable[[Ticket], None]) -> None:
        super().__init__(name=name, daemon=False)
        self._work = work
        self._waiting: queue.SimpleQueue[Ticket | None] = queue.SimpleQueue()

    def put(self, ticket: Ticket) -> None:
        """Have a job done after those that wait already."""
        self._waiting.put(ticket)

    def finish(self) -> None:
        """Have the thread end after what it has been given."""
        self._waiting.put(None)

    def run(self) -> None:
        """Work until told to finish; called by `start`."""
        while (ticket := self._waiting.get()) is not None:
            if ticket.begin():
                self._work(ticket)
