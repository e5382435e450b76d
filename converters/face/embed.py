"""Who a face is: a recogniser's embedding of its aligned crop, and how embeddings compare."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from converters.errors import BadInputError, UnsupportedError
from converters.face.align import matrix_to, warp
from converters.face.faces import Crop, Embedding, Picture, Points
from converters.face.tensors import ImageInput, is_picture, with_family_facts, with_sessions_shapes
from converters.model.families import family as family_called
from converters.model.signature import Role, Signature, TensorInfo
from converters.opened import Opened, opened
from converters.runtimes.base import Session

TEMPLATE = "arcface_112_v2"
# x / 127.5 - 1: how every published recogniser of this kind was trained, for files that do not say.
_MEAN = _STD = (0.5, 0.5, 0.5)


def unit(embedding: Embedding) -> Embedding:
    """Return an embedding at length 1.

    Raises:
        BadInputError: it is not finite, or has no length.
    """
    length = float(np.linalg.norm(embedding.astype(np.float64)))
    if not np.isfinite(length) or length == 0:
        raise BadInputError("A face's embedding has no direction.", "The recogniser gave zeros or no numbers.")
    return (embedding / length).astype(np.float32)


def cosine(one: Embedding, other: Embedding) -> float:
    """Return how alike two faces are: -1..1, above .4 usually one person with ArcFace."""
    return float(np.clip(unit(one).astype(np.float64) @ unit(other).astype(np.float64), -1, 1))


def mean_embedding(embeddings: Sequence[Embedding]) -> Embedding:
    """Return the mean of several raw embeddings of one person, raw again; ValueError for none."""
    if not embeddings:
        raise ValueError("no embeddings to average")
    mean: Embedding = np.stack(embeddings).mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean


class Embedder(ABC):
    """Gives a face's raw embedding. Keeps one crop as a buffer: use from one thread at a time.

    Attributes:
        template: the alignment it wants.
        side: of its crop, pixels.
    """

    def __init__(self, template: str, side: int) -> None:
        self.template = template
        self.side = side
        self._crop = np.empty((side, side, 3), np.float32)

    def embed(self, picture: Picture, points: Points) -> Embedding:
        """Return the raw embedding of the face with these five points.

        Raises:
            BadInputError: the points are no face's, or the recogniser gave no finite numbers.
        """
        matrix = matrix_to(self.template, points, self.side)
        return self.embed_crop(warp(picture, matrix, self.side, self._crop))

    def embed_crop(self, crop: Crop) -> Embedding:
        """Return the raw embedding of an aligned crop (side x side x 3, RGB, 0..1)."""
        embedding = np.array(self._run(crop), np.float32).reshape(-1)
        if not np.isfinite(embedding).all():
            raise BadInputError("The recogniser gave an embedding that is not finite.", "The model may be damaged.")
        return embedding

    @abstractmethod
    def _run(self, crop: Crop) -> Embedding:
        """Return the embedding of a crop, any shape, possibly the network's own memory."""


class SessionEmbedder(Embedder):
    """Any recogniser network: ArcFace, MobileFaceNet, the demo embedder.

    Args:
        session: one picture in, one vector out.
        signature: of it; unknown normalisation counts as -1..1.
        family: id, "" when unknown.
        name: for people; the session's file where it is not given.

    Raises:
        UnsupportedError: it is no recogniser.
    """

    def __init__(self, session: Session, signature: Signature, family: str = "", *, name: str = "") -> None:
        name = name or session.path.name
        signature = with_sessions_shapes(signature, session)
        known = family_called(family)
        pictures = [tensor for tensor in signature.inputs if is_picture(tensor)]
        vectors = [tensor for tensor in signature.outputs if _is_vector(tensor)]
        if len(pictures) != 1 or len(signature.inputs) != 1 or not vectors:
            raise UnsupportedError(
                f"{name} is no face recogniser.",
                "A recogniser takes one picture and gives one embedding.",
                "Give an ArcFace model, such as arcface_w600k_r50.",
            )
        tensor = pictures[0]
        if known is not None and known.kind == "recogniser":
            tensor = with_family_facts(tensor, known.inputs[0])
        if not tensor.mean and tensor.value_range is None:
            tensor = replace(tensor, mean=_MEAN, std=_STD)
        self._input = ImageInput(tensor, name)
        self._output = vectors[0].name
        self._session = session
        super().__init__((known.template if known else "") or TEMPLATE, self._input.side)

    def _run(self, crop: Crop) -> Embedding:
        results = self._session.run({self._input.name: self._input.filled(crop)}, [self._output])
        return np.asarray(results[self._output], np.float32)


def _is_vector(tensor: TensorInfo) -> bool:
    if tensor.role not in (Role.EMBEDDING, Role.TENSOR) or not tensor.is_static:
        return False
    shape = tensor.static_shape
    return len(shape) >= 2 and shape[0] == 1 and int(np.prod(shape)) == max(shape) >= 64


@contextmanager
def open_embedder(model: Path | Opened, *, family: str = "", threads: int | None = None) -> Iterator[Embedder]:
    """Open a recogniser: a file of any kind, or a model that is open already (and stays so).

    Args:
        model: see above.
        family: what it is, whatever its file tells; "" to believe the file.
        threads: of the runtime.

    Raises:
        StudioError: as `opened` does.
        UnsupportedError: it is no recogniser.
    """
    if isinstance(model, Opened):
        yield SessionEmbedder(model.session, model.signature, family or model.family, name=model.name)
        return
    with opened(model, threads=threads) as found:
        yield SessionEmbedder(found.session, found.signature, family or found.family, name=found.name)
