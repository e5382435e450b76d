"""Open the pair that fits two models."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from converters.face.options import FaceOptions
from converters.face.works import kind_of
from converters.preview.pairs.base import Pair
from converters.preview.pairs.sides import opened_choice
from converters.preview.pairs.swap import SwapPair
from converters.preview.request import ModelChoice
from converters.progress import Progress


@contextmanager
def open_pair(
    original: ModelChoice,
    candidate: ModelChoice,
    options: FaceOptions,
    progress: Progress,
    threads: int | None = None,
) -> Iterator[Pair]:
    """Open two models and what belongs around them.

    Raises:
        StudioError: one of them cannot be opened, is of no use on pictures, or they do not belong together.
    """
    with ExitStack() as stack:
        progress("Opening the original")
        found = stack.enter_context(opened_choice(original, progress, threads))
        found = replace(found, family=options.family or found.family)
        kind = kind_of(found)
        if kind == "swapper":
            yield stack.enter_context(SwapPair(found, original, candidate, options, progress, threads))
            return
        raise NotImplementedError(kind)
