"""Two recognisers: both look at the same faces; how alike their embeddings are is written beside each."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace

import numpy as np

from converters.errors import UnsupportedError
from converters.face.draw import draw_faces
from converters.face.embed import Embedder, SessionEmbedder, cosine
from converters.face.faces import Embedding, Picture
from converters.opened import Opened
from converters.preview.pairs.base import CANDIDATE, ORIGINAL, RUNNING, PairResult
from converters.preview.pairs.finding import open_finder
from converters.preview.pairs.two_sided import TwoSided
from converters.progress import Progress


@dataclass(frozen=True)
class Recogniser:
    """A recogniser.

    Attributes:
        embedder: runs it.
        length: of its embeddings.
    """

    embedder: Embedder
    length: int


class RecognisePair(TwoSided[Recogniser]):
    """Two recognisers whose embeddings mean the same."""

    draws = False

    def _share(self, stack: ExitStack) -> None:
        self._finder = open_finder(self.options, stack, self.threads)

    def _made(self, found: Opened, stack: ExitStack) -> Recogniser:  # noqa: ARG002
        embedder = SessionEmbedder(found.session, found.signature, found.family, name=found.name)
        grey = np.full((embedder.side, embedder.side, 3), 0.5, np.float32)
        return Recogniser(embedder, embedder.embed_crop(grey).size)

    def _check(self, part: Recogniser, name: str) -> None:
        ours = self.original_part.length
        if part.length != ours:
            raise UnsupportedError(
                f"{name} gives embeddings of {part.length} numbers, the original of {ours}.",
                "Embeddings of two different recognisers cannot be compared.",
                "Choose a file that was made of the original.",
            )

    def reset(self) -> None:
        """Forget whom the frames showed so far."""
        self._finder.reset()

    def process(self, frame: Picture, seconds: float | None, progress: Progress) -> PairResult:
        """Find the faces once and have both recognise them."""
        times = self._finder.times
        times.seconds.clear()
        self.buffers.next_frame()
        faces = self._finder.find(frame, seconds)
        embeddings: list[list[Embedding]] = []
        for side, part in ((ORIGINAL, self.original_part), (CANDIDATE, self.candidate_part)):
            progress(RUNNING)
            with times.measured(side):
                embeddings.append([part.embedder.embed(frame, face.points) for face in faces])
        cosines = [cosine(one, other) for one, other in zip(*embeddings, strict=True)]
        names = ["" if face.identity is None else f"{face.identity}" for face in faces]
        labels = [f"{name}: {value:.3f}".removeprefix(": ") for name, value in zip(names, cosines, strict=True)]
        results = []
        with times.measured("draw"):
            for side, texts in ((ORIGINAL, names), (CANDIDATE, labels)):
                results.append(self.buffers.copy_of(frame, side))
                draw_faces(results[-1], [replace(face, landmarks=None) for face in faces], texts)
        figures: dict[str, float] = {}
        if cosines:
            figures = {"cosine_between": float(np.mean(cosines)), "cosine_between_least": min(cosines)}
        remark = "" if faces else "No face was found."
        return PairResult(results[0], results[1], faces, (), dict(times.seconds), remark, figures)
