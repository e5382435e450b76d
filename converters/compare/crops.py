"""Pictures for a model to be compared on: whole ones, or faces cut out the way the model's family wants them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from converters.builtin import DEMO_CROPS
from converters.errors import BadInputError, UnsupportedError
from converters.face.align import TEMPLATES, matrix_to, warp
from converters.face.faces import Picture, Points
from converters.progress import Progress
from converters.samples import read_pictures

if TYPE_CHECKING:
    from converters.face.detect.base import Detector

BUILT_IN_TEMPLATE = "arcface_128"
# A picture that is at most this much larger than the crop is one already; a larger one is searched for a face.
_CROP_SIZED = 1.1


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
        found = [_as_crop(item, BUILT_IN_TEMPLATE) for item in found]
    return Pictures(tuple(found), f"{len(found)} built-in face crops")


def _aligned(items: Sequence[FacePicture], origin: str, template: str, side: int, progress: Progress) -> Pictures:
    if template not in TEMPLATES:
        return Pictures(tuple(items), origin)
    notes: list[str] = []
    found: list[FacePicture] = []
    with ExitStack() as stack:
        detector: Detector | None = None
        is_missing = False
        for place, item in enumerate(items):
            progress("Looking for faces", place / len(items), item.name)
            points = None
            if max(item.picture.shape[:2]) > _CROP_SIZED * side and not is_missing:
                try:
                    detector = detector or stack.enter_context(_detector())
                    points = _largest_face(detector, item.picture)
                except UnsupportedError as error:
                    is_missing = True
                    notes.append(f"Faces were not looked for: {error}")
            found.append(_as_crop(item, template) if points is None else replace(item, points=points))
    whole = sum(item.is_crop for item in found)
    if whole:
        notes.append(f"{whole} of {len(found)} pictures were taken for face crops as they are.")
    if whole < len(found):
        notes.append(f"{len(found) - whole} of {len(found)} pictures were aligned to {template} by the face in them.")
    return Pictures(tuple(found), origin, tuple(notes))


def _detector() -> Detector:
    from converters.face.detect.registry import open_detector

    return open_detector()


def _largest_face(detector: Detector, picture: Picture) -> Points | None:
    """Return the points of the largest face; None where there is none, or none that can be aligned."""
    faces = sorted(detector.detect(picture), key=lambda face: -face.area)
    for face in faces:
        try:
            matrix_to(BUILT_IN_TEMPLATE, face.points, 128)
        except BadInputError:
            continue
        return face.points
    return None


def _as_crop(item: FacePicture, template: str) -> FacePicture:
    """Return a picture whose centre square is taken for a crop of this template."""
    height, width = item.picture.shape[:2]
    side = min(height, width)
    corner = np.array([(width - side) / 2, (height - side) / 2])
    return replace(item, points=(TEMPLATES[template] * side + corner).astype(np.float32), is_crop=True)
