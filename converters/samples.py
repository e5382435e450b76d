"""What a model is tried on: pictures as it expects them, noise, constants and extremes, for all inputs at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from converters.errors import BadInputError
from converters.measure.parity import Sample, SampleKind
from converters.model.signature import ColourOrder, Role, Signature, TensorInfo
from converters.picture_names import READABLE_SUFFIXES
from converters.pictures import pictures_in, read_picture
from converters.runtimes.base import Array, Arrays

_DRAWN_SIDE = 256
Picture = npt.NDArray[np.uint8]
"""Height x width x 3, RGB, 0..255."""


def read_pictures(folder: Path, most: int) -> list[tuple[str, Picture]]:
    """Read up to `most` pictures of a folder, spread evenly over its sorted names; what cannot be read is left out.

    Raises:
        BadInputError: no such folder, or none of its files is a readable picture; it says why the first is none.
    """
    if not folder.is_dir():
        raise BadInputError(f"{folder} is no folder.", "", "Give a folder of face crops.")
    files = pictures_in(folder)
    # Evenly spread ones first, then the others, in case some of the former are unreadable.
    spread = [files[place * len(files) // most] for place in range(most)] if len(files) > most else files
    pictures: list[tuple[str, Picture]] = []
    first_refusal = ""
    for file in dict.fromkeys([*spread, *files]):
        try:
            pictures.append((file.name, read_picture(file)))
        except BadInputError as error:
            first_refusal = first_refusal or f"{error.what} {error.why}".strip()
        if len(pictures) == most:
            break
    if not pictures:
        raise BadInputError(
            f"{folder} holds no readable picture.", first_refusal, f"Known kinds: {', '.join(READABLE_SUFFIXES)}."
        )
    return pictures


def draw_picture(seed: int) -> Picture:
    """Draw a picture with the coarse make-up of a portrait: shaded oval, hair, eyes, mouth, soft background, grain.

    Returns:
        256 x 256 x 3, RGB, 0..255. The same seed gives the same picture.
    """
    import cv2

    generator = np.random.default_rng(seed)
    side = _DRAWN_SIDE
    rows, columns = np.mgrid[0:side, 0:side].astype(np.float32) / side

    def oval(x: float, y: float, width: float, height: float, softness: float) -> npt.NDArray[np.float32]:
        distance = np.sqrt(((columns - x) / width) ** 2 + ((rows - y) / height) ** 2)
        return np.asarray(np.clip((1 - distance) / softness, 0, 1), dtype=np.float32)

    ends = generator.uniform(0.1, 0.9, (2, 3)).astype(np.float32)
    canvas = ends[0] + (ends[1] - ends[0]) * (rows * generator.uniform(-1, 1) + columns)[..., None]

    def paint(mask: npt.NDArray[np.float32], colour: npt.NDArray[np.floating]) -> None:
        nonlocal canvas
        canvas = canvas * (1 - mask[..., None]) + colour.astype(np.float32) * mask[..., None]

    skin = np.array([0.9, 0.68, 0.55]) * generator.uniform(0.3, 1.05)
    hair = np.array([0.5, 0.36, 0.25]) * generator.uniform(0.1, 1.4)
    x, y = 0.5 + generator.uniform(-0.06, 0.06), 0.54 + generator.uniform(-0.05, 0.05)
    width, height = generator.uniform(0.26, 0.34), generator.uniform(0.36, 0.44)
    paint(oval(x, y - 0.12, width * 1.2, height * 0.95, 0.1), hair)
    paint(oval(x, y, width, height, 0.08), skin)
    light = generator.uniform(-0.8, 0.8)
    canvas = canvas * (1 + light * (columns - 0.5))[..., None]
    for direction in (-1, 1):
        eye = x + direction * width * 0.42
        paint(oval(eye, y - 0.1, 0.055, 0.026, 0.3), np.array([0.92, 0.92, 0.9]))
        paint(oval(eye, y - 0.1, 0.022, 0.024, 0.3), generator.uniform(0.05, 0.4, 3))
        paint(oval(eye, y - 0.16, 0.07, 0.013, 0.6), hair)
    paint(oval(x, y + 0.05, 0.035, 0.05, 1.0) * 0.4, skin * 0.7)
    paint(oval(x, y + 0.2, generator.uniform(0.07, 0.12), generator.uniform(0.015, 0.035), 0.4), skin * [1.0, 0.6, 0.6])
    grain = generator.normal(0, 1, (side // 2, side // 2, 3)).astype(np.float32)
    canvas = canvas + 0.02 * cv2.resize(grain, (side, side), interpolation=cv2.INTER_CUBIC)
    canvas = canvas + generator.normal(0, 0.01, canvas.shape).astype(np.float32)
    return np.asarray(np.clip(canvas * 255, 0, 255), dtype=np.uint8)


def picture_to_tensor(picture: Picture, tensor: TensorInfo) -> Array:
    """Return a picture as an image input wants it: centre square cut, resized, normalised, colour order, layout.

    Args:
        picture: height x width x 3, RGB, 0..255.
        tensor: an image input with a static shape. Unknown colour counts as RGB, unknown normalisation as 0..1.

    Returns:
        An array of the tensor's shape and dtype; every batch element and group of three channels is the same picture.
    """
    import cv2

    shape = tensor.static_shape
    is_last = tensor.layout == "NHWC"
    height, width, channels = (shape[1], shape[2], shape[3]) if is_last else (shape[2], shape[3], shape[1])
    side_height = min(picture.shape[0], max(1, round(picture.shape[1] * height / width)))
    side_width = min(picture.shape[1], max(1, round(side_height * width / height)))
    top, left = (picture.shape[0] - side_height) // 2, (picture.shape[1] - side_width) // 2
    cut = picture[top : top + side_height, left : left + side_width]
    smaller = height * width < side_height * side_width
    resized = cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    values = resized.astype(np.float32) / 255
    if tensor.colour is ColourOrder.BGR:
        values = values[..., ::-1]
    if np.dtype(tensor.dtype).kind in "iu" and not tensor.mean:
        low, high = _image_range(tensor)
        values = np.round(values * (high - low) + low)
    elif tensor.mean and tensor.std:
        values = (values - np.array(tensor.mean, np.float32)) / np.array(tensor.std, np.float32)
    elif tensor.value_range:
        low, high = tensor.value_range
        values = values * (high - low) + low
    if channels == 1:
        values = values.mean(axis=2, keepdims=True)
    elif channels != values.shape[2]:
        values = np.resize(values.transpose(2, 0, 1), (channels, height, width)).transpose(1, 2, 0)
    array = values if is_last else values.transpose(2, 0, 1)
    return np.asarray(np.broadcast_to(array[None], shape), dtype=tensor.dtype, order="C")


def _other_input(tensor: TensorInfo, generator: np.random.Generator) -> Array:
    """Return a plausible value of an input that is no picture."""
    shape = tensor.static_shape
    if tensor.role is Role.EMBEDDING:
        vector = generator.standard_normal(shape)
        return np.asarray(vector / np.linalg.norm(vector, axis=-1, keepdims=True), dtype=tensor.dtype)
    if tensor.role in (Role.PARAMETER, Role.MASK):
        return np.full(shape, 0.5, dtype=tensor.dtype)
    if np.dtype(tensor.dtype).kind in "iub":
        return np.zeros(shape, dtype=tensor.dtype)
    low, high = tensor.value_range or (-1.0, 1.0)
    return np.asarray(generator.uniform(low, high, shape), dtype=tensor.dtype)


def _image_range(tensor: TensorInfo) -> tuple[float, float]:
    if tensor.mean and tensor.std:
        lows = [-mean / std for mean, std in zip(tensor.mean, tensor.std, strict=True)]
        highs = [(1 - mean) / std for mean, std in zip(tensor.mean, tensor.std, strict=True)]
        return min(lows), max(highs)
    if tensor.value_range is None and np.dtype(tensor.dtype).kind in "iu":
        return 0.0, 255.0  # whole numbers between 0 and 1 would all be black
    return tensor.value_range or (0.0, 1.0)


def _sample(
    name: str, kind: SampleKind, signature: Signature, seed: int, image: Callable[[TensorInfo], Array]
) -> Sample:
    generator = np.random.default_rng(seed)
    feeds: Arrays = {
        tensor.name: image(tensor) if tensor.role is Role.IMAGE else _other_input(tensor, generator)
        for tensor in signature.inputs
    }
    return Sample(name, kind, feeds)


def real_sample(name: str, picture: Picture, signature: Signature, seed: int) -> Sample:
    """Return one sample of a picture, for every image input; the seed decides the other inputs.

    Args:
        name: of the picture.
        picture: height x width x 3, RGB, 0..255.
        signature: with static shapes.
        seed: equal seeds give equal values.
    """
    return _sample(name, SampleKind.REAL, signature, seed, lambda tensor: picture_to_tensor(picture, tensor))


def verification_samples(signature: Signature, pictures: Sequence[tuple[str, Picture]], real: int) -> list[Sample]:
    """Return samples in the order in which a short time budget should spend itself.

    The first four are one of each kind: a picture, noise, a constant, an extreme; more of each follow.

    Args:
        signature: with static shapes.
        pictures: from `read_pictures`; empty for the drawn ones.
        real: how many samples of real pictures.
    """
    chosen = list(pictures[:real]) or [(f"drawn portrait {seed}", draw_picture(seed)) for seed in range(real)]
    pictured = [real_sample(name, picture, signature, seed) for seed, (name, picture) in enumerate(chosen)]

    def noise(tensor: TensorInfo) -> Array:
        low, high = _image_range(tensor)
        values = np.random.default_rng(1000).uniform(low, high, tensor.static_shape)
        values = np.round(values) if np.dtype(tensor.dtype).kind in "iu" else values
        return np.asarray(values, dtype=tensor.dtype)

    def constant(fraction: float) -> Callable[[TensorInfo], Array]:
        def fill(tensor: TensorInfo) -> Array:
            low, high = _image_range(tensor)
            return np.full(tensor.static_shape, low + fraction * (high - low), dtype=tensor.dtype)

        return fill

    def checkerboard(tensor: TensorInfo) -> Array:
        low, high = _image_range(tensor)
        rows, columns = (1, 2) if tensor.layout == "NHWC" else (2, 3)
        grid = np.indices(tensor.static_shape)
        odd = (grid[rows] // 8 + grid[columns] // 8) % 2
        return np.asarray(np.where(odd, high, low), dtype=tensor.dtype)

    others = [
        _sample("uniform noise", SampleKind.RANDOM, signature, 1000, noise),
        _sample("mid grey", SampleKind.CONSTANT, signature, 1001, constant(0.5)),
        _sample("black and white squares", SampleKind.EXTREME, signature, 1002, checkerboard),
        _sample("black", SampleKind.CONSTANT, signature, 1003, constant(0.0)),
        _sample("white", SampleKind.CONSTANT, signature, 1004, constant(1.0)),
    ]
    return [*pictured[:1], *others[:3], *pictured[1:], *others[3:]]
