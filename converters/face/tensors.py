"""Between crops and the tensors of any image network: layout, colour order, normalisation, with buffers kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from converters.errors import UnsupportedError
from converters.face.faces import Mask
from converters.model.families import FamilyTensor
from converters.model.signature import ColourOrder, Role, Signature, TensorInfo
from converters.runtimes.base import Array, Session

_FLOATS = ("float32", "float16", "float64")


def with_family_facts(tensor: TensorInfo, known: FamilyTensor) -> TensorInfo:
    """Return a tensor with what the family knows of it: an artifact of another program says shapes and types only."""
    return replace(
        tensor,
        role=known.role,
        layout=known.layout if len(known.layout) == len(tensor.shape) else tensor.layout,
        colour=known.colour,
        value_range=known.value_range,
        mean=known.mean,
        std=known.std,
    )


def is_picture(tensor: TensorInfo) -> bool:
    """Whether a tensor is a picture: by its role, or, where a file says no roles, by its shape."""
    if tensor.role is not Role.TENSOR:
        return tensor.role is Role.IMAGE and len(tensor.shape) == 4
    shape = tensor.shape
    return len(shape) == 4 and (shape[1] == 3 or shape[3] == 3) and tensor.dtype in _FLOATS


def with_sessions_shapes(signature: Signature, session: Session) -> Signature:
    """Return a signature with the sizes a session has, where the signature leaves them open."""
    inputs = {spec.name: spec.shape for spec in session.inputs}
    outputs = {spec.name: spec.shape for spec in session.outputs}

    def fixed(tensors: Iterable[TensorInfo], shapes: dict[str, tuple[int, ...]]) -> tuple[TensorInfo, ...]:
        return tuple(
            tensor
            if tensor.is_static or -1 in shapes.get(tensor.name, (-1,))
            else replace(tensor, shape=shapes[tensor.name])
            for tensor in tensors
        )

    return Signature(fixed(signature.inputs, inputs), fixed(signature.outputs, outputs))


class _Normal:
    """value = pixel * scale + shift, for each channel in the tensor's own order."""

    def __init__(self, tensor: TensorInfo) -> None:
        scale = np.ones(3, np.float32)
        shift = np.zeros(3, np.float32)
        if tensor.mean and tensor.std:
            scale = (1 / np.array(tensor.std)).astype(np.float32)
            shift = (-np.array(tensor.mean) / np.array(tensor.std)).astype(np.float32)
        elif tensor.value_range is not None:
            low, high = tensor.value_range
            scale, shift = np.full(3, high - low, np.float32), np.full(3, low, np.float32)
        self.is_identity = bool((scale == 1).all() and (shift == 0).all())
        self.scale, self.shift = scale, shift


class _Edge:
    """What an image input and an image output have in common: height x width x 3 seen inside the tensor.

    Raises:
        UnsupportedError: it is no picture of three float channels and a fixed size, one at a time.
    """

    def __init__(self, tensor: TensorInfo, model: str) -> None:
        shape = tensor.shape if tensor.is_static else ()
        self.is_last = tensor.layout == "NHWC" or (not tensor.layout and len(shape) == 4 and shape[1] != 3)
        channels = (shape[3] if self.is_last else shape[1]) if len(shape) == 4 else 0
        if channels != 3 or shape[0] != 1 or tensor.dtype not in _FLOATS:
            raise UnsupportedError(
                f"{tensor.name} of {model} is {tensor.dtype} {tensor.shape}.",
                "The face pipeline needs one picture of three float channels and a fixed size.",
                "Fix its sizes with --shape." if not tensor.is_static else "",
            )
        self.tensor = tensor
        self.name = tensor.name
        self.shape = tensor.static_shape
        self.height, self.width = (self.shape[1], self.shape[2]) if self.is_last else (self.shape[2], self.shape[3])
        self.normal = _Normal(tensor)
        self.is_bgr = tensor.colour is ColourOrder.BGR

    @property
    def side(self) -> int:
        """Height and width, where they are equal; UnsupportedError where not."""
        if self.height != self.width:
            raise UnsupportedError(f"{self.name} is {self.width} x {self.height}, but face crops are square.")
        return self.height

    def _planes(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return 3 x height x width, RGB: a view into a tensor. Planes, because numpy is quick along long rows."""
        planes: npt.NDArray[Any] = array[0].transpose(2, 0, 1) if self.is_last else array[0]
        return planes[::-1] if self.is_bgr else planes

    def _by_plane(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return three numbers in the tensor's order as 3 x 1 x 1 in RGB order."""
        return (values[::-1] if self.is_bgr else values).reshape(3, 1, 1)


class ImageInput(_Edge):
    """An image input with a buffer that is filled anew for every crop."""

    def __init__(self, tensor: TensorInfo, model: str) -> None:
        super().__init__(tensor, model)
        self.buffer: npt.NDArray[Any] = np.zeros(self.shape, tensor.dtype)
        self._into = self._planes(self.buffer)
        self._scale, self._shift = self._by_plane(self.normal.scale), self._by_plane(self.normal.shift)

    def filled(self, crop: npt.NDArray[np.float32]) -> Array:
        """Return the tensor of a crop (height x width x 3, RGB, 0..1, any strides); the same array every time."""
        if crop.shape != (self.height, self.width, 3):
            raise ValueError(f"a crop of shape {crop.shape} for {self.name}, which is {self.height} x {self.width}")
        planes = crop.transpose(2, 0, 1)
        if self.normal.is_identity:
            self._into[...] = planes
        else:
            np.multiply(planes, self._scale, out=self._into, casting="same_kind")
            self._into += self._shift
        return self.buffer


class ImageOutput(_Edge):
    """An image output."""

    def __init__(self, tensor: TensorInfo, model: str) -> None:
        super().__init__(tensor, model)
        self._scale = self._by_plane((1 / self.normal.scale).astype(np.float32))
        self._shift = self._by_plane((-self.normal.shift / self.normal.scale).astype(np.float32))
        self._buffer = np.empty((3, self.height, self.width), np.float32)

    def crop(self, array: Array, out: npt.NDArray[np.float32] | None = None) -> npt.NDArray[np.float32]:
        """Return height x width x 3, RGB, clipped to 0..1, of what the network gave; NaN becomes 0.

        Args:
            array: of the output's shape.
            out: to write into, any strides; a new array otherwise.
        """
        import cv2

        if array.shape != self.shape:
            raise UnsupportedError(f"{self.name} came out as {array.shape} instead of {self.shape}.")
        planes = self._buffer
        if self.normal.is_identity:
            planes[...] = self._planes(array)
        else:
            np.multiply(self._planes(array), self._scale, out=planes, casting="same_kind")
            planes += self._shift
        within_unit(planes)
        if out is None:
            out = np.empty((self.height, self.width, 3), np.float32)
        if out.flags.c_contiguous:
            cv2.merge([planes[0], planes[1], planes[2]], out)
        else:
            out[...] = planes.transpose(1, 2, 0)
        return out


def within_unit(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Clip to 0..1 in place, NaN to 0: a broken model draws black, it never breaks the frame around it."""
    np.fmax(values, np.float32(0), out=values)
    return np.minimum(values, np.float32(1), out=values)


def mask_of(array: Array, side: int | None = None) -> Mask:
    """Return height x width, 0..1, of a mask tensor (1 x 1 x H x W or 1 x H x W x 1).

    Args:
        array: as the network gave it.
        side: resize to side x side; None keeps the network's size.
    """
    mask = np.array(array, np.float32).squeeze()  # a copy: outputs may be a runtime's own memory
    if mask.ndim != 2:
        raise UnsupportedError(f"A mask came out as {array.shape}; it should be one channel.")
    return resized(within_unit(mask), side) if side is not None else within_unit(mask)


def resized(picture: npt.NDArray[np.float32], side: int) -> npt.NDArray[np.float32]:
    """Return a square crop or mask at another side: averaged where it shrinks, bilinear where it grows."""
    import cv2

    if picture.shape[:2] == (side, side):
        return picture
    method = cv2.INTER_AREA if side < picture.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (side, side), interpolation=method), np.float32)
