"""Two networks that draw whole pictures: enhancers of frames, and any network that turns a picture into a picture."""

from __future__ import annotations

import math
from contextlib import ExitStack
from typing import Final

import numpy as np

from converters.errors import UnsupportedError
from converters.face.enhance import FrameEnhancer
from converters.face.faces import Picture
from converters.face.finder import Times
from converters.face.works import mix_of, network_of
from converters.opened import Opened
from converters.preview.pairs.base import CANDIDATE, ORIGINAL, PairResult
from converters.preview.pairs.two_sided import TwoSided
from converters.progress import Progress

MOST_SEEN: Final = 2**18
MOST_DRAWN: Final = 2**20
"""Pixels that a network sees and draws of one frame at most. Larger frames are made smaller before: a view that is live
matters more here than every pixel of it."""


def worked_size(width: int, height: int, factor: int) -> tuple[int, int]:
    """Return the width and height at which a frame is worked on by networks that enlarge it by a factor."""
    pixels = width * height
    share = min(1.0, math.sqrt(MOST_SEEN / pixels), math.sqrt(MOST_DRAWN / pixels) / factor)
    return max(1, int(width * share)), max(1, int(height * share))


class FramePair(TwoSided[FrameEnhancer]):
    """Two networks that enlarge by the same factor; both pictures are as large as they draw them."""

    def _share(self, stack: ExitStack) -> None:  # noqa: ARG002
        self._times = Times()
        self._mix = mix_of(self.kind, self.options)

    def _made(self, found: Opened, stack: ExitStack) -> FrameEnhancer:  # noqa: ARG002
        enhancer = FrameEnhancer(network_of(found, self.options))
        side = enhancer.network.side
        enhancer.network.run(np.full((side, side, 3), 0.5, np.float32))
        return enhancer

    def _check(self, part: FrameEnhancer, name: str) -> None:
        if part.factor != self.original_part.factor:
            raise UnsupportedError(
                f"{name} enlarges by {part.factor}, the original by {self.original_part.factor}.",
                "Their pictures have different sizes.",
                "Choose a file that was made of the original.",
            )

    def process(self, frame: Picture, seconds: float | None, progress: Progress) -> PairResult:  # noqa: ARG002
        """Have both enhance the frame, made smaller where it is large."""
        import cv2

        quiet = Progress(is_cancelled=progress.is_cancelled)  # tiles are too quick to be told about
        times = self._times
        times.seconds.clear()
        height, width = frame.shape[:2]
        size = worked_size(width, height, self.original_part.factor)
        if size != (width, height):
            with times.measured("shrink"):
                frame = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)
        drawn = []
        for side, enhancer in ((ORIGINAL, self.original_part), (CANDIDATE, self.candidate_part)):
            with times.measured(side):
                drawn.append(enhancer.enhance(frame, mix=self._mix, progress=quiet))
        figures = {"worked_share": size[0] / width}
        return PairResult(drawn[0], drawn[1], (), (), dict(times.seconds), figures=figures)
