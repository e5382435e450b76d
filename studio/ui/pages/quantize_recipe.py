"""How the Quantize page reads and changes the recipe's step: every change can be undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from converters.parameters import Value
from studio.catalogue import catalogue
from studio.document import Document
from studio.ui.pages import quantize_request as plain
from studio.ui.texts import tr


class QuantizeRecipe:
    """The step `quantize` of a document's recipe.

    Args:
        document: the open project.
    """

    def __init__(self, document: Document) -> None:
        self._document = document

    @property
    def is_there(self) -> bool:
        """Whether the recipe has the step."""
        return self._document.step_options(plain.STEP) is not None

    @property
    def options(self) -> dict[str, Value]:
        """The options of the step; {} where the recipe has none."""
        return dict(self._document.step_options(plain.STEP) or {})

    @property
    def complete(self) -> dict[str, Value]:
        """All options, with the defaults of those that the recipe does not name."""
        return catalogue().step(plain.STEP).complete(self.options)

    @property
    def places(self) -> list[str]:
        """Where the calibration set comes from; "" stands for the built-in crops."""
        return plain.places_of(self.options)

    def switch(self, is_on: bool) -> None:
        """Put the step into the recipe, or take it out."""
        if is_on:
            self._edit(self.options, tr("Quantize the model"))
        else:
            self._edit(None, tr("Leave the model float"))

    def set_option(self, name: str, value: Value) -> None:
        """Change one option; changes of the same one in a row are undone together."""
        self._edit({**self.options, name: value}, tr("Change a quantization setting"), f"quantize:{name}")

    def set_places(self, places: Sequence[str]) -> None:
        """Change where the calibration set comes from."""
        self._edit({**self.options, "calibration": plain.joined(places)}, tr("Change the calibration set"))

    def add_place(self, place: str) -> None:
        """Calibrate on one more place."""
        self.set_places(plain.with_place(self.places, place))

    def remove_place(self, place: str) -> None:
        """Calibrate on one place less."""
        self.set_places(plain.without_place(self.places, place))

    def keep_float(self, layer: str, is_float: bool) -> None:
        """Keep a layer float, or quantize it again."""
        text = tr("Keep a layer float") if is_float else tr("Quantize a layer")
        self._edit(plain.kept_float(self.options, layer, is_float), text)

    def set_range(self, tensor: str, low: float, high: float) -> None:
        """Set a range by hand; moves of one tensor's handles in a row are undone together."""
        options = plain.with_range(self.options, tensor, (low, high))
        self._edit(options, tr("Set a range by hand"), f"quantize:range:{tensor}")

    def reset_range(self, tensor: str) -> None:
        """Leave a range to the policy again."""
        self._edit(plain.with_range(self.options, tensor, None), tr("Leave a range to the policy"))

    def take_schemes(self, found: Mapping[str, Value]) -> None:
        """Take over what a search for schemes ended in."""
        schemes = {name: value for name, value in found.items() if name != "budget"}
        self._edit({**self.options, **schemes}, tr("Choose schemes within a budget"))

    def _edit(self, options: Mapping[str, Value] | None, text: str, merge: str = "") -> None:
        self._document.set_step(plain.STEP, options, text, merge=merge)
