"""What an architecture is: it knows its state dict by keys and shapes, and builds the network they belong to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

Sizes = Mapping[str, tuple[int, ...]]
Config = Any


class Architecture(ABC):
    """One published network. A subclass implements `configure`, `build`, `inputs`.

    Attributes:
        id: short, for reports.
        title: the name people know it by.
        outputs: names of the outputs, in order.
        ignored: endings of keys that training leaves in a file and inference does not need.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    outputs: ClassVar[tuple[str, ...]]
    ignored: ClassVar[tuple[str, ...]] = ("num_batches_tracked",)

    @abstractmethod
    def configure(self, sizes: Sizes) -> Config | None:
        """Return widths, depths and so on told by keys and shapes; None when this is another network.

        A frozen dataclass of positive integers, booleans and tuples of them. May be generous: `recognise` compares
        every key and shape of the network it leads to.
        """

    @abstractmethod
    def build(self, config: Config) -> nn.Module:
        """Return the network with untrained weights, on torch's default device."""

    @abstractmethod
    def inputs(self, config: Config) -> dict[str, tuple[int, ...]]:
        """Return names and usual shapes of the inputs, in order."""

    @abstractmethod
    def example(self) -> Config:
        """Return the published configuration, to which unknown files are compared."""

    def with_shapes(self, config: Config, shapes: Sizes) -> Config:  # noqa: ARG002
        """Return the configuration for other input shapes; the same where the network does not depend on them."""
        return config

    def orphans(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:  # noqa: ARG002
        """Return tensors that travel with the network without being used in it, for the end of the ONNX file."""
        return {}

    def expected(self, config: Config) -> dict[str, tuple[int, ...]]:
        """Return keys and shapes of the network's state dict, without allocating it. Do not change the dict."""
        return _expected(self, config)

    def recognise(self, sizes: Sizes) -> Config | None:
        """Return the configuration when keys and shapes are exactly this network's, otherwise None."""
        config = self.configure(sizes)
        if config is None or not _is_possible(config):
            return None
        given = {key: shape for key, shape in sizes.items() if not key.endswith(self.ignored)}
        return config if given == self.expected(config) else None

    def nearest_config(self, sizes: Sizes) -> Config:
        """Return the configuration to compare an unknown file with."""
        config = self.configure(sizes)
        return config if config is not None and _is_possible(config) else self.example()


@lru_cache(maxsize=64)
def _expected(architecture: Architecture, config: Config) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        state = architecture.build(config).state_dict()
    return {key: tuple(value.shape) for key, value in state.items() if not key.endswith(architecture.ignored)}


def _is_possible(config: object) -> bool:
    """Return whether every number in a configuration is one that a layer can have."""
    if is_dataclass(config) and not isinstance(config, type):
        return all(_is_possible(getattr(config, field.name)) for field in fields(config))
    if isinstance(config, tuple):
        return bool(config) and all(map(_is_possible, config))
    return isinstance(config, bool) or (isinstance(config, int) and 0 < config < 2**20)


def count(sizes: Sizes, template: str) -> int:
    """Return how many of `template.format(0)`, `template.format(1)`, … exist in a row."""
    number = 0
    while template.format(number) in sizes:
        number += 1
    return number


def width(sizes: Sizes, key: str, axis: int = 0) -> int:
    """Return a size of the tensor `key`, 0 when there is no such tensor or axis."""
    shape = sizes.get(key, ())
    return shape[axis] if axis < len(shape) else 0
