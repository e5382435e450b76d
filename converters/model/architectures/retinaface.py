"""RetinaFace on MobileNet 0.25 (Deng et al. 2019; key layout of biubug6/Pytorch_Retinaface)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from converters.model.architectures.base import Architecture, Sizes, width
from converters.model.architectures.layers import conv_norm

# (channels as multiples of the first layer's, stride) of the depth-wise blocks of the three stages.
_STAGES = (
    ((2, 1), (4, 2), (4, 1), (8, 2), (8, 1)),
    ((16, 2), (16, 1), (16, 1), (16, 1), (16, 1), (16, 1)),
    ((32, 2), (32, 1)),
)


@dataclass(frozen=True)
class RetinaFaceConfig:
    """Channels of the first layer and of the feature pyramid; anchors per place."""

    first: int = 8
    pyramid: int = 64
    anchors: int = 2


def _leaky(inputs: int, outputs: int, kernel: int, stride: int, slope: float) -> nn.Sequential:
    return nn.Sequential(*conv_norm(inputs, outputs, kernel, stride), nn.LeakyReLU(slope))


def _separable(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        *conv_norm(inputs, inputs, 3, stride, inputs),
        nn.LeakyReLU(0.1),
        *conv_norm(inputs, outputs, 1),
        nn.LeakyReLU(0.1),
    )


class Body(nn.Module):
    """The backbone; returns the feature maps of strides 8, 16 and 32."""

    def __init__(self, first: int) -> None:
        super().__init__()
        channels = first
        for number, blocks in enumerate(_STAGES, start=1):
            layers: list[nn.Module] = [_leaky(3, first, 3, 2, 0.1)] if number == 1 else []
            for factor, stride in blocks:
                layers.append(_separable(channels, factor * first, stride))
                channels = factor * first
            self.add_module(f"stage{number}", nn.Sequential(*layers))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return three feature maps, largest first."""
        maps = []
        for number in (1, 2, 3):
            x = self.get_submodule(f"stage{number}")(x)
            maps.append(x)
        return maps


class Pyramid(nn.Module):
    """Brings the three maps to one width and adds each, enlarged, to the next larger."""

    def __init__(self, first: int, channels: int) -> None:
        super().__init__()
        slope = 0.1 if channels <= 64 else 0.0
        self.output1 = _leaky(8 * first, channels, 1, 1, slope)
        self.output2 = _leaky(16 * first, channels, 1, 1, slope)
        self.output3 = _leaky(32 * first, channels, 1, 1, slope)
        self.merge1 = _leaky(channels, channels, 3, 1, slope)
        self.merge2 = _leaky(channels, channels, 3, 1, slope)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Return three maps of one width."""
        large, middle, small = self.output1(maps[0]), self.output2(maps[1]), self.output3(maps[2])
        middle = self.merge2(middle + functional.interpolate(small, size=middle.shape[2:], mode="nearest"))
        large = self.merge1(large + functional.interpolate(middle, size=large.shape[2:], mode="nearest"))
        return [large, middle, small]


class ContextModule(nn.Module):
    """The SSH module: 3x3, and 5x5 and 7x7 as stacks of 3x3, side by side."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        slope = 0.1 if channels <= 64 else 0.0
        quarter = channels // 4
        self.conv3X3 = nn.Sequential(*conv_norm(channels, channels // 2, 3))
        self.conv5X5_1 = _leaky(channels, quarter, 3, 1, slope)
        self.conv5X5_2 = nn.Sequential(*conv_norm(quarter, quarter, 3))
        self.conv7X7_2 = _leaky(quarter, quarter, 3, 1, slope)
        self.conv7x7_3 = nn.Sequential(*conv_norm(quarter, quarter, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Return a map of the same shape."""
        shared = self.conv5X5_1(x)
        wide = self.conv7x7_3(self.conv7X7_2(shared))
        return torch.relu(torch.cat([self.conv3X3(x), self.conv5X5_2(shared), wide], 1))


class Head(nn.Module):
    """A 1x1 convolution whose channels become rows of `values` numbers, one per anchor."""

    def __init__(self, channels: int, anchors: int, values: int) -> None:
        super().__init__()
        self.conv1x1 = nn.Conv2d(channels, anchors * values, 1)
        self.values = values

    def forward(self, x: Tensor) -> Tensor:
        """Return N x anchors x values."""
        y = self.conv1x1(x).permute(0, 2, 3, 1)
        return cast(Tensor, y.reshape(y.shape[0], -1, self.values))


class RetinaFaceNetwork(nn.Module):
    """Picture N x 3 x H x W (BGR minus 104, 117, 123) -> box offsets, scores (softmax), landmark offsets."""

    def __init__(self, config: RetinaFaceConfig) -> None:
        super().__init__()
        width = config.pyramid
        self.body = Body(config.first)
        self.fpn = Pyramid(config.first, width)
        self.ssh1 = ContextModule(width)
        self.ssh2 = ContextModule(width)
        self.ssh3 = ContextModule(width)
        self.ClassHead = nn.ModuleList([Head(width, config.anchors, 2) for _ in range(3)])
        self.BboxHead = nn.ModuleList([Head(width, config.anchors, 4) for _ in range(3)])
        self.LandmarkHead = nn.ModuleList([Head(width, config.anchors, 10) for _ in range(3)])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return boxes N x A x 4, scores N x A x 2, landmarks N x A x 10 over all places of all three maps."""
        maps = self.fpn(self.body(x))
        features = [ssh(level) for ssh, level in zip((self.ssh1, self.ssh2, self.ssh3), maps, strict=True)]

        def rows(heads: nn.ModuleList) -> Tensor:
            return torch.cat([head(level) for head, level in zip(heads, features, strict=True)], 1)

        return rows(self.BboxHead), torch.softmax(rows(self.ClassHead), -1), rows(self.LandmarkHead)


class RetinaFaceMobileNet(Architecture):
    """Recognises the layout above, of any width."""

    id = "retinaface_mobilenet"
    title = "RetinaFace detector on MobileNet"
    outputs = ("boxes", "scores", "landmarks")

    def configure(self, sizes: Sizes) -> RetinaFaceConfig | None:
        """Read the widths."""
        if "body.stage1.0.0.weight" not in sizes or "ClassHead.0.conv1x1.weight" not in sizes:
            return None
        return RetinaFaceConfig(
            width(sizes, "body.stage1.0.0.weight"),
            width(sizes, "fpn.output1.0.weight"),
            width(sizes, "ClassHead.0.conv1x1.weight") // 2,
        )

    def build(self, config: RetinaFaceConfig) -> nn.Module:
        """Return an untrained detector."""
        return RetinaFaceNetwork(config)

    def inputs(self, config: RetinaFaceConfig) -> dict[str, tuple[int, ...]]:  # noqa: ARG002
        """Return the picture; any size works, 640 x 640 is usual."""
        return {"input": (1, 3, 640, 640)}

    def example(self) -> RetinaFaceConfig:
        """Return MobileNet 0.25."""
        return RetinaFaceConfig()
