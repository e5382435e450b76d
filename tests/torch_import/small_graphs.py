"""Small ONNX graphs with seeded random weights, written operator by operator, and their run in ONNX Runtime."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Arrays = dict[str, np.ndarray]


class GraphWriter:
    """Writes a graph node by node; every helper returns the name of the value it made."""

    def __init__(self, opset: int = 17, seed: int = 0) -> None:
        self.opset = opset
        self.rng = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.feeds: Arrays = {}

    def input(self, name: str, *shape: int, low: float = -1.0, high: float = 1.0) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        self.feeds[name] = self.rng.uniform(low, high, shape).astype(np.float32)
        return name

    def constant(self, name: str, value: object, dtype: type = np.float32) -> str:
        self.initializers.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def ints(self, *values: int) -> str:
        return self.constant(f"ints_{len(self.initializers)}", values, np.int64)

    def weight(self, name: str, *shape: int, scale: float = 0.3) -> str:
        return self.constant(name, self.rng.standard_normal(shape) * scale)

    def op(self, kind: str, *inputs: str, outputs: int = 1, **attributes: object) -> str:
        name = f"{kind}_{len(self.nodes)}"
        names = [f"{name}_output"] if outputs == 1 else [f"{name}_output_{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=name, **attributes))
        return names[0]

    def conv(self, value: str, name: str, channels: tuple[int, int], kernel: int, pad: int = 0, **more: object) -> str:
        into, out = channels
        weight = self.weight(f"{name}.weight", out, into, kernel, kernel)
        bias = self.weight(f"{name}.bias", out)
        return self.op("Conv", value, weight, bias, kernel_shape=[kernel] * 2, pads=[pad] * 4, **more)

    def model(self, *outputs: str, shape: tuple[int, ...] | None = None) -> onnx.ModelProto:
        """Return the graph; `shape` is that of the outputs, for operators whose shape ONNX does not infer."""
        values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in outputs]
        graph = helper.make_graph(self.nodes, "small", self.inputs, values, self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)
        return onnx.shape_inference.infer_shapes(model, data_prop=True)


def run_onnx(model: onnx.ModelProto, feeds: Arrays) -> list[np.ndarray]:
    """Return ONNX Runtime's outputs."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    # its optimizer computes a dequantized MatMul in int8, which is another model
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return list(session.run(None, feeds))


def tiny_swapper() -> tuple[onnx.ModelProto, Arrays]:
    """The inswapper kind in miniature: reflect pads, AdaIN from a Gemm, bilinear doubling, orphan emap last."""
    g = GraphWriter(opset=11)
    g.input("target", 1, 3, 16, 16, low=0)
    g.input("source", 1, 8)
    epsilon, one = g.constant("epsilon", 1e-8), g.constant("one", 1.0)
    x = g.op("Pad", "target", g.ints(0, 0, 1, 1, 0, 0, 1, 1), mode="reflect")
    x = g.op("LeakyRelu", g.conv(x, "encoder.0", (3, 6), 3, strides=[1, 1]), alpha=0.2)
    y = g.conv(g.op("Pad", x, g.ints(0, 0, 1, 1, 0, 0, 1, 1), mode="reflect"), "styles.0.conv1", (6, 6), 3)
    style = g.op(
        "Gemm", "source", g.weight("styles.0.linear.weight", 12, 8), g.weight("styles.0.linear.bias", 12), transB=1
    )
    style = g.op("Unsqueeze", g.op("Unsqueeze", style, axes=[2]), axes=[3])
    scale = g.op("Slice", style, g.ints(0), g.ints(6), g.ints(1))
    shift = g.op("Slice", style, g.ints(6), g.ints(12), g.ints(1))
    centred = g.op("Sub", y, g.op("ReduceMean", y, axes=[2, 3], keepdims=1))
    variance = g.op("ReduceMean", g.op("Mul", centred, centred), axes=[2, 3], keepdims=1)
    normal = g.op("Mul", centred, g.op("Div", one, g.op("Sqrt", g.op("Add", variance, epsilon))))
    x = g.op("Add", x, g.op("Relu", g.op("Add", g.op("Mul", normal, scale), shift)))
    empty = g.constant("roi", [])
    doubled = g.constant("scales", [1, 1, 2, 2])
    x = g.op("Resize", x, empty, doubled, mode="linear", coordinate_transformation_mode="pytorch_half_pixel")
    x = g.op("Tanh", g.conv(x, "decoder.0", (6, 3), 3, 1))
    x = g.op("Div", g.op("Add", x, one), g.constant("two", 2.0))
    g.weight("emap", 8, 8)
    return g.model(x), g.feeds


def modulated_convolution() -> tuple[onnx.ModelProto, Arrays]:
    """StyleGAN's: the kernel is scaled by a style and normalised at run time, then used with groups = batch."""
    g = GraphWriter(opset=13)
    g.input("picture", 1, 4, 8, 8)
    g.input("style", 1, 6)
    style = g.op(
        "Gemm", "style", g.weight("modulation.weight", 4, 6), g.constant("modulation.bias", np.ones(4)), transB=1
    )
    style = g.op("Reshape", style, g.ints(1, 1, 4, 1, 1))
    kernel = g.op("Mul", g.weight("conv.weight", 1, 5, 4, 3, 3), style)
    power = g.op("ReduceSum", g.op("Pow", kernel, g.constant("square", 2.0)), g.ints(2, 3, 4), keepdims=1)
    root = g.op("Sqrt", g.op("Add", power, g.constant("epsilon", 1e-8)))
    kernel = g.op("Reshape", g.op("Div", kernel, root), g.ints(5, 4, 3, 3))
    up = g.op("Transpose", g.op("Reshape", kernel, g.ints(1, 5, 4, 3, 3)), perm=[0, 2, 1, 3, 4])
    up = g.op("ConvTranspose", "picture", g.op("Reshape", up, g.ints(4, 5, 3, 3)), strides=[2, 2], pads=[1, 1, 1, 1])
    x = g.op("Conv", "picture", kernel, pads=[1, 1, 1, 1])
    noise = g.op("Mul", g.weight("noise", 1, 1, 8, 8), g.constant("noise_strength", [0.3]))
    return g.model(g.op("LeakyRelu", g.op("Add", x, noise), alpha=0.2), up), g.feeds


def group_normalised() -> tuple[onnx.ModelProto, Arrays]:
    """Group normalisation as torch exports it (through InstanceNormalization) and as an operator, with swish."""
    g = GraphWriter(opset=21)
    g.input("x", 1, 8, 6, 6)
    y = g.conv("x", "conv_in", (8, 8), 3, 1)
    z = g.op("Reshape", y, g.ints(0, 2, -1))
    z = g.op("InstanceNormalization", z, g.constant("ones", np.ones(2)), g.constant("zeros", np.zeros(2)))
    z = g.op("Reshape", z, g.op("Shape", y))
    z = g.op("Add", g.op("Mul", z, g.weight("norm1.weight", 8, 1, 1)), g.weight("norm1.bias", 8, 1, 1))
    z = g.op("Mul", z, g.op("Sigmoid", z))
    z = g.op("GroupNormalization", z, g.weight("norm2.weight", 8), g.weight("norm2.bias", 8), num_groups=4)
    return g.model(g.op("Add", z, y), shape=(1, 8, 6, 6)), g.feeds


def attention_block() -> tuple[onnx.ModelProto, Arrays]:
    """Self-attention over pixels from primitives, with the shape arithmetic that exporters leave behind."""
    g = GraphWriter(opset=17)
    g.input("x", 1, 8, 4, 4)
    normal = g.op(
        "LayerNormalization",
        g.op("Transpose", g.op("Reshape", "x", g.ints(0, 8, -1)), perm=[0, 2, 1]),
        g.weight("norm.weight", 8),
        g.weight("norm.bias", 8),
        axis=-1,
    )
    qkv = g.op("Add", g.op("MatMul", normal, g.weight("qkv.weight", 8, 24)), g.weight("qkv.bias", 24))
    batch = g.op("Unsqueeze", g.op("Gather", g.op("Shape", qkv), g.constant("zero", 0, np.int64), axis=0), g.ints(0))
    shape = g.op("Concat", batch, g.ints(16, 3, 2, 4), axis=0)
    split = g.op("Transpose", g.op("Reshape", qkv, shape), perm=[2, 0, 3, 1, 4])
    q, k, v = (g.op("Gather", split, g.constant(f"which_{index}", index, np.int64), axis=0) for index in range(3))
    scores = g.op("Mul", g.op("Einsum", q, k, equation="bhid,bhjd->bhij"), g.constant("scale", 0.5))
    mixed = g.op("MatMul", g.op("Softmax", scores, axis=-1), v)
    flat = g.op("Reshape", g.op("Transpose", mixed, perm=[0, 2, 1, 3]), g.ints(1, 16, 8))
    out = g.op("MatMul", flat, g.weight("out.weight", 8, 8))
    return g.model(
        g.op("Add", g.op("Reshape", g.op("Transpose", out, perm=[0, 2, 1]), g.ints(1, 8, 4, 4)), "x")
    ), g.feeds


def warped_volume() -> tuple[onnx.ModelProto, Arrays]:
    """LivePortrait's: a feature volume sampled at a 3-D grid, then folded into channels, shuffled into a picture."""
    g = GraphWriter(opset=20)
    g.input("volume", 1, 4, 4, 6, 5)
    g.input("grid", 1, 4, 6, 5, 3, low=-1.3, high=1.3)
    x = g.op("GridSample", "volume", "grid", mode="linear", padding_mode="zeros", align_corners=0)
    y = g.op("GridSample", "volume", "grid", mode="linear", padding_mode="border", align_corners=1)
    z = g.op("GridSample", "volume", "grid", mode="nearest", padding_mode="zeros", align_corners=0)
    x = g.op("Reshape", x, g.ints(1, 16, 6, 5))
    picture = g.op("DepthToSpace", g.conv(x, "head", (16, 12), 3, 1), blocksize=2, mode="CRD")
    return g.model(picture, y, z), g.feeds


GRAPHS = {
    "tiny_swapper": tiny_swapper,
    "modulated_convolution": modulated_convolution,
    "group_normalised": group_normalised,
    "attention_block": attention_block,
    "warped_volume": warped_volume,
}
