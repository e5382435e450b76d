"""Which models are the two sides of a live comparison, out of everything that the project can compare."""

from __future__ import annotations

from typing import Any

from converters.preview.request import ModelChoice
from studio.comparing import Comparing, Entry
from studio.document import Document


class Sides:
    """The original and the candidate. Choices name paths; what is gone gives way to the usual.

    Attributes:
        original_path, candidate_path: chosen; "" for the usual.
    """

    def __init__(self, document: Document, comparing: Comparing) -> None:
        self._document, self._comparing = document, comparing
        self.original_path = self.candidate_path = ""

    @property
    def entries(self) -> list[Entry]:
        """Everything that can be the original or the candidate."""
        return self._comparing.entries

    @property
    def original(self) -> Entry | None:
        """What was chosen, else the project's model; None without one."""
        entries = self.entries
        return next((each for each in entries if each.path == self.original_path), entries[0] if entries else None)

    @property
    def candidate(self) -> Entry | None:
        """What was chosen, else the newest verified file, else the original."""
        by_path = {each.path: each for each in self.entries}
        if self.candidate_path in by_path:
            return by_path[self.candidate_path]
        files = self._document.project.files
        verified = [str(file.path) for file in files if file.verified and self._document.is_intact(file)]
        newest = next((by_path[path] for path in reversed(verified) if path in by_path), None)
        return newest or self.original

    @property
    def chosen_path(self) -> str:
        """Path of the candidate; "" without one."""
        candidate = self.candidate
        return candidate.path if candidate is not None else ""

    def forget(self) -> None:
        """Go back to the usual."""
        self.original_path = self.candidate_path = ""

    def model(self, entry: Entry) -> ModelChoice:
        """Return an entry as the process opens it."""
        if not entry.is_model:
            return ModelChoice(entry.path, entry.label)
        recipe = self._document.project.recipe
        return ModelChoice(
            entry.path,
            entry.label,
            dict(recipe.shapes),
            # a person said it of these contents
            trust=self._document.is_trusted,
            sha256=recipe.source_sha256 if self._document.is_trusted else "",
        )

    def source(self) -> tuple[str, str, Any]:
        """Return what tells one model of a project from another: its path, contents and sizes."""
        recipe = self._document.project.recipe
        return recipe.source, recipe.source_sha256, dict(recipe.shapes)
