"""The SimSwap generator, shallow (224, 256) and deep (512) (Chen et al. 2020, neuralchen/SimSwap key layout)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from torch import Tensor, nn

from converters.model.architectures.base import Architecture, Sizes, count, width
from converters.model.architectures.layers import StyleBlock


@dataclass(frozen=True)
class SimSwapConfig:
    """Channels of first layer and of every halving, number of style blocks, length of the embedding.

    Three halvings make the 224 and 256 models, four the 512 one. Whether the last convolution is followed by tanh
    cannot be seen in the keys; the published inference network has it.
    """

    first: int = 64
    down: tuple[int, ...] = (128, 256, 512)
    up: tuple[int, ...] = (256, 128, 64)
    blocks: int = 9
    embedding: int = 512


class SimSwapGenerator(nn.Module):
    """target N x 3 x S x S and source N x E -> picture, 0..1."""

    def __init__(self, config: SimSwapConfig) -> None:
        super().__init__()
        self.first_layer = nn.Sequential(
            nn.ReflectionPad2d(3), nn.Conv2d(3, config.first, 7), nn.BatchNorm2d(config.first), nn.ReLU()
        )
        self.depth = len(config.down)
        channels = config.first
        for index, wider in enumerate(config.down, start=1):
            layers = [nn.Conv2d(channels, wider, 3, 2, 1), nn.BatchNorm2d(wider), nn.ReLU()]
            self.add_module(f"down{index}", nn.Sequential(*layers))
            channels = wider
        self.BottleNeck = nn.ModuleList([StyleBlock(channels, config.embedding, 1.0) for _ in range(config.blocks)])
        for index, narrower in zip(range(self.depth, 0, -1), config.up, strict=True):
            layers = [
                nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=False),
                nn.Conv2d(channels, narrower, 3, 1, 1),
                nn.BatchNorm2d(narrower),
                nn.ReLU(),
            ]
            self.add_module(f"up{index}", nn.Sequential(*layers))
            channels = narrower
        self.last_layer = nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(channels, 3, 7), nn.Tanh())

    def forward(self, target: Tensor, source: Tensor) -> Tensor:
        """Return the swapped picture."""
        x = self.first_layer(target)
        for index in range(1, self.depth + 1):
            x = self.get_submodule(f"down{index}")(x)
        for block in self.BottleNeck:
            x = block(x, source)
        for index in range(self.depth, 0, -1):
            x = self.get_submodule(f"up{index}")(x)
        return cast(Tensor, (self.last_layer(x) + 1.0) / 2.0)


class SimSwap(Architecture):
    """Recognises the official layout."""

    id = "simswap"
    title = "SimSwap generator"
    outputs = ("output",)

    def configure(self, sizes: Sizes) -> SimSwapConfig | None:
        """Read all widths from the convolutions."""
        blocks = count(sizes, "BottleNeck.{}.conv1.1.weight")
        depth = next((n for n in range(8) if f"down{n + 1}.0.weight" not in sizes), 0)
        if not blocks or not depth or "first_layer.1.weight" not in sizes:
            return None
        return SimSwapConfig(
            first=width(sizes, "first_layer.1.weight"),
            down=tuple(width(sizes, f"down{index}.0.weight") for index in range(1, depth + 1)),
            up=tuple(width(sizes, f"up{index}.1.weight") for index in range(depth, 0, -1)),
            blocks=blocks,
            embedding=width(sizes, "BottleNeck.0.style1.linear.weight", axis=1),
        )

    def build(self, config: SimSwapConfig) -> nn.Module:
        """Return an untrained generator."""
        return SimSwapGenerator(config)

    def inputs(self, config: SimSwapConfig) -> dict[str, tuple[int, ...]]:
        """Return target and source; the deep network is the 512 one, the shallow one works at 256 (and 224)."""
        side = 512 if len(config.down) > 3 else 256
        return {"target": (1, 3, side, side), "source": (1, config.embedding)}

    def example(self) -> SimSwapConfig:
        """Return the 256 network."""
        return SimSwapConfig()
