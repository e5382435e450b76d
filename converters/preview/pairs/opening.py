"""Open the pair that fits two models."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from converters.face.options import FaceOptions
from converters.face.works import kind_of
from converters.preview.pairs.base import Pair
from converters.preview.pairs.sides import opened_choice
from converters.preview.request import ModelChoice
from converters.progress import Progress

if TYPE_CHECKING:
    from converters.preview.pairs.two_sided import TwoSided

_FRAMES: Final = "converters.preview.pairs.frame:FramePair"
PAIRS: Final = {
    "swapper": "converters.preview.pairs.swap:SwapPair",
    "enhancer": "converters.preview.pairs.enhance:EnhancePair",
    "frame enhancer": _FRAMES,
    "picture": _FRAMES,
    "detector": "converters.preview.pairs.detect:DetectPair",
    "landmarker": "converters.preview.pairs.landmark:LandmarkPair",
    "masker": "converters.preview.pairs.mask:MaskPair",
    "recogniser": "converters.preview.pairs.recognise:RecognisePair",
}
"""By the kind of the original; everything that `kind_of` says."""


@contextmanager
def open_pair(
    original: ModelChoice,
    candidate: ModelChoice,
    options: FaceOptions,
    progress: Progress,
    threads: int | None = None,
) -> Iterator[Pair]:
    """Open two models and what belongs around them.

    Args:
        original, candidate: files in any format; `converters.opened.opened` says which.
        options: of the pipeline.
        progress: told about stages of opening.
        threads: of the runtimes; None for the usual number.

    Raises:
        StudioError: one of them cannot be opened, is of no use on pictures, or they do not belong together.
    """
    with ExitStack() as stack:
        progress("Opening the original")
        found = stack.enter_context(opened_choice(original, progress, threads))
        found = replace(found, family=options.family or found.family)
        kind = kind_of(found)
        module, _, name = PAIRS[kind].partition(":")
        pair: type[TwoSided[Any]] = getattr(importlib.import_module(module), name)
        yield stack.enter_context(pair(found, original, candidate, kind, options, progress, threads))
