"""What quantizations of one model were found to lose, sample by sample, kept in a folder: nothing is measured twice.

Searches ask again for what they measured before they were interrupted, and so go on where they stopped.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from converters.cache import Cache
from converters.compress.quantize.encodings import Encodings, LayerEncoding
from converters.compress.quantize.judge import Figures, Judge, Loss
from converters.compress.quantize.observations_cache import graph_digest
from converters.compress.quantize.qdq import build_qdq
from converters.fingerprints import sha256_of
from converters.progress import Progress

_log = logging.getLogger(__name__)
_VERSION = 2
_GROUP = "losses"
_SECONDS_BETWEEN_WRITES = 1.0


class Measured:
    """Losses by Encodings and sample.

    Args:
        judge: of the model.
        folder: of the cache that keeps them, where that is possible; None to forget them.

    Attributes:
        runs: how many samples were run since this was made.
    """

    def __init__(self, judge: Judge, folder: Path | None = None) -> None:
        self.judge = judge
        self.runs = 0
        self._digests: dict[LayerEncoding, str] = {}
        self._samples = [judge.sample_digest(place) for place in range(judge.samples)]
        self._cache = Cache(folder) if folder is not None else None
        self._key = _key(judge) if self._cache else ""
        self._figures: dict[str, dict[str, Figures]] = self._read()
        self._written = time.monotonic()

    def loss(self, encodings: Encodings, count: int | None = None, progress: Progress | None = None) -> Loss:
        """Return what Encodings lose on the first `count` samples (None for all); only what is new is run.

        Raises:
            CancelledError: what was measured so far is kept.
        """
        places = range(min(count or self.judge.samples, self.judge.samples))
        known = self._figures.setdefault(self._digest(encodings), {})
        missing = [place for place in places if self._samples[place] not in known]
        if missing:
            proto = build_qdq(self.judge.model, encodings)
            for place, figures in zip(missing, self.judge.figures(proto, missing, progress), strict=True):
                known[self._samples[place]] = figures
                self.runs += 1
            if time.monotonic() - self._written > _SECONDS_BETWEEN_WRITES:
                self._write()
        return Loss.of(self.judge.measure, [known[self._samples[place]] for place in places])

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Write what was measured when the block ends, however it ends."""
        try:
            yield
        finally:
            self._write()

    def _digest(self, encodings: Encodings) -> str:
        digest = hashlib.sha256()
        for name in sorted(encodings.layers):
            layer = encodings.layers[name]
            if layer not in self._digests:
                self._digests[layer] = hashlib.sha256(repr(layer).encode()).hexdigest()
            digest.update(f"{name}\0{self._digests[layer]}\0".encode())
        for name in sorted(encodings.replaced):
            digest.update(f"{name}\0".encode())
            digest.update(encodings.replaced[name].tobytes())
        return digest.hexdigest()

    def _read(self) -> dict[str, dict[str, Figures]]:
        """Return what was kept; nothing where there is none, or where it is something else."""
        stored = self._cache.get(_GROUP, self._key) if self._cache else None
        if stored is None:
            return {}
        try:
            return {encodings: _figures(samples) for encodings, samples in json.loads(stored).items()}
        except (ValueError, TypeError, AttributeError) as error:
            _log.warning("kept losses cannot be read and are measured anew: %s", error)
            return {}

    def _write(self) -> None:
        if self._cache is None:
            return
        data = {
            encodings: {sample: _plain(figures) for sample, figures in samples.items()}
            for encodings, samples in self._figures.items()
            if samples
        }
        if data:
            self._cache.put(_GROUP, self._key, json.dumps(data, allow_nan=False).encode())
        self._written = time.monotonic()


def _key(judge: Judge) -> str:
    """Return what the figures depend on besides Encodings and samples."""
    import onnxruntime

    judges = [sha256_of(path) for path in judge.judges if path.is_file()]
    graph = graph_digest(judge.model.proto)
    parts = (_VERSION, graph, judge.model.family, judge.measure, judges, onnxruntime.__version__)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _plain(figures: Figures) -> dict[str, float | str]:
    return {name: value if math.isfinite(value) else repr(value) for name, value in figures.items()}


def _figures(samples: Mapping[str, Any]) -> dict[str, Figures]:
    return {sample: {name: float(value) for name, value in each.items()} for sample, each in samples.items()}
