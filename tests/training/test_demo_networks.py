"""The networks of the demo model: what they export, that every weight learns, and how they are judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch.nn import functional

from converters.errors import BadInputError
from converters.model.source import load
from converters.progress import Progress
from converters.samples import draw_picture
from converters.training.embedder import EmbedderTask, IdentityEmbedder, embedder_input
from converters.training.evaluate import contact_sheet, measure, random_pairs
from converters.training.export import (
    embedder_graph,
    embedder_network,
    swapper_graph,
    swapper_network,
    write_checkpoint,
)
from converters.training.faces import FaceCrops, held_out_names, read_faces
from converters.training.loop import Schedule, train
from converters.training.swapper import SwapperTask, new_swapper


def drawn_crops(count: int) -> FaceCrops:
    pictures = np.stack([draw_picture(seed)[48:208, 48:208] for seed in range(count)])
    return FaceCrops(
        tuple(f"{index}.png" for index in range(count)), torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy())
    )


@pytest.fixture(scope="module")
def embedder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("embedder")
    schedule = Schedule(2, batch=6)
    train(EmbedderTask(drawn_crops(6), schedule), schedule, folder, Progress())
    return folder


def run(proto: onnx.ModelProto, **feeds: torch.Tensor) -> torch.Tensor:
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {name: value.numpy() for name, value in feeds.items()})[0])


def largest_difference(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).abs().max() / b.abs().max())


def test_exported_embedder_is_the_network_with_its_normalisations_folded() -> None:
    torch.manual_seed(0)
    network = IdentityEmbedder().train()
    with torch.no_grad():
        network(torch.rand(4, 3, 112, 112))  # moves the running statistics away from 0 and 1
    picture = torch.rand(1, 3, 112, 112) * 2 - 1
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    with torch.no_grad():
        wanted = network.eval()(picture)
    proto = embedder_graph(embedder_network(weights))
    assert largest_difference(run(proto, input=picture), wanted) < 1e-4
    assert "BatchNormalization" not in {node.op_type for node in proto.graph.node}
    broken = {**weights, "body.17.running_mean": weights["body.17.running_mean"] + 1.0}
    assert largest_difference(run(embedder_graph(embedder_network(broken)), input=picture), wanted) > 1e-3


def test_exported_swapper_and_its_checkpoint_are_the_network(tmp_path: Path) -> None:
    torch.manual_seed(0)
    trained = new_swapper()
    network = swapper_network(trained.state_dict())
    target, source = torch.rand(1, 3, 128, 128), functional.normalize(torch.randn(1, 512))
    with torch.no_grad():
        wanted = network(target, source)
        assert largest_difference(trained(target, source), wanted) < 1e-4  # the trained normalisation is the same
    proto = swapper_graph(network)
    assert largest_difference(run(proto, target=target, source=source), wanted) < 1e-4
    assert proto.graph.initializer[-1].name == "emap"
    write_checkpoint(network, tmp_path / "swapper.pth")
    loaded = load(tmp_path / "swapper.pth")
    assert loaded.proto.graph.initializer[-1].name == "emap"
    assert largest_difference(run(loaded.proto, target=target, source=source), wanted) < 1e-4
    assert largest_difference(run(loaded.proto, target=target, source=-source), wanted) > 1e-3


def test_every_weight_of_the_swapper_learns(embedder_folder: Path) -> None:
    task = SwapperTask(drawn_crops(6), Schedule(10, batch=4), embedder_folder)
    first = task.step(0, torch.Generator().manual_seed(0))
    assert "fooled" not in first
    before = {name: [value.clone() for value in network.parameters()] for name, network in task.networks.items()}
    losses = task.step(5, torch.Generator().manual_seed(0))
    assert {"fooled", "discriminator", "identity", "difference"} <= set(losses)
    assert all(torch.isfinite(value) for value in losses.values())
    for name, network in task.networks.items():
        for old, (key, new) in zip(before[name], network.named_parameters(), strict=True):
            # the discriminator's last biases are pulled both ways at first
            if name == "swapper" or ".4." not in key or "bias" not in key:
                assert not torch.equal(old, new), f"{name}.{key} did not learn"
    assert all(not value.requires_grad for value in task.embedder.parameters())


def test_figures_of_swaps_that_are_known() -> None:
    crops = drawn_crops(6).middle()

    def embed(pictures: torch.Tensor) -> torch.Tensor:
        return functional.normalize(functional.avg_pool2d(pictures, 16).flatten(1) - 0.5)

    identities = embed(crops)

    def keep(targets: torch.Tensor, _sources: torch.Tensor) -> torch.Tensor:
        return targets.clamp(0.001, 0.999) + 0.001

    def replace(_targets: torch.Tensor, sources: torch.Tensor) -> torch.Tensor:
        return crops[(sources @ identities.T).argmax(1)]

    kept = measure(keep, embed, crops, pairs=12)
    assert kept.nearer == 0
    assert kept.self_psnr > 55
    assert kept.lpips < 0.01
    assert kept.around_psnr > 55
    replaced = measure(replace, embed, crops, pairs=12)
    assert replaced.nearer == 1
    assert replaced.to_source > 0.999
    assert replaced.lpips > 0.1
    assert replaced.around_psnr < 40
    sheet = contact_sheet(replace, embed, crops[:3], crops[:2])
    assert sheet.shape == (3 * 132, 4 * 132, 3)
    assert (sheet[:132, :132] == 255).all()


def test_pairs_are_of_two_different_people() -> None:
    first, second = random_pairs(7, 500, 0)
    assert set(first) == set(second) == set(range(7))
    assert not (first == second).any()


def test_embedder_sees_the_arcface_112_framing() -> None:
    crops = torch.rand(1, 3, 128, 128)
    assert torch.equal(embedder_input(crops), crops[:, :, :112, 8:120] * 2 - 1)


def test_held_out_faces_are_kept_apart(tmp_path: Path, shared: Path) -> None:
    training, held_out = read_faces(shared / "faces")
    assert len(held_out.names) == len(held_out_names()) == 100
    assert not set(held_out.names) & set(training.names)
    assert held_out.pixels.shape == (100, 3, 160, 160)
    with pytest.raises(BadInputError, match="no folder"):
        read_faces(tmp_path / "absent")
