"""Say what went wrong with frames, without saying the same thirty times a second."""

from __future__ import annotations

import time

from converters.dialogue import Dialogue
from converters.errors import StudioError

_PAUSE = 2.0  # seconds before the same sentence is said again


class Troubles:
    """Tells of frames that could not be treated; from any thread."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self._last = ("", 0.0)

    def say(self, error: StudioError) -> None:
        """Tell of an error, unless the very same was told just now."""
        sentence, said = self._last
        now = time.monotonic()
        if str(error) != sentence or now - said >= _PAUSE:
            self._last = (str(error), now)
            self._dialogue.say({"event": "trouble", "about": "frame", "error": error.to_json()})
