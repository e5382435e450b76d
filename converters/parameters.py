"""One description of a parameter, from which form, validation, command line and docs are made."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from converters.errors import UsageError, did_you_mean

Value = bool | int | float | str


@dataclass(frozen=True)
class Parameter:
    """A setting of a Step or Target.

    Attributes:
        name: as in recipes and on the command line.
        default: also fixes the type (bool, int, float or str).
        help: one sentence for tooltips and --help.
        choices: allowed values, empty for any.
        minimum, maximum: limits of a number, None for none.
        unit: of a number, empty for none.
        precisions: of files that it has an effect on, empty for all.
    """

    name: str
    default: Value
    help: str
    choices: tuple[Value, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    precisions: tuple[str, ...] = ()

    def check(self, value: object, owner: str) -> Value:
        """Return `value` in this parameter's type.

        Raises:
            UsageError: wrong type, outside the limits or none of the choices.
        """
        kind = type(self.default)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if type(value) is not kind:
            raise UsageError(f"{owner}: {self.name} must be {kind.__name__}, not {value!r}.")
        assert isinstance(value, bool | int | float | str)
        if self.choices and value not in self.choices:
            raise UsageError(
                f"{owner}: {self.name} cannot be {value!r}.", "", did_you_mean(str(value), map(str, self.choices))
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise UsageError(f"{owner}: {self.name} must be a number, not {value}.")
        if isinstance(value, int | float) and not isinstance(value, bool):
            too_small = self.minimum is not None and value < self.minimum
            if too_small or (self.maximum is not None and value > self.maximum):
                raise UsageError(
                    f"{owner}: {self.name} must lie between {self.minimum} and {self.maximum}, not {value}."
                )
        return value

    def parse(self, text: str, owner: str) -> Value:
        """Return the value written as `text` on a command line.

        Raises:
            UsageError: as `check` does.
        """
        if isinstance(self.default, bool):
            words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
            if text.lower() not in words:
                raise UsageError(f"{owner}: {self.name} must be true or false, not {text!r}.")
            return words[text.lower()]
        try:
            value: Value = type(self.default)(text)
        except ValueError:
            raise UsageError(f"{owner}: {self.name} must be {type(self.default).__name__}, not {text!r}.") from None
        return self.check(value, owner)


def checked_options(parameters: Iterable[Parameter], given: Mapping[str, Any], owner: str) -> dict[str, Value]:
    """Return every parameter's value: those given, checked, and the defaults of the others.

    Raises:
        UsageError: an unknown name (with the nearest known one) or a value out of bounds.
    """
    known = {parameter.name: parameter for parameter in parameters}
    for name in given:
        if name not in known:
            raise UsageError(f"{owner} has no option {name!r}.", "", did_you_mean(name, known))
    return {
        name: parameter.check(given[name], owner) if name in given else parameter.default
        for name, parameter in known.items()
    }
