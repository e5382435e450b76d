"""Every architecture: recognised from its own keys at any width, told from the others, and equal to torch as ONNX."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from converters.model.architectures import ARCHITECTURES, nearest, recognise
from converters.model.architectures.base import Architecture
from converters.model.architectures.gfpgan import GfpganConfig
from converters.model.architectures.inswapper import SwapperConfig
from converters.model.architectures.iresnet import IResNetConfig
from converters.model.architectures.mobilefacenet import MobileFaceNetConfig
from converters.model.architectures.pfld import PfldConfig
from converters.model.architectures.retinaface import RetinaFaceConfig
from converters.model.architectures.simswap import SimSwapConfig
from converters.model.architectures.ultraface import UltraFaceConfig
from converters.model.network import graph_from_network
from converters.progress import Progress
from tests import graphs
from tests.generated import generated_swapper
from tests.model.small_sources import run_onnx

PFLD_BLOCKS = (*((8, 16, 8),) * 5, (8, 16, 16), *((16, 32, 16),) * 6, (16, 16, 4))
# Small relatives of every published network: (architecture's id, configuration, input shapes if not the usual ones).
SMALL: dict[str, tuple[str, Any, dict[str, tuple[int, ...]]]] = {
    "inswapper": ("inswapper", replace(SwapperConfig.of_width(16), blocks=2), {"target": (1, 3, 32, 32)}),
    "simswap": ("simswap", SimSwapConfig(4, (8, 12, 16), (12, 8, 4), 2, 64), {"target": (1, 3, 32, 32)}),
    "simswap deep": ("simswap", SimSwapConfig(4, (8, 12, 16, 16), (16, 12, 8, 4), 2), {"target": (1, 3, 32, 32)}),
    "iresnet": ("arcface_iresnet", IResNetConfig((2, 1, 2, 1), (4, 8, 12, 16), 4, 32, 3), {}),
    "mobilefacenet": (
        "mobilefacenet",
        MobileFaceNetConfig(8, (8, 16, 16), (16, 32, 64), (2, 3, 1), (16, 32, 32), 64, 7, 128),
        {},
    ),
    "retinaface": ("retinaface_mobilenet", RetinaFaceConfig(4, 16, 2), {"input": (1, 3, 96, 64)}),
    "retinaface wide": ("retinaface_mobilenet", RetinaFaceConfig(4, 128, 2), {"input": (1, 3, 64, 64)}),
    "ultraface rfb": ("ultraface", UltraFaceConfig(16, True, 120, 160), {}),
    "ultraface slim": ("ultraface", UltraFaceConfig(16, False, 120, 160), {}),
    "pfld": ("pfld", PfldConfig(8, PFLD_BLOCKS, 8, 16, 196), {}),
    "pfld depthwise": ("pfld", PfldConfig(8, PFLD_BLOCKS, 8, 16, 136, True, False), {}),
    "gfpgan": ("gfpgan", GfpganConfig((16, 16, 8, 8), (8, 8, 4, 4), 16, 2), {}),
    "gfpgan one style": ("gfpgan", GfpganConfig((16, 16, 8, 8), (8, 8, 4, 4), 16, 2, False, False), {}),
}
BY_ID = {architecture.id: architecture for architecture in ARCHITECTURES}


def test_every_architecture_is_tried() -> None:
    assert {identity for identity, _config, _shapes in SMALL.values()} == set(BY_ID)


@pytest.mark.parametrize("name", SMALL)
def test_onnx_equals_torch(name: str) -> None:
    identity, config, shapes = SMALL[name]
    architecture = BY_ID[identity]
    network = architecture.build(config).eval()
    graphs.randomise(network, 1)
    generator = torch.Generator().manual_seed(2)
    usual = {**architecture.inputs(config), **shapes}
    feeds = {key: torch.rand(shape, generator=generator) for key, shape in usual.items()}
    proto = graph_from_network(network, feeds, architecture.outputs, Progress())
    with torch.no_grad():
        wanted = network(*feeds.values())
    wanted = [wanted] if isinstance(wanted, torch.Tensor) else list(wanted)
    assert tuple(value.name for value in proto.graph.output) == architecture.outputs
    got = run_onnx(proto, **{key: value.numpy() for key, value in feeds.items()})
    for have, want in zip(got, wanted, strict=True):
        scale = float(want.abs().max())
        assert np.isfinite(have).all()
        assert have.std() > 1e-3 * scale  # not a constant
        assert np.abs(have - want.numpy()).max() <= 2e-5 * scale
        assert np.abs(have * 1.001 - want.numpy()).max() > 2e-5 * scale
    weights = {tensor.name for tensor in proto.graph.initializer}
    kernels = {key for key, value in network.state_dict().items() if value.ndim == 4 and "noise" not in key}
    kernels -= {key for key in kernels if key.startswith(("toRGB", "stylegan_decoder.constant", "stylegan_decoder.to"))}
    kernels -= {key for key in kernels if key.endswith("bias")}
    assert kernels <= weights
    assert not {"Shape", "Gather", "Constant", "Identity"} & {node.op_type for node in proto.graph.node}


@pytest.mark.parametrize("name", SMALL)
def test_recognised_from_keys_and_shapes_alone(name: str) -> None:
    identity, config, _shapes = SMALL[name]
    architecture = BY_ID[identity]
    keys = architecture.expected(config)
    found = recognise(keys)
    assert found is not None
    assert found.architecture.id == identity
    assert architecture.expected(found.config) == keys


@pytest.mark.parametrize("blocks", [(2, 2, 2, 2), (3, 4, 6, 3), (3, 4, 14, 3), (3, 13, 30, 3), (6, 26, 60, 6)])
def test_every_depth_of_iresnet(blocks: tuple[int, ...]) -> None:
    found = recognise(BY_ID["arcface_iresnet"].expected(IResNetConfig(blocks)))
    assert found is not None
    assert found.config.blocks == blocks


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=lambda architecture: str(architecture.id))
def test_published_size_is_recognised_and_a_changed_one_is_not(architecture: Architecture) -> None:
    keys = dict(architecture.expected(architecture.example()))
    found = recognise(keys)
    assert found is not None
    assert found.architecture is architecture
    key = next(reversed(keys))
    shape = keys.pop(key)
    assert recognise(keys) is None
    keys[key] = (*shape, 7)
    assert recognise(keys) is None
    close = nearest([keys])
    assert close is not None
    assert close.architecture is architecture
    assert key in close.missing


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=lambda architecture: str(architecture.id))
def test_impossible_sizes_are_not_recognised(architecture: Architecture) -> None:
    """A damaged file's widths of zero, or beyond all memory, lead to no network."""
    keys = architecture.expected(architecture.example())
    for size in (0, 2**40):
        assert recognise({key: (size,) * len(shape) for key, shape in keys.items()}) is None


def test_published_sizes() -> None:
    """Numbers told by the published files: parameters once norms are merged, or bytes of the ONNX file."""

    def network(identity: str, config: Any = None) -> nn.Module:
        architecture = BY_ID[identity]
        with torch.device("meta"):
            return architecture.build(config or architecture.example())

    def merged(module: nn.Module) -> int:
        norms = [norm for norm in module.modules() if isinstance(norm, nn.BatchNorm2d)]
        return sum(p.numel() for p in module.parameters()) - sum(2 * norm.num_features for norm in norms)

    assert merged(network("inswapper")) == 138_292_739
    assert merged(network("simswap")) == 220_195_852 // 4
    assert merged(network("simswap", SimSwapConfig(64, (128, 256, 512, 512), (512, 256, 128, 64)))) == 59_768_579
    iresnet = network("arcface_iresnet").state_dict()
    kept = {key: value.numel() for key, value in iresnet.items() if not key.endswith("num_batches_tracked")}
    # Of a norm that follows a convolution one vector stays, the bias.
    followers = ("bn2.running_mean", "bn3.running_mean", "downsample.1.running_mean")
    gone = 3 * sum(
        n for key, n in kept.items() if key == "bn1.running_mean" or (key[0] == "l" and key.endswith(followers))
    )
    graph_bytes = 174_388_474 - 4 * (sum(kept.values()) - gone)
    assert 0 < graph_bytes < 50_000
    gfpgan = network("gfpgan").state_dict()
    used = sum(
        value.numel() for key, value in gfpgan.items() if not key.startswith(("toRGB", "stylegan_decoder.style_mlp"))
    )
    assert 0 < 340_299_087 - 4 * used < 200_000


def test_generated_swapper_has_the_published_topology() -> None:
    proto = generated_swapper(8)
    counts = {kind: sum(node.op_type == kind for node in proto.graph.node) for kind in ("Pad", "Conv", "Gemm", "Slice")}
    assert (len(proto.graph.node), counts) == (238, {"Pad": 14, "Conv": 20, "Gemm": 12, "Slice": 24})
    last = proto.graph.initializer[-1]
    assert (last.name, list(last.dims)) == ("emap", [512, 512])
    assert all("emap" not in node.input for node in proto.graph.node)
    assert generated_swapper(8).SerializeToString() == proto.SerializeToString()
    assert generated_swapper(16, seed=1).SerializeToString() != proto.SerializeToString()
    rng = np.random.default_rng(0)
    target = rng.random((1, 3, 128, 128), dtype=np.float32)
    pictures = [run_onnx(proto, target=target, source=rng.standard_normal((1, 512)).astype("f"))[0] for _ in range(2)]
    assert all(picture.min() >= 0 and picture.max() <= 1 and picture.std() > 0.01 for picture in pictures)
    assert np.abs(pictures[0] - pictures[1]).max() > 0.01  # the embedding matters
    with pytest.raises(ValueError, match="multiple of 8"):
        generated_swapper(12)


@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        (graphs.simswap, {"width": 16, "side": 64}),
        (graphs.arcface_iresnet50, {"width": 4}),
        (graphs.gfpgan, {"width": 16, "side": 32}),
        (graphs.bisenet, {"width": 4, "side": 64}),
    ],
)
def test_test_graphs_are_bounded_and_lively(make: Any, arguments: dict[str, int]) -> None:
    proto = make(**arguments)
    rng = np.random.default_rng(0)

    def run() -> np.ndarray:
        feeds = {
            value.name: rng.standard_normal([dim.dim_value for dim in value.type.tensor_type.shape.dim]).astype("f")
            for value in proto.graph.input
        }
        return run_onnx(proto, **feeds)[0]

    first, second = run(), run()
    assert np.abs(first).max() < 50
    assert first.std() > 1e-2
    assert np.abs(first - second).max() > 1e-2
