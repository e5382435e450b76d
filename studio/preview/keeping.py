"""What becomes of frames that somebody wants to keep: calibration pictures, and sentences about files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject

from converters.errors import StudioError
from converters.preview.messages import WorstFrame
from studio.jobs.job import JobRequest, Lane
from studio.jobs.service import JobService
from studio.ui.texts import tr

Data = dict[str, Any]
_WORKER = "inspector"


def keep_frames(
    jobs: JobService,
    owner: QObject,
    frames: Sequence[WorstFrame],
    folder: Path,
    title: str,
    *,
    said: Callable[[str], None],
    failed: Callable[[StudioError], None],
) -> None:
    """Copy the pictures of frames into a folder, in a worker.

    Args:
        jobs: the door to work.
        owner: nothing is called any more once it is destroyed.
        frames: as they were captured.
        folder: made if missing.
        title: of their source: what they are called after where they have no names.
        said: gets a sentence when they are there.
        failed: gets the error where they are not.
    """
    files = [{"path": each.picture, "name": each.name or f"{title} {each.position:.2f} s"} for each in frames]
    arguments: Data = {"files": files, "folder": str(folder)}
    called = {"worker": _WORKER, "operation": "keep_pictures", "arguments": arguments}
    identity = jobs.submit(JobRequest("operation", tr("Adding pictures to calibration"), called, Lane.MODEL))

    def kept(answer: Data) -> None:
        count = len(answer["added"])
        said(
            tr("{count} pictures were added to the calibration folder {folder}.", count=count, folder=str(folder))
            if count
            else tr("These pictures are in the calibration folder already.")
        )

    jobs.follow(identity, owner, done=kept, failed=failed)


def saved_words(message: Data) -> str:
    """Return the sentence for a message `saved`."""
    name = Path(message["path"]).name
    if message["what"] == "snapshot":
        return tr("The snapshot {name} was saved.", name=name)
    count, left_out = message["frames"], message.get("left_out", 0)
    if left_out:
        return tr(
            "The recording {name} was saved, {count} frames; {left} more came faster than they could be written.",
            name=name,
            count=count,
            left=left_out,
        )
    return tr("The recording {name} was saved, {count} frames.", name=name, count=count)
