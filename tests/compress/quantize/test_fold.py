"""Folding: what a network computes stays; layers end up with the weights they compute with, each its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from converters.compress.quantize import fold as module
from converters.compress.quantize.fold import fold_batch_norm
from converters.compress.quantize.layers import find_layers
from converters.errors import VerificationError
from converters.model.graph import Model, SourceInfo
from converters.model.rewrites.proof import prove
from converters.model.signature import Role, Signature, TensorInfo
from tests.tiny_models import tiny_swapper

WIDTH = 6


class Net:
    """A graph under construction, with constants of several kinds."""

    def __init__(self, opset: int = 13) -> None:
        self.generator = np.random.default_rng(0)
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.opset = opset

    def draw(self, *shape: int, positive: bool = False) -> np.ndarray:
        values = self.generator.standard_normal(shape).astype(np.float32)
        return np.abs(values) + np.float32(0.5) if positive else values * np.float32(0.4)

    def stored(self, name: str, value: np.ndarray) -> str:
        self.initializers.append(numpy_helper.from_array(value, name))
        return name

    def constant(self, name: str, value: np.ndarray) -> str:
        self.nodes.append(helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value, name)))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=f"{kind}:{output}", **attributes))
        return output

    def norm(self, source: str, output: str, size: int = WIDTH, **attributes: object) -> str:
        parts = [
            self.stored(f"{output}.{part}", self.draw(size, positive=part == "variance"))
            for part in ("scale", "shift", "mean", "variance")
        ]
        return self.node("BatchNormalization", [source, *parts], output, **attributes)

    def model(self, outputs: dict[str, tuple[int, ...]], side: int = 8) -> Model:
        self.stored("emap", self.draw(4, 4))
        shape = (1, 3, side, side)
        graph = helper.make_graph(
            self.nodes,
            "net",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name, size in outputs.items()],
            self.initializers,
        )
        proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)])
        proto.ir_version = 8
        onnx.checker.check_model(proto, full_check=True)
        signature = Signature(
            (TensorInfo("x", shape, role=Role.TENSOR, layout="NCHW"),),
            tuple(TensorInfo(name, size) for name, size in outputs.items()),
        )
        return Model(proto, signature, "", SourceInfo("net.onnx", "onnx", "0" * 64, 1))


def kinds(model: Model) -> Counter[str]:
    return Counter(node.op_type for node in model.proto.graph.node)


def plain_net(opset: int = 13) -> Model:
    """Return Conv, Conv without bias, ConvTranspose and Gemm, each with BatchNormalization behind it."""
    net = Net(opset)
    pads = [1, 1, 1, 1]
    x = net.node("Conv", ["x", net.stored("w1", net.draw(WIDTH, 3, 3, 3)), net.stored("b1", net.draw(WIDTH))], "c1")
    x = net.node("Relu", [net.norm(x, "n1", epsilon=1e-3)], "r1")
    x = net.norm(
        net.node("Conv", [x, net.constant("w2", net.draw(WIDTH, 1, 3, 3))], "c2", group=WIDTH, pads=pads), "n2"
    )
    x = net.norm(net.node("ConvTranspose", [x, net.stored("w3", net.draw(WIDTH, 4, 2, 2))], "c3"), "n3", 4)
    x = net.node("Flatten", [x], "flat")
    size = 4 * 7 * 7
    gemm = net.node("Gemm", [x, net.stored("w4", net.draw(5, size)), net.stored("b4", net.draw(5))], "g", transB=1)
    net.norm(gemm, "y", 5)
    return net.model({"y": (1, 5)})


def test_every_layer_takes_the_normalisation_behind_it() -> None:
    model = plain_net()
    before = model.proto.SerializeToString(deterministic=True)
    folded = fold_batch_norm(model)
    assert model.proto.SerializeToString(deterministic=True) == before
    assert kinds(folded)["BatchNormalization"] == kinds(folded)["Constant"] == 0
    assert len(find_layers(model.proto)) == 3
    layers = find_layers(folded.proto)
    assert [layer.operator for layer in layers] == ["Conv", "Conv", "ConvTranspose", "Gemm"]
    assert [layer.output for layer in layers] == ["r1", "n2", "n3", "y"]
    assert all(layer.bias for layer in layers)
    assert folded.proto.graph.initializer[-1].name == "emap"
    assert prove(model, folded).relative < 1e-5
    assert any("Largest difference" in note or "Bit-identical" in note for note in folded.notes)
    onnx.checker.check_model(folded.proto, full_check=True)
    assert fold_batch_norm(folded) is folded


def test_weights_that_two_layers_share_are_folded_for_each() -> None:
    net = Net()
    weight, bias = net.stored("w", net.draw(WIDTH, 3, 3, 3)), net.stored("b", net.draw(WIDTH))
    left = net.norm(net.node("Conv", ["x", weight, bias], "left"), "left_n")
    right = net.norm(net.node("Conv", ["x", weight, bias], "right"), "right_n")
    plain = net.node("Conv", ["x", weight, bias], "plain")
    net.node("Sum", [left, right, plain], "y")
    model = net.model({"y": (1, WIDTH, 6, 6)})
    folded = fold_batch_norm(model)
    layers = find_layers(folded.proto)
    assert len({layer.weight for layer in layers}) == len({layer.bias for layer in layers}) == 3
    assert layers[2].weight == "w"
    assert prove(model, folded).relative < 1e-5


def test_biases_that_layers_share_become_their_own() -> None:
    net = Net()
    bias = net.stored("b", np.zeros(WIDTH, np.float32))
    left = net.node("Conv", ["x", net.stored("w1", net.draw(WIDTH, 3, 3, 3)), bias], "left")
    right = net.node("Conv", ["x", net.stored("w2", net.draw(WIDTH, 3, 3, 3)), bias], "right")
    net.node("Add", [left, right], "y")
    model = net.model({"y": (1, WIDTH, 6, 6)})
    folded = fold_batch_norm(model)
    assert len({layer.bias for layer in find_layers(folded.proto)}) == 2
    assert prove(model, folded).exact
    assert fold_batch_norm(folded) is folded


def test_copies_and_transposes_of_constants_become_initializers() -> None:
    net = Net()
    weight = net.stored("w", net.draw(WIDTH, 3, 3, 3))
    x = net.node("Conv", ["x", net.node("Identity", [weight], "copied")], "c1", strides=[2, 2])
    x = net.node("Flatten", [x], "flat")
    turned = net.node("Transpose", [net.stored("m", net.draw(5, WIDTH * 9))], "turned", perm=[1, 0])
    net.node("MatMul", [x, turned], "y")
    model = net.model({"y": (1, 5)})
    assert not find_layers(model.proto)
    folded = fold_batch_norm(model)
    assert [layer.operator for layer in find_layers(folded.proto)] == ["Conv", "MatMul"]
    assert find_layers(folded.proto)[0].weight == "w"
    assert kinds(folded) == Counter(["Conv", "Flatten", "MatMul"])
    assert prove(model, folded).exact


def _two_readers(net: Net, x: str) -> str:
    return net.node("Add", [net.norm(x, "n"), x], "y")


def _in_training(net: Net, x: str) -> str:
    return net.norm(x, "y", training_mode=1)


def _through_relu(net: Net, x: str) -> str:
    return net.norm(net.node("Relu", [x], "r"), "y")


@pytest.mark.parametrize("follow", [_two_readers, _in_training, _through_relu])
def test_what_is_not_the_layers_alone_stays(follow: Callable[[Net, str], str]) -> None:
    net = Net()
    follow(net, net.node("Conv", ["x", net.stored("w", net.draw(WIDTH, 3, 3, 3))], "c"))
    model = net.model({"y": (1, WIDTH, 6, 6)}) if follow is not _in_training else None
    if model is None:  # training writes statistics, too; the graph need not run to be left alone
        graph = helper.make_graph(net.nodes, "net", [], [], net.initializers)
        proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)])
        assert not module.FOLD.apply(proto).count
        return
    assert fold_batch_norm(model) is model


def test_a_tensor_that_is_an_output_itself_stays() -> None:
    net = Net()
    x = net.node("Conv", ["x", net.stored("w", net.draw(WIDTH, 3, 3, 3))], "c")
    net.norm(x, "y")
    model = net.model({"c": (1, WIDTH, 6, 6), "y": (1, WIDTH, 6, 6)})
    assert fold_batch_norm(model) is model


def test_an_old_operator_set_is_raised() -> None:
    model = plain_net(9)
    folded = fold_batch_norm(model)
    assert folded.opset == 13
    assert "Raised from operator set 9 to 13." in folded.notes
    assert folded.proto.graph.initializer[-1].name == "emap"
    assert prove(model, folded).relative < 1e-5
    assert len(find_layers(folded.proto)) == 4


def test_a_wrong_factor_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = module._parts

    def wrong(*arguments: object) -> object:
        parts = right(*arguments)  # type: ignore[arg-type]
        assert parts is not None
        return parts[0] * 1.001, parts[1]

    monkeypatch.setattr(module, "_parts", wrong)
    with pytest.raises(VerificationError, match="does not keep its promise"):
        fold_batch_norm(plain_net())


def test_a_model_without_any_of_it_is_left_alone() -> None:
    model = tiny_swapper()
    assert fold_batch_norm(model) is model
