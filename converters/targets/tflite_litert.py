"""The first engine: our torch view through the LiteRT converter (`litert-torch`)."""

from __future__ import annotations

import gc
import importlib.metadata
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converters.errors import BadInputError, UnsupportedError
from converters.model.graph import Model
from converters.model.signature import Signature, TensorInfo
from converters.progress import Progress
from converters.targets.metadata import EdgeBinding
from converters.targets.tflite_engine import CHANNEL_LAST, Edge, Edges, EngineError, permutation_of, third_party
from converters.targets.tflite_file import read_outline

if TYPE_CHECKING:
    import torch

# From here on the converter leaves weights where they are until it writes the file, and folds constants by running
# them: 0.6 GB less at the peak of a 554 MB model, the same file, 3 s more.
LARGE = 2**26


_CONVERTER = "The LiteRT converter"


def unavailable() -> str:
    """Return why this engine cannot run here, in a sentence, or ''."""
    missing = [name for name in ("litert_torch", "torch") if importlib.util.find_spec(name) is None]
    return f"The package {missing[0].replace('_', '-')} is not installed." if missing else ""


def version() -> str:
    """Return the engine's name and version."""
    return f"litert-torch {importlib.metadata.version('litert-torch')}"


def load() -> None:
    """Import litert_torch (about 1.5 s after torch when the files are cached)."""
    with third_party("Importing the LiteRT converter"):
        import litert_torch
    del litert_torch


def convert(model: Model, path: Path, layout: str, progress: Progress) -> Edges:
    """Write `model` as an fp32 `.tflite`.

    Args:
        model: with static shapes.
        path: of the new file.
        layout: "nhwc" for pictures with channels last at the file's edge, "nchw" as in the graph.
        progress: told about stages; may cancel.

    Raises:
        EngineError: the importer or the converter cannot do this model.
    """
    progress("Loading the LiteRT converter")
    load()
    progress("Converting with the LiteRT converter", 0.1)
    unwritten = _converted(model, layout)
    progress("Writing the LiteRT converter's file", 0.8)
    with third_party("Writing the LiteRT converter's file"):
        unwritten.export(str(path))
    del unwritten
    if model.parameter_bytes > LARGE:
        gc.collect()  # traced graphs refer to themselves, and so keep the weights
    return _edges(path, model.signature, layout)


def _converted(model: Model, layout: str) -> Any:
    """Return the converter's model, which is laid out only when it is written; the torch view is gone by then."""
    import litert_torch
    import torch

    signature = model.signature
    module = _torch_view(model)
    with third_party(_CONVERTER):
        wrapped = litert_torch.to_channel_last_io(
            module, args=_channel_last(signature.inputs, layout), outputs=_channel_last(signature.outputs, layout)
        )
        feeds = tuple(
            torch.zeros(
                [tensor.static_shape[axis] for axis in permutation_of(tensor, layout)], dtype=_dtype(tensor.dtype)
            )
            for tensor in signature.inputs
        )
        large = model.parameter_bytes > LARGE
        return litert_torch.convert(wrapped.eval(), feeds, lightweight_conversion=large)


def _torch_view(model: Model) -> torch.nn.Module:
    """Return the torch view in fp32: the runtime has no kernels for fp16 and fp64 arithmetic on the CPU."""
    import torch
    from torch import fx

    from converters.torch_import.importer import import_model

    try:
        module = import_model(model.proto)
    except (UnsupportedError, BadInputError) as error:
        raise EngineError(f"The torch view cannot be built: {error}") from error

    other_floats = (torch.float16, torch.bfloat16, torch.float64)

    def widened(argument: Any) -> Any:
        return torch.float32 if argument in other_floats else argument

    for node in module.graph.nodes:
        node.args = fx.node.map_aggregate(node.args, widened)
        node.kwargs = fx.node.map_aggregate(node.kwargs, widened)
    module.recompile()
    return module.float().requires_grad_(False)


def _dtype(name: str) -> torch.dtype:
    import torch

    found: torch.dtype = getattr(torch, name)
    return torch.float32 if found.is_floating_point else found


def _channel_last(tensors: tuple[TensorInfo, ...], layout: str) -> list[int]:
    return [index for index, tensor in enumerate(tensors) if permutation_of(tensor, layout) == CHANNEL_LAST]


def _edges(path: Path, signature: Signature, layout: str) -> Edges:
    """Return how inputs and outputs appear in the file; the converter numbers them in the torch view's order."""
    outline = read_outline(path)
    sides = []
    for prefix, tensors, found, indices in (
        ("args", signature.inputs, outline.inputs, outline.signature_inputs),
        ("output", signature.outputs, outline.outputs, outline.signature_outputs),
    ):
        positions = {tensor.index: position for position, tensor in enumerate(found)}
        edges = []
        for number, tensor in enumerate(tensors):
            position = positions.get(indices.get(f"{prefix}_{number}", -1))
            if position is None:
                raise EngineError(f"The LiteRT converter lost {tensor.name}.")
            there = found[position]
            binding = EdgeBinding(
                tensor.name, tensor.name, tensor.static_shape, permutation_of(tensor, layout), there.dtype
            )
            if binding.file_shape != there.shape:
                raise EngineError(f"The LiteRT converter gave {tensor.name} the shape {there.shape}.")
            edges.append(Edge(binding, position))
        sides.append(tuple(edges))
    return Edges(sides[0], sides[1])
