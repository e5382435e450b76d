"""The face pipeline on drawn networks, opened and closed for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from converters.face.pipeline import FacePipeline
from tests.face.drawn import embedder, options, portrait, swapper


@pytest.fixture(scope="session")
def nets(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    folder = tmp_path_factory.mktemp("nets")
    return SimpleNamespace(
        same=swapper(folder / "same.onnx"),
        half=swapper(folder / "half.onnx", keep=0.5),
        black=swapper(folder / "black.onnx", keep=0.0),
        paint=swapper(folder / "paint.onnx", keep=0.0, paint=1.0),
        large=swapper(folder / "large.onnx", side=256),
        embedder=embedder(folder / "embedder.onnx"),
    )


@pytest.fixture
def open_pipeline(nets: SimpleNamespace) -> Iterator[object]:
    """Give a function that opens a pipeline (`tests.face.drawn.Opener`) with one source."""
    opened: list[FacePipeline] = []

    def start(model: Path, *, source: int = 4, thorough: bool = False, **given: object) -> FacePipeline:
        pipeline = FacePipeline(model, options(nets, **given), thorough=thorough, threads=1)
        opened.append(pipeline)
        pipeline.set_source([(f"person {source}", portrait(source))])
        return pipeline

    yield start
    for pipeline in opened:
        pipeline.close()
