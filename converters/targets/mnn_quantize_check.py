"""Read a written `.mnn` back: whether its codes, scales, zero points and biases are those of the Encodings."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from converters.compress.quantize.encodings import Encoding, Encodings, Floats, LayerEncoding
from converters.compress.quantize.layers import Layer, effective_weights
from converters.errors import VerificationError
from converters.model.graph import Model
from converters.targets import mnn_quantize_schema as schema
from converters.targets.mnn_quantize_layers import Part, rows_in_memory
from converters.targets.mnn_quantize_net import Net, Operator
from converters.targets.mnn_quantize_weights import Codes
from converters.targets.tflite_flatbuffer import Table

# A bias is written as a sum or product of floats, whose last digit may be another.
_DIGITS = 1e-6


@dataclass(frozen=True)
class Written:
    """One layer of the graph and the convolutions that were written for it.

    Attributes:
        layer: of the graph.
        encoding: of the layer.
        parts: of MNN's network before.
        is_float: whether its rounded weights are kept as floats.
    """

    layer: Layer
    encoding: LayerEncoding
    parts: tuple[Part, ...]
    is_float: bool


def compare_file(path: Path, model: Model, encodings: Encodings, layers: Sequence[Written]) -> None:
    """Compare a saved file with the Encodings it was made from.

    Raises:
        VerificationError: something differs; names the layers.
    """
    net = Net(path, path.with_name(f"{path.name}.weight"))
    try:
        problems = _problems(net, model, encodings, layers)
    except (IndexError, ValueError, struct.error) as error:
        raise VerificationError("The .mnn file that was written is damaged.", f"{error}.") from error
    if problems:
        raise VerificationError(
            f"The .mnn file is not quantized as was asked for: {'; '.join(problems[:5])}.",
            "It was changed on the way.",
            "Export it with another precision.",
        )


def _problems(net: Net, model: Model, encodings: Encodings, layers: Sequence[Written]) -> list[str]:
    by_name: dict[str, list[Operator]] = {}
    for operator in net.operators:
        by_name.setdefault(operator.name, []).append(operator)
    marks = {
        table.scalar(schema.DESCRIPTION_INDEX, "<i"): info
        for table in net.descriptions()
        if (info := table.table(schema.DESCRIPTION_QUANTIZATION)) is not None
    }
    problems, known = [], set()
    for written in layers:
        weights = effective_weights(model.proto, encodings, written.layer.weight)
        biases = effective_weights(model.proto, encodings, written.layer.bias) if written.layer.bias else None
        for part in written.parts:
            found = [item for item in by_name.get(part.operator.name, []) if item.kind == part.operator.kind]
            if len(found) != 1:
                problems.append(f"{written.layer.name}: it is there {len(found)} times")
                continue
            known.add(found[0].index)
            reason = _difference(net, found[0], written, part, weights, biases, marks)
            if reason:
                problems.append(f"{written.layer.name}: {reason}")
    strays = [item.name for item in net.operators if item.index not in known and _codes(item) is not None]
    return problems + [f"{name}: codes that no layer asked for" for name in strays]


def _difference(
    net: Net,
    operator: Operator,
    written: Written,
    part: Part,
    weights: Floats,
    biases: Floats | None,
    marks: dict[int, Table],
) -> str:
    layer, encoding = written.layer, written.encoding
    weight, main, table = encoding.weight, operator.main, _codes(operator)
    assert weight is not None
    assert main is not None
    if written.is_float != (table is None):
        return "its weights are kept otherwise"
    codes = weight.quantize(weights)
    stored, stored_biases = net.floats(operator)
    if table is None:
        wanted = np.asarray(rows_in_memory(layer, weight.dequantize(codes)), np.float32)[part.rows]
        if not np.array_equal(stored, (wanted * part.factors[:, None]).reshape(-1)):
            return "it has other weights"
    else:
        wanted_codes = np.asarray(rows_in_memory(layer, codes), np.int8)[part.rows].reshape(-1)
        if not np.array_equal(read_codes(table), wanted_codes):
            return "it has other codes"
        units = np.asarray(rows_in_memory(layer, weight.dequantize(np.ones(codes.shape, np.int8))), np.float32)
        scales = (units[part.rows] * part.factors[:, None]).reshape(-1)
        alpha = np.asarray(table.numbers(schema.CODES_ALPHA, "<f"), np.float32)
        if not len(alpha) or scales.size % len(alpha):
            return f"it has {len(alpha)} scales of weights"
        if not np.array_equal(np.repeat(alpha, scales.size // len(alpha)), scales):
            return "its weights have other scales"
    if encoding.input is None or encoding.output is None or table is None:
        return "" if _near(stored_biases, part.biases) else "it has other biases"
    return _edge_difference(operator, table, encoding.input, encoding.output, marks) or _bias_difference(
        stored_biases, None if biases is None else biases.reshape(-1)[part.rows], alpha, encoding.input
    )


def _edge_difference(
    operator: Operator, table: Table, read: Encoding, written: Encoding, marks: dict[int, Table]
) -> str:
    main = operator.main
    integer = main.table(schema.CONVOLUTION_INTEGER) if main is not None else None
    if integer is None:
        return "it has no zero points"
    for what, encoding, scale, zero, tensor in (
        ("reads", read, schema.CODES_SCALE_IN, schema.INTEGER_ZERO_IN, operator.inputs[0]),
        ("writes", written, schema.CODES_SCALE_OUT, schema.INTEGER_ZERO_OUT, operator.outputs[0]),
    ):
        mark = marks.get(tensor)
        if mark is None or mark.scalar(schema.INFO_TYPE, "<i") != schema.INT8:
            return f"what it {what} is not rounded"
        unit = float(np.float32(encoding.scale))
        if (table.scalar(scale, "<f"), mark.scalar(schema.INFO_SCALE, "<f")) != (unit, unit):
            return f"what it {what} has another scale"
        point = encoding.zero_point
        if (integer.scalar(zero, "<b"), mark.scalar(schema.INFO_ZERO, "<f")) != (point, point):
            return f"what it {what} has another zero point"
    ends = tuple(integer.scalar(slot, "<b") for slot in (schema.INTEGER_LEAST, schema.INTEGER_LARGEST))
    return "" if ends == (written.lowest, written.highest) else "what it writes is clipped otherwise"


def _bias_difference(stored: Floats, biases: Floats | None, alpha: Floats, read: Encoding) -> str:
    """Compare whole units of input scale times weight scale; MNN cuts off what is left."""
    wanted = np.zeros(len(stored), np.float32) if biases is None else biases
    if len(stored) != len(wanted):
        return f"it has {len(stored)} biases"
    unit = alpha.astype(np.float64) * float(np.float32(read.scale))
    codes, found = np.rint(wanted / unit), stored / unit
    same = np.where(np.abs(codes) < 2**20, np.trunc(found) == codes, np.abs(found - codes) <= _DIGITS * np.abs(codes))
    return "" if np.all(same) else "it has other biases"


def _near(found: Floats, wanted: Floats) -> bool:
    return found.shape == wanted.shape and bool(np.all(np.abs(found - wanted) <= _DIGITS * np.abs(wanted)))


def _codes(operator: Operator) -> Table | None:
    if operator.kind not in schema.CONVOLUTIONS or operator.main is None:
        return None
    return operator.main.table(schema.CONVOLUTION_CODES)


def read_codes(table: Table) -> Codes:
    """Return the codes of a convolution, flat, as MNN decodes them from the list of values and the indices.

    Raises:
        ValueError: they are not stored like that.
    """
    raw = np.frombuffer(table.octets(schema.CODES_BUFFER), np.uint8)
    size = 4 if table.scalar(schema.CODES_WIDE_SHAPE, "<B") else 2
    if table.scalar(schema.CODES_TYPE, "<i") != schema.CODES_BY_TABLE or len(raw) < 2 + 2 * size or raw[0] != 2:
        raise ValueError("codes of another kind")
    rows, columns = (int(number) for number in raw[1 : 1 + 2 * size].view(np.dtype(f"<u{size}")))
    start = 1 + 2 * size
    listed = int(raw[start]) or 256
    values = raw[start + 1 : start + 1 + listed].view(np.int8)
    indices = raw[start + 1 + listed :]
    if listed <= 16:
        indices = np.stack([indices >> 4, indices & 15], axis=1).reshape(-1)
    return values[indices[: rows * columns]]
