"""Recognise tensors of an ONNX graph in a file that names and lays them out otherwise, by what they hold on a feed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from converters.runtimes.base import Array, Arrays, default_threads

if TYPE_CHECKING:
    import onnx

ALIKE = 0.01
"""Of a tensor's span. Float engines that are right differ by less than 1e-3 anywhere inside, other tensors by more."""


def graph_values(proto: onnx.ModelProto, feeds: Arrays, names: Sequence[str], folder: Path) -> Arrays:
    """Return what ONNX Runtime computes for tensors anywhere inside a graph.

    Args:
        proto: left unchanged.
        feeds: every input by name.
        names: tensors of the graph, its outputs and inputs among them or not.
        folder: private; a folder is made in it and removed again.
    """
    import onnx
    import onnxruntime

    from converters.model.graph import write_proto

    edges = {value.name for value in (*proto.graph.output, *proto.graph.input)}
    further = onnx.ModelProto()
    for name in dict.fromkeys(names):
        if name not in edges:
            further.graph.output.add().name = name
    place = folder / "values"
    place.mkdir()
    try:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = default_threads()
        options.log_severity_level = 3
        options.add_session_config_entry("session.disable_prepacking", "1")  # it runs once, and weights stay single
        path = write_proto(proto, place)
        with path.open("ab") as file:
            file.write(further.SerializeToString())  # messages one after the other are read as one; no copy of weights
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        wanted = [name for name in dict.fromkeys(names) if name not in feeds]
        values = dict(zip(wanted, session.run(wanted, feeds), strict=True)) if wanted else {}
    finally:
        shutil.rmtree(place)
    return {name: values[name] if name in values else feeds[name] for name in names}


def arrangements(values: Array) -> Iterator[Array]:
    """Give the layouts in which a file may keep a tensor of the graph: as it is, and with its channels last."""
    yield values
    if values.ndim > 2:
        yield np.moveaxis(values, 1, -1)


def is_alike(found: Array, wanted: Array, limit: float = ALIKE) -> bool:
    """Whether a file's tensor holds what a tensor of the graph holds, in whatever layout; axes of size 1 do not count.

    Args:
        found: of the file.
        wanted: of the graph.
        limit: largest difference, as a fraction of the span of `wanted`.
    """
    return distance(found, wanted) <= limit


def distance(found: Array, wanted: Array) -> float:
    """Return how far a file's tensor is from a tensor of the graph, in the layout in which it is nearest.

    Args:
        found: of the file.
        wanted: of the graph; axes of size 1 do not count.

    Returns:
        The largest difference as a fraction of the span of `wanted`; infinite where no layout has the shape.
    """
    if found.size != wanted.size:
        return float("inf")
    return min(
        (
            _difference(found.reshape(-1), arranged.reshape(-1))
            for arranged in arrangements(wanted)
            if _squeezed(found) == _squeezed(arranged)
        ),
        default=float("inf"),
    )


def _squeezed(array: Array) -> tuple[int, ...]:
    return tuple(size for size in array.shape if size != 1)


def _difference(found: Array, wanted: Array) -> float:
    exact = wanted.astype(np.float64)
    largest = float(np.max(np.abs(found.astype(np.float64) - exact), initial=0.0))
    span = float(np.ptp(exact)) if exact.size else 0.0
    relative = largest / (span or float(np.max(np.abs(exact), initial=0.0)) or 1.0)
    return relative if np.isfinite(relative) else float("inf")
