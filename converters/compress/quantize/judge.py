"""What a quantization loses: its reference graph against the float model, on the same samples, in terms of pictures."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from converters.builtin import DEMO_EMBEDDER, LPIPS_WEIGHTS
from converters.closing import Closing
from converters.compare.pairs import PairFigures, Pairs
from converters.compress.quantize.calibration import CalibrationSample
from converters.errors import BadInputError
from converters.face.faces import Embedding
from converters.model.graph import Model
from converters.model.signature import Role
from converters.plain import finite_or_null
from converters.progress import Progress
from converters.runtimes.base import Arrays

if TYPE_CHECKING:
    import onnx

PICTURES, NUMBERS = "lpips", "mean"
"""The measure of a loss: LPIPS, or, where a model draws no pictures, the mean difference over the output's span."""
_DEMO_SWAPPER = "demo_swapper"
_RUNNING = "Running the float model"
Figures = dict[str, float]
"""Of one sample: "loss", "psnr", and where they apply "identity_lost" and "source_lost"; NaN where it is broken."""


@dataclass(frozen=True)
class Loss:
    """How far a quantized model is from its float original.

    Attributes:
        measure: "lpips", or "mean" for the mean difference as a fraction of the output's span.
        mean, p95, worst: of the measure over the samples; 95 % are no worse than p95. Infinite where a sample gave
            values that are not finite.
        psnr: mean over the samples that differ, dB; infinite where none does.
        identity_lost: 1 - cosine between the faces that the original and the quantized model draw, mean; None where no
            faces are drawn.
        source_lost: by how much the cosine to the face that was to appear fell, mean; None where there is none.
        samples: how many.
        broken: on how many values were not finite.
    """

    measure: str
    mean: float
    p95: float
    worst: float
    psnr: float
    identity_lost: float | None
    source_lost: float | None
    samples: int
    broken: int = 0

    @property
    def lpips_mean(self) -> float | None:
        """The mean LPIPS, None where the measure is another."""
        return self.mean if self.measure == PICTURES else None

    @property
    def lpips_p95(self) -> float | None:
        """The LPIPS that 95 % of the samples do not exceed, None where the measure is another."""
        return self.p95 if self.measure == PICTURES else None

    @property
    def person_lost(self) -> float | None:
        """How much less the drawn face is who it was to be: by the source where there is one, else by the original."""
        return self.source_lost if self.source_lost is not None else self.identity_lost

    def to_json(self) -> dict[str, Any]:
        """Return plain data; None for what is infinite."""
        return finite_or_null(vars(self))

    @classmethod
    def of(cls, measure: str, figures: Sequence[Figures]) -> Loss:
        """Return the loss over samples, of which there is at least one."""
        values = [each["loss"] if math.isfinite(each["loss"]) else math.inf for each in figures]
        differing = [each["psnr"] for each in figures if math.isfinite(each["psnr"])]
        return cls(
            measure=measure,
            mean=_mean(values),
            p95=sorted(values)[-(-95 * len(values) // 100) - 1],
            worst=max(values),
            psnr=_mean(differing) if differing else math.inf,
            identity_lost=_mean_of("identity_lost", figures),
            source_lost=_mean_of("source_lost", figures),
            samples=len(figures),
            broken=sum(not math.isfinite(value) for value in values),
        )


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if all(map(math.isfinite, values)) else math.inf


def _mean_of(name: str, figures: Sequence[Figures]) -> float | None:
    found = [each[name] for each in figures if name in each]
    return _mean([value if math.isfinite(value) else math.inf for value in found]) if found else None


class Judge(Closing):
    """Runs the float original once and keeps what it gave; judges quantizations by it. Use as a context manager.

    Args:
        model: float.
        feeds: at least one; each with every input.
        identities: for each feed the raw embedding of the face that is to appear by `embedder`, None where that is not
            known; the demo swapper's are in its feeds.
        embedder: the recogniser that compares faces.
        progress: told about every sample; may cancel.

    Attributes:
        measure: "lpips" where the model draws pictures of at least 32 x 32, otherwise "mean".
        samples: how many feeds.
        notes: sentences.
        judges: files of the networks that it may judge by.

    Raises:
        BadInputError: no feeds, or they do not fit the model.
    """

    def __init__(
        self,
        model: Model,
        feeds: Sequence[Arrays],
        *,
        identities: Sequence[Embedding | None] | None = None,
        embedder: Path = DEMO_EMBEDDER,
        progress: Progress | None = None,
    ) -> None:
        from converters.runtimes.onnx import open_proto

        if not feeds:
            raise BadInputError("There are no samples to judge by.", "", "Give at least one; 16 are a good number.")
        self.model = model
        self._feeds = list(feeds)
        self._identities = list(identities) if identities is not None else identities_in(model, feeds)
        progress = progress or Progress()
        self._originals: list[Arrays] = []
        with TemporaryDirectory(prefix="ffstudio-judge-") as folder, open_proto(model.proto, Path(folder)) as session:
            for place, feed in enumerate(self._feeds):
                progress(_RUNNING, place / len(self._feeds))
                self._originals.append(session.run(feed))
        self._pairs = Pairs(
            model.signature,
            model.family,
            lambda name: (each[name] for each in self._originals),
            embedder,
            is_thorough=False,
        )
        first = self._pairs.judge(self._originals[0], self._originals[0], self._identities[0])
        self.measure = PICTURES if any(PICTURES in each.figures for each in first) else NUMBERS
        self.samples = len(self._feeds)
        self.notes = tuple(self._pairs.notes)
        self.judges = (LPIPS_WEIGHTS, embedder)

    def judge(self, proto: onnx.ModelProto, count: int | None = None, progress: Progress | None = None) -> Loss:
        """Return what a graph of the same inputs and outputs loses on the first `count` samples; None for all."""
        places = range(min(count or self.samples, self.samples))
        return Loss.of(self.measure, list(self.figures(proto, places, progress)))

    def figures(
        self, proto: onnx.ModelProto, places: Sequence[int], progress: Progress | None = None
    ) -> Iterator[Figures]:
        """Yield the figures of single samples.

        Args:
            proto: such as `build_qdq` makes.
            places: of samples, from 0.
            progress: asked between the samples, so that a slow model can be cancelled.
        """
        from converters.runtimes.onnx import open_proto

        with TemporaryDirectory(prefix="ffstudio-judge-") as folder, open_proto(proto, Path(folder)) as session:
            for place in places:
                if progress is not None and progress.is_cancelled():
                    progress("Cancelled")
                theirs = session.run(self._feeds[place])
                yield self._figures_of(self._pairs.judge(self._originals[place], theirs, self._identities[place]))

    def sample_digest(self, place: int) -> str:
        """Return the sha256 of one sample's feeds and of the face that is to appear, hexadecimal."""
        digest = CalibrationSample("", self._feeds[place]).digest
        face = self._identities[place]
        if face is None:
            return digest
        return hashlib.sha256(digest.encode() + np.asarray(face, np.float32).tobytes()).hexdigest()

    def close(self) -> None:
        """Free native memory."""
        self._pairs.close()

    def _figures_of(self, outputs: Sequence[PairFigures]) -> Figures:
        """Return one sample's figures: the means over those outputs that have them."""
        used = [each.figures for each in outputs if self.measure in each.figures]
        names = {"loss": self.measure, "psnr": "psnr" if self.measure == PICTURES else "span_psnr"}
        found = {ours: _mean_or_nan([each[theirs] for each in used]) for ours, theirs in names.items()}
        if any(each.is_broken for each in outputs):
            found["loss"] = math.nan
        faces = [each for each in used if "identity" in each]
        if faces:
            found["identity_lost"] = 1 - _mean_or_nan([each["identity"] for each in faces])
        if faces and "source_drop" in faces[0]:
            found["source_lost"] = _mean_or_nan([each["source_drop"] for each in faces])
        return found


def _mean_or_nan(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else math.nan


def identities_in(model: Model, feeds: Sequence[Arrays]) -> list[Embedding | None]:
    """Return the faces that are to appear where the feeds tell them: the demo swapper takes its recogniser's own."""
    vectors = [tensor.name for tensor in model.signature.inputs if tensor.role is Role.EMBEDDING]
    if model.family != _DEMO_SWAPPER or len(vectors) != 1:
        return [None] * len(feeds)
    return [np.asarray(feed[vectors[0]], np.float32).reshape(-1) for feed in feeds]
