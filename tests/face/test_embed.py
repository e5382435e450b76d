"""Embedders: what a recogniser is fed, and how embeddings compare."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from converters.builtin import DEMO_EMBEDDER
from converters.errors import BadInputError, UnsupportedError
from converters.face.align import matrix_to, warp
from converters.face.embed import SessionEmbedder, cosine, mean_embedding, open_embedder, unit
from converters.model.signature import Role, Signature, TensorInfo
from converters.opened import opened
from converters.samples import draw_picture
from tests.face.nets import copying, graph, image, plain, watched
from tests.face.test_align import placed


def recogniser(width: int = 512) -> onnx.ModelProto:
    """Return a network that averages patches: an embedding in which the picture can still be recognised."""
    weight = np.random.default_rng(0).standard_normal((width, 3 * 7 * 7)).astype(np.float32)
    return graph(
        {"input": (1, 3, 112, 112)},
        {"embedding": (1, width)},
        [
            ("AveragePool", ["input"], ["pooled"], {"kernel_shape": [16, 16], "strides": [16, 16]}),
            ("Flatten", ["pooled"], ["flat"], {"axis": 1}),
            ("Gemm", ["flat", "weight"], ["embedding"], {"transB": 1}),
        ],
        {"weight": weight},
    )


def test_a_recogniser_is_fed_its_aligned_crop_in_its_own_range(tmp_path: Path) -> None:
    picture = draw_picture(1)
    points = placed("arcface_112_v2", 150, 12, 120, 130)
    with watched(recogniser(), tmp_path) as session:
        embedding = SessionEmbedder(session, plain(session), "arcface").embed(picture, points)
        crop = warp(picture, matrix_to("arcface_112_v2", points, 112), 112)
        expected = crop.transpose(2, 0, 1)[None] * 255 / 127.5 - 1
        assert np.allclose(session.fed["input"], expected, atol=1e-5)
        assert not np.allclose(session.fed["input"], expected[:, ::-1], atol=1e-2)  # BGR
        other = warp(picture, matrix_to("arcface_112_v1", points, 112), 112).transpose(2, 0, 1)[None] * 2 - 1
        assert not np.allclose(session.fed["input"], other, atol=1e-2)
        assert embedding.shape == (512,)
        assert embedding.dtype == np.float32
        assert np.linalg.norm(embedding) > 1.5  # raw, not brought to length 1


def test_an_unknown_recogniser_gets_the_usual_range_and_keeps_its_own_where_it_says(tmp_path: Path) -> None:
    crop = np.random.default_rng(0).random((112, 112, 3), dtype=np.float32)
    with watched(recogniser(128), tmp_path) as session:
        assert SessionEmbedder(session, plain(session)).embed_crop(crop).shape == (128,)
        assert np.allclose(session.fed["input"], crop.transpose(2, 0, 1)[None] * 2 - 1, atol=1e-6)
        vector = TensorInfo("embedding", (1, 128), role=Role.EMBEDDING, layout="NC")
        stated = Signature((image("input", 112),), (vector,))
        SessionEmbedder(session, stated).embed_crop(crop)
        assert np.allclose(session.fed["input"], crop.transpose(2, 0, 1)[None], atol=1e-6)


def test_a_result_outlives_the_next_run(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    with watched(recogniser(), tmp_path) as session:
        embedder = SessionEmbedder(session, plain(session))
        first = embedder.embed_crop(generator.random((112, 112, 3), dtype=np.float32))
        kept = first.copy()
        second = embedder.embed_crop(generator.random((112, 112, 3), dtype=np.float32))
        assert np.array_equal(first, kept)
        assert not np.array_equal(first, second)


def test_what_is_no_recogniser_is_refused(tmp_path: Path) -> None:
    with watched(copying(112), tmp_path) as session, pytest.raises(UnsupportedError, match="no face recogniser"):
        SessionEmbedder(session, plain(session))


def test_a_recogniser_that_gives_no_numbers_is_said(tmp_path: Path) -> None:
    proto = recogniser()
    for tensor in proto.graph.initializer:
        broken = onnx.numpy_helper.to_array(tensor) * np.float32(np.nan)
        tensor.CopyFrom(onnx.numpy_helper.from_array(broken, tensor.name))
    with watched(proto, tmp_path) as session, pytest.raises(BadInputError, match="not finite"):
        SessionEmbedder(session, plain(session)).embed_crop(np.zeros((112, 112, 3), np.float32))


def test_a_file_opens_as_a_recogniser_and_an_open_one_stays_open(tmp_path: Path) -> None:
    path = tmp_path / "recogniser.onnx"
    onnx.save(recogniser(), path)
    crop = np.zeros((112, 112, 3), np.float32)
    with open_embedder(path, threads=1) as embedder:
        from_file = embedder.embed_crop(crop)
    with opened(path, threads=1) as model:
        with open_embedder(model) as embedder:
            assert np.array_equal(embedder.embed_crop(crop), from_file)
        with open_embedder(model) as embedder:
            assert np.array_equal(embedder.embed_crop(crop), from_file)


def test_cosine_unit_and_mean() -> None:
    one, other = np.array([3, 0, 4], np.float32), np.array([0, 2, 0], np.float32)
    assert unit(one).tolist() == pytest.approx([0.6, 0, 0.8])
    assert cosine(one, one * 5) == pytest.approx(1)
    assert cosine(one, -one) == pytest.approx(-1)
    assert cosine(one, other) == pytest.approx(0)
    assert mean_embedding([one, other]).tolist() == [1.5, 1, 2]
    with pytest.raises(ValueError, match="no embeddings"):
        mean_embedding([])


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_an_embedding_without_direction_is_refused(value: float) -> None:
    with pytest.raises(BadInputError, match="no direction"):
        unit(np.full(4, value, np.float32))


def test_the_demo_embedder_tells_faces_apart_better_than_light() -> None:
    points = placed("arcface_112_v2", 230, 0, 128, 138)
    pictures = [draw_picture(seed) for seed in range(4)]
    with open_embedder(DEMO_EMBEDDER, threads=1) as embedder:
        plain_ones = [embedder.embed(picture, points) for picture in pictures]
        darker = [embedder.embed((picture * 0.8).astype(np.uint8), points) for picture in pictures]
    for place, embedding in enumerate(darker):
        alike = [cosine(embedding, other) for other in plain_ones]
        assert int(np.argmax(alike)) == place
