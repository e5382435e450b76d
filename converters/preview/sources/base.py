"""What every source of frames does."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace

from converters.closing import Closing
from converters.face.faces import Picture
from converters.preview.messages import SourceState
from converters.preview.request import SourceChoice

_JUST_BEFORE = 1e-3  # seconds, shorter than any frame is shown


@dataclass(frozen=True)
class Captured:
    """One frame of a source.

    Attributes:
        seconds: when it is shown, from the start of a clip; since opening for a camera.
        picture: height x width x 3, RGB; the source's own buffer, good until its next frame.
        index: of the frame in a clip or folder, from 0; of a camera how many came before it.
        name: of the picture's file in a folder, else "".
        skipped: frames between this and the one before that were left out to catch up.
        is_discontinuous: the one before does not lead to it: another picture of a folder, a camera that came back.
    """

    seconds: float
    picture: Picture
    index: int
    name: str = ""
    skipped: int = 0
    is_discontinuous: bool = False


@dataclass(frozen=True)
class Health:
    """How a source is.

    Attributes:
        state: PLAYING where all is well, FROZEN or LOST of a camera.
        problem: for people, "" for none. There may be one although it plays: a picture that was skipped.
        next_try: seconds until a lost camera is tried again; 0 where it is not lost.
    """

    state: SourceState = SourceState.PLAYING
    problem: str = ""
    next_try: float = 0.0


class FrameSource(Closing):
    """A source, opened. Use as a context manager, from one thread; `health` and the attributes from any.

    Attributes:
        choice: what was opened; None where it was made in another way.
        title: for people: "Integrated camera", "clip.mp4".
        is_live: frames come when they come: they are not waited for and cannot be sought.
        mirror: whoever shows the frames exchanges left and right.
        rate: frames a second that it promises.
        count: of frames, None where nobody knows.
        duration: in seconds, None where nobody knows.
        size: width and height of the frames; may change with any frame.
    """

    choice: SourceChoice | None = None
    title: str
    is_live: bool = False
    mirror: bool = False
    rate: float = 25.0
    count: int | None = None
    duration: float | None = None
    size: tuple[int, int] = (0, 0)

    @abstractmethod
    def read(self, earliest: float = 0.0) -> Captured | None:
        """Return the next frame; None at the end of a clip, or where a camera gave none for a moment.

        Args:
            earliest: frames of a clip that are over before this time may be left out.

        Raises:
            BadInputError: it is damaged or gone for good.
        """

    def seek(self, seconds: float) -> None:
        """Go on with the frame of a clip that is shown at a time.

        Raises:
            BadInputError: as `read`.
            ValueError: of a camera; a bug of the caller.
        """
        raise ValueError(f"{self.title} cannot be sought to {seconds} s")

    def seek_before(self, seconds: float) -> None:
        """Go on with the frame before the one that begins at a time; the first has itself before it."""
        self.seek(max(0.0, seconds - _JUST_BEFORE))

    def adopt(self, choice: SourceChoice) -> bool:
        """Become what is chosen now without being opened anew; False where that cannot be.

        The very same choice is opened anew: it may be another file or hold other pictures meanwhile.
        """
        if not differ_in_mirror(self.choice, choice):
            return False
        self.choice, self.mirror = choice, choice.mirror
        return True

    def health(self) -> Health:
        """Return how it is; cheap."""
        return Health()


def differ_in_mirror(one: SourceChoice | None, other: SourceChoice) -> bool:
    """Return whether nothing but the mirror is another one."""
    return one is not None and one.mirror != other.mirror and replace(one, mirror=other.mirror) == other
