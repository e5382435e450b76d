"""What a `.tflite` file says of itself, read without the runtime; and giving it names and metadata.

A `.tflite` is a flatbuffer with the root table Model of TFLite's schema (schema.fbs). The runtime checks much of it
by itself, but not everything it follows, and every check here costs microseconds, so all indices and sizes that lead
to memory are checked before native code sees the file.
"""

from __future__ import annotations

import contextlib
import math
import mmap
import os
import shutil
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from converters.errors import BadInputError
from converters.targets.tflite_flatbuffer import (
    LARGEST_FILE,
    Integers,
    Node,
    Octets,
    Old,
    Record,
    References,
    Scalar,
    Table,
    Text,
    head,
    number,
)

IDENTIFIER = b"TFL3"
SIGNATURE_KEY = "serving_default"
_LARGEST_TENSOR = 2**33
_LARGEST_METADATA = 2**24

# Slots of the schema's tables: a struct format, or "" for what is pointed to.
_MODEL = ("<I", "", "", "", "", "", "", "", "", "")
_MODEL_CODES, _MODEL_GRAPHS, _MODEL_DESCRIPTION, _MODEL_BUFFERS, _MODEL_METADATA, _MODEL_SIGNATURES = 1, 2, 3, 4, 6, 7
_GRAPH = ("", "", "", "", "", "<i")
_GRAPH_TENSORS, _GRAPH_INPUTS, _GRAPH_OUTPUTS, _GRAPH_OPERATORS = 0, 1, 2, 3
_TENSOR = ("", "<b", "<I", "", "", "<b", "", "", "<b", "", "<I")
_TENSOR_SHAPE, _TENSOR_TYPE, _TENSOR_BUFFER, _TENSOR_NAME, _TENSOR_SHAPE_SIGNATURE = 0, 1, 2, 3, 7
_OPERATOR_CODE, _OPERATOR_INPUTS, _OPERATOR_OUTPUTS = 0, 1, 2
_OPERATOR_OPTIONS, _OPERATOR_CUSTOM_OPTIONS, _OPERATOR_INTERMEDIATES, _OPERATOR_OPTIONS_2 = 4, 5, 8, 12
_BUFFER_DATA, _BUFFER_OFFSET, _BUFFER_SIZE = 0, 1, 2
_METADATA_NAME, _METADATA_BUFFER = 0, 1
_SIGNATURE_INPUTS, _SIGNATURE_OUTPUTS, _SIGNATURE_KEY = 0, 1, 2
_MAP_NAME, _MAP_INDEX = 0, 1

# TensorType of the schema; the types not named here have no numpy counterpart.
_TYPES = {
    0: ("float32", 4),
    1: ("float16", 2),
    2: ("int32", 4),
    3: ("uint8", 1),
    4: ("int64", 8),
    6: ("bool", 1),
    7: ("int16", 2),
    8: ("complex64", 8),
    9: ("int8", 1),
    10: ("float64", 8),
    11: ("complex128", 16),
    12: ("uint64", 8),
    15: ("uint32", 4),
    16: ("uint16", 2),
}


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


@contextlib.contextmanager
def _mapped(path: Path) -> Iterator[memoryview]:
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            raise BadInputError(f"{path.name} is empty.")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as data:
            yield data


def read_outline(path: Path) -> Outline:
    """Read what a file says of itself and check every index and size that the runtime would follow.

    Raises:
        BadInputError: it is no `.tflite`, or a damaged one.
    """
    with _mapped(path) as data:
        if bytes(data[4:8]) != IDENTIFIER:
            raise BadInputError(f"{path.name} is no .tflite file.", "It lacks the mark TFL3.")
        try:
            return _outline(data)
        except (IndexError, struct.error, OverflowError) as error:
            # the error's frames hold views of the mapping, which could then not be closed
            reason = str(error)
            error.__traceback__ = None
    raise BadInputError(f"{path.name} is damaged: {reason}.", "", "Convert the model again.")


def _outline(data: memoryview) -> Outline:
    model = Table(data, number(data, 0, "<I"))
    buffers = [_buffer_size(buffer) for buffer in model.tables(_MODEL_BUFFERS)]
    codes = len(model.tables(_MODEL_CODES))
    graphs = model.tables(_MODEL_GRAPHS)
    if not graphs:
        raise IndexError("it has no graph")
    for graph in graphs:
        _check_graph(graph, buffers, codes)
    tensors = graphs[0].tables(_GRAPH_TENSORS)

    def edge(index: int) -> TensorOutline:
        return _tensor_outline(index, tensors[index])

    signature = _signature(model, len(tensors))
    return Outline(
        description=model.text(_MODEL_DESCRIPTION),
        metadata=_metadata(model, buffers),
        inputs=tuple(edge(index) for index in graphs[0].numbers(_GRAPH_INPUTS, "<i")),
        outputs=tuple(edge(index) for index in graphs[0].numbers(_GRAPH_OUTPUTS, "<i")),
        signature_inputs=signature[0],
        signature_outputs=signature[1],
        operators=len(graphs[0].tables(_GRAPH_OPERATORS)),
    )


def _buffer_size(buffer: Table) -> int:
    _, inside = buffer.vector(_BUFFER_DATA, 1)
    offset, size = buffer.scalar(_BUFFER_OFFSET, "<Q"), buffer.scalar(_BUFFER_SIZE, "<Q")
    # 0 and 1 mean that the data is in the flatbuffer
    if offset > 1 and offset + size > len(buffer.data):
        raise IndexError(f"weights of {size} bytes at {offset} leave the file")
    return size if offset > 1 else inside


def _check_graph(graph: Table, buffers: Sequence[int], codes: int) -> None:
    tensors = graph.tables(_GRAPH_TENSORS)
    for index, tensor in enumerate(tensors):
        _check_tensor(index, tensor, buffers)
    for slot in (_GRAPH_INPUTS, _GRAPH_OUTPUTS):
        _check_indices(graph.numbers(slot, "<i"), len(tensors), optional=False)
    for operator in graph.tables(_GRAPH_OPERATORS):
        if operator.scalar(_OPERATOR_CODE, "<I") >= codes:
            raise IndexError("an operator is of a kind that the file does not list")
        for slot in (_OPERATOR_INPUTS, _OPERATOR_OUTPUTS, _OPERATOR_INTERMEDIATES):
            _check_indices(operator.numbers(slot, "<i"), len(tensors), optional=slot != _OPERATOR_OUTPUTS)
        for slot in (_OPERATOR_OPTIONS, _OPERATOR_OPTIONS_2):
            operator.table(slot)
        operator.vector(_OPERATOR_CUSTOM_OPTIONS, 1)


def _check_indices(indices: Sequence[int], count: int, *, optional: bool) -> None:
    lowest = -1 if optional else 0
    for index in indices:
        if not lowest <= index < count:
            raise IndexError(f"tensor {index} of {count} is used")


def _check_tensor(index: int, tensor: Table, buffers: Sequence[int]) -> None:
    buffer = tensor.scalar(_TENSOR_BUFFER, "<I")
    if buffer >= len(buffers):
        raise IndexError(f"tensor {index} has its values in buffer {buffer} of {len(buffers)}")
    shape = tensor.numbers(_TENSOR_SHAPE, "<i")
    if any(size < 0 for size in shape):
        raise IndexError(f"tensor {index} has the shape {shape}")
    _, item = _TYPES.get(tensor.scalar(_TENSOR_TYPE, "<b"), ("", 0))
    size = math.prod(shape) * item
    if size > _LARGEST_TENSOR:
        raise IndexError(f"tensor {index} has the shape {shape}")
    if item and buffers[buffer] and buffers[buffer] < size:
        raise IndexError(f"tensor {index} needs {size} bytes and has {buffers[buffer]}")
    tensor.octets(_TENSOR_NAME)


def _tensor_outline(index: int, tensor: Table) -> TensorOutline:
    shape = tensor.numbers(_TENSOR_SHAPE_SIGNATURE, "<i") or tensor.numbers(_TENSOR_SHAPE, "<i")
    kind = tensor.scalar(_TENSOR_TYPE, "<b")
    dtype = _TYPES[kind][0] if kind in _TYPES else f"type {kind}"
    return TensorOutline(index, tensor.text(_TENSOR_NAME), shape, dtype)


def _metadata(model: Table, buffers: Sequence[int]) -> dict[str, bytes]:
    tables = model.tables(_MODEL_BUFFERS)
    found = {}
    for entry in model.tables(_MODEL_METADATA):
        buffer = entry.scalar(_METADATA_BUFFER, "<I")
        if buffer >= len(buffers):
            raise IndexError(f"metadata is in buffer {buffer} of {len(buffers)}")
        if buffers[buffer] <= _LARGEST_METADATA:
            found[entry.text(_METADATA_NAME)] = bytes(tables[buffer].octets(_BUFFER_DATA))
    return found


def _signature(model: Table, tensors: int) -> tuple[dict[str, int], dict[str, int]]:
    """Return tensor indices by name of the first signature."""
    sides: list[dict[str, int]] = [{}, {}]
    for signature in model.tables(_MODEL_SIGNATURES)[:1]:
        for side, slot in zip(sides, (_SIGNATURE_INPUTS, _SIGNATURE_OUTPUTS), strict=True):
            for entry in signature.tables(slot):
                side[entry.text(_MAP_NAME)] = entry.scalar(_MAP_INDEX, "<I")
            _check_indices(tuple(side.values()), tensors, optional=False)
    return sides[0], sides[1]


def write_labelled(
    source: Path,
    destination: Path,
    inputs: Sequence[tuple[str, int]],
    outputs: Sequence[tuple[str, int]],
    metadata: Mapping[str, str],
    description: str,
) -> None:
    """Copy a `.tflite` with other edge names, another edge order and added metadata; its weights are only copied.

    Args:
        source: a converter's file, with one graph that matters: the first.
        destination: must not exist.
        inputs, outputs: name and tensor index of each, in the wanted order. The names become those of the signature
            `serving_default` and, for the first name of a tensor, of the tensor itself.
        metadata: texts by name.
        description: free text shown by viewers.

    Raises:
        BadInputError: the file would pass 2 GiB.
    """
    with _mapped(source) as data:
        front = head(_labelled(data, inputs, outputs, metadata, description), IDENTIFIER)
        size = len(front) + len(data)
    if size > LARGEST_FILE:
        raise BadInputError(f"The .tflite file would be {size / 2**30:.2f} GiB, its format holds 2 GiB.")
    with source.open("rb") as old, destination.open("xb") as new:
        new.write(front)
        shutil.copyfileobj(old, new, 1 << 24)


def _labelled(
    data: memoryview,
    inputs: Sequence[tuple[str, int]],
    outputs: Sequence[tuple[str, int]],
    metadata: Mapping[str, str],
    description: str,
) -> Record:
    model = Table(data, number(data, 0, "<I"))
    fields = model.fields(_MODEL)
    graph, *others = model.tables(_MODEL_GRAPHS)
    buffers = model.tables(_MODEL_BUFFERS)
    if any(buffer.scalar(_BUFFER_OFFSET, "<Q") > 1 for buffer in buffers):
        raise ValueError("weights outside the flatbuffer have absolute offsets, which a head would shift")

    graph_fields = graph.fields(_GRAPH)
    graph_fields[_GRAPH_TENSORS] = _renamed(graph, [*inputs, *outputs])
    graph_fields[_GRAPH_INPUTS] = Integers(tuple(index for _, index in inputs))
    graph_fields[_GRAPH_OUTPUTS] = Integers(tuple(index for _, index in outputs))
    fields[_MODEL_GRAPHS] = References((Record(graph_fields), *(Old(other.position) for other in others)))
    fields[_MODEL_DESCRIPTION] = Text(description)
    kept = [entry for entry in model.tables(_MODEL_METADATA) if entry.text(_METADATA_NAME) not in metadata]
    added = {name: len(buffers) + place for place, name in enumerate(metadata)}
    fields[_MODEL_METADATA] = References(
        (
            *(Old(entry.position) for entry in kept),
            *(
                Record({_METADATA_NAME: Text(name), _METADATA_BUFFER: Scalar("<I", buffer)})
                for name, buffer in added.items()
            ),
        )
    )
    fields[_MODEL_BUFFERS] = References(
        (
            *(Old(buffer.position) for buffer in buffers),
            *(Record({_BUFFER_DATA: Octets(text.encode())}) for text in metadata.values()),
        )
    )
    signature: dict[int, Node] = {
        _SIGNATURE_INPUTS: _tensor_map(inputs),
        _SIGNATURE_OUTPUTS: _tensor_map(outputs),
        _SIGNATURE_KEY: Text(SIGNATURE_KEY),
    }
    fields[_MODEL_SIGNATURES] = References((Record(signature),))
    return Record(fields)


def _tensor_map(names: Sequence[tuple[str, int]]) -> References:
    return References(tuple(Record({_MAP_NAME: Text(name), _MAP_INDEX: Scalar("<I", index)}) for name, index in names))


def _renamed(graph: Table, names: Sequence[tuple[str, int]]) -> References:
    """Return the graph's tensors, those of the edge renamed, and inner ones that bear an edge's name moved aside."""
    wanted: dict[int, str] = {}
    for name, index in names:
        wanted.setdefault(index, name)
    taken = set(wanted.values())
    items: list[Node] = []
    for index, tensor in enumerate(graph.tables(_GRAPH_TENSORS)):
        name = wanted.get(index, "")
        if not name and tensor.text(_TENSOR_NAME) in taken:
            name = f"{tensor.text(_TENSOR_NAME)}/inner{index}"
        items.append(Record({**tensor.fields(_TENSOR), _TENSOR_NAME: Text(name)}) if name else Old(tensor.position))
    return References(tuple(items))
