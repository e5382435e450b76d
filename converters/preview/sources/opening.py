"""Open a source that was chosen."""

from __future__ import annotations

from pathlib import Path

from converters.builtin import DEMO_CLIP
from converters.preview.request import SourceChoice, SourceKind
from converters.preview.sources.base import FrameSource


def open_source(choice: SourceChoice) -> FrameSource:
    """Return a source, opened.

    Raises:
        BadInputError: it is not there, damaged, or empty; a camera that gives nothing or is taken.
        UsageError: its options make no sense.
    """
    source = _opened(choice)
    source.choice, source.mirror = choice, choice.mirror
    return source


def _opened(choice: SourceChoice) -> FrameSource:
    if choice.kind in (SourceKind.CLIP, SourceKind.VIDEO):
        from converters.preview.sources.clip import VideoSource

        return VideoSource(DEMO_CLIP if choice.kind is SourceKind.CLIP else Path(choice.place))
    if choice.kind is SourceKind.FOLDER:
        from converters.preview.sources.folder import FolderSource

        return FolderSource(Path(choice.place))
    if choice.kind is SourceKind.VIRTUAL:
        from converters.preview.sources.virtual import open_virtual

        return open_virtual(choice)
    from converters.preview.sources.cameras import open_camera

    return open_camera(choice)
