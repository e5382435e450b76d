"""What is measured of one calibration sample: light, contrast, skin tone, pose, sharpness."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from converters.compress.quantize.calibration import CalibrationSample
from converters.compress.quantize.coverage_colour import Lab, Tone, lab_of, skin_angle, skin_to_white, tone_of
from converters.compress.quantize.coverage_pose import Pose, pose_of
from converters.errors import BadInputError
from converters.face.align import TEMPLATES, matrix_to, transform, warp
from converters.face.faces import Detection, Picture, Points, five_of_68

if TYPE_CHECKING:
    from converters.face.landmarks.base import Landmarker

TEMPLATE: Final = "arcface_128"
SIDE: Final = 128
"""Every face is measured in a crop of this template and size, whatever the model takes."""
_WHOLE: Final = 256
"""Pixels of the longer side at which whole pictures are measured."""
_EYES_TO_MOUTH: Final = 0.318 * SIDE
_OVAL: Final = (0.5, 0.53, 0.25, 0.36)
"""Middle and half axes of the face in the crop, fractions of its side."""
_PATCH: Final = 0.13
"""Half a patch's side, in distances from the eyes to the mouth."""
DARK_BESIDE_WHITE: Final = 0.45
"""Of `skin_to_white`. Of 1,138 portraits 155 read as brown or dark, most of them dim pictures of light skin. By eye,
about 7 in 10 of the 30 below this limit show dark skin, about 1 in 11 of the 125 above it. It was chosen on these
portraits: expect worse on others."""
_MISPLACED: Final = 0.3
"""Mean distance of a crop's landmarks from its template, in distances from the eyes to the mouth."""


@dataclass(frozen=True)
class Figures:
    """What was measured of one sample; None for what does not apply or cannot be told.

    Attributes:
        name: of the sample.
        brightness: mean L* (0..100) of the face, or of the picture where it is not a face.
        light: L* that the brightest twentieth of the face reaches: eyes, teeth and shine say more about the light than
            skin does.
        contrast: standard deviation of L* there.
        angle: individual typology angle of the skin, degrees.
        skin_to_white: luminance of the skin over that of the brightest parts of eyes and mouth. Light falls on both
            alike: near 1 or above where skin is light, or eyes and teeth cannot be seen; under a half where it is dark.
        yaw, pitch, roll: of the head, degrees; `Pose` says which way.
        sharpness: variance of the Laplacian of grey (0..255) there, at a fixed size.
        misplaced: the picture was taken for an aligned crop, but its landmarks lie elsewhere.
    """

    name: str
    brightness: float | None = None
    light: float | None = None
    contrast: float | None = None
    angle: float | None = None
    skin_to_white: float | None = None
    yaw: float | None = None
    pitch: float | None = None
    roll: float | None = None
    sharpness: float | None = None
    misplaced: bool = False

    @property
    def reads_dark(self) -> bool:
        """Whether skin is brown or dark in the picture, for whatever reason."""
        return self.tone in (Tone.BROWN, Tone.DARK)

    @property
    def is_dim(self) -> bool:
        """Whether skin that reads dark is so bright beside eyes and teeth that it is likely light, in weak light."""
        return self.reads_dark and self.skin_to_white is not None and self.skin_to_white > DARK_BESIDE_WHITE

    @property
    def tone(self) -> Tone | None:
        """The group of the skin's angle."""
        return tone_of(self.angle) if self.angle is not None else None

    def to_json(self) -> dict[str, Any]:
        """Return plain data, rounded to what the measures are worth."""
        digits = {"skin_to_white": 2}
        data = {
            key: round(value, digits.get(key, 1)) if isinstance(value, float) else value
            for key, value in asdict(self).items()
        }
        return {**data, "tone": self.tone.value if self.tone else None, "is_dim": self.is_dim}


def measure_sample(sample: CalibrationSample, landmarker: Landmarker | None) -> tuple[Figures, Picture | None]:
    """Measure one sample.

    Args:
        sample: with a picture, or nothing is measured.
        landmarker: of 68 points; None where there is none: crops then have no pose.

    Returns:
        The figures, and what they were measured on: the aligned face, or the whole picture shrunk.
    """
    if sample.picture is None:
        return Figures(sample.name), None
    if sample.points is None:
        whole = shrunk(sample.picture)
        lab = lab_of(whole)
        everywhere = np.ones(whole.shape[:2], bool)
        return _of_region(sample.name, whole, lab, everywhere), whole
    matrix = matrix_to(TEMPLATE, sample.points, SIDE)
    face = np.rint(warp(sample.picture, matrix, SIDE) * 255).astype(np.uint8)
    lab = lab_of(face)
    landmarks = _landmarks(sample, landmarker)
    placed = transform(landmarks, matrix) if landmarks is not None else None
    figures = asdict(_of_region(sample.name, face, lab, _oval()))
    figures["angle"] = skin_angle(lab, _patches(placed), _PATCH * _EYES_TO_MOUTH)
    if placed is not None:
        figures["skin_to_white"] = skin_to_white(lab, _patches(placed), _PATCH * _EYES_TO_MOUTH, placed)
    pose = _pose(sample, landmarks)
    if pose is not None:
        figures |= asdict(pose)
    if sample.is_crop and placed is not None:
        away = np.linalg.norm(five_of_68(placed) - TEMPLATES[TEMPLATE] * SIDE, axis=1).mean()
        figures["misplaced"] = bool(away > _MISPLACED * _EYES_TO_MOUTH)
    return Figures(**figures), face


def shrunk(picture: Picture) -> Picture:
    """Return a picture whose longer side is at most 256 pixels."""
    import cv2

    height, width = picture.shape[:2]
    scale = _WHOLE / max(height, width)
    if scale >= 1:
        return picture
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def sharpness(picture: Picture, region: npt.NDArray[np.bool_]) -> float:
    """Return the variance of the Laplacian of grey (0..255) within a region (height x width).

    After Pech-Pacheco and others, "Diatom autofocusing in brightfield microscopy: a comparative study", 2000.
    """
    import cv2

    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    laplacian = cv2.Laplacian(grey, cv2.CV_32F, ksize=1)
    return float(np.var(laplacian[region], dtype=np.float64))


def _of_region(name: str, picture: Picture, lab: Lab, region: npt.NDArray[np.bool_]) -> Figures:
    lightness = lab[..., 0][region]
    return Figures(
        name,
        brightness=float(lightness.mean(dtype=np.float64)),
        light=float(np.percentile(lightness, 95)),
        contrast=float(lightness.std(dtype=np.float64)),
        sharpness=sharpness(picture, region),
    )


def _oval() -> npt.NDArray[np.bool_]:
    rows, columns = (np.mgrid[0:SIDE, 0:SIDE] + 0.5) / SIDE
    x, y, width, height = _OVAL
    return np.asarray(((columns - x) / width) ** 2 + ((rows - y) / height) ** 2 <= 1)


def _landmarks(sample: CalibrationSample, landmarker: Landmarker | None) -> Points | None:
    """Return the 68 points of a sample's face in its picture; None where nobody is sure of them."""
    from converters.face.landmarks.base import GOOD, usual_68

    assert sample.picture is not None
    assert sample.points is not None
    if landmarker is None:
        return None
    try:
        usual = usual_68(sample.points)
        (left, top), (right, bottom) = usual.min(axis=0), usual.max(axis=0)
        box = (float(left), float(top), float(right), float(bottom))
        found = landmarker.landmarks(sample.picture, Detection(box, 1.0, sample.points))
    except BadInputError:
        return None
    return found.points if found.score > GOOD else None


def _pose(sample: CalibrationSample, landmarks: Points | None) -> Pose | None:
    if landmarks is not None:
        return pose_of(landmarks)
    # a template's points are a template's: they say nothing about the head
    return pose_of(sample.points) if sample.points is not None and not sample.is_crop else None


def _patches(landmarks: Points | None) -> Points:
    """Return the middles of forehead and cheeks in the aligned crop (3 x 2)."""
    if landmarks is None:
        eyes, mouth = TEMPLATES[TEMPLATE][:2] * SIDE, TEMPLATES[TEMPLATE][3:] * SIDE
        across, down = eyes[1] - eyes[0], mouth.mean(axis=0) - eyes.mean(axis=0)
        forehead = eyes.mean(axis=0) - 0.55 * down
        cheeks = [eyes[0] + 0.55 * down - 0.08 * across, eyes[1] + 0.55 * down + 0.08 * across]
        return np.array([forehead, *cheeks], np.float32)
    eyes = (landmarks[36:42].mean(axis=0) + landmarks[42:48].mean(axis=0)) / 2
    down = (landmarks[48] + landmarks[54]) / 2 - eyes
    brows = landmarks[[20, 21, 22, 23]].mean(axis=0)
    left = landmarks[[41, 31, 48, 3]].mean(axis=0)
    right = landmarks[[46, 35, 54, 13]].mean(axis=0)
    return np.array([brows - 0.28 * down, left, right], np.float32)
