"""Normalisations whose statistics survive fp16.

n = c / sqrt(mean(c²) + e) has two traps in fp16: c² passes 65504 where |c| passes 255, and an e of 1e-8 is zero, so
that a constant channel becomes 0 / 0. No fixed scale mends both. So the centred values are first divided by their own
largest magnitude m (at least sqrt(e)) of each channel: with c' = c / m and r = sqrt(e) / m,

    n = c' / sqrt(mean(c'²) + r²)

is the same number, all squares lie in 0..1, and r² is 1 exactly where e mattered. In fp32 only rounding differs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from converters.model.graph_reading import UNKNOWN, attribute, node_title
from converters.model.rewrites.base import GraphEdit, Rewrite, Rewritten
from converters.model.statistics import written_out_statistics

if TYPE_CHECKING:
    import onnx


def apply(proto: onnx.ModelProto) -> Rewritten:
    """Return the graph with AdaIN statistics and InstanceNormalization rescaled; equal up to fp32 rounding."""
    return REWRITE.apply(proto)


def _edit(edit: GraphEdit) -> list[str]:
    done = []
    for found in written_out_statistics(edit.reading):
        dtype = edit.reading.type(found.centred).dtype
        if not found.axes or found.epsilon <= 0 or dtype not in ("float32", "float16"):
            continue
        scaled, extra, ratio = _scaled(edit, found.centred, found.axes, found.epsilon, found.square, dtype)
        edit.insert_before(found.square, extra)
        for node in (found.square, *found.normalise):
            edit.rename_input(node, found.centred, scaled)
        edit.rename_input(found.add, found.epsilon_name, ratio)
        done.append(node_title(found.root))
    for node in edit.reading.nodes:
        if node.op_type == "InstanceNormalization" and _expand(edit, node):
            done.append(node_title(node))
    return done


def _scaled(
    edit: GraphEdit, centred: str, axes: Sequence[int], epsilon: float, owner: onnx.NodeProto, dtype: str
) -> tuple[str, list[onnx.NodeProto], str]:
    """Return (name of c', the nodes that make it, name of r²)."""
    smallest = edit.constant("root_of_epsilon", np.array(math.sqrt(epsilon), dtype))
    magnitude = edit.node("Abs", [centred], owner)
    largest = edit.with_axes("ReduceMax", magnitude.output[0], axes, owner, keepdims=1)
    divisor = edit.node("Max", [largest.output[0], smallest], owner)
    scaled = edit.node("Div", [centred, divisor.output[0]], owner)
    ratio = edit.node("Div", [smallest, divisor.output[0]], owner)
    square = edit.node("Mul", [ratio.output[0], ratio.output[0]], owner)
    return scaled.output[0], [magnitude, largest, divisor, scaled, ratio, square], square.output[0]


def _expand(edit: GraphEdit, node: onnx.NodeProto) -> bool:
    """Write one InstanceNormalization out of single operators, statistics rescaled."""
    source, gain, offset = node.input
    shape, dtype = edit.reading.shape(source), edit.reading.type(source).dtype
    if shape is None or len(shape) < 3 or shape[1] == UNKNOWN or dtype not in ("float32", "float16"):
        return False
    sizes = [edit.reading.type(name).elements for name in (gain, offset)]
    if sizes != [shape[1], shape[1]]:
        return False
    axes = list(range(2, len(shape)))
    epsilon = float(attribute(node, "epsilon", 1e-5))
    wide = [1, shape[1], *(1 for _ in axes)]
    mean = edit.with_axes("ReduceMean", source, axes, node, keepdims=1)
    centred = edit.node("Sub", [source, mean.output[0]], node)
    scaled, extra, ratio = _scaled(edit, centred.output[0], axes, epsilon, node, dtype)
    square = edit.node("Mul", [scaled, scaled], node)
    variance = edit.with_axes("ReduceMean", square.output[0], axes, node, keepdims=1)
    total = edit.node("Add", [variance.output[0], ratio], node)
    root = edit.node("Sqrt", [total.output[0]], node)
    normal = edit.node("Div", [scaled, root.output[0]], node)
    factors = []
    reshapes: list[onnx.NodeProto] = []
    for name in (gain, offset):
        value = edit.reading.constant(name)
        if value is not None:
            factors.append(edit.constant(f"{name}_wide", value.reshape(wide)))
        else:
            reshapes.append(edit.reshape(name, wide, node))
            factors.append(reshapes[-1].output[0])
    product = edit.node("Mul", [normal.output[0], factors[0]], node)
    result = edit.node("Add", [product.output[0], factors[1]], node, node.output[0])
    edit.replace(node, [mean, centred, *extra, square, variance, total, root, *reshapes, normal, product, result])
    return True


REWRITE = Rewrite(
    id="fp16_safe_statistics",
    title="Normalisation statistics that survive fp16",
    sentence="Divides centred values by their largest magnitude before squaring: nothing overflows, epsilon is kept.",
    tolerance=1e-4,
    edit=_edit,
)
