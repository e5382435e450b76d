"""What single layers take in ONNX Runtime, float and quantized, by its profiler; each as a graph of its own."""

from __future__ import annotations

import json
import platform
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from converters.compress.quantize.encodings import Encodings, LayerEncoding
from converters.compress.quantize.layers import Layer, find_layers
from converters.compress.quantize.qdq import build_qdq
from converters.model.graph import Model
from converters.model.graph_reading import GraphReading
from converters.progress import Progress
from converters.runtimes.base import default_threads

if TYPE_CHECKING:
    import onnx

_RUNS, _WARM_UP = 10, 3
_TITLE = "Timing layers"
_ERRORS_ONLY = 3


@dataclass(frozen=True)
class LayerTime:
    """Seconds that one layer took here in the quickest of several runs: the others waited for other programs.

    Attributes:
        as_float: its kernels, and what turns their memory layout.
        quantized: likewise, with rounding what it reads and writing what it gives as floats.
    """

    as_float: float
    quantized: float


def where() -> str:
    """Return in words what layers are timed by."""
    import onnxruntime

    threads = default_threads()
    return f"ONNX Runtime {onnxruntime.__version__} on this machine ({platform.machine()}, {threads} threads)"


def layer_times(
    model: Model, encodings: Encodings, names: Iterable[str], progress: Progress | None = None
) -> dict[str, LayerTime]:
    """Return what layers take by themselves; those whose input has no known shape are left out.

    Args:
        model: float.
        encodings: of at least these layers.
        names: of layers.
        progress: told about every layer.
    """
    progress = progress or Progress()
    reading = GraphReading(model.proto)
    layers = {layer.name: layer for layer in find_layers(model.proto)}
    wanted = list(names)
    found = {}
    for place, name in enumerate(wanted):
        progress(_TITLE, place / len(wanted), name)
        layer = layers[name]
        shape = reading.shape(layer.input)
        if shape is None or min(shape, default=1) < 1:
            continue
        alone = _alone(model, layer, shape)
        encoding = encodings.layers[name]
        feeds = {layer.input: _values(shape, encoding)}
        quantized = replace(encodings, layers={name: encoding})
        found[name] = LayerTime(_seconds(alone.proto, feeds), _seconds(build_qdq(alone, quantized), feeds))
    return found


def _alone(model: Model, layer: Layer, shape: tuple[int, ...]) -> Model:
    """Return a model of one layer, with the activation function that is fused into it."""
    import onnx

    graph = model.proto.graph
    wanted = {layer.result, layer.output}
    nodes = [node for node in graph.node if node.output and node.output[0] in wanted]
    read = {name for node in nodes for name in node.input}
    constants = [node for node in graph.node if node.op_type == "Constant" and node.output[0] in read]
    initializers = [tensor for tensor in graph.initializer if tensor.name in read]
    proto = onnx.helper.make_model(
        onnx.helper.make_graph(
            [*constants, *nodes],
            "layer",
            [onnx.helper.make_tensor_value_info(layer.input, onnx.TensorProto.FLOAT, shape)],
            [onnx.helper.make_tensor_value_info(layer.output, onnx.TensorProto.FLOAT, None)],
            initializers,
        ),
        opset_imports=list(model.proto.opset_import),
    )
    proto.ir_version = model.proto.ir_version
    return replace(model, proto=proto, encodings=None)


def _values(shape: tuple[int, ...], encoding: LayerEncoding) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    low, high = (encoding.input.low, encoding.input.high) if encoding.input else (-1.0, 1.0)
    return np.random.default_rng(0).uniform(low, high, shape).astype(np.float32)


def _seconds(proto: onnx.ModelProto, feeds: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]) -> float:
    """Return the least time that each kernel of a graph took, summed."""
    import onnxruntime

    with TemporaryDirectory(prefix="ffstudio-profile-") as folder:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = default_threads()
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = _ERRORS_ONLY
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = onnxruntime.InferenceSession(
            proto.SerializeToString(), sess_options=options, providers=["CPUExecutionProvider"]
        )
        for _ in range(_WARM_UP + _RUNS):
            session.run(None, feeds)
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    kernels: dict[str, list[float]] = defaultdict(list)
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            kernels[event["name"]].append(event["dur"] / 1e6)
    return sum(min(each[_WARM_UP:]) for each in kernels.values())
