"""The quantized model as a file, for the preview process that shows it on live frames while a handle moves."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from pathlib import Path

from converters.compress.quantize.encodings import Encodings
from converters.compress.quantize.qdq import build_qdq
from converters.destination import destination_errors
from converters.model.graph import Model, write_proto

_KIND = "candidate-"
_KEPT = 3
"""Files that stay: whoever was told of one may still be opening it."""


class ModelFiles:
    """Writes quantizations of one model, each in a folder of its own, and gives up old ones.

    Args:
        model: float, prepared.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._last: tuple[Encodings, Path] | None = None

    def written(self, encodings: Encodings, folder: Path) -> str:
        """Return the path of the reference graph; the last one where nothing changed.

        Args:
            encodings: how the layers are quantized.
            folder: private, made if missing.

        Raises:
            DestinationError: it cannot be written.
            UnsupportedError: as `build_qdq`.
        """
        if self._last is not None:
            known, path = self._last
            if path.parent.parent == folder and path.is_file() and are_equal(known, encodings):
                return os.fspath(path)
        proto = build_qdq(self._model, encodings)
        # a name of its own each time: whoever shows it tells by the path which one it shows
        place = folder / f"{_KIND}{time.monotonic_ns():020d}-{secrets.token_hex(4)}"
        with destination_errors(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                path = write_proto(proto, place)
            except BaseException:
                shutil.rmtree(place, ignore_errors=True)
                raise
            for old in sorted(folder.glob(f"{_KIND}*"))[:-_KEPT]:
                shutil.rmtree(old, ignore_errors=True)
        self._last = (encodings, path)
        return os.fspath(path)


def are_equal(one: Encodings, other: Encodings) -> bool:
    """Say whether two quantizations of one model are the same."""
    return (
        one.layers == other.layers
        and one.replaced.keys() == other.replaced.keys()
        and all(one.replaced[name] is other.replaced[name] for name in one.replaced)
    )
