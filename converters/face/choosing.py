"""Which faces of a frame are swapped, and whose face each of them gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from converters.errors import BadInputError
from converters.face.embed import cosine
from converters.face.faces import Embedding, Face
from converters.face.options import FaceOptions, Which
from converters.face.track import TrackerSettings

MOST_FACES: Final = 100
"""Faces of one frame that are swapped at most: the largest ones. The others stay as they are."""
_KEPT_UNLESS: Final = 2.0  # times larger another face must be before `one` changes from the person it began with


class Chooser:
    """Says which faces are swapped.

    Args:
        options: `faces`, `reference_cosine` and `track` of them.
        patience: frames for which somebody who is not seen is waited for; the tracker's where it is not given.

    Attributes:
        reference: raw embedding of who is replaced, for `reference`; None until it is known.
    """

    def __init__(self, options: FaceOptions, patience: int | None = None) -> None:
        self._which = Which(options.faces)
        self._least = options.reference_cosine
        self._patience = TrackerSettings().patience if patience is None else patience
        self.reference: Embedding | None = None
        self._chosen: int | None = None
        self._missed = 0

    def reset(self) -> None:
        """Forget who was chosen: what follows is another clip."""
        self._chosen, self._missed = None, 0

    def choose(self, faces: Sequence[Face]) -> tuple[Face, ...]:
        """Return the faces of the next frame that are to be swapped, the largest first, `MOST_FACES` at most.

        Args:
            faces: all of the frame, the largest first.

        Raises:
            BadInputError: the reference face is wanted and was not given.
        """
        if self._which is Which.REFERENCE:
            faces = [face for face in faces if self._is_reference(face)]
        elif self._which is Which.ONE:
            faces = self._one(faces)
        return tuple(faces[:MOST_FACES])

    def remark(self, faces: Sequence[Face], chosen: Sequence[Face]) -> str:
        """Return why nobody was chosen of a frame's faces, "" where somebody was."""
        if chosen:
            return ""
        if not faces:
            return "No face was found."
        if self._which is Which.REFERENCE:
            return f"None of the {len(faces)} faces is the reference."
        return "The person who is swapped is not seen for the moment."

    def _one(self, faces: Sequence[Face]) -> list[Face]:
        """Return the person it began with; nobody while they are out of sight and their track is still believed."""
        kept = next((face for face in faces if self._chosen is not None and face.identity == self._chosen), None)
        if kept is None and self._chosen is not None:
            self._missed += 1
            if self._missed <= self._patience:
                return []
        if not faces:
            return []
        largest = faces[0]
        if kept is not None:
            # one sighting of something large is nobody yet
            is_passed = largest.identity is not None and largest.detection.area >= _KEPT_UNLESS * kept.detection.area
            largest = largest if is_passed else kept
        self._chosen, self._missed = largest.identity, 0
        return [largest]

    def _is_reference(self, face: Face) -> bool:
        if self.reference is None:
            raise BadInputError("No reference face was given.", "", "Give a picture of it with --reference.")
        return face.embedding is not None and cosine(face.embedding, self.reference) > self._least


class Casting:
    """Gives everybody in a clip a source and keeps it: the k-th person to appear gets the k-th source.

    Those who appear in the same frame count from left to right. With more people than sources it begins again from the
    first source. Where nothing is tracked every picture is counted from left to right by itself.

    Args:
        tracked: whether faces have identities.
    """

    def __init__(self, *, tracked: bool) -> None:
        self._tracked = tracked
        self._places: dict[int, int] = {}

    def reset(self) -> None:
        """Forget everybody: what follows is another clip."""
        self._places.clear()

    def cast(self, faces: Sequence[Face], sources: int) -> tuple[int | None, ...]:
        """Return for each face the number of its source, from 0 on.

        None for a face that has no identity yet: it is left as it is, because it may turn out to be somebody known,
        who must not wear another's face meanwhile. With one source everybody gets that.

        Args:
            faces: those of the next frame that are to be swapped, in any order.
            sources: how many there are, 1 or more.
        """
        order = sorted(range(len(faces)), key=lambda place: float(faces[place].points[:, 0].mean()))
        if self._tracked:
            for place in order:
                identity = faces[place].identity
                if identity is not None:
                    self._places.setdefault(identity, len(self._places))
            places = [None if face.identity is None else self._places[face.identity] for face in faces]
        else:
            ranks = {place: rank for rank, place in enumerate(order)}
            places = [ranks[place] for place in range(len(faces))]
        if sources == 1:
            return (0,) * len(faces)
        return tuple(None if place is None else place % sources for place in places)
