"""What is compared with what: the choice that outlives the page, and the job that is made of it.

One object that lives as long as the document. Choices are of this run of the program; results are found again through
the jobs that made them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from studio.comparison_results import KIND, ComparisonResult, latest
from studio.document import Document
from studio.file_labels import label_of, told_apart
from studio.jobs.job import Job, JobRequest, Lane
from studio.jobs.service import JobService
from studio.project_jobs import is_own, running_job
from studio.ui.texts import tr
from studio.ui.workbench import Workbench

MOST_PICTURES = 64
USUAL_PICTURES = 32
_CHOSEN_AT_FIRST = 4
_RUNS, _FEW_RUNS = 30, 10
"""How often a model is timed; a reference executor that takes seconds a run is not timed for minutes."""
# Seconds on two cores of a laptop, for the forecast: to open a model, to measure a picture of 128 x 128, for 1e9 MACs.
_OPENING, _MEASURING, _PER_GIGA, _REFERENCE = 4.0, 0.12, 0.02, 1.6
_PACKAGE = ".mlpackage"


@dataclass(frozen=True)
class Entry:
    """A model that can be compared.

    Attributes:
        path: as the engine takes it; also "demo".
        label: told apart from the others'.
        is_model: whether it is the project's model.
        is_reference: whether it runs in the reference executor here, slowly.
    """

    path: str
    label: str
    is_model: bool = False
    is_reference: bool = False


@dataclass(frozen=True)
class Choice:
    """What the person chose.

    Attributes:
        original: a path, "" for the project's model.
        candidates: paths; None as long as nothing was chosen: the files made last.
        added: paths of files that the project did not make.
        pictures: how many at most.
    """

    original: str = ""
    candidates: tuple[str, ...] | None = None
    added: tuple[str, ...] = ()
    pictures: int = USUAL_PICTURES


def comparing(bench: Workbench) -> Comparing:
    """Return the choice of a workbench's document; the first caller makes the object."""
    found = bench.document.findChild(Comparing)
    return found if isinstance(found, Comparing) else Comparing(bench.document, bench.jobs)


class Comparing(QObject):
    """What is compared with what.

    Attributes:
        changed: the choice, or what can be chosen.
    """

    changed = Signal()

    def __init__(self, document: Document, jobs: JobService) -> None:
        super().__init__(document)
        self._document = document
        self._jobs = jobs
        self._choice = Choice()
        self._identity = document.project.identity
        document.files_changed.connect(self.changed)
        document.source_changed.connect(self._take_source)

    # --- what there is -------------------------------------------------------------------------------------------

    @property
    def entries(self) -> list[Entry]:
        """Everything that can be compared: the model, the files made, the files added."""
        project = self._document.project
        source = project.recipe.source
        items = [(label_of(file), file.path) for file in self._files()]
        known = {str(path) for _, path in items}
        items += [(Path(path).name, Path(path)) for path in self._choice.added if path not in known]
        labels = told_apart(items)
        model = [Entry(source, tr("The model"), is_model=True)] if source else []
        return model + [
            Entry(str(path), label, is_reference=_is_reference(path))
            for label, (_, path) in zip(labels, items, strict=True)
        ]

    @property
    def original(self) -> Entry | None:
        """What the others are compared with."""
        entries = self.entries
        return next((each for each in entries if each.path == self._choice.original), entries[0] if entries else None)

    @property
    def can_be_candidates(self) -> list[Entry]:
        """Everything but the original."""
        original = self.original
        return [each for each in self.entries if original is not None and each.path != original.path]

    @property
    def candidates(self) -> list[Entry]:
        """What is compared with the original."""
        possible = self.can_be_candidates
        chosen = self._choice.candidates
        if chosen is None:
            return [each for each in possible if not each.is_model][:_CHOSEN_AT_FIRST]
        return [each for each in possible if each.path in chosen]

    @property
    def pictures(self) -> int:
        """How many pictures at most."""
        return self._choice.pictures

    @property
    def images(self) -> str:
        """The folder of pictures, "" for the built-in ones."""
        return self._document.project.comparison_images

    @property
    def running(self) -> Job | None:
        """The comparison that waits or runs."""
        return running_job(self._document, self._jobs, KIND)

    @property
    def result(self) -> ComparisonResult | None:
        """What came of the last comparison of this project as it is now, None where there is none."""
        own = [job for job in self._jobs.jobs() if is_own(self._document, job, KIND)]
        return latest(own, self._contents(), self._shapes())

    # --- what is chosen ------------------------------------------------------------------------------------------

    def choose_original(self, path: str) -> None:
        """Compare with another model."""
        if self.original is None or path != self.original.path:
            # what was a candidate cannot be one any more; the former original is none by itself
            self._change(original=path)

    def choose_candidates(self, paths: Sequence[str]) -> None:
        """Compare other files with it."""
        self._change(candidates=tuple(paths))

    def choose_pictures(self, count: int) -> None:
        """Compare on more or fewer pictures."""
        self._change(pictures=min(max(count, 1), MOST_PICTURES))

    def add(self, path: str) -> None:
        """Offer a file that the project did not make, and choose it as a candidate."""
        path = str(Path(path).absolute())
        chosen = tuple(each.path for each in self.candidates)
        known = {entry.path for entry in self.entries}
        added = self._choice.added if path in known else (*self._choice.added, path)
        self._change(added=added, candidates=chosen if path in chosen else (*chosen, path))

    def choose_images(self, folder: str) -> None:
        """Compare on the pictures of a folder, "" for the built-in ones."""
        if folder != self.images:
            self._document.set_comparison_images(folder)
            self.changed.emit()

    # --- what is done --------------------------------------------------------------------------------------------

    def seconds(self) -> float:
        """Return about how long the comparison will take."""
        sides = [each for each in (self.original, *self.candidates) if each is not None]
        count, runs = self.pictures, self._runs()
        run, area = self._run_seconds(), self._area()
        total = len(self.candidates) * count * _MEASURING * area
        for side in sides:
            total += _OPENING + (count + runs) * (max(_REFERENCE, run) if side.is_reference else run)
        return total

    def start(self) -> int:
        """Submit the comparison; return the job's identity."""
        original, candidates = self.original, self.candidates
        assert original is not None
        assert candidates
        project = self._document.project
        sides = {original.path, *(each.path for each in candidates)}
        arguments: dict[str, Any] = {
            "original": original.path,
            "candidates": [each.path for each in candidates],
            "images": self.images,
            "count": self.pictures,
            "shapes": self._shapes(),
            # of all files here a person was asked about the project's model only, and said it of these contents
            "trusted": {project.recipe.source: project.recipe.source_sha256} if self._document.is_trusted else {},
            "runs": self._runs(),
            # one folder per project: a new comparison takes the place of the one before, once it is complete
            "pictures": str(self._jobs.scratch / f"comparison-{project.identity}"),
            "force": True,
            "project": project.identity,
            "contents": {path: known for path, known in self._contents().items() if path in sides},
            "labels": [original.label, *(each.label for each in candidates)],
        }
        what = candidates[0].label if len(candidates) == 1 else tr("{count} files", count=len(candidates))
        beside = tr("the model") if original.is_model else original.label
        title = tr("Comparing {what} with {original}", what=what, original=beside)
        return self._jobs.submit(JobRequest(KIND, title, arguments, Lane.WORK))

    # -------------------------------------------------------------------------------------------------------------

    def _files(self) -> list[Any]:
        return [file for file in self._document.project.files if self._document.is_intact(file)]

    def _contents(self) -> dict[str, str]:
        """Return the SHA-256 of what the project knows of, by path."""
        project = self._document.project
        files = {str(file.path): file.sha256 for file in project.files}
        return {project.recipe.source: project.recipe.source_sha256, **files}

    def _shapes(self) -> dict[str, list[int]]:
        return {name: list(shape) for name, shape in self._document.project.recipe.shapes.items()}

    def _runs(self) -> int:
        sides = [each for each in (self.original, *self.candidates) if each is not None]
        return _FEW_RUNS if any(side.is_reference for side in sides) else _RUNS

    def _run_seconds(self) -> float:
        cost = (self._document.inspection or {}).get("cost") or {}
        return max(float(cost.get("macs") or 0) / 1e9 * _PER_GIGA, 0.005)

    def _area(self) -> float:
        """Return the pixels of the largest picture that the model draws, compared with 128 x 128."""
        signature = (self._document.inspection or {}).get("signature") or {}
        areas = [
            _pixels(output.get("shape", ())) for output in signature.get("outputs", ()) if output.get("role") == "image"
        ]
        return max([*areas, 16_384.0]) / 16_384.0 if areas else 0.2

    def _take_source(self) -> None:
        if not self._document.owns(self._identity):
            self._choice = Choice()
        self._identity = self._document.project.identity
        self.changed.emit()

    def _change(self, **values: Any) -> None:
        changed = replace(self._choice, **values)
        if changed != self._choice:
            self._choice = changed
            self.changed.emit()


def _pixels(shape: Sequence[Any]) -> float:
    sizes = [size for size in shape if isinstance(size, int) and size > 4]
    return float(sizes[-1] * sizes[-2]) if len(sizes) >= 2 else 16_384.0


def _is_reference(path: Path) -> bool:
    return path.suffix == _PACKAGE and sys.platform != "darwin"
