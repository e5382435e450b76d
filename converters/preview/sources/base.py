"""What every source of frames does."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from converters.closing import Closing
from converters.face.faces import Picture


@dataclass(frozen=True)
class Captured:
    """One frame of a source.

    Attributes:
        seconds: when it is shown, from the start of a clip; since opening for a camera.
        picture: height x width x 3, RGB; the source's own buffer, good until its next frame.
        index: of the frame in a clip or folder, from 0; of a camera how many came before it.
        name: of the picture's file in a folder, else "".
    """

    seconds: float
    picture: Picture
    index: int
    name: str = ""


class FrameSource(Closing):
    """A source, opened. Use as a context manager, from one thread.

    Attributes:
        title: for people: "Integrated camera", "clip.mp4".
        is_live: frames come when they come: they are not waited for and cannot be sought.
        rate: frames a second that it promises.
        count: of frames, None where nobody knows.
        duration: in seconds, None where nobody knows.
        size: width and height of the frames; may change with any frame.
    """

    title: str
    is_live: bool = False
    rate: float = 25.0
    count: int | None = None
    duration: float | None = None
    size: tuple[int, int] = (0, 0)

    @abstractmethod
    def read(self) -> Captured | None:
        """Return the next frame; None at the end of a clip, or where a camera gave none.

        Raises:
            BadInputError: it is damaged or gone for good.
        """

    def seek(self, seconds: float) -> None:
        """Go on from a time of a clip.

        Raises:
            UnsupportedError: of a camera.
        """
        raise NotImplementedError
