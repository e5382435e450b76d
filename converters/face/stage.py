"""Draw one crop after another: a swapper with its pixel boost and the sources it was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from converters.face.faces import Crop, Face, Matrix
from converters.face.pixel_boost import PixelBoost
from converters.face.swap.base import Prepared, Source, Swapper, SwapResult


@dataclass(frozen=True)
class FaceCrop:
    """A face cut out for a swapper.

    Attributes:
        face: whose.
        pixels: side x side x 3, RGB, 0..1; a buffer of the pipeline, good until the next crop is cut.
        matrix: from the frame to the crop.
        source: which of the sources it gets, from 0 on.
    """

    face: Face
    pixels: Crop
    matrix: Matrix
    source: int = 0


class SwapStage:
    """A swapper with its pixel boost and its prepared sources; several may draw into the same crops.

    Args:
        swapper: stays the caller's.
        boost: times its pixels a side.
        identity_weight: as `Swapper.leaning` takes it.
    """

    def __init__(self, swapper: Swapper, boost: int = 1, identity_weight: float = 0.5) -> None:
        self.swapper = swapper
        self.side = swapper.side * boost
        self._boost = PixelBoost(swapper, self.side)
        self._weight = identity_weight
        self._prepared: tuple[Prepared, ...] = ()

    @property
    def sources(self) -> int:
        """How many sources were set."""
        return len(self._prepared)

    def set_source(self, source: Source) -> None:
        """Take a new source for everybody; BadInputError where it lacks what the swapper needs."""
        self.set_sources([source])

    def set_sources(self, sources: Sequence[Source]) -> None:
        """Take sources, each for somebody else; errors as `set_source`, ValueError for none."""
        if not sources:
            raise ValueError("no sources to set")
        self._prepared = tuple(self.swapper.prepare(source) for source in sources)

    def draw(self, crop: FaceCrop) -> SwapResult:
        """Return the crop's source drawn into it; overwritten by this stage's next call."""
        if not self._prepared:
            raise RuntimeError("no source was set")
        prepared = self._prepared[crop.source]
        if self._weight != 0.5 and crop.face.embedding is not None:
            prepared = self.swapper.leaning(prepared, crop.face.embedding, self._weight)
        return self._boost.swap(crop.pixels, prepared)
