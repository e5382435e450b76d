"""Give a `.tflite` file the names, the order and the metadata of the graph it was made from."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from converters.errors import BadInputError
from converters.targets import tflite_schema as schema
from converters.targets.tflite_file import IDENTIFIER, mapped, outside_data
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

SIGNATURE_KEY = "serving_default"
_PIECE = 2**24


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
    data = mapped(source)
    model = Table(data, number(data, 0, "<I"))
    weights = _outside_weights(model)
    front = head(_labelled(model, weights, inputs, outputs, metadata, description), IDENTIFIER)
    size = len(front) + weights.end
    if size > LARGEST_FILE:
        raise BadInputError(f"The .tflite file would be {size / 2**30:.2f} GiB, its format holds 2 GiB.")
    with destination.open("xb") as file:
        file.write(front)
        _write_pieces(file, data[: weights.start])
        at = weights.start
        for position, (offset, length) in weights.places:
            file.write(bytes(position - at) + struct.pack("<I", length))
            _write_pieces(file, data[offset : offset + length])
            at = position + 4 + length


@dataclass(frozen=True)
class _OutsideWeights:
    """Weights that a file keeps behind its flatbuffer, at absolute offsets, and where they will be inside of it.

    Runtimes before TensorFlow Lite 2.14 do not know such weights, so they are moved into ordinary vectors, which
    start where the first of them was.

    Attributes:
        start: where the flatbuffer proper ends.
        places: position of the new vector, and offset and length of the old data.
        end: where the last new vector ends.
    """

    start: int
    places: tuple[tuple[int, tuple[int, int]], ...]
    end: int

    def vector_of(self, buffer: Table) -> Old | None:
        """Return the new vector of a buffer, None when its data is in the flatbuffer already."""
        place = outside_data(buffer)
        return Old(next(position for position, old in self.places if old == place)) if place else None


def _outside_weights(model: Table) -> _OutsideWeights:
    found = sorted({place for buffer in model.tables(schema.MODEL_BUFFERS) if (place := outside_data(buffer))})
    start = found[0][0] if found else len(model.data)
    at = start
    places = []
    for place in found:
        position = at + -(at + 4) % 16
        places.append((position, place))
        at = position + 4 + place[1]
    return _OutsideWeights(start, tuple(places), at)


def _write_pieces(file: BinaryIO, data: memoryview) -> None:
    for start in range(0, len(data), _PIECE):
        file.write(data[start : start + _PIECE])


def _labelled(
    model: Table,
    weights: _OutsideWeights,
    inputs: Sequence[tuple[str, int]],
    outputs: Sequence[tuple[str, int]],
    metadata: Mapping[str, str],
    description: str,
) -> Record:
    fields = model.fields(schema.MODEL_KINDS)
    graph, *others = model.tables(schema.MODEL_GRAPHS)
    buffers = model.tables(schema.MODEL_BUFFERS)
    for operator in graph.tables(schema.GRAPH_OPERATORS):
        if operator.field(schema.OPERATOR_LARGE_OPTIONS):
            raise ValueError("an operator's options outside of the flatbuffer have an absolute offset")

    graph_fields = graph.fields(schema.GRAPH_KINDS)
    graph_fields[schema.GRAPH_TENSORS] = _renamed(graph, [*inputs, *outputs])
    graph_fields[schema.GRAPH_INPUTS] = Integers(tuple(index for _, index in inputs))
    graph_fields[schema.GRAPH_OUTPUTS] = Integers(tuple(index for _, index in outputs))
    fields[schema.MODEL_GRAPHS] = References((Record(graph_fields), *(Old(other.position) for other in others)))
    fields[schema.MODEL_DESCRIPTION] = Text(description)
    kept = [entry for entry in model.tables(schema.MODEL_METADATA) if entry.text(schema.METADATA_NAME) not in metadata]
    added = {name: len(buffers) + place for place, name in enumerate(metadata)}
    fields[schema.MODEL_METADATA] = References(
        (
            *(Old(entry.position) for entry in kept),
            *(
                Record({schema.METADATA_NAME: Text(name), schema.METADATA_BUFFER: Scalar("<I", buffer)})
                for name, buffer in added.items()
            ),
        )
    )
    fields[schema.MODEL_BUFFERS] = References(
        (
            *(
                Record({schema.BUFFER_DATA: vector}) if (vector := weights.vector_of(buffer)) else Old(buffer.position)
                for buffer in buffers
            ),
            *(Record({schema.BUFFER_DATA: Octets(text.encode())}) for text in metadata.values()),
        )
    )
    signature: dict[int, Node] = {
        schema.SIGNATURE_INPUTS: _tensor_map(inputs),
        schema.SIGNATURE_OUTPUTS: _tensor_map(outputs),
        schema.SIGNATURE_KEY: Text(SIGNATURE_KEY),
    }
    fields[schema.MODEL_SIGNATURES] = References((Record(signature),))
    return Record(fields)


def _tensor_map(names: Sequence[tuple[str, int]]) -> References:
    return References(
        tuple(Record({schema.MAP_NAME: Text(name), schema.MAP_INDEX: Scalar("<I", index)}) for name, index in names)
    )


def _renamed(graph: Table, names: Sequence[tuple[str, int]]) -> References:
    """Return the graph's tensors, those of the edge renamed, and inner ones that bear an edge's name moved aside."""
    wanted: dict[int, str] = {}
    for name, index in names:
        wanted.setdefault(index, name)
    taken = set(wanted.values())
    items: list[Node] = []
    for index, tensor in enumerate(graph.tables(schema.GRAPH_TENSORS)):
        name = wanted.get(index, "")
        if not name and tensor.text(schema.TENSOR_NAME) in taken:
            name = f"{tensor.text(schema.TENSOR_NAME)}/inner{index}"
        if not name:
            items.append(Old(tensor.position))
            continue
        items.append(Record({**tensor.fields(schema.TENSOR_KINDS), schema.TENSOR_NAME: Text(name)}))
    return References(tuple(items))
