"""What comes of a comparison: both sides, the measures of every candidate, and all of it as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from converters.compare.measures import MEASURES
from converters.errors import StudioError, VerificationError
from converters.measure.wording import Value, in_words

COMPARISON_VERSION = 1
# In this order the first measure that a candidate has decides which picture is worst.
_LEADING = ("lpips", "flip", "displacement", "cosine", "largest")


@dataclass(frozen=True)
class Candidate:
    """One candidate.

    Attributes:
        path: as given.
        side: what is known of the model, None when it could not be run.
        judgement: plain data of `judging.judge`, None when it came not so far.
        recipe: what made it, None when that is not known.
        error: why there are no measures, None when there are.
    """

    path: str
    side: Mapping[str, Any] | None = None
    judgement: Mapping[str, Any] | None = None
    recipe: Mapping[str, Any] | None = None
    error: StudioError | None = None

    @property
    def name(self) -> str:
        """The file's name."""
        return str(self.side["name"]) if self.side else self.path.replace("\\", "/").rstrip("/").rpartition("/")[2]

    @property
    def outputs(self) -> list[Mapping[str, Any]]:
        """The outputs with their measures."""
        return list(self.judgement["outputs"]) if self.judgement else []

    @property
    def leading(self) -> tuple[int, str]:
        """The output and the measure that decide which picture is worst: of pictures, where there are any."""
        for measure in _LEADING:
            for place, output in enumerate(self.outputs):
                if measure in output["measures"]:
                    return place, measure
        raise ValueError(f"{self.name} was not measured")

    def worst_first(self) -> list[str]:
        """Return the names of the pictures, the worst first."""
        return self.worst_first_by(*self.leading)

    def worst_first_by(self, place: int, measure: str) -> list[str]:
        """Return the names of the pictures that a measure of one output applies to, the worst first."""
        values: Mapping[str, Value] = self.outputs[place]["measures"][measure]["values"]
        broken = set(self.judgement["broken"]) if self.judgement else set()
        sign = -1 if MEASURES[measure].higher_is_better else 1

        def badness(name: str) -> tuple[bool, float]:
            value = values[name]
            if isinstance(value, str):  # equal
                return (name in broken, -math.inf)
            return (name in broken or value is None, sign * value if value is not None else 0.0)

        return sorted(values, key=badness, reverse=True)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        judgement = self.judgement or {}
        return {
            "path": self.path,
            "side": dict(self.side) if self.side else None,
            "outputs": self.outputs,
            "broken": judgement.get("broken", []),
            "notes": judgement.get("notes", []),
            "recipe": dict(self.recipe) if self.recipe else None,
            "error": self.error.to_json() if self.error else None,
        }


@dataclass(frozen=True)
class Comparison:
    """Everything that was found.

    Attributes:
        original: what is known of the original.
        candidates: in the order given.
        names: of the pictures.
        pictures, embeddings: where they come from, in words.
        notes: sentences.
        seconds: wall time of everything.
    """

    original: Mapping[str, Any]
    candidates: tuple[Candidate, ...]
    names: tuple[str, ...]
    pictures: str
    embeddings: str
    notes: tuple[str, ...]
    seconds: float

    @property
    def exit_status(self) -> int:
        """0 when everything was measured, 3 when a candidate broke a picture, otherwise the first error's."""
        if any(candidate.judgement and candidate.judgement["broken"] for candidate in self.candidates):
            return VerificationError.exit_status
        errors = [candidate.error for candidate in self.candidates if candidate.error]
        return errors[0].exit_status if errors else 0

    @property
    def judge(self) -> str:
        """The sentence on who compared the faces; "" where nobody did."""
        found = self.original["judge"]
        measured = any("identity" in output["measures"] for each in self.candidates for output in each.outputs)
        return f"Faces were compared by {found['name']} (SHA-256 {found['sha256']})." if found and measured else ""

    def to_json(self) -> dict[str, Any]:
        """Return plain data for `--json`."""
        used = {measure for each in self.candidates for output in each.outputs for measure in output["measures"]}
        return {
            "version": COMPARISON_VERSION,
            "exit_status": self.exit_status,
            "original": dict(self.original),
            "candidates": [candidate.to_json() for candidate in self.candidates],
            "measures": {name: known.to_json() for name, known in MEASURES.items() if name in used},
            "pictures": self.pictures,
            "embeddings": self.embeddings,
            "names": list(self.names),
            "notes": list(self.notes),
            "seconds": round(self.seconds, 3),
        }


def in_one_sentence(original: Mapping[str, Any], candidate: Candidate) -> str:
    """Return what became of the pictures, the size and the speed, with the candidate's name."""
    if candidate.side is None or not candidate.outputs:
        return f"{candidate.name} could not be compared. {candidate.error}"
    return f"{candidate.name}: {finding(original, candidate)}"


def finding(original: Mapping[str, Any], candidate: Candidate) -> str:
    """Return what became of the pictures, the size and the speed."""
    if candidate.side is None or not candidate.outputs:
        return f"It could not be compared. {candidate.error}"
    place, measure = candidate.leading
    known, summary = MEASURES[measure], candidate.outputs[place]["measures"][measure]["summary"]
    mean, worst = (written(measure, summary[key]) for key in ("mean", "worst"))
    size, pace = candidate.side["size"] / original["size"], _pace(original, candidate.side)
    measured = f"{known.title} {mean} on average, {worst} at worst ({summary['worst_sample']}); "
    broken = candidate.judgement["broken"] if candidate.judgement else []
    if broken:
        others = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        damage = f"Values that are not finite on {broken[0]}{others}; "
        measured = damage if summary["mean"] is None else damage + measured
    return f"{measured}{size:.0%} of the original's size{pace}."


def _pace(original: Mapping[str, Any], side: Mapping[str, Any]) -> str:
    if side["is_reference"] or original["is_reference"]:
        return "; its speed cannot be told off a Mac"
    factor = side["latency"]["median"] / original["latency"]["median"]
    return f", {factor:.2f} times its time per run here"


def written(measure: str, value: Value) -> str:
    """Return a value as people read it."""
    known = MEASURES[measure]
    return in_words(value, known.unit, known.digits, higher_is_better=known.higher_is_better)
