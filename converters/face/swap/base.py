"""What every swapper does: prepare a source once, then draw it into one aligned crop after another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from converters.errors import BadInputError
from converters.face.faces import Crop, Embedding, Face, Mask, Picture, Points
from converters.runtimes.base import Array


@dataclass(frozen=True)
class Source:
    """Whose face is to appear.

    Attributes:
        embeddings: raw, one for each picture of the person; empty where the swapper takes a picture.
        picture, points: of the first picture; None where the swapper takes an embedding.
    """

    embeddings: tuple[Embedding, ...] = ()
    picture: Picture | None = None
    points: Points | None = None

    @classmethod
    def of(cls, faces: Sequence[tuple[Picture, Face]]) -> Source:
        """Return the source that several pictures of one person make; ValueError for none."""
        if not faces:
            raise ValueError("a source needs at least one face")
        picture, first = faces[0]
        embeddings = tuple(face.embedding for _, face in faces if face.embedding is not None)
        return cls(embeddings, picture, first.points)


@dataclass(frozen=True)
class Prepared:
    """A source as a swapper's `source` input takes it; good for every swapper of the same family and recogniser.

    Attributes:
        source: the tensor, or None for a swapper that draws one person only.
    """

    source: Array | None


@dataclass(frozen=True)
class SwapResult:
    """What a swapper drew. Both arrays are the swapper's own buffers: the next swap writes over them.

    Attributes:
        crop: side x side x 3, RGB, 0..1.
        mask: side x side, 0..1: where the swapper itself believes in its drawing; None for most.
    """

    crop: Crop
    mask: Mask | None = None


class Swapper(ABC):
    """Draws a source's face into aligned crops. Keeps buffers: use from one thread at a time.

    Args:
        name: for people.
        template: the alignment of its crops.
        side: of its crops, pixels.
        needs_embedding, needs_picture: which part of a `Source` it uses.
    """

    def __init__(self, name: str, template: str, side: int, *, needs_embedding: bool, needs_picture: bool) -> None:
        self.name = name
        self.template = template
        self.side = side
        self.needs_embedding = needs_embedding
        self.needs_picture = needs_picture
        self._out = np.zeros((side, side, 3), np.float32)

    def prepare(self, source: Source) -> Prepared:
        """Return what `swap` needs of a source: once for a source, not for a frame.

        Raises:
            BadInputError: the part of the source that this swapper uses is missing or does not fit.
        """
        if self.needs_embedding and not source.embeddings:
            raise BadInputError(
                f"{self.name} needs the source's embedding.", "No recogniser has looked at the source picture."
            )
        if self.needs_picture and (source.picture is None or source.points is None):
            raise BadInputError(f"{self.name} needs the source's picture with the face's points, not an embedding.")
        return Prepared(self._prepare(source))

    def leaning(self, prepared: Prepared, target: Embedding, weight: float) -> Prepared:
        """Return a source mixed with, or pushed away from, the face it replaces.

        With w = .35 - .7 * weight: source * (1 - w) + target * w. So weight .5 is the source as it is, more exaggerates
        it, less leaves something of the target.

        Args:
            prepared: from `prepare`.
            target: raw embedding of the face to be replaced.
            weight: 0..1.

        Raises:
            BadInputError: the weight is out of range, or the embedding does not fit.
        """
        if not 0 <= weight <= 1:
            raise BadInputError(f"The identity weight is {weight}.", "", "Give a number from 0 to 1; .5 is neutral.")
        share = identity_share(weight)
        if share == 0 or not self.needs_embedding or prepared.source is None:
            return prepared
        leant = self._target(target)
        if leant.size != prepared.source.size:
            raise BadInputError(f"The target's embedding has {leant.size} numbers, {self.name} takes another length.")
        mixed = prepared.source.astype(np.float32) * np.float32(1 - share) + leant.reshape(
            prepared.source.shape
        ) * np.float32(share)
        return Prepared(mixed.astype(prepared.source.dtype))

    def swap(self, crop: npt.NDArray[np.float32], prepared: Prepared) -> SwapResult:
        """Draw a source into a crop.

        Args:
            crop: side x side x 3, RGB, 0..1, aligned by `template`; any strides.
            prepared: from `prepare`.

        Raises:
            BadInputError: the runtime failed.
        """
        if crop.shape != (self.side, self.side, 3):
            raise ValueError(f"a crop of shape {crop.shape} for {self.name}, which takes side {self.side}")
        return self._swap(crop, prepared)

    @abstractmethod
    def _prepare(self, source: Source) -> Array | None:
        """Return the `source` tensor of a source that has what is needed."""

    @abstractmethod
    def _target(self, embedding: Embedding) -> Embedding:
        """Return a raw embedding as it is mixed into a prepared source."""

    @abstractmethod
    def _swap(self, crop: npt.NDArray[np.float32], prepared: Prepared) -> SwapResult:
        """Draw into a crop of the right shape; the result may be `self._out`."""


def identity_share(weight: float) -> float:
    """Return the target's share for an identity weight: 0..1 maps to .35..-.35, .5 to exactly 0."""
    return 0.35 - 0.7 * weight if weight != 0.5 else 0.0
