"""Two enhancers of faces: both redraw the same crop of every face."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np

from converters.errors import UnsupportedError
from converters.face.align import rescaled
from converters.face.enhance import FaceEnhancer
from converters.face.faces import Picture
from converters.face.works import mix_of, network_of
from converters.opened import Opened
from converters.preview.pairs.base import CANDIDATE, ORIGINAL, RUNNING, PairCrop, PairResult
from converters.preview.pairs.finding import open_finder
from converters.preview.pairs.two_sided import TwoSided
from converters.progress import Progress


class EnhancePair(TwoSided[FaceEnhancer]):
    """Two enhancers of crops of one size."""

    def _share(self, stack: ExitStack) -> None:
        self._finder = open_finder(self.options, stack, self.threads)
        self._mix = mix_of(self.kind, self.options)

    def _made(self, found: Opened, stack: ExitStack) -> FaceEnhancer:  # noqa: ARG002
        enhancer = FaceEnhancer(network_of(found, self.options))
        side = enhancer.network.side
        enhancer.network.run(np.full((side, side, 3), 0.5, np.float32))
        return enhancer

    def _check(self, part: FaceEnhancer, name: str) -> None:
        ours, theirs = self.original_part.network, part.network
        if (theirs.template, theirs.side, theirs.drawn_side) != (ours.template, ours.side, ours.drawn_side):
            raise UnsupportedError(
                f"{name} turns crops of {theirs.side} into {theirs.drawn_side} pixels, the original {ours.side} into "
                f"{ours.drawn_side}.",
                "Both must be made of one model.",
                "Choose a file that was made of the original.",
            )

    def reset(self) -> None:
        """Forget whom the frames showed so far."""
        self._finder.reset()

    def process(self, frame: Picture, seconds: float | None, progress: Progress) -> PairResult:
        """Find the faces once; redraw each twice; paste each into its own copy of the frame."""
        times = self._finder.times
        times.seconds.clear()
        self.buffers.next_frame()
        faces = self._finder.find(frame, seconds)
        results = [self.buffers.copy_of(frame, side) for side in (ORIGINAL, CANDIDATE)]
        enhancers = (self.original_part, self.candidate_part)
        factor = enhancers[0].network.drawn_side / enhancers[0].network.side
        crops = []
        for number, face in enumerate(faces):
            progress(RUNNING)
            with times.measured("crop"):
                matrix = enhancers[0].matrix(face.points)
                crop = enhancers[0].crop(frame, face.points)
            kept = []
            for side, enhancer, result in zip((ORIGINAL, CANDIDATE), enhancers, results, strict=True):
                with times.measured(side):
                    drawn = enhancer.network.run(crop)
                with times.measured("paste"):
                    enhancer.paste(result, drawn, face.points, mix=self._mix)
                kept.append(self.buffers.crop(f"{side} {number}", enhancer.network.drawn_side))
                np.copyto(kept[-1], drawn)
            crops.append(PairCrop(face, rescaled(matrix, factor), kept[0], kept[1]))
        remark = "" if faces else "No face was found."
        return PairResult(results[0], results[1], faces, tuple(crops), dict(times.seconds), remark)
