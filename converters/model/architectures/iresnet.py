"""The IResNet recognisers of ArcFace: 18, 34, 50, 100, 200 (insightface `arcface_torch` key layout)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from converters.model.architectures.base import Architecture, Sizes, count, width


@dataclass(frozen=True)
class IResNetConfig:
    """Blocks and channels of the four stages, length of the embedding, side of the last feature map."""

    blocks: tuple[int, ...] = (3, 4, 14, 3)
    channels: tuple[int, ...] = (64, 128, 256, 512)
    stem: int = 64
    embedding: int = 512
    side: int = 7


class IResNetBlock(nn.Module):
    """norm, conv, norm, PReLU, conv, norm, plus the (where needed shrunk) input."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.prelu = nn.PReLU(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, stride, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        y = self.bn3(self.conv2(self.prelu(self.bn2(self.conv1(self.bn1(x))))))
        return cast(Tensor, y + (x if self.downsample is None else self.downsample(x)))


class IResNet(nn.Module):
    """Face N x 3 x 112 x 112 (RGB, -1..1) -> embedding N x E, not normalised."""

    def __init__(self, config: IResNetConfig) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, config.stem, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(config.stem)
        self.prelu = nn.PReLU(config.stem)
        channels = config.stem
        for index, (blocks, wider) in enumerate(zip(config.blocks, config.channels, strict=True), start=1):
            first = IResNetBlock(channels, wider, 2)
            rest = [IResNetBlock(wider, wider, 1) for _ in range(blocks - 1)]
            self.add_module(f"layer{index}", nn.Sequential(first, *rest))
            channels = wider
        self.bn2 = nn.BatchNorm2d(channels)
        self.fc = nn.Linear(channels * config.side**2, config.embedding)
        self.features = nn.BatchNorm1d(config.embedding)
        self.stages = len(config.blocks)

    def forward(self, x: Tensor) -> Tensor:
        """Return the embedding."""
        x = self.prelu(self.bn1(self.conv1(x)))
        for index in range(1, self.stages + 1):
            x = self.get_submodule(f"layer{index}")(x)
        return cast(Tensor, self.features(self.fc(torch.flatten(self.bn2(x), 1))))


class IResNetArcFace(Architecture):
    """Recognises every depth, since depth and widths are in the keys."""

    id = "arcface_iresnet"
    title = "ArcFace IResNet recogniser"
    outputs = ("output",)

    def configure(self, sizes: Sizes) -> IResNetConfig | None:
        """Count the blocks; the side of the last feature map follows from the linear layer."""
        blocks = tuple(count(sizes, f"layer{index}." + "{}.conv1.weight") for index in range(1, 5))
        channels = tuple(width(sizes, f"layer{index}.0.conv2.weight") for index in range(1, 5))
        flat = width(sizes, "fc.weight", axis=1)
        if not all(blocks) or not all(channels) or not flat or "features.weight" not in sizes:
            return None
        side = round((flat / channels[-1]) ** 0.5)
        return IResNetConfig(blocks, channels, width(sizes, "conv1.weight"), width(sizes, "fc.weight"), side)

    def build(self, config: IResNetConfig) -> nn.Module:
        """Return an untrained recogniser."""
        return IResNet(config)

    def inputs(self, config: IResNetConfig) -> dict[str, tuple[int, ...]]:
        """Return the face crop: 112 x 112 for the usual last feature map of 7 x 7."""
        side = config.side * 2 ** len(config.blocks)
        return {"input": (1, 3, side, side)}

    def example(self) -> IResNetConfig:
        """Return IResNet-50."""
        return IResNetConfig()
