"""What can be made of the pictures of a comparison after its end: a report, and samples for calibration."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from converters.compare.comparison import Candidate, Comparison
from converters.compare.judging import LPIPS
from converters.compare_report.frames import Frame
from converters.compare_report.overlays import plain_stem
from converters.compare_report.page import page
from converters.compare_report.pictures import INDEX
from converters.compare_report.shown import Kind
from converters.compare_report.writing import comparison_from, encoded, most_frames
from converters.destination import destination_errors
from converters.errors import BadInputError
from converters.face.faces import Picture
from converters.files import Staging, write_text_atomically
from converters.pictures import read_picture
from converters.progress import Progress


def write_page(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Write the page of a comparison from the pictures that were kept of it.

    Args:
        arguments: "pictures": the folder of `write_pictures`; "comparison": its plain data; "path": of the file to
            write; "force": whether to replace what is there.
        progress: told about every candidate.

    Returns:
        "size": of the page in bytes.

    Raises:
        BadInputError: the pictures are gone.
        DestinationError: the file exists, or cannot be written.
    """
    comparison = comparison_from(arguments["comparison"])
    folder, path = Path(arguments["pictures"]), Path(arguments["path"])
    index = _index(folder)
    samples = {sample["name"]: sample for sample in index["samples"]}
    frames: list[list[Frame]] = []
    for number, candidate in enumerate(comparison.candidates, 1):
        progress("Drawing the report", number / (len(comparison.candidates) + 1), candidate.name)
        is_drawn = index["kind"] == Kind.PICTURE and bool(candidate.outputs)
        frames.append(_frames(folder, index, samples, comparison, candidate, number) if is_drawn else [])
    by_place = {sample["place"]: sample for sample in index["samples"]}
    shown = encoded(frames, lambda place: _inputs(folder, by_place[place]))
    text = page(comparison, shown).encode("utf-8", errors="backslashreplace").decode("utf-8")
    write_text_atomically(path, text, bool(arguments.get("force")))
    return {"size": path.stat().st_size}


def keep_pictures(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Copy pictures into a folder under names that say what is in them; equal ones only once.

    Args:
        arguments: "files": each with its "path" and the "name" of its picture; "folder": to copy to, made when it is
            missing.
        progress: told about every picture.

    Returns:
        "added": names of the new files; "known": how many were there already.

    Raises:
        BadInputError: a picture cannot be read.
        DestinationError: the folder cannot be written to.
    """
    folder = Path(arguments["folder"])
    added: list[str] = []
    known = 0
    with Staging(folder) as staging:
        for done, file in enumerate(arguments["files"]):
            progress("Keeping pictures", done / len(arguments["files"]), str(file["name"]))
            source = Path(file["path"])
            read_picture(source)  # a sentence where it is none
            data = source.read_bytes()
            name = f"{plain_stem(file['name'])}-{hashlib.sha256(data).hexdigest()[:8]}{source.suffix.lower()}"
            if (folder / name).exists():
                known += 1
                continue
            staged = staging.path / name
            with destination_errors(folder):
                staged.write_bytes(data)
            staging.place(staged, name)
            added.append(name)
    return {"added": added, "known": known}


def _index(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInputError("The pictures of this comparison are gone.", "", "Compare once more.") from error
    return found


def _frames(
    folder: Path,
    index: Mapping[str, Any],
    samples: Mapping[str, Mapping[str, Any]],
    comparison: Comparison,
    candidate: Candidate,
    number: int,
) -> list[Frame]:
    """Return the worst frames of one candidate; the pictures as they were kept."""
    position = next(place for place, output in enumerate(candidate.outputs) if output["kind"] == Kind.PICTURE)
    measures = candidate.outputs[position]["measures"]
    frames = []
    for name in [name for name in candidate.worst_first() if name in samples][: most_frames(comparison)]:
        sample = samples[name]
        side = sample["candidates"][number - 1]
        heat = None
        if side[LPIPS]:
            levels = read_picture(folder / side[LPIPS])[..., 0].astype(np.float32)
            heat = levels / np.float32(255) * np.float32(index["scales"][LPIPS])
        frames.append(
            Frame(
                sample["place"],
                name,
                read_picture(folder / sample["original"]),
                read_picture(folder / side["picture"]),
                heat,
                {measure: found["values"][name] for measure, found in measures.items() if name in found["values"]},
            )
        )
    return frames


def _inputs(folder: Path, sample: Mapping[str, Any]) -> dict[str, Picture]:
    files = {"input": sample["input"], "source": sample["source_small"]}
    return {kind: read_picture(folder / name) for kind, name in files.items() if name}
