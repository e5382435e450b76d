"""What every Step does around its work: check its options, leave its input alone, say whether it changed anything."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from converters.errors import UsageError
from converters.model.graph import Model
from converters.parameters import Parameter, Value, checked_options
from converters.progress import Progress


@dataclass(frozen=True)
class StepResult:
    """What a Step made of a Model.

    Attributes:
        model: the new Model; the given one when nothing changed.
        changed: whether the graph differs.
        notes: sentences for the report, with the largest difference a rewrite made.
        data: what the step found out, as plain data for the report; {} for nothing.
    """

    model: Model
    changed: bool
    notes: tuple[str, ...]
    data: Mapping[str, Any] = field(default_factory=dict)


class Step(ABC):
    """Model in, Model out.

    Attributes:
        name: in recipes.
        title: what people read.
        parameters: its options.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]] = ()

    @abstractmethod
    def _run(self, model: Model, options: dict[str, Value], progress: Progress) -> StepResult:
        """Do the work on a copy."""

    def run(self, model: Model, options: dict[str, Value], progress: Progress) -> StepResult:
        """Return what the step makes of `model`, which itself is never changed.

        Raises:
            UsageError: an unknown option or a value out of bounds, or the model is quantized already.
            UnsupportedError: the step cannot be applied to this model.
        """
        if model.encodings is not None:
            raise UsageError(
                f"The step {self.name} comes after a step that quantizes.",
                "What it changes would no longer be what was calibrated.",
                "Put the step that quantizes last, once.",
            )
        complete = checked_options(self.parameters, options, f"The step {self.name}")
        progress(self.title)
        return self._run(model, complete, progress)
