"""What every page works with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.document import Document
    from studio.jobs.service import JobService
    from studio.settings import SettingsStore


@dataclass(frozen=True)
class Workbench:
    """What every page works with.

    Attributes:
        document: the project that is open; knows nothing of widgets.
        jobs: the door to work.
        settings: what the person prefers, kept between runs.
    """

    document: Document
    jobs: JobService
    settings: SettingsStore
