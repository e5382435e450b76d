"""What a quantized `.tflite` can hold, said before work starts; and what one holds, read from the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from converters.compress.quantize.encodings import Encoding, Encodings, LayerEncoding, Scheme
from converters.compress.quantize.layers import Layer, find_layers
from converters.model.graph import Model
from converters.model.signature import TensorInfo
from converters.targets import tflite_schema as schema
from converters.targets.base import Precision, encodings_for, names_of
from converters.targets.tflite_file import mapped, read_outline
from converters.targets.tflite_flatbuffer import Table, number
from converters.targets.tflite_quantize_weights import LARGEST_RATIO

if TYPE_CHECKING:
    import onnx

QUANTIZED = (Precision.INT8, Precision.INT4_WEIGHTS, Precision.INT8_DYNAMIC)
_NAMED = 5
_DIMENSIONS = 4
"""Of the weights of a convolution of pictures; those of signals have one less."""
_INTEGER_KINDS = {3: "CONV_2D", 4: "DEPTHWISE_CONV_2D", 9: "FULLY_CONNECTED"}
_INT8, _INT16, _FLOAT = 9, 7, 0


def objections(model: Model, precision: Precision, interface: str) -> list[str]:
    """Return sentences on what a `.tflite` cannot hold of a model's encodings, each with the nearest it can.

    Args:
        model: with or without encodings.
        precision: asked for.
        interface: "float" or "int8".
    """
    if precision not in QUANTIZED:
        if interface == "float":
            return []
        offered = ", ".join(QUANTIZED)
        return [f"Codes at the edge (interface={interface}) need one of the precisions {offered}, not {precision}."]
    encodings = encodings_for(model, precision)
    if encodings is None:
        return []  # said for every target alike
    layers = {layer.name: layer for layer in find_layers(model.proto)}
    found = _against_schemes(layers, encodings) + _against_layers(model.proto, layers, encodings)
    if interface != "float":
        for info in _float_edges(model):
            deciding = _deciding(info, model.proto, layers, encodings)
            if {encoding.bits for encoding in deciding} - {8}:
                names = _names([layer for encoding, users in deciding.items() if encoding.bits != 8 for layer in users])
                found.append(
                    f"interface=int8 keeps {info.name} in 8 bits, and layers have it in 16 ({names}); "
                    "nearest: interface=float, or w8a8."
                )
            elif len(deciding) > 1:
                names = _names([layer for users in deciding.values() for layer in users])
                found.append(
                    f"interface=int8 keeps {info.name} in one way, and layers round it in {len(deciding)} ({names}); "
                    "nearest: interface=float, or one range for all of them."
                )
            elif _edge_encoding(info, model.proto, layers, encodings) is None:
                found.append(
                    f"interface=int8 needs the range of {info.name}, which is not known; nearest: interface=float."
                )
    return found


def _against_layers(proto: onnx.ModelProto, layers: dict[str, Layer], encodings: Encodings) -> list[str]:
    """Return sentences on layers that no converter leaves as they are in the graph, whatever their scheme."""
    used = [layers[name] for name in encodings.layers if name in layers and encodings.scheme(name) is not Scheme.FLOAT]
    ranks = {tensor.name: len(tensor.dims) for tensor in proto.graph.initializer}
    deep = [layer for layer in used if "Conv" in layer.operator and ranks[layer.weight] > _DIMENSIONS]
    constants = _constant_sizes(proto)
    channels = {tensor.name: tensor.dims[0] for tensor in proto.graph.initializer if tensor.dims}
    outputs = {value.name for value in proto.graph.output}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in proto.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    scaled = [
        layer
        for layer in used
        if layer.operator == "Conv"
        and layer not in deep
        and layer.result not in outputs
        and len(readers.get(layer.result, [])) == 1
        and _is_scaling(readers[layer.result][0], layer.result, constants, channels[layer.weight])
    ]
    found = []
    if deep:
        found.append(f"TFLite has no integer weights in convolutions of volumes ({_names(deep)}); nearest: float.")
    if scaled:
        found.append(
            f"Converters multiply constant factors that follow a layer into its weights ({_names(scaled)}): other "
            "weights than those that were quantized; nearest: float, or the step fold_batch_norm first where they are "
            "a batch normalization."
        )
    return found


def _constant_sizes(proto: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """Return the shape of every constant by tensor name."""
    found = {tensor.name: tuple(tensor.dims) for tensor in proto.graph.initializer}
    for node in proto.graph.node:
        if node.op_type == "Constant":
            for item in node.attribute:
                if item.name == "value":
                    found[node.output[0]] = tuple(item.t.dims)
    return found


def _is_scaling(node: onnx.NodeProto, value: str, constants: Mapping[str, tuple[int, ...]], channels: int) -> bool:
    """Whether a node multiplies a convolution's result by one factor, or by one for each channel."""
    if node.op_type == "BatchNormalization":
        return all(name in constants for name in node.input[1:])
    if node.op_type not in ("Mul", "Div") or (node.op_type == "Div" and node.input[0] != value):
        return False
    others = [constants.get(name) for name in node.input if name != value]
    if len(others) != 1 or others[0] is None:
        return False
    shape = others[0]
    return all(size == 1 for size in shape) or (len(shape) in (3, 4) and shape[-3:] == (channels, 1, 1))


def _against_schemes(layers: dict[str, Layer], encodings: Encodings) -> list[str]:
    used = [(layers[name], item) for name, item in encodings.layers.items() if name in layers]
    transposed = [layer for layer, item in used if not layer.has_integer_kernel and not _is_weights_only(item)]
    blocks = [layer for layer, item in used if item.weight and item.weight.block and _has_no_blocks(layer, item)]
    shifted = [layer for layer, item in used if _is_shifted(item.input) or _is_shifted(item.output)]
    mixed = [layer for layer, item in used if _is_mixed(item)]
    fine = [layer for layer, item in used if _is_too_fine(item)]
    found = []
    if transposed:
        found.append(f"TFLite has no integer transposed convolutions here ({_names(transposed)}); nearest: w8.")
    if blocks:
        found.append(
            "TFLite has no blocks of weights in grouped and in integer convolutions, only one scale per output channel "
            f"({_names(blocks)}); nearest: w4 without blocks, or w8."
        )
    if shifted:
        found.append(
            f"TFLite's 16-bit activations have the zero point 0 ({_names(shifted)}); nearest: symmetric ranges."
        )
    if mixed:
        found.append(
            f"TFLite's integer layers read and write the same number of bits ({_names(mixed)}); nearest: w8a8 or w8a16."
        )
    if fine:
        found.append(
            f"TFLite's integer layers cannot write ranges that are so small beside their weights ({_names(fine)}); "
            "nearest: a wider range, or w8."
        )
    return found


def _is_weights_only(item: LayerEncoding) -> bool:
    return item.scheme in (Scheme.FLOAT, Scheme.W8, Scheme.W4)


def _has_no_blocks(layer: Layer, item: LayerEncoding) -> bool:
    return layer.groups > 1 or not _is_weights_only(item)


def _is_shifted(encoding: Encoding | None) -> bool:
    return encoding is not None and encoding.bits == 16 and encoding.zero_point != 0


def _is_mixed(item: LayerEncoding) -> bool:
    return item.input is not None and item.output is not None and item.input.bits != item.output.bits


def _is_too_fine(item: LayerEncoding) -> bool:
    if item.weight is None or item.input is None or item.output is None or item.input.bits != 8:
        return False
    return max(item.weight.scale) * item.input.scale / item.output.scale >= LARGEST_RATIO


def _names(layers: Sequence[Layer]) -> str:
    return names_of((layer.name for layer in layers), _NAMED)


def edge_encodings(model: Model, encodings: Encodings) -> dict[str, Encoding]:
    """Return how inputs and outputs are kept as int8 codes, by name; those of whole numbers are left out.

    A layer that reads an input, directly or behind a padding, decides for it, as one that writes an output does. Where
    no layer does, the tensor's known range decides.
    """
    layers = {layer.name: layer for layer in find_layers(model.proto)}
    found = {info.name: _edge_encoding(info, model.proto, layers, encodings) for info in _float_edges(model)}
    return {name: encoding for name, encoding in found.items() if encoding is not None}


def _float_edges(model: Model) -> list[TensorInfo]:
    edges = (*model.signature.inputs, *model.signature.outputs)
    return [info for info in edges if info.dtype.startswith("float")]


def _edge_encoding(
    info: TensorInfo, proto: onnx.ModelProto, layers: dict[str, Layer], encodings: Encodings
) -> Encoding | None:
    deciding = _deciding(info, proto, layers, encodings)
    if deciding:
        return next(iter(deciding))
    return _encoding_of(info.value_range) if info.value_range else None


def _deciding(
    info: TensorInfo, proto: onnx.ModelProto, layers: dict[str, Layer], encodings: Encodings
) -> dict[Encoding, list[Layer]]:
    """Return in which ways layers read or write an input or output, with the layers."""
    same = {info.name}
    for node in proto.graph.node:
        if node.op_type == "Pad" and node.input[0] in same:
            same.add(node.output[0])
    found: dict[Encoding, list[Layer]] = {}
    for name, item in encodings.layers.items():
        if name in layers and item.input and layers[name].input in same:
            found.setdefault(item.input, []).append(layers[name])
        if name in layers and item.output and layers[name].output == info.name:
            found.setdefault(item.output, []).append(layers[name])
    return found


def _encoding_of(value_range: tuple[float, float]) -> Encoding | None:
    low, high = min(value_range[0], 0.0), max(value_range[1], 0.0)
    if low == high:
        return None
    scale = (high - low) / 255
    return Encoding(8, False, scale, round(-128 - low / scale), low, high)


def integer_layers(path: Path) -> dict[str, int]:
    """Count the layers that a `.tflite` computes with integers: codes in, int8 weights, codes out.

    Args:
        path: any `.tflite`; it is read, not run.

    Returns:
        A count for each of CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED.

    Raises:
        BadInputError: the file is damaged.
    """
    return _counted(path, _is_integer)


def dynamic_layers(path: Path) -> dict[str, int]:
    """Count the layers that round what they read as they run: floats in, int8 weights, floats out.

    Args, Returns, Raises: as `integer_layers`.
    """
    return _counted(path, _is_dynamic)


def _counted(path: Path, fits: Callable[[Sequence[int], Sequence[int]], bool]) -> dict[str, int]:
    read_outline(path)
    data = mapped(path)
    model = Table(data, number(data, 0, "<I"))
    kinds = [
        max(code.scalar(schema.CODE_OLD, "<b"), code.scalar(schema.CODE_NEW, "<i"))
        for code in model.tables(schema.MODEL_CODES)
    ]
    counts: Counter[str] = Counter(dict.fromkeys(_INTEGER_KINDS.values(), 0))
    for graph in model.tables(schema.MODEL_GRAPHS):
        types = [tensor.scalar(schema.TENSOR_TYPE, "<b") for tensor in graph.tables(schema.GRAPH_TENSORS)]
        for operator in graph.tables(schema.GRAPH_OPERATORS):
            name = _INTEGER_KINDS.get(kinds[operator.scalar(schema.OPERATOR_CODE, "<I")])
            if name and fits(
                [types[index] for index in operator.numbers(schema.OPERATOR_INPUTS, "<i")[:2]],
                [types[index] for index in operator.numbers(schema.OPERATOR_OUTPUTS, "<i")],
            ):
                counts[name] += 1
    return dict(counts)


def _is_dynamic(inputs: Sequence[int], outputs: Sequence[int]) -> bool:
    return inputs[0] == _FLOAT and inputs[1] == _INT8 and all(kind == _FLOAT for kind in outputs)


def _is_integer(inputs: Sequence[int], outputs: Sequence[int]) -> bool:
    return inputs[0] in (_INT8, _INT16) and inputs[1] == _INT8 and all(kind == inputs[0] for kind in outputs)
