"""What converters need: the imported module traces, exports, and becomes Core ML and LiteRT."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from converters.torch_import.importer import import_model
from tests.torch_import.small_graphs import GRAPHS, Arrays, GraphWriter, run_onnx, tiny_swapper
from tests.torch_import.test_graphs import assert_close, faces, standin

TRACEABLE = ("tiny_swapper", "modulated_convolution", "group_normalised", "attention_block", "warped_volume")


def tensors(feeds: Arrays) -> tuple[torch.Tensor, ...]:
    return tuple(torch.from_numpy(feed) for feed in feeds.values())


@pytest.mark.parametrize("name", TRACEABLE)
def test_the_module_traces_without_a_warning(name: str) -> None:
    model, feeds = GRAPHS[name]()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("error", torch.jit.TracerWarning)
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        if name == "group_normalised":  # torch's own normalisations look at their input's size
            warnings.filterwarnings("ignore", category=torch.jit.TracerWarning, module=r"torch\.nn\..*")
        traced = torch.jit.trace(import_model(model), tensors(feeds), check_trace=False)
    assert_close([value.detach().numpy() for value in traced(*tensors(feeds))], run_onnx(model, feeds))


@pytest.mark.parametrize("name", TRACEABLE)
def test_the_module_exports(name: str) -> None:
    model, feeds = GRAPHS[name]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.export's own deprecations
        program = torch.export.export(import_model(model), tensors(feeds))
        results = program.module()(*tensors(feeds))
    assert_close([value.detach().numpy() for value in results], run_onnx(model, feeds))


def to_coreml(model: onnx.ModelProto, feeds: Arrays) -> object:
    from converters.runtimes.mil.coremltools_import import import_coremltools

    ct = import_coremltools()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # coremltools warns of this torch, and torch of tracing
        traced = torch.jit.trace(import_model(model), tensors(feeds), check_trace=False)
        return ct.convert(
            traced,
            convert_to="mlprogram",
            inputs=[ct.TensorType(name=name, shape=feed.shape) for name, feed in feeds.items()],
            compute_precision=ct.precision.FLOAT32,
            minimum_deployment_target=ct.target.iOS16,
            skip_model_load=True,
        )


def operators(converted: object) -> list[str]:
    program = converted.get_spec().mlProgram  # type: ignore[attr-defined]
    block = next(iter(program.functions["main"].block_specializations.values()))
    return [operation.type for operation in block.operations]


@pytest.mark.parametrize("name", TRACEABLE)
def test_miniatures_become_core_ml_programs(name: str) -> None:
    made = operators(to_coreml(*GRAPHS[name]()))
    assert any("conv" in kind or "matmul" in kind for kind in made)


def test_the_standin_becomes_a_core_ml_program(shared: Path) -> None:
    made = operators(to_coreml(standin(shared, 16), faces()))
    assert made.count("conv") == 20
    assert made.count("linear") == 12
    assert made.count("pad") == 14


SINGLE_OPERATORS = {
    "TopK": ((), {}),
    "Resize": (("", "scales"), {"mode": "cubic"}),
    "GridSample": (("grid",), {"mode": "bilinear"}),
    "AveragePool": ((), {"kernel_shape": [3, 3], "pads": [0, 1, 1, 1], "strides": [2, 2], "ceil_mode": 1}),
    "PRelu": (("slope",), {}),
    "DepthToSpace": ((), {"blocksize": 2}),
    "LpNormalization": ((), {"axis": 1}),
    "GatherND": (("pairs",), {}),
}


@pytest.mark.parametrize("kind", SINGLE_OPERATORS)
def test_operators_with_many_ways_to_be_built_suit_core_ml(kind: str) -> None:
    names, attributes = SINGLE_OPERATORS[kind]
    g = GraphWriter(opset=17)
    g.input("x", 1, 4, 8, 8)
    g.constant("scales", [1, 1, 2, 2])
    g.constant("grid", g.rng.uniform(-1, 1, (1, 6, 6, 2)))
    g.constant("slope", np.full((4, 1, 1), 0.2))
    g.constant("pairs", [[0, 1], [0, 2]], np.int64)
    made = g.op(
        kind, "x", *([g.ints(3)] if kind == "TopK" else names), outputs=2 if kind == "TopK" else 1, **attributes
    )
    assert operators(to_coreml(g.model(made), g.feeds))


def to_litert(model: onnx.ModelProto, feeds: Arrays) -> list[np.ndarray]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorFlow's and jax's own deprecations
        import litert_torch

        edge = litert_torch.convert(import_model(model), tensors(feeds))
        results = edge(*tensors(feeds))
    return [np.asarray(value) for value in (results if isinstance(results, (tuple, list)) else [results])]


@pytest.mark.slow
@pytest.mark.parametrize("name", TRACEABLE)
def test_miniatures_become_litert_models(name: str) -> None:
    model, feeds = GRAPHS[name]()
    assert_close(to_litert(model, feeds), run_onnx(model, feeds), tolerance=1e-4)


@pytest.mark.slow
def test_the_standin_becomes_a_litert_model(shared: Path) -> None:
    model, feeds = standin(shared, 16), faces()
    assert_close(to_litert(model, feeds), run_onnx(model, feeds), tolerance=1e-4)


def test_the_tiny_swapper_keeps_its_structure_in_core_ml() -> None:
    made = operators(to_coreml(*tiny_swapper()))
    assert made.count("conv") == 3
    assert "upsample_bilinear" in made
