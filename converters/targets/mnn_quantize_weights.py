"""Weights of a convolution as MNN's table of codes, with scales per output channel or block."""

from __future__ import annotations

import math
import struct

import numpy as np
import numpy.typing as npt

from converters.compress.quantize.encodings import Encoding, Floats
from converters.targets import mnn_quantize_schema as schema
from converters.targets.tflite_flatbuffer import Node, Octets, Old, Record, Scalar, Table, Words

Codes = npt.NDArray[np.int8]

_SHORT = 2**16
_LARGEST_INT32 = 2**31 - 1


def code_table(codes: Codes, bits: int) -> bytes:
    """Return codes as MNN decodes them: shape, the list of all values there can be, indices.

    Args:
        codes: in memory order, as rows.
        bits: 8, or 4 with two codes a byte, the first one in the upper half.
    """
    rows = codes.reshape(codes.shape[0], -1)
    form = "<B2I" if max(rows.shape) >= _SHORT else "<B2H"
    values = np.arange(-(2 ** (bits - 1)), 2 ** (bits - 1), dtype=np.int8)
    # A list of 256 values is announced as one of 0.
    start = struct.pack(form, 2, *rows.shape) + struct.pack("<B", len(values) % 256) + values.tobytes()
    indices = (rows.reshape(-1).astype(np.int16) + 2 ** (bits - 1)).astype(np.uint8)
    if bits == 4:
        pairs = np.append(indices, np.zeros(len(indices) % 2, np.uint8)).reshape(-1, 2)
        indices = (pairs[:, 0] << 4) | pairs[:, 1]
    packed: bytes = indices.tobytes()
    return start + packed


def is_wide(codes: Codes) -> bool:
    """Return whether the shape in `code_table` takes 32-bit numbers."""
    return max(codes.reshape(codes.shape[0], -1).shape) >= _SHORT


def pieces(scales: Floats) -> Floats:
    """Return one scale for each of the largest equal pieces of memory within which the scale does not change.

    Args:
        scales: of every weight, in memory order.
    """
    changes = np.flatnonzero(np.diff(scales)) + 1
    size = math.gcd(len(scales), *(int(change) for change in changes))
    return scales[::size]


def whole_biases(biases: Floats, scale_in: float, alpha: Floats) -> Floats:
    """Return biases that MNN, which cuts off the fraction of bias / (input scale * weight scale), reads as whole codes.

    The codes are those of the reference: rounded to nearest. A quarter of a code is added on the outer side, so that
    rounding errors of the division do not lead to the next code inside.
    """
    unit = alpha.astype(np.float64) * np.float64(np.float32(scale_in))
    codes = np.rint(biases.astype(np.float64) / unit)
    codes = np.where(np.abs(codes) > _LARGEST_INT32, biases / unit, codes)
    return ((codes + 0.25 * np.sign(codes)) * unit).astype(np.float32)


def convolution(
    main: Table,
    codes: Codes,
    bits: int,
    alpha: Floats,
    biases: Floats,
    edges: tuple[Encoding, Encoding] | None,
) -> Record:
    """Return a convolution's parameters.

    Args:
        main: those it had; kernel, strides and padding are taken over.
        codes: in memory order, as rows.
        bits: of a code.
        alpha: scales, one for each of equal pieces of memory.
        biases: one per output channel.
        edges: encodings of input and output of a layer that computes with integers; None for one that uses its codes
            as floats.
    """
    fields: dict[int, Node] = {
        schema.CONVOLUTION_COMMON: Old(main.target(schema.CONVOLUTION_COMMON)),
        schema.CONVOLUTION_BIAS: Words(np.ascontiguousarray(biases, np.float32).tobytes()),
    }
    table: dict[int, Node] = {
        schema.CODES_BUFFER: Octets(code_table(codes, bits)),
        schema.CODES_ALPHA: Words(np.ascontiguousarray(alpha, np.float32).tobytes()),
        schema.CODES_TYPE: Scalar("<i", schema.CODES_BY_TABLE),
        schema.CODES_FACTOR: Scalar("<f", 1.0),
        schema.CODES_BITS: Scalar("<i", bits),
        schema.CODES_WIDE_SHAPE: Scalar("<B", is_wide(codes)),
    }
    if edges is not None:
        read, written = edges
        table[schema.CODES_SCALE_IN] = Scalar("<f", read.scale)
        table[schema.CODES_SCALE_OUT] = Scalar("<f", written.scale)
        fields[schema.CONVOLUTION_INTEGER] = Record(
            {
                schema.INTEGER_BITS: Scalar("<i", 8),
                schema.INTEGER_ZERO_IN: Scalar("<b", read.zero_point),
                schema.INTEGER_ZERO_OUT: Scalar("<b", written.zero_point),
                schema.INTEGER_LEAST: Scalar("<b", written.lowest),
                schema.INTEGER_LARGEST: Scalar("<b", written.highest),
            }
        )
    fields[schema.CONVOLUTION_CODES] = Record(table)
    return Record(fields)


def floating(main: Table, weights: Floats, biases: Floats) -> Record:
    """Return a convolution's parameters with float weights, in memory order."""
    return Record(
        {
            schema.CONVOLUTION_COMMON: Old(main.target(schema.CONVOLUTION_COMMON)),
            schema.CONVOLUTION_WEIGHT: Words(np.ascontiguousarray(weights, np.float32).tobytes()),
            schema.CONVOLUTION_BIAS: Words(np.ascontiguousarray(biases, np.float32).tobytes()),
        }
    )
