"""A picture on a model's fixed input: shrunk to fit, turned where asked, top-left, the rest black; and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from converters.errors import UnsupportedError
from converters.face.faces import Picture, Points
from converters.face.scratch import Scratch
from converters.model.signature import ColourOrder, TensorInfo

QUARTER_TURNS: Final = (0, 90, 180, 270)


@dataclass(frozen=True)
class Placement:
    """Where a picture (or a part of one) lies on a canvas.

    Attributes:
        left, top: of the part, in the picture's pixels.
        scale_x, scale_y: picture pixels per canvas pixel.
        width, height: of the shrunk part before it was turned.
        turns: quarter turns clockwise.
    """

    left: int
    top: int
    scale_x: float
    scale_y: float
    width: int
    height: int
    turns: int

    def to_picture(self, points: Points) -> Points:
        """Return canvas points (… x 2) in pixels of the picture; the centre of the first pixel is (0, 0) in both."""
        u, v = points[..., 0], points[..., 1]
        if self.turns == 1:
            u, v = v, self.height - 1 - u
        elif self.turns == 2:
            u, v = self.width - 1 - u, self.height - 1 - v
        elif self.turns == 3:
            u, v = self.width - 1 - v, u
        x = (u + 0.5) * self.scale_x - 0.5 + self.left
        y = (v + 0.5) * self.scale_y - 0.5 + self.top
        return np.stack([x, y], axis=-1).astype(np.float32)


class Canvas:
    """The input array of a model, filled anew with every picture.

    Args:
        tensor: an image input with a static shape, NCHW or NHWC. Unknown colour counts as RGB, unknown normalisation
            as 0..1.
        stretches: fill the whole canvas, whatever that does to the picture's proportions.

    Attributes:
        array: what to feed; the same array every time.
        height, width: pixels.

    Raises:
        UnsupportedError: the input does not hold three channels of floating-point numbers.
    """

    def __init__(self, tensor: TensorInfo, *, stretches: bool = False) -> None:
        shape = tensor.static_shape
        self._channels_last = tensor.layout == "NHWC"
        if len(shape) != 4 or shape[0] != 1 or shape[3 if self._channels_last else 1] != 3:
            raise UnsupportedError(f"The input {tensor.name} has shape {shape}.", "", "A face model takes one picture.")
        if np.dtype(tensor.dtype).kind != "f":
            raise UnsupportedError(
                f"The input {tensor.name} holds {tensor.dtype}.", "", "Convert the model with floating-point inputs."
            )
        self.height, self.width = (shape[1], shape[2]) if self._channels_last else (shape[2], shape[3])
        self.array: npt.NDArray[np.float32] = np.empty(shape, np.float32)
        self._planes = self.array[0].transpose(2, 0, 1) if self._channels_last else self.array[0]
        mean = np.array(tensor.mean or (0.0,) * 3, np.float64)
        std = np.array(tensor.std or (1.0,) * 3, np.float64)
        self._gain = (1 / (255 * std)).astype(np.float32)
        self._shift = (-mean / std).astype(np.float32)
        self._order = (2, 1, 0) if tensor.colour is ColourOrder.BGR else (0, 1, 2)
        self._stretches = stretches
        self._scratch = Scratch()
        self._filled = (0, 0)
        self._fill()

    def place(self, picture: Picture, *, angle: int = 0, left: int = 0, top: int = 0) -> Placement:
        """Put a picture on the canvas, turned clockwise by `angle` degrees, and return where it lies.

        Args:
            picture: height x width x 3, RGB, 0..255; it may be a part of a larger one that begins at `left`, `top`.
            angle: 0, 90, 180 or 270.
        """
        import cv2

        turns = QUARTER_TURNS.index(angle)
        height, width = picture.shape[:2]
        room_x, room_y = (self.height, self.width) if turns % 2 else (self.width, self.height)
        if self._stretches:
            small_width, small_height = room_x, room_y
        else:
            scale = min(1.0, room_x / width, room_y / height)
            small_width, small_height = max(1, round(width * scale)), max(1, round(height * scale))
        small: npt.NDArray[Any] = picture
        if (small_width, small_height) != (width, height):
            shrinks = small_width * small_height < width * height
            small = cv2.resize(
                picture,
                (small_width, small_height),
                dst=self._scratch.picture("small", small_height, small_width),
                interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
            )
        if turns:
            codes = (cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_COUNTERCLOCKWISE)
            rows, columns = (small_width, small_height) if turns % 2 else (small_height, small_width)
            small = cv2.rotate(small, codes[turns - 1], dst=self._scratch.picture("turned", rows, columns))
        self._write(small)
        return Placement(left, top, width / small_width, height / small_height, small_width, small_height, turns)

    def _write(self, small: npt.NDArray[Any]) -> None:
        height, width = small.shape[:2]
        if self._filled[0] > height or self._filled[1] > width:
            self._fill()  # something larger lay there
        self._filled = (height, width)
        for channel, source in enumerate(self._order):
            plane = self._planes[channel, :height, :width]
            np.multiply(small[:, :, source], self._gain[channel], out=plane)
            plane += self._shift[channel]

    def _fill(self) -> None:
        """Make the whole canvas black: black pixels, normalised like the others."""
        for channel in range(3):
            self._planes[channel] = self._shift[channel]
