"""Two detectors: each looks at the frame by itself; what it finds is drawn on its own side."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from converters.face.detect.base import Detector
from converters.face.detect.registry import open_detector
from converters.face.draw import draw_faces
from converters.face.faces import Detection, Face, Picture
from converters.face.finder import Times
from converters.face.track import Tracker
from converters.opened import Opened
from converters.preview.pairs.agreement import box_figures, matched
from converters.preview.pairs.base import CANDIDATE, ORIGINAL, RUNNING, PairResult
from converters.preview.pairs.two_sided import TwoSided
from converters.progress import Progress


class DetectPair(TwoSided[Detector]):
    """Two detectors of any families. A face has the same identity on both sides."""

    draws = False

    def _share(self, stack: ExitStack) -> None:  # noqa: ARG002
        self._times = Times()
        self._tracker = Tracker() if self.options.track else None

    def _made(self, found: Opened, stack: ExitStack) -> Detector:
        # it is run on a black picture when it is opened; searching a frame in parts takes too long for a live view
        return stack.enter_context(
            open_detector(
                found,
                threshold=self.options.score or None,
                angles=self.options.chosen_angles,
                tiled=False,
                threads=self.threads,
            )
        )

    def reset(self) -> None:
        """Forget whom the frames showed so far."""
        if self._tracker is not None:
            self._tracker.reset()

    def process(self, frame: Picture, seconds: float | None, progress: Progress) -> PairResult:  # noqa: ARG002
        """Have both find the faces and draw the boxes."""
        times = self._times
        times.seconds.clear()
        self.buffers.next_frame()
        found: list[tuple[Detection, ...]] = []
        for side, detector in ((ORIGINAL, self.original_part), (CANDIDATE, self.candidate_part)):
            progress(RUNNING)
            with times.measured(side):
                found.append(detector.detect(frame))
        ours, theirs = self._named(*found)
        results = []
        with times.measured("draw"):
            for side, faces in ((ORIGINAL, ours), (CANDIDATE, theirs)):
                results.append(self.buffers.copy_of(frame, side))
                draw_faces(results[-1], faces)
        remark = "" if ours or theirs else "No face was found."
        figures = box_figures(*found)
        return PairResult(results[0], results[1], ours, (), dict(times.seconds), remark, figures)

    def _named(
        self, originals: tuple[Detection, ...], candidates: tuple[Detection, ...]
    ) -> tuple[tuple[Face, ...], tuple[Face, ...]]:
        """Return the faces of both sides, the largest first; the tracked original gives the names."""
        identities: list[int | None] = [None] * len(originals)
        if self._tracker is not None:
            with self._times.measured("track"):
                identities = list(self._tracker.update(list(originals), [None] * len(originals)))
        ours = [
            Face(detection, detection.points, identity=identity)
            for detection, identity in zip(originals, identities, strict=True)
        ]
        theirs = [Face(detection, detection.points) for detection in candidates]
        for place, (other, _) in matched(originals, candidates).items():
            theirs[other] = replace(theirs[other], identity=identities[place])
        return _largest_first(ours), _largest_first(theirs)


def _largest_first(faces: list[Face]) -> tuple[Face, ...]:
    return tuple(sorted(faces, key=lambda face: -face.detection.area))
