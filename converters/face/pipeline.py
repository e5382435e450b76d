"""The face pipeline: find, crop, swap, mask, paste, enhance; each stage by itself, or a whole frame at once.

Belongs in a worker process: it opens models.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from converters.builtin import DEMO_EMBEDDER
from converters.errors import BadInputError
from converters.face.align import matrix_to, transform, warp
from converters.face.emap import EmapRule
from converters.face.embed import Embedder, cosine, open_embedder
from converters.face.enhance import FaceEnhancer, ImageToImage
from converters.face.faces import Crop, Embedding, Face, Mask, Matrix, Picture
from converters.face.finder import FaceFinder
from converters.face.masks import Occluder, RegionMasker, area_mask, box_mask, combined
from converters.face.options import FaceOptions, MaskKind, Which
from converters.face.paste import Paster
from converters.face.pixel_boost import PixelBoost
from converters.face.swap.base import Prepared, Source, Swapper, SwapResult
from converters.face.swap.opening import embedder_for, open_swapper
from converters.opened import Opened, opened

_KEPT_UNLESS = 2.0  # times larger another face must be before `one` changes from the person it began with


@dataclass(frozen=True)
class FaceCrop:
    """A face cut out for a swapper.

    Attributes:
        face: whose.
        pixels: side x side x 3, RGB, 0..1; a buffer of the pipeline, good until the next frame.
        matrix: from the frame to the crop.
    """

    face: Face
    pixels: Crop
    matrix: Matrix


@dataclass(frozen=True)
class ProcessedFrame:
    """What became of a frame.

    Attributes:
        frame: height x width x 3, RGB; a buffer of the pipeline, good until the next frame.
        faces: all that were found.
        crops: those that were swapped, as they were before.
        seconds: spent in each stage: detect, landmarks, embed, track, crop, swap, mask, paste, enhance, total.
        remark: why nothing was swapped, "" where something was.
    """

    frame: Picture
    faces: tuple[Face, ...]
    crops: tuple[FaceCrop, ...]
    seconds: dict[str, float]
    remark: str


class SwapStage:
    """A swapper with its pixel boost and its prepared source; several may draw into the same crops.

    Args:
        swapper: stays the caller's.
        boost: times its pixels a side.
        identity_weight: as `Swapper.leaning` takes it.
    """

    def __init__(self, swapper: Swapper, boost: int = 1, identity_weight: float = 0.5) -> None:
        self.swapper = swapper
        self.side = swapper.side * boost
        self._boost = PixelBoost(swapper, self.side)
        self._weight = identity_weight
        self._prepared: Prepared | None = None

    def set_source(self, source: Source) -> None:
        """Take a new source; BadInputError where it lacks what the swapper needs."""
        self._prepared = self.swapper.prepare(source)

    def draw(self, crop: FaceCrop) -> SwapResult:
        """Return the source drawn into a crop; overwritten by this stage's next call."""
        if self._prepared is None:
            raise RuntimeError("no source was set")
        prepared = self._prepared
        if self._weight != 0.5 and crop.face.embedding is not None:
            prepared = self.swapper.leaning(prepared, crop.face.embedding, self._weight)
        return self._boost.swap(crop.pixels, prepared)


class FacePipeline:
    """Everything around one swapper. Use as a context manager, from one thread.

    Args:
        model: the swapper: a file, `demo`, or a model that is open already (and stays so).
        options: the choices; models named there are opened too.
        thorough: as `FaceFinder` takes it, for still pictures.
        trust: let the swapper's file run code.
        threads: of the runtimes.

    Attributes:
        stage: the swapper's own swap stage.

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
        self._buffers: list[Crop] = []
        self._reference: Embedding | None = None
        self._chosen: int | None = None
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
        self._embedder = self._opened_embedder(found)
        always = options.faces == Which.REFERENCE or options.identity_weight != 0.5
        if always and self._embedder is None:
            raise BadInputError(
                "Reference faces and the identity weight need a face recogniser.", "", "Give one with --embedder."
            )
        self.finder = enter(
            FaceFinder(options, self._embedder, always_embed=always, thorough=thorough, threads=threads)
        )
        self.stage = self.new_stage(self._swapper)
        self._occluder = self._region_masker = None
        if MaskKind.OCCLUSION in options.masks:
            masker = enter(opened(Path(options.occluder), threads=threads))
            self._occluder = Occluder(masker.session, masker.signature, masker.family)
        if MaskKind.REGION in options.masks:
            masker = enter(opened(Path(options.region_masker), threads=threads))
            self._region_masker = RegionMasker(masker.session, masker.signature, masker.family)
        self._enhancer = None
        if options.enhancer:
            network = enter(opened(Path(options.enhancer), threads=threads))
            self._enhancer = FaceEnhancer(ImageToImage(network.session, network.signature, network.family))
        self._mask = np.empty((self.stage.side, self.stage.side), np.float32)

    def _opened_embedder(self, swapper: Opened) -> Embedder | None:
        """Return the recogniser: the one the swapper needs, else any that helps the tracker."""
        path = _path(self.options.embedder)
        if self._swapper.needs_embedding:
            path = embedder_for(swapper, path)
        elif path is None and DEMO_EMBEDDER.is_file():
            path = DEMO_EMBEDDER
        return None if path is None else self._stack.enter_context(open_embedder(path, threads=self._threads))

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
        """Take whose face is to appear; arguments and errors as `source_of`."""
        source = self.source_of(pictures)
        self.stage.set_source(source)
        return source

    def set_reference(self, name: str, picture: Picture) -> None:
        """Take whose face is to be replaced; BadInputError where the picture has none."""
        self._reference = self._largest_face(name, picture).embedding

    def _largest_face(self, name: str, picture: Picture) -> Face:
        faces = self.finder.look(picture)
        if not faces:
            raise BadInputError(
                f"{name} shows no face.", "", "Give a picture in which the face is large, upright and not covered."
            )
        if self._embedder is None:
            return faces[0]
        return replace(faces[0], embedding=self._embedder.embed(picture, faces[0].points))

    # the stages ------------------------------------------------------------------------------------------------------

    def find(self, frame: Picture, seconds: float | None = None) -> tuple[Face, ...]:
        """Return every face of the next frame, the largest first; arguments and errors as `FaceFinder.find`."""
        return self.finder.find(frame, seconds)

    def choose(self, faces: Sequence[Face]) -> tuple[Face, ...]:
        """Return the faces that the options say are to be swapped; of `faces`, the largest first."""
        if self.options.faces == Which.MANY or not faces:
            return tuple(faces)
        if self.options.faces == Which.REFERENCE:
            return tuple(face for face in faces if self._is_reference(face))
        kept = [face for face in faces if face.identity is not None and face.identity == self._chosen]
        largest = faces[0]
        chosen = kept[0] if kept and largest.detection.area < _KEPT_UNLESS * kept[0].detection.area else largest
        self._chosen = chosen.identity
        return (chosen,)

    def _is_reference(self, face: Face) -> bool:
        if self._reference is None:
            raise BadInputError("No reference face was given.", "", "Give a picture of it with --reference.")
        return face.embedding is not None and cosine(face.embedding, self._reference) > self.options.reference_cosine

    def crop(self, frame: Picture, face: Face, slot: int = 0) -> FaceCrop:
        """Cut out a face for the swapper.

        Args:
            frame: height x width x 3, RGB.
            face: of it.
            slot: which buffer; crops in different slots live at the same time.
        """
        side = self.stage.side
        while len(self._buffers) <= slot:
            self._buffers.append(np.empty((side, side, 3), np.float32))
        matrix = matrix_to(self._swapper.template, face.points, side)
        return FaceCrop(face, warp(frame, matrix, side, self._buffers[slot]), matrix)

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

    def process(self, frame: Picture, seconds: float | None = None) -> ProcessedFrame:
        """Swap the chosen faces of the next frame.

        Args:
            frame: height x width x 3, RGB, 0..255; not changed.
            seconds: when it is shown; None for 1/25 s after the one before.

        Raises:
            BadInputError: a model gave no usable numbers.
        """
        times = self.finder.times
        times.seconds.clear()
        with times.measured("total"):
            faces = self.find(frame, seconds)
            chosen = self.choose(faces)
            if self._result.shape != frame.shape:
                self._result = np.empty(frame.shape, np.uint8)
            np.copyto(self._result, frame)
            crops = tuple(self._process_face(face, slot) for slot, face in enumerate(chosen))
        return ProcessedFrame(self._result, faces, crops, dict(times.seconds), _remark(faces, chosen))

    def _process_face(self, face: Face, slot: int) -> FaceCrop:
        """Swap one face in the result, where those before it are done already: faces may overlap."""
        times = self.finder.times
        with times.measured("crop"):
            crop = self.crop(self._result, face, slot)
        with times.measured("swap"):
            result = self.stage.draw(crop)
        with times.measured("mask"):
            mask = self.mask(crop, result)
        with times.measured("paste"):
            self.paste(self._result, crop, result, mask)
        if self._enhancer is not None:
            with times.measured("enhance"):
                self._enhancer.enhance(self._result, face.points, mix=self.options.enhancer_mix)
        return crop

    def close(self) -> None:
        """Free all models; closing twice is harmless."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _path(text: str) -> Path | None:
    return Path(text) if text else None


def _remark(faces: Sequence[Face], chosen: Sequence[Face]) -> str:
    if chosen:
        return ""
    return f"None of the {len(faces)} faces is the reference." if faces else "No face was found."
