"""The worst pictures of a comparison, read back from what both sides left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from converters.compare.judging import heat_file, originals_of
from converters.compare.pairs import picture_edge
from converters.compare.sides import Index, read_feed, read_outputs
from converters.errors import UnsupportedError
from converters.face.faces import Picture
from converters.face.tensors import ImageOutput, is_picture
from converters.measure.wording import Value
from converters.model.signature import TensorInfo

Heat = npt.NDArray[np.float32]
SOURCE = "source"


@dataclass(frozen=True)
class Frame:
    """One picture of one candidate.

    Attributes:
        place: of the picture among all.
        name: of the picture.
        original, candidate: what each side drew, RGB, 0..255.
        heat: LPIPS map, None where the picture is too small for one.
        values: its measures by id, "equal", None for what is not finite; without those that do not apply to it.
    """

    place: int
    name: str
    original: Picture
    candidate: Picture
    heat: Heat | None
    values: Mapping[str, Value]


def picture_output(candidate: Mapping[str, Any]) -> int | None:
    """Return which output of a candidate is shown: its first picture; None where it draws none."""
    kinds = [output["kind"] for output in candidate["outputs"]]
    return kinds.index("picture") if "picture" in kinds else None


def worst_frames(
    staging: Path, number: int, candidate: Mapping[str, Any], worst_first: list[str], most: int
) -> Iterator[Frame]:
    """Yield a candidate's worst pictures, the worst first; none for a model that draws none.

    Args:
        staging: of the comparison.
        number: of the candidate, from 1.
        candidate: its plain data.
        worst_first: names of all pictures.
        most: how many.
    """
    position = picture_output(candidate)
    if position is None:
        return
    index = Index.read(staging)
    tensor = index.signature.outputs[position]
    edge = picture_edge(tensor, index.family, originals_of(staging, index), [])
    assert edge is not None
    measures = candidate["outputs"][position]["measures"]
    for name in worst_first[:most]:
        place = index.names.index(name)
        heat = heat_file(staging, number, position, place)
        yield Frame(
            place,
            name,
            _eight_bit(edge.crop(read_outputs(staging, 0, place)[tensor.name])),
            _eight_bit(edge.crop(read_outputs(staging, number, place)[tensor.name])),
            np.load(heat, allow_pickle=False).astype(np.float32) if heat.is_file() else None,
            {measure: found["values"][name] for measure, found in measures.items() if name in found["values"]},
        )


def inputs_of(staging: Path, place: int) -> dict[str, Picture]:
    """Return what the models saw of one picture: "input", and "source" where there is one, RGB, 0..255."""
    index = Index.read(staging)
    pictures = [tensor for tensor in index.signature.inputs if is_picture(tensor)]
    target = next((tensor for tensor in pictures if tensor.name != SOURCE or len(pictures) == 1), None)
    if target is None:
        return {}
    found = {"input": _input(staging, place, target)}
    source = index.sources[place]
    if source in index.names:
        found["source"] = _input(staging, index.names.index(source), target)
    return {name: picture for name, picture in found.items() if picture is not None}


def _input(staging: Path, place: int, tensor: TensorInfo) -> Picture | None:
    try:
        edge = ImageOutput(tensor, "the model")
    except UnsupportedError:  # several pictures in one tensor, or whole numbers
        return None
    return _eight_bit(edge.crop(read_feed(staging, place)[f"feed:{tensor.name}"]))


def _eight_bit(picture: npt.NDArray[np.float32]) -> Picture:
    return np.rint(picture * 255).astype(np.uint8)
