"""The program's own interface: names, precision, ranges, refusals."""

from __future__ import annotations

import weakref
from pathlib import Path

import numpy as np
import pytest
import torch

from converters.errors import BadInputError, CancelledError, UnsupportedError
from converters.progress import Progress
from converters.runtimes.mil.coremltools_import import import_coremltools
from converters.runtimes.mil.program import MilProgram, ProgramEdge
from converters.runtimes.mil.registry import operators
from tests.runtimes.mil.mil_packages import build, convert, saved
from tests.runtimes.mil.test_networks import make, samples

import_coremltools()
from coremltools.converters.mil.mil import Builder as mb  # noqa: E402, N813
from coremltools.converters.mil.mil import types  # noqa: E402


@pytest.fixture(scope="module")
def swapper(tmp_path_factory: pytest.TempPathFactory) -> MilProgram:
    net = make("swapper")
    path = saved(convert(net, samples(net)), tmp_path_factory.mktemp("swapper") / "swapper.mlpackage")
    return MilProgram.load(path)


@pytest.fixture
def feeds() -> dict[str, np.ndarray]:
    return {f"x{index}": value.numpy() for index, value in enumerate(samples(make("swapper")))}


def test_edges_are_described(swapper: MilProgram) -> None:
    assert swapper.inputs == (
        ProgramEdge("x0", (1, 3, 32, 32), "float16"),
        ProgramEdge("x1", (1, 16), "float16"),
    )
    assert swapper.outputs == (ProgramEdge("y0", (1, 3, 32, 32), "float16"),)
    assert swapper.opset == "CoreML6"
    assert swapper.metadata["com.github.apple.coremltools.source"].startswith("torch")


def test_every_intermediate_value_can_be_asked_for(swapper: MilProgram, feeds: dict[str, np.ndarray]) -> None:
    names = swapper.intermediate_names
    assert len(names) > 20
    assert "y0" in names
    together = swapper.run(feeds, list(names))
    assert set(together) == set(names)
    middle = names[len(names) // 2]
    alone = swapper.run(feeds, [middle])
    assert list(alone) == [middle]
    assert np.array_equal(alone[middle], together[middle])
    assert np.array_equal(swapper.run(feeds, ["x0", "y0"])["x0"], feeds["x0"].astype(np.float16))


def test_ranges_are_those_of_the_values(swapper: MilProgram, feeds: dict[str, np.ndarray]) -> None:
    second = {name: array * 0.5 - 0.1 for name, array in feeds.items()}
    consumed = iter([feeds, second])
    seen: list[str] = []
    ranges = swapper.activation_ranges(consumed, progress=Progress(lambda message: seen.append(message.detail)))
    assert next(consumed, None) is None
    assert seen == ["1 samples", "2 samples"]
    names = [name for name in swapper.intermediate_names if swapper.value_type(name).is_float]
    assert set(ranges) == {*names, "x0", "x1"}
    both = [swapper.run(sample, names, precision="fp32") for sample in (feeds, second)]
    for name in names:
        expected = min(float(run[name].min()) for run in both), max(float(run[name].max()) for run in both)
        assert ranges[name] == pytest.approx(expected)
    assert ranges["x0"][1] == pytest.approx(float(feeds["x0"].max()))


def test_collecting_ranges_can_be_cancelled(swapper: MilProgram, feeds: dict[str, np.ndarray]) -> None:
    with pytest.raises(CancelledError):
        swapper.activation_ranges([feeds], progress=Progress(is_cancelled=lambda: True))


def test_values_are_freed_after_their_last_use(
    swapper: MilProgram, feeds: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    alive: list[weakref.ref[torch.Tensor]] = []
    most = 0
    plain = operators()["conv"]

    def conv(call: object) -> object:
        nonlocal most
        most = max(most, sum(1 for reference in alive if reference() is not None))
        result = plain(call)  # type: ignore[arg-type]
        alive.append(weakref.ref(result))  # type: ignore[arg-type]
        return result

    monkeypatch.setitem(operators(), "conv", conv)  # type: ignore[arg-type]
    swapper.run(feeds, precision="fp32")
    assert len(alive) == 6
    assert most <= 2
    assert not any(reference() is not None for reference in alive)


def test_half_precision_overflows_as_on_the_device(tmp_path: Path) -> None:
    """300 squared is 90000, which half precision does not hold; the mean of squares must come out infinite."""
    model = build(
        lambda x: mb.reduce_mean(x=mb.square(x=x), axes=[1], keep_dims=False),
        {"x": ((1, 4), types.fp32)},
        "iOS16",
        "fp16",
    )
    program = MilProgram.load(saved(model, tmp_path / "square.mlpackage"))
    x = np.full((1, 4), 300.0, np.float32)
    (name,) = [edge.name for edge in program.outputs]
    assert np.isinf(program.run({"x": x})[name]).all()
    exact = program.run({"x": x}, precision="fp32")[name]
    assert exact.dtype == np.float32
    assert exact == pytest.approx(90000)


def test_values_declared_single_precision_are_never_rounded(tmp_path: Path) -> None:
    model = build(lambda x: mb.mul(x=x, y=np.float32(1 + 2**-20)), {"x": ((3,), types.fp32)}, "iOS16", "fp32")
    program = MilProgram.load(saved(model, tmp_path / "scale.mlpackage"))
    x = np.array([1, 2, 70000], np.float32)
    (name,) = [edge.name for edge in program.outputs]
    assert np.array_equal(program.run({"x": x}, precision="fp16")[name], x * np.float32(1 + 2**-20))


def test_unknown_operators_are_all_named_before_anything_runs(tmp_path: Path) -> None:
    ran: list[str] = []

    def function(x: object) -> object:
        noisy = mb.random_normal(shape=[2, 3], name="noise")
        return mb.add(x=mb.random_uniform(shape=[2, 3], name="more_noise"), y=mb.add(x=x, y=noisy))

    model = build(function, {"x": ((2, 3), types.fp32)}, "iOS16", "fp32")
    program = MilProgram.load(saved(model, tmp_path / "random.mlpackage"))
    missing = program.unsupported_operations()
    assert sorted(missing) == ["random_normal (noise)", "random_uniform (more_noise)"]
    with pytest.raises(UnsupportedError, match=r"2 operators.*random_.*random_"):
        program._executor.run({"x": torch.zeros(2, 3)}, ["noise"], False, lambda name, _value: ran.append(name))
    assert ran == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda feeds: {"x0": feeds["x0"]}, "needs the input x1"),
        (lambda feeds: {**feeds, "other": feeds["x1"]}, "no input other"),
        (lambda feeds: {**feeds, "x1": feeds["x1"][0]}, r"has shape \(1, 16\), got \(16,\)"),
        (lambda feeds: {**feeds, "x1": feeds["x1"].astype(np.complex64)}, "is float16, got complex64"),
    ],
)
def test_feeds_that_do_not_fit_are_refused(
    swapper: MilProgram, feeds: dict[str, np.ndarray], change: object, sentence: str
) -> None:
    with pytest.raises(BadInputError, match=sentence):
        swapper.run(change(feeds))  # type: ignore[operator]


def test_an_unknown_value_is_refused_with_a_suggestion(swapper: MilProgram, feeds: dict[str, np.ndarray]) -> None:
    with pytest.raises(BadInputError, match=r"no value 'y00'\. Did you mean 'y0'"):
        swapper.run(feeds, ["y00"])


def test_an_image_input_takes_pixels(tmp_path: Path) -> None:
    ct = import_coremltools()
    torch.manual_seed(2)
    net = torch.nn.Conv2d(3, 4, 3, padding=1).eval()
    image = ct.ImageType("x0", shape=(1, 3, 12, 10), scale=1 / 127.5, bias=[-1, -1, -1], color_layout="BGR")
    model = convert(net, [torch.rand(1, 3, 12, 10)], inputs=[image], precision="fp32")
    program = MilProgram.load(saved(model, tmp_path / "image.mlpackage"))
    assert program.inputs == (ProgramEdge("x0", (1, 3, 12, 10), "float32", "BGR"),)
    pixels = np.random.default_rng(0).integers(0, 256, (1, 3, 12, 10)).astype(np.uint8)
    with torch.no_grad():
        expected = net(torch.from_numpy(pixels).float() / 127.5 - 1).numpy()
    assert np.abs(program.run({"x0": pixels})["y0"] - expected).max() < 1e-5
