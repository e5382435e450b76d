"""Graphs of a few nodes, and stand-ins that have a published model's structure without its weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from converters.model.families import Family, FamilyTensor
from converters.model.graph import Model, SourceInfo
from converters.model.understand import describe

Shape = Sequence[int | str]
FLOAT = TensorProto.FLOAT


def graph(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Shape],
    outputs: Mapping[str, Shape],
    constants: Mapping[str, Any] | None = None,
    opset: int = 17,
    types: Mapping[str, int] | None = None,
) -> onnx.ModelProto:
    """Return a checked model; float32 edges unless `types` says otherwise."""
    kind = types or {}

    def values(edges: Mapping[str, Shape]) -> list[onnx.ValueInfoProto]:
        return [
            helper.make_tensor_value_info(name, kind.get(name, FLOAT), list(shape)) for name, shape in edges.items()
        ]

    initializers = [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()]
    made = helper.make_graph(list(nodes), "small", values(inputs), values(outputs), initializers)
    proto: onnx.ModelProto = helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)])
    proto.ir_version = 8
    onnx.checker.check_model(proto, full_check=True)
    return proto


def node(operator: str, inputs: Sequence[str], outputs: Sequence[str] | str, **attributes: Any) -> onnx.NodeProto:
    """Return a node named after its first output."""
    results = [outputs] if isinstance(outputs, str) else list(outputs)
    made: onnx.NodeProto = helper.make_node(
        operator, list(inputs), results, name=f"{operator}_{results[0]}", **attributes
    )
    return made


def model(proto: onnx.ModelProto, name: str = "small.onnx") -> Model:
    """Return a Model as loading would make it."""
    signature, family = describe(proto)
    return Model(proto, signature, family, SourceInfo(name, "generated", "0" * 64, 0))


def weights(*shape: int, seed: int = 0) -> np.ndarray:
    """Return seeded float32 weights."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def adain(width: int = 8, side: int = 12, epsilon: float = 1e-8, opset: int = 17) -> onnx.ModelProto:
    """Return a convolution, written-out normalisation and a style that is one Gemm for scale and shift."""
    ones = {"axes": [2, 3]} if opset < 18 else {}
    extra = ["axes"] if opset >= 18 else []
    lift = [node("Unsqueeze", ["style", "lifted"], "style4")]
    nodes = [
        node("Conv", ["target", "w"], "x", pads=[1, 1, 1, 1]),
        node("ReduceMean", ["x", *extra], "mean", keepdims=1, **ones),
        node("Sub", ["x", "mean"], "centred"),
        node("Mul", ["centred", "centred"], "square"),
        node("ReduceMean", ["square", *extra], "variance", keepdims=1, **ones),
        node("Add", ["variance", "epsilon"], "guarded"),
        node("Sqrt", ["guarded"], "deviation"),
        node("Div", ["one", "deviation"], "inverse"),
        node("Mul", ["centred", "inverse"], "normal"),
        node("Gemm", ["source", "sw", "sb"], "style", transB=1),
        *lift,
        node("Slice", ["style4", "zero", "width", "axis"], "scale"),
        node("Slice", ["style4", "width", "double", "axis"], "shift"),
        node("Mul", ["normal", "scale"], "scaled"),
        node("Add", ["scaled", "shift"], "output"),
    ]
    constants = {
        "w": weights(width, 3, 3, 3),
        "epsilon": np.array(epsilon, np.float32),
        "one": np.array(1, np.float32),
        "sw": weights(2 * width, 512, seed=1) * np.float32(0.1),
        "sb": weights(2 * width, seed=2),
        "lifted": np.array([2, 3], np.int64),
        "zero": np.array([0], np.int64),
        "width": np.array([width], np.int64),
        "double": np.array([2 * width], np.int64),
        "axis": np.array([1], np.int64),
        "axes": np.array([2, 3], np.int64),
        "emap": weights(512, 512, seed=3),
    }
    if opset >= 18:
        return graph(
            nodes,
            {"target": [1, 3, side, side], "source": [1, 512]},
            {"output": [1, width, side, side]},
            constants,
            opset,
        )
    constants = {name: value for name, value in constants.items() if name != "axes"}
    return graph(
        nodes, {"target": [1, 3, side, side], "source": [1, 512]}, {"output": [1, width, side, side]}, constants, opset
    )


def inswapper(width: int, half: bool = False) -> onnx.ModelProto:
    """Return the topology of inswapper_128: shapes and operators are right, weights have no bytes.

    As published: an encoder of four convolutions, six style blocks of two, a decoder of four.
    """
    nodes: list[onnx.NodeProto] = []
    initializers: list[onnx.TensorProto] = []
    kind = TensorProto.FLOAT16 if half else FLOAT

    def declare(name: str, *shape: int) -> str:
        size = int(np.prod(shape)) * (2 if half else 4)
        initializers.append(
            TensorProto(name=name, data_type=kind, dims=shape, raw_data=bytes(size if size < 4096 else 0))
        )
        return name

    def op(operator: str, inputs: Sequence[str], **attributes: Any) -> str:
        name = f"t{len(nodes)}"
        nodes.append(helper.make_node(operator, list(inputs), [name], name=f"n{len(nodes)}", **attributes))
        return name

    def conv(x: str, cin: int, cout: int, kernel: int, stride: int = 1) -> str:
        number = len(nodes)
        pair = [declare(f"w{number}", cout, cin, kernel, kernel), declare(f"b{number}", cout)]
        return op("Conv", [x, *pair], kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[kernel // 2] * 4)

    def style(x: str) -> str:
        mean = op("ReduceMean", [x], axes=[2, 3])
        centred = op("Sub", [x, mean])
        variance = op("ReduceMean", [op("Mul", [centred, centred])], axes=[2, 3])
        normal = op("Div", [centred, op("Sqrt", [op("Add", [variance, "epsilon"])])])
        number = len(nodes)
        linear = [declare(f"s{number}", 2 * width, 512), declare(f"sb{number}", 2 * width)]
        both = op("Unsqueeze", [op("Gemm", ["source", *linear], transB=1)], axes=[2, 3])
        halves = [f"scale{number}", f"shift{number}"]
        nodes.append(helper.make_node("Split", [both], halves, axis=1, split=[width, width]))
        return op("Add", [op("Mul", [normal, halves[0]]), halves[1]])

    x = conv("target", 3, width // 8, 7)
    x = conv(x, width // 8, width // 4, 3)
    x = conv(x, width // 4, width // 2, 3, 2)
    x = conv(x, width // 2, width, 3, 2)
    for _ in range(6):
        x = op("Add", [x, style(conv(style(conv(x, width, width, 3)), width, width, 3))])
    x = conv(op("Resize", [x, "", "scales"], mode="linear"), width, width // 2, 3)
    x = conv(op("Resize", [x, "", "scales"], mode="linear"), width // 2, width // 4, 3)
    x = conv(x, width // 4, width // 8, 3)
    nodes.append(helper.make_node("Tanh", [conv(x, width // 8, 3, 7)], ["output"]))
    initializers.append(numpy_helper.from_array(np.array(1e-8, np.float16 if half else np.float32), "epsilon"))
    initializers.append(numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "scales"))
    initializers.append(TensorProto(name="emap", data_type=FLOAT, dims=[512, 512]))
    value = helper.make_tensor_value_info
    made = helper.make_graph(
        nodes,
        "inswapper",
        [value("target", FLOAT, [1, 3, 128, 128]), value("source", FLOAT, [1, 512])],
        [value("output", FLOAT, [1, 3, 128, 128])],
        initializers,
    )
    proto: onnx.ModelProto = helper.make_model(made, opset_imports=[helper.make_opsetid("", 11)])
    return proto


def stand_in(known: Family, entry: Family) -> onnx.ModelProto:
    """Return a graph with a family's edges and the numbers its structure asks for, weights without bytes.

    Args:
        known: whose edges.
        entry: whose structure (another family where `known` is listed as `same_as` it).
    """
    structure = entry.structure
    assert structure is not None
    wanted = {name: _middle(limits) for name, limits in structure.numbers.items()}
    nodes: list[onnx.NodeProto] = []
    initializers: list[onnx.TensorProto] = []
    kind = TensorProto.FLOAT16 if wanted.pop("half", 0) >= 0.5 else FLOAT
    inputs = [_edge(tensor, f"in{place}") for place, tensor in enumerate(known.inputs) if not tensor.optional]
    first = inputs[0].name

    def declare(name: str, *shape: int) -> str:
        size = int(np.prod(shape)) * (2 if kind == TensorProto.FLOAT16 else 4)
        data = bytes(size if size < 4096 else 0)
        initializers.append(TensorProto(name=name, data_type=kind, dims=shape, raw_data=data))
        return name

    parameters = int(wanted.pop("parameters", 0))
    if "output_width_modulo_128" in wanted:
        wanted["output_width"] = 512
    outputs = [
        _edge(tensor, f"out{place}", int(wanted.get("output_width", 0)))
        for place, tensor in enumerate(known.outputs)
        if not tensor.optional
    ]
    width = int(wanted.pop("centring_width", 0))
    for place in range(int(wanted.pop("centrings", 0))):
        used = declare(f"gain{place}", max(width, 1)), declare(f"offset{place}", max(width, 1))
        nodes.append(helper.make_node("InstanceNormalization", [first, *used], [f"norm{place}"]))
    dilated = int(wanted.pop("dilated_convolutions", 0))
    grouped = int(wanted.pop("grouped_convolutions", 0))
    convolutions = int(wanted.pop("operators.Conv", 0))
    for place in range(max(convolutions, dilated)):
        kernel = declare(f"kernel{place}", 2, 1, 1, 1)
        spread = [2, 2] if place < dilated else [1, 1]
        group = 3 if place < grouped else 1
        nodes.append(helper.make_node("Conv", [first, kernel], [f"conv{place}"], dilations=spread, group=group))
    for name, count in wanted.items():
        if name.startswith("operators."):
            operator = name.removeprefix("operators.")
            nodes += [helper.make_node(operator, [first], [f"{operator}{place}"]) for place in range(int(count))]
    while len(nodes) < int(wanted.get("nodes", 0)):
        nodes.append(helper.make_node("Relu", [first], [f"relu{len(nodes)}"]))
    rest = parameters - sum(int(np.prod(tensor.dims)) for tensor in initializers)
    used = [declare("bulk", rest)] if rest > 1 else []
    nodes.append(helper.make_node("Concat", [value.name for value in inputs] + used, [outputs[0].name], axis=0))
    nodes += [helper.make_node("Relu", [first], [value.name]) for value in outputs[1:]]
    made = helper.make_graph(nodes, "stand_in", inputs, outputs, initializers)
    proto: onnx.ModelProto = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)])
    return proto


def _middle(limits: tuple[float | None, float | None]) -> float:
    low, high = limits
    if low is None or high is None:
        return low if low is not None else high or 0
    return low if low == high else round((low + high) / 2) if high > 1 else high


def _edge(tensor: FamilyTensor, name: str, width: int = 0) -> onnx.ValueInfoProto:
    shape: list[int] | None = None
    if tensor.shape is not None:
        shape = [size if isinstance(size, int) else 256 for size in tensor.shape]
        if width:
            shape[-1] = width
    elif tensor.elements:
        shape = [1, tensor.elements]
    kind = TensorProto.DOUBLE if tensor.dtype == "float64" else FLOAT
    value: onnx.ValueInfoProto = helper.make_tensor_value_info(tensor.name or name, kind, shape)
    return value
