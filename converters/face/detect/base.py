"""The one way to find faces: a Detector, whatever model is behind it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from converters.closing import Closing
from converters.errors import UnsupportedError, UsageError
from converters.face.detect.canvas import QUARTER_TURNS, Canvas, Placement
from converters.face.detect.suppression import Boxes, Numbers, blended, suppress
from converters.face.detect.tiles import tiles
from converters.face.faces import Detection, Picture, Points
from converters.model.signature import TensorInfo
from converters.runtimes.base import Array, Arrays, Session

# Boxes of one face, found at several angles, agree less: FaceFusion's limits for one, two, three and four angles.
OVERLAP_BY_ANGLES = (0.4, 0.3, 0.2, 0.1)
_SMALL = 12  # canvas pixels: where faces of this size are seen, smaller ones may not be
_LARGEST = 1e5  # pixels: what lies farther away comes from a broken model


@dataclass(frozen=True)
class Candidates:
    """What a model sees, before suppression; canvas pixels, the centre of the first pixel is (0, 0).

    Attributes:
        boxes: count x 4, left, top, right, bottom, as WIDER FACE draws them: forehead to chin, ear to ear.
        scores: count, 0..1.
        points: count x 5 x 2, eye, eye, nose, mouth corner, mouth corner.
    """

    boxes: Boxes
    scores: Numbers
    points: Points

    def where(self, good: npt.NDArray[np.bool_]) -> Candidates:
        """Return those that are good (count)."""
        return Candidates(self.boxes[good], self.scores[good], self.points[good])


class Detector(Closing):
    """Finds the faces in a picture.

    The base class puts the picture on the model's canvas (only ever shrunk, top-left, the rest black), tries turned
    pictures and parts where asked, drops what is not finite, keeps one box per face and maps back to the picture's
    pixels. A backend says how to read the model's outputs. Not for several threads at once: buffers are reused.

    Args:
        session: the open model; the caller closes it, or hands in `close`.
        tensor: its picture input, static, with colour order, mean and std.
        threshold: least score, 0..1; None for the model's usual one.
        overlap: boxes that share more than this (intersection over union) are one face; None for the usual one.
        angles: clockwise turns of the picture to search at: 0 for upright heads, 90 for heads lying to the left, …
        tiled: search overlapping parts of a large picture too where the whole shows no face, or tiny ones. It costs up
            to nine further runs for each angle. None for the model's usual way.
        close: called once by `close`.

    Raises:
        UnsupportedError: the model's outputs are not those of this kind of detector.
        UsageError: an angle that is no quarter turn, or a limit outside 0..1.
    """

    usual_threshold: float = 0.5
    stretches: ClassVar[bool] = False
    """Whether the model was trained on pictures squeezed into its canvas."""
    blends: ClassVar[bool] = False
    """Whether boxes of one face are averaged instead of the best kept."""
    tiles_by_default: ClassVar[bool] = False

    def __init__(
        self,
        session: Session,
        tensor: TensorInfo,
        *,
        threshold: float | None = None,
        overlap: float | None = None,
        angles: Sequence[int] = (0,),
        tiled: bool | None = None,
        close: Callable[[], None] | None = None,
    ) -> None:
        self._close = close
        self.angles = tuple(dict.fromkeys(angles))
        if not self.angles or set(self.angles) - set(QUARTER_TURNS):
            raise UsageError(f"Faces cannot be searched at {angles}.", "", "Angles: 0, 90, 180, 270.")
        self.overlap = OVERLAP_BY_ANGLES[len(self.angles) - 1] if overlap is None else overlap
        for name, value in (("least score", threshold), ("largest overlap", overlap)):
            if value is not None and not 0 <= value <= 1:
                raise UsageError(f"The {name} of a face cannot be {value}.", "", "Give a number from 0 to 1.")
        self.tiled = self.tiles_by_default if tiled is None else tiled
        self._session = session
        self._input = tensor.name
        self._canvas = Canvas(tensor, stretches=self.stretches)
        # What a graph declares may be stale or free; what it gives for a black picture is not.
        outputs = self._session.run(self._feeds())
        self._shapes = {name: values.shape for name, values in outputs.items()}
        self._bind(outputs)
        self.threshold = self.usual_threshold if threshold is None else threshold

    @abstractmethod
    def _bind(self, black: Arrays) -> None:
        """Find the outputs by their shapes and prepare anchors. Raise `self._unfit()` when they are others.

        Args:
            black: the outputs for a black picture.
        """

    @abstractmethod
    def _decode(self, outputs: Arrays) -> Candidates:
        """Return what scores at least `self.threshold`, in canvas pixels."""

    def detect(self, picture: Picture) -> tuple[Detection, ...]:
        """Return the faces in a picture, best first; () where there is none.

        Args:
            picture: height x width x 3, RGB, 0..255, any size.

        Raises:
            ValueError: no such array; a bug of the caller.
            BadInputError: the runtime stopped.
        """
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
            raise ValueError(f"no RGB picture: {picture.dtype} of shape {picture.shape}")
        if not picture.size:
            return ()
        found = [self._search(picture, angle) for angle in self.angles]
        return self._one_per_face(self._with_parts(picture, found) if self.tiled else found)

    def _with_parts(self, picture: Picture, found: list[Candidates]) -> list[Candidates]:
        """Return what parts of a picture show too, where the whole shows no face or one so small that others hide."""
        height, width = picture.shape[:2]
        small = _SMALL * max(height / self._canvas.height, width / self._canvas.width)
        distinct = [(each.boxes[:, 2:] - each.boxes[:, :2]).max(axis=1) >= small for each in found]
        if any(map(len, distinct)) and all(map(np.all, distinct)):
            return found
        parts = tiles(height, width, self._canvas.height, self._canvas.width)
        if not parts:
            return found
        # of the small ones the parts know better
        better = [each.where(large) for each, large in zip(found, distinct, strict=True)]
        for part in parts:
            for angle in self.angles:
                seen = self._search(picture[part.rows, part.columns], angle, part.left, part.top)
                better.append(seen.where(part.holds(seen.boxes, height, width)))
        return better

    def _search(self, picture: Picture, angle: int, left: int = 0, top: int = 0) -> Candidates:
        """Return candidates in the whole picture's pixels, of a part that begins at `left`, `top`."""
        placement = self._canvas.place(picture, angle=angle, left=left, top=top)
        outputs = self._session.run(self._feeds())
        with np.errstate(all="ignore"):  # numbers of a broken model, dropped at the end
            return _back_in_picture(self._decode(outputs), placement)

    def _one_per_face(self, found: Sequence[Candidates]) -> tuple[Detection, ...]:
        boxes = np.concatenate([each.boxes for each in found])
        scores = np.concatenate([each.scores for each in found])
        points = np.concatenate([each.points for each in found])
        if not len(scores):
            return ()
        kept, owner = suppress(boxes, scores, self.overlap)
        if self.blends:
            # a face seen upside down has its points in other places: only what one run saw may be averaged
            runs = np.repeat(np.arange(len(found)), [len(each.scores) for each in found])
            owner = np.where(runs == runs[kept][owner], owner, -1)
            boxes, points = (blended(values, scores, owner, len(kept)) for values in (boxes, points))
        else:
            boxes, points = boxes[kept], points[kept]
        return tuple(
            Detection((box[0], box[1], box[2], box[3]), score, five)
            for box, score, five in zip(boxes.tolist(), scores[kept].tolist(), points, strict=True)
        )

    def _feeds(self) -> dict[str, Array]:
        return {self._input: self._canvas.array}

    def _unfit(self) -> UnsupportedError:
        shapes = ", ".join(map(str, self._shapes.values()))
        return UnsupportedError(
            f"{self._session.path.name} does not have the outputs of {type(self).__name__}.",
            f"They are {shapes}.",
            "Export the model as its authors publish it.",
        )

    def close(self) -> None:
        """Free the model; closing twice is harmless."""
        close, self._close = self._close, None
        if close is not None:
            close()


def _back_in_picture(seen: Candidates, placement: Placement) -> Candidates:
    """Return candidates in picture pixels, without those that no picture can hold."""
    corners = placement.to_picture(seen.boxes.reshape(-1, 2, 2))
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    points = placement.to_picture(seen.points)
    numbers = np.column_stack([boxes, points.reshape(len(points), 10), seen.scores])
    good = np.isfinite(numbers).all(axis=1)
    good[good] &= (np.abs(numbers[good]) < _LARGEST).all(axis=1)
    good &= (seen.boxes[:, 2:] > seen.boxes[:, :2]).all(axis=1)
    return Candidates(boxes, np.minimum(seen.scores, np.float32(1)), points).where(good)


def rows(values: Array, columns: int) -> Numbers:
    """Return an output as a table of so many columns: count x columns."""
    return values.reshape(-1, columns).astype(np.float32, copy=False)


def named(outputs: Arrays, rows: int, columns: int) -> list[str]:
    """Return the names of the outputs that are a table of so many rows and columns, in a batch of one or in none."""
    return [name for name, values in outputs.items() if values.shape in ((rows, columns), (1, rows, columns))]
