"""Open another candidate while the video goes on: in a thread, the newest wish wins."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from converters.closing import Closing
from converters.errors import StudioError
from converters.preview.pairs.base import Pair
from converters.preview.request import ModelChoice
from converters.progress import Progress

Data = Mapping[str, Any]


@dataclass(frozen=True)
class Opening:
    """A candidate that was opened, or the reason why not.

    Attributes:
        command: that wished for it.
        choice: of it.
        opened: what `Pair.take_candidate` takes; None where it failed.
        error: why it failed.
    """

    command: Data
    choice: ModelChoice
    opened: Closing | None
    error: StudioError | None = None


class CandidateOpener(Closing):
    """Opens one candidate at a time; a newer wish makes those before it void.

    Args:
        pair: that the candidates are for.
    """

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self._lock = threading.Lock()
        self._wish: tuple[Data, ModelChoice] | None = None
        self._done: Opening | None = None
        self._bug: BaseException | None = None
        self._thread: threading.Thread | None = None
        self._is_over = False

    @property
    def is_busy(self) -> bool:
        """Whether a candidate is being opened, or waits to be taken."""
        with self._lock:
            return self._thread is not None or self._done is not None

    def wish(self, command: Data) -> None:
        """Open the "model" of a command, as soon as the one that is being opened is done."""
        choice = ModelChoice.from_json(command["model"])  # here: what is no model must not end the thread
        with self._lock:
            self._wish = (command, choice)
            done, self._done = self._done, None
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="candidate", daemon=True)
                self._thread.start()
        _close(done)

    def done(self) -> Opening | None:
        """Return what was opened last, the caller's from now on; None while there is nothing.

        Raises:
            Exception: a bug in the thread.
        """
        with self._lock:
            if self._bug is not None:
                raise self._bug
            done, self._done = self._done, None
            return done

    def _run(self) -> None:
        while True:
            with self._lock:
                wish, self._wish = self._wish, None
                if wish is None or self._is_over:
                    self._thread = None
                    return
            opened: Opening | None = None
            command, choice = wish
            try:
                progress = Progress(is_cancelled=self._is_void)
                opened = Opening(command, choice, self._pair.open_candidate(choice, progress))
            except StudioError as error:  # also that it is void
                opened = Opening(command, choice, None, error)
            except BaseException as error:  # the loop's own thread raises it, with its traceback
                self._bug = error
            with self._lock:
                if self._wish is None and not self._is_over:
                    self._done, opened = opened, None
            _close(opened)

    def _is_void(self) -> bool:
        return self._is_over or self._wish is not None

    def close(self) -> None:
        """Wait for what is being opened and free it."""
        with self._lock:
            self._is_over = True
            thread = self._thread
        if thread is not None:
            thread.join()
        with self._lock:
            done, self._done = self._done, None
        _close(done)


def _close(opening: Opening | None) -> None:
    if opening is not None and opening.opened is not None:
        opening.opened.close()
