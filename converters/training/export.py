"""From checkpoints to the files that ship: ONNX graphs, and the swapper's state dict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from converters.builtin import DEMO_EMBEDDER, DEMO_NAME, DEMO_SWAPPER
from converters.face.swap.opening import EMBEDDER_KEY
from converters.model.architectures.inswapper import EMAP, Inswapper, Swapper, SwapperConfig
from converters.model.network import append_orphans, graph_from_network
from converters.progress import Progress
from converters.runtimes.onnx import OnnxSession
from converters.training.embedder import IdentityEmbedder, embedder_input
from converters.training.evaluate import Embed, Swap
from converters.training.loop import read_average
from converters.training.swapper import WIDTH, fold_normalisations

if TYPE_CHECKING:
    import onnx


def swapper_network(weights: Mapping[str, Tensor]) -> Swapper:
    """Return the swapper with trained weights; keys it does not know (`emap`) are left out."""
    swapper = Swapper(SwapperConfig.of_width(WIDTH))
    swapper.load_state_dict({key: value for key, value in weights.items() if key != EMAP})
    return swapper.eval()


def embedder_network(weights: Mapping[str, Tensor]) -> IdentityEmbedder:
    """Return the embedder with trained weights, its normalisations folded into its convolutions."""
    embedder = IdentityEmbedder()
    embedder.load_state_dict(weights)
    embedder.eval()
    fold_normalisations(embedder)
    return embedder


def functions(runs: Path) -> tuple[Swap, Embed]:
    """Return the trained swapper and embedder of a folder of checkpoints as functions of tensors, in float32."""
    swapper = swapper_network(read_average(runs / "swapper"))
    embedder = embedder_network(read_average(runs / "embedder"))

    def embed(crops: Tensor) -> Tensor:
        return functional.normalize(embedder(embedder_input(crops)))

    return swapper, embed


@contextmanager
def shipped_functions() -> Iterator[tuple[Swap, Embed]]:
    """Open the demo model that ships as functions of tensors, run by ONNX Runtime."""
    with OnnxSession(DEMO_SWAPPER) as swapper, OnnxSession(DEMO_EMBEDDER) as embedder:

        def swap(targets: Tensor, sources: Tensor) -> Tensor:
            pairs = zip(targets.split(1), sources.split(1), strict=True)  # type: ignore[no-untyped-call]
            made = [swapper.run({"target": one.numpy(), "source": other.numpy()})["output"] for one, other in pairs]
            return torch.from_numpy(np.concatenate(made))

        def embed(crops: Tensor) -> Tensor:
            inputs = embedder_input(crops).split(1)  # type: ignore[no-untyped-call]
            found = [embedder.run({"input": one.numpy()})["embedding"] for one in inputs]
            return functional.normalize(torch.from_numpy(np.concatenate(found)))

        yield swap, embed


def swapper_graph(swapper: nn.Module) -> onnx.ModelProto:
    """Return the graph that face-swap programs open; its `emap` (last) is the identity matrix."""
    architecture = Inswapper()
    examples = {name: torch.zeros(shape) for name, shape in architecture.inputs(SwapperConfig.of_width(WIDTH)).items()}
    proto = graph_from_network(swapper, examples, architecture.outputs, Progress())
    append_orphans(proto, {EMAP: torch.eye(512)})
    proto.graph.name = "demo_swapper"
    proto.metadata_props.add(key=EMBEDDER_KEY, value=DEMO_NAME)
    return proto


def embedder_graph(embedder: nn.Module) -> onnx.ModelProto:
    """Return the graph: `input` 1x3x112x112 (RGB, -1..1) -> `embedding` 1x512, raw."""
    proto = graph_from_network(embedder, {"input": torch.zeros(1, 3, 112, 112)}, ("embedding",), Progress())
    proto.graph.name = "demo_embedder"
    return proto


def write_checkpoint(swapper: nn.Module, path: Path) -> None:
    """Write a state dict with `emap` at its end, as `torch.load(weights_only=True)` reads it."""
    state = {key: value.detach().clone().contiguous() for key, value in swapper.state_dict().items()}
    torch.save({**state, EMAP: torch.eye(512)}, path)
