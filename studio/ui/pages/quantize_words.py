"""What the Quantize page says before anything is made, and what it finds in the project's own folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from studio.ui.amounts import share_text, size_text
from studio.ui.texts import tr


def forecast_of(totals: Mapping[str, Any]) -> str:
    """Return what quantizing does to size and speed, before anything is made."""
    before = int(totals["float_bytes"]) + int(totals["other_bytes"])
    after = int(totals["bytes"]) + int(totals["other_bytes"])
    share = float(totals["integer_share"])
    size = tr(
        "Weights {before} → {after} ({share}).",
        before=size_text(before),
        after=size_text(after),
        share=share_text(after / before if before else 1.0),
    )
    if not share:
        return size + " " + tr("No layer computes in integers: smaller, not faster.")
    work = tr("Integers do {share} of the work.", share=share_text(share))
    return f"{size} {work} " + tr("Phones are quicker with that; PCs may be slower, their float kernels are better.")


def count_pictures(folder: Path) -> int:
    """Return how many files a folder of ours holds; 0 where there is none."""
    try:
        with os.scandir(folder) as entries:
            return sum(entry.is_file() and not entry.name.startswith(".") for entry in entries)
    except OSError:
        return 0
