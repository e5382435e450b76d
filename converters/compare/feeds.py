"""What a model is fed, in comparisons and for calibration alike: pictures, embeddings and parameters, all inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from converters.compare.crops import FacePicture
from converters.errors import BadInputError, UnsupportedError
from converters.face.align import TEMPLATES
from converters.face.faces import Embedding, Picture
from converters.face.tensors import is_picture
from converters.model.families import Family, family
from converters.model.signature import ColourOrder, Role, Signature, TensorInfo
from converters.opened import Opened
from converters.progress import Progress
from converters.runtimes.base import Array, Arrays
from converters.samples import picture_to_tensor, real_sample

if TYPE_CHECKING:
    from converters.face.emap import Emap
    from converters.model.graph import Model

SOURCE = "source"


@dataclass(frozen=True)
class Feed:
    """One run of a model.

    Attributes:
        name: of the picture.
        source: name of the picture whose face is to appear, "" where none plays a part.
        arrays: every input.
        identity: the judge's raw embedding of that face, None where no recogniser looked at it.
    """

    name: str
    source: str
    arrays: Arrays
    identity: Embedding | None


class Feeds:
    """One feed per picture, made when it is asked for; the face that is to appear is the next picture's.

    Args:
        model: running, or its graph.
        signature: its own.
        pictures: with points where the family wants faces, names are unique; each is asked for anew whenever it is
            needed, so that they may lie on the disk.
        embedder: the recogniser whose embeddings the model takes; None for none.
        judge: the recogniser that compares faces; None for none.
        progress: told about every face that is embedded.

    Attributes:
        embeddings: where they come from, in words; "" for a model without any.
        has_latents: whether the model's embeddings are faces'; otherwise they are random.

    Raises:
        UnsupportedError: the signature leaves sizes open.
    """

    def __init__(
        self,
        model: Opened | Model,
        signature: Signature,
        pictures: Sequence[FacePicture],
        embedder: Path | None,
        judge: Path | None,
        progress: Progress,
    ) -> None:
        self._name = name_of(model)
        _require_static(signature, self._name)
        known = family(model.family)
        self._signature = signature
        self._pictures = pictures
        self._images = [tensor for tensor in signature.inputs if is_picture(tensor)]
        self._vectors = [tensor for tensor in signature.inputs if tensor.role is Role.EMBEDDING]
        names = [tensor.name for tensor in self._images]
        self._source_picture = SOURCE if SOURCE in names and len(names) > 1 else ""
        self._identities: Mapping[str, Embedding] = {}
        takes_a_face = bool(self._vectors or self._source_picture)
        taken: Mapping[str, Embedding] = {}
        is_face = known is not None and known.template in TEMPLATES
        if self._vectors and is_face and embedder is not None:
            taken = _identities(pictures, embedder, progress)
        self._latents = _latents(model, known, taken) if self._vectors else {}
        self.has_latents = bool(self._latents)
        # without latents what the model is told to draw is nobody's face
        if takes_a_face and is_face and judge is not None and (self._latents or not self._vectors):
            self._identities = taken if taken and judge == embedder else _identities(pictures, judge, progress)
        self._templates = dict.fromkeys(names, known.template if known else "")
        if self._source_picture:
            self._templates[self._source_picture] = _source_template(model.family, signature, self._name)
        self.embeddings = _in_words(
            bool(self._vectors), embedder.name if embedder and self._latents else "", bool(self._source_picture)
        )

    def __len__(self) -> int:
        """Return how many pictures there are."""
        return len(self._pictures)

    def make(self, place: int) -> Feed:
        """Return the feed of one picture."""
        item, next_place = self._pictures[place], (place + 1) % len(self._pictures)
        has_source = bool(self._latents or self._source_picture)
        source = self._pictures[next_place] if has_source else item
        # every other input gets the same plausible values as in verification
        arrays = dict(real_sample(item.name, item.picture, self._signature, place).feeds)
        for tensor in self._images:
            chosen = source if tensor.name == self._source_picture else item
            arrays[tensor.name] = _picture(chosen, tensor, self._templates[tensor.name])
        if self._latents:
            arrays |= {tensor.name: _shaped(self._latents[source.name], tensor) for tensor in self._vectors}
        return Feed(item.name, source.name if has_source else "", arrays, self._identities.get(source.name))


def name_of(model: Opened | Model) -> str:
    """Return what people call a model."""
    return model.name if isinstance(model, Opened) else model.source.name


def with_layouts(signature: Signature) -> Signature:
    """Return a signature with the layout of pictures where the file says none."""

    def described(tensor: TensorInfo) -> TensorInfo:
        if tensor.layout or not is_picture(tensor):
            return tensor
        return replace(tensor, layout="NCHW" if tensor.shape[1] == 3 else "NHWC")

    return Signature(tuple(map(described, signature.inputs)), tuple(map(described, signature.outputs)))


def template_and_side(model: Opened | Model) -> tuple[str, int]:
    """Return the face template of a model and the side of its crops; "" and 0 for one that takes whole pictures."""
    known = family(model.family)
    sides = [max(_size_of(tensor)) for tensor in model.signature.inputs if is_picture(tensor) and tensor.is_static]
    if known is None or known.template not in TEMPLATES or not sides:
        return "", 0
    return known.template, max(sides)


def picture_of(array: Array, tensor: TensorInfo) -> Picture:
    """Return the first picture of an image input's array, the way back of `samples.picture_to_tensor`.

    Args:
        array: of the tensor's shape.
        tensor: an image input.

    Returns:
        Height x width x 3, RGB, 0..255, clipped.
    """
    first = np.asarray(array[0], np.float32)
    values = first if tensor.layout == "NHWC" else first.transpose(1, 2, 0)
    values = values[..., :3] if values.shape[2] >= 3 else np.repeat(values[..., :1], 3, axis=2)
    if np.dtype(tensor.dtype).kind in "iu" and not tensor.mean:
        low, high = tensor.value_range or (0.0, 255.0)
        values = (values - low) / (high - low)
    elif tensor.mean and tensor.std:
        mean, std = np.array(tensor.mean, np.float32), np.array(tensor.std, np.float32)
        values = values * (std if len(std) == 3 else std[:1]) + (mean if len(mean) == 3 else mean[:1])
    elif tensor.value_range:
        low, high = tensor.value_range
        values = (values - low) / (high - low)
    if tensor.colour is ColourOrder.BGR:
        values = values[..., ::-1]
    return np.ascontiguousarray(np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8))


def _require_static(signature: Signature, name: str) -> None:
    loose = [tensor.name for tensor in signature.inputs if not tensor.is_static or -1 in tensor.shape]
    if loose:
        raise UnsupportedError(
            f"{name} leaves sizes of {', '.join(loose)} open.",
            "Artifacts of other programs may.",
            "Give the model that it was made from as the original.",
        )


def _size_of(tensor: TensorInfo) -> tuple[int, int]:
    shape = tensor.static_shape
    return (shape[1], shape[2]) if tensor.layout == "NHWC" else (shape[2], shape[3])


def _picture(item: FacePicture, tensor: TensorInfo, template: str) -> Array:
    height, width = _size_of(tensor)
    return picture_to_tensor(item.cut(template, height) if height == width else item.picture, tensor)


def _source_template(family: str, signature: Signature, name: str) -> str:
    from converters.face.swap.conventions import convention_of

    try:
        return convention_of(signature, family, name).source_template
    except UnsupportedError:  # no swapper, or one whose edges are others: a whole picture will do
        return ""


def _identities(pictures: Sequence[FacePicture], path: Path, progress: Progress) -> dict[str, Embedding]:
    from converters.face.embed import open_embedder

    found = {}
    with open_embedder(path) as embedder:
        for place, item in enumerate(pictures):
            progress("Embedding faces", place / len(pictures), item.name)
            if item.points is not None:
                found[item.name] = embedder.embed(item.picture, item.points)
    return found


def _latents(model: Opened | Model, known: Family | None, identities: Mapping[str, Embedding]) -> dict[str, Embedding]:
    """Return what the model takes for each face; {} where that needs what is not there (emap, a converter network)."""
    from converters.face.emap import source_latent
    from converters.face.embed import unit

    if known is None or not identities:
        return {}
    if known.embedding == "unit":
        return {name: unit(raw) for name, raw in identities.items()}
    emap = _emap(model) if known.embedding == "emap" else None
    if emap is None:
        return {}
    try:
        return {name: source_latent(raw, emap) for name, raw in identities.items()}
    except BadInputError:  # a recogniser of another width than this swapper's
        return {}


def _emap(model: Opened | Model) -> Emap | None:
    from converters.face.emap import emap_of_swapper
    from converters.face.swap.opening import find_emap

    return find_emap(model) if isinstance(model, Opened) else emap_of_swapper(model.proto, model.family)


def _shaped(latent: Embedding, tensor: TensorInfo) -> Array:
    return latent.reshape(tensor.static_shape).astype(tensor.dtype)


def _in_words(takes_embedding: bool, recogniser: str, takes_picture: bool) -> str:
    if takes_embedding and recogniser:
        return f"The face that is to appear in each picture is the next picture's, embedded by {recogniser}."
    if takes_embedding:
        return "The embeddings are seeded random unit vectors, nobody's face: no recogniser fits the model."
    return "The face that is to appear in each picture is the next picture's." if takes_picture else ""
