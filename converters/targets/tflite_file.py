"""What a `.tflite` file says of itself, read and checked without the runtime.

A `.tflite` is a flatbuffer with the root table Model of TFLite's schema (schema.fbs). The runtime checks much of it
by itself, but not everything it follows, and every check here costs microseconds, so all indices and sizes that lead
to memory are checked before native code sees the file.
"""

from __future__ import annotations

import math
import mmap
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from converters.errors import BadInputError
from converters.targets import tflite_schema as schema
from converters.targets.tflite_flatbuffer import Table, number

IDENTIFIER = b"TFL3"
_LARGEST_TENSOR = 2**31
_LARGEST_METADATA = 2**24


@dataclass(frozen=True)
class TensorOutline:
    """A tensor at the edge of a file.

    Attributes:
        index: in the main graph.
        name: of the tensor.
        shape: sizes; -1 for an axis that may be resized.
        dtype: numpy's name, or "type N" for one numpy does not have.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Outline:
    """What a `.tflite` file says of itself.

    Attributes:
        description: free text.
        metadata: texts and bytes by name.
        inputs, outputs: of the main graph, in its order.
        signature_inputs, signature_outputs: tensor index by name in the signature; empty when there is none.
        operators: number of operators of the main graph.
    """

    description: str
    metadata: Mapping[str, bytes]
    inputs: tuple[TensorOutline, ...]
    outputs: tuple[TensorOutline, ...]
    signature_inputs: Mapping[str, int]
    signature_outputs: Mapping[str, int]
    operators: int


def mapped(path: Path) -> memoryview:
    """Return a file's bytes without reading them; the mapping ends with the last view of it.

    Raises:
        BadInputError: the file is empty.
    """
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            raise BadInputError(f"{path.name} is empty.")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def read_outline(path: Path) -> Outline:
    """Read what a file says of itself and check every index and size that the runtime would follow.

    Raises:
        BadInputError: it is no `.tflite`, or a damaged one.
    """
    data = mapped(path)
    if bytes(data[4:8]) != IDENTIFIER:
        raise BadInputError(f"{path.name} is no .tflite file.", "It lacks the mark TFL3.")
    try:
        return _outline(data)
    except (IndexError, struct.error, OverflowError) as error:
        raise BadInputError(f"{path.name} is damaged: {error}.", "", "Convert the model again.") from error


def _outline(data: memoryview) -> Outline:
    model = Table(data, number(data, 0, "<I"))
    buffers = [_buffer_size(buffer) for buffer in model.tables(schema.MODEL_BUFFERS)]
    # codes above 127 are in a second field, the first then says 127
    kinds = [
        max(code.scalar(schema.CODE_OLD, "<b"), code.scalar(schema.CODE_NEW, "<i"))
        for code in model.tables(schema.MODEL_CODES)
    ]
    graphs = model.tables(schema.MODEL_GRAPHS)
    if not graphs:
        raise IndexError("it has no graph")
    for graph in graphs:
        _check_graph(graph, buffers, kinds)
    tensors = graphs[0].tables(schema.GRAPH_TENSORS)

    def edge(index: int) -> TensorOutline:
        return _tensor_outline(index, tensors[index])

    signature = _signature(model, len(tensors))
    return Outline(
        description=model.text(schema.MODEL_DESCRIPTION),
        metadata=_metadata(model, buffers),
        inputs=tuple(edge(index) for index in graphs[0].numbers(schema.GRAPH_INPUTS, "<i")),
        outputs=tuple(edge(index) for index in graphs[0].numbers(schema.GRAPH_OUTPUTS, "<i")),
        signature_inputs=signature[0],
        signature_outputs=signature[1],
        operators=len(graphs[0].tables(schema.GRAPH_OPERATORS)),
    )


def outside_data(buffer: Table) -> tuple[int, int] | None:
    """Return offset and length of a buffer's data outside of the flatbuffer."""
    offset, length = buffer.scalar(schema.BUFFER_OFFSET, "<Q"), buffer.scalar(schema.BUFFER_SIZE, "<Q")
    # 0 and 1 mean that the data is in the flatbuffer
    return (offset, length) if offset > 1 else None


def _buffer_size(buffer: Table) -> int:
    place = outside_data(buffer)
    if place and sum(place) > len(buffer.data):
        raise IndexError(f"weights of {place[1]} bytes at {place[0]} leave the file")
    return place[1] if place else buffer.vector(schema.BUFFER_DATA, 1)[1]


def _check_graph(graph: Table, buffers: Sequence[int], kinds: Sequence[int]) -> None:
    tensors = graph.tables(schema.GRAPH_TENSORS)
    for index, tensor in enumerate(tensors):
        _check_tensor(index, tensor, buffers)
    for slot in (schema.GRAPH_INPUTS, schema.GRAPH_OUTPUTS):
        _check_indices(graph.numbers(slot, "<i"), len(tensors), optional=False)
    for operator in graph.tables(schema.GRAPH_OPERATORS):
        _check_operator(operator, tensors, kinds)


def _check_operator(operator: Table, tensors: Sequence[Table], kinds: Sequence[int]) -> None:
    code = operator.scalar(schema.OPERATOR_CODE, "<I")
    if code >= len(kinds):
        raise IndexError("an operator is of a kind that the file does not list")
    inputs, outputs = (operator.numbers(slot, "<i") for slot in (schema.OPERATOR_INPUTS, schema.OPERATOR_OUTPUTS))
    _check_indices(inputs, len(tensors), optional=True)
    _check_indices(outputs, len(tensors), optional=False)
    _check_indices(operator.numbers(schema.OPERATOR_INTERMEDIATES, "<i"), len(tensors), optional=True)
    least = schema.LEAST_INPUTS.get(kinds[code])
    if least is not None and (len(inputs) < least or -1 in inputs[:least] or not outputs):
        raise IndexError(f"an operator of kind {kinds[code]} has the inputs {inputs} and the outputs {outputs}")
    if kinds[code] == schema.DEQUANTIZE:
        # XNNPACK writes as many values as went in, whatever room there is
        before, after = (tensors[index].numbers(schema.TENSOR_SHAPE, "<i") for index in (inputs[0], outputs[0]))
        if before != after:
            raise IndexError(f"a DEQUANTIZE turns {before} into {after}")
    for slot in (schema.OPERATOR_OPTIONS, schema.OPERATOR_OPTIONS_2):
        operator.table(slot)
    operator.vector(schema.OPERATOR_CUSTOM_OPTIONS, 1)
    large = operator.scalar(schema.OPERATOR_LARGE_OPTIONS, "<Q"), operator.scalar(schema.OPERATOR_LARGE_SIZE, "<Q")
    if sum(large) > len(operator.data):
        raise IndexError("an operator's options leave the file")


def _check_indices(indices: Sequence[int], count: int, *, optional: bool) -> None:
    lowest = -1 if optional else 0
    for index in indices:
        if not lowest <= index < count:
            raise IndexError(f"tensor {index} of {count} is used")


def _check_tensor(index: int, tensor: Table, buffers: Sequence[int]) -> None:
    buffer = tensor.scalar(schema.TENSOR_BUFFER, "<I")
    if buffer >= len(buffers):
        raise IndexError(f"tensor {index} has its values in buffer {buffer} of {len(buffers)}")
    shape = tensor.numbers(schema.TENSOR_SHAPE, "<i")
    if any(size < 0 for size in shape):
        raise IndexError(f"tensor {index} has the shape {shape}")
    _, item = schema.TENSOR_TYPES.get(tensor.scalar(schema.TENSOR_TYPE, "<b"), ("", 0))
    size = math.prod(shape) * item
    if size > _LARGEST_TENSOR:
        raise IndexError(f"tensor {index} has the shape {shape}")
    if item and buffers[buffer] and buffers[buffer] < size:
        raise IndexError(f"tensor {index} needs {size} bytes and has {buffers[buffer]}")
    tensor.octets(schema.TENSOR_NAME)


def _tensor_outline(index: int, tensor: Table) -> TensorOutline:
    shape = tensor.numbers(schema.TENSOR_SHAPE_SIGNATURE, "<i") or tensor.numbers(schema.TENSOR_SHAPE, "<i")
    kind = tensor.scalar(schema.TENSOR_TYPE, "<b")
    dtype = schema.TENSOR_TYPES[kind][0] if kind in schema.TENSOR_TYPES else f"type {kind}"
    return TensorOutline(index, tensor.text(schema.TENSOR_NAME), shape, dtype)


def _metadata(model: Table, buffers: Sequence[int]) -> dict[str, bytes]:
    tables = model.tables(schema.MODEL_BUFFERS)
    found = {}
    for entry in model.tables(schema.MODEL_METADATA):
        buffer = entry.scalar(schema.METADATA_BUFFER, "<I")
        if buffer >= len(buffers):
            raise IndexError(f"metadata is in buffer {buffer} of {len(buffers)}")
        if buffers[buffer] <= _LARGEST_METADATA:
            found[entry.text(schema.METADATA_NAME)] = _content(tables[buffer])
    return found


def _content(buffer: Table) -> bytes:
    place = outside_data(buffer)
    return bytes(buffer.data[place[0] : sum(place)]) if place else bytes(buffer.octets(schema.BUFFER_DATA))


def _signature(model: Table, tensors: int) -> tuple[dict[str, int], dict[str, int]]:
    """Return tensor indices by name of the first signature."""
    sides: list[dict[str, int]] = [{}, {}]
    for signature in model.tables(schema.MODEL_SIGNATURES)[:1]:
        for side, slot in zip(sides, (schema.SIGNATURE_INPUTS, schema.SIGNATURE_OUTPUTS), strict=True):
            for entry in signature.tables(slot):
                side[entry.text(schema.MAP_NAME)] = entry.scalar(schema.MAP_INDEX, "<I")
            _check_indices(tuple(side.values()), tensors, optional=False)
    return sides[0], sides[1]
