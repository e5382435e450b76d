"""Opening what a person gives: a model is examined by a worker first, and only then takes the place of the last one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from converters.errors import CancelledError, OtherContentsError, SizesNeededError, StudioError
from studio.jobs.job import Job, JobRequest, Lane
from studio.missing import Missing, MissingKind
from studio.project_file import SUFFIX
from studio.project_paths import source_file
from studio.ui.texts import tr
from studio.ui.workbench import Workbench

if TYPE_CHECKING:
    from studio.recovery import Offer

DEMO = "demo"
MARK = "open"
"""Of all jobs that open something: the newest wins."""

Shapes = Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class _Request:
    """What is to be opened.

    Attributes:
        source: as a recipe names it.
        shapes: sizes of inputs by name.
        trusted: whether the person said that it may run code.
        sha256: the only contents that are accepted, "" for any.
        found: what was missing and is said to be here.
    """

    source: str
    shapes: Shapes = field(default_factory=dict)
    trusted: bool = False
    sha256: str = ""
    found: Missing | None = None


class Opening(QObject):
    """Opens models and projects; a failure changes nothing of what was open.

    Args:
        bench: with the document.
        parent: the owner.
        may_leave: asks whether the open project may be left; called right before another one takes its place, since
            jobs make work that is unsaved while a model is being examined.

    Attributes:
        started: with the path, when a model's examination begins.
        progressed: with the Job.
        opened: the document has the model (or a project without one).
        refused: with the StudioError, the path, and what does the same once more, None where that makes no sense. Not
            for what was cancelled, replaced by a newer one, or given up to keep unsaved work.
        missing: what the document misses was looked at; see `Document.missing`.
        replaced: with the name of the project's model, which has other contents than before; the files made of the
            former ones left the project.
        ended: the examination is over, whatever came of it.
    """

    started = Signal(str)
    progressed = Signal(object)
    opened = Signal()
    refused = Signal(object, str, object)
    missing = Signal()
    replaced = Signal(str)
    ended = Signal()

    def __init__(
        self, bench: Workbench, parent: QObject | None = None, may_leave: Callable[[], bool] = lambda: True
    ) -> None:
        super().__init__(parent)
        self._bench = bench
        self._may_leave = may_leave
        self._request: _Request | None = None
        self._identity: int | None = None

    @property
    def source(self) -> str:
        """What is being examined, "" for nothing."""
        return self._request.source if self._request is not None and self._identity is not None else ""

    @property
    def document_missing(self) -> tuple[Missing, ...]:
        """What the open project names and is not there."""
        return self._bench.document.missing

    # --- what is opened ------------------------------------------------------------------------------------------

    def open(self, path: str) -> None:
        """Open a model file, a folder, an archive, `FILE.py:FACTORY`, a project, or "demo"."""
        if path != DEMO and path.lower().endswith(SUFFIX):
            self._open_project(path, partial(self._bench.document.open, Path(path)), partial(self.open, path))
            return
        self._start(_Request(_source(path)))

    def restore(self, offer: Offer) -> None:
        """Open work that an earlier run of the program left behind."""
        # refused, it is still offered where it was: nothing else needs to do it once more
        self._open_project(offer.title, partial(self._bench.document.restore, offer), None)

    def reopen(self, shapes: Shapes) -> None:
        """Open the document's model again with other sizes of its inputs."""
        document = self._bench.document
        recipe = document.project.recipe
        self._start(_Request(recipe.source, dict(shapes), document.is_trusted, recipe.source_sha256))

    # --- answers to what was refused -----------------------------------------------------------------------------

    def open_trusted(self, path: str) -> None:
        """Open a file that may run code; only after the person said so."""
        self._start(replace(self._last(path), trusted=True))

    def open_sized(self, path: str, shapes: Shapes) -> None:
        """Open a file that does not say how large its inputs are, with what the person says."""
        last = self._last(path)
        self._start(replace(last, shapes={**last.shapes, **shapes}))

    def open_changed(self, path: str) -> None:
        """Open the project's model although its contents are no longer what they were."""
        self._start(replace(self._last(path), sha256="", trusted=False))  # trust was in its former contents

    def found(self, missing: Missing, path: str) -> None:
        """Say where a missing thing of the project is; its contents are compared before it is taken."""
        place = Path(path).absolute()
        if missing.kind is MissingKind.SOURCE:
            recipe = self._bench.document.project.recipe
            _, colon, function = missing.path.name.partition(".py:")
            self._start(_Request(f"{place}{colon and ':'}{function}", recipe.shapes, False, missing.sha256, missing))
        elif missing.kind is MissingKind.IMAGES:
            self._take(missing, place, "")
        else:
            self._fingerprint([place], lambda digests: self._take(missing, place, digests[str(place)]))

    def cancel(self) -> None:
        """Stop examining; what was open stays open."""
        if self._identity is not None:
            self._bench.jobs.cancel(self._identity)

    # --- projects ------------------------------------------------------------------------------------------------

    def _open_project(self, path: str, open_it: Callable[[], object], again: Callable[[], object] | None) -> None:
        if not self._may_leave():
            return
        self._stop()
        document = self._bench.document
        try:
            open_it()
        except StudioError as error:
            self.refused.emit(error, path, again)
            return
        recipe = document.project.recipe
        if not recipe.source:
            self.opened.emit()
        elif not any(missing.kind is MissingKind.SOURCE for missing in document.missing):
            # whether a file is trusted is never saved: it is asked anew in every run
            self._start(_Request(recipe.source, recipe.shapes, sha256=recipe.source_sha256))
        self.missing.emit()
        there = [file.path for file in document.project.files if document.is_intact(file)]
        if there:
            self._fingerprint(there, self._note)

    def _note(self, digests: dict[str, str]) -> None:
        if self._bench.document.note_fingerprints(digests):
            self.missing.emit()

    def _take(self, missing: Missing, place: Path, sha256: str) -> None:
        try:
            # what cannot be read has no fingerprint, and is nothing that was looked for
            self._bench.document.found(missing, place, sha256 or "-")
        except StudioError as error:
            self.refused.emit(error, str(place), None)
            return
        self.missing.emit()

    def _fingerprint(self, paths: Sequence[Path], done: Callable[[dict[str, str]], object]) -> None:
        """Have a worker look at contents; nobody waits for it, and what fails is said where it matters."""
        arguments = {"paths": [str(path) for path in paths]}
        identity = self._bench.jobs.submit(
            JobRequest(
                kind="operation",
                title=tr("Comparing the project's files"),
                arguments={"worker": "analysis", "operation": "fingerprints", "arguments": arguments},
                lane=Lane.INTERACTIVE,
                is_quiet=True,
            )
        )
        self._bench.jobs.follow(identity, self, done=lambda result: done(result["sha256"]))

    # --- models --------------------------------------------------------------------------------------------------

    def _last(self, path: str) -> _Request:
        source = _source(path)
        last = self._request
        return last if last is not None and last.source == source else _Request(source)

    def _start(self, request: _Request) -> None:
        self._stop()
        self._request = request
        arguments: dict[str, Any] = {
            "source": request.source,
            "shapes": {tensor: list(shape) for tensor, shape in request.shapes.items()},
            "trust": request.trusted,
            "sha256": request.sha256,
        }
        identity = self._bench.jobs.submit(
            JobRequest(
                kind="operation",
                title=tr("Opening {name}", name=Path(request.source).name),
                arguments={"worker": "inspector", "operation": "open_source", "arguments": arguments},
                lane=Lane.MODEL,
                replaces=MARK,
                can_retry=False,
            )
        )
        self._identity = identity
        self.started.emit(request.source)
        self._bench.jobs.follow(
            identity,
            self,
            done=lambda result: self._done(identity, request, result),
            failed=lambda error: self._failed(identity, request, error),
            changed=self._changed,
        )

    def _stop(self) -> None:
        """Forget what is being examined; its answer is not waited for any more."""
        if self._identity is not None:
            identity, self._identity = self._identity, None
            self._bench.jobs.cancel(identity)
            self.ended.emit()

    def _changed(self, job: Job) -> None:
        if job.identity == self._identity:
            self.progressed.emit(job)

    def _done(self, identity: int, request: _Request, result: dict[str, Any]) -> None:
        if identity != self._identity:
            return
        self._identity = None
        self.ended.emit()
        inspection = result["inspection"]
        if inspection is None:
            self._refuse(SizesNeededError(result["question"], axes=result["axes"]), request)
            return
        sha256 = inspection["source"]["sha256"]
        document = self._bench.document
        if request.found is not None and request.found in document.missing:
            place = source_file(request.source)
            assert place is not None  # what is missing is a file, never the built-in model
            document.found(request.found, place, sha256, any_contents=not request.sha256)
        elif document.project.is_left_for(request.source, sha256) and not self._may_leave():
            return
        shapes = {name: tuple(shape) for name, shape in request.shapes.items()}
        before = document.project
        is_replaced = before.recipe.source == request.source and before.recipe.source_sha256 != sha256
        document.set_source(request.source, sha256, inspection, shapes, request.trusted)
        self._bench.jobs.warm()
        self.opened.emit()
        if is_replaced and before.files:
            self.replaced.emit(inspection["source"]["name"])

    def _failed(self, identity: int, request: _Request, error: StudioError) -> None:
        if identity != self._identity:
            return
        self._identity = None
        self.ended.emit()
        if isinstance(error, OtherContentsError):
            error = _other_contents(Path(request.source).name)
        if not isinstance(error, CancelledError):
            self._refuse(error, request)

    def _refuse(self, error: StudioError, request: _Request) -> None:
        self.refused.emit(error, request.source, partial(self._start, request))


def _source(path: str) -> str:
    """Return a source as recipes name it: absolute, except for the built-in one."""
    return path if path == DEMO else str(Path(path).expanduser().absolute())


def _other_contents(name: str) -> OtherContentsError:
    return OtherContentsError(
        tr("{name} is not the file that this project was made with.", name=name),
        tr("Its contents have changed, or it is another file of the same name."),
        tr("Put the former file back, or use this one: the files made so far then leave the project."),
    )
