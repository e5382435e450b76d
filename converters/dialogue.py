"""What work hears and says while it goes on, beside progress: a preview runs until it is told to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from converters.progress import Progress

Data = dict[str, Any]


@dataclass
class Dialogue(Progress):
    """The Progress that a worker's operations get.

    Attributes:
        say: tells whoever called something, plain JSON data; returns at once.
        heard: waits at most so many seconds (0: not at all) for what the caller tells, and returns it; None for
            nothing. What was told comes in order, one at a time.
    """

    say: Callable[[Data], None] = field(default=lambda _said: None)
    heard: Callable[[float], Data | None] = field(default=lambda _seconds: None)
