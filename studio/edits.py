"""One change of a recipe that can be undone and done again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from PySide6.QtGui import QUndoCommand

from converters.parameters import Value
from converters.recipe import Recipe, StepRequest

STEP_ORDER: Final = ("simplify", "rewrite", "prune", "distill", "quantize", "qat")
"""In which steps make sense one after the other."""
_MERGEABLE: Final = 1


class RecipeEdit(QUndoCommand):
    """Goes from one recipe to another and back.

    Args:
        apply: makes a recipe the document's.
        before, after: the recipes.
        text: for the menu: "Change the pruning amount".
        merge: edits that follow each other with the same mark become one step; "" for never.
    """

    def __init__(
        self, apply: Callable[[Recipe], None], before: Recipe, after: Recipe, text: str, merge: str = ""
    ) -> None:
        super().__init__(text)
        self._apply = apply
        self._before = before
        self._after = after
        self._merge = merge

    def id(self) -> int:
        """Tell Qt whether to try `mergeWith`."""
        return _MERGEABLE if self._merge else -1

    def mergeWith(self, other: QUndoCommand) -> bool:  # noqa: N802 - Qt's name
        """Take a later edit into this one when it has the same mark."""
        if not isinstance(other, RecipeEdit) or other._merge != self._merge:
            return False
        self._after = other._after
        self.setObsolete(self._after == self._before)
        return True

    def redo(self) -> None:
        """Make the change."""
        self._apply(self._after)

    def undo(self) -> None:
        """Take the change back."""
        self._apply(self._before)


def source_of(recipe: Recipe) -> tuple[str, str, dict[str, tuple[int, ...]]]:
    """Return what edits never change: the model, its contents and the sizes of its inputs."""
    return recipe.source, recipe.source_sha256, recipe.shapes


def with_step(recipe: Recipe, step: str, options: Mapping[str, Value] | None) -> Recipe:
    """Return a recipe in which a step has these options; None: without the step.

    Steps stand in `STEP_ORDER`; names that it does not know stay behind those before them.
    """
    others = [item for item in recipe.steps if item.step != step]
    if options is None:
        return replace(recipe, steps=tuple(others))
    request = StepRequest(step, dict(options))
    places = [place for place, item in enumerate(recipe.steps) if item.step == step]
    if places:  # it stays where it is; a second one of the same name goes
        others.insert(places[0], request)
        return replace(recipe, steps=tuple(others))
    rank = _rank(step)
    place = next((place for place, item in enumerate(others) if _rank(item.step) > rank), len(others))
    others.insert(place, request)
    return replace(recipe, steps=tuple(others))


def _rank(step: str) -> int:
    return STEP_ORDER.index(step) if step in STEP_ORDER else len(STEP_ORDER)
