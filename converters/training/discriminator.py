"""Tells drawn pictures from photographs, patch by patch."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

_WIDTHS = (48, 96, 192, 192)


class PatchDiscriminator(nn.Module):
    """Pictures -> scores of overlapping patches (PatchGAN, arXiv:1611.07004); spectrally normalised."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for index, width in enumerate(_WIDTHS):
            stride = 2 if index < 3 else 1
            layers += [spectral_norm(nn.Conv2d(channels, width, 4, stride, 1)), nn.LeakyReLU(0.2)]
            channels = width
        self.body = nn.Sequential(*layers, spectral_norm(nn.Conv2d(channels, 1, 4, 1, 1)))

    def forward(self, pictures: Tensor) -> Tensor:
        """Return N x 1 x h x w scores of N x 3 x H x W pictures (RGB, 0..1), high for photographs."""
        return cast(Tensor, self.body(pictures * 2 - 1))


def real_loss(scores: Tensor) -> Tensor:
    """Return the hinge loss of scores that should be above 1 (arXiv:1705.02894)."""
    return torch.relu(1 - scores.float()).mean()
