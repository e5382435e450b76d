"""Small real networks for the face pipeline, run by ONNX Runtime: what goes in can be read off what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from converters.model.signature import ColourOrder, Role, Signature, TensorInfo
from converters.runtimes.base import Arrays
from converters.runtimes.onnx import OnnxSession, open_proto
from tests.generated import generated_swapper

Nodes = Sequence[tuple[str, Sequence[str], Sequence[str], dict[str, object]]]


@cache
def _generated(seed: int) -> bytes:
    data: bytes = generated_swapper(8, seed).SerializeToString()
    return data


def small_swapper(seed: int = 0) -> onnx.ModelProto:
    """Return a swapper of the inswapper kind, 8 channels wide, with random weights; made once, copied each time."""
    return onnx.ModelProto.FromString(_generated(seed))


def graph(
    inputs: dict[str, tuple[int, ...]],
    outputs: dict[str, tuple[int, ...]],
    nodes: Nodes,
    constants: dict[str, np.ndarray] | None = None,
    types: dict[str, int] | None = None,
) -> onnx.ModelProto:
    """Return a checked graph of nodes given as (operator, inputs, outputs, attributes); float32 unless typed."""

    def edges(values: dict[str, tuple[int, ...]]) -> list[onnx.ValueInfoProto]:
        kinds = types or {}
        return [
            helper.make_tensor_value_info(name, kinds.get(name, TensorProto.FLOAT), list(shape))
            for name, shape in values.items()
        ]

    made = [helper.make_node(kind, list(into), list(out), **more) for kind, into, out, more in nodes]
    weights = [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in (constants or {}).items()]
    proto = helper.make_model(
        helper.make_graph(made, "net", edges(inputs), edges(outputs), weights),
        opset_imports=[helper.make_opsetid("", 17)],
    )
    proto.ir_version = 8
    onnx.checker.check_model(proto)
    return proto


class Watched(OnnxSession):
    """ONNX Runtime that keeps a copy of what it was last fed."""

    fed: Arrays

    def _run(self, feeds: Arrays, outputs: tuple[str, ...]) -> Arrays:
        self.fed = {name: array.copy() for name, array in feeds.items()}
        return super()._run(feeds, outputs)


def watched(proto: onnx.ModelProto, folder: Path, name: str = "net") -> Watched:
    """Open a graph in a folder of its own."""
    path = folder / name
    path.mkdir(parents=True)
    with open_proto(proto, path) as written:
        return Watched(written.path, threads=1)


def plain(session: OnnxSession) -> Signature:
    """Return names, shapes and types only, as of a file that says no more."""
    return Signature(
        tuple(TensorInfo(spec.name, spec.shape, spec.dtype) for spec in session.inputs),
        tuple(TensorInfo(spec.name, spec.shape, spec.dtype) for spec in session.outputs),
    )


def image(
    name: str,
    side: int,
    *,
    mean: tuple[float, ...] = (0.0, 0.0, 0.0),
    std: tuple[float, ...] = (1.0, 1.0, 1.0),
    colour: ColourOrder = ColourOrder.RGB,
    layout: str = "NCHW",
) -> TensorInfo:
    """Return a square picture."""
    shape = (1, 3, side, side) if layout == "NCHW" else (1, side, side, 3)
    return TensorInfo(name, shape, role=Role.IMAGE, layout=layout, colour=colour, mean=mean, std=std)


def copying(side: int, factor: int = 1, **names: str) -> onnx.ModelProto:
    """Return a network that gives its picture back, each pixel `factor` x `factor` times."""
    into, out = names.get("into", "input"), names.get("out", "output")
    scales = np.array([1, 1, factor, factor], np.float32)
    return graph(
        {into: (1, 3, side, side)},
        {out: (1, 3, side * factor, side * factor)},
        [
            (
                "Resize",
                [into, "", "scales"],
                [out],
                {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"},
            )
        ],
        {"scales": scales},
    )
