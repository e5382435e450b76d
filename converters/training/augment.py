"""Random changes of face crops, a whole batch at a time: where the face is, its light and colour, its sharpness.

All functions take and give N x 3 x H x W, RGB, float32, 0..1, and draw from the generator they are given.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional

_LUMA = (0.299, 0.587, 0.114)


def uniform(low: float, high: float, shape: tuple[int, ...], generator: Generator) -> Tensor:
    """Return uniform random numbers."""
    return low + (high - low) * torch.rand(shape, generator=generator)


def crop(
    pixels: Tensor,
    generator: Generator,
    *,
    side: int = 128,
    shift: float = 4.0,
    scale: float = 0.05,
    turn: float = 6.0,
    bend: float = 0.0,
) -> Tensor:
    """Cut crops out of larger ones at random places, sizes and angles, half of them mirrored.

    Args:
        pixels: N x 3 x S x S, uint8, S larger than `side`; its middle is the exact framing.
        side: of the result.
        shift: most pixels of the result in x and y.
        scale: most relative change of size.
        turn: most degrees.
        bend: most pixels by which a smooth random field moves what it shows.
    """
    count, source = pixels.shape[0], pixels.shape[-1]
    angle = uniform(-turn, turn, (count,), generator) * (math.pi / 180)
    size = (side / source) * torch.exp(uniform(-scale, scale, (count,), generator))
    mirror = torch.where(torch.rand((count,), generator=generator) < 0.5, -1.0, 1.0)
    move = uniform(-shift, shift, (count, 2), generator) * (2 / source)
    matrix = torch.stack(
        [
            torch.stack([size * torch.cos(angle) * mirror, -size * torch.sin(angle), move[:, 0]], 1),
            torch.stack([size * torch.sin(angle) * mirror, size * torch.cos(angle), move[:, 1]], 1),
        ],
        1,
    )
    grid = functional.affine_grid(matrix, [count, 3, side, side], align_corners=False)
    if bend:
        field = uniform(-bend, bend, (count, 2, 5, 5), generator) * (2 / source)
        field = functional.interpolate(field, size=(side, side), mode="bicubic", align_corners=True)
        grid = grid + field.permute(0, 2, 3, 1)
    return functional.grid_sample(
        pixels.float() / 255, grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )


def recolour(pictures: Tensor, generator: Generator, strength: float = 1.0) -> Tensor:
    """Change exposure, white balance, contrast, saturation and the light's direction."""
    count = pictures.shape[0]
    one = (count, 1, 1, 1)
    luma = torch.tensor(_LUMA).view(1, 3, 1, 1)
    gain = torch.exp(uniform(-0.25, 0.25, one, generator) * strength)
    balance = torch.exp(uniform(-0.12, 0.12, (count, 3, 1, 1), generator) * strength)
    gamma = torch.exp(uniform(-0.3, 0.3, one, generator) * strength)
    saturation = 1 + uniform(-0.5, 0.3, one, generator) * strength
    grey = (pictures * luma).sum(1, keepdim=True)
    pictures = grey + (pictures - grey) * saturation
    pictures = pictures.clamp(1e-4, 1) ** gamma * gain * balance
    ramp = torch.linspace(-1, 1, pictures.shape[-1])
    slope = uniform(-0.25, 0.25, (count, 2, 1, 1), generator) * strength
    light = 1 + slope[:, :1] * ramp.view(1, 1, 1, -1) + slope[:, 1:] * ramp.view(1, 1, -1, 1)
    mean = pictures.mean((1, 2, 3), keepdim=True)
    contrast = 1 + uniform(-0.2, 0.2, one, generator) * strength
    return (((pictures - mean) * contrast + mean) * light).clamp(0, 1)


def degrade(pictures: Tensor, generator: Generator) -> Tensor:
    """Soften a third of the pictures by a detour over fewer pixels, and add noise to all."""
    side = pictures.shape[-1]
    small = int(uniform(0.35, 0.8, (1,), generator).item() * side)
    soft = functional.interpolate(
        functional.interpolate(pictures, size=(small, small), mode="area"),
        size=(side, side),
        mode="bilinear",
        align_corners=False,
    )
    chosen = (torch.rand((pictures.shape[0], 1, 1, 1), generator=generator) < 0.35).float()
    pictures = pictures + chosen * (soft - pictures)
    noise = torch.randn(pictures.shape, generator=generator)
    level = uniform(0.0, 0.03, (pictures.shape[0], 1, 1, 1), generator)
    return (pictures + noise * level).clamp(0, 1)


def cover(pictures: Tensor, generator: Generator, chance: float = 0.35) -> Tensor:
    """Hide a rectangle of some pictures behind a plain colour."""
    count, _, height, width = pictures.shape
    rows = torch.arange(height).view(1, 1, -1, 1)
    columns = torch.arange(width).view(1, 1, 1, -1)
    one = (count, 1, 1, 1)
    top = uniform(0, height * 0.8, one, generator)
    left = uniform(0, width * 0.8, one, generator)
    tall = uniform(0.08, 0.3, one, generator) * height
    wide = uniform(0.08, 0.3, one, generator) * width
    inside = (rows >= top) & (rows < top + tall) & (columns >= left) & (columns < left + wide)
    inside = inside & (torch.rand(one, generator=generator) < chance)
    return torch.where(inside, torch.rand((count, 3, 1, 1), generator=generator), pictures)


def face_oval(side: int = 128, grow: float = 1.0, softness: float = 0.15) -> Tensor:
    """Return where the face is in an `arcface_128` crop: side x side, 1 inside, falling softly to 0.

    An ellipse from above the brows to below the chin of the template, found by eye on aligned crops.
    """
    rows = (torch.arange(side) + 0.5).view(-1, 1) / side
    columns = (torch.arange(side) + 0.5).view(1, -1) / side
    distance = torch.sqrt(((columns - 0.5) / (0.33 * grow)) ** 2 + ((rows - 0.56) / (0.43 * grow)) ** 2)
    return ((1 - distance) / softness + 0.5).clamp(0, 1)
