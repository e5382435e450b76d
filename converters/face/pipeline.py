"""The face pipeline: find, crop, swap, mask, paste, enhance; each stage by itself, or a whole frame at once.

Belongs in a worker process: it opens models.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from converters.builtin import DEMO_EMBEDDER
from converters.closing import Closing
from converters.errors import BadInputError
from converters.face.align import matrix_to, transform, warp
from converters.face.choosing import Casting, Chooser
from converters.face.emap import EmapRule
from converters.face.embed import Embedder, open_embedder
from converters.face.enhance import FaceEnhancer, ImageToImage
from converters.face.faces import Crop, Face, Mask, Matrix, Picture
from converters.face.finder import FaceFinder
from converters.face.masks import Occluder, RegionMasker, area_mask, box_mask, combined
from converters.face.options import FaceOptions, MaskKind, Which
from converters.face.paste import Paster
from converters.face.stage import FaceCrop, SwapStage
from converters.face.swap.base import Source, Swapper, SwapResult
from converters.face.swap.opening import embedder_for, open_swapper
from converters.opened import Opened, opened
from converters.progress import Progress


@dataclass(frozen=True)
class SwappedFace:
    """What was swapped.

    Attributes:
        face: whose.
        matrix: from the frame to the crop that was drawn into.
        source: which of the sources it got, from 0 on.
    """

    face: Face
    matrix: Matrix
    source: int


@dataclass(frozen=True)
class ProcessedFrame:
    """What became of a frame.

    Attributes:
        frame: height x width x 3, RGB; a buffer of the pipeline, good until the next frame.
        faces: all that were found.
        crops: those that were swapped.
        seconds: spent in each stage: detect, landmarks, embed, track, crop, swap, mask, paste, enhance, total.
        remark: why nothing was swapped, "" where something was.
    """

    frame: Picture
    faces: tuple[Face, ...]
    crops: tuple[SwappedFace, ...]
    seconds: dict[str, float]
    remark: str


class FacePipeline(Closing):
    """Everything around one swapper. Use as a context manager, from one thread.

    Args:
        model: the swapper: a file, `demo`, or a model that is open already (and stays so).
        options: the choices; models named there are opened too.
        thorough: as `FaceFinder` takes it, for still pictures.
        trust: let the swapper's file run code.
        threads: of the runtimes.

    Attributes:
        stage: the swapper's own swap stage.
        embedder: that tells who somebody is.

    Raises:
        StudioError: a model cannot be opened or does not fit.
    """

    def __init__(
        self,
        model: Path | Opened,
        options: FaceOptions,
        *,
        thorough: bool = False,
        trust: bool = False,
        threads: int | None = None,
    ) -> None:
        self.options = options
        self._threads = threads
        self._result: Picture = np.empty((0, 0, 3), np.uint8)
        self._chooser = Chooser(options)
        self._casting = Casting(tracked=options.track)
        self._paster = Paster()
        self._stack = ExitStack()
        try:
            self._open(model, trust, thorough)
        except BaseException:
            self._stack.close()
            raise

    def _open(self, model: Path | Opened, trust: bool, thorough: bool) -> None:
        options, threads, enter = self.options, self._threads, self._stack.enter_context
        found = model if isinstance(model, Opened) else enter(opened(model, trust=trust, threads=threads))
        self._swapper = enter(
            open_swapper(
                found,
                _path(options.converter),
                emap_rule=EmapRule(options.emap_rule),
                family=options.family,
                threads=threads,
            )
        )
        self.embedder = self._opened_embedder(found)
        # a swapper that takes a picture of the source has nothing that could lean
        leans = options.identity_weight != 0.5 and self._swapper.needs_embedding
        always = options.faces == Which.REFERENCE or leans
        self.finder = enter(FaceFinder(options, self.embedder, always_embed=always, thorough=thorough, threads=threads))
        self.stage = self.new_stage(self._swapper)
        self._occluder = self._region_masker = None
        if MaskKind.OCCLUSION in options.masks:
            masker = enter(opened(Path(options.occluder), threads=threads))
            self._occluder = Occluder(masker.session, masker.signature, masker.family, name=masker.name)
        if MaskKind.REGION in options.masks:
            masker = enter(opened(Path(options.region_masker), threads=threads))
            self._region_masker = RegionMasker(masker.session, masker.signature, masker.family, name=masker.name)
        self._enhancer = None
        if options.enhancer:
            network = enter(opened(Path(options.enhancer), threads=threads))
            self._enhancer = FaceEnhancer(
                ImageToImage(
                    network.session,
                    network.signature,
                    network.family,
                    strength=options.enhancer_strength,
                    name=network.name,
                )
            )
        side = self.stage.side
        self._crop: Crop = np.empty((side, side, 3), np.float32)
        self._mask = np.empty((side, side), np.float32)

    def _opened_embedder(self, swapper: Opened) -> Embedder:
        """Return the recogniser: the one the swapper needs, else any that helps the tracker."""
        path = _path(self.options.embedder)
        if self._swapper.needs_embedding:
            path = embedder_for(swapper, path)
        return self._stack.enter_context(open_embedder(path or DEMO_EMBEDDER, threads=self._threads))

    def new_stage(self, swapper: Swapper) -> SwapStage:
        """Return another swap stage with this pipeline's options, to draw a candidate into the same crops.

        Raises:
            UnsupportedError: it does not take the pixel boost.
            ValueError: it wants other crops; a bug of the caller.
        """
        if (swapper.template, swapper.side) != (self._swapper.template, self._swapper.side):
            raise ValueError(f"{swapper.name} takes other crops than {self._swapper.name}")
        return SwapStage(swapper, self.options.pixel_boost, self.options.identity_weight)

    def source_of(self, pictures: Sequence[tuple[str, Picture]]) -> Source:
        """Return the source that pictures of one person make, the largest face of each.

        Args:
            pictures: name and picture.

        Raises:
            BadInputError: a picture without a face, by its name.
        """
        faces = [(picture, self._largest_face(name, picture)) for name, picture in pictures]
        return Source.of(faces)

    def set_source(self, pictures: Sequence[tuple[str, Picture]]) -> Source:
        """Take whose face is to appear on everybody; arguments and errors as `source_of`."""
        return self.set_sources([pictures])[0]

    def set_sources(self, people: Sequence[Sequence[tuple[str, Picture]]]) -> tuple[Source, ...]:
        """Take whose faces are to appear: the first person's on whoever appears first, and so on (see `Casting`).

        Args:
            people: of each person one or more pictures, name and picture.

        Returns:
            The sources in the same order, for other stages.

        Raises:
            BadInputError: nobody, a person without a picture, or a picture without a face, by its name.
        """
        if not people or not all(people):
            raise BadInputError("A source has no picture.", "", "Give at least one picture of each person.")
        sources = tuple(self.source_of(pictures) for pictures in people)
        self.stage.set_sources(sources)
        return sources

    def reset(self) -> None:
        """Forget whom the frames showed so far: what follows is another clip. The sources stay."""
        self.finder.reset()
        self._chooser.reset()
        self._casting.reset()

    def set_reference(self, name: str, picture: Picture) -> None:
        """Take whose face is to be replaced; BadInputError where the picture has none."""
        self._chooser.reference = self._largest_face(name, picture).embedding

    def _largest_face(self, name: str, picture: Picture) -> Face:
        faces = self.finder.look(picture)
        if not faces:
            raise BadInputError(
                f"{name} shows no face.", "", "Give a picture in which the face is large, upright and not covered."
            )
        return replace(faces[0], embedding=self.embedder.embed(picture, faces[0].points))

    # the stages ------------------------------------------------------------------------------------------------------

    def find(self, frame: Picture, seconds: float | None = None) -> tuple[Face, ...]:
        """Return every face of the next frame, the largest first; arguments and errors as `FaceFinder.find`."""
        return self.finder.find(frame, seconds)

    def choose(self, faces: Sequence[Face]) -> tuple[Face, ...]:
        """Return the faces of the next frame that are to be swapped; arguments and errors as `Chooser.choose`."""
        return self._chooser.choose(faces)

    def remark(self, faces: Sequence[Face], chosen: Sequence[Face]) -> str:
        """Return why nobody was chosen of a frame's faces, "" where somebody was."""
        return self._chooser.remark(faces, chosen)

    def cast(self, faces: Sequence[Face]) -> tuple[int | None, ...]:
        """Return the number of the source that each chosen face of the next frame gets, as `Casting.cast` does."""
        return self._casting.cast(faces, max(self.stage.sources, 1))

    def crop(self, frame: Picture, face: Face, source: int = 0) -> FaceCrop:
        """Cut out a face for the swapper, into the pipeline's one buffer.

        Args:
            frame: height x width x 3, RGB.
            face: of it.
            source: which of the sources it gets, from 0 on.
        """
        side = self.stage.side
        matrix = matrix_to(self._swapper.template, face.points, side)
        return FaceCrop(face, warp(frame, matrix, side, self._crop), matrix, source)

    def mask(self, crop: FaceCrop, result: SwapResult) -> Mask:
        """Return where the drawing may show: side x side, 0..1; a buffer, good until the next call."""
        side, kinds = self.stage.side, self.options.masks
        masks = [box_mask(side, self.options.mask_blur)] if MaskKind.BOX in kinds else []
        if self._occluder is not None:
            masks.append(self._occluder.mask(crop.pixels))
        if result.mask is not None:
            masks.append(result.mask)
        if MaskKind.AREA in kinds and crop.face.landmarks is not None:
            masks.append(area_mask(transform(crop.face.landmarks.points, crop.matrix), side, self.options.chosen_areas))
        if self._region_masker is not None:
            masks.append(self._region_masker.mask(result.crop, self.options.chosen_regions))
        if not masks:
            masks.append(np.ones((side, side), np.float32))
        return combined(masks, self._mask)

    def paste(self, frame: Picture, crop: FaceCrop, result: SwapResult, mask: Mask) -> None:
        """Paste a drawing into a frame in place."""
        self._paster.paste(frame, result.crop, mask, crop.matrix, method=self.options.blend)

    def enhance(self, picture: Picture, frame: Picture, face: Face) -> None:
        """Redraw a face in place; nothing where no enhancer was chosen.

        Args:
            picture: with every swap done.
            frame: as it was before the swaps: what covers the face there stays as it is, with the occlusion mask.
            face: of the frame.
        """
        if self._enhancer is None:
            return
        mask = None
        if self._occluder is not None:
            mask = self._occluder.mask(self._enhancer.crop(frame, face.points))
        self._enhancer.enhance(picture, face.points, mix=self.options.enhancer_mix, mask=mask)

    def process(self, frame: Picture, seconds: float | None = None, progress: Progress | None = None) -> ProcessedFrame:
        """Swap the chosen faces of the next frame, one after the other, then enhance them.

        Args:
            frame: height x width x 3, RGB, 0..255; not changed.
            seconds: when it is shown; None for 1/25 s after the one before.
            progress: told before every face is swapped and before every face is enhanced; may cancel.

        Raises:
            BadInputError: a model gave no usable numbers.
            CancelledError: the person asked to stop.
        """
        times = self.finder.times
        times.seconds.clear()
        progress = progress or Progress()
        with times.measured("total"):
            faces = self.find(frame, seconds)
            chosen = self.choose(faces)
            cast = [(face, part) for face, part in zip(chosen, self.cast(chosen), strict=True) if part is not None]
            if self._result.shape != frame.shape:
                self._result = np.empty(frame.shape, np.uint8)
            np.copyto(self._result, frame)
            swapped = self.swap(self._result, frame, cast, progress)
        remark = self.remark(faces, chosen)
        if chosen and not cast:
            remark = "Nobody was seen for long enough to be told apart."
        return ProcessedFrame(self._result, faces, swapped, dict(times.seconds), remark)

    def swap(
        self, result: Picture, frame: Picture, cast: Sequence[tuple[Face, int]], progress: Progress
    ) -> tuple[SwappedFace, ...]:
        """Swap faces and enhance them, in place.

        Args:
            result: a copy of the frame; changed.
            frame: height x width x 3, RGB.
            cast: the faces of it, each with the number of its source.
            progress: told before every face is swapped and before every face is enhanced; may cancel.
        """
        swapped = []
        for number, (face, source) in enumerate(cast):
            progress("Swapping", number / len(cast), f"face {number + 1} of {len(cast)}")
            swapped.append(self._swap(result, face, source))
        if self._enhancer is not None:
            # only now: a swap that overlaps would cover what was enhanced before it
            for number, (face, _) in enumerate(cast):
                progress("Enhancing", number / len(cast), f"face {number + 1} of {len(cast)}")
                with self.finder.times.measured("enhance"):
                    self.enhance(result, frame, face)
        return tuple(swapped)

    def _swap(self, result: Picture, face: Face, source: int) -> SwappedFace:
        """Swap one face where those before it are done already: faces may overlap."""
        times = self.finder.times
        with times.measured("crop"):
            crop = self.crop(result, face, source)
        with times.measured("swap"):
            drawn = self.stage.draw(crop)
        with times.measured("mask"):
            mask = self.mask(crop, drawn)
        with times.measured("paste"):
            self.paste(result, crop, drawn, mask)
        return SwappedFace(face, crop.matrix, source)

    def close(self) -> None:
        """Free all models; closing twice is harmless."""
        self._stack.close()


def _path(text: str) -> Path | None:
    return Path(text) if text else None
