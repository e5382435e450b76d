"""Bring a picture with a colour profile into sRGB, the colours that everything else here means."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

_LARGEST = 4_000_000  # bytes; profiles of printing presses have up to 3 million
# Kinds of profile that describe a device or a space of colours; others link two profiles or hold names.
_CLASSES = ("mntr", "scnr", "prtr", "spac")
# What a profile must speak of for the pixels of each mode of Pillow.
_SPACES = {"RGB": "RGB", "RGBA": "RGB", "P": "RGB", "PA": "RGB", "L": "GRAY", "LA": "GRAY", "CMYK": "CMYK"}
_BASES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_STEPS = 9  # a side of the cube of colours by which a profile is compared with sRGB


def in_srgb(image: Image.Image, profile: object) -> Image.Image:
    """Return a picture in sRGB, by the profile that came with it.

    Args:
        image: 8 bits a channel; with alpha it keeps it.
        profile: an ICC profile, or what was found in its place.

    Returns:
        Mode RGB or RGBA; the picture as it was where the profile is no usable one for it, is larger than four
        million bytes, or means sRGB. A damaged profile is no reason to refuse the picture.
    """
    space = _SPACES.get(image.mode)
    if not isinstance(profile, bytes) or not 128 < len(profile) <= _LARGEST or space is None:
        return image
    try:
        return _converted(image, profile, space)
    except Exception:  # LittleCMS raises what it likes about hostile profiles, and builds of Pillow may lack it
        return image


def _converted(image: Image.Image, profile: bytes, space: str) -> Image.Image:
    from PIL import ImageCms

    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if source.profile.xcolor_space.strip() != space or source.profile.device_class not in _CLASSES:
        return image
    base = _BASES[space]
    transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), base, "RGB")
    if base != "CMYK":
        sample = _cube().convert(base)
        changed = np.asarray(ImageCms.applyTransform(sample, transform), np.int16)
        if np.abs(changed - np.asarray(sample.convert("RGB"))).max() <= 1:
            return image
    has_alpha = image.mode in ("RGBA", "LA", "PA") or (image.mode == "P" and "transparency" in image.info)
    if image.mode == "P":
        image = image.convert("RGBA" if has_alpha else "RGB")
    plain = ImageCms.applyTransform(image.convert(base), transform)
    if plain is None:
        return image
    if has_alpha:
        plain.putalpha(image.getchannel("A"))
    elif "transparency" in image.info:  # a colour that counts as transparent is named in the picture's own colours
        plain.putalpha(image.convert("RGBA").getchannel("A"))
    plain.info.pop("transparency", None)
    return plain


def _cube() -> Image.Image:
    """Return a picture of colours from everywhere in the cube."""
    from PIL import Image

    values = np.linspace(0, 255, _STEPS).astype(np.uint8)
    cube = np.stack(np.meshgrid(values, values, values), axis=-1)
    return Image.fromarray(cube.reshape(_STEPS, -1, 3))
