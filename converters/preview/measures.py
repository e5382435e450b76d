"""What was lost between the two sides of a frame: LPIPS, PSNR, FLIP, and maps of where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from converters.closing import Closing
from converters.face.faces import Matrix, Picture
from converters.measure.flip import flip
from converters.measure.image import psnr
from converters.measure.lpips import LEAST_SIDE, Lpips
from converters.measure.pictures import AnyPicture
from converters.preview.display import fitting
from converters.preview.maps import CropMap
from converters.preview.messages import FaceReport
from converters.preview.pairs.base import PairResult
from converters.preview.request import Overlay

IDENTITY_EVERY = 5
"""Frames from one look at who is drawn to the next: a recogniser takes as long as a swapper of the demo's size."""
HIGHEST_PSNR = 100.0
"""dB, also of equal pictures: nobody sees what lies beyond, and plain data has no word for infinity."""
WHOLE_KINDS = frozenset({"frame enhancer", "picture"})
"""Kinds of models that draw the frame itself, not faces of it."""
_WHOLE_SIDE = 256  # the short side of a frame that is measured as a whole: LPIPS of all of 720p takes a second

Cosines = Sequence[tuple[float, float] | None]


@dataclass(frozen=True)
class Judged:
    """What was lost in a frame.

    Attributes:
        faces: in the order of the crops; of a model that draws whole frames one that stands for the frame.
        maps: where, in pixels of the frame as it was treated; () where the overlay is none or a plain difference.
    """

    faces: tuple[FaceReport, ...]
    maps: tuple[CropMap, ...]


class Measures(Closing):
    """The measures, open. Use from one thread.

    Args:
        threads: of LPIPS; None for the usual number.
    """

    def __init__(self, threads: int | None = None) -> None:
        self._lpips = Lpips(threads=threads)

    def judge(
        self,
        result: PairResult,
        cosines: Cosines,
        overlay: Overlay,
        *,
        is_whole: bool,
        full_size: tuple[int, int],
        scale: float = 1.0,
    ) -> Judged:
        """Return what was lost.

        Args:
            result: of both sides.
            cosines: of each crop to its person, original's and candidate's; () where nobody looked.
            overlay: whose map is wanted.
            is_whole: the models draw the frame itself.
            full_size: width and height of the frame as it was captured.
            scale: sides of the frame that was treated, in those of the captured one.

        Raises:
            BadInputError: a side drew what are no finite numbers.
        """
        if is_whole:
            return self._whole(result, overlay, full_size)
        faces, maps = [], []
        for number, crop in enumerate(result.crops):
            report, found = self._pair(crop.original, crop.candidate, overlay, crop.matrix, fades=True)
            original, candidate = (cosines[number] if number < len(cosines) else None) or (None, None)
            left, top, right, bottom = (float(edge) / scale for edge in crop.face.detection.box)
            faces.append(
                FaceReport(
                    crop.face.identity,
                    (left, top, right, bottom),
                    **report,
                    original_cosine=original,
                    candidate_cosine=candidate,
                )
            )
            maps += found
        return Judged(tuple(faces), tuple(maps))

    def _whole(self, result: PairResult, overlay: Overlay, full_size: tuple[int, int]) -> Judged:
        """Measure the frame as if it were one crop, made small; PSNR as large as it was drawn."""
        height, width = result.original.shape[:2]
        share = _WHOLE_SIDE / min(height, width)
        size = fitting((width, height), (round(width * share), round(height * share)))
        matrix = np.array(
            [
                [size[0] / width, 0.0, (size[0] / width - 1) / 2],
                [0.0, size[1] / height, (size[1] / height - 1) / 2],
            ]
        )
        pictures = _shrunken(result.original, size), _shrunken(result.candidate, size)
        report, maps = self._pair(*pictures, overlay, matrix, fades=False)
        # of what was drawn: made small, noise would have been averaged away
        report["psnr"] = _psnr(result.original, result.candidate)
        box = (0.0, 0.0, float(full_size[0]), float(full_size[1]))
        return Judged((FaceReport(None, box, **report),), tuple(maps))

    def _pair(
        self, original: AnyPicture, candidate: AnyPicture, overlay: Overlay, matrix: Matrix, *, fades: bool
    ) -> tuple[dict[str, float], list[CropMap]]:
        report = {"psnr": min(psnr(original, candidate), HIGHEST_PSNR)}
        maps = []
        if min(original.shape[:2]) >= LEAST_SIDE:
            if overlay is Overlay.LPIPS:
                report["lpips"], where = self._lpips.map(original, candidate)
                maps.append(CropMap(where, matrix, fades))
            else:
                report["lpips"] = self._lpips.distance(original, candidate)
        if overlay is Overlay.FLIP:
            report["flip"], where = flip(original, candidate)
            maps.append(CropMap(where, matrix, fades))
        return report, maps

    def close(self) -> None:
        """Free native memory."""
        self._lpips.close()


def _psnr(original: Picture, candidate: Picture) -> float:
    """Return the PSNR of two 8-bit pictures in dB: as `psnr`, in a tenth of its time, for frames are large."""
    import cv2

    return min(cv2.PSNR(original, candidate), HIGHEST_PSNR)


def _shrunken(picture: Picture, size: tuple[int, int]) -> Picture:
    import cv2

    if (picture.shape[1], picture.shape[0]) == size:
        return picture
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
