"""Swappers of any width with random weights, for tests and benchmarks: right in structure, their pictures are noise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from converters.progress import Progress

if TYPE_CHECKING:
    import onnx
    import torch


def generated_swapper(width: int = 64, seed: int = 0) -> onnx.ModelProto:
    """Return a graph with inswapper_128's interface and topology and seeded random weights.

    target 1x3x128x128 (RGB, 0..1) and source 1x512 -> output 1x3x128x128 (0..1); `emap` (512x512, float32) is the last
    initializer and unused.

    Args:
        width: channels of the style blocks, a multiple of 8; the published model has 1024.
        seed: equal seeds give equal weights.
    """
    import torch

    from converters.model.architectures.inswapper import EMAP, Inswapper, Swapper, SwapperConfig
    from converters.model.network import append_orphans, graph_from_network

    if width < 8 or width % 8:
        raise ValueError(f"width must be a positive multiple of 8, not {width}")
    generator = torch.Generator().manual_seed(seed)
    config = SwapperConfig.of_width(width)
    network = Swapper(config).eval()
    randomise(network, generator)
    architecture = Inswapper()
    examples = {name: torch.zeros(shape) for name, shape in architecture.inputs(config).items()}
    proto = graph_from_network(network, examples, architecture.outputs, Progress())
    proto.graph.name = "generated_swapper"
    turned, _ = torch.linalg.qr(torch.randn(512, 512, generator=generator))
    append_orphans(proto, {EMAP: turned})
    return proto


def randomise(network: torch.nn.Module, generator: torch.Generator) -> None:
    """Fill a swapper with weights that keep activations bounded: He-scaled kernels, styles near 1 and 0."""
    import torch

    from converters.model.architectures.layers import StyleLinear

    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
                fan_in = module.weight[0].numel()
                module.weight.normal_(0.0, math.sqrt(2.0 / fan_in), generator=generator)
                if module.bias is not None:
                    module.bias.normal_(0.0, 0.01, generator=generator)
        for module in network.modules():
            if isinstance(module, StyleLinear):
                module.linear.weight.mul_(0.3)
                module.linear.bias[: module.channels] += 1.0 - module.offset
