"""Where in a crop the new face may show: a soft box, what is not occluded, chosen regions, all taken together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from converters.errors import BadInputError, UnsupportedError, UsageError, did_you_mean
from converters.face.faces import Crop, Mask, Points
from converters.face.tensors import ImageInput, is_picture, mask_of, resized, with_family_facts, with_sessions_shapes
from converters.model.families import family as family_called
from converters.model.signature import Role, Signature, TensorInfo
from converters.runtimes.base import Session

_SOFTNESS: Final = 5.0  # sigma of the soft step, crop pixels
_WANTED: Final = {Role.MASK: "mask of what covers a face", Role.CLASSES: "map of the regions of a face"}
_EXAMPLES: Final = {Role.MASK: "xseg_1.onnx", Role.CLASSES: "bisenet_resnet_34.onnx"}

REGIONS: Final[dict[str, int]] = {
    "skin": 1,
    "left-eyebrow": 2,
    "right-eyebrow": 3,
    "left-eye": 4,
    "right-eye": 5,
    "glasses": 6,
    "nose": 10,
    "mouth": 11,
    "upper-lip": 12,
    "lower-lip": 13,
}
"""The classes of a BiSeNet trained on CelebAMask-HQ that belong to a face."""


class Area(StrEnum):
    """Parts of a face by its landmarks."""

    UPPER_FACE = "upper-face"
    LOWER_FACE = "lower-face"
    MOUTH = "mouth"


_AREA_POINTS: Final[dict[Area, tuple[int, ...]]] = {
    Area.UPPER_FACE: (0, 1, 2, 14, 15, 16, *range(17, 27), *range(31, 36)),
    Area.LOWER_FACE: (*range(3, 14), *range(31, 36)),
    Area.MOUTH: tuple(range(48, 68)),
}


@lru_cache(maxsize=32)
def box_mask(side: int, blur: float = 0.3, padding: tuple[float, float, float, float] = (0, 0, 0, 0)) -> Mask:
    """Return ones that fade to zero at the border: the mask every paste begins with.

    With b = int(side / 2 * blur), a border of max(b // 2, 1) pixels is zero, then all is blurred with sigma b / 4.

    Args:
        side: pixels.
        blur: 0..1, how far the fading reaches inwards.
        padding: percent of the side to leave out at the top, right, bottom and left.

    Returns:
        side x side, 0..1; kept and handed out again, hence read-only.

    Raises:
        BadInputError: a number out of range.
    """
    import cv2

    if not 0 <= blur <= 1 or not all(0 <= part <= 100 for part in padding):
        raise BadInputError(
            f"A box mask of blur {blur} and padding {padding} is out of range.", "", "Blur is 0..1, padding 0..100 %."
        )
    reach = int(side / 2 * blur)
    border = max(reach // 2, 1)
    top, right, bottom, left = (max(border, int(side * part / 100)) for part in padding)
    mask = np.zeros((side, side), np.float32)
    mask[top : max(side - bottom, top), left : max(side - right, left)] = 1
    if reach > 0:
        mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), reach * 0.25), np.float32)
    mask.setflags(write=False)
    return mask


def soft_step(mask: Mask) -> Mask:
    """Return a hard-edged mask with edges that fade over some pixels, and only inwards.

    Gaussian of sigma 5, then (clip(m, .5, 1) - .5) * 2: outside the edge it stays zero.
    """
    import cv2

    soft = np.asarray(cv2.GaussianBlur(mask, (0, 0), _SOFTNESS), np.float32)
    np.clip(soft, 0.5, 1, out=soft)
    soft -= np.float32(0.5)
    soft *= np.float32(2)
    return soft


def area_mask(landmarks: Points, side: int, areas: Iterable[Area | str]) -> Mask:
    """Return the hull of parts of a face.

    Args:
        landmarks: 68 x 2, in crop pixels.
        side: of the crop.
        areas: one or more.

    Raises:
        BadInputError: the landmarks are not finite.
        UsageError: no area, or an unknown one.
    """
    import cv2

    wanted = [_area(area) for area in areas]
    if not wanted:
        raise UsageError("An area mask needs at least one area.", "", f"Known: {', '.join(Area)}.")
    if landmarks.shape != (68, 2):
        raise ValueError(f"landmarks of shape {landmarks.shape}, not 68 x 2")
    if not np.isfinite(landmarks).all():
        raise BadInputError("A face's landmarks are not finite.", "The landmarker gave no usable numbers.")
    # far beyond the crop nothing changes, and OpenCV counts in 32 bits
    placed = np.clip(np.round(landmarks), -8 * side, 9 * side).astype(np.int32)
    points = placed[sorted({point for area in wanted for point in _AREA_POINTS[area]})]
    mask = np.zeros((side, side), np.float32)
    cv2.fillConvexPoly(mask, cv2.convexHull(points), 1.0)
    return soft_step(mask)


def _area(name: Area | str) -> Area:
    try:
        return Area(name)
    except ValueError:
        raise UsageError(f"There is no face area {name!r}.", "", did_you_mean(str(name), Area)) from None


def combined(masks: Sequence[Mask], out: Mask | None = None) -> Mask:
    """Return the element-wise minimum of masks of one shape, clipped to 0..1; ValueError for none.

    Args:
        masks: height x width each.
        out: to write into; a new array otherwise.
    """
    if not masks:
        raise ValueError("no masks to combine")
    if out is None:
        out = np.empty(masks[0].shape, np.float32)
    np.clip(masks[0], 0, 1, out=out)
    for mask in masks[1:]:
        np.minimum(out, mask, out=out)
    return np.maximum(out, np.float32(0), out=out)


class _Masker:
    """A network that looks at a crop.

    Raises:
        UnsupportedError: it does not take one square picture, or is known to be for something else.
    """

    def __init__(self, session: Session, signature: Signature, family: str, wanted: Role, name: str) -> None:
        signature = with_sessions_shapes(signature, session)
        name = name or session.path.name
        known = family_called(family)
        # swappers and maskers of regions are told apart from occluders by kind and by what they give
        if known is not None and (known.kind != "masker" or wanted not in [output.role for output in known.outputs]):
            raise UnsupportedError(
                f"{name} is {known.title}, of the kind {known.kind!r}.",
                f"What it gives is no {_WANTED[wanted]}.",
                f"Give a network for that, such as {_EXAMPLES[wanted]}.",
            )
        pictures = [tensor for tensor in signature.inputs if is_picture(tensor)]
        if len(pictures) != 1 or len(signature.inputs) != 1 or not signature.outputs:
            raise UnsupportedError(f"{name} is no network that masks faces.", "It should take one picture.")
        known = family_called(family)
        tensor = with_family_facts(pictures[0], known.inputs[0]) if known else pictures[0]
        self._session = session
        self._input = ImageInput(tensor, name)
        self._side = self._input.side
        self._output = _output_of(signature.outputs, name, wanted)

    def _run(self, crop: Crop) -> npt.NDArray[np.generic]:
        feed = self._input.filled(resized(crop, self._side))
        return self._session.run({self._input.name: feed}, [self._output.name])[self._output.name]


class Occluder(_Masker):
    """XSeg and its kind: finds what is face and not a hand, hair or microphone before it.

    Args:
        session: one picture in, one mask out.
        signature: of it.
        family: id, "" when unknown.
        name: for people; the session's file where it is not given.

    Raises:
        UnsupportedError: it is no such network.
    """

    def __init__(self, session: Session, signature: Signature, family: str = "", *, name: str = "") -> None:
        super().__init__(session, signature, family, Role.MASK, name)

    def mask(self, crop: Crop) -> Mask:
        """Return side x side, 0..1, of a crop as it was BEFORE the swap."""
        return soft_step(mask_of(self._run(crop), crop.shape[0]))


class RegionMasker(_Masker):
    """BiSeNet and its kind: tells skin, eyes, lips and hair.

    Args:
        session: one picture in, class scores out (1 x classes x height x width).
        signature: of it.
        family: id, "" when unknown.
        name: for people; the session's file where it is not given.

    Raises:
        UnsupportedError: it is no such network.
    """

    def __init__(self, session: Session, signature: Signature, family: str = "", *, name: str = "") -> None:
        super().__init__(session, signature, family, Role.CLASSES, name)
        if self._output.is_static and (len(self._output.shape) != 4 or self._output.static_shape[1] < len(REGIONS) + 4):
            raise UnsupportedError(
                f"{name or session.path.name} does not tell the regions of a face.",
                f"Its output is {self._output.shape}, not 1 x 19 classes x height x width.",
            )

    def mask(self, crop: Crop, regions: Iterable[str] = tuple(REGIONS)) -> Mask:
        """Return side x side, 0..1: where the SWAPPED crop shows one of some regions.

        Args:
            crop: side x side x 3, RGB, 0..1.
            regions: keys of `REGIONS`.

        Raises:
            UsageError: an unknown region.
        """
        import cv2

        chosen = tuple(regions)
        for region in chosen:
            if region not in REGIONS:
                raise UsageError(f"There is no face region {region!r}.", "", did_you_mean(region, REGIONS))
        scores = self._run(crop)
        if scores.ndim != 4:
            raise UnsupportedError(f"The regions of a face came out as {scores.shape}.")
        classes = scores[0].argmax(axis=0)
        inside = np.isin(classes, [REGIONS[region] for region in chosen]).astype(np.float32)
        side = crop.shape[0]
        # as it stands, no averaging: the soft step makes the edge
        return soft_step(np.asarray(cv2.resize(inside, (side, side), interpolation=cv2.INTER_LINEAR), np.float32))


def _output_of(outputs: Sequence[TensorInfo], name: str, wanted: Role) -> TensorInfo:
    """Return the output of a role, or else the first that has a height and a width: auxiliary heads come later."""
    found = [tensor for tensor in outputs if tensor.role is wanted] or [
        tensor for tensor in outputs if len(tensor.shape) == 4
    ]
    if not found:
        raise UnsupportedError(f"{name} gives no {_WANTED[wanted]}.")
    return found[0]
