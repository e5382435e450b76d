"""One sample, float and quantized, as pictures and in numbers: quick enough to be made while a handle moves."""

from __future__ import annotations

import os
import secrets
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from converters.builtin import DEMO_EMBEDDER
from converters.closing import Closing
from converters.compare.pairs import PairFigures, Pairs
from converters.compress.quantize.calibration import CalibrationSample, CalibrationSet
from converters.compress.quantize.encodings import Encodings
from converters.compress.quantize.interactive_model import ModelFiles, are_equal
from converters.compress.quantize.judge import NUMBERS, PICTURES, identities_in
from converters.compress.quantize.qdq import build_qdq
from converters.destination import destination_errors
from converters.face.faces import Embedding, Picture
from converters.model.graph import Model
from converters.pictures import encoded_picture
from converters.plain import finite_or_null
from converters.runtimes.base import Array, Arrays
from converters.runtimes.onnx import OnnxSession, open_proto

_KEPT_RESULTS = 8
_KEPT_FILES = 6
"""Pictures of quantizations, and of originals, that stay: whoever was told of one may still be reading it."""
_FOR_SPANS = 4
"""Samples by which the span of numbers is told."""
_MEASURES = ("lpips", "psnr", "largest", "mean", "span_psnr", "cosine", "displacement")
_QUANTIZED, _ORIGINAL = "quantized-", "original-"


@dataclass(frozen=True)
class _Floating:
    """What the float model makes of one sample."""

    name: str
    feeds: Arrays
    outputs: Arrays
    identity: Embedding | None
    picture: Picture | None


class Preview(Closing):
    """Runs the float model once a sample, and quantizations of it as often as asked.

    Args:
        model: float, prepared.
        calibration: samples to show.

    Attributes:
        draws: whether the model draws pictures.
        files: quantizations as files.
    """

    def __init__(self, model: Model, calibration: CalibrationSet) -> None:
        self._model = model
        self._calibration = calibration
        self.files = ModelFiles(model)
        self._results: OrderedDict[int, _Floating] = OrderedDict()
        self._originals_written: dict[int, Path] = {}
        self._encodings: Encodings | None = None
        self._quantized: OnnxSession | None = None
        self._quantized_stack = ExitStack()
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="ffstudio-preview-")))
            self._session = stack.enter_context(open_proto(model.proto, folder))
            self._pairs = stack.enter_context(
                Pairs(model.signature, model.family, self._originals, DEMO_EMBEDDER, is_thorough=False)
            )
            self._stack = stack.pop_all()
        self.draws = any(output.edge is not None for output in self._pairs.outputs)

    def show(self, place: int, encodings: Encodings, folder: Path) -> dict[str, Any]:
        """Return pictures and figures of one sample.

        Args:
            place: of the sample, from 0; one beyond the last is taken for the last.
            encodings: how the layers are quantized.
            folder: made if missing; pictures are put there.

        Returns:
            "original", "quantized", "sample", "loss", "seconds" ("build", "run", "judge").

        Raises:
            DestinationError: the pictures cannot be written.
        """
        place = max(0, min(place, len(self._calibration) - 1))
        floating = self._result(place)
        start = time.perf_counter()
        session = self._opened(encodings)
        built = time.perf_counter()
        theirs = session.run(floating.feeds)
        ran = time.perf_counter()
        judged = self._pairs.judge(floating.outputs, theirs, floating.identity)
        original, quantized = self._written(place, floating, theirs, folder)
        end = time.perf_counter()
        return {
            "original": original,
            "quantized": quantized,
            "sample": floating.name,
            "loss": self._loss(judged),
            "seconds": {"build": built - start, "run": ran - built, "judge": end - ran},
        }

    def close(self) -> None:
        """Free native memory."""
        self._close_quantized()
        self._stack.close()
        self._results.clear()

    def _originals(self, name: str) -> Iterator[Array]:
        count = min(len(self._calibration), _FOR_SPANS)
        for place in range(count):
            yield self._result(place * len(self._calibration) // count).outputs[name]

    def _result(self, place: int) -> _Floating:
        if place not in self._results:
            sample: CalibrationSample = self._calibration.make(place)
            (identity,) = identities_in(self._model, [sample.feeds])
            outputs = self._session.run(sample.feeds)
            self._results[place] = _Floating(sample.name, sample.feeds, outputs, identity, sample.picture)
            while len(self._results) > _KEPT_RESULTS:
                self._results.popitem(last=False)
        self._results.move_to_end(place)
        return self._results[place]

    def _opened(self, encodings: Encodings) -> OnnxSession:
        """Return a session of the reference graph; the last one where nothing changed."""
        known = self._encodings
        if self._quantized is not None and known is not None and are_equal(known, encodings):
            return self._quantized
        self._close_quantized()
        folder = Path(self._quantized_stack.enter_context(TemporaryDirectory(prefix="ffstudio-preview-")))
        session = self._quantized_stack.enter_context(open_proto(build_qdq(self._model, encodings), folder))
        self._quantized, self._encodings = session, encodings
        return session

    def _close_quantized(self) -> None:
        self._quantized = self._encodings = None
        self._quantized_stack.close()

    def _loss(self, outputs: list[PairFigures]) -> dict[str, Any]:
        measure = PICTURES if any(PICTURES in each.figures for each in outputs) else NUMBERS
        used = [each for each in outputs if measure in each.figures] or outputs
        first = used[0].figures
        found: dict[str, Any] = {name: first.get(name) for name in _MEASURES}
        found["identity_lost"] = 1 - first["identity"] if "identity" in first else None
        found["source_lost"] = first.get("source_drop")
        is_broken = any(each.is_broken for each in outputs)
        return {"measure": measure, "is_broken": is_broken, **finite_or_null(found)}

    def _written(self, place: int, floating: _Floating, theirs: Arrays, folder: Path) -> tuple[str, str]:
        """Write both pictures; return their paths, "" for one that there is not."""
        output = next((output for output in self._pairs.outputs if output.edge is not None), None)
        edge = output.edge if output is not None else None
        if output is None or edge is None:
            if floating.picture is None:
                return "", ""
            return self._original(place, floating.picture, folder), ""
        name = output.tensor.name
        original = self._original(place, _bytes(edge.crop(floating.outputs[name])), folder)
        return original, _write(folder, _QUANTIZED, _bytes(edge.crop(theirs[name])))

    def _original(self, place: int, picture: Picture, folder: Path) -> str:
        """Write a sample's own picture, unless that was done and it is still there."""
        written = self._originals_written.get(place)
        if written is None or written.parent != folder or not written.is_file():
            written = self._originals_written[place] = Path(_write(folder, _ORIGINAL, picture))
        return os.fspath(written)


def _bytes(crop: Array) -> Picture:
    return np.asarray(np.rint(np.asarray(crop, np.float32) * 255), np.uint8)


def _write(folder: Path, kind: str, picture: Picture) -> str:
    """Write a picture so that whoever sees its name sees all of it; give up old ones of its kind."""
    # a name of its own each time: a worker that was started anew knows nothing of the pictures of the one before
    name = f"{kind}{time.monotonic_ns():020d}-{secrets.token_hex(4)}.png"
    with destination_errors(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = folder / f".{name}.part"
        unfinished.write_bytes(encoded_picture(picture, ".png"))
        unfinished.replace(folder / name)
        for old in sorted(folder.glob(f"{kind}*.png"))[:-_KEPT_FILES]:
            old.unlink(missing_ok=True)
    return os.fspath(folder / name)
