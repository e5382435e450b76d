"""What AdaRound found so far, layer by layer, in a cache, so that cancelled work goes on where it stopped."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from converters.cache import Cache
from converters.compress.quantize.adaround import Rounded, RoundingSettings
from converters.compress.quantize.encodings import Encodings, Floats
from converters.compress.quantize.observations_cache import graph_digest
from converters.runtimes.base import Array

if TYPE_CHECKING:
    import onnx

STATE_VERSION = 2
_GROUP = "rounding"


def key_of(
    proto: onnx.ModelProto,
    encodings: Encodings,
    equalized: Mapping[str, Floats],
    samples: Sequence[Mapping[str, Array]],
    settings: RoundingSettings,
) -> str:
    """Return a name for everything that the codes depend on."""
    import onnxruntime
    import torch

    layers = {name: layer.to_json() for name, layer in encodings.layers.items()}
    versions = [STATE_VERSION, onnxruntime.__version__, str(torch.__version__)]
    known = [versions, graph_digest(proto), layers, asdict(settings)]
    digest = hashlib.sha256(json.dumps(known, sort_keys=True).encode())
    for arrays in (encodings.replaced, equalized, *samples):
        for name in sorted(arrays):
            array = np.ascontiguousarray(arrays[name])
            digest.update(f"{name}:{array.dtype}:{array.shape};".encode())
            digest.update(array.tobytes())
        digest.update(b"|")
    return digest.hexdigest()


class RoundingState:
    """Codes of layers in a cache, where that is possible.

    Args:
        folder: of the cache; None keeps nothing.
        key: from `key_of`.
    """

    def __init__(self, folder: Path | None, key: str) -> None:
        self._cache = Cache(folder) if folder is not None else None
        self._key = key

    def find(self, layer: str, shape: tuple[int, ...]) -> Rounded | None:
        """Return what was found for a layer; None where it was not yet, or where that is no longer whole."""
        stored = self._cache.get(_GROUP, self._name(layer)) if self._cache else None
        if stored is None:
            return None
        try:
            with np.load(io.BytesIO(stored), allow_pickle=False) as kept:
                codes = np.asarray(kept["codes"])
                figures = [float(value) for value in kept["figures"]]
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
            return None  # it is found anew and written over
        if codes.dtype != np.int8 or codes.shape != shape or len(figures) != 3:
            return None
        return Rounded(codes, *figures)

    def keep(self, layer: str, rounded: Rounded) -> None:
        """Keep what was found for a layer."""
        if self._cache is None:
            return
        file = io.BytesIO()
        figures = np.array([rounded.nearest_error, rounded.error, rounded.changed])
        np.savez_compressed(file, codes=rounded.codes, figures=figures)
        self._cache.put(_GROUP, self._name(layer), file.getvalue())

    def _name(self, layer: str) -> str:
        return hashlib.sha256(f"{self._key}\0{layer}".encode()).hexdigest()
