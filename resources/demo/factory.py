"""The demo swapper as a PyTorch network: what a trusted `FILE.py:FACTORY` looks like.

python main.py convert resources/demo/factory.py:swapper --trust --to mnn,tflite,coreml --out out
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from converters.model.architectures.inswapper import EMAP, Swapper, SwapperConfig

CHECKPOINT = Path(__file__).with_name("swapper.pth")


def swapper() -> tuple[nn.Module, dict[str, Tensor]]:
    """Return the trained network and example inputs by name."""
    state = torch.load(CHECKPOINT, map_location="cpu", weights_only=True)
    state.pop(EMAP)  # for face-swap programs; the network does not use it
    network = Swapper(SwapperConfig.of_width(state["encoder.3.weight"].shape[0]))
    network.load_state_dict(state)
    return network.eval(), {"target": torch.zeros(1, 3, 128, 128), "source": torch.zeros(1, 512)}
