"""Open a source that was chosen."""

from __future__ import annotations

from pathlib import Path

from converters.builtin import DEMO_CLIP
from converters.preview.request import SourceChoice, SourceKind
from converters.preview.sources.base import FrameSource
from converters.preview.sources.clip import VideoSource


def open_source(choice: SourceChoice) -> FrameSource:
    """Return a source, opened.

    Raises:
        BadInputError: it is not there, damaged, or empty.
    """
    if choice.kind is SourceKind.CLIP:
        return VideoSource(DEMO_CLIP)
    if choice.kind is SourceKind.VIDEO:
        return VideoSource(Path(choice.place))
    raise NotImplementedError(choice.kind)
