"""Small networks of the kinds that face models are made of."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn


class AdaptiveBlock(nn.Module):
    """Reflect padding, convolution, normalisation by the picture's own statistics, styled by an embedding."""

    def __init__(self, width: int, embedding: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(width, width, 3)
        self.style = nn.Linear(embedding, 2 * width)

    def forward(self, x: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        x = self.convolution(F.pad(x, (1, 1, 1, 1), mode="reflect"))
        centred = x - torch.mean(x, dim=(2, 3), keepdim=True)
        variance = torch.mean(centred * centred, dim=(2, 3), keepdim=True)
        scale, shift = self.style(embedding).unsqueeze(2).unsqueeze(3).chunk(2, 1)
        return centred * torch.rsqrt(variance + 1e-5) * scale + shift


class SmallSwapper(nn.Module):
    """A crop (1, 3, 32, 32) 0..1 and an embedding (1, 16) to a picture 0..1, as inswapper does it."""

    shapes = ((1, 3, 32, 32), (1, 16))

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(
            nn.Conv2d(3, 16, 7, padding=3), nn.LeakyReLU(0.2), nn.Conv2d(16, 24, 3, 2, 1), nn.LeakyReLU(0.2)
        )
        self.blocks = nn.ModuleList(AdaptiveBlock(24, 16) for _index in range(2))
        self.up = nn.Conv2d(24, 16, 3, padding=1)
        self.last = nn.Conv2d(16, 3, 7)

    def forward(self, picture: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        x = self.down(picture)
        for block in self.blocks:
            x = x + F.relu(block(x, embedding))
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        x = F.leaky_relu(self.up(x), 0.2)
        x = self.last(F.pad(x, (3, 3, 3, 3), mode="reflect"))
        return (torch.tanh(x) + 1) / 2


class SmallRecogniser(nn.Module):
    """A crop (1, 3, 28, 28) to a unit embedding, with batch normalisation, PReLU, pooling and a linear layer."""

    shapes = ((1, 3, 28, 28),)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.PReLU(16))
        self.first = nn.Sequential(nn.BatchNorm2d(16), nn.Conv2d(16, 16, 3, 2, 1, groups=4), nn.BatchNorm2d(16))
        self.short = nn.Sequential(nn.MaxPool2d(3, 2, 1), nn.Conv2d(16, 16, 1))
        self.squeeze = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(16, 16, 1), nn.Sigmoid())
        self.last = nn.Linear(16 * 7 * 7, 32)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.running_mean, 0, 0.2)
                nn.init.uniform_(module.running_var, 0.5, 1.5)
            if isinstance(module, nn.PReLU):
                nn.init.uniform_(module.weight, 0.05, 0.4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        x = self.first(x) + self.short(x)
        x = F.avg_pool2d(x * self.squeeze(x), 3, 2, padding=1, count_include_pad=False)
        return F.normalize(self.last(x.flatten(1)), dim=1)


class SmallTransformer(nn.Module):
    """Tokens (1, 12, 24) through layer normalisation, attention and a GELU layer."""

    shapes = ((1, 12, 24),)

    def __init__(self) -> None:
        super().__init__()
        self.before, self.between = nn.LayerNorm(24), nn.LayerNorm(24)
        self.mix, self.out = nn.Linear(24, 72), nn.Linear(24, 24)
        self.wide, self.narrow = nn.Linear(24, 48), nn.Linear(48, 24)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        query, key, value = self.mix(self.before(x)).reshape(1, 12, 3, 4, 6).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(1, 12, 24)
        x = x + self.out(attended)
        return x + self.narrow(F.gelu(self.wide(self.between(x))))


class GridSampler(nn.Module):
    """A picture (1, 3, 20, 24) taken at places that a second input (1, 10, 12, 2) gives, in -1.2..1.2."""

    shapes = ((1, 3, 20, 24), (1, 10, 12, 2))

    def __init__(self, mode: str = "bilinear", padding: str = "zeros", aligned: bool = False) -> None:
        super().__init__()
        self.mode, self.padding, self.aligned = mode, padding, aligned

    def forward(self, picture: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
        return F.grid_sample(picture, grid, mode=self.mode, padding_mode=self.padding, align_corners=self.aligned)


class Upsampler(nn.Module):
    """Transposed convolution, pixel shuffle, nearest and aligned bilinear upsampling, instance normalisation."""

    shapes = ((1, 8, 9, 9),)

    def __init__(self) -> None:
        super().__init__()
        self.transposed = nn.ConvTranspose2d(8, 8, 3, 2, 1, output_padding=1)
        self.shuffled = nn.Sequential(nn.Conv2d(8, 16, 3, padding=1), nn.PixelShuffle(2))
        self.normalise = nn.InstanceNorm2d(8, affine=True)
        self.group = nn.GroupNorm(2, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.normalise(self.transposed(x))
        x = self.shuffled(self.group(x))
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        x = F.interpolate(x, size=(50, 46), mode="bilinear", align_corners=True)
        return torch.cat([x, x.argmax(1, keepdim=True).float(), x.amax(1, keepdim=True)], 1)
