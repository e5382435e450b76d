"""What the Live tab says of the preview and its source, and how times are written there."""

from __future__ import annotations

from converters.preview.messages import SourceReport, SourceState
from converters.preview.request import Overlay
from studio.preview.live import LiveState
from studio.ui.texts import tr

_SOON = 0.5
"""Seconds that nobody counts."""


def clock_text(seconds: float) -> str:
    """Return a place in a clip as "0:07"."""
    whole = max(0, int(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


def stale_text(state: LiveState, stage: str, source: SourceReport | None) -> str:
    """Return why the picture in view is not of now, "" where it is.

    Args:
        state: of the preview.
        stage: what it does while it starts.
        source: how its source is.
    """
    if state is LiveState.RESTARTING:
        return tr("The preview ended by itself. It starts again…")
    if state is LiveState.STARTING:
        return starting_text(stage)
    if source is None:
        return ""
    if source.state is SourceState.FROZEN:
        return tr("{source} gives no new pictures.", source=source.title)
    if source.state is SourceState.LOST:
        if source.next_try >= _SOON:
            seconds = max(1, round(source.next_try))
            return tr("{source} is gone. Next try in {seconds} s.", source=source.title, seconds=seconds)
        return tr("{source} is gone. Trying again…", source=source.title)
    return ""


def starting_text(stage: str) -> str:
    """Return what a preview that starts does just now."""
    return tr(stage) if stage else tr("Starting the preview…")


def map_title(overlay: Overlay) -> str:
    """Return what a map over the candidate is called."""
    return {
        Overlay.NONE: "",
        Overlay.LPIPS: tr("LPIPS"),
        Overlay.FLIP: tr("FLIP"),
        Overlay.DIFFERENCE: tr("Difference"),
    }[overlay]
