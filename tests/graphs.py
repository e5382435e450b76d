"""Graphs of the FaceFusion families with seeded random weights, as small or as large as a test wants them.

Weights are scaled so that activations stay bounded; pictures are noise. Use them for structure and parity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx
    from torch import nn


def simswap(width: int = 512, side: int = 512, seed: int = 0) -> onnx.ModelProto:
    """SimSwap's deep generator: target 1x3xSxS, source 1x512 -> output 1x3xSxS. `width` of the style blocks, by 8."""
    from converters.model.architectures.simswap import SimSwap, SimSwapConfig

    eighth = width // 8
    config = SimSwapConfig(
        first=eighth,
        down=(2 * eighth, 4 * eighth, width, width),
        up=(width, 4 * eighth, 2 * eighth, eighth),
    )
    architecture = SimSwap()
    shapes = {"target": (1, 3, side, side), "source": (1, config.embedding)}
    return _export(architecture.build(config), shapes, architecture.outputs, seed)


def arcface_iresnet50(width: int = 64, seed: int = 0) -> onnx.ModelProto:
    """ArcFace IResNet-50: input 1x3x112x112 -> output 1x512. `width` of the first stage."""
    from converters.model.architectures.iresnet import IResNetArcFace, IResNetConfig

    config = IResNetConfig(channels=(width, 2 * width, 4 * width, 8 * width), stem=width)
    architecture = IResNetArcFace()
    return _export(architecture.build(config), architecture.inputs(config), architecture.outputs, seed)


def gfpgan(width: int = 512, side: int = 512, seed: int = 0) -> onnx.ModelProto:
    """GFPGAN (clean): input 1x3xSxS -> output 1x3xSxS, both -1..1. `width` of the decoder's first levels, by 16."""
    from converters.model.architectures.gfpgan import Gfpgan, GfpganConfig

    levels = side.bit_length() - 2
    decoder = tuple(width if level < 5 else width >> (level - 4) for level in range(levels))
    config = GfpganConfig(decoder, tuple(channels // 2 for channels in decoder), style=width)
    architecture = Gfpgan()
    network = architecture.build(config)
    randomise(network.eval(), seed)
    _calm_gfpgan(network)
    return _export(network, architecture.inputs(config), architecture.outputs, None)


def _calm_gfpgan(network: nn.Module) -> None:
    """Keep a deep chain of sums and products bounded: weak branches, scales and styles near one, shifts near zero."""
    import torch

    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if ".modulation." in name:
                tensor.mul_(0.1) if name.endswith("weight") else tensor.add_(1.0)
            elif name.startswith(("conv_body_", "condition_")) and name.endswith("weight"):
                tensor.mul_(0.6)
            elif name.startswith("condition_scale") and name.endswith("2.bias"):
                tensor.add_(0.7)
            elif ".noises." in name:
                tensor.mul_(0.1)
            elif ".to_rgb" in name and name.endswith("modulated_conv.weight"):
                tensor.mul_(0.2)


def bisenet(width: int = 64, side: int = 512, classes: int = 19, seed: int = 0) -> onnx.ModelProto:
    """BiSeNet on ResNet-18: input 1x3xSxS -> output 1x19xSxS (class scores). `width` of the first stage."""
    return _export(_bisenet(width, classes), {"input": (1, 3, side, side)}, ("output",), seed)


def _export(
    network: nn.Module, shapes: dict[str, tuple[int, ...]], outputs: tuple[str, ...], seed: int | None
) -> onnx.ModelProto:
    import torch

    from converters.model.network import graph_from_network
    from converters.progress import Progress

    if seed is not None:
        randomise(network.eval(), seed)
    examples = {name: torch.zeros(shape) for name, shape in shapes.items()}
    return graph_from_network(network, examples, outputs, Progress())


def randomise(network: nn.Module, seed: int) -> None:
    """Fill a network with weights that keep activations near one: He-scaled kernels, lively normalisations."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if not tensor.is_floating_point():
                continue
            if name.endswith("running_var"):
                tensor.uniform_(0.7, 1.4, generator=generator)
            elif name.endswith(("running_mean", "bias")):
                tensor.normal_(0.0, 0.05, generator=generator)
            elif tensor.ndim >= 2 and "noise" not in name:
                per_output = tensor[0] if tensor.shape[0] > 1 else tensor[0, 0]
                tensor.normal_(0.0, (1.4 / max(per_output.numel(), 1)) ** 0.5, generator=generator)
            elif "prelu" in name:
                tensor.uniform_(0.1, 0.4, generator=generator)
            elif tensor.ndim == 1:
                tensor.uniform_(0.5, 1.0, generator=generator)
            else:
                tensor.normal_(0.0, 1.0, generator=generator)


def _bisenet(width: int, classes: int) -> nn.Module:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional

    def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
        )

    class Residual(nn.Module):
        def __init__(self, inputs: int, outputs: int, stride: int) -> None:
            super().__init__()
            self.first = conv(inputs, outputs, 3, stride)
            self.second = nn.Sequential(nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))
            self.shortcut = (
                nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
                if stride > 1 or inputs != outputs
                else nn.Identity()
            )

        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(self.second(self.first(x)) + self.shortcut(x))

    class Attention(nn.Module):
        """Each channel weighed by a sigmoid of its mean."""

        def __init__(self, inputs: int, outputs: int) -> None:
            super().__init__()
            self.conv = conv(inputs, outputs)
            self.weigh = nn.Sequential(nn.Conv2d(outputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x)
            return x * torch.sigmoid(self.weigh(functional.adaptive_avg_pool2d(x, 1)))

    class BiSeNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Sequential(conv(3, width, 7, 2), nn.MaxPool2d(3, 2, 1))
            self.layer1 = nn.Sequential(Residual(width, width, 1), Residual(width, width, 1))
            self.layer2 = nn.Sequential(Residual(width, 2 * width, 2), Residual(2 * width, 2 * width, 1))
            self.layer3 = nn.Sequential(Residual(2 * width, 4 * width, 2), Residual(4 * width, 4 * width, 1))
            self.layer4 = nn.Sequential(Residual(4 * width, 8 * width, 2), Residual(8 * width, 8 * width, 1))
            self.attend16, self.attend32 = Attention(4 * width, 2 * width), Attention(8 * width, 2 * width)
            self.head16, self.head32 = conv(2 * width, 2 * width), conv(2 * width, 2 * width)
            self.mean = conv(8 * width, 2 * width, 1)
            self.fuse = conv(4 * width, 4 * width, 1)
            self.fuse_weigh = nn.Sequential(
                nn.Conv2d(4 * width, width, 1, bias=False), nn.ReLU(), nn.Conv2d(width, 4 * width, 1, bias=False)
            )
            self.output = nn.Sequential(conv(4 * width, 4 * width), nn.Conv2d(4 * width, classes, 1, bias=False))

        def forward(self, x: Tensor) -> Tensor:
            height, width_ = x.shape[2:]
            at8 = self.layer2(self.layer1(self.stem(x)))
            at16 = self.layer3(at8)
            at32 = self.layer4(at16)
            mean = functional.interpolate(self.mean(functional.adaptive_avg_pool2d(at32, 1)), size=at32.shape[2:])
            deep = self.attend32(at32) + mean
            deep = self.head32(functional.interpolate(deep, size=at16.shape[2:], mode="nearest"))
            deep = self.attend16(at16) + deep
            deep = self.head16(functional.interpolate(deep, size=at8.shape[2:], mode="nearest"))
            fused = self.fuse(torch.cat([at8, deep], 1))
            weight = torch.sigmoid(self.fuse_weigh(functional.adaptive_avg_pool2d(fused, 1)))
            scores = self.output(fused * weight + fused)
            return functional.interpolate(scores, size=(height, width_), mode="bilinear", align_corners=True)

    return BiSeNet()
