"""What came of a comparison, as the window reads it: the job's result and the index of its pictures, nothing more.

A result belongs to the run of the program. It is kept by the job that made it and by the folder of its pictures in the
jobs' scratch folder; a page that is made anew finds it there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from converters.destination import readable_size
from converters.errors import StudioError, error_from_json
from converters.measure.wording import in_words
from studio.jobs.job import Job, JobState

INDEX = "index.json"
LPIPS, FLIP, DIFFERENCE = "lpips", "flip", "difference"
LEADING = ("lpips", "flip", "displacement", "cosine", "largest")
"""The first of these that a candidate has says how far it is from the original."""
KIND = "compare"


@dataclass(frozen=True)
class MeasureKey:
    """A measure of one output.

    Attributes:
        output: its place among the original's.
        measure: the measure's id.
    """

    output: int
    measure: str

    @property
    def text(self) -> str:
        """As the index of the pictures has it."""
        return f"{self.output}:{self.measure}"


@dataclass(frozen=True)
class Row:
    """One measure of one candidate.

    Attributes:
        key: which.
        title: for people.
        help: what it says.
        mean, p95, worst: in words.
        sample: the picture that is worst.
    """

    key: MeasureKey
    title: str
    help: str
    mean: str
    p95: str
    worst: str
    sample: str


@dataclass(frozen=True)
class ComparisonResult:
    """A finished comparison.

    Attributes:
        identity: of the job.
        data: plain data of `converters.compare.comparison.Comparison`.
        index: plain data of `converters.compare_report.pictures`.
        folder: of the pictures.
        labels: of the original, then of the candidates, as they were when it was started.
    """

    identity: int
    data: Mapping[str, Any]
    index: Mapping[str, Any]
    folder: Path
    labels: tuple[str, ...]

    @property
    def candidates(self) -> Sequence[Mapping[str, Any]]:
        """Plain data of each."""
        return list(self.data["candidates"])

    @cached_property
    def samples(self) -> Mapping[int, Mapping[str, Any]]:
        """What is kept of each sample, by its place; the worst of all first."""
        return {sample["place"]: sample for sample in self.index["samples"]}

    @property
    def scales(self) -> Mapping[str, float]:
        """The value of the lightest colour of each kind of map."""
        return dict(self.index["scales"])

    @property
    def draws(self) -> bool:
        """Whether the pictures are the models' own, so that they can differ."""
        return bool(self.index["kind"] != "input")

    def label(self, candidate: int) -> str:
        """Return what a candidate is called."""
        return self.labels[candidate + 1]

    def error(self, candidate: int) -> StudioError | None:
        """Return why a candidate has no measures, None where it has."""
        found = self.candidates[candidate]["error"]
        return error_from_json(found) if found else None

    def sentence(self, candidate: int) -> str:
        """Return what was found, in one sentence."""
        return str(self.index["candidates"][candidate]["sentence"])

    def notes(self, candidate: int) -> list[str]:
        """Return remarks on the comparison and on one candidate."""
        found = [self.index["sentence"], *self.index["notes"], *self.candidates[candidate]["notes"]]
        found += [self.data["embeddings"], *self.data["notes"]]
        sides = [side for side in (self.data["original"], self.candidates[candidate]["side"]) if side]
        found += [
            f"{side['name']} was run by the {side['label']}; its time is not a phone's."
            for side in sides
            if side["is_reference"]
        ]
        return list(dict.fromkeys(str(sentence) for sentence in found if sentence))

    def rows(self, candidate: int) -> list[Row]:
        """Return the measures of a candidate; none where it could not be measured."""
        outputs = self.candidates[candidate]["outputs"]
        return [
            self._row(MeasureKey(place, measure), output["name"] if len(outputs) > 1 else "", found["summary"])
            for place, output in enumerate(outputs)
            for measure, found in output["measures"].items()
        ]

    def leading(self, candidate: int) -> MeasureKey | None:
        """Return what says how far a candidate is from the original, None where it was not measured."""
        outputs = self.candidates[candidate]["outputs"]
        return next(
            (
                MeasureKey(place, measure)
                for measure in LEADING
                for place, output in enumerate(outputs)
                if measure in output["measures"]
            ),
            None,
        )

    def order(self, candidate: int, key: MeasureKey | None) -> list[int]:
        """Return the places of the samples, a measure's worst first; all of them where there is no such measure."""
        orders: Mapping[str, list[int]] = self.index["candidates"][candidate]["orders"]
        found = orders.get(key.text, []) if key else []
        return [*found, *(place for place in self.samples if place not in set(found))]

    def value(self, candidate: int, key: MeasureKey, place: int) -> str:
        """Return the value of one sample in words, "" where the measure does not apply to it."""
        outputs = self.candidates[candidate]["outputs"]
        if key.output >= len(outputs):
            return ""
        values = outputs[key.output]["measures"].get(key.measure, {}).get("values", {})
        name = self.samples[place]["name"]
        return self._words(key.measure, values[name]) if name in values else ""

    def files(self, candidate: int, place: int) -> Mapping[str, Path]:
        """Return the files of one sample that are there: "original", "input", "picture", and maps by their measure."""
        sample = self.samples[place]
        side = sample["candidates"][candidate] or {}
        names = {"original": sample["original"], "input": sample["input"], **side}
        return {kind: self.folder / name for kind, name in names.items() if name}

    @property
    def original_size(self) -> str:
        """The original's size as people read it."""
        return readable_size(self.data["original"]["size"])

    def size_share(self, candidate: int) -> str:
        """Return a candidate's size as a part of the original's, "" where it is not known."""
        side = self.candidates[candidate]["side"]
        return f"{100 * side['size'] / self.data['original']['size']:.0f} %" if side else ""

    def milliseconds(self, candidate: int) -> str:
        """Return the median time of a run, starred where it says nothing; of the original for -1."""
        side = self.data["original"] if candidate < 0 else self.candidates[candidate]["side"]
        if not side:
            return ""
        return f"{side['latency']['median'] * 1000:.1f} ms{'*' if side['is_reference'] else ''}"

    def _row(self, key: MeasureKey, output: str, summary: Mapping[str, Any]) -> Row:
        known = self.data["measures"][key.measure]
        title = f"{known['title']} · {output}" if output else str(known["title"])
        mean, p95, worst = (self._words(key.measure, summary[name]) for name in ("mean", "p95", "worst"))
        return Row(key, title, str(known["help"]), mean, p95, worst, str(summary["worst_sample"]))

    def _words(self, measure: str, value: float | str | None) -> str:
        known = self.data["measures"][measure]
        return in_words(value, known["unit"], known["digits"], higher_is_better=known["higher_is_better"])


def latest(
    jobs: Iterable[Job], contents: Mapping[str, str], shapes: Mapping[str, Sequence[int]]
) -> ComparisonResult | None:
    """Return the newest finished comparison that still speaks of the project and whose pictures are still there.

    Args:
        jobs: comparisons of one project.
        contents: the SHA-256 of what the project knows of now, by path.
        shapes: sizes of inputs that the project has now.
    """
    drawn: set[str] = set()
    for job in sorted(jobs, key=lambda each: -each.identity):
        folder = str(job.request.arguments.get("pictures", ""))
        # a later comparison of the same folder has replaced the pictures of an earlier one
        if job.state is not JobState.DONE or folder in drawn:
            continue
        drawn.add(folder)
        if _is_of(job, contents, shapes) and (found := result_of(job)) is not None:
            return found
    return None


def _is_of(job: Job, contents: Mapping[str, str], shapes: Mapping[str, Sequence[int]]) -> bool:
    """Say whether a comparison was made of what is there now; a file that was moved or removed is no other one."""
    asked = job.request.arguments
    is_same = all(contents.get(path, sha256) == sha256 for path, sha256 in asked.get("contents", {}).items())
    return is_same and asked.get("shapes", {}) == shapes


def result_of(job: Job) -> ComparisonResult | None:
    """Return what came of a job, None where it is not done or its pictures are gone."""
    folder = Path(str(job.request.arguments.get("pictures", "")))
    if job.state is not JobState.DONE or job.result is None or not (folder / INDEX).is_file():
        return None
    index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    labels = tuple(str(label) for label in job.request.arguments["labels"])
    return ComparisonResult(job.identity, job.result, index, folder, labels)
