"""What each kind of model does to one frame after another: swap, find, mark, enhance, mask. One `Work` each."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final

import numpy as np

from converters.closing import Closing
from converters.errors import UnsupportedError
from converters.face.align import matrix_to, warp
from converters.face.detect.registry import CARRIED
from converters.face.draw import draw_faces
from converters.face.enhance import FaceEnhancer, FrameEnhancer, ImageToImage
from converters.face.faces import Crop, Face, Picture
from converters.face.finder import FaceFinder
from converters.face.masks import Occluder, RegionMasker
from converters.face.options import NO_LANDMARKER, FaceOptions
from converters.face.paste import Paster
from converters.face.pipeline import FacePipeline
from converters.model.families import family as family_called
from converters.model.signature import Role
from converters.opened import Opened
from converters.progress import Progress

MASK_TEMPLATE: Final = "arcface_128"
MASK_SIDE: Final = 256
"""How a face is cut out for a masker by itself."""


@dataclass(frozen=True)
class Done:
    """What became of one frame.

    Attributes:
        picture: the result; a buffer, good until the next frame.
        faces: what was found.
        treated: faces that something was done to.
        seconds: by stage.
        remark: why nothing was done, "" where something was.
    """

    picture: Picture
    faces: tuple[Face, ...] = ()
    treated: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    remark: str = ""


class Work(Closing):
    """Something to do to frames. Use as a context manager.

    Attributes:
        title: for progress.
        needs_faces: whether a picture without a face is no target.
        needs_out: whether there is no point in it without a file to write.
    """

    title: ClassVar[str]
    needs_faces: ClassVar[bool] = True
    needs_out: ClassVar[bool] = True

    def __init__(self) -> None:
        self._stack = ExitStack()

    @abstractmethod
    def do(self, picture: Picture, seconds: float | None, progress: Progress) -> Done:
        """Treat a frame (height x width x 3, RGB, not changed), shown at some second of a video."""

    def close(self) -> None:
        """Close the models it works with; closing twice is harmless."""
        self._stack.close()


class Swap(Work):
    """Swap faces.

    Args:
        pipeline: with its source set; closed with the work.
    """

    title = "Swapping"

    def __init__(self, pipeline: FacePipeline) -> None:
        super().__init__()
        self.pipeline = self._stack.enter_context(pipeline)

    def do(self, picture: Picture, seconds: float | None, progress: Progress) -> Done:
        """Swap the chosen faces."""
        done = self.pipeline.process(picture, seconds, progress)
        return Done(done.frame, done.faces, len(done.crops), done.seconds, done.remark)

    def each_source(self, picture: Picture, progress: Progress) -> Iterator[Done]:
        """Give a picture once for every source of the pipeline, on all chosen faces; they are found once.

        Args:
            picture: height x width x 3, RGB, not changed.
            progress: told before every face; may cancel.
        """
        pipeline, times = self.pipeline, self.pipeline.finder.times
        times.seconds.clear()
        with times.measured("total"):
            faces = pipeline.find(picture)
            chosen = pipeline.choose(faces)
        remark = pipeline.remark(faces, chosen)
        for source in range(pipeline.stage.sources):
            with times.measured("total"):
                result = picture.copy()
                pipeline.swap(result, picture, [(face, source) for face in chosen], progress)
            yield Done(result, faces, len(chosen), dict(times.seconds), remark)
            times.seconds.clear()


class _WithFaces(Work):
    """Something that is done to every face found."""

    def __init__(
        self,
        options: FaceOptions,
        *,
        thorough: bool,
        threads: int | None,
        detector: Opened | None = None,
        landmarker: Opened | None = None,
    ) -> None:
        super().__init__()
        self._finder = self._stack.enter_context(
            FaceFinder(options, thorough=thorough, detector=detector, landmarker=landmarker, threads=threads)
        )

    def do(self, picture: Picture, seconds: float | None, progress: Progress) -> Done:  # noqa: ARG002
        """Find the faces, then treat them on a copy."""
        times = self._finder.times
        times.seconds.clear()
        with times.measured("total"):
            faces = self._finder.find(picture, seconds)
            result = self._canvas(picture)
            with times.measured(self.title.lower()):
                self._treat(result, picture, faces)
        return Done(result, faces, len(faces), dict(times.seconds), "" if faces else "No face was found.")

    def _canvas(self, picture: Picture) -> Picture:
        return picture.copy()

    @abstractmethod
    def _treat(self, result: Picture, picture: Picture, faces: Sequence[Face]) -> None:
        """Change `result` in place."""


class Mark(_WithFaces):
    """Draw boxes and points: what detectors and landmarkers are for."""

    title = "Marking"
    needs_out = False

    def _treat(self, result: Picture, picture: Picture, faces: Sequence[Face]) -> None:  # noqa: ARG002
        draw_faces(result, faces)


class Detect(Mark):
    """Draw what a detector finds; nothing is a finding, too."""

    needs_faces = False


class Enhance(_WithFaces):
    """Redraw every face with an enhancer."""

    title = "Enhancing"

    def __init__(self, enhancer: FaceEnhancer, options: FaceOptions, *, thorough: bool, threads: int | None) -> None:
        super().__init__(options, thorough=thorough, threads=threads)
        self._enhancer = enhancer
        self._mix = options.enhancer_mix

    def _treat(self, result: Picture, picture: Picture, faces: Sequence[Face]) -> None:  # noqa: ARG002
        for face in faces:
            self._enhancer.enhance(result, face.points, mix=self._mix)


class ShowMasks(_WithFaces):
    """Draw the masks of all faces, white on black."""

    title = "Masking"

    def __init__(
        self, masker: Occluder | RegionMasker, options: FaceOptions, *, thorough: bool, threads: int | None
    ) -> None:
        super().__init__(options, thorough=thorough, threads=threads)
        self._masker = masker
        self._regions = options.chosen_regions
        self._paster = Paster()
        self._crop: Crop = np.empty((MASK_SIDE, MASK_SIDE, 3), np.float32)
        self._white: Crop = np.ones((MASK_SIDE, MASK_SIDE, 3), np.float32)

    def _canvas(self, picture: Picture) -> Picture:
        return np.zeros_like(picture)

    def _treat(self, result: Picture, picture: Picture, faces: Sequence[Face]) -> None:
        for face in faces:
            matrix = matrix_to(MASK_TEMPLATE, face.points, MASK_SIDE)
            crop = warp(picture, matrix, MASK_SIDE, self._crop)
            if isinstance(self._masker, RegionMasker):
                mask = self._masker.mask(crop, self._regions)
            else:
                mask = self._masker.mask(crop)
            self._paster.paste(result, self._white, mask, matrix)


class EnhanceFrame(Work):
    """Run any network that turns a picture into a picture over the whole frame, in tiles."""

    title = "Enhancing"
    needs_faces = False

    def __init__(self, enhancer: FrameEnhancer, mix: float) -> None:
        super().__init__()
        self._enhancer = enhancer
        self._mix = mix

    def do(self, picture: Picture, seconds: float | None, progress: Progress) -> Done:  # noqa: ARG002
        """Enhance the frame; it may grow."""
        return Done(self._enhancer.enhance(picture, mix=self._mix, progress=progress))


def open_work(found: Opened, kind: str, options: FaceOptions, *, thorough: bool, threads: int | None = None) -> Work:
    """Return what a model is good for; a `Swap` still wants its source.

    Args:
        found: the open model, its family decided; it stays the caller's and must outlive the work.
        kind: from `kind_of`, no recogniser.
        options: the choices.
        thorough: for still pictures: nothing is followed, and large ones are searched in parts, too.
        threads: of the runtimes.

    Raises:
        StudioError: as opening does.
    """
    quiet = replace(options, track=options.track and not thorough)
    if kind == "swapper":
        return Swap(FacePipeline(found, quiet, thorough=thorough, threads=threads))
    if kind == "detector":
        alone = replace(quiet, landmarker=NO_LANDMARKER)
        return Detect(alone, thorough=thorough, detector=found, threads=threads)
    if kind == "landmarker":
        return Mark(quiet, thorough=thorough, landmarker=found, threads=threads)
    if kind == "masker":
        return ShowMasks(masker_of(found), quiet, thorough=thorough, threads=threads)
    if kind in ("enhancer", "frame enhancer", "picture"):
        network = network_of(found, options)
        if kind == "enhancer":
            return Enhance(FaceEnhancer(network), quiet, thorough=thorough, threads=threads)
        return EnhanceFrame(FrameEnhancer(network), mix_of(kind, options))
    raise ValueError(f"a {kind} does nothing to frames")


def kind_of(model: Opened) -> str:
    """Return what a model is for: a family's kind, or "picture" for an unknown network that draws pictures.

    Raises:
        UnsupportedError: nothing that `run` can show.
    """
    if model.family in CARRIED:
        return "detector"
    known = family_called(model.family)
    kind = known.kind if known else ""
    if kind in ("swapper", "detector", "landmarker", "masker", "enhancer", "frame enhancer", "recogniser"):
        return kind
    if not kind and _draws_pictures(model):
        return "picture"
    what = f"It is {with_article(kind)} ({known.title})." if known else "It belongs to no family known here."
    raise UnsupportedError(
        f"{model.name} cannot be run on pictures by itself.",
        what,
        "Name its family with --family where it has one; `inspect` shows what was recognised.",
    )


def _draws_pictures(model: Opened) -> bool:
    try:
        ImageToImage(model.session, model.signature, model.family)
    except UnsupportedError:
        return False
    return True


def with_article(kind: str) -> str:
    """Return 'a swapper', 'an enhancer', …"""
    return f"{'an' if kind[:1] in 'aeiou' else 'a'} {kind}"


def masks_regions(model: Opened) -> bool:
    """Whether a masker tells the regions of a face, rather than what covers it."""
    known = family_called(model.family)
    return known is not None and known.outputs[0].role is Role.CLASSES


def masker_of(model: Opened) -> Occluder | RegionMasker:
    """Return a masker ready for crops; UnsupportedError where it is none."""
    network = RegionMasker if masks_regions(model) else Occluder
    return network(model.session, model.signature, model.family, name=model.name)


def network_of(model: Opened, options: FaceOptions) -> ImageToImage:
    """Return a network that turns pictures into pictures; UnsupportedError where it is none."""
    return ImageToImage(
        model.session, model.signature, model.family, strength=options.enhancer_strength, name=model.name
    )


def mix_of(kind: str, options: FaceOptions) -> float:
    """Return how much of what a network drew shows: an unknown one shall be seen as it is, not mixed with anything."""
    return 1.0 if kind == "picture" else options.enhancer_mix
