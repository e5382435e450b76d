"""The types of MIL values: their names here, in torch and in numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from converters.errors import BadInputError

# By the numbers of MIL's DataType.
NAMES = {
    1: "bool",
    2: "string",
    10: "fp16",
    11: "fp32",
    12: "fp64",
    13: "bf16",
    21: "int8",
    22: "int16",
    23: "int32",
    24: "int64",
    25: "int4",
    31: "uint8",
    32: "uint16",
    33: "uint32",
    34: "uint64",
    35: "uint4",
    36: "uint2",
    37: "uint1",
    38: "uint6",
    39: "uint3",
}
FLOATS = frozenset({"fp16", "fp32", "fp64", "bf16"})
SUB_BYTE_BITS = {"int4": 4, "uint1": 1, "uint2": 2, "uint3": 3, "uint4": 4, "uint6": 6}

# What a value is computed in. Half precision is kept as float32 holding half-precision numbers, because the operators
# themselves run in float32; the wide unsigned types go into the next signed one, because torch hardly knows them.
TORCH = {
    "bool": torch.bool,
    "fp16": torch.float32,
    "fp32": torch.float32,
    "fp64": torch.float64,
    "bf16": torch.float32,
    "int8": torch.int8,
    "int16": torch.int16,
    "int32": torch.int32,
    "int64": torch.int64,
    "int4": torch.int8,
    "uint1": torch.uint8,
    "uint2": torch.uint8,
    "uint3": torch.uint8,
    "uint4": torch.uint8,
    "uint6": torch.uint8,
    "uint8": torch.uint8,
    "uint16": torch.int32,
    "uint32": torch.int64,
    "uint64": torch.int64,
}

# What a value is stored in, in files and at the program's edge.
NUMPY = {
    "bool": np.dtype(np.bool_),
    "fp16": np.dtype(np.float16),
    "fp32": np.dtype(np.float32),
    "fp64": np.dtype(np.float64),
    "bf16": np.dtype(np.float32),
    "int8": np.dtype(np.int8),
    "int16": np.dtype(np.int16),
    "int32": np.dtype(np.int32),
    "int64": np.dtype(np.int64),
    "int4": np.dtype(np.int8),
    "uint1": np.dtype(np.uint8),
    "uint2": np.dtype(np.uint8),
    "uint3": np.dtype(np.uint8),
    "uint4": np.dtype(np.uint8),
    "uint6": np.dtype(np.uint8),
    "uint8": np.dtype(np.uint8),
    "uint16": np.dtype(np.uint16),
    "uint32": np.dtype(np.uint32),
    "uint64": np.dtype(np.uint64),
}

# More than any face model needs by two orders of magnitude; stops files that declare absurd tensors.
LARGEST_ELEMENT_COUNT = 1 << 30
LARGEST_RANK = 16


@dataclass(frozen=True)
class ValueType:
    """What the program declares a value to be.

    Attributes:
        dtype: a name of `NAMES`, or "list", "dictionary" or "state", which no implemented operator takes.
        shape: sizes, -1 for one known at run time only; None when even the rank is unknown.
    """

    dtype: str
    shape: tuple[int, ...] | None

    @property
    def is_float(self) -> bool:
        """Whether the value has a floating-point type."""
        return self.dtype in FLOATS

    def admits(self, shape: tuple[int, ...]) -> bool:
        """Return whether a value of `shape` is what was declared."""
        if self.shape is None:
            return True
        return len(shape) == len(self.shape) and all(
            want in (-1, have) for want, have in zip(self.shape, shape, strict=True)
        )


def element_count(shape: tuple[int, ...] | list[int]) -> int:
    """Return the number of elements of a tensor, refusing absurd ones.

    Raises:
        BadInputError: a negative size, or more elements than any real model has.
    """
    count = 1
    for size in shape:
        if size < 0:
            raise BadInputError(f"A tensor of the program has the impossible shape {tuple(shape)}.")
        count *= size
    if count > LARGEST_ELEMENT_COUNT or len(shape) > LARGEST_RANK:
        raise BadInputError(f"The program asks for a tensor of shape {tuple(shape)}, which is absurdly large.")
    return count


def broadcast_shape(*shapes: torch.Size) -> torch.Size:
    """Return the shape that tensors of these shapes broadcast to, refusing absurd ones; a RuntimeError if to none."""
    result = torch.broadcast_shapes(*shapes)  # type: ignore[no-untyped-call]
    element_count(result)
    return torch.Size(result)


def read_type(proto: Any, what: str) -> ValueType:
    """Return the type that a MIL `ValueType` message describes.

    Raises:
        BadInputError: an unknown data type, or a shape that contradicts itself.
    """
    kind = proto.WhichOneof("type")
    if kind in ("listType", "dictionaryType", "stateType"):
        return ValueType(kind.removesuffix("Type"), None)
    if kind != "tensorType":
        raise BadInputError(f"{what} has a type that is not a tensor ({kind}).")
    tensor = proto.tensorType
    name = NAMES.get(tensor.dataType)
    if name is None:
        raise BadInputError(f"{what} has the unknown data type {tensor.dataType}.")
    if tensor.rank < 0:
        return ValueType(name, None)
    if tensor.rank != len(tensor.dimensions) or tensor.rank > LARGEST_RANK:
        raise BadInputError(f"{what} has rank {tensor.rank} but {len(tensor.dimensions)} dimensions.")
    sizes: list[int] = []
    for dimension in tensor.dimensions:
        if dimension.WhichOneof("dimension") == "constant":
            sizes.append(int(dimension.constant.size))
        elif dimension.unknown.variadic:
            return ValueType(name, None)
        else:
            sizes.append(-1)
    element_count([max(size, 1) for size in sizes])
    return ValueType(name, tuple(sizes))
