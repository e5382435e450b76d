"""The second engine: `onnx2tf` with TensorFlow, where the LiteRT converter is missing or fails."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from converters.model.graph import Model, write_proto
from converters.model.signature import Role, Signature, TensorInfo
from converters.progress import Progress
from converters.runtimes.base import Array, Arrays
from converters.targets.metadata import EdgeBinding
from converters.targets.tflite_engine import CHANNEL_LAST, Edge, Edges, EngineError, is_picture, third_party
from converters.targets.tflite_file import TensorOutline, read_outline
from converters.targets.tflite_probe import LIMIT, difference, run_unlabelled

if TYPE_CHECKING:
    import onnx

_PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]*")
_CALIBRATION_FILE = "calibration_image_sample_data_20x128x128x3_float32.npy"
_CALIBRATION_SHAPE = (20, 128, 128, 3)


def unavailable() -> str:
    """Return why this engine cannot run here, in a sentence, or ''."""
    missing = [name for name in ("onnx2tf", "tensorflow", "tf_keras") if importlib.util.find_spec(name) is None]
    return f"The package {missing[0]} is not installed." if missing else ""


def version() -> str:
    """Return the engine's name and version."""
    return f"onnx2tf {importlib.metadata.version('onnx2tf')}"


def load() -> None:
    """Import onnx2tf and TensorFlow (about 6 s)."""
    with third_party("Importing onnx2tf"):
        import onnx2tf
    del onnx2tf


def convert(
    model: Model, path: Path, feeds: Arrays, wanted: Arrays, samples: list[Arrays], progress: Progress
) -> Edges:
    """Write `model` as an fp32 `.tflite`, pictures with channels last.

    onnx2tf guesses layouts and does not say what it guessed, so its outputs are recognised by their values.

    Args:
        model: with static shapes.
        path: of the new file; a folder is made beside it and removed again.
        feeds: one feed of the model.
        wanted: what the model makes of it.
        samples: real feeds; onnx2tf looks at their pictures.
        progress: told about stages; may cancel.

    Raises:
        EngineError: onnx2tf gives up, or its file draws something else.
    """
    progress("Loading onnx2tf and TensorFlow")
    load()
    folder = path.parent / "onnx2tf"
    folder.mkdir()
    try:
        progress("Converting with onnx2tf", 0.2)
        made = _converted(model, folder, samples)
        made.replace(path)
    finally:
        shutil.rmtree(folder)
    progress("Recognising the outputs of onnx2tf's file", 0.9)
    return _edges(model, path, feeds, wanted)


def _converted(model: Model, folder: Path, samples: list[Arrays]) -> Path:
    source = write_proto(_renamed(model.proto, model.signature), folder / "source")
    # Without this file in the working folder onnx2tf downloads one.
    np.save(folder / _CALIBRATION_FILE, _calibration(model, samples), allow_pickle=False)
    fixed = [_input_name(at) for at, tensor in enumerate(model.signature.inputs) if not is_picture(tensor)]
    with third_party("onnx2tf"), contextlib.chdir(folder):
        import onnx2tf

        onnx2tf.convert(
            input_onnx_file_path=str(source),
            output_folder_path=str(folder / "out"),
            keep_shape_absolutely_input_names=fixed or None,
            not_use_onnxsim=True,
            non_verbose=True,
            verbosity="error",
        )
    made = sorted((folder / "out").glob("*_float32.tflite"))
    if not made:
        raise EngineError("onnx2tf left no file.")
    return made[0]


def _input_name(position: int) -> str:
    return f"input_{position}"


def _renamed(proto: onnx.ModelProto, signature: Signature) -> onnx.ModelProto:
    """Return a copy with names that TensorFlow takes as they are: input_0, output_0, and plain ones inside."""
    edges = {tensor.name: f"output_{at}" for at, tensor in enumerate(signature.outputs)}
    edges |= {tensor.name: _input_name(at) for at, tensor in enumerate(signature.inputs)}
    copy = type(proto)()
    copy.CopyFrom(proto)
    graph = copy.graph
    names = dict(edges)
    values = [name for node in graph.node for name in node.output] + [tensor.name for tensor in graph.initializer]
    for at, name in enumerate(values):
        if name not in names and (name in edges.values() or not _PLAIN_NAME.fullmatch(name)):
            names[name] = f"value_{at}" if name else ""
    for at, node in enumerate(graph.node):
        if not _PLAIN_NAME.fullmatch(node.name):
            node.name = f"node_{at}"
        for names_of_node in (node.input, node.output):
            for position, name in enumerate(names_of_node):
                names_of_node[position] = names.get(name, name)
    for item in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
        item.name = names.get(item.name, item.name)
    return copy


def _calibration(model: Model, samples: list[Arrays]) -> npt.NDArray[np.float32]:
    """Return 20 pictures of 128x128 (NHWC, 0..1) from the samples, repeated as needed; grey ramps without samples."""
    pictures = []
    for tensor in model.signature.inputs:
        if tensor.role is Role.IMAGE and len(tensor.shape) == 4 and tensor.static_shape[1] == 3:
            low, high = tensor.value_range or (0.0, 1.0)
            for sample in samples:
                picture = (sample[tensor.name][0].astype(np.float32).transpose(1, 2, 0) - low) / ((high - low) or 1.0)
                rows = np.arange(128) * picture.shape[0] // 128
                columns = np.arange(128) * picture.shape[1] // 128
                pictures.append(picture[rows][:, columns])
    if not pictures:
        ramp = np.linspace(0.0, 1.0, 128, dtype=np.float32)
        pictures = [np.broadcast_to(ramp[:, None, None], _CALIBRATION_SHAPE[1:])]
    chosen = [pictures[at % len(pictures)] for at in range(_CALIBRATION_SHAPE[0])]
    return np.stack(chosen).astype(np.float32)


def _edges(model: Model, path: Path, feeds: Arrays, wanted: Arrays) -> Edges:
    outline = read_outline(path)
    found = {
        tensor.name.partition(":")[0].removeprefix("serving_default_"): (position, tensor)
        for position, tensor in enumerate(outline.inputs)
    }
    inputs = []
    for at, info in enumerate(model.signature.inputs):
        if _input_name(at) not in found:
            raise EngineError(f"onnx2tf lost the input {info.name}.")
        position, there = found[_input_name(at)]
        inputs.append(Edge(_input_binding(info, there), position))
    if len(outline.outputs) != len(model.signature.outputs):
        raise EngineError(
            f"onnx2tf's file has {len(outline.outputs)} outputs, the model {len(model.signature.outputs)}."
        )
    results = run_unlabelled(path, inputs, feeds)
    outputs = []
    for position, (info, there) in enumerate(zip(model.signature.outputs, outline.outputs, strict=True)):
        binding, distance = _nearest(info, there, results[position], wanted[info.name])
        if distance > LIMIT:
            raise EngineError(f"its file computes something else: {info.name} differs by {distance:.2g} of its span.")
        outputs.append(Edge(binding, position))
    return Edges(tuple(inputs), tuple(outputs))


def _input_binding(info: TensorInfo, there: TensorOutline) -> EdgeBinding:
    for permutation in _permutations(info):
        binding = EdgeBinding(info.name, info.name, info.static_shape, permutation, there.dtype)
        if binding.file_shape == there.shape:
            return binding
    raise EngineError(f"onnx2tf gave {info.name} the shape {there.shape}.")


def _permutations(info: TensorInfo) -> list[tuple[int, ...]]:
    """Return what onnx2tf may have done to a tensor, the likeliest first."""
    plain = tuple(range(len(info.shape)))
    channel_last = (0, *range(2, len(plain)), 1) if len(plain) > 2 else plain
    return [CHANNEL_LAST, plain] if is_picture(info) else [plain, channel_last]


def _nearest(info: TensorInfo, there: TensorOutline, result: Array, wanted: Array) -> tuple[EdgeBinding, float]:
    """Return the binding under which an output is most like the wanted one, and how much it differs."""
    candidates = []
    for permutation in _permutations(info):
        binding = EdgeBinding(info.name, info.name, info.static_shape, permutation, there.dtype)
        if binding.file_shape == there.shape:
            values = binding.from_file(result).astype(info.dtype, copy=False)
            candidates.append((difference(values, wanted), binding))
    if not candidates:
        raise EngineError(f"onnx2tf gave {info.name} the shape {there.shape}.")
    distance, binding = min(candidates, key=lambda candidate: candidate[0])
    return binding, distance
