"""Every compared picture as files for a program: both sides, where they differ, thumbnails, and an index.

The index is plain data:

- "version"; "kind": what is shown ("picture", "mask", "input"); "sentence": why it is no picture, or "";
- "total": of the samples that were compared; "notes";
- "scales": by "lpips", "flip" and "difference" the value that 255 stands for in every map of this folder;
- "samples": the worst first, each with its "place", "name", "source", and the names of files: "input" (what the models
  saw), "input_small", "source_small", "original", "original_small", and "candidates": for each candidate None or
  "picture", "small", "lpips", "flip", "difference". "" where there is no such file;
- "candidates": for each its "sentence" and "orders": by "output:measure" the places of these samples, the worst first.

Maps are 8-bit grey: 0 is no difference. The difference is the largest of the three channels', in 256ths of white.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from converters.compare.comparison import Candidate, Comparison, in_one_sentence
from converters.compare.judging import FLIP, LPIPS, heat_file
from converters.compare.sides import Index, read_outputs
from converters.compare_report.encoding import LEAST_HIGHEST
from converters.compare_report.frames import inputs_of
from converters.compare_report.shown import Drawn, Kind, Shown, shown_of
from converters.compare_report.writing import comparison_from
from converters.destination import destination_errors
from converters.face.faces import Picture
from converters.progress import Progress

INDEX, PICTURES_VERSION = "index.json", 1
MOST_SAMPLES = 64
LARGEST_FOLDER = 256_000_000
"""Bytes of all files: beyond it the less bad samples are left out."""
LARGEST_SIDE = 1024
"""Larger pictures are shrunk to it: they are shown on a screen."""
_THUMB = 96
DIFFERENCE = "difference"
# Differences that are hard to see stay dark, however small the largest one is.
_LEAST = {LPIPS: LEAST_HIGHEST, FLIP: 0.1, DIFFERENCE: 8.0}
_NEARLY_ALL = 99.8
Heat = npt.NDArray[np.float32]


def write_pictures(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Write every compared picture and its maps into a new folder.

    Args:
        arguments: "staging": of the comparison; "comparison": its plain data; "path": of the folder, not yet there;
            "largest": bytes of all files, `LARGEST_FOLDER` where it is missing.
        progress: told about every picture.

    Returns:
        "samples": how many; "size": bytes of all files.

    Raises:
        DestinationError: the folder cannot be written to.
    """
    comparison = comparison_from(arguments["comparison"])
    staging, folder = Path(arguments["staging"]), Path(arguments["path"])
    index = Index.read(staging)
    shown = shown_of(staging, index)
    every = worst_of_all(comparison, index.names)[:MOST_SAMPLES]
    scales = _scales(staging, index, comparison, shown, every, progress)
    writer = _Writer(folder, staging, index, comparison, shown, scales)
    samples: list[dict[str, Any]] = []
    with destination_errors(folder):
        folder.mkdir()
    for done, place in enumerate(every):
        progress("Drawing the pictures", done / len(every), index.names[place])
        samples.append(writer.sample(place))
        if writer.size > int(arguments.get("largest", LARGEST_FOLDER)):
            break
    places = {sample["place"] for sample in samples}
    data = {
        "version": PICTURES_VERSION,
        "kind": shown.kind.value,
        "sentence": shown.sentence,
        "total": len(index.names),
        "notes": _notes(len(samples), len(index.names), is_shrunk=writer.is_shrunk),
        "scales": scales,
        "samples": samples,
        "candidates": [
            {"sentence": in_one_sentence(comparison.original, each), "orders": _orders(each, index.names, places)}
            for each in comparison.candidates
        ],
    }
    with destination_errors(folder):
        (folder / INDEX).write_text(json.dumps(data), encoding="utf-8", newline="\n")
    return {"samples": len(samples), "size": writer.size}


def worst_of_all(comparison: Comparison, names: Sequence[str]) -> list[int]:
    """Return the places of all samples: first what is worst for any candidate, then what is second, …"""
    rank = dict.fromkeys(names, len(names))
    for candidate in comparison.candidates:
        for position, name in enumerate(candidate.worst_first() if candidate.outputs else []):
            rank[name] = min(rank[name], position)
    return sorted(range(len(names)), key=lambda place: rank[names[place]])


def _orders(candidate: Candidate, names: Sequence[str], places: set[int]) -> dict[str, list[int]]:
    """Return for each measure of each output the places of the samples that are kept, the worst first."""
    place_of = {name: place for place, name in enumerate(names)}
    return {
        f"{position}:{measure}": [
            place_of[name] for name in candidate.worst_first_by(position, measure) if place_of[name] in places
        ]
        for position, output in enumerate(candidate.outputs)
        for measure in output["measures"]
    }


def _notes(kept: int, total: int, *, is_shrunk: bool) -> list[str]:
    notes = [f"The {kept} worst of {total} pictures are shown; all {total} were measured."] if kept < total else []
    if is_shrunk:
        notes.append(f"Pictures are shown with at most {LARGEST_SIDE} pixels a side; they were measured as they are.")
    return notes


def _scales(
    staging: Path, index: Index, comparison: Comparison, shown: Shown, places: Sequence[int], progress: Progress
) -> dict[str, float]:
    """Return the value of the lightest colour for each kind of map: nearly the largest of all."""
    found = dict(_LEAST)
    for done, place in enumerate(places):
        progress("Measuring the differences", done / len(places), index.names[place])
        for number, candidate in enumerate(comparison.candidates, 1):
            if candidate.outputs:
                for kind, heat in _maps(staging, index, shown, number, place):
                    found[kind] = max(found[kind], float(np.percentile(heat, _NEARLY_ALL)))
    return found


def _maps(staging: Path, index: Index, shown: Shown, number: int, place: int) -> Iterator[tuple[str, Heat]]:
    """Yield the maps of one picture of one candidate that are there; nothing where no picture is shown."""
    if shown.kind is Kind.INPUT:
        return
    for kind in (LPIPS, FLIP):
        file = heat_file(staging, number, shown.position, place, kind)
        if file.is_file():
            yield kind, np.load(file, allow_pickle=False).astype(np.float32)
    one, other = (_drawn(staging, index, shown, side, place) for side in (0, number))
    yield DIFFERENCE, np.abs(one - other).max(axis=2) * np.float32(255)


def _drawn(staging: Path, index: Index, shown: Shown, side: int, place: int) -> Drawn:
    assert shown.draw is not None
    name = index.signature.outputs[shown.position].name
    return np.array(shown.draw(read_outputs(staging, side, place)[name]), np.float32)


@dataclass
class _Writer:
    """Writes the files of one sample after the other, and counts their bytes."""

    folder: Path
    staging: Path
    index: Index
    comparison: Comparison
    shown: Shown
    scales: dict[str, float]
    size: int = 0
    is_shrunk: bool = False

    def sample(self, place: int) -> dict[str, Any]:
        """Write the files of one sample; return what the index says of it."""
        inputs = inputs_of(self.staging, place)
        seen, source = inputs.get("input"), inputs.get("source")
        input_file = self._written(f"{place}-input", seen)
        is_input = self.shown.kind is Kind.INPUT
        original = seen if is_input else self._eight_bit(0, place)
        return {
            "place": place,
            "name": self.index.names[place],
            "source": self.index.sources[place],
            "input": input_file,
            "input_small": self._small(f"{place}-input", seen),
            "source_small": self._small(f"{place}-source", source),
            "original": input_file if is_input else self._written(f"{place}-original", original),
            "original_small": self._small(f"{place}-original", original),
            "candidates": [
                self._side(number, place, input_file) if candidate.outputs else None
                for number, candidate in enumerate(self.comparison.candidates, 1)
            ],
        }

    def _side(self, number: int, place: int, input_file: str) -> dict[str, str]:
        stem = f"{place}-{number}"
        files = dict.fromkeys((LPIPS, FLIP, DIFFERENCE), "")
        if self.shown.kind is Kind.INPUT:
            return {"picture": input_file, "small": "", **files}
        picture = self._eight_bit(number, place)
        for kind, heat in _maps(self.staging, self.index, self.shown, number, place):
            levels = np.rint(np.clip(heat / self.scales[kind], 0, 1) * 255).astype(np.uint8)
            files[kind] = self._written(f"{stem}-{kind}", levels)
        return {"picture": self._written(stem, picture), "small": self._small(stem, picture), **files}

    def _eight_bit(self, side: int, place: int) -> Picture:
        drawn = _drawn(self.staging, self.index, self.shown, side, place)
        return np.rint(drawn * 255).astype(np.uint8)

    def _small(self, stem: str, picture: Picture | None) -> str:
        return self._written(f"{stem}-small", picture, _THUMB)

    def _written(self, stem: str, pixels: npt.NDArray[np.uint8] | None, side: int = LARGEST_SIDE) -> str:
        """Write a picture or a grey map, shrunk to `side`; return the file's name, "" for None."""
        from PIL import Image

        if pixels is None:
            return ""
        image = Image.fromarray(np.ascontiguousarray(pixels))
        if side == LARGEST_SIDE and max(image.size) > side:
            self.is_shrunk = True
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        path = self.folder / f"{stem}.png"
        with destination_errors(path):
            image.save(path, "PNG", compress_level=4)
        self.size += path.stat().st_size
        return path.name
