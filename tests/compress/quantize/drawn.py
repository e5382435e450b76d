"""Samples for small models: made when asked for, always the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from converters.model.graph import Model
from converters.progress import Progress, ProgressMessage


@dataclass(frozen=True)
class DrawnSample:
    """One sample; the digest is of the feeds."""

    name: str
    feeds: Mapping[str, np.ndarray]

    @cached_property
    def digest(self) -> str:
        """Return the sha256 of the feeds."""
        digest = hashlib.sha256()
        for name in sorted(self.feeds):
            array = self.feeds[name]
            digest.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
        return digest.hexdigest()


def drawn_sample(model: Model, number: int) -> DrawnSample:
    """Return noise for all inputs, of another strength in every sample."""
    generator = np.random.default_rng(number)
    strength = 1 + number % 5
    feeds = {
        tensor.name: (generator.standard_normal(tensor.static_shape) * strength).astype(np.float32)
        for tensor in model.signature.inputs
    }
    return DrawnSample(f"sample {number}", feeds)


def drawn_samples(model: Model, count: int, first: int = 0) -> list[DrawnSample]:
    """Return some samples."""
    return [drawn_sample(model, number) for number in range(first, first + count)]


class Runs(Progress):
    """Counts the samples that are run, and cancels after so many."""

    def __init__(self, most: int = 1_000_000) -> None:
        self.details: list[str] = []
        super().__init__(self._count, lambda: len(self.details) >= most)

    def _count(self, message: ProgressMessage) -> None:
        self.details.append(message.detail)

    def __iter__(self) -> Iterator[str]:
        return iter(self.details)

    def __len__(self) -> int:
        return len(self.details)
