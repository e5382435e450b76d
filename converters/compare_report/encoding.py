"""Pictures inside a page: exact where they fit, smaller where they do not; heat maps with see-through zeros."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from converters.compare_report.frames import Heat
from converters.face.faces import Picture

BUDGET = 3_300_000
"""Bytes of all pictures before base64, which adds a third."""
_LARGEST_HEAT = 256
LEAST_HIGHEST = 0.05
"""Of the LPIPS map: differences that are hard to see stay dark, however small the largest one is."""
_FORMATS: Sequence[tuple[str, dict[str, Any], int, str]] = (
    ("PNG", {"optimize": True}, 2048, "The pictures in this report are exact (PNG)."),
    ("WEBP", {"lossless": True, "method": 4}, 2048, "The pictures in this report are exact (lossless WebP)."),
    ("WEBP", {"quality": 92, "method": 4}, 1024, "To keep this report small its pictures were compressed (WebP 92)."),
    ("WEBP", {"quality": 85, "method": 4}, 512, "To keep this report small its pictures were compressed and shrunk."),
    ("WEBP", {"quality": 75, "method": 4}, 256, "To keep this report small its pictures were compressed and shrunk."),
)


@dataclass(frozen=True)
class Encoded:
    """Pictures as data URIs by key, and in words what was lost."""

    uris: Mapping[str, str]
    note: str


def encode(pictures: Mapping[str, Picture], budget: int = BUDGET) -> Encoded:
    """Return all pictures in the first format in which they fit into `budget` bytes; in the smallest if none does."""
    encoded: dict[str, tuple[str, bytes]] = {}
    note = ""
    for name, options, side, note in _FORMATS:  # noqa: B007 - the last ones stay
        encoded = {key: (name.lower(), _bytes(picture, name, options, side)) for key, picture in pictures.items()}
        if sum(len(data) for _, data in encoded.values()) <= budget:
            break
    return Encoded({key: _uri(kind, data) for key, (kind, data) in encoded.items()}, note if pictures else "")


def encode_small(picture: Picture, side: int) -> str:
    """Return a picture, shrunk to at most side x side, as a data URI."""
    return _uri("webp", _bytes(picture, "WEBP", {"quality": 85}, side))


def encode_heat(heat: Heat, highest: float) -> str:
    """Return a heat map as a data URI of a PNG: 0 is transparent, `highest` and above the lightest colour."""
    from PIL import Image

    levels = _levels(_shrunk(heat), highest)
    image = Image.fromarray(levels)  # mode L
    image.putpalette(palette().tobytes(), "RGB")
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True, transparency=_opacity().tobytes())
    return _uri("png", stream.getvalue())


def over(picture: Picture, heat: Heat, highest: float, opacity: float) -> Picture:
    """Return a picture with its heat map over it.

    Args:
        picture: RGB, 0..255.
        heat: of the same height and width.
        highest: the value of the lightest colour.
        opacity: 0..1, of the strongest places.
    """
    levels = _levels(heat, highest)
    alpha = (_opacity()[levels].astype(np.float32) * np.float32(opacity / 255))[..., None]
    return np.asarray(np.rint(picture * (1 - alpha) + palette()[levels] * alpha), np.uint8)


def palette() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return 256 x 3, RGB: dark violet over red to light yellow (inferno)."""
    import cv2

    table = cv2.applyColorMap(np.arange(256, dtype=np.uint8).reshape(256, 1), cv2.COLORMAP_INFERNO)
    return np.ascontiguousarray(table[:, 0, ::-1])


def highest_of(heats: Sequence[Heat]) -> float:
    """Return the value that gets the lightest colour: nearly the largest of all, and at least `LEAST_HIGHEST`."""
    return max([float(np.percentile(heat, 99.8)) for heat in heats] + [LEAST_HIGHEST])


def _levels(heat: Heat, highest: float) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.asarray(np.rint(np.clip(heat / highest, 0, 1) * 255), np.uint8)


def _opacity() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return the opacity of each level: places without a difference show the picture."""
    rising = np.clip(np.arange(256) / 96, 0, 1)
    return np.rint(255 * rising * rising * (3 - 2 * rising)).astype(np.uint8)


def _shrunk(heat: Heat) -> Heat:
    import cv2

    factor = _LARGEST_HEAT / max(heat.shape)
    if factor >= 1:
        return heat
    size = (max(1, round(heat.shape[1] * factor)), max(1, round(heat.shape[0] * factor)))
    return np.asarray(cv2.resize(heat, size, interpolation=cv2.INTER_AREA), np.float32)


def _bytes(picture: Picture, name: str, options: Mapping[str, Any], side: int) -> bytes:
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(picture))
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    image.save(stream, name, **options)
    return stream.getvalue()


def _uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
