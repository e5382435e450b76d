"""Constants of a program: from the protobuf message or the weight file into torch, every byte accounted for."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from converters.errors import BadInputError
from converters.runtimes.mil import package as packages
from converters.runtimes.mil.value_types import NUMPY, SUB_BYTE_BITS, TORCH, ValueType, element_count, read_type

Constant = torch.Tensor | str | list["Constant"] | None

# The weight file ("blob storage 2"): a 64-byte header, then blobs, each described by a 64-byte record:
# magic, type, bytes, offset of the data, unused bits at its end.
_HEADER = struct.Struct("<II")
_RECORD = struct.Struct("<IIQQQ")
_RECORD_SPAN = 64
_MAGIC = 0xDEADBEEF
_BLOB_TYPES = {
    1: "fp16",
    2: "fp32",
    3: "uint8",
    4: "int8",
    5: "bf16",
    6: "int16",
    7: "uint16",
    8: "int4",
    9: "uint1",
    10: "uint2",
    11: "uint4",
    12: "uint3",
    13: "uint6",
    14: "int32",
    15: "uint32",
}


class ConstantReader:
    """Turns the constants of one package into torch tensors.

    Weights that several operators refer to are read and kept once.

    Args:
        files: the package.
    """

    def __init__(self, files: packages.PackageFiles) -> None:
        self._files = files
        self._blobs: dict[tuple[str, int, str], torch.Tensor] = {}

    def read(self, proto: Any, what: str) -> tuple[Constant, ValueType]:
        """Return the value that a MIL `Value` message holds or refers to, and its type.

        Args:
            proto: the message.
            what: names the value in errors.

        Raises:
            BadInputError: the value is broken, or its weight file is.
            UnsafeInputError: its weight file is outside the package.
        """
        declared = read_type(proto.type, what)
        source = proto.WhichOneof("value")
        if source == "blobFileValue":
            return self._from_file(proto.blobFileValue, declared, what), declared
        if source != "immediateValue":
            raise BadInputError(f"{what} has no value.")
        immediate = proto.immediateValue
        kind = immediate.WhichOneof("value")
        if kind == "tensor":
            return _from_message(immediate.tensor, declared, what), declared
        if kind == "list":
            return [self.read(item, what)[0] for item in immediate.list.values], declared
        return None, declared  # dictionaries and tuples belong to classifiers, which the executor does not run

    def _from_file(self, reference: Any, declared: ValueType, what: str) -> torch.Tensor:
        if declared.shape is None or declared.dtype not in TORCH:
            raise BadInputError(f"{what} is kept in a weight file but has no fixed shape or a type without bytes.")
        key = (reference.fileName, int(reference.offset), declared.dtype)
        flat = self._blobs.get(key)
        count = element_count(declared.shape)
        if flat is None or flat.numel() != count:
            path = packages.weight_file(self._files, reference.fileName)
            flat = _to_torch(_read_blob(path, int(reference.offset), declared.dtype, count, what), declared.dtype)
            self._blobs[key] = flat
        return flat.reshape(declared.shape)


def _read_blob(path: Path, offset: int, dtype: str, count: int, what: str) -> npt.NDArray[Any]:
    size = path.stat().st_size
    if offset % _RECORD_SPAN or offset < _RECORD_SPAN or offset + _RECORD_SPAN > size:
        raise BadInputError(f"{what} points outside {path.name} (at byte {offset} of {size}).")
    with path.open("rb") as file:
        _count, version = _HEADER.unpack(file.read(_HEADER.size))
        if version != 2:
            raise BadInputError(f"{path.name} is a weight file of the unknown version {version}.")
        file.seek(offset)
        magic, kind, length, start, unused_bits = _RECORD.unpack(file.read(_RECORD.size))
        if magic != _MAGIC:
            raise BadInputError(f"{what} is damaged in {path.name}: there is no weight at byte {offset}.")
        if _BLOB_TYPES.get(kind) != dtype:
            raise BadInputError(f"{what} is {_BLOB_TYPES.get(kind, kind)} in {path.name}, the program says {dtype}.")
        if length != packed_size(dtype, count) or unused_bits > 7:
            raise BadInputError(f"{what} has {length} bytes in {path.name}, which is not what its shape needs.")
        if start + length > size:
            raise BadInputError(f"{path.name} ends before {what} does: it was cut short.")
        file.seek(start)
        return _unpack(file.read(length), dtype, count)


def packed_size(dtype: str, count: int) -> int:
    """Return the bytes that `count` values take in a file."""
    bits = SUB_BYTE_BITS.get(dtype)
    if bits is not None:
        return (count * bits + 7) // 8
    return count * (2 if dtype == "bf16" else NUMPY[dtype].itemsize)


def unpack_bits(data: npt.NDArray[np.uint8], bits: int, count: int) -> npt.NDArray[np.uint8]:
    """Return `count` unsigned values of `bits` bits each, stored back to back from the lowest bit of each byte on."""
    values = np.empty(count, np.uint8)
    weights = (1 << np.arange(bits)).astype(np.uint8)
    chunk = 1 << 20  # elements; eight of them always begin a new byte
    for start in range(0, count, chunk):
        stop = min(start + chunk, count)
        part = np.unpackbits(data[start * bits // 8 : (stop * bits + 7) // 8], bitorder="little")
        values[start:stop] = part[: (stop - start) * bits].reshape(-1, bits) @ weights
    return values


def _unpack(data: bytes, dtype: str, count: int) -> npt.NDArray[Any]:
    bits = SUB_BYTE_BITS.get(dtype)
    if bits is not None:
        values = unpack_bits(np.frombuffer(data, np.uint8), bits, count)
        if dtype == "int4":
            return np.asarray((values.astype(np.int8) ^ 8) - 8, dtype=np.int8)
        return values
    if dtype == "bf16":
        return (np.frombuffer(data, np.uint16).astype(np.uint32) << 16).view(np.float32)
    return np.frombuffer(data, NUMPY[dtype])


def _to_torch(values: npt.NDArray[Any], dtype: str) -> torch.Tensor:
    if values.dtype == np.float16:
        return torch.from_numpy(values.astype(np.float32))
    if values.dtype in (np.uint16, np.uint32, np.uint64):
        values = values.astype(np.int64)
    return torch.from_numpy(np.array(values)).to(TORCH[dtype])


def _from_message(tensor: Any, declared: ValueType, what: str) -> Constant:
    field = tensor.WhichOneof("value")
    if declared.dtype == "string":
        texts = list(tensor.strings.values) if field == "strings" else []
        if declared.shape == () and len(texts) == 1:
            return str(texts[0])
        return [str(text) for text in texts]
    if declared.shape is None or declared.dtype not in TORCH:
        raise BadInputError(f"{what} is a constant without a fixed shape.")
    count = element_count(declared.shape)
    if field == "bytes":
        if len(tensor.bytes.values) != packed_size(declared.dtype, count):
            raise BadInputError(f"{what} has {len(tensor.bytes.values)} bytes, which is not what its shape needs.")
        return _to_torch(_unpack(tensor.bytes.values, declared.dtype, count), declared.dtype).reshape(declared.shape)
    if field not in ("floats", "doubles", "ints", "longInts", "bools"):
        raise BadInputError(f"{what} is declared {declared.dtype} but holds {field}.")
    numbers = getattr(tensor, field).values
    if len(numbers) != count:
        raise BadInputError(f"{what} holds {len(numbers)} numbers, its shape needs {count}.")
    wide = {"floats": torch.float32, "doubles": torch.float64, "bools": torch.bool}.get(field, torch.int64)
    return torch.tensor(list(numbers), dtype=wide).to(TORCH[declared.dtype]).reshape(declared.shape)
