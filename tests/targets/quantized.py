"""Encodings for tests by plain minimum and maximum, the reference's results, and a graph with every kind of layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from converters.compress.quantize.data_free import layer_weight_encoding
from converters.compress.quantize.encodings import Encoding, Encodings, LayerEncoding, Scheme
from converters.compress.quantize.layers import Layer, effective_weights, find_layers
from converters.compress.quantize.qdq import build_qdq
from converters.model.graph import Model, SourceInfo
from converters.model.signature import Role, Signature, TensorInfo
from converters.runtimes.base import Array, Arrays
from converters.targets.matching import graph_values


def encoding_of(low: float, high: float, bits: int) -> Encoding:
    if bits == 16:
        largest = max(-low, high, 1e-6)
        return Encoding(16, True, largest / 32767, 0, -largest, largest)
    scale = max((high - low) / 255, 1e-6)
    return Encoding(8, False, scale, round(-128 - low / scale), low, high)


def min_max_encodings(
    model: Model, feeds: Sequence[Arrays], folder: Path, scheme_of: Callable[[Layer], Scheme]
) -> Encodings:
    """Return Encodings of a scheme per layer, ranges by plain minimum and maximum over `feeds`."""
    layers = find_layers(model.proto)
    names = sorted({name for layer in layers for name in (layer.input, layer.output)})
    ranges = dict.fromkeys(names, (0.0, 0.0))
    for feed in feeds:
        for name, values in graph_values(model.proto, feed, names, folder).items():
            low, high = ranges[name]
            ranges[name] = (min(low, float(values.min())), max(high, float(values.max())))
    found = {}
    for layer in layers:
        scheme = scheme_of(layer)
        bits = scheme.activation_bits
        found[layer.name] = LayerEncoding(
            scheme,
            layer_weight_encoding(effective_weights(model.proto, None, layer.weight), layer, scheme)
            if scheme is not Scheme.FLOAT
            else None,
            encoding_of(*ranges[layer.input], bits) if bits else None,
            encoding_of(*ranges[layer.output], bits) if bits else None,
        )
    return Encodings(found, origin="a test")


def reference_results(model: Model, encodings: Encodings, feeds: Arrays) -> Arrays:
    """Return what the reference graph makes of `feeds`, with every QuantizeLinear and DequantizeLinear carried out."""
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    options.log_severity_level = 3
    proto = build_qdq(model, encodings)
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [info.name for info in model.signature.outputs]
    return dict(zip(names, session.run(names, feeds), strict=True))


def decibels(got: Array, want: Array) -> float:
    """Return the PSNR of `got` against the span of `want`; -inf where a value is no number."""
    if got.shape != want.shape or not np.isfinite(got.astype(np.float64)).all():
        return float("-inf")
    error = float(np.mean((got.astype(np.float64) - want.astype(np.float64)) ** 2))
    return float("inf") if error == 0 else float(10 * np.log10(float(np.ptp(want.astype(np.float64))) ** 2 / error))


def zoo(*, transposed: bool = True) -> Model:
    """Return a graph of every kind of layer that can be quantized, with what targets fuse into them.

    Strided, padded, depth-wise, grouped, dilated and transposed convolutions; Relu, Relu6, LeakyRelu and none behind
    them; a layer read by two; two layers of the same weights; a channel without weights and with a large bias; Gemm and
    MatMul with an addition behind.

    Args:
        transposed: False for a 1x1 convolution in place of the transposed one, which onnx2tf cannot convert here.
    """
    generator = np.random.default_rng(0)
    nodes: list[onnx.NodeProto] = []
    weights: list[onnx.TensorProto] = []

    def constant(name: str, values: Array) -> str:
        weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def random(name: str, *shape: int, scale: float = 1.0) -> str:
        spread = scale * np.sqrt(2 / max(np.prod(shape[1:]), 1))
        return constant(name, (generator.standard_normal(shape) * spread).astype(np.float32))

    def node(kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], name=f"node_{output}", **attributes))
        return output

    def convolution(x: str, name: str, out: int, inside: int, side: int = 3, **attributes: object) -> str:
        bias = random(f"{name}.b", out, scale=0.1)
        return node("Conv", [x, random(f"{name}.w", out, inside, side, side), bias], name, **attributes)

    zero, six = constant("zero", np.float32(0)), constant("six", np.float32(6))
    same = {"pads": [1, 1, 1, 1]}
    x = node("Relu", [convolution("picture", "strided", 16, 3, strides=[2, 2], **same)], "strided_relu")
    x = node("Clip", [convolution(x, "depthwise", 16, 1, group=16, **same), zero, six], "relu6")
    x = node("LeakyRelu", [convolution(x, "grouped", 16, 4, group=4, **same)], "leaky", alpha=0.1)
    x = both = convolution(x, "dilated", 16, 16, dilations=[2, 2], pads=[2, 2, 2, 2])
    twin_weights, twin_bias = random("twin.w", 16, 16, 3, 3), random("twin.b", 16)
    for place in ("one", "two"):
        x = node("Relu", [node("Conv", [x, twin_weights, twin_bias], place, **same)], f"{place}_relu")
    x = node("Add", [x, both], "joined")
    lone = generator.standard_normal((8, 16, 1, 1)).astype(np.float32) / 4
    lone[2] = 0
    bias = np.linspace(-1, 1, 8).astype(np.float32)
    x = node("Conv", [x, constant("pointwise.w", lone), constant("pointwise.b", bias)], "pointwise")
    if transposed:
        image = node("ConvTranspose", [x, random("up.w", 8, 4, 2, 2), random("up.b", 4)], "image", strides=[2, 2])
    else:
        image = convolution(x, "image", 4, 8, side=1)
    style = node("Gemm", ["vector", random("gemm.w", 12, 10), random("gemm.b", 12)], "gemm", transB=1)
    style = node("MatMul", [node("Relu", [style], "gemm_relu"), random("matmul.w", 12, 6)], "matmul")
    node("Add", [style, random("matmul.b", 6)], "scores")
    shape = (1, 4, 24, 20) if transposed else (1, 4, 12, 10)
    graph = helper.make_graph(
        nodes,
        "zoo",
        [
            helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, 24, 20]),
            helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, 10]),
        ],
        [
            helper.make_tensor_value_info(image, TensorProto.FLOAT, shape),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 6]),
        ],
        weights,
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    proto.ir_version = 8
    onnx.checker.check_model(proto, full_check=True)
    signature = Signature(
        (
            TensorInfo("picture", (1, 3, 24, 20), role=Role.IMAGE, layout="NCHW", value_range=(0.0, 1.0)),
            TensorInfo("vector", (1, 10), role=Role.EMBEDDING, layout="NC"),
        ),
        (TensorInfo("image", shape, layout="NCHW"), TensorInfo("scores", (1, 6), layout="NC")),
    )
    source = SourceInfo("zoo.onnx", "onnx", "0" * 64, 1)
    return Model(onnx.shape_inference.infer_shapes(proto), signature, "", source)


def zoo_feeds(count: int = 4) -> list[Arrays]:
    """Return feeds of `zoo`."""
    generator = np.random.default_rng(5)
    return [
        {
            "picture": generator.random((1, 3, 24, 20), np.float32),
            "vector": generator.standard_normal((1, 10)).astype(np.float32),
        }
        for _ in range(count)
    ]
