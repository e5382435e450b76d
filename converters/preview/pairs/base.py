"""What every pair does: hand one frame to two models of one kind, with everything before them done once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from converters.closing import Closing
from converters.face.faces import Crop, Face, Matrix, Picture
from converters.preview.request import ModelChoice
from converters.progress import Progress

ORIGINAL: Final = "original"
CANDIDATE: Final = "candidate"
"""Keys of `PairResult.seconds`: what each model alone took. The other keys are stages both sides share."""


@dataclass(frozen=True)
class PairCrop:
    """What both models drew of one face; buffers of the pair, good until its next frame.

    Attributes:
        face: whose.
        matrix: from the frame to the crop.
        original, candidate: side x side x 3, RGB, 0..1.
        source: which person appears on it, from 0 on; None where nobody does.
    """

    face: Face
    matrix: Matrix
    original: Crop
    candidate: Crop
    source: int | None = None


@dataclass(frozen=True)
class PairResult:
    """What became of a frame.

    Attributes:
        original, candidate: height x width x 3, RGB; buffers of the pair, good until its next frame. Both are of the
            frame that was given, always.
        faces: all that were found.
        crops: of those that were drawn; () for models that draw no faces.
        seconds: by stage, with `ORIGINAL` and `CANDIDATE` for what the models took.
        remark: why nothing was done, "" where something was.
        figures: of this kind of model alone, by name: {"boxes_matched": 0.98}.
    """

    original: Picture
    candidate: Picture
    faces: tuple[Face, ...]
    crops: tuple[PairCrop, ...]
    seconds: dict[str, float]
    remark: str = ""
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class SideInfo:
    """What people are told of a side.

    Attributes:
        label: its name.
        runtime: that runs it: "ONNX Runtime".
        is_reference: whether it runs in the reference executor, whose speed says nothing.
        size: bytes of the file.
        macs: multiply-accumulates of one run; 0 where nobody counted.
    """

    label: str
    runtime: str
    is_reference: bool
    size: int
    macs: int = 0


class Pair(Closing):
    """Two models of one kind and what they share. Use as a context manager, from one thread.

    Attributes:
        kind: "swapper", "detector", …, as `converters.face.works.kind_of` says it.
        sides: the original's and the candidate's.
        draws: whether the pictures are what the models drew, so that measures between them mean something.
    """

    kind: str
    sides: tuple[SideInfo, SideInfo]
    draws: bool = True

    @abstractmethod
    def process(self, frame: Picture, seconds: float | None, progress: Progress) -> PairResult:
        """Have both models treat a frame (height x width x 3, RGB, not changed), shown at some second.

        Raises:
            StudioError: a model gave no usable numbers.
            CancelledError: the person asked to stop.
        """

    @abstractmethod
    def set_candidate(self, choice: ModelChoice, progress: Progress) -> None:
        """Put another model in the candidate's place. Where that fails the one before stays.

        Raises:
            StudioError: it cannot be opened, or is of another kind.
        """

    def set_people(self, people: Sequence[Sequence[str]]) -> None:
        """Take whose faces are to appear, pictures of each; () for the built-in portrait. Only swappers care.

        Raises:
            BadInputError: a picture cannot be read or shows no face.
        """

    def reset(self) -> None:
        """Forget whom the frames showed so far: what follows is another clip."""
