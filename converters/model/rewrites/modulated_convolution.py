"""StyleGAN's modulated convolution with a static kernel.

It multiplies the kernel by a style for each input channel and divides by the norm for each output channel, in five
axes, at run time. The same result comes from a static kernel: the picture is multiplied by the style before, and by the
inverse norm after the convolution; the squares of the norm are one matrix product of style² with the kernel's squares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from converters.model.graph_reading import UNKNOWN, GraphReading, attribute, node_title
from converters.model.rewrites.base import GraphEdit, Rewrite, Rewritten

if TYPE_CHECKING:
    import onnx

_VIEWS = ("Reshape", "Squeeze", "Unsqueeze", "Identity")


@dataclass(frozen=True)
class Modulated:
    """One modulated convolution of a batch of one.

    Attributes:
        convolution: the Conv or ConvTranspose with the computed kernel.
        kernel: the stored kernel [outputs, inputs, height, width] with its constant factors.
        style: tensor with one value for each input channel.
        inverse_norm: tensor with one value for each output channel, "" without demodulation.
        squares: the node that sums the squares of the modulated kernel, None without demodulation.
    """

    convolution: onnx.NodeProto
    kernel: npt.NDArray[Any]
    style: str
    inverse_norm: str
    squares: onnx.NodeProto | None


def apply(proto: onnx.ModelProto) -> Rewritten:
    """Return the graph with every modulated convolution of a batch of one made static; equal up to rounding."""
    return REWRITE.apply(proto)


def modulated_convolutions(reading: GraphReading) -> list[Modulated]:
    """Return every convolution whose kernel is a stored one times a style, perhaps divided by its norm."""
    candidates = (node for node in reading.nodes if node.op_type in ("Conv", "ConvTranspose"))
    return [found for node in candidates if (found := _modulated(reading, node)) is not None]


def _modulated(reading: GraphReading, node: onnx.NodeProto) -> Modulated | None:
    shape = reading.shape(node.input[1])
    source = reading.shape(node.input[0])
    if reading.is_constant(node.input[1]) or attribute(node, "group", 1) != 1:
        return None
    if shape is None or len(shape) != 4 or UNKNOWN in shape or source is None or source[0] != 1:
        return None
    name = _behind_views(reading, node.input[1], node.op_type == "ConvTranspose")
    outputs, inputs = (shape[1], shape[0]) if node.op_type == "ConvTranspose" else shape[:2]
    product = reading.producer(name, "Mul")
    if product is None or reading.shape(name) != (1, outputs, inputs, *shape[2:]):
        return None
    inverse_norm, squares = "", None
    for modulated, other in (tuple(product.input), tuple(reversed(product.input))):
        if reading.shape(other) == (1, outputs, 1, 1, 1) and not reading.is_constant(other):
            squares = _sum_of_squares(reading, modulated, other)
            if squares is None:
                return None
            inverse_norm = other
            name = modulated
            break
    found = _kernel_and_style(reading, name, (outputs, inputs, *shape[2:]))
    return Modulated(node, *found, inverse_norm, squares) if found is not None else None


def _behind_views(reading: GraphReading, name: str, transposed: bool) -> str:
    """Return the five-axis tensor behind reshapes, and behind the swap of channels that a ConvTranspose needs."""
    while True:
        node = reading.producer(name, *_VIEWS, *(("Transpose",) if transposed else ()))
        if node is None:
            return name
        if node.op_type == "Transpose" and list(attribute(node, "perm", [])) not in ([0, 2, 1, 3, 4], [1, 0, 2, 3]):
            return name
        name = node.input[0]


def _sum_of_squares(reading: GraphReading, modulated: str, inverse_norm: str) -> onnx.NodeProto | None:
    """Return the ReduceSum over inputs, height and width of modulated² that `inverse_norm` is made from."""
    name = inverse_norm
    for _ in range(6):
        node = reading.producer(name)
        if node is None:
            return None
        if node.op_type == "ReduceSum":
            square = reading.producer(node.input[0], "Mul", "Pow")
            is_square = square is not None and (
                list(square.input) == [modulated, modulated]
                or (square.op_type == "Pow" and square.input[0] == modulated and reading.scalar(square.input[1]) == 2.0)
            )
            axes = reading.axes(node)
            return node if is_square and axes is not None and sorted(axis % 5 for axis in axes) == [2, 3, 4] else None
        moving = [item for item in node.input if not reading.is_constant(item)]
        if node.op_type not in ("Add", "Sqrt", "Div", "Reciprocal", *_VIEWS) or len(moving) != 1:
            return None
        name = moving[0]
    return None


def _kernel_and_style(reading: GraphReading, name: str, shape: tuple[int, ...]) -> tuple[npt.NDArray[Any], str] | None:
    """Return (kernel, style) of the product kernel * style, one of whose factors is stored."""
    product = reading.producer(name, "Mul")
    if product is None:
        return None
    for kernel_name, style in (tuple(product.input), tuple(reversed(product.input))):
        kernel = _stored_product(reading, kernel_name)
        sizes = reading.shape(style)
        if kernel is None or kernel.size != np.prod(shape) or reading.is_constant(style):
            continue
        if sizes == (1, 1, shape[1], 1, 1):
            return kernel.reshape(shape), style
    return None


def _stored_product(reading: GraphReading, name: str) -> npt.NDArray[Any] | None:
    """Return a constant, or a constant times a constant scale."""
    value = reading.constant(name)
    if value is not None:
        return value
    product = reading.producer(name, "Mul")
    factors = [reading.constant(item) for item in product.input] if product is not None else [None]
    if any(factor is None for factor in factors):
        return None
    return np.asarray(factors[0] * factors[1])  # type: ignore[operator]


def _edit(edit: GraphEdit) -> list[str]:
    done = []
    for found in modulated_convolutions(edit.reading):
        node = found.convolution
        outputs, inputs = found.kernel.shape[:2]
        style = edit.reshape(found.style, [1, inputs, 1, 1], node)
        picture = edit.node("Mul", [node.input[0], style.output[0]], node)
        stored = found.kernel.swapaxes(0, 1) if node.op_type == "ConvTranspose" else found.kernel
        kernel = edit.constant(f"{node_title(node)}.kernel", np.ascontiguousarray(stored))
        plain = type(node)()
        plain.CopyFrom(node)
        del plain.input[:]
        plain.input.extend([picture.output[0], kernel])
        new = [style, picture, plain]
        has_bias = len(node.input) > 2 and bool(node.input[2])
        if found.inverse_norm or has_bias:
            plain.output[0] = edit.fresh(f"{node.output[0]}_plain")
        if found.inverse_norm:
            norm = edit.reshape(found.inverse_norm, [1, outputs, 1, 1], node)
            scaled = "" if has_bias else node.output[0]
            new += [norm, edit.node("Mul", [plain.output[0], norm.output[0]], node, scaled)]
        if has_bias:
            bias = edit.reshape(node.input[2], [1, outputs, 1, 1], node)
            new += [bias, edit.node("Add", [new[-1].output[0], bias.output[0]], node, node.output[0])]
        edit.replace(node, new)
        if found.squares is not None:
            edit.replace(found.squares, _norm_squares(edit, found, found.squares))
        done.append(node_title(node))
    return done


def _norm_squares(edit: GraphEdit, found: Modulated, squares: onnx.NodeProto) -> list[onnx.NodeProto]:
    """Return the nodes that make the sum of the modulated kernel's squares from style² and the kernel's squares."""
    outputs, inputs = found.kernel.shape[:2]
    shape = edit.reading.shape(squares.output[0]) or (1, outputs)
    sums = np.square(found.kernel.astype(np.float64)).sum(axis=(2, 3)).T.astype(found.kernel.dtype)
    matrix = edit.constant(f"{node_title(found.convolution)}.kernel_squares", np.ascontiguousarray(sums))
    flat = edit.reshape(found.style, [1, inputs], squares)
    square = edit.node("Mul", [flat.output[0], flat.output[0]], squares)
    product = edit.node("MatMul", [square.output[0], matrix], squares)
    return [flat, square, product, edit.reshape(product.output[0], shape, squares, squares.output[0])]


REWRITE = Rewrite(
    id="modulated_convolution",
    title="Modulated convolution with a static kernel",
    sentence="Moves StyleGAN's style from the kernel to the picture, so that the kernel is stored and has four axes.",
    tolerance=1e-4,
    edit=_edit,
)
