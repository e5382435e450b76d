"""Small models to compare, and what is wrong with some of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.tiny_models import tiny_swapper_proto

SIDE = 64


def write_swapper(path: Path, *, noise: float = 0.0, nan: bool = False, side: int = SIDE) -> Path:
    """Write the tiny swapper; `noise` moves its weights, `nan` breaks one."""
    proto = tiny_swapper_proto(side)
    generator = np.random.default_rng(1)
    for tensor in proto.graph.initializer:
        if tensor.name.endswith(".weight"):
            values = numpy_helper.to_array(tensor)
            values = values + (noise * values.std() * generator.standard_normal(values.shape)).astype(np.float32)
            if nan and tensor.name == "decoder.weight":
                values.flat[0] = np.nan
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    onnx.save(proto, str(path))
    return path


def write_embedder(path: Path) -> Path:
    """Write a recogniser in miniature: 1 x 3 x 112 x 112 -> 1 x 512, random but steady."""
    generator = np.random.default_rng(2)
    kernel = generator.standard_normal((32, 3, 7, 7)).astype(np.float32) / 12
    matrix = generator.standard_normal((32 * 16, 512)).astype(np.float32) / 22
    nodes = [
        helper.make_node("Conv", ["input", "kernel"], ["seen"], strides=[7, 7]),
        helper.make_node("Relu", ["seen"], ["active"]),
        helper.make_node("AveragePool", ["active"], ["pooled"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["embedding"]),
    ]
    graph = helper.make_graph(
        nodes,
        "embedder",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 112, 112])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, 512])],
        [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(matrix, "matrix")],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    proto.ir_version = 8
    onnx.save(proto, str(path))
    return path
