"""A Gemm that makes scale and shift at once as two Gemms, so that each half gets a quantization range of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from converters.model.graph_reading import GraphReading, attribute, node_title
from converters.model.rewrites.base import GraphEdit, Rewrite, Rewritten

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class StyleGemm:
    """A Gemm whose result is only ever read in two parts.

    Attributes:
        gemm: with constant weight and bias.
        chain: Unsqueezes between the Gemm and the Slices, in order.
        parts: (Slice, first column, column after the last).
    """

    gemm: onnx.NodeProto
    chain: tuple[onnx.NodeProto, ...]
    parts: tuple[tuple[onnx.NodeProto, int, int], ...]


def apply(proto: onnx.ModelProto) -> Rewritten:
    """Return the graph with every style Gemm split; equal up to the rounding of a matrix product."""
    return REWRITE.apply(proto)


def style_gemms(reading: GraphReading) -> list[StyleGemm]:
    """Return every Gemm whose columns are only read by Slices that share them out."""
    return [found for node in reading.nodes if node.op_type == "Gemm" and (found := _style(reading, node)) is not None]


def _style(reading: GraphReading, gemm: onnx.NodeProto) -> StyleGemm | None:
    weight = reading.constant_tensor(gemm.input[1])
    if weight is None or gemm.output[0] in reading.output_names or attribute(gemm, "transA", 0):
        return None
    if len(gemm.input) > 2 and gemm.input[2]:
        bias = reading.constant_tensor(gemm.input[2])
        if bias is None or len(bias.dims) != 1:
            return None
    width = weight.dims[0 if attribute(gemm, "transB", 0) else 1]
    chain: list[onnx.NodeProto] = []
    name = gemm.output[0]
    while len(users := reading.users(name)) == 1 and users[0].op_type == "Unsqueeze":
        axes = reading.axes(users[0])
        if not axes or min(axes) < 2:
            return None
        chain.append(users[0])
        name = users[0].output[0]
        if name in reading.output_names:
            return None
    parts = []
    for node in reading.users(name):
        limits = _columns(reading, node, width)
        if limits is None or node.output[0] in reading.output_names:
            return None
        parts.append((node, *limits))
    parts.sort(key=lambda part: part[1])
    edges = [0, *(end for _, _, end in parts)]
    shared_out = [start for _, start, _ in parts] == edges[:-1] and edges[-1] == width
    return StyleGemm(gemm, tuple(chain), tuple(parts)) if len(parts) == 2 and shared_out else None


def _columns(reading: GraphReading, node: onnx.NodeProto, width: int) -> tuple[int, int] | None:
    """Return the columns a Slice along axis 1 takes, None when it does anything else."""
    if node.op_type != "Slice":
        return None
    if len(node.input) > 1:
        values = [reading.integers(name) for name in node.input[1:]]
        if any(value is None for value in values):
            return None
        starts, ends, axes, steps = (*(value or [] for value in values), [], [])[:4]
    else:
        starts, ends = list(attribute(node, "starts")), list(attribute(node, "ends"))
        axes, steps = list(attribute(node, "axes", [])), []
    if len(starts) != 1 or axes != [1] or steps not in ([], [1]):
        return None
    start, end = (min(value + width if value < 0 else value, width) for value in (starts[0], ends[0]))
    return (start, end) if 0 <= start < end else None


def _edit(edit: GraphEdit) -> list[str]:
    done = []
    for found in style_gemms(edit.reading):
        new: list[onnx.NodeProto] = []
        for slice_node, start, end in found.parts:
            new += _part(edit, found, slice_node, start, end)
            edit.replace(slice_node, [])
        edit.replace(found.gemm, new)
        for node in found.chain:
            edit.replace(node, [])
        done.append(node_title(found.gemm))
    return done


def _part(edit: GraphEdit, found: StyleGemm, slice_node: onnx.NodeProto, start: int, end: int) -> list[onnx.NodeProto]:
    gemm = found.gemm
    transposed = attribute(gemm, "transB", 0)
    names = []
    for position, axis in ((1, 0 if transposed else 1), (2, 0)):
        if len(gemm.input) <= position or not gemm.input[position]:
            continue
        value = edit.reading.constant(gemm.input[position])
        assert value is not None
        columns = np.take(value, range(start, end), axis=axis)
        names.append(edit.constant(f"{gemm.input[position]}.columns_{start}_{end}", columns))
    settings = {
        name: attribute(gemm, name) for name in ("alpha", "beta", "transB") if attribute(gemm, name) is not None
    }
    new = [edit.node("Gemm", [gemm.input[0], *names], gemm, "" if found.chain else slice_node.output[0], **settings)]
    for node in found.chain:
        output = slice_node.output[0] if node is found.chain[-1] else ""
        axes = edit.reading.axes(node) or []
        new.append(edit.with_axes("Unsqueeze", new[-1].output[0], axes, node, output))
    return new


REWRITE = Rewrite(
    id="style_split",
    title="Style Gemm split into scale and shift",
    sentence="Makes scale and shift of a style with a Gemm each, so that each gets its own quantization range.",
    tolerance=1e-4,
    edit=_edit,
)
