"""How far one model's outputs are from another's on the same feed: the one way, for comparing files and quantizations.

Pictures are judged as people see them, everything else as numbers on the scale of its span.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from converters.closing import Closing
from converters.compare.landmarks import FaceLandmarks
from converters.compare.measures import judge_numbers, judge_pictures
from converters.errors import BadInputError, UnsupportedError
from converters.face.align import TEMPLATES, matrix_to, warp
from converters.face.embed import cosine
from converters.face.faces import Embedding
from converters.face.tensors import ImageOutput, is_picture
from converters.measure.lpips import Lpips
from converters.measure.pictures import Values
from converters.model.families import family as family_called
from converters.model.signature import Signature, TensorInfo
from converters.runtimes.base import Array, Arrays

if TYPE_CHECKING:
    from converters.face.embed import Embedder

_OF_THE_ORIGINAL = ("source_original",)
Originals = Callable[[str], Iterable[Array]]
"""Gives what the original made of every feed, by the output's name."""


@dataclass(frozen=True)
class Output:
    """One output of the original, and how it becomes a picture; None where it is none."""

    tensor: TensorInfo
    edge: ImageOutput | None

    @property
    def kind(self) -> str:
        """ "picture" or "numbers"."""
        return "picture" if self.edge else "numbers"


@dataclass(frozen=True)
class PairFigures:
    """One output of one feed, judged.

    Attributes:
        figures: by measure's id; NaN for all that are the candidate's where it is broken.
        maps: where differences of pictures are, by "lpips" and "flip"; {} for none.
        is_broken: the candidate gave values that are not finite where the original's are.
    """

    figures: dict[str, float]
    maps: dict[str, Array]
    is_broken: bool


class Pairs(Closing):
    """Judges pairs of what two models made of one feed; use as a context manager.

    Args:
        signature, family: of the original.
        originals: asked once for outputs whose range or span nothing else tells.
        embedder: path of the recogniser for identity measures, None for none.
        is_thorough: False leaves out FLIP, SSIM, landmarks and LPIPS maps, which take most of the time.

    Attributes:
        outputs: of the original, in its order.
        notes: sentences on what could not be measured or had to be guessed.
    """

    def __init__(
        self,
        signature: Signature,
        family: str,
        originals: Originals,
        embedder: Path | None,
        *,
        is_thorough: bool = True,
    ) -> None:
        self.notes: list[str] = []
        self._is_thorough = is_thorough
        self.outputs = [
            Output(tensor, picture_edge(tensor, family, originals, self.notes)) for tensor in signature.outputs
        ]
        self._spans = {each.tensor.name: _span(originals(each.tensor.name)) for each in self.outputs if not each.edge}
        known = family_called(family)
        template = known.template if known else ""
        draws = any(output.edge for output in self.outputs)
        with ExitStack() as stack:
            self._lpips = stack.enter_context(Lpips())
            self._faces = _Faces(template, embedder, stack, self.notes) if draws else None
            is_landmarked = draws and is_thorough
            self._landmarks = FaceLandmarks(template, stack, self.notes) if is_landmarked else None
            self._stack = stack.pop_all()

    def judge(self, ours: Arrays, theirs: Arrays, source: Embedding | None) -> list[PairFigures]:
        """Return the measures of every output, in the order of `outputs`.

        Args:
            ours, theirs: the original's and the candidate's outputs by the original's names.
            source: the recogniser's embedding of the face that was to appear, None where that is not known.
        """
        return [self._judged(each, ours[each.tensor.name], theirs[each.tensor.name], source) for each in self.outputs]

    def remarks(self) -> list[str]:
        """Return sentences on what was measured, once everything is."""
        return self._landmarks.remarks() if self._landmarks is not None else []

    def close(self) -> None:
        """Free native memory."""
        self._stack.close()

    def _judged(self, output: Output, one: Array, other: Array, source: Embedding | None) -> PairFigures:
        is_broken = _is_broken(one, other)
        maps: dict[str, Array] = {}
        if output.edge is None:
            found = judge_numbers(one, other, self._spans[output.tensor.name], output.tensor)
        else:
            pictures = output.edge.crop(one), output.edge.crop(other)
            found, maps = judge_pictures(*pictures, self._lpips, is_thorough=self._is_thorough)
            if self._faces is not None:
                found |= self._faces.judge(*pictures, source)
            if self._landmarks is not None:
                found |= self._landmarks.judge(output.tensor.name, *pictures)
        if is_broken:  # a crop shows black or white there, which may happen to be near
            found = {measure: found[measure] if measure in _OF_THE_ORIGINAL else math.nan for measure in found}
        return PairFigures(found, {} if is_broken else maps, is_broken)


def picture_edge(tensor: TensorInfo, family: str, originals: Originals, notes: list[str]) -> ImageOutput | None:
    """Return how an output becomes a picture, None where it is none.

    Where nothing says which values mean black and white, the original's own do: below 0 means -1..1, above 2 0..255.
    """
    if not is_picture(tensor):
        return None
    if tensor.value_range is None and not tensor.mean:
        lows, highs = zip(*map(_extremes, originals(tensor.name)), strict=True)
        value_range = (0.0, 255.0) if max(highs) > 2 else (-1.0, 1.0) if min(lows) < -0.05 else (0.0, 1.0)
        low, high = value_range
        notes.append(f"Nothing says what values {tensor.name} has; {low:g}..{high:g} was taken for black..white.")
        tensor = replace(tensor, value_range=value_range)
    try:
        return ImageOutput(tensor, family or "the model")
    except UnsupportedError:  # a batch, or whole numbers: judged as numbers
        return None


def _extremes(array: Array) -> tuple[float, float]:
    values = array[np.isfinite(array)].astype(np.float64)
    return float(values.min(initial=math.inf)), float(values.max(initial=-math.inf))


def _span(arrays: Iterable[Array]) -> float:
    """Return the largest minus the smallest finite value over all arrays; 0 where there is none."""
    lows, highs = zip(*map(_extremes, arrays), strict=True)
    return max(max(highs) - min(lows), 0.0) if math.isfinite(min(lows)) else 0.0


def _is_broken(ours: Array, theirs: Array) -> bool:
    """Whether the candidate gives no finite value where the original does."""
    return ours.dtype.kind == "f" and bool(np.any(~np.isfinite(theirs) & np.isfinite(ours)))


class _Faces:
    """Identity of the drawn faces, where they are faces and there is a recogniser."""

    def __init__(self, template: str, embedder: Path | None, stack: ExitStack, notes: list[str]) -> None:
        from converters.face.embed import open_embedder

        self._template = template
        self._embedder: Embedder | None = None
        if self._template not in TEMPLATES:
            return
        if embedder is None:
            notes.append("Identity was not measured: no picture that the model takes has a fixed size.")
            return
        self._embedder = stack.enter_context(open_embedder(embedder))

    def judge(self, one: Values, other: Values, source: Embedding | None) -> dict[str, float]:
        """Return the identity measures of two drawn crops; {} where they do not apply."""
        if self._embedder is None or one.shape[0] != one.shape[1]:
            return {}
        embeddings = [self._embedded(picture) for picture in (one, other)]
        found = {"identity": _cosine(*embeddings)}
        if source is not None:
            found["source_original"], found["source_candidate"] = (_cosine(each, source) for each in embeddings)
            found["source_drop"] = found["source_original"] - found["source_candidate"]
        return found

    def _embedded(self, picture: Values) -> Embedding | None:
        """Return the embedding of a crop that lies over the model's template; None where there is none."""
        assert self._embedder is not None
        points = (TEMPLATES[self._template] * picture.shape[0]).astype(np.float32)
        side = self._embedder.side
        matrix = matrix_to(self._embedder.template, points, side)
        crop = warp(np.rint(picture * 255).astype(np.uint8), matrix, side)
        try:
            return self._embedder.embed_crop(crop)
        except BadInputError:
            return None


def _cosine(one: Embedding | None, other: Embedding | None) -> float:
    if one is None or other is None:
        return math.nan
    try:
        return cosine(one, other)
    except BadInputError:
        return math.nan
