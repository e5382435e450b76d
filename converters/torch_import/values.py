"""What flows along the edges of an imported graph: fx nodes, or constants known at import time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, numpy_helper

from converters.errors import UnsupportedError

DTYPES: dict[int, torch.dtype] = {
    TensorProto.FLOAT: torch.float32,
    TensorProto.FLOAT16: torch.float16,
    TensorProto.BFLOAT16: torch.bfloat16,
    TensorProto.DOUBLE: torch.float64,
    TensorProto.INT8: torch.int8,
    TensorProto.INT16: torch.int16,
    TensorProto.INT32: torch.int32,
    TensorProto.INT64: torch.int64,
    TensorProto.UINT8: torch.uint8,
    TensorProto.UINT16: torch.uint16,
    TensorProto.UINT32: torch.uint32,
    TensorProto.UINT64: torch.uint64,
    TensorProto.BOOL: torch.bool,
}


class Origin(StrEnum):
    """Where a constant comes from; decides whether it is trained and how it is written back."""

    INITIALIZER = "initializer"
    CONSTANT_NODE = "constant"
    FOLDED = "folded"


@dataclass(eq=False)
class Constant:
    """A value known at import time.

    Attributes:
        tensor: on the CPU; shared with nobody but the module that is being built.
        name: of the ONNX value, empty for intermediate results inside one operator.
        origin: where it comes from.
    """

    tensor: torch.Tensor
    name: str = ""
    origin: Origin = Origin.FOLDED


Value = torch.fx.Node | Constant


@dataclass(frozen=True)
class Fact:
    """What is known about a value: sizes and dtype, None where they depend on the data."""

    shape: tuple[int | None, ...] | None
    dtype: torch.dtype | None

    @classmethod
    def of(cls, tensor: torch.Tensor) -> Fact:
        """Return the fact of a real (or meta) tensor."""
        return cls(tuple(tensor.shape), tensor.dtype)

    @property
    def is_known(self) -> bool:
        """Whether both sizes and dtype are known."""
        return self.shape is not None and None not in self.shape and self.dtype is not None

    @property
    def sizes(self) -> tuple[int, ...] | None:
        """The sizes when all of them are known."""
        if self.shape is None:
            return None
        sizes = tuple(size for size in self.shape if size is not None)
        return sizes if len(sizes) == len(self.shape) else None

    def stand_in(self) -> torch.Tensor:
        """Return a tensor without storage of this shape and dtype."""
        assert self.sizes is not None
        assert self.dtype is not None
        return torch.empty(self.sizes, dtype=self.dtype, device="meta")


def torch_dtype(code: int, what: str) -> torch.dtype:
    """Return torch's name of ONNX element type `code`.

    Raises:
        UnsupportedError: strings, complex numbers and 4-bit or 8-bit floats; `what` names the place.
    """
    if code not in DTYPES:
        known = TensorProto.DataType.Name(code) if code in TensorProto.DataType.values() else str(code)
        raise UnsupportedError(f"{what} has the element type {known}, which the torch view cannot hold.")
    return DTYPES[code]


def tensor_from_proto(proto: onnx.TensorProto) -> torch.Tensor:
    """Return an ONNX tensor as a torch tensor with storage of its own.

    Raises:
        UnsupportedError: an element type that torch does not have.
    """
    dtype = torch_dtype(proto.data_type, f"The tensor {proto.name or 'of a Constant'}")
    array: np.ndarray[Any, Any] = numpy_helper.to_array(proto)
    if dtype is torch.bfloat16:
        bits = np.ascontiguousarray(array).view(np.int16).copy()
        return torch.from_numpy(bits).view(torch.bfloat16).reshape(array.shape)
    # to_array's result is a read-only view of a temporary; the module's own copy is made here, once
    return torch.from_numpy(np.array(array, order="C", copy=True))


def attribute_value(attribute: onnx.AttributeProto) -> Any:
    """Return an attribute as plain Python: int, float, str, lists of these, Constant tensors or protos for graphs."""
    kind = attribute.type
    if kind == onnx.AttributeProto.STRING:
        return attribute.s.decode("utf-8", "replace")
    if kind == onnx.AttributeProto.STRINGS:
        return [text.decode("utf-8", "replace") for text in attribute.strings]
    if kind in (onnx.AttributeProto.INTS, onnx.AttributeProto.FLOATS):
        return list(onnx.helper.get_attribute_value(attribute))
    return onnx.helper.get_attribute_value(attribute)
