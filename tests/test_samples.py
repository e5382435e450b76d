"""What models are tried on: the right values in the right places."""

from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest

from converters.errors import BadInputError
from converters.measure.parity import SampleKind
from converters.model.signature import ColourOrder, Role, Signature, TensorInfo
from converters.samples import draw_picture, picture_to_tensor, read_pictures, verification_samples

RED = np.zeros((40, 60, 3), np.uint8)
RED[..., 0] = 255
IMAGE = TensorInfo(
    "target", (1, 3, 16, 24), role=Role.IMAGE, layout="NCHW", colour=ColourOrder.RGB, value_range=(0.0, 1.0)
)
EMBEDDING = TensorInfo("source", (1, 512), role=Role.EMBEDDING, layout="NC")


def test_colour_order_layout_and_normalisation() -> None:
    assert picture_to_tensor(RED, IMAGE)[0, :, 5, 5].tolist() == [1, 0, 0]
    blue_first = TensorInfo("x", (1, 3, 8, 8), role=Role.IMAGE, layout="NCHW", colour=ColourOrder.BGR)
    assert picture_to_tensor(RED, blue_first)[0, :, 5, 5].tolist() == [0, 0, 1]
    last = TensorInfo("x", (1, 8, 8, 3), role=Role.IMAGE, layout="NHWC", colour=ColourOrder.RGB)
    assert picture_to_tensor(RED, last)[0, 5, 5].tolist() == [1, 0, 0]
    normalised = TensorInfo(
        "x", (1, 3, 8, 8), role=Role.IMAGE, layout="NCHW", colour=ColourOrder.BGR, mean=(0.1, 0.2, 0.5), std=(1, 1, 0.5)
    )
    assert picture_to_tensor(RED, normalised)[0, :, 5, 5] == pytest.approx([-0.1, -0.2, 1.0])
    wide = TensorInfo("x", (1, 3, 8, 8), role=Role.IMAGE, layout="NCHW", value_range=(0.0, 255.0))
    assert picture_to_tensor(RED, wide).max() == 255


def test_the_middle_of_a_picture_is_kept_without_stretching() -> None:
    picture = np.zeros((100, 300, 3), np.uint8)
    picture[:, 100:200] = 255  # exactly the middle square
    square = TensorInfo("x", (1, 3, 50, 50), role=Role.IMAGE, layout="NCHW", value_range=(0.0, 1.0))
    assert picture_to_tensor(picture, square).min() == 1


def test_the_first_four_samples_are_one_of_each_kind() -> None:
    samples = verification_samples(Signature((IMAGE, EMBEDDING), ()), [], 3)
    assert {sample.kind for sample in samples[:4]} == set(SampleKind)
    assert sum(sample.kind is SampleKind.REAL for sample in samples) == 3
    for sample in samples:
        assert sample.feeds["target"].shape == (1, 3, 16, 24)
        assert sample.feeds["target"].dtype == np.float32
        assert 0 <= sample.feeds["target"].min() <= sample.feeds["target"].max() <= 1
        assert np.linalg.norm(sample.feeds["source"]) == pytest.approx(1, abs=1e-6)


def test_samples_are_the_same_every_time_and_differ_from_one_another() -> None:
    signature = Signature((IMAGE, EMBEDDING), ())
    first, second = verification_samples(signature, [], 4), verification_samples(signature, [], 4)
    for one, other in zip(first, second, strict=True):
        assert all(np.array_equal(one.feeds[name], other.feeds[name]) for name in one.feeds)
    faces = [sample.feeds["target"] for sample in first if sample.kind is SampleKind.REAL]
    assert all(np.abs(one - other).mean() > 0.01 for one, other in itertools.pairwise(faces))


def test_drawn_pictures_use_the_whole_range_of_light() -> None:
    pictures = np.stack([draw_picture(seed) for seed in range(8)])
    assert pictures.min() < 20
    assert pictures.max() > 235


def test_pictures_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    with pytest.raises(BadInputError, match="no readable picture"):
        read_pictures(tmp_path, 5)
    cv2.imwrite(str(tmp_path / "red.png"), RED[..., ::-1])
    cv2.imwrite(str(tmp_path / "grey.png"), RED[..., 0])
    pictures = dict(read_pictures(tmp_path, 5))
    assert np.array_equal(pictures["red.png"], RED)
    assert pictures["grey.png"].shape == (40, 60, 3)
    with pytest.raises(BadInputError, match="is no folder"):
        read_pictures(tmp_path / "missing", 5)


def test_whole_numbers_use_their_whole_range() -> None:
    image = TensorInfo("x", (1, 3, 16, 16), "uint8", role=Role.IMAGE, layout="NCHW")
    samples = verification_samples(Signature((image,), ()), [], 2)
    for sample in samples:
        assert sample.feeds["x"].dtype == np.uint8
    spread = [int(np.ptp(sample.feeds["x"])) for sample in samples if sample.kind is not SampleKind.CONSTANT]
    assert min(spread) > 150
    assert samples[-1].name == "white"
    assert samples[-1].feeds["x"].min() == 255


def test_pictures_are_taken_from_the_whole_folder(tmp_path: Path) -> None:
    for number in range(19):
        cv2.imwrite(str(tmp_path / f"{number:02}.png"), RED)
    (tmp_path / "folder.png").mkdir()
    names = [name for name, _ in read_pictures(tmp_path, 10)]
    assert len(names) == 10
    assert names[-1] == "17.png"
    assert len([name for name, _ in read_pictures(tmp_path, 50)]) == 19
