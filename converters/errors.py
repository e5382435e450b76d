"""Everything that can go wrong and that a person can do something about.

One small tree. Each error composes its own sentence from three parts: what happened, why probably,
and what to do. Bugs are not in this tree: they surface as ordinary exceptions and exit status 1.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar


class StudioError(Exception):
    """Something a person can act on; `exit_status` is what the command line returns for it.

    Args:
        what: one sentence, what happened, naming the file or option concerned.
        why: the probable cause, one sentence, or empty.
        remedy: the way out, one sentence, or empty.
    """

    exit_status: ClassVar[int] = 1

    def __init__(self, what: str, why: str = "", remedy: str = "") -> None:
        super().__init__(what, why, remedy)
        self.what = what
        self.why = why
        self.remedy = remedy

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.why, self.remedy) if part)

    def to_json(self) -> dict[str, str]:
        """Return the error as plain data, to be rebuilt by `error_from_json` in another process."""
        return {"kind": type(self).__name__, "what": self.what, "why": self.why, "remedy": self.remedy}


class UsageError(StudioError):
    """The command, option or recipe makes no sense as written."""

    exit_status = 2


class SizesNeededError(UsageError):
    """A model leaves sizes of its inputs open, and nothing tells which are meant.

    Args:
        what, why, remedy: as for every StudioError.
        axes: by input what the file says of its axes: sizes, names of open ones ("?" for those without a name), or
            None when it does not even say how many there are. Lost on the way to another process; operations that
            are asked for it return it.
    """

    def __init__(
        self, what: str, why: str = "", remedy: str = "", axes: Mapping[str, Sequence[int | str] | None] | None = None
    ) -> None:
        super().__init__(what, why, remedy)
        self.axes = dict(axes or {})


class VerificationError(StudioError):
    """An artifact was written, but does not do what the model does."""

    exit_status = 3


class UnsupportedError(StudioError):
    """This model or option is outside what the product or a target can do; said before work starts."""

    exit_status = 4


class BadInputError(StudioError):
    """A file or value given by the person cannot be used."""

    exit_status = 5


class UnsafeInputError(BadInputError):
    """A file asks for something that only a trusted file may do (run code, reach outside its folder)."""


class TrustNeededError(UnsafeInputError):
    """Opening a file would run code that comes with it; a person may say that they trust it."""


class OtherContentsError(BadInputError):
    """A file is there, but its contents are not those that were asked for."""


class DestinationError(BadInputError):
    """The place to write to is full, read-only, already taken or otherwise unusable."""


class TakenError(DestinationError):
    """Something of that name is there already; a person may say that it is to be replaced."""


class CancelledError(StudioError):
    """The person cancelled the work."""

    exit_status = 6


class WorkerError(StudioError):
    """A worker process crashed, was killed, ran out of memory or out of time."""

    exit_status = 1


_KINDS: dict[str, type[StudioError]] = {
    kind.__name__: kind
    for kind in (
        StudioError,
        UsageError,
        SizesNeededError,
        VerificationError,
        UnsupportedError,
        BadInputError,
        UnsafeInputError,
        TrustNeededError,
        OtherContentsError,
        DestinationError,
        TakenError,
        CancelledError,
        WorkerError,
    )
}


def error_from_json(data: dict[str, str]) -> StudioError:
    """Rebuild an error that another process described with `StudioError.to_json`."""
    kind = _KINDS.get(data["kind"], StudioError)
    return kind(data["what"], data.get("why", ""), data.get("remedy", ""))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return 'Did you mean …?' for the nearest known word, or the list of known words."""
    known = sorted(str(item) for item in known)
    close = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known)}."
