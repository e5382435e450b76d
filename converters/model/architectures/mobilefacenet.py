"""MobileFaceNet (Chen et al. 2018) in the key layout of the widely used InsightFace_Pytorch implementation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from converters.model.architectures.base import Architecture, Sizes, count, width

_STAGES = ("conv_3", "conv_4", "conv_5")
_STEPS = ("conv_23", "conv_34", "conv_45")


@dataclass(frozen=True)
class MobileFaceNetConfig:
    """Channels of the stem, per stage its channels, its shrinking block's inner channels, its blocks and theirs."""

    stem: int = 64
    channels: tuple[int, ...] = (64, 128, 128)
    shrink: tuple[int, ...] = (128, 256, 512)
    blocks: tuple[int, ...] = (4, 6, 2)
    inner: tuple[int, ...] = (128, 256, 256)
    last: int = 512
    kernel: int = 7
    embedding: int = 512


class ConvBlock(nn.Module):
    """Convolution, norm and, unless `linear`, PReLU."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        linear: bool = False,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.prelu: nn.Module | None = None if linear else nn.PReLU(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        x = self.bn(self.conv(x))
        return x if self.prelu is None else cast(Tensor, self.prelu(x))


class DepthWise(nn.Module):
    """Widen, convolve each channel, narrow; with or without the input added."""

    def __init__(self, inputs: int, outputs: int, inner: int, stride: int, residual: bool) -> None:
        super().__init__()
        self.conv = ConvBlock(inputs, inner)
        self.conv_dw = ConvBlock(inner, inner, 3, stride, 1, groups=inner)
        self.project = ConvBlock(inner, outputs, linear=True)
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        y = self.project(self.conv_dw(self.conv(x)))
        return cast(Tensor, x + y if self.residual else y)


class Residual(nn.Module):
    """A row of residual blocks under the key `model`."""

    def __init__(self, channels: int, blocks: int, inner: int) -> None:
        super().__init__()
        self.model = nn.Sequential(*(DepthWise(channels, channels, inner, 1, True) for _ in range(blocks)))

    def forward(self, x: Tensor) -> Tensor:
        """Return the last block's output."""
        return cast(Tensor, self.model(x))


class MobileFaceNetwork(nn.Module):
    """Face N x 3 x 112 x 112 (RGB, -1..1) -> embedding N x E of length 1."""

    def __init__(self, config: MobileFaceNetConfig) -> None:
        super().__init__()
        self.conv1 = ConvBlock(3, config.stem, 3, 2, 1)
        self.conv2_dw = ConvBlock(config.stem, config.stem, 3, 1, 1, groups=config.stem)
        channels = config.stem
        for index in range(3):
            wider = config.channels[index]
            self.add_module(_STEPS[index], DepthWise(channels, wider, config.shrink[index], 2, False))
            self.add_module(_STAGES[index], Residual(wider, config.blocks[index], config.inner[index]))
            channels = wider
        self.conv_6_sep = ConvBlock(channels, config.last)
        self.conv_6_dw = ConvBlock(config.last, config.last, config.kernel, groups=config.last, linear=True)
        self.linear = nn.Linear(config.last, config.embedding, bias=False)
        self.bn = nn.BatchNorm1d(config.embedding)

    def forward(self, x: Tensor) -> Tensor:
        """Return the embedding, divided by its length."""
        x = self.conv2_dw(self.conv1(x))
        for step, stage in zip(_STEPS, _STAGES, strict=True):
            x = self.get_submodule(stage)(self.get_submodule(step)(x))
        x = torch.flatten(self.conv_6_dw(self.conv_6_sep(x)), 1)
        x = self.bn(self.linear(x))
        return cast(Tensor, x / torch.norm(x, 2, 1, True))


class MobileFaceNet(Architecture):
    """Recognises the layout above."""

    id = "mobilefacenet"
    title = "MobileFaceNet recogniser"
    outputs = ("output",)

    def configure(self, sizes: Sizes) -> MobileFaceNetConfig | None:
        """Read widths and depths from the keys."""
        blocks = tuple(count(sizes, stage + ".model.{}.conv.conv.weight") for stage in _STAGES)
        if not all(blocks) or "conv_6_dw.conv.weight" not in sizes or "linear.weight" not in sizes:
            return None
        return MobileFaceNetConfig(
            stem=width(sizes, "conv1.conv.weight"),
            channels=tuple(width(sizes, f"{step}.project.conv.weight") for step in _STEPS),
            shrink=tuple(width(sizes, f"{step}.conv.conv.weight") for step in _STEPS),
            blocks=blocks,
            inner=tuple(width(sizes, f"{stage}.model.0.conv.conv.weight") for stage in _STAGES),
            last=width(sizes, "conv_6_sep.conv.weight"),
            kernel=width(sizes, "conv_6_dw.conv.weight", axis=2),
            embedding=width(sizes, "linear.weight"),
        )

    def build(self, config: MobileFaceNetConfig) -> nn.Module:
        """Return an untrained recogniser."""
        return MobileFaceNetwork(config)

    def inputs(self, config: MobileFaceNetConfig) -> dict[str, tuple[int, ...]]:
        """Return the face crop: sixteen times the last kernel, 112 x 112 as published."""
        side = config.kernel * 16
        return {"input": (1, 3, side, side)}

    def example(self) -> MobileFaceNetConfig:
        """Return the published network."""
        return MobileFaceNetConfig()
