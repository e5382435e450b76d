"""Small model files of every kind, made on the spot."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn


class SmallNetwork(nn.Module):
    """Picture 1x3x8x8 -> 5 numbers; no architecture of the product."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.linear = nn.Linear(4, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(self.conv(x).relu().mean((2, 3)))


def small_network(seed: int = 0) -> SmallNetwork:
    torch.manual_seed(seed)
    return SmallNetwork().eval()


def small_proto(
    shape: tuple[int | str, ...] = (1, 3, 8, 8), opset: int = 13, change: Callable[[onnx.ModelProto], Any] | None = None
) -> onnx.ModelProto:
    """Conv, Relu, and an orphan `emap` as the last weight; `change` may damage it."""
    rng = np.random.default_rng(0)
    nodes = [
        helper.make_node("Conv", ["input", "weight", "bias"], ["convolved"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["convolved"], ["output"], name="relu"),
    ]
    weights = [
        numpy_helper.from_array(rng.standard_normal((16, 3, 3, 3)).astype(np.float32), "weight"),
        numpy_helper.from_array(rng.standard_normal(16).astype(np.float32), "bias"),
        numpy_helper.from_array(rng.standard_normal((4, 4)).astype(np.float32), "emap"),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, list(shape))],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [None] * 4)],
        weights,
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    if change is not None:
        change(proto)
    return proto


def write_onnx(path: Path, proto: onnx.ModelProto | None = None) -> Path:
    path.write_bytes((proto or small_proto()).SerializeToString())
    return path


def with_external(path: Path, location: str, **entries: object) -> Path:
    """Write the small model with `weight` kept at `location`, whatever that is; the weights' file is not written."""
    proto = small_proto()
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, str(value)
    return write_onnx(path, proto)


def weight_bytes() -> bytes:
    return bytes(small_proto().graph.initializer[0].raw_data)


def write_zip(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def run_onnx(proto: onnx.ModelProto, **feeds: np.ndarray) -> list[np.ndarray]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return list(session.run(None, feeds))
