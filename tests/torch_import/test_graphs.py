"""Whole graphs against ONNX Runtime: miniatures of the families, and real and stand-in files where they are at hand."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from converters.errors import BadInputError, UnsupportedError
from converters.torch_import.importer import import_model, summary, unsupported_nodes
from tests.torch_import.small_graphs import GRAPHS, Arrays, GraphWriter, run_onnx, tiny_swapper


def run_torch(module: torch.nn.Module, feeds: Arrays) -> list[np.ndarray]:
    with torch.no_grad():
        return [value.numpy() for value in module(*(torch.from_numpy(feed) for feed in feeds.values()))]


def assert_close(results: list[np.ndarray], expected: list[np.ndarray], tolerance: float = 1e-5) -> None:
    assert len(results) == len(expected)
    for result, wanted in zip(results, expected, strict=True):
        assert result.shape == wanted.shape
        assert result.dtype == wanted.dtype
        np.testing.assert_allclose(result, wanted, rtol=0, atol=tolerance * max(1.0, float(np.abs(wanted).max())))


def standin(shared: Path, width: int) -> onnx.ModelProto:
    spec = importlib.util.spec_from_file_location("inswapper_standin", shared / "tools" / "inswapper_standin.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.build(width)


def faces(seed: int = 0) -> Arrays:
    rng = np.random.default_rng(seed)
    return {
        "target": rng.uniform(0, 1, (1, 3, 128, 128)).astype(np.float32),
        "source": rng.standard_normal((1, 512)).astype(np.float32),
    }


@pytest.mark.parametrize("name", GRAPHS)
def test_miniatures_agree_with_onnx_runtime(name: str) -> None:
    model, feeds = GRAPHS[name]()
    assert_close(run_torch(import_model(model), feeds), run_onnx(model, feeds))


@pytest.mark.parametrize("name", GRAPHS)
def test_a_changed_weight_is_noticed(name: str) -> None:
    """The twin: one weight off by a tenth must fail the same comparison."""
    model, feeds = GRAPHS[name]()
    module = import_model(model)
    with torch.no_grad():
        next(iter(module.parameters())).add_(0.1)
    with pytest.raises(AssertionError):
        assert_close(run_torch(module, feeds), run_onnx(model, feeds))


def test_the_standin_agrees_and_is_made_of_layers(shared: Path) -> None:
    model, feeds = standin(shared, 64), faces()
    module = import_model(model)
    assert_close(run_torch(module, feeds), run_onnx(model, feeds), tolerance=1e-4)  # 20 layers in another order
    counts = summary(module)
    assert counts["Conv2d"] == 20
    assert counts["Linear"] == 12
    assert "styles.0.conv1.weight" in dict(module.named_parameters())
    assert not any("emap" in name for name, _ in module.named_parameters())


@pytest.mark.parametrize("name", ["pfld", "ultraface_version-RFB-320", "yunet_n_dynamic"])
def test_real_files_agree(shared: Path, name: str) -> None:
    model = onnx.load(shared / "models" / f"{name}.onnx")
    for value in model.graph.input:
        for axis, size in zip(value.type.tensor_type.shape.dim, (1, 3, 640, 640), strict=False):
            axis.dim_value = axis.dim_value or size
    del model.graph.value_info[:]
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    given = {tensor.name for tensor in model.graph.initializer}
    rng = np.random.default_rng(0)
    feeds = {
        value.name: rng.standard_normal([axis.dim_value for axis in value.type.tensor_type.shape.dim]).astype(
            np.float32
        )
        for value in model.graph.input
        if value.name not in given
    }
    module = import_model(model)
    assert_close(run_torch(module, feeds), run_onnx(model, feeds))
    assert "gather" not in " ".join(summary(module)).lower()  # shape arithmetic is folded


def test_names_survive() -> None:
    model, _ = tiny_swapper()
    module = import_model(model)
    parameters = dict(module.named_parameters())
    assert set(parameters) == {
        f"{layer}.{kind}"
        for layer in ("encoder.0", "styles.0.conv1", "styles.0.linear", "decoder.0")
        for kind in ("weight", "bias")
    }
    assert all(parameter.requires_grad for parameter in parameters.values())
    named = {node.meta["onnx_name"] for node in module.graph.nodes if "onnx_name" in node.meta}
    made = {name for node in model.graph.node for name in node.output}
    assert {"target", "source", model.graph.output[0].name} <= named
    assert len(named & made) >= 20
    nodes = {node.meta.get("onnx_node") for node in module.graph.nodes}
    assert {node.name for node in model.graph.node if node.op_type == "Conv"} <= nodes


def test_every_unknown_node_is_named_before_any_work() -> None:
    g = GraphWriter()
    g.input("x", 1, 4)
    first = g.op("Relu", "x")
    g.nodes.append(helper.make_node("FusedConv", [first], ["a"], name="fused", domain="com.microsoft"))
    g.nodes.append(helper.make_node("Quux", ["a"], ["b"], name="unheard_of"))
    g.nodes.append(helper.make_node("StringNormalizer", ["b"], ["c"], name="text"))
    graph = helper.make_graph(g.nodes, "g", g.inputs, [helper.make_tensor_value_info("c", 1, None)])
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    )
    sentences = unsupported_nodes(model)
    assert len(sentences) == 3
    with pytest.raises(UnsupportedError) as caught:
        import_model(model)
    for name in ("fused", "FusedConv", "unheard_of", "Quux", "text", "StringNormalizer"):
        assert name in str(caught.value)
    assert "Relu" not in str(caught.value)


def test_every_misused_node_is_named_at_once() -> None:
    g = GraphWriter()
    g.input("x", 1, 4)
    g.inputs.append(helper.make_tensor_value_info("shape", TensorProto.INT64, [2]))
    a = g.op("Reshape", "x", "shape")
    b = g.op("Expand", "x", "shape")
    graph = helper.make_graph(g.nodes, "g", g.inputs, [helper.make_tensor_value_info(n, 1, None) for n in (a, b)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    assert unsupported_nodes(model) == []
    with pytest.raises(UnsupportedError, match=r"2 nodes.*Reshape_0.*only known when the model runs.*Expand_1"):
        import_model(model)


def test_a_dynamic_axis_is_refused() -> None:
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", 1, ["n", 3])],
        [helper.make_tensor_value_info("y", 1, None)],
    )
    with pytest.raises(BadInputError, match="x has dynamic axes"):
        import_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]))


def test_a_constant_condition_is_resolved_and_a_live_one_refused() -> None:
    def branch(kind: str) -> onnx.GraphProto:
        node = helper.make_node(kind, ["x"], [f"{kind}_result"])
        return helper.make_graph([node], kind, [], [helper.make_tensor_value_info(f"{kind}_result", 1, None)])

    node = helper.make_node("If", ["c"], ["y"], then_branch=branch("Neg"), else_branch=branch("Exp"))
    x, y = helper.make_tensor_value_info("x", 1, [2]), helper.make_tensor_value_info("y", 1, None)
    fixed = helper.make_graph([node], "g", [x], [y], [numpy_helper.from_array(np.array(False), "c")])
    module = import_model(helper.make_model(fixed, opset_imports=[helper.make_opsetid("", 17)]))
    torch.testing.assert_close(module(torch.tensor([0.0, 1.0]))[0], torch.tensor([1.0, np.e]))
    live = helper.make_graph([node], "g", [x, helper.make_tensor_value_info("c", TensorProto.BOOL, [])], [y])
    assert len(unsupported_nodes(helper.make_model(live, opset_imports=[helper.make_opsetid("", 17)]))) == 1


def test_half_precision_graphs_stay_half() -> None:
    model, feeds = tiny_swapper()
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and tensor.name not in ("scales", "roi"):
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), tensor.name))
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        if value.type.tensor_type.elem_type == TensorProto.FLOAT:
            value.type.tensor_type.elem_type = TensorProto.FLOAT16
    halves = {name: value.astype(np.float16) for name, value in feeds.items()}
    module = import_model(model)
    assert all(parameter.dtype is torch.float16 for parameter in module.parameters())
    assert_close(run_torch(module, halves), run_onnx(model, halves), tolerance=2e-2)


def test_one_weight_in_two_layers_is_one_parameter() -> None:
    g = GraphWriter()
    g.input("x", 1, 4, 5, 5)
    weight = g.weight("shared.weight", 4, 4, 3, 3)
    y = g.op("Conv", g.op("Conv", "x", weight, pads=[1] * 4), weight, pads=[1] * 4)
    model = g.model(y)
    module = import_model(model)
    assert len(list(module.parameters())) == 1
    assert_close(run_torch(module, g.feeds), run_onnx(model, g.feeds))


def test_huge_constants_are_not_folded() -> None:
    g = GraphWriter()
    g.input("x", 1, 1)
    big = g.op("Expand", g.constant("small", np.ones((1, 1))), g.ints(4096, 4096))
    model = g.model(g.op("ReduceMax", g.op("Mul", big, "x"), keepdims=0))
    module = import_model(model)
    stored = sum(tensor.numel() for tensor in (*module.parameters(), *module.buffers()))
    assert stored < 1000
    assert_close(run_torch(module, g.feeds), run_onnx(model, g.feeds))


def test_nothing_warns_and_the_graph_is_not_changed() -> None:
    model, feeds = tiny_swapper()
    before = model.SerializeToString()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run_torch(import_model(model), feeds)
    assert model.SerializeToString() == before
