"""Where a picture lies on a canvas, and the way back."""

from __future__ import annotations

import numpy as np
import pytest

from converters.errors import UnsupportedError
from converters.face.detect.canvas import QUARTER_TURNS, Canvas
from converters.model.signature import ColourOrder, Role, TensorInfo


def tensor(shape: tuple[int, ...], layout: str = "NCHW", colour: ColourOrder = ColourOrder.BGR) -> TensorInfo:
    half = (0.5,) * 3
    return TensorInfo("input", shape, "float32", Role.IMAGE, layout, colour, mean=half, std=half)


def spotted(height: int, width: int, row: int, column: int) -> np.ndarray:
    """A black picture with one soft red spot around (column, row)."""
    picture = np.zeros((height, width, 3), np.uint8)
    rows, columns = np.mgrid[0:height, 0:width]
    picture[..., 0] = 255 * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * 4.0**2))
    return picture


def test_small_pictures_are_not_enlarged_and_the_rest_is_black() -> None:
    canvas = Canvas(tensor((1, 3, 64, 96)))
    placement = canvas.place(np.full((20, 30, 3), 255, np.uint8))
    assert (placement.scale_x, placement.scale_y) == (1, 1)
    assert (canvas.array[0, :, :20, :30] == 1).all()
    assert (canvas.array[0, :, 20:] == -1).all()
    assert (canvas.array[0, :, :, 30:] == -1).all()


def test_a_smaller_picture_leaves_nothing_of_the_larger_one_before_it() -> None:
    canvas = Canvas(tensor((1, 3, 64, 64)))
    canvas.place(np.full((64, 64, 3), 200, np.uint8))
    array = canvas.array
    canvas.place(np.full((64, 10, 3), 255, np.uint8))
    assert (canvas.array[0, :, :, 10:] == -1).all()
    assert canvas.array is array


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_colour_order_and_layout_are_the_models(layout: str) -> None:
    shape = (1, 3, 8, 8) if layout == "NCHW" else (1, 8, 8, 3)
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[..., 0] = 255  # red
    for colour, channel in ((ColourOrder.RGB, 0), (ColourOrder.BGR, 2)):
        canvas = Canvas(tensor(shape, layout, colour))
        canvas.place(picture)
        planes = canvas.array[0] if layout == "NCHW" else canvas.array[0].transpose(2, 0, 1)
        assert [float(plane.mean()) for plane in planes] == [1.0 if each == channel else -1.0 for each in range(3)]


@pytest.mark.parametrize("angle", QUARTER_TURNS)
@pytest.mark.parametrize("size", [(90, 160), (160, 90), (400, 300), (61, 47)])
@pytest.mark.parametrize("stretches", [False, True])
def test_a_spot_on_the_canvas_leads_back_to_its_place(angle: int, size: tuple[int, int], stretches: bool) -> None:
    canvas = Canvas(tensor((1, 3, 96, 128)), stretches=stretches)
    row, column = size[0] // 3, size[1] // 4
    placement = canvas.place(spotted(*size, row, column), angle=angle, left=11, top=5)
    red = canvas.array[0, 2] + 1
    assert (canvas.array[0, :2] == -1).all()
    rows, columns = np.mgrid[0:96, 0:128]
    spot = np.array([(columns * red).sum(), (rows * red).sum()], np.float32) / red.sum()
    back = placement.to_picture(spot[None])[0]
    assert np.abs(back - [column + 11, row + 5]).max() < 0.2
    # the twin: forgetting the turn, or the half pixel where it shrinks, is seen
    wrong = placement.to_picture(spot[None, ::-1])[0] if angle else back + np.array([1, 0])
    assert np.abs(wrong - [column + 11, row + 5]).max() > 0.4


def test_angles_turn_the_picture_clockwise() -> None:
    canvas = Canvas(tensor((1, 3, 40, 40)))
    picture = np.zeros((40, 40, 3), np.uint8)
    picture[:10, :10] = 255  # top left
    canvas.place(picture, angle=90)
    assert canvas.array[0, 0, :10, 30:].mean() == 1  # top right


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (1, 5000), (5000, 1), (3, 7)])
def test_any_size_fits(size: tuple[int, int]) -> None:
    canvas = Canvas(tensor((1, 3, 32, 64)))
    for angle in QUARTER_TURNS:
        placement = canvas.place(np.full((*size, 3), 255, np.uint8), angle=angle)
        assert placement.width >= 1
        assert placement.height >= 1
        assert canvas.array.max() == 1
        corners = placement.to_picture(np.zeros((1, 2), np.float32))
        assert np.isfinite(corners).all()


@pytest.mark.parametrize("wrong", [TensorInfo("x", (1, 4, 8, 8)), TensorInfo("x", (1, 3, 8, 8), "uint8")])
def test_inputs_that_are_no_pictures_are_refused(wrong: TensorInfo) -> None:
    with pytest.raises(UnsupportedError, match="The input x"):
        Canvas(wrong)
