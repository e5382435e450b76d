"""The imported module trains, and its weights go back into the ONNX graph."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import fx

from converters.errors import UnsupportedError
from converters.torch_import.export import to_onnx
from converters.torch_import.importer import import_model
from tests.torch_import.small_graphs import GRAPHS, Arrays, GraphWriter, run_onnx, tiny_swapper
from tests.torch_import.test_graphs import assert_close, faces, run_torch, standin


def shake(module: fx.GraphModule, seed: int = 0) -> None:
    """Change every parameter a little."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)


def step(module: fx.GraphModule, feeds: Arrays) -> dict[str, torch.Tensor]:
    """Do one optimiser step towards zero; return every parameter's gradient."""
    optimizer = torch.optim.SGD(module.parameters(), lr=0.05)
    results = module(*(torch.from_numpy(feed) for feed in feeds.values()))
    sum(result.square().mean() for result in results).backward()
    gradients = {}
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        gradients[name] = parameter.grad.clone()
    optimizer.step()
    return gradients


@pytest.mark.parametrize("name", GRAPHS)
def test_one_step_changes_the_output_and_goes_back_into_the_graph(name: str) -> None:
    model, feeds = GRAPHS[name]()
    module = import_model(model)
    before = run_torch(module, feeds)
    step(module, feeds)
    after = run_torch(module, feeds)
    assert max(float(np.abs(a - b).max()) for a, b in zip(after, before, strict=True)) > 1e-6
    written = to_onnx(module, model)
    onnx.checker.check_model(written, full_check=True)
    assert [node.SerializeToString() for node in written.graph.node] == [
        node.SerializeToString() for node in model.graph.node
    ]
    assert [tensor.name for tensor in written.graph.initializer] == [tensor.name for tensor in model.graph.initializer]
    assert_close(run_onnx(written, feeds), after)
    with pytest.raises(AssertionError):  # the twin: the weights from before the step are not those of after
        assert_close(run_onnx(model, feeds), after, tolerance=1e-7)


def test_gradients_reach_every_weight_of_the_standin(shared: Path) -> None:
    model, feeds = standin(shared, 16), faces()
    module = import_model(model)
    gradients = step(module, feeds)
    weights = [tensor.name for tensor in model.graph.initializer if len(tensor.dims) and tensor.data_type == 1]
    trained = {name for name in weights if name.endswith((".weight", ".bias"))}
    assert set(gradients) == trained
    # a bias before a normalisation is subtracted again with the mean: its gradient is rounding
    silent = {name for name, gradient in gradients.items() if not gradient.abs().max() > 0}
    assert not {name for name in silent if name.endswith("weight")}
    written = to_onnx(module, model)
    assert written.graph.initializer[-1].name == "emap"
    assert written.graph.initializer[-1].raw_data == model.graph.initializer[-1].raw_data
    assert_close(run_onnx(written, feeds), run_torch(module, feeds), tolerance=1e-4)


def test_an_untrained_module_writes_the_same_file() -> None:
    for make in GRAPHS.values():
        model, _ = make()
        written = to_onnx(import_model(model), model)
        mine = {tensor.name: numpy_helper.to_array(tensor) for tensor in written.graph.initializer}
        theirs = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        assert list(mine) == list(theirs)
        assert all(np.array_equal(mine[name], theirs[name]) for name in mine)


def test_a_copy_of_the_module_can_be_written_back() -> None:
    model, feeds = tiny_swapper()
    module = copy.deepcopy(import_model(model))
    shake(module)
    assert_close(run_onnx(to_onnx(module, model), feeds), run_torch(module, feeds))


def computed_weights() -> tuple[onnx.ModelProto, Arrays]:
    """Weights that the graph itself computes: transposed, dequantized, split, and one in a Constant node."""
    g = GraphWriter(opset=13)
    g.input("x", 1, 4)
    a = g.op("MatMul", "x", g.op("Transpose", g.weight("stored", 6, 4), perm=[1, 0]))
    integers = g.constant("integers", g.rng.integers(-100, 100, (6, 5)), np.int8)
    b = g.op("MatMul", a, g.op("DequantizeLinear", integers, g.constant("step", 0.01)))
    half = g.op("Split", g.weight("both", 10, 3), outputs=2, axis=0)
    c = g.op("MatMul", b, half)
    d = g.op("MatMul", b, half[:-1] + "1")
    value = numpy_helper.from_array(g.rng.standard_normal((3, 3)).astype(np.float32), "")
    e = g.op("MatMul", d, g.op("Constant", value=value))
    g.weight("emap", 4, 4)
    return g.model(g.op("Add", c, e)), g.feeds


def test_computed_weights_become_initializers_and_emap_stays_last() -> None:
    model, feeds = computed_weights()
    module = import_model(model)
    assert_close(run_torch(module, feeds), run_onnx(model, feeds))
    unchanged = to_onnx(module, model)
    assert [node.name for node in unchanged.graph.node] == [node.name for node in model.graph.node]
    assert len(list(module.parameters())) == 5
    shake(module)
    written = to_onnx(module, model)
    onnx.checker.check_model(written, full_check=True)
    assert written.graph.initializer[-1].name == "emap"
    assert not {"Transpose", "DequantizeLinear", "Split", "Constant"} & {node.op_type for node in written.graph.node}
    assert not {"stored", "integers", "step", "both"} & {tensor.name for tensor in written.graph.initializer}
    assert_close(run_onnx(written, feeds), run_torch(module, feeds))


def test_what_cannot_be_written_back_is_refused() -> None:
    model, _ = tiny_swapper()
    module = import_model(model)
    narrow = copy.deepcopy(module)
    narrow.get_submodule("encoder.0").weight = torch.nn.Parameter(torch.zeros(5, 3, 3, 3))
    with pytest.raises(UnsupportedError, match=r"encoder\.0\.weight has shape \(5, 3, 3, 3\)"):
        to_onnx(narrow, model)
    with pytest.raises(UnsupportedError, match=r"is torch\.float16"):
        to_onnx(copy.deepcopy(module).half(), model)
    other = GraphWriter()
    other.input("x", 1, 4)
    with pytest.raises(UnsupportedError, match="no initializer"):
        to_onnx(module, other.model(other.op("Relu", "x")))
    foreign = fx.GraphModule(torch.nn.Module(), module.graph.__class__())
    with pytest.raises(UnsupportedError, match="not made by the importer"):
        to_onnx(foreign, model)


def test_layers_that_shared_a_weight_must_agree() -> None:
    g = GraphWriter()
    g.input("x", 1, 4, 5, 5)
    weight = g.weight("both", 4, 4, 3, 3)
    model = g.model(g.op("Conv", g.op("Conv", "x", weight, pads=[1] * 4), weight, pads=[1] * 4))
    module = import_model(model)
    layer = next(child for child in module.modules() if isinstance(child, torch.nn.Conv2d))
    layer.weight = torch.nn.Parameter(layer.weight.detach() + 1)
    with pytest.raises(UnsupportedError, match="both has different values"):
        to_onnx(module, model)
