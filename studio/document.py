"""The project that is open: what it says, how it changes, how changes are undone, kept and saved. Knows no widgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from converters.errors import BadInputError
from converters.parameters import Value
from converters.recipe import Recipe, TargetRequest
from studio import recovery, work_folders
from studio.edits import RecipeEdit, source_of, with_step
from studio.missing import Missing, MissingKind, changed_files, check_found, find_missing, still_missing, with_place
from studio.presence import is_there
from studio.project import MadeFile, Project
from studio.project_file import read_project
from studio.project_lock import ProjectLock
from studio.project_paths import source_title, with_paths
from studio.project_place import ProjectPlace, own_place
from studio.waiting import without_freezing

_MOST_UNDO_STEPS = 500


class Document(QObject):
    """The open project. There is always one; at first it is empty.

    Changes of the recipe go through the undo stack; files that were made do not, they stay made. Whoever replaces the
    project (`new`, `open`, `restore`, `set_source` with another model) asks first where `is_dirty`; files made for a
    project that was never saved go with it.

    Attributes:
        source_changed: another model or none, or other sizes of its inputs.
        recipe_changed: the recipe, in any part.
        inspection_changed: what is known of the model.
        files_changed: files made, or whether they are in their places.
        state_changed: path, title, dirty, undo and redo.
        recovery_failed: a StudioError: unsaved changes cannot be kept for the case of a crash.
        noticed: a StudioError: nothing failed, but the person should know.
        undo_stack: of changes of the recipe.
    """

    source_changed = Signal()
    recipe_changed = Signal()
    inspection_changed = Signal()
    files_changed = Signal()
    state_changed = Signal()
    recovery_failed = Signal(object)
    noticed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project = self._saved = Project.fresh()
        self._identities = {self._project.identity}
        self._place = ProjectPlace()
        self._inspection: dict[str, Any] | None = None
        self._is_trusted = False
        self._missing: tuple[Missing, ...] = ()
        self._moved: dict[Path, Path] = {}
        self._left_behind: frozenset[Path] = frozenset()
        self.undo_stack = QUndoStack(self)
        self.undo_stack.setUndoLimit(_MOST_UNDO_STEPS)
        self.undo_stack.indexChanged.connect(self.state_changed)
        self._autosave = recovery.Autosave(self._unsaved_changes, self)
        self._autosave.failed.connect(self.recovery_failed)

    # --- what there is -------------------------------------------------------------------------------------------

    @property
    def project(self) -> Project:
        """What would be saved now."""
        return self._project

    @property
    def path(self) -> Path | None:
        """The project's file, None while it was never saved."""
        return self._place.path

    @property
    def is_read_only(self) -> bool:
        """Whether the project's folder does not let it be saved; it can be saved elsewhere."""
        return self._place.is_read_only

    @property
    def is_dirty(self) -> bool:
        """Whether closing would lose something: edits or files made; not that a model alone was opened."""
        return replace(self._project, page="") != replace(self._saved, page="")

    @property
    def title(self) -> str:
        """The file's name without its ending, or the model's, or ""."""
        return self.path.stem if self.path else source_title(self._project.recipe.source)

    @property
    def inspection(self) -> dict[str, Any] | None:
        """What the worker found out about the model, plain data; None without a model or before it was looked at."""
        return self._inspection

    @property
    def is_trusted(self) -> bool:
        """Whether the person trusts the model's file, in this run."""
        return self._is_trusted

    @property
    def work_folder(self) -> Path:
        """Where files are made; it need not exist."""
        identity = self._project.identity
        return work_folders.work_folder_of(self.path) if self.path else work_folders.unsaved_work_folder(identity)

    @property
    def missing(self) -> tuple[Missing, ...]:
        """What the project names and is not there, or was changed."""
        return self._missing

    def is_intact(self, file: MadeFile) -> bool:
        """Say whether a file is there and, as far as was looked, is what was made."""
        return is_there(file.path) and all(each.path != file.path for each in self._missing)

    def owns(self, identity: object) -> bool:
        """Say whether that is the open project, also by an identity it had before it was saved elsewhere."""
        return identity in self._identities

    def step_options(self, step: str) -> dict[str, Value] | None:
        """Return a copy of a step's options, None where the recipe has no such step."""
        return next((dict(item.options) for item in self._project.recipe.steps if item.step == step), None)

    # --- another project -----------------------------------------------------------------------------------------

    def new(self) -> None:
        """Begin an empty project."""
        self._become(Project.fresh(), None, ())

    def open(self, path: Path) -> list[Missing]:
        """Open a project's file. Its model is inspected by whoever calls this.

        Returns:
            What asks to be found; contents are not compared yet, see `studio.missing`.

        Raises:
            StudioError: it cannot be opened, or another window has it open; what was open stays open.
        """
        place = own_place(path)
        project = without_freezing(partial(read_project, place))
        missing = without_freezing(partial(find_missing, project))
        self._become(project, self._place.lock_for(place), missing)
        self._left_behind = work_folders.left_behind(project)
        return missing

    def restore(self, offer: recovery.Offer) -> list[Missing]:
        """Open work that an earlier run left behind; it stays unsaved, and has no place where the one it had is gone.

        Raises:
            StudioError: another window has it by now; what was open stays open.
        """
        taken = recovery.take(offer)
        if taken is None:
            raise BadInputError(f"{offer.title} was opened or discarded in another window.")
        try:
            restored = without_freezing(partial(recovery.restored, offer))
            missing = without_freezing(partial(find_missing, restored.project))
            lock = self._place.lock_for(restored.place) if restored.place is not None else None
            self._become(restored.project, lock, missing, saved=Project.fresh())
            self._autosave.update()
            if without_freezing(self._autosave.wait):  # otherwise the offer is the only copy
                offer.file.unlink(missing_ok=True)
        finally:
            taken.release()
        if restored.notice is not None:
            self.noticed.emit(restored.notice)
        return missing

    def _become(
        self, project: Project, lock: ProjectLock | None, missing: Sequence[Missing], saved: Project | None = None
    ) -> None:
        self._leave(keeping=project.identity)
        self._place.take(lock)
        self._project = project
        self._identities = {project.identity}
        self._saved = saved or project
        self._inspection = None
        self._is_trusted = False
        self._missing = tuple(missing)
        self._moved = {}
        self._left_behind = frozenset()
        self.undo_stack.clear()
        self._tell(self.source_changed, self.inspection_changed, self.recipe_changed, self.files_changed)

    def _leave(self, keeping: str = "") -> None:
        """Give up what is kept of the project that is open, and its files if they have no other place."""
        self._autosave.abandon()
        if self.path is None and self._project.identity != keeping:
            work_folders.remove_unsaved(self._project.identity)

    def close(self, *, keep_changes: bool = False) -> None:
        """Let go of everything; unsaved changes are given up.

        Args:
            keep_changes: offer unsaved changes at the next start instead; for when nobody can be asked.
        """
        if keep_changes and self.is_dirty:
            self._autosave.leave()
        else:
            self._autosave.clear()
            self._leave()
        self._place.take(None)
        self._project = self._saved = Project.fresh()
        self._missing = ()
        self.undo_stack.clear()

    # --- saving --------------------------------------------------------------------------------------------------

    def save(self, path: Path | None = None) -> None:
        """Write the project's file, whole or not at all.

        Args:
            path: another place; a file that is there is replaced. None: where it was.

        Raises:
            UsageError: there is no place yet.
            StudioError: the place cannot be written to, or is open in another window; what was there stays.
        """
        work_folders.keep_files(self._project)
        self._write(path)
        written = self._project
        self._collect_files()
        try:
            if self._project is not written:
                self._write()
        finally:
            self._tell(self.files_changed)
            self._autosave.update()

    def _write(self, path: Path | None = None) -> None:
        project = self._project
        written, lock = self._place.write(project, path)
        if self._project.identity != project.identity:  # a model that was being examined took the window meanwhile
            self._place.release(lock)
            return
        self._place.take(lock)
        self._saved = written
        self._identities.add(written.identity)
        self._project = replace(self._project, identity=written.identity) if self._project is not project else written

    def _collect_files(self) -> None:
        """Move files that were made before the project had a place to it; say which cannot move."""
        if self.path is None:
            return
        self._project, moved = work_folders.collected(self._project, self.path)
        self._moved.update(moved)
        known, self._left_behind = self._left_behind, work_folders.left_behind(self._project)
        if self._left_behind - known:
            self.noticed.emit(work_folders.stay_behind(self._left_behind - known))

    # --- changes -------------------------------------------------------------------------------------------------

    def edit(self, text: str, recipe: Recipe, *, merge: str = "") -> None:
        """Change the recipe, so that it can be undone. An equal recipe changes nothing.

        Args:
            text: what is done, for the menu.
            recipe: the new one, of the same source and shapes.
            merge: edits that follow each other with the same mark become one step of undo; "" for never.

        Raises:
            ValueError: the source or its shapes differ; a bug of the caller, see `set_source`.
        """
        before = self._project.recipe
        if source_of(recipe) != source_of(before):
            raise ValueError("the source is changed by set_source")
        if recipe != before:
            self.undo_stack.push(RecipeEdit(self._apply, before, recipe, text, merge))

    def set_step(self, step: str, options: Mapping[str, Value] | None, text: str, *, merge: str = "") -> None:
        """Give a step these options, adding it at its place in the order where there is none; None removes it."""
        self.edit(text, with_step(self._project.recipe, step, options), merge=merge)

    def set_targets(self, targets: Sequence[TargetRequest], text: str) -> None:
        """Replace the files to be made."""
        self.edit(text, replace(self._project.recipe, targets=tuple(targets)))

    def _apply(self, recipe: Recipe) -> None:
        # undo never goes back to another file, other sizes, or places that things have left
        now = self._project.recipe
        recipe = with_paths(recipe, lambda path: work_folders.new_place(path, self._moved))
        same_source = replace(recipe, source=now.source, source_sha256=now.source_sha256, shapes=now.shapes)
        self._project = replace(self._project, recipe=same_source)
        self._tell(self.recipe_changed)

    def set_source(
        self,
        source: str,
        sha256: str,
        inspection: Mapping[str, Any],
        shapes: Mapping[str, tuple[int, ...]],
        trusted: bool,
    ) -> None:
        """Take a model that was inspected.

        The same contents, wherever they lie, keep files, recipe and undo. The same path with other contents keeps the
        recipe; files and undo go, since the files were made from what is no longer there. Everything else begins a
        new project.

        Args:
            source: as in a recipe; paths absolute.
            sha256: as the inspection says.
            inspection: plain data.
            shapes: sizes of inputs that the person chose.
            trusted: whether the person trusts the file.
        """
        recipe = self._project.recipe
        if self._project.is_left_for(source, sha256):
            self.new()
        elif not recipe.source or sha256 != recipe.source_sha256:
            self._project = replace(self._project, files=())
            self.undo_stack.clear()
        # a model alone, in whatever sizes, is no work that could be lost
        is_nothing_lost = self.path is None and not self.is_dirty
        taken = replace(self._project.recipe, source=source, source_sha256=sha256, shapes=dict(shapes))
        self._project = replace(self._project, recipe=taken)
        if is_nothing_lost:
            self._saved = self._project
        self._inspection = dict(inspection)
        self._is_trusted = trusted
        self._missing = still_missing(self._missing, self._project, MissingKind.SOURCE)
        self._tell(self.source_changed, self.inspection_changed, self.recipe_changed, self.files_changed)

    def set_files(self, files: Sequence[MadeFile]) -> None:
        """Replace the list of files made; not undoable."""
        self._project = replace(self._project, files=tuple(files))
        self._collect_files()
        self._missing = still_missing(self._missing, self._project)
        self._tell(self.files_changed)

    def set_comparison_images(self, folder: str) -> None:
        """Choose the pictures to compare on, "" for the built-in ones; not undoable."""
        self._project = replace(self._project, comparison_images=folder)
        self._tell(self.recipe_changed)

    def remember_page(self, page: str) -> None:
        """Note where the person is; this alone is nothing to save."""
        self._project = replace(self._project, page=page)

    # --- what is missing -----------------------------------------------------------------------------------------

    def found(self, missing: Missing, path: Path, sha256: str = "", *, any_contents: bool = False) -> None:
        """Say where something missing is.

        Args:
            missing: one of `missing`.
            path: where it is.
            sha256: of what is there, where it is known already; otherwise it is computed here, which takes a second
                for each GB. A model's is what its inspection says.
            any_contents: the person wants what is there, whatever it is.

        Raises:
            BadInputError: there is something else.
        """
        path = path.absolute()
        if not any_contents:
            check_found(missing, path, sha256)
        self._project = with_place(self._project, missing, path)
        self._moved[missing.path] = path
        self._missing = tuple(each for each in self._missing if each != missing)
        if missing.kind is MissingKind.SOURCE:
            self._tell(self.source_changed, self.recipe_changed)
        else:
            self._tell(self.files_changed if missing.kind is MissingKind.FILE else self.recipe_changed)

    def forget(self, missing: Missing) -> None:
        """Take a file that cannot be found out of the project."""
        self.set_files([file for file in self._project.files if file.path != missing.path])

    def note_fingerprints(self, digests: Mapping[str, str]) -> list[Missing]:
        """Take what a worker found the files to be; return those that are no longer what they were."""
        known = {each.path for each in self._missing}
        changed = [each for each in changed_files(self._project.files, digests) if each.path not in known]
        if changed:
            self._missing = (*self._missing, *changed)
            self._tell(self.files_changed)
        return changed

    def _tell(self, *signals: Any) -> None:
        for signal in signals:
            signal.emit()
        self.state_changed.emit()
        self._autosave.schedule()

    def _unsaved_changes(self) -> recovery.Snapshot | None:
        return recovery.Snapshot(self._project, self.path, self.title) if self.is_dirty else None
