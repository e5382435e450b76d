"""What an operator's implementation is given: its arguments, by name, in the form it wants."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from converters.errors import BadInputError
from converters.runtimes.mil.constants import Constant
from converters.runtimes.mil.graph import Operation
from converters.runtimes.mil.value_types import ValueType

Result = torch.Tensor | tuple[torch.Tensor, ...]


@dataclass(frozen=True)
class Call:
    """One operator with the values of its arguments.

    Every accessor raises `BadInputError` when the argument is required and missing, or of another kind.

    Attributes:
        operation: the operator.
        arguments: values by parameter name; several for a parameter that takes a tuple.
    """

    operation: Operation
    arguments: dict[str, tuple[Constant, ...]]

    def __contains__(self, name: str) -> bool:
        return name in self.arguments and len(self.arguments[name]) > 0

    @property
    def declared(self) -> ValueType:
        """The declared type of the first output."""
        return self.operation.outputs[0].type

    def _one(self, name: str) -> Constant:
        values = self.arguments.get(name, ())
        if len(values) != 1:
            raise BadInputError(f"The operator {self.operation.label} has {len(values)} values for {name!r}, not one.")
        return values[0]

    def tensor(self, name: str) -> torch.Tensor:
        """Return the argument `name` as a tensor."""
        value = self._one(name)
        if not isinstance(value, torch.Tensor):
            raise BadInputError(f"The operator {self.operation.label} has a {name!r} that is no tensor.")
        return value

    def optional(self, name: str) -> torch.Tensor | None:
        """Return the argument `name` as a tensor, None when it is absent."""
        return self.tensor(name) if name in self else None

    def tensors(self, name: str) -> list[torch.Tensor]:
        """Return all values of the argument `name`."""
        values = self.arguments.get(name, ())
        tensors = [value for value in values if isinstance(value, torch.Tensor)]
        if not tensors or len(tensors) != len(values):
            raise BadInputError(f"The operator {self.operation.label} has a {name!r} that is not a list of tensors.")
        return tensors

    def floats(self, name: str) -> torch.Tensor:
        """Return the argument `name` as a float32 tensor."""
        return self.tensor(name).to(torch.float32)

    def number(self, name: str, default: float | None = None) -> float:
        """Return a scalar argument as a float."""
        if name not in self and default is not None:
            return default
        return float(self.tensor(name).item())

    def integer(self, name: str, default: int | None = None) -> int:
        """Return a scalar argument as an int."""
        if name not in self and default is not None:
            return default
        return int(self.tensor(name).item())

    def integers(self, name: str, default: list[int] | None = None) -> list[int]:
        """Return a vector argument as ints."""
        if name not in self and default is not None:
            return default
        return [int(value) for value in self.tensor(name).reshape(-1).tolist()]

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a scalar argument as a bool."""
        return bool(self.tensor(name).item()) if name in self else default

    def flags(self, name: str, count: int) -> list[bool]:
        """Return a vector argument as `count` bools, all false when it is absent."""
        if name not in self:
            return [False] * count
        values = [bool(value) for value in self.tensor(name).reshape(-1).tolist()]
        if len(values) != count:
            raise BadInputError(f"The operator {self.operation.label} has {len(values)} {name!r}, not {count}.")
        return values

    def text(self, name: str, default: str | None = None) -> str:
        """Return a string argument."""
        if name not in self and default is not None:
            return default
        value = self._one(name)
        if not isinstance(value, str):
            raise BadInputError(f"The operator {self.operation.label} has a {name!r} that is no text.")
        return value

    def axis(self, name: str, rank: int, default: int | None = None) -> int:
        """Return a scalar argument as an axis between 0 and `rank` - 1."""
        return self.normal_axis(self.integer(name, default), rank)

    def axes(self, name: str, rank: int) -> list[int]:
        """Return a vector argument as axes, all of them when it is absent."""
        if name not in self:
            return list(range(rank))
        return [self.normal_axis(axis, rank) for axis in self.integers(name)]

    def normal_axis(self, axis: int, rank: int) -> int:
        """Return `axis` counted from the front."""
        if not -rank <= axis < rank:
            raise BadInputError(f"The operator {self.operation.label} names axis {axis} of {rank}.")
        return axis % rank

    def choice(self, name: str, value: str, known: tuple[str, ...]) -> str:
        """Return `value` if it is one of `known`."""
        if value not in known:
            raise BadInputError(f"The operator {self.operation.label} has the unknown {name} {value!r}.")
        return value
