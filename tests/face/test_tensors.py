"""Crops into tensors and back: colour order, layout, normalisation, clipping."""

from __future__ import annotations

import numpy as np
import pytest

from converters.errors import UnsupportedError
from converters.face.tensors import ImageInput, ImageOutput, mask_of, resized, within_unit
from converters.model.signature import ColourOrder, Role, TensorInfo
from converters.samples import draw_picture, picture_to_tensor
from tests.face.nets import image

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
CASES = [
    image("x", 32),
    image("x", 32, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
    image("x", 32, **IMAGENET),
    image("x", 32, **IMAGENET, colour=ColourOrder.BGR),
    image("x", 32, **IMAGENET, colour=ColourOrder.BGR, layout="NHWC"),
    image("x", 32, layout="NHWC"),
    TensorInfo("x", (1, 3, 32, 32), role=Role.IMAGE, layout="NCHW", value_range=(-1.0, 1.0)),
    TensorInfo("x", (1, 3, 32, 32)),
    TensorInfo("x", (1, 32, 32, 3)),
]


def a_crop() -> np.ndarray:
    return np.random.default_rng(3).random((32, 32, 3), dtype=np.float32)


@pytest.mark.parametrize("tensor", CASES)
def test_there_and_back(tensor: TensorInfo) -> None:
    crop = a_crop()
    array = ImageInput(tensor, "net").filled(crop)
    assert array.shape == tensor.static_shape
    back = ImageOutput(tensor, "net").crop(array)
    assert np.abs(back - crop).max() < 1e-6
    assert np.abs(back - crop[..., ::-1]).max() > 0.5


@pytest.mark.parametrize("tensor", CASES)
def test_the_tensor_is_what_verification_feeds(tensor: TensorInfo) -> None:
    """Two independent ways from a picture to a tensor agree, and the other colour order does not."""
    picture = draw_picture(1)[:32, :32]
    crop = picture.astype(np.float32) / 255
    expected = picture_to_tensor(picture, tensor if tensor.layout else image("x", 32, layout=layout_of(tensor)))
    assert np.allclose(ImageInput(tensor, "net").filled(crop), expected, atol=1e-5)
    assert not np.allclose(ImageInput(tensor, "net").filled(crop[..., ::-1]), expected, atol=1e-2)


def layout_of(tensor: TensorInfo) -> str:
    return "NCHW" if tensor.static_shape[1] == 3 else "NHWC"


def test_half_precision_is_filled_and_read() -> None:
    tensor = TensorInfo("x", (1, 3, 32, 32), "float16", Role.IMAGE, "NCHW", None, None, (0.5,) * 3, (0.5,) * 3)
    crop = a_crop()
    array = ImageInput(tensor, "net").filled(crop)
    assert array.dtype == np.float16
    assert np.abs(ImageOutput(tensor, "net").crop(array) - crop).max() < 1e-3


def test_buffers_are_used_again() -> None:
    entry = ImageInput(CASES[1], "net")
    first = entry.filled(a_crop())
    assert entry.filled(a_crop()[::-1]) is first
    out = np.full((32, 32, 3), np.nan, np.float32)
    assert ImageOutput(CASES[1], "net").crop(first, out) is out
    assert np.isfinite(out).all()


def test_an_interleaved_place_to_write_to() -> None:
    large = np.zeros((64, 64, 3), np.float32)
    crop = a_crop()
    ImageOutput(CASES[0], "net").crop(crop.transpose(2, 0, 1)[None], large[1::2, 0::2])
    assert np.array_equal(large[1::2, 0::2], crop)
    assert not large[0::2].any()


def test_a_broken_network_draws_black_and_white_only() -> None:
    array = np.array([np.nan, np.inf, -np.inf, 2, -1, 0.5], np.float32)
    assert within_unit(array).tolist() == [0, 1, 0, 1, 0, 0.5]


@pytest.mark.parametrize(
    "tensor",
    [
        TensorInfo("x", (1, 1, 32, 32), role=Role.IMAGE, layout="NCHW"),
        TensorInfo("x", (2, 3, 32, 32), role=Role.IMAGE, layout="NCHW"),
        TensorInfo("x", (1, 3, "h", "w"), role=Role.IMAGE, layout="NCHW"),
        TensorInfo("x", (1, 3, 32, 32), "uint8", role=Role.IMAGE, layout="NCHW"),
        TensorInfo("x", (1, 512), role=Role.EMBEDDING),
    ],
)
def test_what_is_no_picture_is_refused(tensor: TensorInfo) -> None:
    with pytest.raises(UnsupportedError, match=r"x of net is"):
        ImageInput(tensor, "net")


def test_a_wide_picture_is_no_face_crop() -> None:
    entry = ImageInput(TensorInfo("x", (1, 3, 32, 48), role=Role.IMAGE, layout="NCHW"), "net")
    with pytest.raises(UnsupportedError, match="48 x 32"):
        _ = entry.side
    with pytest.raises(ValueError, match="a crop of shape"):
        entry.filled(a_crop())


@pytest.mark.parametrize("shape", [(1, 1, 16, 16), (1, 16, 16, 1)])
def test_masks_come_in_both_layouts_and_are_clipped(shape: tuple[int, ...]) -> None:
    raw = np.linspace(-1, 2, 256, dtype=np.float32)
    mask = mask_of(raw.reshape(shape))
    assert np.array_equal(mask, np.clip(raw, 0, 1).reshape(16, 16))
    assert mask_of(raw.reshape(shape), 32).shape == (32, 32)
    with pytest.raises(UnsupportedError, match="one channel"):
        mask_of(np.zeros((1, 2, 16, 16), np.float32))


def test_resizing_keeps_the_mean() -> None:
    crop = a_crop()
    for side in (16, 64, 7):
        assert resized(crop, side).shape == (side, side, 3)
        assert abs(float(resized(crop, side).mean() - crop.mean())) < 0.02
    assert resized(crop, 32) is crop
