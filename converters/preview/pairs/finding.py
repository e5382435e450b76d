"""Find the faces for pairs that treat what is found: each person with an identity that stays."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from converters.builtin import DEMO_EMBEDDER
from converters.face.embed import open_embedder
from converters.face.finder import FaceFinder
from converters.face.options import FaceOptions


def open_finder(options: FaceOptions, stack: ExitStack, threads: int | None) -> FaceFinder:
    """Return a finder that tells people apart by who they are, not only by where they are.

    Args:
        options: which models, and whether to track.
        stack: closes what is opened.
        threads: of the runtimes.

    Raises:
        StudioError: a model cannot be opened.
    """
    embedder = None
    if options.track:
        embedder = stack.enter_context(open_embedder(Path(options.embedder or DEMO_EMBEDDER), threads=threads))
    return stack.enter_context(FaceFinder(options, embedder, threads=threads))
