"""The inswapper_128 generator of any width (InsightFace; structure as published in its ONNX file).

The ONNX file names its style blocks (`styles.0.conv1.1.weight`, `styles.0.style1.linear.weight`) but not its
encoder and decoder, whose batch normalisations were folded. Our layout calls those `encoder.0.weight` … and
`decoder.0.weight` …; an optional `emap` (512 x 512) travels along unused, last, as in the published file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from converters.model.architectures.base import Architecture, Sizes, count, width
from converters.model.architectures.layers import StyleBlock

EMAP = "emap"


@dataclass(frozen=True)
class SwapperConfig:
    """Channels after each encoder convolution, number of style blocks, length of the embedding."""

    encoder: tuple[int, int, int, int] = (128, 256, 512, 1024)
    decoder: tuple[int, int, int] = (512, 256, 128)
    blocks: int = 6
    embedding: int = 512

    @classmethod
    def of_width(cls, bottleneck: int) -> SwapperConfig:
        """Return the published proportions with `bottleneck` channels (a multiple of 8) in the style blocks."""
        eighth = bottleneck // 8
        return cls((eighth, 2 * eighth, 4 * eighth, 8 * eighth), (4 * eighth, 2 * eighth, eighth))


class Swapper(nn.Module):
    """target N x 3 x S x S (RGB, 0..1) and source N x E -> the target's picture with another identity, 0..1."""

    def __init__(self, config: SwapperConfig) -> None:
        super().__init__()
        c0, c1, c2, c3 = config.encoder
        d0, d1, d2 = config.decoder
        self.encoder = nn.ModuleList(
            [
                nn.Conv2d(3, c0, 7),
                nn.Conv2d(c0, c1, 3, 1, 1),
                nn.Conv2d(c1, c2, 3, 2, 1),
                nn.Conv2d(c2, c3, 3, 2, 1),
            ]
        )
        self.styles = nn.ModuleList([StyleBlock(c3, config.embedding, 0.0) for _ in range(config.blocks)])
        self.decoder = nn.ModuleList(
            [
                nn.Conv2d(c3, d0, 3, 1, 1),
                nn.Conv2d(d0, d1, 3, 1, 1),
                nn.Conv2d(d1, d2, 3, 1, 1),
                nn.Conv2d(d2, 3, 7),
            ]
        )

    def forward(self, target: Tensor, source: Tensor) -> Tensor:
        """Return the swapped picture."""
        x = functional.pad(target, (3, 3, 3, 3), mode="reflect")
        for layer in self.encoder:
            x = functional.leaky_relu(layer(x), 0.2)
        for block in self.styles:
            x = block(x, source)
        for layer in (self.decoder[0], self.decoder[1]):
            x = functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = functional.leaky_relu(layer(x), 0.2)
        x = functional.leaky_relu(self.decoder[2](x), 0.2)
        x = torch.tanh(self.decoder[3](functional.pad(x, (3, 3, 3, 3), mode="reflect")))
        return (x + 1.0) / 2.0


class Inswapper(Architecture):
    """Recognises the layout above."""

    id = "inswapper"
    title = "inswapper generator"
    outputs = ("output",)
    ignored = ("num_batches_tracked", EMAP)

    def configure(self, sizes: Sizes) -> SwapperConfig | None:
        """Read all widths from the convolutions."""
        blocks = count(sizes, "styles.{}.conv1.1.weight")
        if not blocks or "encoder.3.weight" not in sizes or "decoder.3.weight" not in sizes:
            return None
        c0, c1, c2, c3 = (width(sizes, f"encoder.{index}.weight") for index in range(4))
        d0, d1, d2 = (width(sizes, f"decoder.{index}.weight") for index in range(3))
        return SwapperConfig(
            (c0, c1, c2, c3), (d0, d1, d2), blocks, width(sizes, "styles.0.style1.linear.weight", axis=1)
        )

    def build(self, config: SwapperConfig) -> nn.Module:
        """Return an untrained generator."""
        return Swapper(config)

    def inputs(self, config: SwapperConfig) -> dict[str, tuple[int, ...]]:
        """Return the published order: target, then source."""
        return {"target": (1, 3, 128, 128), "source": (1, config.embedding)}

    def example(self) -> SwapperConfig:
        """Return the published width."""
        return SwapperConfig()

    def orphans(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return `emap` in float32."""
        return {EMAP: state[EMAP].float()} if EMAP in state else {}
