"""Two swappers: faces are found, aligned and embedded once, and both draw into the same crops."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from converters.builtin import DEMO_GALLERY
from converters.errors import UnsupportedError
from converters.face.align import transform
from converters.face.emap import EmapRule
from converters.face.embed import Embedder, cosine, mean_embedding
from converters.face.faces import Crop, Embedding, Picture
from converters.face.pipeline import FacePipeline
from converters.face.stage import SwapStage
from converters.face.swap.base import Prepared, Source
from converters.face.swap.opening import open_swapper
from converters.opened import Opened
from converters.pictures import pictures_in, read_picture
from converters.preview.pairs.base import CANDIDATE, ORIGINAL, RUNNING, PairCrop, PairResult
from converters.preview.pairs.two_sided import TwoSided
from converters.progress import Progress


class SwapPair(TwoSided[SwapStage]):
    """Two swappers of one family. Where faces overlap, every crop is of the frame as it was, the same on both sides."""

    _sources: tuple[Source, ...] = ()
    _persons: tuple[Embedding | None, ...] = ()

    def _share(self, stack: ExitStack) -> None:
        self._pipeline = stack.enter_context(FacePipeline(self.found, self.options, threads=self.threads))

    def _original(self, stack: ExitStack) -> SwapStage:  # noqa: ARG002
        return self._pipeline.stage

    def _made(self, found: Opened, stack: ExitStack) -> SwapStage:
        options = self.options
        swapper = stack.enter_context(
            open_swapper(
                found,
                Path(options.converter) if options.converter else None,
                emap_rule=EmapRule(options.emap_rule),
                family=options.family,
                threads=self.threads,
            )
        )
        ours = self.original_part.swapper
        if (swapper.template, swapper.side) != (ours.template, ours.side):
            raise UnsupportedError(
                f"{found.name} takes other crops than the original.",
                "Both must be made of one model.",
                "Choose a file that was made of the original.",
            )
        source = swapper.convention.source
        grey: Crop = np.full((swapper.side, swapper.side, 3), 0.5, np.float32)
        swapper.swap(grey, Prepared(np.zeros(source.static_shape, source.dtype)))
        return self._pipeline.new_stage(swapper)

    def _welcome(self, part: SwapStage) -> None:
        if self._sources:
            part.set_sources(self._sources)

    def set_people(self, people: Sequence[Sequence[str]]) -> None:
        """Take whose faces are to appear; where that fails those before stay."""
        given = people or [[str(pictures_in(DEMO_GALLERY)[0])]]
        pictures = [[(Path(path).name, read_picture(Path(path))) for path in person] for person in given]
        before = self._sources
        sources = self._pipeline.set_sources(pictures)
        try:
            self.candidate_part.set_sources(sources)
        except BaseException:
            if before:
                self.original_part.set_sources(before)
            raise
        self._sources = sources
        self._persons = tuple(mean_embedding(source.embeddings) if source.embeddings else None for source in sources)

    def reset(self) -> None:
        """Forget whom the frames showed so far."""
        self._pipeline.reset()

    def process(self, frame: Picture, seconds: float | None, progress: Progress) -> PairResult:
        """Find the faces once; draw each twice; paste each into its own copy of the frame."""
        pipeline = self._pipeline
        times = pipeline.finder.times
        times.seconds.clear()
        self.buffers.next_frame()
        faces = pipeline.find(frame, seconds)
        chosen = pipeline.choose(faces)
        cast = [(face, part) for face, part in zip(chosen, pipeline.cast(chosen), strict=True) if part is not None]
        results = [self.buffers.copy_of(frame, side) for side in (ORIGINAL, CANDIDATE)]
        stages = (self.original_part, self.candidate_part)
        crops = []
        for number, (face, source) in enumerate(cast):
            progress(RUNNING)
            with times.measured("crop"):
                crop = pipeline.crop(frame, face, source)
            kept = []
            for side, stage, result in zip((ORIGINAL, CANDIDATE), stages, results, strict=True):
                with times.measured(side):
                    drawn = stage.draw(crop)
                with times.measured("mask"):
                    mask = pipeline.mask(crop, drawn)
                with times.measured("paste"):
                    pipeline.paste(result, crop, drawn, mask)
                kept.append(self.buffers.crop(f"{side} {number}", stage.side))
                np.copyto(kept[-1], drawn.crop)
            crops.append(PairCrop(face, crop.matrix, kept[0], kept[1], source))
        if self.options.enhancer:
            with times.measured("enhance"):
                for result in results:
                    for face, _ in cast:
                        pipeline.enhance(result, frame, face)
        remark = pipeline.remark(faces, chosen)
        if chosen and not cast:
            remark = "Nobody was seen for long enough to be told apart."
        return PairResult(results[0], results[1], faces, tuple(crops), dict(times.seconds), remark)

    def identities(self, crop: PairCrop) -> tuple[float, float] | None:
        """Return both drawings' cosines to the person: of the crops as they were drawn, before they were pasted."""
        person = self._persons[crop.source] if crop.source is not None and crop.source < len(self._persons) else None
        if person is None:
            return None
        points = transform(crop.face.points, crop.matrix)
        embedder: Embedder = self._pipeline.embedder

        def alike(drawn: Crop) -> float:
            return cosine(embedder.embed(np.rint(drawn * np.float32(255)).astype(np.uint8), points), person)

        return alike(crop.original), alike(crop.candidate)
