"""The measures of one candidate, from the outputs that both sides left."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from converters.compare.measures import MEASURES
from converters.compare.pairs import Originals, Pairs
from converters.compare.sides import Index, read_feed, read_outputs
from converters.measure.summary import plain_value, settled, summarise
from converters.model.signature import TensorInfo
from converters.progress import Progress

HEAT = "heat"
LPIPS, FLIP = "lpips", "flip"
Figures = dict[str, dict[str, float]]
"""By measure and picture."""


def heat_file(staging: Path, number: int, output: int, place: int, measure: str = LPIPS) -> Path:
    """Return where the map of one picture and measure lies: float16, height x width."""
    return staging / HEAT / f"{number}-{output}-{place}-{measure}.npy"


def judge(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Measure how far a candidate's outputs are from the original's.

    Args:
        arguments: "staging"; "number": of the candidate.
        progress: told after every picture.

    Returns:
        "outputs": for each its "name", "kind" ("picture" or "numbers"), and "measures": by id "values" (by picture,
        "equal" for infinite ones, None for what is not finite, left out where the measure does not apply) and
        "summary"; "broken": names of the pictures on which the candidate gave values that are not finite; "notes".
    """
    staging, number = Path(arguments["staging"]), int(arguments["number"])
    index = Index.read(staging)
    (staging / HEAT).mkdir(exist_ok=True)
    broken: list[str] = []
    embedder = Path(index.embedder) if index.embedder else None
    with Pairs(index.signature, index.family, originals_of(staging, index), embedder) as pairs:
        figures: list[Figures] = [defaultdict(dict) for _ in pairs.outputs]
        for place, name in enumerate(index.names):
            progress("Measuring", place / len(index.names), name)
            ours, theirs = read_outputs(staging, 0, place), read_outputs(staging, number, place)
            found = pairs.judge(ours, theirs, read_feed(staging, place).get("identity"))
            broken += [name] if any(each.is_broken for each in found) else []
            for position, each in enumerate(found):
                for measure, spatial in each.maps.items():
                    np.save(heat_file(staging, number, position, place, measure), spatial.astype(np.float16))
                for measure, value in each.figures.items():
                    figures[position][measure][name] = value
        notes = [*pairs.notes, *pairs.remarks()]
    if broken:
        notes.append(f"The candidate gave values that are not finite on {len(broken)} of {len(index.names)} pictures.")
    return {
        "outputs": [
            in_plain(output.tensor, output.kind, figures[position]) for position, output in enumerate(pairs.outputs)
        ],
        "broken": broken,
        "notes": notes,
    }


def in_plain(tensor: TensorInfo, kind: str, figures: Figures) -> dict[str, Any]:
    """Return one output with its measures and their summaries as plain data."""
    measures = {}
    for measure, known in MEASURES.items():
        if measure in figures:
            values = figures[measure]
            measures[measure] = {
                "summary": summarise(values, higher_is_better=known.higher_is_better).to_json(),
                "values": {
                    name: plain_value(settled(value, higher_is_better=known.higher_is_better))
                    for name, value in values.items()
                },
            }
    return {
        "name": tensor.name,
        "role": tensor.role,
        "kind": kind,
        "measures": measures,
    }


def originals_of(staging: Path, index: Index) -> Originals:
    """Return what gives the original's results, one picture after the other, by the output's name."""
    return lambda name: (read_outputs(staging, 0, place)[name] for place in range(len(index.names)))
