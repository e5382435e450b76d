"""Two maskers: both look at the same crop of every face; what they mask is tinted."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Final

import numpy as np

from converters.errors import UnsupportedError
from converters.face.align import matrix_to, warp
from converters.face.faces import Crop, Mask, Picture
from converters.face.masks import Occluder, RegionMasker
from converters.face.paste import Paster
from converters.face.works import MASK_SIDE, MASK_TEMPLATE, masker_of
from converters.opened import Opened
from converters.preview.pairs.agreement import mask_figures
from converters.preview.pairs.base import CANDIDATE, ORIGINAL, RUNNING, PairResult
from converters.preview.pairs.finding import open_finder
from converters.preview.pairs.two_sided import TwoSided
from converters.progress import Progress

_TINT: Final = (70, 220, 130)
_STRENGTH: Final = 0.45  # of the tint where the mask is one; the face must be seen through it

Masker = Occluder | RegionMasker


class MaskPair(TwoSided[Masker]):
    """Two maskers of what covers a face, or two of its regions."""

    draws = False

    def _share(self, stack: ExitStack) -> None:
        self._finder = open_finder(self.options, stack, self.threads)
        self._paster = Paster()
        self._crop: Crop = np.empty((MASK_SIDE, MASK_SIDE, 3), np.float32)
        tint = np.array(_TINT, np.float32) / np.float32(255)
        self._tint: Crop = np.full((MASK_SIDE, MASK_SIDE, 3), tint, np.float32)

    def _made(self, found: Opened, stack: ExitStack) -> Masker:  # noqa: ARG002
        masker = masker_of(found)
        self._mask(masker, np.full((MASK_SIDE, MASK_SIDE, 3), 0.5, np.float32))
        return masker

    def _check(self, part: Masker, name: str) -> None:
        if isinstance(part, RegionMasker) != isinstance(self.original_part, RegionMasker):
            raise UnsupportedError(
                f"{name} masks something else than the original.",
                "One tells what covers a face, the other the regions of it.",
                "Choose a file that was made of the original.",
            )

    def _mask(self, masker: Masker, crop: Crop) -> Mask:
        if isinstance(masker, RegionMasker):
            return masker.mask(crop, self.options.chosen_regions)
        return masker.mask(crop)

    def reset(self) -> None:
        """Forget whom the frames showed so far."""
        self._finder.reset()

    def process(self, frame: Picture, seconds: float | None, progress: Progress) -> PairResult:
        """Find the faces once, have both mask them, and tint what they mask."""
        times = self._finder.times
        times.seconds.clear()
        self.buffers.next_frame()
        faces = self._finder.find(frame, seconds)
        results = [self.buffers.copy_of(frame, side) for side in (ORIGINAL, CANDIDATE)]
        maskers = (self.original_part, self.candidate_part)
        masks: list[tuple[Mask, Mask]] = []
        for face in faces:
            progress(RUNNING)
            with times.measured("crop"):
                matrix = matrix_to(MASK_TEMPLATE, face.points, MASK_SIDE)
                crop = warp(frame, matrix, MASK_SIDE, self._crop)
            both: list[Mask] = []
            for side, masker, result in zip((ORIGINAL, CANDIDATE), maskers, results, strict=True):
                with times.measured(side):
                    both.append(self._mask(masker, crop))
                with times.measured("draw"):
                    self._paster.paste(result, self._tint, both[-1] * np.float32(_STRENGTH), matrix)
            masks.append((both[0], both[1]))
        remark = "" if faces else "No face was found."
        return PairResult(results[0], results[1], faces, (), dict(times.seconds), remark, mask_figures(masks))
