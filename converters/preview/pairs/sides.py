"""Open a side of a pair, and say what it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from converters.opened import Opened, opened
from converters.preview.pairs.base import SideInfo
from converters.preview.request import ModelChoice
from converters.progress import Progress


@contextmanager
def opened_choice(choice: ModelChoice, progress: Progress, threads: int | None = None) -> Iterator[Opened]:
    """Open a side by itself; errors as `opened`."""
    with opened(
        Path(choice.path),
        shapes=choice.shapes,
        trust=choice.trust,
        sha256=choice.sha256,
        threads=threads,
        progress=progress,
    ) as found:
        yield found


@contextmanager
def opened_like(
    original: Opened, choice: ModelChoice, progress: Progress, threads: int | None = None
) -> Iterator[Opened]:
    """Open the candidate; where its file says nothing of its family it is fed as the original is."""
    with opened_choice(choice, progress, threads) as found:
        if choice.like_original:
            yield replace(
                found,
                signature=original.signature,
                family=original.family,
                properties=original.properties,
                unread=original.unread,
            )
        else:
            yield found


def side_info(found: Opened, choice: ModelChoice) -> SideInfo:
    """Return what people are told of a side."""
    is_reference = bool(getattr(found.session, "is_reference", False))
    return SideInfo(choice.label or found.name, found.session.runtime, is_reference, found.size)
