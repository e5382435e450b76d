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

RUNNING: Final = "Running"
ORIGINAL: Final = "original"
CANDIDATE: Final = "candidate"
"""Keys of `PairResult.seconds`: what each model alone took. The other keys are stages both sides share."""


@dataclass(frozen=True)
class PairCrop:
    """What both models drew of one face; buffers of the pair, good until the frame after the next one.

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
        original, candidate: height x width x 3, RGB; buffers of the pair, good until the frame after the next one.
            Both are of the frame that was given, always, and of its size, unless the models draw at one of their own.
        faces: all that were found; of detectors and landmarkers the original's.
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
        runtime: that runs it, for people: "ONNX Runtime".
        is_reference: whether it runs in the reference executor, whose speed says nothing.
        size: bytes of the file.
        macs: multiply-accumulates of one run; 0 where nobody counted.
        precision: a `Precision` value; "" where nobody knows.
    """

    label: str
    runtime: str
    is_reference: bool
    size: int
    macs: int = 0
    precision: str = ""


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
        """Have both models treat a frame.

        Args:
            frame: height x width x 3, RGB; not changed.
            seconds: of the clip at which it is shown; None where nobody knows.
            progress: asked between faces and tiles whether to stop; always told `RUNNING`, for a stage that changed
                several times a frame would be read by nobody.

        Raises:
            StudioError: a model gave no usable numbers.
            CancelledError: the person asked to stop.
        """

    @abstractmethod
    def open_candidate(self, choice: ModelChoice, progress: Progress) -> Closing:
        """Open a model for the candidate's place; in a thread of its own, while `process` goes on in another.

        Returns:
            What `take_candidate` takes; close it where nobody takes it.

        Raises:
            StudioError: it cannot be opened or run, or does not go with the original.
        """

    @abstractmethod
    def take_candidate(self, opened: Closing) -> None:
        """Put an opened model in the candidate's place, between two frames. Where that fails the one before stays.

        Args:
            opened: from `open_candidate` of this pair; closed with the pair, or here where it does not fit.

        Raises:
            StudioError: it does not go with the people who are to appear.
        """

    def set_candidate(self, choice: ModelChoice, progress: Progress) -> None:
        """Open a model and put it in the candidate's place; errors as of the two, after which the one before stays."""
        self.take_candidate(self.open_candidate(choice, progress))

    def set_people(self, people: Sequence[Sequence[str]]) -> None:
        """Take whose faces are to appear, pictures of each; () for the built-in portrait. Only swappers care.

        Raises:
            BadInputError: a picture cannot be read or shows no face.
        """

    def identities(self, crop: PairCrop) -> tuple[float, float] | None:  # noqa: ARG002
        """Return how alike both drawings of a crop are to the person on it: cosines, -1..1.

        Args:
            crop: of the last frame.

        Returns:
            The original's and the candidate's; None where nothing can tell.
        """
        return None

    def reset(self) -> None:
        """Forget whom the frames showed so far: what follows is another clip."""
