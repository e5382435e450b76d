"""Small pieces that several published networks share."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn


def conv_norm(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """Return a convolution without bias, padded to keep the size, and its batch normalisation."""
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]


class AdaptiveNorm(nn.Module):
    """Instance normalisation by mean and mean square, spelled out as the swappers' exports spell it."""

    def __init__(self, epsilon: float = 1e-8) -> None:
        super().__init__()
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        """Normalise every channel of NCHW `x` over its height and width."""
        centred = x - x.mean((2, 3), keepdim=True)
        variance = (centred * centred).mean((2, 3), keepdim=True)
        return centred * torch.rsqrt(variance + self.epsilon)


class StyleLinear(nn.Module):
    """Scale and shift of every channel, computed from an embedding. The key is `linear`."""

    def __init__(self, embedding: int, channels: int, offset: float) -> None:
        super().__init__()
        self.linear = nn.Linear(embedding, 2 * channels)
        self.channels = channels
        self.offset = offset

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """Return x * (scale + offset) + shift for NCHW `x` and an N x E `embedding`."""
        style = self.linear(embedding).unsqueeze(2).unsqueeze(3)
        scale = style[:, : self.channels]
        shift = style[:, self.channels : 2 * self.channels]
        if self.offset:
            scale = scale + self.offset
        return cast(Tensor, x * scale + shift)


class StyleBlock(nn.Module):
    """A residual block of two reflect-padded 3x3 convolutions, each normalised and styled.

    Args:
        channels: in and out.
        embedding: length of the embedding.
        offset: added to the scale: 0 in inswapper, 1 in SimSwap.
    """

    def __init__(self, channels: int, embedding: int, offset: float) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), AdaptiveNorm())
        self.style1 = StyleLinear(embedding, channels, offset)
        self.conv2 = nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), AdaptiveNorm())
        self.style2 = StyleLinear(embedding, channels, offset)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """Return `x` plus its styled change."""
        y = torch.relu(self.style1(self.conv1(x), embedding))
        return cast(Tensor, x + self.style2(self.conv2(y), embedding))
