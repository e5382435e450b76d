"""The measures of one candidate, from the outputs that both sides left."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from converters.compare.landmarks import FaceLandmarks
from converters.compare.measures import MEASURES, judge_numbers, judge_pictures
from converters.compare.sides import Index, read_feed, read_outputs
from converters.errors import BadInputError, UnsupportedError
from converters.face.align import TEMPLATES, matrix_to, warp
from converters.face.embed import cosine
from converters.face.faces import Embedding
from converters.face.tensors import ImageOutput, is_picture
from converters.measure.lpips import Lpips
from converters.measure.pictures import Values
from converters.measure.summary import plain_value, settled, summarise
from converters.model.families import family
from converters.model.signature import TensorInfo
from converters.progress import Progress
from converters.runtimes.base import Array

if TYPE_CHECKING:
    from converters.face.embed import Embedder

HEAT = "heat"
_OF_THE_ORIGINAL = ("source_original",)
Figures = dict[str, dict[str, float]]
"""By measure and picture."""


@dataclass(frozen=True)
class _Output:
    """One output of the original, and how it becomes a picture; None where it is none."""

    tensor: TensorInfo
    edge: ImageOutput | None


def heat_file(staging: Path, number: int, output: int, place: int) -> Path:
    """Return where the LPIPS map of one picture lies: float16, height x width."""
    return staging / HEAT / f"{number}-{output}-{place}.npy"


def judge(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Measure how far a candidate's outputs are from the original's.

    Args:
        arguments: "staging"; "number": of the candidate.
        progress: told after every picture.

    Returns:
        "outputs": for each its "name", "kind" ("picture" or "numbers"), and "measures": by id "values" (by picture,
        "equal" for infinite ones, None for what is not finite, left out where the measure does not apply) and
        "summary"; "broken": names of the pictures on which the candidate gave values that are not finite; "notes".
    """
    staging, number = Path(arguments["staging"]), int(arguments["number"])
    index = Index.read(staging)
    notes: list[str] = []
    outputs = [_Output(tensor, picture_edge(tensor, staging, index, notes)) for tensor in index.signature.outputs]
    spans = _spans(staging, index, [output.tensor.name for output in outputs if output.edge is None])
    (staging / HEAT).mkdir(exist_ok=True)
    figures: list[Figures] = [defaultdict(dict) for _ in outputs]
    broken: list[str] = []
    with ExitStack() as stack:
        lpips = stack.enter_context(Lpips())
        draws = any(output.edge for output in outputs)
        known = family(index.family)
        template = known.template if known else ""
        faces = _Faces(template, index.embedder, stack, notes) if draws else None
        landmarks = FaceLandmarks(template, stack, notes) if draws else None
        for place, name in enumerate(index.names):
            progress("Measuring", place / len(index.names), name)
            ours, theirs = read_outputs(staging, 0, place), read_outputs(staging, number, place)
            broken += [name] if any(_is_broken(ours[key], theirs[key]) for key in ours) else []
            for position, output in enumerate(outputs):
                one, other = ours[output.tensor.name], theirs[output.tensor.name]
                is_output_broken = _is_broken(one, other)
                if output.edge is None:
                    found = judge_numbers(one, other, spans[output.tensor.name], output.tensor)
                else:
                    pictures = output.edge.crop(one), output.edge.crop(other)
                    found, spatial = judge_pictures(*pictures, lpips)
                    if spatial is not None and not is_output_broken:
                        np.save(heat_file(staging, number, position, place), spatial.astype(np.float16))
                    if faces is not None:
                        found |= faces.judge(*pictures, read_feed(staging, place).get("identity"))
                    if landmarks is not None:
                        found |= landmarks.judge(output.tensor.name, *pictures)
                if is_output_broken:  # a crop shows black or white there, which may happen to be near
                    found = {measure: found[measure] if measure in _OF_THE_ORIGINAL else math.nan for measure in found}
                for measure, value in found.items():
                    figures[position][measure][name] = value
        notes += landmarks.remarks() if landmarks is not None else []
    if broken:
        notes.append(f"The candidate gave values that are not finite on {len(broken)} of {len(index.names)} pictures.")
    return {
        "outputs": [
            in_plain(output.tensor, "picture" if output.edge else "numbers", figures[position])
            for position, output in enumerate(outputs)
        ],
        "broken": broken,
        "notes": notes,
    }


def in_plain(tensor: TensorInfo, kind: str, figures: Figures) -> dict[str, Any]:
    """Return one output with its measures and their summaries as plain data."""
    measures = {}
    for measure, known in MEASURES.items():
        if measure in figures:
            values = figures[measure]
            measures[measure] = {
                "summary": summarise(values, higher_is_better=known.higher_is_better).to_json(),
                "values": {
                    name: plain_value(settled(value, higher_is_better=known.higher_is_better))
                    for name, value in values.items()
                },
            }
    return {
        "name": tensor.name,
        "role": tensor.role,
        "kind": kind,
        "measures": measures,
    }


def picture_edge(tensor: TensorInfo, staging: Path, index: Index, notes: list[str]) -> ImageOutput | None:
    """Return how an output becomes a picture, None where it is none.

    Where nothing says which values mean black and white, the original's own do: below 0 means -1..1, above 2 0..255.
    """
    if not is_picture(tensor):
        return None
    if tensor.value_range is None and not tensor.mean:
        lows, highs = zip(*(_extremes(array) for array in _outputs(staging, index, tensor.name)), strict=True)
        value_range = (0.0, 255.0) if max(highs) > 2 else (-1.0, 1.0) if min(lows) < -0.05 else (0.0, 1.0)
        low, high = value_range
        notes.append(f"Nothing says what values {tensor.name} has; {low:g}..{high:g} was taken for black..white.")
        tensor = replace(tensor, value_range=value_range)
    try:
        return ImageOutput(tensor, index.family or "the model")
    except UnsupportedError:  # a batch, or whole numbers: judged as numbers
        return None


def _outputs(staging: Path, index: Index, name: str) -> Iterator[Array]:
    for place in range(len(index.names)):
        yield read_outputs(staging, 0, place)[name]


def _extremes(array: Array) -> tuple[float, float]:
    values = array[np.isfinite(array)].astype(np.float64)
    return float(values.min(initial=math.inf)), float(values.max(initial=-math.inf))


def _spans(staging: Path, index: Index, names: list[str]) -> dict[str, float]:
    """Return each output's largest minus smallest finite value over all pictures; 0 where there is none."""
    found = {}
    for name in names:
        lows, highs = zip(*(_extremes(array) for array in _outputs(staging, index, name)), strict=True)
        found[name] = max(max(highs) - min(lows), 0.0) if math.isfinite(min(lows)) else 0.0
    return found


def _is_broken(ours: Array, theirs: Array) -> bool:
    """Whether the candidate gives no finite value where the original does."""
    return ours.dtype.kind == "f" and bool(np.any(~np.isfinite(theirs) & np.isfinite(ours)))


class _Faces:
    """Identity of the drawn faces, where they are faces and there is a recogniser."""

    def __init__(self, template: str, embedder: str, stack: ExitStack, notes: list[str]) -> None:
        from converters.face.embed import open_embedder

        self._template = template
        self._embedder: Embedder | None = None
        if self._template not in TEMPLATES:
            return
        if not embedder:
            notes.append("Identity was not measured: no picture that the model takes has a fixed size.")
            return
        self._embedder = stack.enter_context(open_embedder(Path(embedder)))

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
