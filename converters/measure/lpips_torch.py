"""LPIPS as a loss to train with: the same arithmetic and weights as `measure.lpips`, differentiable."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from converters.builtin import LPIPS_WEIGHTS

# Stride and padding of AlexNet's convolutions, and before which of them it pools.
_LAYERS = ((4, 2), (1, 2), (1, 1), (1, 1), (1, 1))
_POOLED = (1, 2)
_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)
_EPSILON = 1e-10
LEAST_SIDE = 32


class LpipsLoss(nn.Module):
    """LPIPS (alex, v0.1) of Zhang et al., "The Unreasonable Effectiveness of Deep Features", CVPR 2018.

    The weights are frozen, in no optimiser's reach and in no checkpoint. Convolutions follow autocast and
    channels_last; the rest is float32. Under bfloat16 distances differ by about 1 % from float32's.
    """

    def __init__(self, weights: Path = LPIPS_WEIGHTS) -> None:
        super().__init__()
        for name, array in _initializers(weights).items():
            self.register_buffer(name.replace(".", "_"), array, persistent=False)
        self.register_buffer("shift", torch.tensor(_SHIFT).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor(_SCALE).view(1, 3, 1, 1), persistent=False)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the distances of pictures, 0 for equal ones.

        Args:
            a, b: N x 3 x H x W, RGB, 0..1, at least 32 x 32; gradients flow to those that want them.

        Returns:
            N, float32.

        Raises:
            ValueError: unequal shapes, or too small.
        """
        if a.shape != b.shape:
            raise ValueError(f"the pictures differ in shape: {tuple(a.shape)} and {tuple(b.shape)}")
        return self.distance(self.features(a), self.features(b))

    def features(self, pictures: Tensor) -> list[Tensor]:
        """Return each layer's unit-length features, to compare one picture with several by `distance`.

        Args:
            pictures: N x 3 x H x W, RGB, 0..1.

        Returns:
            Five tensors N x channels x height x width, float32.

        Raises:
            ValueError: too small, or not three channels.
        """
        if pictures.ndim != 4 or pictures.shape[1] != 3 or min(pictures.shape[2:]) < LEAST_SIDE:
            raise ValueError(f"LPIPS takes N x 3 x H x W from {LEAST_SIDE} x {LEAST_SIDE}, got {tuple(pictures.shape)}")
        x = (pictures * 2 - 1 - self.get_buffer("shift")) / self.get_buffer("scale")
        found = []
        for layer, (stride, padding) in enumerate(_LAYERS):
            if layer in _POOLED:
                x = functional.max_pool2d(x, 3, 2)
            weight, bias = self.get_buffer(f"conv{layer}_weight"), self.get_buffer(f"conv{layer}_bias")
            x = functional.relu(functional.conv2d(x, weight, bias, stride, padding))
            wide = x.float()
            # The tiny number under the root keeps the gradient finite where every feature is zero.
            length = (wide.square().sum(dim=1, keepdim=True) + _EPSILON**2).sqrt()
            found.append(wide / (length + _EPSILON))
        return found

    def distance(self, a: list[Tensor], b: list[Tensor]) -> Tensor:
        """Return the distances (N, float32) of pictures given by their `features`."""
        layers = [
            ((one - other).square() * self.get_buffer(f"lin{layer}")).sum(dim=1).mean(dim=(1, 2))
            for layer, (one, other) in enumerate(zip(a, b, strict=True))
        ]
        return torch.stack(layers).sum(dim=0)


def _initializers(path: Path) -> dict[str, Tensor]:
    import onnx

    proto = onnx.load(path)
    names = [f"lin{layer}" for layer in range(len(_LAYERS))]
    names += [f"conv{layer}.{kind}" for layer in range(len(_LAYERS)) for kind in ("weight", "bias")]
    arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    return {name: torch.from_numpy(arrays[name].copy()) for name in names}
