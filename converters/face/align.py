"""Turn a face upright into a square crop: where five points should lie, the similarity that takes them there, the warp.

Every model family is trained on faces laid over one of seven templates. A matrix takes picture pixels to crop pixels.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from converters.errors import BadInputError, UsageError, did_you_mean
from converters.face.faces import Crop, Matrix, Picture, Points
from converters.face.scratch import Scratch

# Eye, eye, nose, mouth corner, mouth corner (left before right), as fractions of the crop's side.
TEMPLATES: Final[dict[str, npt.NDArray[np.float64]]] = {
    name: np.array(fractions, np.float64).reshape(5, 2)
    for name, fractions in {
        "arcface_112_v1": (
            *(0.35473214, 0.45658929, 0.64526786, 0.45658929, 0.50000000, 0.61154464),
            *(0.37913393, 0.77687500, 0.62086607, 0.77687500),
        ),
        "arcface_112_v2": (
            *(0.34191607, 0.46157411, 0.65653393, 0.45983393, 0.50022500, 0.64050536),
            *(0.37097589, 0.82469196, 0.63151696, 0.82325089),
        ),
        "arcface_128": (
            *(0.36167656, 0.40387734, 0.63696719, 0.40235469, 0.50019687, 0.56044219),
            *(0.38710391, 0.72160547, 0.61507734, 0.72034453),
        ),
        "dfl_whole_face": (
            *(0.35342266, 0.39285716, 0.62797622, 0.39285716, 0.48660713, 0.54017860),
            *(0.38839287, 0.68750011, 0.59821427, 0.68750011),
        ),
        "ffhq_512": (
            *(0.37691676, 0.46864664, 0.62285697, 0.46912813, 0.50123859, 0.61331904),
            *(0.39308822, 0.72541100, 0.61150205, 0.72490465),
        ),
        "mtcnn_512": (
            *(0.36562865, 0.46733799, 0.63305391, 0.46585885, 0.50019127, 0.61942959),
            *(0.39032951, 0.77598822, 0.61178945, 0.77476328),
        ),
        "styleganex_384": (
            *(0.42353745, 0.52289879, 0.57725008, 0.52319972, 0.50123859, 0.61331904),
            *(0.43364461, 0.68337652, 0.57015325, 0.68306005),
        ),
    }.items()
}

_scratch = Scratch()
_SMALLEST_SPREAD = 0.05  # pixels, root mean square distance from the middle: less is one spot, not a face
_LARGEST_COORDINATE = 1e6  # pixels: beyond any picture, and safely a whole number in all that follows
_LEAST_LIKENESS = 0.25  # how far the best similarity fills the template: at most .23 for mirrored faces, .5 for a line


def similarity(points: Points, template_points: npt.NDArray[np.floating]) -> Matrix:
    """Return the rotation, scale and shift that take points nearest to a template's, in least squares.

    The closed form of what `cv2.estimateAffinePartial2D` searches for when no point counts as an outlier:
    with both sets centred, a = sum(xu + yv) / sum(x^2 + y^2) and b = sum(xv - yu) / sum(x^2 + y^2).

    Args:
        points: count x 2, pixels of the picture.
        template_points: count x 2, pixels of the crop.

    Raises:
        BadInputError: the points are not finite, lie on one spot, or do not resemble the template turned any way.
    """
    source = np.asarray(points, np.float64)
    wanted = np.asarray(template_points, np.float64)
    if source.shape != wanted.shape or source.ndim != 2 or source.shape[1] != 2:
        raise ValueError(f"points of shape {source.shape} for a template of shape {wanted.shape}")
    if not np.isfinite(source).all() or np.abs(source).max() > _LARGEST_COORDINATE:
        raise BadInputError(
            "A face's points are not in any picture.", "The detector or landmarker gave no usable numbers."
        )
    source_middle, wanted_middle = source.mean(axis=0), wanted.mean(axis=0)
    centred, target = source - source_middle, wanted - wanted_middle
    spread = float((centred**2).sum())
    if spread < len(source) * _SMALLEST_SPREAD**2:
        raise BadInputError("A face's points lie on one spot.", "The face is smaller than a pixel.")
    a = float((centred * target).sum()) / spread
    b = float((centred[:, 0] * target[:, 1] - centred[:, 1] * target[:, 0]).sum()) / spread
    if math.hypot(a, b) ** 2 * spread < _LEAST_LIKENESS**2 * float((target**2).sum()):
        raise BadInputError(
            "A face's points do not have the order of a face.", "They may be mirrored.", "Left comes before right."
        )
    turn = np.array([[a, -b], [b, a]])
    return np.column_stack([turn, wanted_middle - turn @ source_middle])


def matrix_to(template: str, points: Points, side: int) -> Matrix:
    """Return the matrix from a picture to a square crop in which a face lies over a template.

    Args:
        template: a key of `TEMPLATES`.
        points: 5 x 2, of the face in the picture.
        side: of the crop, pixels.

    Raises:
        BadInputError: as `similarity` does.
        UsageError: no such template.
    """
    if template not in TEMPLATES:
        raise UsageError(f"There is no face template {template!r}.", "", did_you_mean(template, TEMPLATES))
    return similarity(points, TEMPLATES[template] * side)


def inverse(matrix: Matrix) -> Matrix:
    """Return the matrix that leads back: from the crop to the picture. ValueError when there is none."""
    turn = matrix[:, :2]
    determinant = float(turn[0, 0] * turn[1, 1] - turn[0, 1] * turn[1, 0])
    if determinant == 0 or not math.isfinite(determinant):
        raise ValueError(f"the matrix has no inverse: {matrix.tolist()}")
    back = np.array([[turn[1, 1], -turn[0, 1]], [-turn[1, 0], turn[0, 0]]]) / determinant
    return np.column_stack([back, -back @ matrix[:, 2]])


def transform(points: Points, matrix: Matrix) -> Points:
    """Return points (count x 2) where a matrix takes them."""
    return (np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def scale_of(matrix: Matrix) -> float:
    """Return how many crop pixels one picture pixel becomes."""
    return math.sqrt(abs(float(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0])))


def rescaled(matrix: Matrix, factor: float) -> Matrix:
    """Return the matrix to the same crop with `factor` times the pixels a side; a pixel is an area, not a point."""
    larger = matrix * factor
    larger[:, 2] += (factor - 1) / 2
    return larger


def bounds(matrix: Matrix, side: int) -> tuple[int, int, int, int]:
    """Return the box of whole picture pixels that a crop covers: left, top, right, bottom (not included).

    It may reach outside the picture.
    """
    corners = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float64)
    back = inverse(matrix)
    placed = corners @ back[:, :2].T + back[:, 2]
    left, top = np.floor(placed.min(axis=0))
    right, bottom = np.ceil(placed.max(axis=0))
    return int(left), int(top), int(right), int(bottom)


def warp(picture: Picture, matrix: Matrix, side: int, out: Crop | None = None) -> Crop:
    """Cut an aligned crop out of a picture: bilinear, what lies outside is the nearest edge pixel.

    Bilinear reads four pixels whatever the scale, and `cv2.warpAffine` takes INTER_AREA for INTER_LINEAR (4.x and 5.0).
    So where a face shrinks to half or less, the part of the picture that is needed is first averaged over boxes of
    n x n pixels, n = floor(1 / scale); the warp then shrinks by less than two, which bilinear does well. Measured
    against an ideal average at scales from .5 to .1: .4 to 7 dB nearer than without, and no other n is nearer.

    With `out`, and once faces of this size were seen, it takes no memory from call to call.

    Args:
        picture: height x width x 3, RGB, 0..255.
        matrix: picture to crop.
        side: of the crop, pixels.
        out: side x side x 3 float32 to write into; a new array otherwise.

    Returns:
        side x side x 3, RGB, 0..1, `out` where given.
    """
    import cv2

    box = int(1 / max(scale_of(matrix), 1e-6) + 1e-6)
    if box >= 2:
        picture, matrix = _averaged(picture, matrix, side, box)
    pixels = cv2.warpAffine(
        picture,
        matrix,
        (side, side),
        dst=_scratch.picture("warped", side, side),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if out is None:
        out = np.empty((side, side, 3), np.float32)
    return np.multiply(pixels, np.float32(1 / 255), out=out)


def _averaged(picture: Picture, matrix: Matrix, side: int, box: int) -> tuple[Picture, Matrix]:
    """Return the part of a picture that a crop needs, averaged over box x box pixels, and the matrix from there."""
    import cv2

    height, width = picture.shape[:2]
    left, top, right, bottom = bounds(matrix, side)
    # a margin for the outermost samples; and at least one pixel, for a crop that lies beside the picture
    left, right = _within(left - 2 * box, right + 2 * box, width)
    top, bottom = _within(top - 2 * box, bottom + 2 * box, height)
    part = picture[top:bottom, left:right]
    missing_rows, missing_columns = -(bottom - top) % box, -(right - left) % box
    if missing_rows or missing_columns:  # reaches the picture's edge, most likely
        whole = _scratch.picture("whole", part.shape[0] + missing_rows, part.shape[1] + missing_columns)
        cv2.copyMakeBorder(part, 0, missing_rows, 0, missing_columns, cv2.BORDER_REPLICATE, dst=whole)
        part = whole
    small = _scratch.picture("small", part.shape[0] // box, part.shape[1] // box)
    cv2.resize(part, (small.shape[1], small.shape[0]), dst=small, interpolation=cv2.INTER_AREA)
    # pixel u of the small picture is the middle of pixels left + box u .. left + box u + box - 1
    middle = np.array([left, top]) + (box - 1) / 2
    return small, np.column_stack([matrix[:, :2] * box, matrix[:, :2] @ middle + matrix[:, 2]])


def _within(low: int, high: int, size: int) -> tuple[int, int]:
    low = min(max(low, 0), size - 1)
    return low, min(max(high, low + 1), size)
