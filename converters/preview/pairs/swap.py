"""Two swappers: faces are found, aligned and embedded once, and both draw into the same crops."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from converters.builtin import DEMO_GALLERY
from converters.errors import UnsupportedError
from converters.face.emap import EmapRule
from converters.face.faces import Crop, Picture
from converters.face.options import FaceOptions
from converters.face.pipeline import FacePipeline
from converters.face.stage import SwapStage
from converters.face.swap.base import Source
from converters.face.swap.opening import open_swapper
from converters.opened import Opened
from converters.pictures import pictures_in, read_picture
from converters.preview.pairs.base import CANDIDATE, ORIGINAL, Pair, PairCrop, PairResult
from converters.preview.pairs.sides import opened_like, side_info
from converters.preview.request import ModelChoice
from converters.progress import Progress


class SwapPair(Pair):
    """Two swappers of one family.

    Args:
        found: the open original; stays the caller's.
        original, candidate: as they were chosen.
        options: of the pipeline.
        progress: told about stages of opening.
        threads: of the runtimes; None for the usual number.
    """

    kind = "swapper"

    def __init__(
        self,
        found: Opened,
        original: ModelChoice,
        candidate: ModelChoice,
        options: FaceOptions,
        progress: Progress,
        threads: int | None = None,
    ) -> None:
        self._found = found
        self._options = options
        self._threads = threads
        self._sources: tuple[Source, ...] = ()
        self._results: tuple[Picture, Picture] = (np.empty((0, 0, 3), np.uint8), np.empty((0, 0, 3), np.uint8))
        self._crops: list[tuple[Crop, Crop]] = []
        self._candidate_stack = ExitStack()
        self._stack = ExitStack()
        try:
            progress("Opening the face models")
            self._pipeline = self._stack.enter_context(FacePipeline(found, options, threads=threads))
            self.sides = (side_info(found, original), side_info(found, original))
            self.set_candidate(candidate, progress)
        except BaseException:
            self.close()
            raise

    def set_candidate(self, choice: ModelChoice, progress: Progress) -> None:
        """Open a swapper beside the original, with the sources that are set."""
        with ExitStack() as stack:
            theirs = stack.enter_context(opened_like(self._found, choice, progress, self._threads))
            swapper = stack.enter_context(
                open_swapper(
                    theirs,
                    Path(self._options.converter) if self._options.converter else None,
                    emap_rule=EmapRule(self._options.emap_rule),
                    family=self._options.family,
                    threads=self._threads,
                )
            )
            ours = self._pipeline.stage.swapper
            if (swapper.template, swapper.side) != (ours.template, ours.side):
                raise UnsupportedError(
                    f"{choice.label or theirs.name} takes other crops than the original.",
                    "Both must be made of one model.",
                    "Choose a file that was made of the original.",
                )
            stage = self._pipeline.new_stage(swapper)
            if self._sources:
                stage.set_sources(self._sources)
            info = side_info(theirs, choice)
            self._candidate_stack.close()
            self._candidate_stack = stack.pop_all()
            self._stage: SwapStage = stage
            self.sides = (self.sides[0], info)

    def set_people(self, people: Sequence[Sequence[str]]) -> None:
        """Take whose faces are to appear."""
        given = people or [[str(pictures_in(DEMO_GALLERY)[0])]]
        pictures = [[(Path(path).name, read_picture(Path(path))) for path in person] for person in given]
        self._sources = self._pipeline.set_sources(pictures)
        self._stage.set_sources(self._sources)

    def reset(self) -> None:
        """Forget whom the frames showed so far."""
        self._pipeline.reset()

    def process(self, frame: Picture, seconds: float | None, progress: Progress) -> PairResult:
        """Find the faces once; draw each twice; paste each into its own copy of the frame."""
        pipeline = self._pipeline
        times = pipeline.finder.times
        times.seconds.clear()
        faces = pipeline.find(frame, seconds)
        chosen = pipeline.choose(faces)
        cast = [(face, part) for face, part in zip(chosen, pipeline.cast(chosen), strict=True) if part is not None]
        if self._results[0].shape != frame.shape:
            self._results = (np.empty(frame.shape, np.uint8), np.empty(frame.shape, np.uint8))
        originals, candidates = self._results
        np.copyto(originals, frame)
        np.copyto(candidates, frame)
        crops = []
        for number, (face, source) in enumerate(cast):
            progress("Swapping", number / len(cast))
            with times.measured("crop"):
                crop = pipeline.crop(frame, face, source)
            kept = self._kept(number, crop.pixels.shape)
            for side, stage, result, kept_crop in (
                (ORIGINAL, pipeline.stage, originals, kept[0]),
                (CANDIDATE, self._stage, candidates, kept[1]),
            ):
                with times.measured(side):
                    drawn = stage.draw(crop)
                with times.measured("mask"):
                    mask = pipeline.mask(crop, drawn)
                with times.measured("paste"):
                    pipeline.paste(result, crop, drawn, mask)
                np.copyto(kept_crop, drawn.crop)
            crops.append(PairCrop(face, crop.matrix, kept[0], kept[1], source))
        for result in self._results:
            for face, _ in cast:
                with times.measured("enhance"):
                    pipeline.enhance(result, frame, face)
        remark = pipeline.remark(faces, chosen)
        if chosen and not cast:
            remark = "Nobody was seen for long enough to be told apart."
        return PairResult(originals, candidates, faces, tuple(crops), dict(times.seconds), remark)

    def _kept(self, number: int, shape: tuple[int, ...]) -> tuple[Crop, Crop]:
        """Return buffers for what both sides draw of the frame's face of some number."""
        while len(self._crops) <= number:
            self._crops.append((np.empty(shape, np.float32), np.empty(shape, np.float32)))
        return self._crops[number]

    def close(self) -> None:
        """Free all models but the original."""
        self._candidate_stack.close()
        self._stack.close()
