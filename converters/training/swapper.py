"""The demo swapper: keep pose, light and background of one picture, take the face from another's embedding."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from converters.measure.lpips_torch import LpipsLoss
from converters.model.architectures.inswapper import Swapper, SwapperConfig
from converters.model.architectures.layers import AdaptiveNorm, StyleBlock
from converters.training.augment import crop, degrade, face_oval, recolour, uniform
from converters.training.discriminator import FeatureDiscriminator, real_loss
from converters.training.embedder import IdentityEmbedder, embedder_input
from converters.training.faces import FaceCrops
from converters.training.loop import Schedule, Task, channels_last, digest, read_average

WIDTH = 128
"""Channels of the style blocks: 3.5 million parameters."""
_WEIGHTS = {"difference": 8.0, "lpips": 2.5, "identity": 1.2, "away": 0.4, "around": 6.0, "light": 2.5, "kept": 0.6}
_ADVERSARIAL = 0.5
"""The adversarial gradient's length relative to that of all other losses."""
_ADVERSARIAL_FROM, _HEAD_START = 0.4, 300
"""The part of the training after which the discriminator learns, and by how many steps it is ahead of the swapper."""
_FIRST_STYLE, _SECOND_STYLE = 1.0, 0.3  # scales at the start: blocks that change little let the picture through


class _WideNorm(AdaptiveNorm):
    """The same normalisation in float32 whatever comes in, and in one pass."""

    def forward(self, x: Tensor) -> Tensor:
        variance, mean = torch.var_mean(x.float(), (2, 3), keepdim=True, correction=0)
        inverse = torch.rsqrt(variance + self.epsilon)
        return (x * inverse.to(x.dtype) - (mean * inverse).to(x.dtype)).to(x.dtype)


def new_swapper() -> Swapper:
    """Return an untrained swapper, ready for training in bfloat16."""
    swapper = Swapper(SwapperConfig.of_width(WIDTH))
    for module in swapper.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, a=0.2)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for block in swapper.styles:
        block = cast(StyleBlock, block)
        block.conv1[2], block.conv2[2] = _WideNorm(), _WideNorm()
        for style, scale in ((block.style1, _FIRST_STYLE), (block.style2, _SECOND_STYLE)):
            nn.init.normal_(style.linear.weight, std=0.3 * scale)
            nn.init.zeros_(style.linear.bias)
            nn.init.constant_(style.linear.bias[: style.channels], scale)
    nn.init.normal_(cast(nn.Conv2d, swapper.decoder[3]).weight, std=0.01)
    return channels_last(swapper)


def frozen_embedder(folder: Path) -> IdentityEmbedder:
    """Return the trained embedder of a checkpoint's folder, its normalisations folded, without gradients."""
    embedder = IdentityEmbedder()
    embedder.load_state_dict(read_average(folder))
    embedder.eval().requires_grad_(False)
    fold_normalisations(embedder)
    return channels_last(embedder)


def fold_normalisations(network: nn.Module) -> None:
    """Fold every batch normalisation into the convolution right before it, in place; exact in eval mode."""
    for module in network.modules():
        if isinstance(module, nn.Sequential):
            for index in range(len(module) - 1):
                first, second = module[index], module[index + 1]
                if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                    module[index] = fuse_conv_bn_eval(first, second)
                    module[index + 1] = nn.Identity()


class SwapperTask(Task):
    """Half of each batch rebuilds its own picture, the other half takes somebody else's face.

    Losses of the rebuilding half: absolute difference and LPIPS. Of the swapping half: nearness to the source's
    embedding and distance from the target's, the surroundings of the face unchanged, the coarse colours kept (light),
    a little LPIPS to the target (pose and expression). Of both, later on: an adversarial loss (hinge). The embedder
    judges slightly moved and noisy views, so that patterns invisible to people do not count.
    """

    averaged = "swapper"

    def __init__(self, faces: FaceCrops, schedule: Schedule, embedder: Path, rate: float = 5e-4) -> None:
        torch.manual_seed(schedule.seed)
        self.faces = faces
        self.schedule = schedule
        self.embedder = frozen_embedder(embedder)
        self.material = digest(*faces.names, *self.embedder.state_dict().values())
        self.lpips = channels_last(LpipsLoss())
        self.oval = face_oval()
        swapper = new_swapper()
        discriminator = FeatureDiscriminator()
        self.networks = {"swapper": swapper, "discriminator": discriminator}
        self.optimisers = {
            "swapper": torch.optim.Adam(swapper.parameters(), lr=rate, betas=(0.5, 0.99)),
            "discriminator": torch.optim.Adam(discriminator.parameters(), lr=rate, betas=(0.0, 0.99)),
        }

    def step(self, step: int, generator: Generator) -> dict[str, Tensor]:
        """Train on one batch, half of each kind."""
        half = self.schedule.batch // 2
        photographs = self.faces.pixels[torch.randint(len(self.faces.names), (3 * half,), generator=generator)]
        targets = recolour(crop(photographs[: 2 * half], generator), generator, 0.6)
        # the rebuilding half is shown another view of the same photograph, the swapping half other photographs
        shown = torch.cat([photographs[:half], photographs[2 * half :]])
        sources = self._embed(degrade(recolour(crop(shown, generator, bend=1.5), generator, 0.6), generator))
        own = self._embed(targets)
        sources = torch.cat([sources[:half], self._mixed(sources[half:], generator)])

        with torch.autocast("cpu", torch.bfloat16):
            made = self.networks["swapper"](targets.contiguous(memory_format=torch.channels_last), sources).float()
            losses = self._rebuilding(made[:half], targets[:half])
            losses |= self._swapping(made[half:], targets[half:], sources[half:], own[half:], step, generator)
        total = torch.stack([_WEIGHTS[name] * value for name, value in losses.items()]).sum()
        (gradient,) = torch.autograd.grad(total, made)
        if step >= self._adversarial_from:
            fooled, unmasked = self._adversarial(made, targets, generator)
            (towards_real,) = torch.autograd.grad(fooled, made)
            rise = min(1.0, max(0, step - self._adversarial_from - _HEAD_START) / 1000)
            gradient = gradient + rise * self._share(made, gradient, towards_real) * towards_real
            self.update("discriminator", unmasked, self.schedule.clip)
            losses |= {"fooled": fooled, "discriminator": unmasked}
        self.update("swapper", made, self.schedule.clip, gradient)
        return {name: value.detach() for name, value in losses.items()}

    def _embed(self, crops: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            inputs = embedder_input(crops).contiguous(memory_format=torch.channels_last)
            return functional.normalize(self.embedder(inputs).float())

    @staticmethod
    def _mixed(embeddings: Tensor, generator: Generator) -> Tensor:
        """Return embeddings of which a fifth are mixtures of two people."""
        share = uniform(0.2, 0.8, (len(embeddings), 1), generator)
        share = torch.where(torch.rand((len(embeddings), 1), generator=generator) < 0.2, share, 0.0)
        return functional.normalize(embeddings * (1 - share) + embeddings.roll(1, 0) * share)

    def _rebuilding(self, made: Tensor, wanted: Tensor) -> dict[str, Tensor]:
        return {"difference": (made - wanted).abs().mean(), "lpips": self.lpips(made, wanted).mean()}

    def _swapping(
        self, made: Tensor, targets: Tensor, sources: Tensor, own: Tensor, step: int, generator: Generator
    ) -> dict[str, Tensor]:
        rise = min(1.0, (step + 1) / 600)
        moved = _nudged(made, generator)
        seen = self._embed(moved)
        outside = 1 - self.oval
        coarse = functional.avg_pool2d(made - targets, 8)
        return {
            "identity": rise * (1 - (seen * sources).sum(1)).mean(),
            "away": rise * ((seen * own).sum(1) - 0.15).clamp(min=0).mean(),
            "around": ((made - targets).abs() * outside).mean(),
            "light": coarse.abs().mean(),
            "kept": self.lpips(made, targets).mean(),
        }

    @property
    def _adversarial_from(self) -> int:
        """The step from which the discriminator learns: once the swapper draws at all."""
        return int(self.schedule.steps * _ADVERSARIAL_FROM)

    def _share(self, made: Tensor, gradient: Tensor, towards_real: Tensor) -> Tensor:
        """Return the factor that gives the discriminator a fixed share in the last layer's gradient.

        As in VQGAN (arXiv:2012.09841). Lengths are compared there and not on the pictures: the discriminator pulls all
        pixels the same way, other losses pull neighbours apart, so that the same length moves the weights much more.
        """
        last = cast(nn.Conv2d, cast(Swapper, self.networks["swapper"]).decoder[3]).weight
        (others,) = torch.autograd.grad(made, last, gradient, retain_graph=True)
        (its,) = torch.autograd.grad(made, last, towards_real, retain_graph=True)
        return torch.mul(_ADVERSARIAL, others.norm() / its.norm().clamp(min=1e-12))

    def _adversarial(self, made: Tensor, real: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        """Return the swapper's loss and the discriminator's (hinge), on a random window of both."""
        discriminator = self.networks["discriminator"]
        top, left = (int(value) for value in torch.randint(0, 17, (2,), generator=generator))
        window = (..., slice(top, top + 112), slice(left, left + 112))
        with torch.autocast("cpu", torch.bfloat16):
            drawn = self.lpips.features(made[window].contiguous(memory_format=torch.channels_last))
            with torch.no_grad():
                photographed = self.lpips.features(real[window].contiguous(memory_format=torch.channels_last))
            unmasked = real_loss(-discriminator([depth.detach() for depth in drawn]))
            unmasked = unmasked + real_loss(discriminator(photographed))
            discriminator.requires_grad_(False)
            fooled = -discriminator(drawn).float().mean()
            discriminator.requires_grad_(True)
        return fooled, unmasked


def _nudged(pictures: Tensor, generator: Generator) -> Tensor:
    """Return pictures moved by up to two pixels and made noisy, differentiable."""
    down, right = (int(value) for value in torch.randint(-2, 3, (2,), generator=generator))
    moved = functional.pad(pictures, (2, 2, 2, 2), mode="replicate")
    moved = moved[:, :, 2 + down : 130 + down, 2 + right : 130 + right]
    return moved + 0.02 * torch.randn(moved.shape, generator=generator)
