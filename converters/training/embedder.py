"""The demo's identity embedder: which face is it, whatever surrounds it."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from converters.model.architectures.layers import conv_norm
from converters.training.augment import cover, crop, degrade, face_oval, recolour
from converters.training.faces import FaceCrops
from converters.training.loop import Schedule, Task, channels_last, digest

EMBEDDING = 512
_STAGES = ((48, 2, 3), (96, 2, 4), (128, 2, 3))
"""Channels, stride and number of blocks."""


class _Inverted(nn.Module):
    """An inverted residual (MobileNetV2, arXiv:1801.04381) of expansion 2."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        wide = 2 * inputs
        self.body = nn.Sequential(
            *conv_norm(inputs, wide, 1),
            nn.ReLU(),
            *conv_norm(wide, wide, 3, stride, groups=wide),
            nn.ReLU(),
            *conv_norm(wide, outputs, 1),
        )
        self.is_residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = self.body(x)
        return cast(Tensor, x + y if self.is_residual else y)


class IdentityEmbedder(nn.Module):
    """N x 3 x 112 x 112 (RGB, -1..1, template arcface_112_v2) -> N x 512, not normalised; 0.5 million parameters."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [*conv_norm(3, 32, 3, 2), nn.ReLU()]
        channels = 32
        for width, stride, count in _STAGES:
            for index in range(count):
                layers.append(_Inverted(channels, width, stride if index == 0 else 1))
                channels = width
        layers += [*conv_norm(channels, 256, 1), nn.ReLU()]
        layers += [nn.Conv2d(256, 256, 7, groups=256, bias=False), nn.BatchNorm2d(256), nn.Flatten()]
        self.body = nn.Sequential(*layers)
        self.embedding = nn.Linear(256, EMBEDDING)

    def forward(self, picture: Tensor) -> Tensor:
        """Return the raw embedding."""
        return cast(Tensor, self.embedding(self.body(picture)))


def embedder_input(crops: Tensor) -> Tensor:
    """Return `arcface_128` crops (N x 3 x 128 x 128, 0..1) as the embedder wants them: `arcface_112_v2`, -1..1."""
    return crops[:, :, :112, 8:120] * 2 - 1


class MarginClassifier(nn.Module):
    """One class for each photograph, with an additive cosine margin (CosFace, arXiv:1801.09414)."""

    def __init__(self, classes: int, margin: float = 0.25, scale: float = 24.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, EMBEDDING) / math.sqrt(EMBEDDING))
        self.margin = margin
        self.scale = scale

    def forward(self, embeddings: Tensor, classes: Tensor) -> Tensor:
        """Return the cross-entropy of N embeddings and their classes."""
        cosines = functional.normalize(embeddings) @ functional.normalize(self.weight).T
        margins = functional.one_hot(classes, cosines.shape[1]) * self.margin
        return functional.cross_entropy((cosines - margins) * self.scale, classes)


class EmbedderTask(Task):
    """Tell photographs apart by the face alone.

    In two thirds of the pictures the surroundings of the face come from another photograph, so that hair, collar and
    backdrop say nothing: what is left is what a swap can carry over.
    """

    averaged = "embedder"

    def __init__(self, faces: FaceCrops, schedule: Schedule, rate: float = 2e-3) -> None:
        torch.manual_seed(schedule.seed)
        self.faces = faces
        self.schedule = schedule
        self.material = digest(*faces.names)
        embedder = channels_last(IdentityEmbedder())
        classifier = MarginClassifier(len(faces.names))
        self.networks = {"embedder": embedder, "classifier": classifier}
        parameters = [*embedder.parameters(), *classifier.parameters()]
        self.optimisers = {"all": torch.optim.AdamW(parameters, lr=rate, weight_decay=0.02)}

    def step(self, step: int, generator: Generator) -> dict[str, Tensor]:  # noqa: ARG002
        """Classify one batch."""
        count = len(self.faces.names)
        chosen = torch.randint(count, (self.schedule.batch,), generator=generator)
        pictures = changed_views(self.faces.pixels[chosen], generator)
        with torch.autocast("cpu", torch.bfloat16):
            inputs = embedder_input(pictures).contiguous(memory_format=torch.channels_last)
            embeddings = self.networks["embedder"](inputs)
        loss = self.networks["classifier"](embeddings.float(), chosen)
        self.update("all", loss, self.schedule.clip)
        return {"loss": loss.detach()}


def changed_views(pixels: Tensor, generator: Generator) -> Tensor:
    """Return N x 3 x 128 x 128 views of N x 3 x 160 x 160 photographs, changed in all but whose face it is."""
    count = pixels.shape[0]
    views = recolour(crop(pixels, generator, shift=5, scale=0.1, turn=10, bend=3), generator)
    # another photograph around the face
    around = views.roll(1, 0)
    oval = face_oval(grow=float(torch.empty(1).uniform_(0.9, 1.15, generator=generator)))
    other = (torch.rand((count, 1, 1, 1), generator=generator) < 0.66).float()
    views = views + other * (1 - oval) * (around - views)
    return cover(degrade(views, generator), generator)
