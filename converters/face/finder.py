"""Find the faces of a frame with all that is known about them: points, embedding, and who it is over time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from converters.closing import Closing
from converters.errors import BadInputError
from converters.face.align import similarity, transform
from converters.face.faces import Detection, Embedding, Face, Landmarks, Picture, Points
from converters.face.kalman import Box
from converters.face.options import NO_LANDMARKER, FaceOptions
from converters.face.smooth import LandmarkSmoother
from converters.face.track import Tracker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from converters.face.detect.base import Detector
    from converters.face.embed import Embedder
    from converters.face.landmarks.base import Landmarker
    from converters.opened import Opened

_USUAL_RATE = 25.0
_EMBED_EVERY = 10
"""Frames after which the embedding of somebody alone in view is taken anew; of several it is in every frame."""


@dataclass
class Times:
    """Seconds spent in each stage of the current frame."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def measured(self, stage: str) -> Iterator[None]:
        """Add what the block takes to a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start


class FaceFinder(Closing):
    """Detector, landmarker, embedder, tracker and smoother, one after the other. Use as a context manager.

    Args:
        options: which models, whether to track, how often to detect.
        embedder: stays the caller's; None for faces without embeddings.
        always_embed: whether every face of every frame needs its embedding; otherwise only the tracker wants some.
        thorough: search parts of a large frame where the whole shows no face; too slow for every frame of a video.
        detector, landmarker: models that are open already (and stay so), instead of those that the options name.
        threads: of the runtimes.

    Raises:
        StudioError: as `open_detector` and `open_landmarker` do.
    """

    def __init__(
        self,
        options: FaceOptions,
        embedder: Embedder | None = None,
        *,
        always_embed: bool = False,
        thorough: bool = False,
        detector: Opened | None = None,
        landmarker: Opened | None = None,
        threads: int | None = None,
    ) -> None:
        self.times = Times()
        self._options = options
        self._embedder = embedder
        self._always_embed = always_embed
        self._tracker = Tracker() if options.track else None
        self._smoother = LandmarkSmoother()
        self._last: tuple[Face, ...] = ()
        self._since_detection = 0
        self._frames = 0
        self._stack = ExitStack()
        try:
            self._detector = self._stack.enter_context(_detector(options, detector, threads))
            self._may_tile = self._detector.tiled
            self._thorough = thorough
            self._landmarker: Landmarker | None = None
            if landmarker is not None or options.landmarker != NO_LANDMARKER:
                self._landmarker = self._stack.enter_context(_landmarker(options, landmarker, threads))
        except BaseException:
            self._stack.close()
            raise

    def find(self, frame: Picture, seconds: float | None = None) -> tuple[Face, ...]:
        """Return the faces of the next frame, the largest first; () where there is none.

        Args:
            frame: height x width x 3, RGB, 0..255.
            seconds: when the frame is shown; None for 1/25 s after the one before.

        Raises:
            BadInputError: a model gave no usable numbers.
        """
        now = self._frames / _USUAL_RATE if seconds is None else seconds
        self._frames += 1
        found = self._followed(frame)
        if found is None:
            found = self._detected(frame)
        embeddings = self._embeddings(frame, found)
        faces = [replace(face, embedding=value) for face, value in zip(found, embeddings, strict=True)]
        if self._tracker is not None:
            with self.times.measured("track"):
                identities = self._tracker.update([face.detection for face in faces], embeddings)
                faces = [replace(face, identity=identity) for face, identity in zip(faces, identities, strict=True)]
                self._last = tuple(faces)  # before smoothing: what is followed is where the face was seen
                faces = [self._calmed(face, now) for face in faces]
        return _largest_first(faces)

    def look(self, picture: Picture) -> tuple[Face, ...]:
        """Return the faces of a picture by itself, the largest first, whatever is being followed; no embeddings."""
        return _largest_first(self._seen(picture, self._may_tile))

    def reset(self) -> None:
        """Forget all faces: what follows is another video."""
        self._last = ()
        self._frames = 0
        self._smoother.reset()
        if self._tracker is not None:
            self._tracker.reset()

    def _detected(self, frame: Picture) -> list[Face]:
        self._since_detection = 0
        return self._seen(frame, self._may_tile and self._thorough)

    def _seen(self, frame: Picture, tiled: bool) -> list[Face]:
        self._detector.tiled = tiled
        with self.times.measured("detect"):
            detections = self._detector.detect(frame)
        with self.times.measured("landmarks"):
            return [face for detection in detections if (face := self._face(frame, detection)) is not None]

    def _followed(self, frame: Picture) -> list[Face] | None:
        """Return last frame's faces where they are now, by their landmarks; None when it is time to detect."""
        tracker = self._tracker
        self._since_detection += 1
        is_due = self._since_detection >= self._options.detect_every
        if is_due or tracker is None or self._landmarker is None or not self._last:
            return None
        expected = tracker.expected()
        faces = []
        with self.times.measured("landmarks"):
            for face in self._last:
                box = expected.get(face.identity) if face.identity is not None else None
                if box is None:
                    return None
                moved = self._face(frame, _moved(face.detection, face.points, box))
                if moved is None or moved.landmarks is None or moved.landmarks.score <= _good_score():
                    return None
                carried = _carried(face, moved.points)
                if carried is None:
                    return None
                faces.append(replace(moved, detection=carried))
        return faces

    def _face(self, frame: Picture, detection: Detection) -> Face | None:
        """Return a face with its landmarks; None for what the detector took for a face and is none."""
        from converters.face.landmarks.base import alignment_points

        if not _is_face(detection.points):
            return None
        landmarks = self._landmarker.landmarks(frame, detection) if self._landmarker is not None else None
        points = alignment_points(detection, landmarks)
        return Face(detection, points if _is_face(points) else detection.points, landmarks)

    def _embeddings(self, frame: Picture, faces: Sequence[Face]) -> list[Embedding | None]:
        if self._embedder is None or not (self._always_embed or self._tracker_wants_embeddings(len(faces))):
            return [None] * len(faces)
        with self.times.measured("embed"):
            return [self._embedder.embed(frame, face.points) for face in faces]

    def _tracker_wants_embeddings(self, count: int) -> bool:
        if self._tracker is None:
            return False
        tracks = self._tracker.tracks
        is_simple = count == len(tracks) == 1 and tracks[0].embedding is not None
        return not is_simple or self._frames % _EMBED_EVERY == 0

    def _calmed(self, face: Face, seconds: float) -> Face:
        from converters.face.landmarks.base import alignment_points

        size = face.detection.area**0.5
        landmarks = face.landmarks
        if landmarks is None or landmarks.score <= _good_score():
            points = self._smoother.smooth(face.identity, face.points, size, seconds)
            return replace(face, points=points)
        calm = Landmarks(self._smoother.smooth(face.identity, landmarks.points, size, seconds), landmarks.score)
        points = alignment_points(face.detection, calm)
        return replace(face, landmarks=calm, points=points if _is_face(points) else face.points)

    def close(self) -> None:
        """Free the models; closing twice is harmless."""
        self._stack.close()


def _detector(options: FaceOptions, given: Opened | None, threads: int | None) -> Detector:
    from converters.face.detect.registry import open_detector

    return open_detector(
        given or (Path(options.detector) if options.detector else None),
        threshold=options.score or None,
        angles=options.chosen_angles,
        threads=threads,
    )


def _landmarker(options: FaceOptions, given: Opened | None, threads: int | None) -> Landmarker:
    from converters.face.landmarks.registry import open_landmarker

    model = given or (Path(options.landmarker) if options.landmarker else None)
    return open_landmarker(model, threads=threads)


def _largest_first(faces: Sequence[Face]) -> tuple[Face, ...]:
    return tuple(sorted(faces, key=lambda face: -face.detection.area))


def _good_score() -> float:
    from converters.face.landmarks.base import GOOD

    return GOOD


def _is_face(points: Points) -> bool:
    """Whether five points can be aligned: in the order of a face, and not all on one spot."""
    from converters.face.align import TEMPLATES

    try:
        similarity(points, TEMPLATES["arcface_128"] * 128)
    except BadInputError:
        return False
    return True


def _moved(detection: Detection, points: Points, box: Box) -> Detection:
    """Return a detection where its box is expected to be."""
    old, new = np.array(detection.box), np.array(box)
    growth = (new[2] - new[0]) / max(old[2] - old[0], 1e-6)
    shifted = ((points - (old[:2] + old[2:]) / 2) * growth + (new[:2] + new[2:]) / 2).astype(np.float32)
    return Detection(box, detection.score, shifted)


def _carried(face: Face, points: Points) -> Detection | None:
    """Return a face's detection as its points have moved, turned and grown since; None where they fit no face."""
    try:
        matrix = similarity(face.points, points.astype(np.float64))
    except BadInputError:
        return None
    left, top, right, bottom = face.detection.box
    middle = transform(np.array([[(left + right) / 2, (top + bottom) / 2]], np.float32), matrix)[0]
    growth = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    width, height = (right - left) * growth / 2, (bottom - top) * growth / 2
    x, y = float(middle[0]), float(middle[1])
    return Detection((x - width, y - height, x + width, y + height), face.detection.score, points)
