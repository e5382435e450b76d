"""How far the points of a drawn face moved: the carried landmarker looks at both drawings."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from converters.errors import UnsupportedError
from converters.face.align import TEMPLATES
from converters.face.faces import Detection
from converters.face.landmarks.base import GOOD, usual_68
from converters.measure.landmark import displacement
from converters.measure.pictures import Values

if TYPE_CHECKING:
    from converters.face.landmarks.base import Landmarker


@dataclass
class _Count:
    """How many pictures of one output were looked at, and in which drawings there was no sure face."""

    pictures: int = 0
    measured: int = 0
    unsure_original: int = 0
    unsure_candidate: int = 0


class FaceLandmarks:
    """The displacement of 68 points between two drawings of one face, for outputs that lie over a face template.

    Args:
        template: the family's; outputs of a family without one are not measured.
        stack: closes the landmarker, which is opened once.
        notes: gets a sentence when there is no landmarker.
    """

    def __init__(self, template: str, stack: ExitStack, notes: list[str]) -> None:
        from converters.face.landmarks.registry import open_landmarker

        self._template = template
        self._landmarker: Landmarker | None = None
        self._counts: dict[str, _Count] = {}
        if template not in TEMPLATES:
            return
        try:
            self._landmarker = stack.enter_context(open_landmarker(None))
        except UnsupportedError as error:
            notes.append(f"Landmark displacement was not measured: {error}")

    def judge(self, output: str, one: Values, other: Values) -> dict[str, float]:
        """Return the displacement of two drawings of one output.

        Args:
            output: its name.
            one, other: the original's and the candidate's, side x side x 3, RGB, 0..1.

        Returns:
            "displacement"; {} where it does not apply or a drawing has no sure face.
        """
        if self._landmarker is None or one.shape[0] != one.shape[1]:
            return {}
        detection = detection_of(self._template, one.shape[0])
        original, candidate = (
            self._landmarker.landmarks(np.rint(picture * 255).astype(np.uint8), detection) for picture in (one, other)
        )
        count = self._counts.setdefault(output, _Count())
        count.pictures += 1
        count.unsure_original += original.score <= GOOD
        count.unsure_candidate += candidate.score <= GOOD
        if min(original.score, candidate.score) <= GOOD:
            return {}
        count.measured += 1
        return {"displacement": displacement(original.points, candidate.points)}

    def remarks(self) -> list[str]:
        """Return a sentence for each output: how many pictures counted, and why others did not."""
        return [_remark(output, count) for output, count in self._counts.items()]


def detection_of(template: str, side: int) -> Detection:
    """Return the face of a crop, side x side, that lies over a template; the box holds the usual 68 points."""
    points = (TEMPLATES[template] * side).astype(np.float32)
    usual = usual_68(points)
    (left, top), (right, bottom) = usual.min(axis=0), usual.max(axis=0)
    return Detection((float(left), float(top), float(right), float(bottom)), 1.0, points)


def _remark(output: str, count: _Count) -> str:
    start = f"Landmark displacement of {output}: {count.measured} of {count.pictures} pictures counted"
    if count.measured == count.pictures:
        return f"{start}."
    return (
        f"{start}; the landmarker is not sure of a face in {count.unsure_original} of the original's drawings "
        f"and in {count.unsure_candidate} of the candidate's."
    )
