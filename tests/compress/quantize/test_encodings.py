"""Encodings as plain data: what codes stand for, and that nothing is lost on the way to a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from converters.compress.quantize.data_free import block_of, uniform_encodings, weight_encoding
from converters.compress.quantize.encodings import Encoding, Encodings, LayerEncoding, Scheme, WeightEncoding
from converters.compress.quantize.layers import effective_weights
from tests.tiny_models import tiny_swapper

ASYMMETRIC = Encoding(bits=8, symmetric=False, scale=0.5, zero_point=-28, low=-50.0, high=77.5)


def test_values_come_back_within_half_a_step_and_zero_exactly() -> None:
    values = np.linspace(-50, 77.5, 1001, dtype=np.float32)
    back = ASYMMETRIC.dequantize(ASYMMETRIC.quantize(values))
    assert np.abs(back - values).max() <= 0.25 + 1e-6
    assert ASYMMETRIC.dequantize(ASYMMETRIC.quantize(np.zeros(1, np.float32)))[0] == 0
    other = Encoding(bits=8, symmetric=False, scale=0.45, zero_point=-28, low=-50.0, high=77.5)
    assert np.abs(other.dequantize(ASYMMETRIC.quantize(values)) - values).max() > 0.3


def test_codes_are_clipped_and_rounded_half_to_even() -> None:
    symmetric = Encoding(bits=8, symmetric=True, scale=1.0, zero_point=0, low=-127, high=127)
    assert symmetric.quantize(np.float32([0.5, 1.5, -0.5, 500, -500])).tolist() == [0, 2, 0, 127, -128]
    wide = Encoding(bits=16, symmetric=True, scale=1.0, zero_point=0, low=-32767, high=32767)
    assert (wide.lowest, wide.highest) == (-32768, 32767)


@pytest.mark.parametrize(("axis", "block"), [(0, 0), (1, 0), (0, 9), (1, 18)])
def test_weights_come_back_within_half_a_step_of_their_own_channel(axis: int, block: int) -> None:
    weights = np.random.default_rng(0).standard_normal((4, 2, 3, 3)).astype(np.float32)
    weights *= np.float32([1, 10, 100, 1000])[:, None, None, None]
    encoding = weight_encoding(weights, 8, axis, block)
    assert len(encoding.scale) == (weights.shape[axis] if not block else weights.size // block)
    codes = encoding.quantize(weights)
    assert codes.dtype == np.int8
    assert codes.shape == weights.shape
    assert np.abs(codes).max() == 127
    error = np.moveaxis(np.abs(encoding.dequantize(codes) - weights), axis, 0).reshape(len(encoding.scale), -1)
    assert np.all(error.max(axis=1) <= np.float32(encoding.scale) * 0.5001)


@pytest.mark.parametrize(
    ("shape", "axis", "wanted", "block"),
    [
        ((64, 32, 3, 3), 0, 32, 18),  # three kernels do not divide 32, two do
        ((64, 32, 3, 3), 0, 5, 9),
        ((64, 32, 1, 1), 0, 32, 0),  # the whole channel
        ((64, 512), 0, 32, 32),
        ((512, 64), 1, 100, 64),
        ((32, 64, 2, 2), 1, 32, 32),
        ((8, 1, 3, 3), 0, 32, 0),
        ((64, 32, 3, 3), 0, 0, 0),
    ],
)
def test_blocks_hold_whole_kernels_and_divide_a_channel(
    shape: tuple[int, ...], axis: int, wanted: int, block: int
) -> None:
    assert block_of(shape, axis, wanted) == block


def test_scales_must_be_as_many_as_rows() -> None:
    with pytest.raises(ValueError, match="1 scales for 2"):
        WeightEncoding(8, 0, (1.0,)).quantize(np.ones((2, 3), np.float32))


def test_dead_channels_have_a_scale_above_zero() -> None:
    encoding = weight_encoding(np.zeros((2, 3), np.float32), 8, 0)
    assert min(encoding.scale) > 0
    assert not encoding.quantize(np.zeros((2, 3), np.float32)).any()


def test_a_file_holds_everything(tmp_path: Path) -> None:
    given = Encodings(
        {
            "a": LayerEncoding(Scheme.W8A8, WeightEncoding(8, 0, (0.1, 0.2)), ASYMMETRIC, ASYMMETRIC),
            "b": LayerEncoding(Scheme.W4, WeightEncoding(4, 1, (0.5,) * 4, 2)),
            "c": LayerEncoding(Scheme.FLOAT),
        },
        {"weight": np.float32([[1, 2]]), "file": np.float32([3]), "weight.npy": np.float32([4])},
        "two crops",
    )
    assert Encodings.open(tmp_path) is None
    given.save(tmp_path)
    back = Encodings.open(tmp_path)
    assert back is not None
    assert dict(back.layers) == dict(given.layers)
    assert back.origin == "two crops"
    assert {name: values.tolist() for name, values in back.replaced.items()} == {
        name: values.tolist() for name, values in given.replaced.items()
    }
    assert back.schemes == (Scheme.FLOAT, Scheme.W4, Scheme.W8A8)
    assert back.scheme("unknown") is Scheme.FLOAT


def test_uniform_encodings_need_no_calibration_and_refuse_schemes_that_do() -> None:
    model = tiny_swapper()
    encodings = uniform_encodings(model, Scheme.W4, block=9)
    assert set(encodings.schemes) == {Scheme.W4}
    decoder = next(layer for name, layer in encodings.layers.items() if "drawn" in name)
    assert decoder.weight is not None
    weights = effective_weights(model.proto, None, "decoder.weight")
    assert len(decoder.weight.scale) == weights.size // 9
    with pytest.raises(ValueError, match="calibration"):
        uniform_encodings(model, Scheme.W8A8)
