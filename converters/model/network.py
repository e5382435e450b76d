"""A state dict or a trusted torch network -> a checked ONNX graph."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from converters.errors import UnsupportedError, UsageError, did_you_mean
from converters.model.checkpoint import Candidate
from converters.model.constant_folding import fold_constants
from converters.model.graph_cleanup import (
    constants_to_initializers,
    drop_unused,
    merge_batch_norms,
    name_outputs,
    restore_names,
)
from converters.model.onnx_file import read_onnx
from converters.model.static_shapes import infer_shapes
from converters.model.torch_to_onnx import export_onnx
from converters.progress import Progress

if TYPE_CHECKING:
    import onnx
    from torch import Tensor, nn

Shapes = Mapping[str, tuple[int, ...]]

# Anchors of a large detector still fit; weights are larger and stay what they are.
_LARGEST_CONSTANT = 65_536


def graph_from_state(
    candidates: Sequence[Candidate], shapes: Shapes, name: str, progress: Progress
) -> tuple[onnx.ModelProto, list[str]]:
    """Return the graph of the network that one of the state dicts belongs to, and notes.

    Raises:
        UnsupportedError: no known network has these keys; says what would help, and which network is nearest.
        UsageError: `shapes` names an unknown input or has the wrong number of axes.
    """
    import torch

    from converters.model.architectures import recognise

    progress("Recognising the network")
    for candidate in candidates:
        found = recognise(candidate.sizes)
        if found is not None:
            break
    else:
        raise _unknown(candidates, name)
    architecture = found.architecture
    config = architecture.with_shapes(found.config, shapes)
    usual = architecture.inputs(config)
    wanted = {**usual, **shapes}
    for key, shape in shapes.items():
        if key not in usual:
            raise UsageError(f"{name} has no input {key!r}.", "", did_you_mean(key, usual))
        if len(shape) != len(usual[key]) or any(size < 1 or size > 2**16 for size in shape):
            example = ",".join(map(str, usual[key]))
            raise UsageError(f"{key}={','.join(map(str, shape))} does not fit.", "", f"Usual: {key}={example}.")
    notes = [f"Recognised from its keys: {architecture.title}."]
    if candidate.wrapping:
        notes.append(f"Weights found under {candidate.wrapping.removesuffix('.')}.")
    halves = sum(value.is_floating_point() and value.dtype != torch.float32 for value in candidate.state.values())
    if halves:
        notes.append(f"{halves} tensors widened to 32-bit floats.")
    module = architecture.build(config).eval()
    expected = module.state_dict()
    weights = {key: value.to(expected[key].dtype) for key, value in candidate.state.items() if key in expected}
    module.load_state_dict(weights, strict=False)  # `recognise` compared every key that matters
    examples = {key: torch.zeros(shape) for key, shape in wanted.items()}
    proto = graph_from_network(module, examples, architecture.outputs, progress)
    append_orphans(proto, architecture.orphans(candidate.state))
    return proto, notes


def graph_from_network(
    module: nn.Module, inputs: Mapping[str, Tensor], outputs: Sequence[str], progress: Progress
) -> onnx.ModelProto:
    """Return a network's graph with static shapes, constants folded, norms merged and its own weight names."""
    progress("Writing the network as ONNX")
    with tempfile.TemporaryDirectory(prefix="ffstudio-") as folder:
        path = Path(folder) / "network.onnx"
        export_onnx(module, inputs, outputs, path)
        proto = read_onnx(path, progress).proto
    infer_shapes(proto, "The exported network")
    fold_constants(proto, _LARGEST_CONSTANT)
    constants_to_initializers(proto)
    drop_unused(proto)
    merge_batch_norms(proto)
    restore_names(proto, module.state_dict())
    name_outputs(proto)
    return proto


def append_orphans(proto: onnx.ModelProto, orphans: Mapping[str, Tensor]) -> None:
    """Add tensors that no node uses to the end of the initializers, where face-swap programs look for `emap`."""
    from onnx import numpy_helper

    for key, value in orphans.items():
        proto.graph.initializer.append(numpy_helper.from_array(value.contiguous().numpy(), key))


def _unknown(candidates: Sequence[Candidate], name: str) -> UnsupportedError:
    from converters.model.architectures import nearest

    largest = max(candidates, key=lambda candidate: len(candidate.state))
    keys = list(largest.state)
    listed = ", ".join(keys[:5]) + (f", … ({len(keys)} in all)" if len(keys) > 5 else "")
    what = f"{name} holds weights only, and their network is not one this program knows: {listed}."
    close = nearest(candidate.sizes for candidate in candidates)
    why = ""
    if close is not None and close.likeness > 0.05:
        missing = ", ".join(close.missing[:4]) or "nothing"
        unexpected = ", ".join(close.unexpected[:4]) or "nothing"
        why = (
            f"Nearest is the {close.architecture.title} ({close.likeness:.0%} alike); "
            f"it would also need {missing} ({len(close.missing)} in all) and does not have {unexpected} "
            f"({len(close.unexpected)} in all)."
        )
    return UnsupportedError(
        what,
        why,
        "Give an ONNX export, or a Python file with a function that builds the network and loads these weights: "
        "file.py:function. It needs your trust, because its code runs.",
    )
