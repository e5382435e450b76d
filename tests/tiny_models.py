"""Small real graphs for tests: built in milliseconds, with the constructions that face models are made of."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from converters.model.graph import Model, SourceInfo
from converters.model.signature import ColourOrder, Role, Signature, TensorInfo


def tiny_swapper_proto(side: int = 32, width: int = 8, seed: int = 0) -> onnx.ModelProto:
    """Return a swapper in miniature: reflect pad, AdaIN steered by an embedding, resize, tanh, orphan `emap` last."""
    generator = np.random.default_rng(seed)
    initializers: list[onnx.TensorProto] = []
    nodes: list[onnx.NodeProto] = []

    def constant(name: str, value: np.ndarray) -> str:
        initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def weights(name: str, *shape: int) -> str:
        scale = np.sqrt(2 / np.prod(shape[1:]))
        return constant(name, (generator.standard_normal(shape) * scale).astype(np.float32))

    def node(kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], name=f"{kind}:{output}", **attributes))
        return output

    pads = constant("pads", np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64))
    x = node("Pad", ["target", pads], "padded", mode="reflect")
    x = node("Conv", [x, weights("encoder.weight", width, 3, 3, 3)], "encoded", strides=[2, 2])
    x = node("LeakyRelu", [x], "active", alpha=0.2)
    centred = node("Sub", [x, node("ReduceMean", [x], "mean", axes=[2, 3], keepdims=1)], "centred")
    square = node("Mul", [centred, centred], "square")
    variance = node("ReduceMean", [square], "variance", axes=[2, 3], keepdims=1)
    deviation = node("Sqrt", [node("Add", [variance, constant("epsilon", np.float32(1e-8))], "safe")], "deviation")
    normal = node("Div", [centred, deviation], "normal")
    style = node("Gemm", ["source", weights("style.weight", 2 * width, 16)], "style", transB=1)
    style = node("Reshape", [style, constant("shape", np.array([1, 2 * width, 1, 1], np.int64))], "style_map")
    axis = constant("axis", np.array([1], np.int64))
    first, middle, last = (constant(f"at{at}", np.array([at * width], np.int64)) for at in range(3))
    scale = node("Slice", [style, first, middle, axis], "scale")
    shift = node("Slice", [style, middle, last, axis], "shift")
    x = node("Add", [node("Mul", [normal, scale], "scaled"), shift], "styled")
    x = node("Relu", [x], "styled_active")
    factors = constant("factors", np.array([1, 1, 2, 2], np.float32))
    roi = constant("roi", np.array([], np.float32))
    x = node("Resize", [x, roi, factors], "doubled", mode="linear", coordinate_transformation_mode="half_pixel")
    x = node("Conv", [x, weights("decoder.weight", 3, width, 3, 3)], "drawn", pads=[1, 1, 1, 1])
    x = node("Tanh", [x], "signed")
    half = constant("half", np.float32(0.5))
    node("Add", [node("Mul", [x, half], "halved"), half], "output")
    constant("emap", generator.standard_normal((16, 16)).astype(np.float32))
    graph = helper.make_graph(
        nodes,
        "tiny_swapper",
        [
            helper.make_tensor_value_info("target", TensorProto.FLOAT, [1, 3, side, side]),
            helper.make_tensor_value_info("source", TensorProto.FLOAT, [1, 16]),
        ],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 3, side, side])],
        initializers,
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    proto.ir_version = 8
    return onnx.shape_inference.infer_shapes(proto)


def tiny_swapper(side: int = 32, width: int = 8, seed: int = 0) -> Model:
    """Return `tiny_swapper_proto` as a Model with its signature."""
    shape = (1, 3, side, side)
    signature = Signature(
        (
            TensorInfo("target", shape, role=Role.IMAGE, layout="NCHW", colour=ColourOrder.RGB, value_range=(0.0, 1.0)),
            TensorInfo("source", (1, 16), role=Role.EMBEDDING, layout="NC"),
        ),
        (TensorInfo("output", shape, role=Role.IMAGE, layout="NCHW", colour=ColourOrder.RGB, value_range=(0.0, 1.0)),),
    )
    return Model(tiny_swapper_proto(side, width, seed), signature, "", SourceInfo("tiny.onnx", "onnx", "0" * 64, 1))
