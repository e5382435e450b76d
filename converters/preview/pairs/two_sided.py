"""What pairs of every kind have in common: two models, of which the candidate can be exchanged at any time."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from converters.closing import Closing
from converters.errors import UnsupportedError
from converters.face.options import FaceOptions
from converters.face.works import kind_of, with_article
from converters.opened import Opened
from converters.preview.pairs.base import Pair, SideInfo
from converters.preview.pairs.buffers import Buffers
from converters.preview.pairs.sides import opened_like, side_info
from converters.preview.request import ModelChoice
from converters.progress import Progress

Part = TypeVar("Part")
_OF_PICTURES = ("frame enhancer", "picture")  # the same work; an unknown network is only less well known


@dataclass(frozen=True)
class OpenedSide(Closing, Generic[Part]):
    """A model at work.

    Attributes:
        part: what does the work.
        info: what people are told of it.
        stack: closes the model.
    """

    part: Part
    info: SideInfo
    stack: ExitStack

    def close(self) -> None:
        """Free the model; closing twice is harmless."""
        self.stack.close()


class TwoSided(Pair, Generic[Part]):
    """Two models of one kind.

    A subclass says what works around them both (`_share`), how a model becomes a working part (`_made`), and whether
    two parts go together (`_check`).

    Args:
        found: the open original; stays the caller's.
        original, candidate: as they were chosen.
        kind: of the original.
        options: of the pipeline.
        progress: told about stages of opening.
        threads: of the runtimes; None for the usual number.

    Raises:
        StudioError: a model cannot be opened, or the two do not go together.
    """

    def __init__(
        self,
        found: Opened,
        original: ModelChoice,
        candidate: ModelChoice,
        kind: str,
        options: FaceOptions,
        progress: Progress,
        threads: int | None = None,
    ) -> None:
        self.kind = kind
        self.found = found
        self.options = options
        self.threads = threads
        self.buffers = Buffers()
        self._stack = ExitStack()
        self._candidate: OpenedSide[Part] | None = None
        try:
            progress("Opening the face models")
            self._share(self._stack)
            self.original_part = self._original(self._stack)
            info = side_info(found, original)
            self.sides = (info, info)
            self.set_candidate(candidate, progress)
        except BaseException:
            self.close()
            raise

    # for subclasses ---------------------------------------------------------------------------------------------------

    def _share(self, stack: ExitStack) -> None:
        """Open what both sides need."""

    def _original(self, stack: ExitStack) -> Part:
        """Return the original's working part."""
        return self._made(self.found, stack)

    @abstractmethod
    def _made(self, found: Opened, stack: ExitStack) -> Part:
        """Return a model's working part, having run it once: what cannot run is no candidate."""

    def _check(self, part: Part, name: str) -> None:
        """Raise UnsupportedError where a candidate of that name does not go with the original."""

    def _welcome(self, part: Part) -> None:
        """Prepare a candidate for what was set meanwhile; a StudioError keeps it out."""

    # the candidate ----------------------------------------------------------------------------------------------------

    @property
    def candidate_part(self) -> Part:
        """The candidate's working part."""
        if self._candidate is None:
            raise RuntimeError("the pair has no candidate")
        return self._candidate.part

    def open_candidate(self, choice: ModelChoice, progress: Progress) -> OpenedSide[Part]:
        """Open a model beside the original."""
        progress("Opening the candidate")
        with ExitStack() as stack:
            theirs = stack.enter_context(opened_like(self.found, choice, progress, self.threads))
            theirs = replace(theirs, family=self.options.family or theirs.family)
            kind = kind_of(theirs)
            if kind != self.kind and not {kind, self.kind} <= set(_OF_PICTURES):
                raise UnsupportedError(
                    f"{choice.label or theirs.name} is {with_article(kind)}, the original {with_article(self.kind)}.",
                    "Two models that do different work cannot be compared.",
                    "Choose a file that was made of the original.",
                )
            part = self._made(theirs, stack)
            self._check(part, choice.label or theirs.name)
            # the original in other numbers multiplies as often as the original
            info = side_info(theirs, choice, self.sides[0].macs if choice.like_original else None)
            return OpenedSide(part, info, stack.pop_all())

    def take_candidate(self, opened: Closing) -> None:
        """Put an opened model in the candidate's place."""
        side: OpenedSide[Any] | None = opened if isinstance(opened, OpenedSide) else None
        if side is None:
            raise TypeError(f"a candidate comes from open_candidate, not as {type(opened).__name__}")
        try:
            self._welcome(side.part)
        except BaseException:
            side.close()
            raise
        before, self._candidate = self._candidate, side
        self.sides = (self.sides[0], side.info)
        if before is not None:
            before.close()

    def close(self) -> None:
        """Free all models but the original."""
        if self._candidate is not None:
            self._candidate.close()
        self._stack.close()
