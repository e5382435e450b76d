"""What AdaRound found so far, layer by layer, in a folder, so that cancelled work goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from converters.compress.quantize.adaround import Rounded, RoundingSettings
from converters.compress.quantize.encodings import Encodings, Floats
from converters.runtimes.base import Array

if TYPE_CHECKING:
    import onnx

STATE_VERSION = 1


def key_of(
    proto: onnx.ModelProto,
    encodings: Encodings,
    equalized: Mapping[str, Floats],
    samples: Sequence[Mapping[str, Array]],
    settings: RoundingSettings,
) -> str:
    """Return a name for everything that the codes depend on."""
    digest = hashlib.sha256(proto.SerializeToString(deterministic=True))
    layers = {name: layer.to_json() for name, layer in encodings.layers.items()}
    digest.update(json.dumps([STATE_VERSION, layers, asdict(settings)], sort_keys=True).encode())
    for arrays in (encodings.replaced, equalized, *samples):
        for name in sorted(arrays):
            array = np.ascontiguousarray(arrays[name])
            digest.update(f"{name}:{array.dtype}:{array.shape};".encode())
            digest.update(array.tobytes())
        digest.update(b"|")
    return digest.hexdigest()[:32]


class RoundingState:
    """Codes of layers in a folder of their own; None keeps nothing."""

    def __init__(self, folder: Path | None, key: str) -> None:
        self._folder = folder / key if folder is not None else None
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)

    def find(self, layer: str, shape: tuple[int, ...]) -> Rounded | None:
        """Return what was found for a layer; None where it was not yet, or where the file is damaged."""
        path = self._path(layer)
        if path is None or not path.exists():
            return None
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                codes = np.asarray(kept["codes"])
                figures = [float(value) for value in kept["figures"]]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None  # it is found anew and written over
        if codes.dtype != np.int8 or codes.shape != shape or len(figures) != 3:
            return None
        return Rounded(codes, *figures)

    def keep(self, layer: str, rounded: Rounded) -> None:
        """Keep what was found for a layer: all of it or nothing."""
        path = self._path(layer)
        if path is None:
            return
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            figures = np.array([rounded.nearest_error, rounded.error, rounded.changed])
            np.savez_compressed(file, codes=rounded.codes, figures=figures)
        partial.replace(path)

    def _path(self, layer: str) -> Path | None:
        if self._folder is None:
            return None
        return self._folder / f"{hashlib.sha256(layer.encode()).hexdigest()[:24]}.npz"
