"""Memory for pixels on their way from one step to the next, used again with every frame."""

from __future__ import annotations

import threading

import numpy as np

from converters.face.faces import Picture

_LARGEST_KEPT = 32_000_000  # bytes; more is rare, and would be held for nothing


class Scratch(threading.local):
    """Arrays by name, each thread its own. What was in them is lost with the next call for the same name."""

    def __init__(self) -> None:
        self._flat: dict[str, Picture] = {}

    def picture(self, name: str, height: int, width: int) -> Picture:
        """Return height x width x 3 contiguous bytes of anything; the memory grows to the largest asked for."""
        size = height * width * 3
        if size > _LARGEST_KEPT:
            return np.empty((height, width, 3), np.uint8)
        flat = self._flat.get(name)
        if flat is None or flat.size < size:
            flat = self._flat[name] = np.empty(size, np.uint8)
        return flat[:size].reshape(height, width, 3)
