"""Collect a report's pictures within its size, and write the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from converters.compare.comparison import Candidate, Comparison
from converters.compare_report.encoding import encode, encode_heat, encode_small, highest_of
from converters.compare_report.frames import Frame, inputs_of, worst_frames
from converters.compare_report.page import Shown, page
from converters.destination import destination_errors
from converters.errors import error_from_json
from converters.face.faces import Picture
from converters.progress import Progress

MOST_FRAMES = 12
_ALL_FRAMES = 36
_LEAST_FRAMES = 3
_THUMB = 76


def write_html(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Write a comparison's page.

    Args:
        arguments: "staging": of the comparison; "comparison": its plain data; "path": of the file to write.
        progress: told about every candidate.

    Returns:
        "size": of the page in bytes.

    Raises:
        DestinationError: the file cannot be written.
    """
    comparison = comparison_from(arguments["comparison"])
    text = page(comparison, collected(comparison, Path(arguments["staging"]), progress))
    path = Path(arguments["path"])
    with destination_errors(path):
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    return {"size": path.stat().st_size}


def collected(comparison: Comparison, staging: Path, progress: Progress) -> Shown:
    """Return the pictures of a report: of every candidate the worst ones."""
    return encoded(frames_of(comparison, staging, progress), lambda place: inputs_of(staging, place))


def encoded(frames: list[list[Frame]], inputs: Callable[[int], Mapping[str, Picture]]) -> Shown:
    """Return the pictures of a report, encoded.

    Args:
        frames: of every candidate, the worst first.
        inputs: gives what the models saw of a picture, as `inputs_of` does.
    """
    highest = highest_of([frame.heat for each in frames for frame in each if frame.heat is not None])
    pictures: dict[str, Picture] = {}
    uris: dict[str, str] = {}
    thumbs: dict[str, str] = {}
    for number, each in enumerate(frames, 1):
        for frame in each:
            pictures[f"o{frame.place}"] = frame.original
            pictures[f"c{number}-{frame.place}"] = frame.candidate
            if frame.heat is not None:
                uris[f"h{number}-{frame.place}"] = encode_heat(frame.heat, highest)
            if f"input {frame.place}" not in thumbs:
                for kind, picture in inputs(frame.place).items():
                    name = f"{kind[0]}{frame.place}"
                    uris[name] = encode_small(picture, _THUMB)
                    thumbs[f"{kind} {frame.place}"] = name
    exact = encode(pictures)
    return Shown(frames, highest, {**uris, **exact.uris}, thumbs, exact.note)


def frames_of(comparison: Comparison, staging: Path, progress: Progress) -> list[list[Frame]]:
    """Return the worst pictures of every candidate; none for those that could not be measured or draw nothing."""
    most = most_frames(comparison)
    found: list[list[Frame]] = []
    for number, candidate in enumerate(comparison.candidates, 1):
        progress("Drawing the report", number / (len(comparison.candidates) + 1), candidate.name)
        plain = candidate.to_json()
        worst = candidate.worst_first() if candidate.outputs else []
        found.append(list(worst_frames(staging, number, plain, worst, most)))
    return found


def most_frames(comparison: Comparison) -> int:
    """Return how many pictures of each candidate a report shows."""
    return min(MOST_FRAMES, max(_LEAST_FRAMES, _ALL_FRAMES // max(len(comparison.candidates), 1)))


def comparison_from(data: Mapping[str, Any]) -> Comparison:
    """Return a comparison from its plain data."""
    return Comparison(
        original=data["original"],
        candidates=tuple(_candidate_from(each) for each in data["candidates"]),
        names=tuple(data["names"]),
        pictures=data["pictures"],
        embeddings=data["embeddings"],
        notes=tuple(data["notes"]),
        seconds=data["seconds"],
    )


def _candidate_from(data: Mapping[str, Any]) -> Candidate:
    judgement = {key: data[key] for key in ("outputs", "broken", "notes")} if data["outputs"] else None
    error = error_from_json(data["error"]) if data["error"] else None
    return Candidate(data["path"], data["side"], judgement, data["recipe"], error)
