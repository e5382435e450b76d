"""Models to calibrate: the smallest that have the inputs a test wants."""

from __future__ import annotations

from collections.abc import Sequence

import onnx
from onnx import TensorProto, helper

from converters.model.graph import Model, SourceInfo
from converters.model.signature import ColourOrder, Role, Signature, TensorInfo

KINDS = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64, "uint8": TensorProto.UINT8}


def picture(name: str = "input", side: int = 32, **facts: object) -> TensorInfo:
    """Return a picture input, RGB, 0..1."""
    usual = {"role": Role.IMAGE, "layout": "NCHW", "colour": ColourOrder.RGB, "value_range": (0.0, 1.0)}
    return TensorInfo(name, (1, 3, side, side), **{**usual, **facts})  # type: ignore[arg-type]


def model_of(inputs: Sequence[TensorInfo], family: str = "") -> Model:
    """Return a model that gives back its inputs."""
    graph = helper.make_graph(
        [helper.make_node("Identity", [each.name], [f"{each.name}_out"]) for each in inputs],
        "small",
        [helper.make_tensor_value_info(each.name, KINDS[each.dtype], each.shape) for each in inputs],
        [helper.make_tensor_value_info(f"{each.name}_out", KINDS[each.dtype], each.shape) for each in inputs],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    onnx.checker.check_model(proto)
    outputs = tuple(TensorInfo(f"{each.name}_out", each.shape, each.dtype) for each in inputs)
    return Model(proto, Signature(tuple(inputs), outputs), family, SourceInfo("small.onnx", "onnx", "0" * 64, 1))
