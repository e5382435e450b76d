"""An ONNX file on disk -> a self-contained graph in memory, with nothing in it believed yet."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from converters.errors import BadInputError, UnsupportedError
from converters.model.external_data import ExternalReader, tensors_of, tensors_of_nodes
from converters.model.sniffing import open_source
from converters.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    import onnx
    from google.protobuf.message import Message  # type: ignore[import-untyped]

# Protobuf's own limit for one message.
LARGEST_MESSAGE = 2**31 - 1


@dataclass(frozen=True)
class ReadGraph:
    """A graph as it was in its file, weights filled in.

    Attributes:
        proto: self-contained, unchecked.
        sha256: of the file and of the external weights in the order they are used.
        size: bytes of both.
    """

    proto: onnx.ModelProto
    sha256: str
    size: int


def read_onnx(path: Path, progress: Progress) -> ReadGraph:
    """Read an ONNX file and the weights it keeps beside itself.

    Raises:
        BadInputError: not ONNX, damaged, or weights missing.
        UnsafeInputError: it reaches for files outside its folder.
        UnsupportedError: a single file of 2 GB or more.
    """
    import onnx
    from google.protobuf.message import DecodeError

    size = path.stat().st_size
    if size > LARGEST_MESSAGE:
        raise UnsupportedError(
            f"{path.name} is one file of {size / 1e9:.1f} GB.",
            "ONNX files are limited to 2 GB; larger models keep their weights in a second file.",
            "Save it again with external data.",
        )
    progress("Reading", 0.0, path.name)
    with open_source(path) as file:
        data = file.read(LARGEST_MESSAGE)  # in one piece: gathering blocks would need the memory twice
    progress("Reading", 0.5, path.name)
    digest = hashlib.sha256(data)
    proto = onnx.ModelProto()
    try:
        # Python's protobuf refuses messages nested more than 100 levels deep, so recursion below is bounded.
        proto.ParseFromString(data)
        names_are_text = _is_text(proto)
    except (DecodeError, RecursionError):
        raise BadInputError(
            f"{path.name} is not an ONNX model, or is damaged.",
            "Its contents end early or make no sense.",
            "Fetch the file again.",
        ) from None
    if not names_are_text:
        raise BadInputError(f"{path.name} is damaged: names in it are not text.", "", "Fetch the file again.")
    del data
    external = [tensor for tensor in _all_tensors(proto) if is_external(tensor)]
    with ExternalReader(path, digest) as reader:
        for index, tensor in enumerate(external):
            progress("Reading the weights", index / len(external), tensor.name)
            reader.fill(tensor)
        size += reader.bytes_read
    return ReadGraph(proto, digest.hexdigest(), size)


def is_external(tensor: onnx.TensorProto) -> bool:
    """Return whether a tensor's data lies in another file, or claims to."""
    return bool(tensor.data_location) or len(tensor.external_data) > 0


def _is_text(message: Message) -> bool:
    """Return whether every text in a message is UTF-8; protobuf takes any bytes and hands them out as bytes."""
    for field, value in message.ListFields():
        values = value if field.is_repeated else (value,)
        if field.type == field.TYPE_MESSAGE:
            if not all(map(_is_text, values)):
                return False
        elif field.type == field.TYPE_STRING and any(isinstance(text, bytes) for text in values):
            return False
    return True


def _all_tensors(proto: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    yield from tensors_of(proto.graph)
    for function in proto.functions:
        yield from tensors_of_nodes(function.node)
