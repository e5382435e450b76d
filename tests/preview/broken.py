"""Previews that do what must never be, or seldom is, for the tests that it is noticed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from converters.dialogue import Dialogue
from converters.errors import BadInputError
from converters.face.faces import Picture
from converters.preview import loop
from converters.preview.keeping import Keeping
from converters.preview.pairs.base import PairResult
from converters.preview.pairs.swap import SwapPair
from converters.preview.sources.virtual import read_barcode
from converters.preview.treated import Shown
from converters.progress import Progress

LATE = {"preview": "tests.preview.broken:late"}
TOLD = {"preview": "tests.preview.broken:told"}
FAILING = {"preview": "tests.preview.broken:failing"}
_whole = SwapPair.process
_written, _added = Keeping.snapshot, Keeping.add


def late(arguments: dict[str, Any], dialogue: Dialogue) -> dict[str, Any]:
    """Run a preview that pairs each original with the candidate of the frame before."""
    before: list[Picture] = []

    def process(pair: SwapPair, frame: Picture, seconds: float | None, progress: Progress) -> PairResult:
        result = _whole(pair, frame, seconds, progress)
        before.append(result.candidate.copy())
        return replace(result, candidate=before.pop(0) if len(before) > 1 else before[0])

    SwapPair.process = process  # type: ignore[method-assign]
    return loop.preview(arguments, dialogue)


def told(arguments: dict[str, Any], dialogue: Dialogue) -> dict[str, Any]:
    """Run a preview that tells which frame a snapshot's numbers are of, and whether the window sees a frame."""

    codes: dict[int, int] = {}  # by identity: what was drawn into a frame, read as soon as it was treated

    def snapshot(keeping: Keeping, path: Path, shown: Shown) -> None:
        report = shown.report
        dialogue.say({"event": "told", "index": report.index, "code": codes[report.identity]})
        _written(keeping, path, shown)

    def add(keeping: Keeping, shown: Shown) -> None:
        codes[shown.report.identity] = read_barcode(shown.treated.result.original)
        dialogue.say({"event": "kept", "is_seen": shown.report.memory != ""})
        _added(keeping, shown)

    Keeping.snapshot = snapshot  # type: ignore[method-assign]
    Keeping.add = add  # type: ignore[method-assign]
    return loop.preview(arguments, dialogue)


def failing(arguments: dict[str, Any], dialogue: Dialogue) -> dict[str, Any]:
    """Run a preview whose models can do nothing with every other frame."""
    seen: list[float | None] = []

    def process(pair: SwapPair, frame: Picture, seconds: float | None, progress: Progress) -> PairResult:
        seen.append(seconds)
        result = _whole(pair, frame, seconds, progress)
        if len(seen) % 2:
            raise BadInputError("A model gave no usable numbers.", "", "Choose another one.")
        return result

    SwapPair.process = process  # type: ignore[method-assign]
    return loop.preview(arguments, dialogue)
