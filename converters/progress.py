"""How long work reports where it is, and learns that it should stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from converters.errors import CancelledError


@dataclass(frozen=True)
class ProgressMessage:
    """Where the work is: a stage in words, the finished fraction (0..1) of that stage, and a detail.

    `whole` is the finished fraction (0..1) of everything, None where nobody knows.
    """

    stage: str
    fraction: float
    detail: str = ""
    whole: float | None = None


@dataclass
class Progress:
    """Passed down to everything that takes more than a second.

    Calling it reports and is also the point where work can be cancelled, so call it often.

    Args:
        report: receives every message; must be quick and must not raise.
        is_cancelled: asked at every call; once it is true the call raises.

    Raises:
        CancelledError: when the person asked to stop.
    """

    report: Callable[[ProgressMessage], None] = field(default=lambda _message: None)
    is_cancelled: Callable[[], bool] = field(default=lambda: False)

    def __call__(self, stage: str, fraction: float = 0.0, detail: str = "") -> None:
        if self.is_cancelled():
            raise CancelledError("Cancelled.")
        self.report(ProgressMessage(stage, min(max(fraction, 0.0), 1.0), detail))
