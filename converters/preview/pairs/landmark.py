"""Two landmarkers: both mark the same detected faces."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from converters.face.draw import draw_faces
from converters.face.faces import Face, Picture
from converters.face.landmarks.base import Landmarker, alignment_points
from converters.face.landmarks.registry import open_landmarker
from converters.face.options import NO_LANDMARKER
from converters.opened import Opened
from converters.preview.pairs.agreement import point_figures
from converters.preview.pairs.base import CANDIDATE, ORIGINAL, RUNNING, PairResult
from converters.preview.pairs.finding import open_finder
from converters.preview.pairs.two_sided import TwoSided
from converters.progress import Progress


class LandmarkPair(TwoSided[Landmarker]):
    """Two landmarkers of any families. Nothing is smoothed over time: what is shown is what each model said."""

    draws = False

    def _share(self, stack: ExitStack) -> None:
        self._finder = open_finder(replace(self.options, landmarker=NO_LANDMARKER), stack, self.threads)

    def _made(self, found: Opened, stack: ExitStack) -> Landmarker:
        # it is run on a black crop when it is opened
        return stack.enter_context(open_landmarker(found, threads=self.threads))

    def reset(self) -> None:
        """Forget whom the frames showed so far."""
        self._finder.reset()

    def process(self, frame: Picture, seconds: float | None, progress: Progress) -> PairResult:
        """Find the faces once and have both mark them."""
        times = self._finder.times
        times.seconds.clear()
        self.buffers.next_frame()
        found = self._finder.find(frame, seconds)
        marked: list[list[Face]] = []
        for side, landmarker in ((ORIGINAL, self.original_part), (CANDIDATE, self.candidate_part)):
            progress(RUNNING)
            with times.measured(side):
                marked.append([_marked(frame, face, landmarker) for face in found])
        results = []
        with times.measured("draw"):
            for side, faces in zip((ORIGINAL, CANDIDATE), marked, strict=True):
                results.append(self.buffers.copy_of(frame, side))
                draw_faces(results[-1], faces)
        figures = point_figures(
            [
                (one.landmarks.points, other.landmarks.points, one.detection.area**0.5)
                for one, other in zip(*marked, strict=True)
                if one.landmarks is not None and other.landmarks is not None
            ]
        )
        remark = "" if found else "No face was found."
        return PairResult(results[0], results[1], tuple(marked[0]), (), dict(times.seconds), remark, figures)


def _marked(frame: Picture, face: Face, landmarker: Landmarker) -> Face:
    landmarks = landmarker.landmarks(frame, face.detection)
    return replace(face, landmarks=landmarks, points=alignment_points(face.detection, landmarks))
