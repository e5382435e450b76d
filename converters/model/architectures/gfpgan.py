"""GFPGAN "clean" 1.2 to 1.4 (Wang et al. 2021, TencentARC/GFPGAN key layout `GFPGANv1Clean`).

A U-Net reads the damaged face; a StyleGAN2 decoder (plain operators only, Karras et al. 2020) draws it, its features
scaled and shifted by the U-Net's. The noise that the decoder adds is the one stored in the file, so that equal input
gives equal output.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from converters.model.architectures.base import Architecture, Sizes, count, width


@dataclass(frozen=True)
class GfpganConfig:
    """Channels at the sides 4, 8, 16, … of decoder and U-Net, length of a style, layers of the style network.

    `one_style_per_layer`: the U-Net predicts a style for every layer instead of one for all. `half`: only the second
    half of the decoder's channels is scaled and shifted.
    """

    decoder: tuple[int, ...] = (512, 512, 512, 512, 512, 256, 128, 64)
    unet: tuple[int, ...] = (256, 256, 256, 256, 256, 128, 64, 32)
    style: int = 512
    mlp: int = 8
    one_style_per_layer: bool = True
    half: bool = True

    @property
    def styles(self) -> int:
        """How many styles the decoder takes."""
        return 2 * len(self.decoder)


def _leaky(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, 0.2)


def _resize(x: Tensor, factor: float) -> Tensor:
    return functional.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


class ModulatedConv(nn.Module):
    """A convolution whose kernel is scaled per input channel by a style and normalised per output channel."""

    def __init__(self, inputs: int, outputs: int, kernel: int, style: int, demodulate: bool) -> None:
        super().__init__()
        self.modulation = nn.Linear(style, inputs)
        self.weight = nn.Parameter(torch.randn(1, outputs, inputs, kernel, kernel) / (inputs * kernel**2) ** 0.5)
        self.demodulate = demodulate

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Convolve 1 x C x H x W `x` by the kernel for the 1 x S `style`; a batch of one only."""
        _, outputs, inputs, kernel, _ = self.weight.shape
        weight = self.weight * self.modulation(style).view(1, 1, inputs, 1, 1)
        if self.demodulate:
            weight = weight * torch.rsqrt((weight * weight).sum([2, 3, 4], keepdim=True) + 1e-8)
        return functional.conv2d(x, weight.view(outputs, inputs, kernel, kernel), padding=kernel // 2)


class StyleConv(nn.Module):
    """A modulated convolution, noise, bias and leaky ReLU."""

    def __init__(self, inputs: int, outputs: int, style: int, upsample: bool) -> None:
        super().__init__()
        self.modulated_conv = ModulatedConv(inputs, outputs, 3, style, demodulate=True)
        self.weight = nn.Parameter(torch.zeros(1))
        self.bias = nn.Parameter(torch.zeros(1, outputs, 1, 1))
        self.upsample = upsample

    def forward(self, x: Tensor, style: Tensor, noise: Tensor) -> Tensor:
        """Return the layer's output."""
        x = _resize(x, 2.0) if self.upsample else x
        return _leaky(self.modulated_conv(x, style) * 2**0.5 + self.weight * noise + self.bias)


class ToRGB(nn.Module):
    """A modulated 1x1 convolution to three channels, added to the enlarged picture so far."""

    def __init__(self, inputs: int, style: int) -> None:
        super().__init__()
        self.modulated_conv = ModulatedConv(inputs, 3, 1, style, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(1, 3, 1, 1))

    def forward(self, x: Tensor, style: Tensor, picture: Tensor | None = None) -> Tensor:
        """Return the picture with this layer's part."""
        part = cast(Tensor, self.modulated_conv(x, style) + self.bias)
        return part if picture is None else part + _resize(picture, 2.0)


class Constant(nn.Module):
    """The learnt 4 x 4 picture that the decoder starts from."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, channels, 4, 4))


class Decoder(nn.Module):
    """StyleGAN2's generator, conditioned after each enlargement."""

    def __init__(self, config: GfpganConfig) -> None:
        super().__init__()
        style = config.style
        # Maps random vectors to styles; the styles come from the U-Net here, but the file carries it.
        layers: list[nn.Module] = [nn.Identity()]
        for _ in range(config.mlp):
            layers += [nn.Linear(style, style), nn.LeakyReLU(0.2)]
        self.style_mlp = nn.Sequential(*layers)
        first = config.decoder[0]
        self.constant_input = Constant(first)
        self.style_conv1 = StyleConv(first, first, style, upsample=False)
        self.to_rgb1 = ToRGB(first, style)
        convs: list[nn.Module] = []
        for narrow, wide in zip(config.decoder, config.decoder[1:], strict=False):
            convs += [StyleConv(narrow, wide, style, upsample=True), StyleConv(wide, wide, style, upsample=False)]
        self.style_convs = nn.ModuleList(convs)
        self.to_rgbs = nn.ModuleList([ToRGB(channels, style) for channels in config.decoder[1:]])
        self.noises = nn.Module()
        for index in range(2 * len(config.decoder) - 1):
            side = 2 ** ((index + 5) // 2)
            self.noises.register_buffer(f"noise{index}", torch.randn(1, 1, side, side))
        self.conditions_half = config.half

    def forward(self, styles: list[Tensor], conditions: list[tuple[Tensor, Tensor]]) -> Tensor:
        """Return the picture, about -1..1."""
        x = self.style_conv1(self.constant_input.weight, styles[0], self._noise(0))
        picture = self.to_rgb1(x, styles[1])
        for level, (scale, shift) in enumerate(conditions):
            at = 2 * level + 1
            x = self.style_convs[2 * level](x, styles[at], self._noise(at))
            if self.conditions_half:
                kept = x.shape[1] // 2
                x = torch.cat([x[:, :kept], x[:, kept:] * scale + shift], 1)
            else:
                x = x * scale + shift
            x = self.style_convs[2 * level + 1](x, styles[at + 1], self._noise(at + 1))
            picture = self.to_rgbs[level](x, styles[at + 2], picture)
        return cast(Tensor, picture)

    def _noise(self, index: int) -> Tensor:
        return self.noises.get_buffer(f"noise{index}")


class ResidualResize(nn.Module):
    """Two convolutions with a change of size by `factor` between them, plus a resized 1x1 shortcut."""

    def __init__(self, inputs: int, outputs: int, factor: float) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, inputs, 3, 1, 1)
        self.conv2 = nn.Conv2d(inputs, outputs, 3, 1, 1)
        self.skip = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        y = _leaky(self.conv2(_resize(_leaky(self.conv1(x)), self.factor)))
        return cast(Tensor, y + self.skip(_resize(x, self.factor)))


class GfpganNetwork(nn.Module):
    """Face 1 x 3 x S x S (RGB, -1..1) -> restored face of the same shape and range."""

    def __init__(self, config: GfpganConfig) -> None:
        super().__init__()
        unet, up = config.unet, config.unet[1:]
        self.conv_body_first = nn.Conv2d(3, unet[-1], 1)
        down = list(zip(unet[::-1], unet[-2::-1], strict=False))
        self.conv_body_down = nn.ModuleList([ResidualResize(wide, narrow, 0.5) for wide, narrow in down])
        self.final_conv = nn.Conv2d(unet[0], unet[0], 3, 1, 1)
        self.conv_body_up = nn.ModuleList([ResidualResize(a, b, 2.0) for a, b in zip(unet, up, strict=False)])
        self.toRGB = nn.ModuleList([nn.Conv2d(channels, 3, 1) for channels in up])  # for training only
        self.final_linear = nn.Linear(unet[0] * 16, config.style * (config.styles if config.one_style_per_layer else 1))
        self.stylegan_decoder = Decoder(config)
        self.condition_scale = nn.ModuleList([self._condition(channels, config.half) for channels in up])
        self.condition_shift = nn.ModuleList([self._condition(channels, config.half) for channels in up])
        self.config = config

    @staticmethod
    def _condition(channels: int, half: bool) -> nn.Sequential:
        outputs = channels if half else 2 * channels
        return nn.Sequential(
            nn.Conv2d(channels, channels, 3, 1, 1), nn.LeakyReLU(0.2), nn.Conv2d(channels, outputs, 3, 1, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the restored face."""
        x = _leaky(self.conv_body_first(x))
        skips = []
        for block in self.conv_body_down:
            x = block(x)
            skips.append(x)
        x = _leaky(self.final_conv(x))
        style = self.final_linear(torch.flatten(x, 1))
        size = self.config.style
        starts = (
            range(0, size * self.config.styles, size) if self.config.one_style_per_layer else [0] * self.config.styles
        )
        styles = [style[:, start : start + size] for start in starts]
        conditions = []
        for level, block in enumerate(self.conv_body_up):
            x = block(x + skips[-1 - level])
            conditions.append((self.condition_scale[level](x), self.condition_shift[level](x)))
        return cast(Tensor, self.stylegan_decoder(styles, conditions))


class Gfpgan(Architecture):
    """Recognises every side and width."""

    id = "gfpgan"
    title = "GFPGAN (clean) face restorer"
    outputs = ("output",)

    def configure(self, sizes: Sizes) -> GfpganConfig | None:
        """Read widths from the convolutions; the side follows from the number of enlargements."""
        levels = count(sizes, "conv_body_up.{}.conv2.weight")
        style = width(sizes, "stylegan_decoder.style_conv1.modulated_conv.modulation.weight", axis=1)
        if not levels or not style or levels > 8:
            return None
        decoder = [width(sizes, "stylegan_decoder.constant_input.weight", axis=1)]
        decoder += [
            width(sizes, f"stylegan_decoder.style_convs.{2 * level}.modulated_conv.weight", axis=1)
            for level in range(levels)
        ]
        unet = [width(sizes, "final_conv.weight")]
        unet += [width(sizes, f"conv_body_up.{level}.conv2.weight") for level in range(levels)]
        mlp = sum(f"stylegan_decoder.style_mlp.{index}.weight" in sizes for index in range(1, 64, 2))
        return GfpganConfig(
            tuple(decoder),
            tuple(unet),
            style,
            mlp,
            width(sizes, "final_linear.weight") != style,
            width(sizes, "condition_scale.0.2.weight") == unet[1],
        )

    def build(self, config: GfpganConfig) -> nn.Module:
        """Return an untrained restorer."""
        return GfpganNetwork(config)

    def inputs(self, config: GfpganConfig) -> dict[str, tuple[int, ...]]:
        """Return the face: 4 doubled once per level."""
        side = 2 ** (len(config.decoder) + 1)
        return {"input": (1, 3, side, side)}

    def example(self) -> GfpganConfig:
        """Return version 1.4."""
        return GfpganConfig()
