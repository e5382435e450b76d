"""PFLD landmarks (Guo et al. 2019): the widely used PyTorch layout and its 68-point sibling with a depth-wise stem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from converters.model.architectures.base import Architecture, Sizes, width
from converters.model.architectures.layers import conv_norm

# (key, stride) of the inverted residuals, in order; a block that keeps its shape adds its input.
_BLOCKS = (
    ("conv3_1", 2),
    *((f"block3_{index}", 1) for index in range(2, 6)),
    ("conv4_1", 2),
    ("conv5_1", 1),
    *((f"block5_{index}", 1) for index in range(2, 7)),
    ("conv6_1", 1),
)


@dataclass(frozen=True)
class PfldConfig:
    """Which stem, per block (inputs, inner, outputs) channels, of the last two convolutions, and numbers out.

    `depthwise_stem`: the second convolution is split into `dw_pool` and `conv1_extra`. `unused_norm`: the file
    carries `bn8`, which the published network never applies.
    """

    stem: int = 64
    blocks: tuple[tuple[int, int, int], ...] = (
        *((64, 128, 64),) * 5,
        (64, 128, 128),
        *((128, 512, 128),) * 6,
        (128, 128, 16),
    )
    conv7: int = 32
    conv8: int = 128
    numbers: int = 196
    depthwise_stem: bool = False
    unused_norm: bool = True


class InvertedResidual(nn.Module):
    """Widen, convolve each channel, narrow; all under the key `conv`."""

    def __init__(self, channels: tuple[int, int, int], stride: int, residual: bool) -> None:
        super().__init__()
        inputs, inner, outputs = channels
        self.conv = nn.Sequential(
            *conv_norm(inputs, inner, 1),
            nn.ReLU(),
            *conv_norm(inner, inner, 3, stride, inner),
            nn.ReLU(),
            *conv_norm(inner, outputs, 1),
        )
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        return cast(Tensor, x + self.conv(x) if self.residual else self.conv(x))


class PfldNetwork(nn.Module):
    """Face N x 3 x 112 x 112 (0..1) -> landmarks N x (2 P), x and y in turn, fractions of the crop."""

    def __init__(self, config: PfldConfig) -> None:
        super().__init__()
        stem = config.stem
        self.conv1 = nn.Conv2d(3, stem, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        self.depthwise_stem = config.depthwise_stem
        if config.depthwise_stem:
            self.dw_pool = nn.Conv2d(stem, stem, 3, 1, 1, groups=stem, bias=False)
            self.dw_bn = nn.BatchNorm2d(stem)
            self.conv1_extra = nn.Conv2d(stem, stem, 1, bias=False)
        else:
            self.conv2 = nn.Conv2d(stem, stem, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(stem)
        for (key, stride), channels in zip(_BLOCKS, config.blocks, strict=True):
            residual = key.startswith("block")
            self.add_module(key, InvertedResidual(channels, stride, residual))
        last = config.blocks[-1][2]
        self.conv7 = nn.Sequential(*conv_norm(last, config.conv7, 3, 2), nn.ReLU())
        self.conv8 = nn.Conv2d(config.conv7, config.conv8, 7)
        if config.unused_norm:
            self.bn8 = nn.BatchNorm2d(config.conv8)
        self.fc = nn.Linear(last + config.conv7 + config.conv8, config.numbers)

    def forward(self, x: Tensor) -> Tensor:
        """Return the landmarks."""
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.conv1_extra(self.dw_bn(self.dw_pool(x))) if self.depthwise_stem else self.bn2(self.conv2(x))
        x = torch.relu(x)
        for key, _stride in _BLOCKS:
            x = self.get_submodule(key)(x)
        small = self.conv7(x)
        scales = (functional.avg_pool2d(x, 14), functional.avg_pool2d(small, 7), torch.relu(self.conv8(small)))
        return cast(Tensor, self.fc(torch.cat([torch.flatten(scale, 1) for scale in scales], 1)))


class Pfld(Architecture):
    """Recognises both stems, any number of points."""

    id = "pfld"
    title = "PFLD landmarker"
    outputs = ("output",)

    def configure(self, sizes: Sizes) -> PfldConfig | None:
        """Read the widths."""
        if "conv3_1.conv.0.weight" not in sizes or "conv8.weight" not in sizes:
            return None
        blocks = tuple(
            (
                width(sizes, f"{key}.conv.0.weight", axis=1),
                width(sizes, f"{key}.conv.0.weight"),
                width(sizes, f"{key}.conv.6.weight"),
            )
            for key, _stride in _BLOCKS
        )
        if not all(min(channels) for channels in blocks):
            return None
        return PfldConfig(
            stem=width(sizes, "conv1.weight"),
            blocks=blocks,
            conv7=width(sizes, "conv7.0.weight"),
            conv8=width(sizes, "conv8.weight"),
            numbers=width(sizes, "fc.weight"),
            depthwise_stem="dw_pool.weight" in sizes,
            unused_norm="bn8.weight" in sizes,
        )

    def build(self, config: PfldConfig) -> nn.Module:
        """Return an untrained landmarker."""
        return PfldNetwork(config)

    def inputs(self, config: PfldConfig) -> dict[str, tuple[int, ...]]:  # noqa: ARG002
        """Return the face crop."""
        return {"input": (1, 3, 112, 112)}

    def example(self) -> PfldConfig:
        """Return the 98-point network."""
        return PfldConfig()
