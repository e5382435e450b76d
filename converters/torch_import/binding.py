"""Which parameter of the module holds which value of the ONNX graph."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import torch

from converters.torch_import.values import Origin

BINDINGS = "onnx_bindings"


@dataclass(frozen=True)
class Binding:
    """One parameter or buffer and the ONNX value it came from.

    Attributes:
        value: name of the ONNX value; empty when the value has no name in the graph.
        path: in the module's state ("styles.0.conv1.weight").
        origin: initializer, Constant node, or folded from several nodes.
        shape, dtype: of the parameter.
        transposed: the parameter is the matrix transposed.
        onnx_shape: of the ONNX value.
        checksum: of a folded value's bytes as imported, to see whether training changed it; 0 for initializers.
    """

    value: str
    path: str
    origin: Origin
    shape: tuple[int, ...]
    dtype: torch.dtype
    transposed: bool
    onnx_shape: tuple[int, ...]
    checksum: int


def checksum(tensor: torch.Tensor) -> int:
    """Return a checksum of a tensor's bytes."""
    return zlib.crc32(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
