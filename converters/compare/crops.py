"""Pictures for a model: whole ones, or faces cut out the way the model's family wants them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from converters.builtin import DEMO_CROPS
from converters.closing import Closing
from converters.errors import BadInputError, UnsupportedError
from converters.face.align import TEMPLATES, bounds, matrix_to, warp
from converters.face.faces import Picture, Points
from converters.progress import Progress
from converters.samples import read_pictures

if TYPE_CHECKING:
    from converters.face.detect.base import Detector

BUILT_IN_TEMPLATE = "arcface_128"
# A picture that is at most this much larger than the crop is one already; a larger one is searched for a face.
_CROP_SIZED = 1.1
# Around the widest crop of a face: what averaging and bilinear samples read beyond its edges.
_MARGIN = 0.06


@dataclass(frozen=True)
class FacePicture:
    """One picture, and where the face in it is.

    Attributes:
        name: of the file.
        picture: height x width x 3, RGB, 0..255.
        points: 5 x 2, None where the model wants no face.
        is_crop: the points are a template's: the picture was taken for a crop, no face was found in it or looked for.
    """

    name: str
    picture: Picture
    points: Points | None = None
    is_crop: bool = False

    def cut(self, template: str, side: int) -> Picture:
        """Return the face aligned to a template, side x side; the whole picture where there are no points."""
        if self.points is None or template not in TEMPLATES:
            return self.picture
        crop = warp(self.picture, matrix_to(template, self.points, side), side)
        return np.rint(crop * 255).astype(np.uint8)

    def trimmed(self) -> FacePicture:
        """Return the same without what lies beyond the widest crop of the face, whatever the template."""
        if self.points is None:
            return self
        boxes = np.array([bounds(matrix_to(template, self.points, 128), 128) for template in TEMPLATES])
        left, top = boxes[:, :2].min(axis=0)
        right, bottom = boxes[:, 2:].max(axis=0)
        margin = int(_MARGIN * max(right - left, bottom - top)) + 4
        height, width = self.picture.shape[:2]
        left, top = min(max(left - margin, 0), width - 1), min(max(top - margin, 0), height - 1)
        right, bottom = max(min(right + margin, width), left + 1), max(min(bottom + margin, height), top + 1)
        part = np.ascontiguousarray(self.picture[top:bottom, left:right])
        return replace(self, picture=part, points=(self.points - np.array([left, top])).astype(np.float32))


@dataclass(frozen=True)
class Pictures:
    """What a model is compared on.

    Attributes:
        items: at least one, names are unique.
        origin: where they come from, in words.
        notes: sentences on what was done with them.
    """

    items: tuple[FacePicture, ...]
    origin: str
    notes: tuple[str, ...] = ()


def pictures_for(template: str, side: int, folder: Path | None, most: int, progress: Progress) -> Pictures:
    """Return the pictures that a model is compared on.

    Args:
        template: the family's face template; "" for a model that takes whole pictures.
        side: of the model's crops, pixels.
        folder: of the person; None for the built-in crops.
        most: how many at most.
        progress: told about every picture that is searched for a face.

    Raises:
        BadInputError: the folder holds no readable picture.
    """
    if folder is not None:
        found = [FacePicture(name, picture) for name, picture in read_pictures(folder, most)]
        origin = f"{len(found)} pictures of the folder {folder.name or folder}"
        return _aligned(found, origin, template, side, progress)
    found = [FacePicture(name, picture) for name, picture in read_pictures(DEMO_CROPS, most)]
    if template in TEMPLATES:
        found = [as_crop(item, BUILT_IN_TEMPLATE) for item in found]
    return Pictures(tuple(found), f"{len(found)} built-in face crops")


def _aligned(items: Sequence[FacePicture], origin: str, template: str, side: int, progress: Progress) -> Pictures:
    if template not in TEMPLATES:
        return Pictures(tuple(items), origin)
    found: list[FacePicture] = []
    with FaceSearch(side) as search:
        for place, item in enumerate(items):
            progress("Looking for faces", place / len(items), item.name)
            faces = () if search.is_crop(item.picture) else search.faces(item.picture)
            found.append(replace(item, points=faces[0]) if faces else as_crop(item, template))
        notes = list(search.notes)
    whole = sum(item.is_crop for item in found)
    if whole:
        notes.append(f"{whole} of {len(found)} pictures were taken for face crops as they are.")
    if whole < len(found):
        notes.append(f"{len(found) - whole} of {len(found)} pictures were aligned to {template} by the face in them.")
    return Pictures(tuple(found), origin, tuple(notes))


class FaceSearch(Closing):
    """Finds the faces of pictures; the detector is opened when the first picture needs it.

    Args:
        side: of the model's crops, pixels.

    Attributes:
        notes: a sentence where there is no detector.
        is_missing: whether there is none.
    """

    def __init__(self, side: int) -> None:
        self.notes: tuple[str, ...] = ()
        self.is_missing = False
        self._side = side
        self._detector: Detector | None = None

    def is_crop(self, picture: Picture) -> bool:
        """Whether a picture is so small that it must be a crop already."""
        return bool(max(picture.shape[:2]) <= _CROP_SIZED * self._side)

    def faces(self, picture: Picture) -> tuple[Points, ...]:
        """Return the points of every face that can be aligned, the largest first; () where nothing can look for any."""
        from converters.face.detect.registry import open_detector

        if self.is_missing:
            return ()
        try:
            self._detector = self._detector or open_detector()
        except UnsupportedError as error:
            self.is_missing = True
            self.notes = (f"Faces were not looked for: {error}",)
            return ()
        faces = sorted(self._detector.detect(picture), key=lambda face: -face.area)
        return tuple(face.points for face in faces if _can_be_aligned(face.points))

    def close(self) -> None:
        """Free the detector; closing twice is harmless."""
        if self._detector is not None:
            self._detector.close()
        self._detector = None


def _can_be_aligned(points: Points) -> bool:
    try:
        matrix_to(BUILT_IN_TEMPLATE, points, 128)
    except BadInputError:
        return False
    return True


def as_crop(item: FacePicture, template: str) -> FacePicture:
    """Return a picture whose centre square is taken for a crop of this template."""
    height, width = item.picture.shape[:2]
    side = min(height, width)
    corner = np.array([(width - side) / 2, (height - side) / 2])
    return replace(item, points=(TEMPLATES[template] * side + corner).astype(np.float32), is_crop=True)
