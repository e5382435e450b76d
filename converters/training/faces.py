"""The face crops that the demo model learns from, and those it never sees."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from converters.errors import BadInputError
from converters.samples import read_pictures

HELD_OUT_FILE = Path(__file__).with_name("held_out.txt")
SIDE = 160
"""Of the stored crops; the middle 128 x 128 is the `arcface_128` framing."""
_MOST = 100_000


@dataclass(frozen=True)
class FaceCrops:
    """Crops in memory.

    Attributes:
        names: of the files.
        pixels: N x 3 x 160 x 160, RGB, uint8.
    """

    names: tuple[str, ...]
    pixels: Tensor

    def middle(self) -> Tensor:
        """Return the `arcface_128` framing of all crops: N x 3 x 128 x 128, float32, 0..1."""
        edge = (SIDE - 128) // 2
        return self.pixels[:, :, edge : edge + 128, edge : edge + 128].float() / 255


def held_out_names() -> frozenset[str]:
    """Return the names of the crops that are never trained on."""
    lines = HELD_OUT_FILE.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def read_faces(folder: Path) -> tuple[FaceCrops, FaceCrops]:
    """Return the crops to train on and the held-out ones, each sorted by name.

    Raises:
        BadInputError: no such folder, nothing readable, or a crop that is not 160 x 160.
    """
    held_out = held_out_names()
    found: tuple[list[tuple[str, np.ndarray]], list[tuple[str, np.ndarray]]] = ([], [])
    for name, picture in read_pictures(folder, _MOST):
        if picture.shape != (SIDE, SIDE, 3):
            raise BadInputError(f"{name} is {picture.shape[1]} x {picture.shape[0]}, not {SIDE} x {SIDE}.")
        found[name in held_out].append((name, picture))
    if not found[0]:
        raise BadInputError(f"{folder} holds no crop to train on.")
    return _stack(found[0]), _stack(found[1])


def _stack(pictures: list[tuple[str, np.ndarray]]) -> FaceCrops:
    if not pictures:
        return FaceCrops((), torch.empty((0, 3, SIDE, SIDE), dtype=torch.uint8))
    array = np.stack([picture for _, picture in pictures]).transpose(0, 3, 1, 2)
    return FaceCrops(tuple(name for name, _ in pictures), torch.from_numpy(np.ascontiguousarray(array)))
