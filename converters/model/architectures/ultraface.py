"""UltraFace slim and RFB (Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB key layout)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import product

import torch
from torch import Tensor, nn

from converters.model.architectures.base import Architecture, Sizes, width
from converters.model.architectures.layers import conv_norm

# Anchor sides in pixels and the stride of each of the four feature maps.
_ANCHORS = ((8, (10, 16, 24)), (16, (32, 48)), (32, (64, 96)), (64, (128, 192, 256)))
_CENTRE_VARIANCE = 0.1
_SIZE_VARIANCE = 0.2
# (channels as multiples of the first layer's, stride) of the depth-wise blocks 1 to 12; block 7 may be the RFB.
_BLOCKS = ((2, 1), (2, 2), (2, 1), (4, 2), (4, 1), (4, 1), (4, 1), (8, 2), (8, 1), (8, 1), (16, 2), (16, 1))
_RFB_BLOCK = 7
# The first three feature maps are taken after these blocks.
_TAPS = (7, 10, 12)


@dataclass(frozen=True)
class UltraFaceConfig:
    """Channels of the first layer, whether block 7 is an RFB, and the picture's height and width."""

    first: int = 16
    rfb: bool = True
    height: int = 240
    width: int = 320


class ConvNorm(nn.Module):
    """Convolution `conv`, norm `bn` and, where wanted, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int = 1, relu: bool = False) -> None:
        super().__init__()
        padding = dilation * (kernel // 2)
        self.conv = nn.Conv2d(inputs, outputs, kernel, 1, padding, dilation, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        x = self.bn(self.conv(x))
        return torch.relu(x) if self.relu else x


class ReceptiveFieldBlock(nn.Module):
    """Three branches of growing dilation side by side, plus a 1x1 shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        eighth = channels // 8
        quarter = 2 * eighth
        self.branch0 = self._branch(channels, eighth, quarter, 2)
        self.branch1 = self._branch(channels, eighth, quarter, 3)
        between = eighth // 2 * 3
        self.branch2 = nn.Sequential(
            ConvNorm(channels, eighth, 1),
            ConvNorm(eighth, between, 3, relu=True),
            ConvNorm(between, quarter, 3, relu=True),
            ConvNorm(quarter, quarter, 3, dilation=5),
        )
        self.ConvLinear = ConvNorm(3 * quarter, channels, 1)
        self.shortcut = ConvNorm(channels, channels, 1)

    @staticmethod
    def _branch(channels: int, inner: int, outputs: int, dilation: int) -> nn.Sequential:
        return nn.Sequential(
            ConvNorm(channels, inner, 1),
            ConvNorm(inner, outputs, 3, relu=True),
            ConvNorm(outputs, outputs, 3, dilation=dilation),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return a map of the same shape."""
        y = self.ConvLinear(torch.cat([self.branch0(x), self.branch1(x), self.branch2(x)], 1))
        return torch.relu(y + self.shortcut(x))


def _separable(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        *conv_norm(inputs, inputs, 3, stride, inputs), nn.ReLU(), *conv_norm(inputs, outputs, 1), nn.ReLU()
    )


def _separable_head(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs), nn.ReLU(), nn.Conv2d(inputs, outputs, 1)
    )


def anchor_boxes(height: int, width: int) -> Tensor:
    """Return all anchors as (centre x, centre y, width, height), fractions of the picture, A x 4."""
    rows = []
    for stride, sides in _ANCHORS:
        rows_of_map, columns_of_map = math.ceil(height / stride), math.ceil(width / stride)
        for row, column in product(range(rows_of_map), range(columns_of_map)):
            x, y = (column + 0.5) / columns_of_map, (row + 0.5) / rows_of_map
            rows += [(x, y, side / width, side / height) for side in sides]
    return torch.tensor(rows).clamp(0.0, 1.0)


class UltraFaceNetwork(nn.Module):
    """Picture N x 3 x H x W (RGB, (x-127)/128) -> scores (softmax) and boxes as corners in fractions of the picture."""

    anchors: Tensor

    def __init__(self, config: UltraFaceConfig) -> None:
        super().__init__()
        first = config.first
        layers: list[nn.Module] = [nn.Sequential(*conv_norm(3, first, 3, 2), nn.ReLU())]
        channels = first
        for index, (factor, stride) in enumerate(_BLOCKS, start=1):
            wider = factor * first
            is_rfb = config.rfb and index == _RFB_BLOCK
            layers.append(ReceptiveFieldBlock(channels) if is_rfb else _separable(channels, wider, stride))
            channels = wider
        self.base_net = nn.ModuleList(layers)
        extra = nn.Sequential(
            nn.Conv2d(channels, 4 * first, 1), nn.ReLU(), _separable_head(4 * first, channels, 2), nn.ReLU()
        )
        self.extras = nn.ModuleList([extra])
        self.classification_headers = self._headers(first, 2)
        self.regression_headers = self._headers(first, 4)
        self.register_buffer("anchors", anchor_boxes(config.height, config.width), persistent=False)

    @staticmethod
    def _headers(first: int, values: int) -> nn.ModuleList:
        small = [
            _separable_head(factor * first, len(sides) * values)
            for factor, (_stride, sides) in zip((4, 8, 16), _ANCHORS, strict=False)
        ]
        return nn.ModuleList([*small, nn.Conv2d(16 * first, len(_ANCHORS[3][1]) * values, 3, 1, 1)])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return scores N x A x 2 (background, face) and boxes N x A x 4 (left, top, right, bottom)."""
        maps = []
        for index, layer in enumerate(self.base_net):
            x = layer(x)
            if index in _TAPS:
                maps.append(x)
        maps.append(self.extras[0](x))
        scores = self._rows(self.classification_headers, maps, 2)
        offsets = self._rows(self.regression_headers, maps, 4)
        centres = offsets[..., :2] * _CENTRE_VARIANCE * self.anchors[:, 2:] + self.anchors[:, :2]
        sides = torch.exp(offsets[..., 2:] * _SIZE_VARIANCE) * self.anchors[:, 2:]
        boxes = torch.cat([centres - sides / 2, centres + sides / 2], -1)
        return torch.softmax(scores, -1), boxes

    @staticmethod
    def _rows(headers: nn.ModuleList, maps: list[Tensor], values: int) -> Tensor:
        rows = []
        for header, level in zip(headers, maps, strict=True):
            y = header(level).permute(0, 2, 3, 1)
            rows.append(y.reshape(y.shape[0], -1, values))
        return torch.cat(rows, 1)


class UltraFace(Architecture):
    """Recognises slim and RFB."""

    id = "ultraface"
    title = "UltraFace detector"
    outputs = ("scores", "boxes")

    def configure(self, sizes: Sizes) -> UltraFaceConfig | None:
        """Tell slim from RFB by block 7; the picture's size is not in the file and stays at 240 x 320."""
        if "base_net.0.0.weight" not in sizes or "regression_headers.0.0.weight" not in sizes:
            return None
        return UltraFaceConfig(width(sizes, "base_net.0.0.weight"), "base_net.7.ConvLinear.conv.weight" in sizes)

    def with_shapes(self, config: UltraFaceConfig, shapes: Sizes) -> UltraFaceConfig:
        """Return the configuration whose anchors fit the wanted picture."""
        shape = shapes.get("input", ())
        return replace(config, height=shape[2], width=shape[3]) if len(shape) == 4 else config

    def build(self, config: UltraFaceConfig) -> nn.Module:
        """Return an untrained detector."""
        return UltraFaceNetwork(config)

    def inputs(self, config: UltraFaceConfig) -> dict[str, tuple[int, ...]]:
        """Return the picture."""
        return {"input": (1, 3, config.height, config.width)}

    def example(self) -> UltraFaceConfig:
        """Return RFB-320."""
        return UltraFaceConfig()
