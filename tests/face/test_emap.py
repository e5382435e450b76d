"""emap: both hosts' arithmetic, and reading it from files that may be hostile."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from converters.errors import BadInputError
from converters.face.emap import EmapRule, emap_of, read_emap, source_latent
from tests.face.nets import small_swapper
from tests.tiny_models import tiny_swapper_proto


def skewed(width: int = 512) -> np.ndarray:
    """Return a matrix as little orthogonal as the published one: singular values from .001 to 20."""
    generator = np.random.default_rng(1)
    left, _ = np.linalg.qr(generator.standard_normal((width, width)))
    right, _ = np.linalg.qr(generator.standard_normal((width, width)))
    return ((left * np.geomspace(20, 0.001, width)) @ right).astype(np.float32)


def test_facefusion_divides_by_the_raw_length_and_stops_there() -> None:
    raw = np.random.default_rng(0).standard_normal(512).astype(np.float32) * 0.9
    emap = skewed()
    latent = source_latent(raw, emap, EmapRule.FACEFUSION)
    expected = (raw.astype(np.float64) @ emap) / np.linalg.norm(raw.astype(np.float64))
    assert np.allclose(latent, expected, rtol=1e-5, atol=1e-6)
    assert abs(np.linalg.norm(latent) - 1) > 0.1
    assert not np.allclose(latent, emap @ raw / np.linalg.norm(raw), atol=1e-3)  # columns, not rows


def test_insightface_makes_it_a_unit_vector_of_the_same_direction() -> None:
    raw = np.random.default_rng(0).standard_normal(512).astype(np.float32) * 20
    emap = skewed()
    one, other = source_latent(raw, emap, EmapRule.FACEFUSION), source_latent(raw, emap, EmapRule.INSIGHTFACE)
    assert np.linalg.norm(other) == pytest.approx(1, abs=1e-6)
    assert np.allclose(one / np.linalg.norm(one), other, atol=1e-6)
    assert not np.allclose(one, other, atol=1e-3)


def test_the_length_of_the_raw_embedding_does_not_matter() -> None:
    raw = np.random.default_rng(2).standard_normal(512).astype(np.float32)
    assert np.allclose(source_latent(raw, skewed()), source_latent(raw * 17, skewed()), atol=1e-5)


def test_an_orthogonal_emap_makes_both_rules_one() -> None:
    emap = emap_of(small_swapper())
    assert emap is not None
    raw = np.random.default_rng(2).standard_normal(512).astype(np.float32)
    assert np.allclose(source_latent(raw, emap, EmapRule.FACEFUSION), source_latent(raw, emap, EmapRule.INSIGHTFACE))


def test_an_embedding_that_does_not_fit_is_said() -> None:
    with pytest.raises(BadInputError, match="128 numbers"):
        source_latent(np.ones(128, np.float32), skewed())
    with pytest.raises(BadInputError, match="no direction"):
        source_latent(np.full(512, np.nan, np.float32), skewed())


def test_emap_is_the_last_initializer_that_no_node_reads() -> None:
    proto = tiny_swapper_proto()
    expected = onnx.numpy_helper.to_array(proto.graph.initializer[-1])
    assert np.array_equal(emap_of(proto), expected)
    del proto.graph.initializer[-1]
    assert emap_of(proto) is None


def test_a_matrix_in_use_is_no_emap() -> None:
    proto = tiny_swapper_proto()
    style = next(tensor for tensor in proto.graph.initializer if tensor.name == "style.weight")
    copy = onnx.TensorProto()
    copy.CopyFrom(style)
    proto.graph.initializer.remove(style)
    proto.graph.initializer.append(copy)
    assert emap_of(proto) is None


def test_read_from_the_swapper_and_from_the_array_beside_artifacts(tmp_path: Path) -> None:
    proto = small_swapper()
    onnx.save(proto, tmp_path / "swapper.onnx")
    emap = read_emap(tmp_path / "swapper.onnx")
    assert np.array_equal(emap, emap_of(proto))
    np.save(tmp_path / "swapper-emap.npy", emap)
    assert np.array_equal(read_emap(tmp_path / "swapper-emap.npy"), emap)
    np.save(tmp_path / "fortran.npy", np.asfortranarray(skewed(16)))
    assert np.array_equal(read_emap(tmp_path / "fortran.npy"), skewed(16))


def test_a_swapper_of_another_width_without_emap_takes_the_unit_embedding(tmp_path: Path) -> None:
    proto = small_swapper()
    del proto.graph.initializer[-1]
    onnx.save(proto, tmp_path / "swapper.onnx")
    assert np.array_equal(read_emap(tmp_path / "swapper.onnx"), np.eye(512))


def test_a_model_without_emap_is_said(tmp_path: Path) -> None:
    proto = tiny_swapper_proto()
    del proto.graph.initializer[-1]
    onnx.save(proto, tmp_path / "tiny.onnx")
    with pytest.raises(BadInputError, match="carries no emap"):
        read_emap(tmp_path / "tiny.onnx")


def huge_header() -> bytes:
    """Return a header that asks for a terabyte."""
    text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (512000, 512000), }"
    text += b" " * (64 - (10 + len(text) + 1) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize("kind", ["garbage", "empty", "cut", "pickle", "terabyte", "integers", "flat", "not finite"])
def test_a_bad_array_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x-emap.npy"
    np.save(path, skewed(16))
    whole = path.read_bytes()
    if kind == "garbage":
        path.write_bytes(b"hello, world" * 30)
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "cut":
        path.write_bytes(whole[:-5])
    elif kind == "pickle":
        np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    elif kind == "terabyte":
        path.write_bytes(huge_header() + b"\0" * 64)
    elif kind == "integers":
        np.save(path, np.eye(4, dtype=np.int64))
    elif kind == "flat":
        np.save(path, np.ones(16, np.float32))
    else:
        np.save(path, np.full((4, 4), np.inf, np.float32))
    with pytest.raises(BadInputError, match=r"x-emap\.npy"):
        read_emap(path)
