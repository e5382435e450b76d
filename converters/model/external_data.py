"""Weights that an ONNX file keeps in other files: checked first, then read by us, never by a native tool."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from converters.errors import BadInputError, UnsafeInputError

if TYPE_CHECKING:
    import onnx

_NUMBER = re.compile(r"^[0-9]{1,15}$")
_SAFE_REMEDY = "Do not use this file unless you know why; a sound export keeps its weights beside the .onnx file."


def element_bits(data_type: int) -> int | None:
    """Return how many bits one element of an ONNX data type takes, None for strings and unknown types."""
    from onnx import TensorProto as T

    groups = {
        2: (T.UINT2, T.INT2),
        4: (T.UINT4, T.INT4, T.FLOAT4E2M1),
        8: (
            T.UINT8,
            T.INT8,
            T.BOOL,
            T.FLOAT8E4M3FN,
            T.FLOAT8E4M3FNUZ,
            T.FLOAT8E5M2,
            T.FLOAT8E5M2FNUZ,
            T.FLOAT8E8M0,
        ),
        16: (T.UINT16, T.INT16, T.FLOAT16, T.BFLOAT16),
        32: (T.FLOAT, T.INT32, T.UINT32),
        64: (T.INT64, T.UINT64, T.DOUBLE, T.COMPLEX64),
        128: (T.COMPLEX128,),
    }
    return next((bits for bits, types in groups.items() if data_type in types), None)


def declared_bytes(tensor: onnx.TensorProto) -> int:
    """Return how many bytes a tensor's shape and type ask for.

    Raises:
        BadInputError: a negative size, or a type without a fixed size.
    """
    bits = element_bits(tensor.data_type)
    if bits is None:
        raise BadInputError(f"The tensor {tensor.name!r} has an unknown type ({tensor.data_type}).")
    elements = 1
    for size in tensor.dims:
        if size < 0:
            raise BadInputError(f"The tensor {tensor.name!r} has a negative size in its shape {list(tensor.dims)}.")
        elements *= size
    return (elements * bits + 7) // 8


class ExternalReader:
    """Fills tensors from the files beside an ONNX file.

    Nothing is opened that is not a plain file of its own inside the model's folder: no absolute path, no `..`, no
    URL, no symbolic or hard link, no device. Offsets and lengths are compared with the file's size and with the
    tensor's shape before anything is read.

    Args:
        model: the ONNX file; its folder is the only place that is looked at.
        digest: updated with every byte read.
    """

    def __init__(self, model: Path, digest: hashlib._Hash) -> None:
        self._model = model
        self._folder = model.parent
        self._digest = digest
        self._files: dict[str, tuple[BinaryIO, int]] = {}
        self.bytes_read = 0

    def fill(self, tensor: onnx.TensorProto) -> None:
        """Read `tensor`'s data into its `raw_data` and make it an ordinary tensor.

        Raises:
            UnsafeInputError: the location leads outside the model's folder or is no plain file.
            BadInputError: the file is missing or too short, or the numbers make no sense.
        """
        from onnx import TensorProto

        entries = {entry.key: entry.value for entry in tensor.external_data}
        wanted = declared_bytes(tensor)
        file, size = self._open(entries.get("location", ""), tensor.name)
        offset = self._number(entries, "offset", tensor.name, 0)
        length = self._number(entries, "length", tensor.name, wanted)
        if length != wanted:
            raise BadInputError(
                f"The tensor {tensor.name!r} of {self._model.name} says {length} bytes of weights, "
                f"its shape {list(tensor.dims)} needs {wanted}."
            )
        if offset + length > size:
            raise BadInputError(
                f"The weights of {tensor.name!r} lie beyond the end of {entries['location']} "
                f"(byte {offset + length} of {size}).",
                "The file of weights was cut short, or belongs to another model.",
                "Fetch both files again.",
            )
        file.seek(offset)
        data = file.read(length)
        if len(data) != length:
            raise BadInputError(f"{entries['location']} changed while it was read.", "", "Try again.")
        self._digest.update(data)
        self.bytes_read += length
        tensor.raw_data = data
        del tensor.external_data[:]
        tensor.data_location = TensorProto.DEFAULT

    def _number(self, entries: dict[str, str], key: str, name: str, default: int) -> int:
        text = entries.get(key)
        if text is None:
            return default
        if not _NUMBER.match(text):
            raise BadInputError(
                f"The tensor {name!r} of {self._model.name} has the {key} {text[:40]!r} for its weights, "
                "which is no sensible number."
            )
        return int(text)

    def _open(self, location: str, name: str) -> tuple[BinaryIO, int]:
        if location in self._files:
            return self._files[location]
        path = self._contained(location, name)
        # O_NOFOLLOW and the second look close the gap between looking and opening; O_NONBLOCK keeps a pipe from
        # stopping us. Windows has neither and needs neither.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        try:
            descriptor = os.open(path, flags)
        except OSError as error:
            raise BadInputError(f"The weights file {location!r} cannot be read: {error.strerror}.") from None
        file = os.fdopen(descriptor, "rb")
        try:
            self._check_plain(os.fstat(descriptor), location)
        except BadInputError:
            file.close()
            raise
        self._files[location] = (file, os.fstat(descriptor).st_size)
        return self._files[location]

    def _contained(self, location: str, name: str) -> Path:
        parts = location.split("/")
        looks_wrong = (
            location.startswith("/")
            or "\\" in location
            or ":" in location
            or "\x00" in location
            or any(part in ("", "..") for part in parts)
        )
        if not location:
            raise BadInputError(f"The tensor {name!r} of {self._model.name} does not say where its weights are.")
        if looks_wrong:
            raise UnsafeInputError(
                f"{self._model.name} wants to read its weights from {location[:200]!r}, outside its own folder.",
                "Files made to read other people's data look like this.",
                _SAFE_REMEDY,
            )
        path = self._folder
        for part in parts:
            path = path / part
            try:
                status = path.lstat()
            except (FileNotFoundError, NotADirectoryError):
                raise BadInputError(
                    f"{self._model.name} keeps weights in {location!r}, which is missing.",
                    "Large models come as two or more files.",
                    f"Put {location} beside {self._model.name}.",
                ) from None
            except (OSError, ValueError) as error:
                raise BadInputError(f"The weights file {location[:200]!r} cannot be read: {error}.") from None
            if stat.S_ISLNK(status.st_mode):
                raise UnsafeInputError(
                    f"The weights file {location!r} of {self._model.name} is, or lies behind, a symbolic link.",
                    "A link can lead to any file of this computer.",
                    "Copy the weights themselves to where the link is.",
                )
        self._check_plain(status, location)
        return path

    def _check_plain(self, status: os.stat_result, location: str) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise UnsafeInputError(
                f"The weights file {location!r} of {self._model.name} is a folder, device or pipe.", "", _SAFE_REMEDY
            )
        if status.st_nlink > 1:
            raise UnsafeInputError(
                f"The weights file {location!r} of {self._model.name} is a hard link to another file.",
                "A hard link can be another file of this computer under a new name.",
                "Copy the weights file and use the copy.",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for file, _size in self._files.values():
            file.close()


def tensors_of(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Yield every tensor of a graph: initializers and attributes, subgraphs included."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield sparse.values
        yield sparse.indices
    yield from tensors_of_nodes(graph.node)


def tensors_of_nodes(nodes: Iterator[onnx.NodeProto] | onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Yield every tensor in the attributes of `nodes`, subgraphs included."""
    for node in nodes:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            if attribute.HasField("g"):
                yield from tensors_of(attribute.g)
            for graph in attribute.graphs:
                yield from tensors_of(graph)
