"""Whole networks, converted by coremltools and carried out from the saved package, against torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from converters.runtimes.mil.coremltools_import import import_coremltools
from converters.runtimes.mil.program import MilProgram
from tests.runtimes.mil.mil_packages import convert, decibels, relative_error, saved
from tests.runtimes.mil.nets import GridSampler, SmallRecogniser, SmallSwapper, SmallTransformer, Upsampler

FP32_LIMIT = 1e-5
FP16_LIMIT = 40.0

NETS: dict[str, Any] = {
    "swapper": SmallSwapper,
    "recogniser": SmallRecogniser,
    "transformer": SmallTransformer,
    "upsampler": Upsampler,
    "grid_zeros": lambda: GridSampler("bilinear", "zeros", False),
    "grid_border": lambda: GridSampler("bilinear", "border", True),
    "grid_reflection": lambda: GridSampler("bilinear", "reflection", True),
    "grid_symmetric": lambda: GridSampler("bilinear", "reflection", False),
    "grid_nearest": lambda: GridSampler("nearest", "zeros", False),
}


def samples(net: torch.nn.Module) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    if isinstance(net, GridSampler):
        picture = torch.rand(net.shapes[0], generator=generator)
        return [picture, torch.rand(net.shapes[1], generator=generator) * 2.4 - 1.2]
    return [torch.rand(shape, generator=generator) for shape in net.shapes]


def make(name: str) -> torch.nn.Module:
    torch.manual_seed(7)
    net: torch.nn.Module = NETS[name]()
    return net.eval()


def both(name: str, folder: Path, **options: Any) -> tuple[MilProgram, dict[str, Any], Any]:
    """Return the loaded program, its feeds and torch's own result."""
    net = make(name)
    inputs = samples(net)
    with torch.no_grad():
        expected = net(*inputs).numpy()
    path = saved(convert(net, inputs, **options), folder / "net.mlpackage")
    return MilProgram.load(path), {f"x{index}": value.numpy() for index, value in enumerate(inputs)}, expected


@pytest.mark.parametrize("name", NETS)
def test_fp32_agrees_with_torch(name: str, tmp_path: Path) -> None:
    program, feeds, expected = both(name, tmp_path, precision="fp32")
    assert program.unsupported_operations() == []
    result = program.run(feeds, precision="fp32")["y0"]
    assert result.dtype == np.float32
    assert relative_error(result, expected) <= FP32_LIMIT


@pytest.mark.parametrize("name", [name for name in NETS if name != "grid_nearest"])
def test_fp16_is_close_to_torch(name: str, tmp_path: Path) -> None:
    program, feeds, expected = both(name, tmp_path, precision="fp16")
    rounded = program.run(feeds)["y0"]
    if name == "upsampler":  # the channel of arg-max jumps where two channels are as good as equal
        rounded, expected = np.delete(rounded, 4, 1), np.delete(expected, 4, 1)
    assert decibels(rounded, expected) > FP16_LIMIT


@pytest.mark.parametrize("target", ["iOS15", "iOS16", "iOS17", "iOS18"])
def test_every_deployment_target(target: str, tmp_path: Path) -> None:
    version = getattr(import_coremltools().target, target)
    for name in ("swapper", "recogniser", "transformer"):
        folder = tmp_path / name
        folder.mkdir()
        program, feeds, expected = both(name, folder, precision="fp32", minimum_deployment_target=version)
        assert relative_error(program.run(feeds)["y0"], expected) <= FP32_LIMIT, name


def test_a_corrupted_weight_is_noticed(tmp_path: Path) -> None:
    """The twin of the two tests above: one changed weight must break both limits."""
    net = make("swapper")
    inputs = samples(net)
    with torch.no_grad():
        expected = net(*inputs).numpy()
        net.last.weight[0, 0, 3, 3] += 0.5
    feeds = {f"x{index}": value.numpy() for index, value in enumerate(inputs)}
    for precision in ("fp32", "fp16"):
        path = saved(convert(net, inputs, precision=precision), tmp_path / f"{precision}.mlpackage")
        result = MilProgram.load(path).run(feeds)["y0"]
        assert relative_error(result, expected) > 100 * FP32_LIMIT
        assert decibels(result, expected) < FP16_LIMIT


def test_a_corrupted_result_is_noticed(tmp_path: Path) -> None:
    """The measures themselves can fail: a result shifted by one pixel, or off by a hundredth of its range."""
    program, feeds, expected = both("swapper", tmp_path, precision="fp32")
    result = program.run(feeds)["y0"]
    assert decibels(np.roll(result, 1, axis=3), expected) < FP16_LIMIT
    assert relative_error(result + 0.01 * np.ptp(result), expected) > FP32_LIMIT
    assert decibels(result + 0.02 * np.ptp(result), expected) < FP16_LIMIT


def test_flexible_shapes_run_at_every_size(tmp_path: Path) -> None:
    ct = import_coremltools()
    torch.manual_seed(1)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2)).eval()
    flexible = ct.TensorType("x0", shape=(1, 3, ct.RangeDim(8, 64, default=16), ct.RangeDim(8, 64, default=16)))
    model = convert(net, [torch.rand(1, 3, 16, 16)], inputs=[flexible], precision="fp32")
    program = MilProgram.load(saved(model, tmp_path / "flexible.mlpackage"))
    assert program.inputs[0].shape == (1, 3, -1, -1)
    for height, width in ((16, 16), (10, 32)):
        x = torch.rand(1, 3, height, width)
        with torch.no_grad():
            assert relative_error(program.run({"x0": x.numpy()})["y0"], net(x)) <= FP32_LIMIT
