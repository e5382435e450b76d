"""Which layers can be quantized, and where their results end."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from converters.compress.quantize.encodings import Encodings
from converters.compress.quantize.layers import effective_weights, find_layers, with_replaced
from tests.tiny_models import tiny_swapper


def graph(*nodes: onnx.NodeProto, outputs: tuple[str, ...] = ("y",), **weights: np.ndarray) -> onnx.ModelProto:
    proto = helper.make_graph(
        list(nodes),
        "layers",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(values, np.float32), name) for name, values in weights.items()],
    )
    return helper.make_model(proto, opset_imports=[helper.make_opsetid("", 17)])


CONV = helper.make_node("Conv", ["x", "w", "b"], ["c"], "conv")
WEIGHTS = {"w": np.ones((4, 3, 1, 1)), "b": np.ones(4)}


def test_a_swapper_has_its_convolutions_and_styles() -> None:
    found = find_layers(tiny_swapper().proto)
    assert [(layer.operator, layer.output, layer.bias, layer.axis) for layer in found] == [
        ("Conv", "encoded", "", 0),
        ("Gemm", "style", "", 0),
        ("Conv", "drawn", "", 0),
    ]


@pytest.mark.parametrize(
    ("after", "constants", "output"),
    [
        (helper.make_node("Relu", ["c"], ["y"]), {}, "y"),
        (helper.make_node("Clip", ["c", "low", "high"], ["y"]), {"low": 0.0, "high": 6.0}, "y"),
        (helper.make_node("Clip", ["c", "low", "high"], ["y"]), {"low": 0.0, "high": 1.0}, "c"),
        (helper.make_node("Clip", ["c", "low"], ["y"]), {"low": 0.0}, "c"),
        (helper.make_node("LeakyRelu", ["c"], ["y"]), {}, "c"),
    ],
)
def test_what_targets_fuse_belongs_to_the_layer(after: onnx.NodeProto, constants: dict, output: str) -> None:
    (layer,) = find_layers(graph(CONV, after, **WEIGHTS, **constants))
    assert layer.output == output
    assert layer.result == "c"


def test_a_relu_is_the_layers_only_when_nobody_else_reads_the_plain_result() -> None:
    relu = helper.make_node("Relu", ["c"], ["y"])
    (layer,) = find_layers(graph(CONV, relu, outputs=("y", "c"), **WEIGHTS))
    assert layer.output == "c"
    other = helper.make_node("Neg", ["c"], ["z"])
    (layer,) = find_layers(graph(CONV, relu, other, outputs=("y", "z"), **WEIGHTS))
    assert layer.output == "c"


def test_only_constant_weights_and_plain_products_count() -> None:
    computed = helper.make_node("Conv", ["x", "x"], ["y"], "dynamic")
    assert find_layers(graph(computed)) == []
    scaled = helper.make_node("Gemm", ["x", "w"], ["y"], "scaled", alpha=2.0)
    assert find_layers(graph(scaled, w=np.ones((3, 4)))) == []
    assert find_layers(graph(helper.make_node("Gemm", ["x", "w"], ["y"], "g"), w=np.ones((3, 4))))[0].axis == 1
    assert find_layers(graph(helper.make_node("MatMul", ["x", "w"], ["y"], "m"), w=np.ones((3, 4))))[0].axis == 1
    assert find_layers(graph(helper.make_node("MatMul", ["w", "x"], ["y"], "m"), w=np.ones((3, 4)))) == []
    transposed = find_layers(graph(helper.make_node("ConvTranspose", ["x", "w"], ["y"]), w=np.ones((3, 4, 2, 2))))
    assert not transposed[0].has_integer_kernel


def test_nodes_without_a_name_of_their_own_are_called_by_their_result() -> None:
    first = helper.make_node("Conv", ["x", "w"], ["c"], "same")
    second = helper.make_node("Conv", ["c", "v"], ["y"], "same")
    found = find_layers(graph(first, second, w=np.ones((3, 3, 1, 1)), v=np.ones((3, 3, 1, 1))))
    assert [layer.name for layer in found] == ["c", "y"]


def test_no_two_layers_have_one_name() -> None:
    first = helper.make_node("Conv", ["x", "w"], ["c"])
    second = helper.make_node("Conv", ["c", "v"], ["y"], "c")
    found = find_layers(graph(first, second, w=np.ones((3, 3, 1, 1)), v=np.ones((3, 3, 1, 1))))
    assert [layer.name for layer in found] == ["c'", "c"]


@pytest.mark.parametrize(("shape", "is_layer"), [((4,), True), ((1, 4), True), ((1,), False), ((2, 4), False)])
def test_a_bias_is_one_number_for_each_channel(shape: tuple[int, ...], is_layer: bool) -> None:
    product = helper.make_node("Gemm", ["x", "w", "b"], ["y"], "g")
    assert len(find_layers(graph(product, w=np.ones((3, 4)), b=np.ones(shape)))) == is_layer


def test_replaced_values_take_the_initializers_place_in_a_copy() -> None:
    proto = graph(CONV, helper.make_node("Relu", ["c"], ["y"]), **WEIGHTS)
    encodings = Encodings({}, {"b": np.full(4, 7, np.float32)})
    changed = with_replaced(proto, encodings)
    assert effective_weights(changed, None, "b").tolist() == [7] * 4
    assert effective_weights(proto, encodings, "b").tolist() == [7] * 4
    assert effective_weights(proto, None, "b").tolist() == [1] * 4
