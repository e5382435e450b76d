"""What each target cannot do with the open model, and what memory it needs: asked once in a worker, then known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from converters.errors import CancelledError, StudioError
from converters.recipe import Recipe, TargetRequest
from studio.catalogue import Catalogue
from studio.document import Document
from studio.jobs.job import JobRequest, Lane
from studio.jobs.service import JobService
from studio.target_options import options_of, relevant
from studio.ui.texts import tr
from studio.ui.workbench import Workbench

_PAUSE = 250  # milliseconds after the last change before the targets are asked again
_QUICK_STEPS = ("simplify", "rewrite")
"""Steps that take moments and decide what targets can express; the others keep the operators a model is made of."""


@dataclass(frozen=True)
class Answer:
    """What the targets say.

    Attributes:
        problems: by the request's name, the sentences that speak against it.
        memory: by target, bytes at its worker's peak.
        available: bytes that new work may use.
    """

    problems: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    memory: Mapping[str, int] = field(default_factory=dict)
    available: int = 0


class TargetChecks(QObject):
    """Asks the targets about the open model whenever it, the steps that decide or the options change.

    Attributes:
        changed: there is another answer, or none any more.
        failed: with a StudioError: they could not be asked.
    """

    changed = Signal()
    failed = Signal(object)

    def __init__(self, document: Document, jobs: JobService, catalogue: Catalogue) -> None:
        super().__init__(document)
        self._document = document
        self._jobs = jobs
        self._catalogue = catalogue
        self._asked: dict[str, Any] = {}
        self.answer = Answer()
        self._timer = QTimer(self, singleShot=True, interval=_PAUSE)
        self._timer.timeout.connect(self._ask)
        document.source_changed.connect(self._timer.start)
        document.recipe_changed.connect(self._timer.start)
        self._timer.start()

    def _ask(self) -> None:
        recipe = self._document.project.recipe
        question = self._question(recipe)
        if not recipe.source or self._document.inspection is None or question == self._asked:
            return
        self._asked = question
        self.answer = Answer()
        self.changed.emit()
        request = JobRequest(
            "operation",
            tr("Asking what each target can do"),
            {"worker": "inspector", "operation": "check_targets", "arguments": question},
            lane=Lane.MODEL,
            replaces="check_targets",
            is_quiet=True,
        )
        self._jobs.follow(self._jobs.submit(request), self, done=self._take, failed=self._fail)

    def _question(self, recipe: Recipe) -> dict[str, Any]:
        requests = [
            TargetRequest(target.name, precision, relevant(target, precision, options_of(recipe, target.name)))
            for target in self._catalogue.targets
            for precision in target.precisions
        ]
        asked = Recipe(
            recipe.source,
            shapes=recipe.shapes,
            steps=tuple(step for step in recipe.steps if step.step in _QUICK_STEPS),
            targets=tuple(requests),
        ).to_json()
        return {
            "source": recipe.source,
            "sha256": recipe.source_sha256,
            "shapes": asked["source"]["shapes"],
            "trust": self._document.is_trusted,
            "steps": asked["steps"],
            "requests": asked["targets"],
        }

    def _take(self, result: dict[str, Any]) -> None:
        problems = {name: tuple(sentences) for name, sentences in result["problems"].items()}
        self.answer = Answer(problems, result["memory"], result["available"])
        self.changed.emit()

    def _fail(self, error: StudioError) -> None:
        self._asked = {}
        if not isinstance(error, CancelledError):
            self.failed.emit(error)


def target_checks(bench: Workbench, catalogue: Catalogue) -> TargetChecks:
    """Return the checks of a workbench's document; the first caller makes the object."""
    found = bench.document.findChild(TargetChecks)
    return found if isinstance(found, TargetChecks) else TargetChecks(bench.document, bench.jobs, catalogue)
