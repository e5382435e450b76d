"""Weights that are kept compressed, and quantization at run time."""

from __future__ import annotations

import numpy as np
import torch

from converters.errors import BadInputError
from converters.runtimes.mil.call import Call
from converters.runtimes.mil.constants import unpack_bits
from converters.runtimes.mil.registry import operator
from converters.runtimes.mil.value_types import element_count


def _along(call: Call, name: str, data: torch.Tensor) -> torch.Tensor | None:
    """Return a scalar, or a vector along `axis`, as float32 shaped to broadcast over `data`."""
    if name not in call:
        return None
    values = call.floats(name)
    if values.numel() == 1 and values.dim() <= 1:
        return values.reshape(())
    if values.dim() == data.dim():
        return values
    axis = call.axis("axis", data.dim(), 0)
    return values.reshape([-1 if other == axis else 1 for other in range(data.dim())])


def _affine(call: Call, name: str) -> torch.Tensor:
    stored = call.tensor(name)
    zero_point, scale = _along(call, "zero_point", stored), _along(call, "scale", stored)
    if scale is None:
        raise BadInputError(f"The operator {call.operation.label} has no scale.")
    data = stored.to(torch.float32)
    return scale * (data if zero_point is None else data - zero_point)


@operator("constexpr_affine_dequantize")
def constexpr_affine_dequantize(call: Call) -> torch.Tensor:
    """scale (data - zero_point)."""
    return _affine(call, "quantized_data")


@operator("dequantize")
def dequantize(call: Call) -> torch.Tensor:
    """scale (input - zero_point)."""
    return _affine(call, "input")


@operator("quantize")
def quantize(call: Call) -> torch.Tensor:
    """input / scale + zero_point, rounded to the nearest integer (halves to even) and limited to the type."""
    x = call.floats("input")
    zero_point, scale = _along(call, "zero_point", x), _along(call, "scale", x)
    if scale is None:
        raise BadInputError(f"The operator {call.operation.label} has no scale.")
    known = ("int8", "uint8", "int4", "uint4")
    target = call.choice("output_dtype", call.text("output_dtype"), known)
    lowest, highest = {"int8": (-128, 127), "uint8": (0, 255), "int4": (-8, 7), "uint4": (0, 15)}[target]
    rounded = torch.round(x / scale)
    return (rounded if zero_point is None else rounded + zero_point).clamp(lowest, highest)


@operator("constexpr_cast")
def constexpr_cast(call: Call) -> torch.Tensor:
    """The same numbers in another type."""
    return call.tensor("source_val")


def _repeated(call: Call, values: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """Return `values` with each leading axis repeated blockwise to the sizes of `shape`."""
    if values.dim() < len(shape):
        raise BadInputError(f"The operator {call.operation.label} has blocks of another rank than its data.")
    for axis, size in enumerate(shape):
        have = values.shape[axis]
        if have < 1 or size % have:
            raise BadInputError(f"The operator {call.operation.label} has {have} blocks for {size} elements.")
        if have not in (1, size):
            values = values.repeat_interleave(size // have, axis)
    return values


def _blockwise(call: Call, data: torch.Tensor) -> torch.Tensor:
    scale = _repeated(call, call.floats("scale"), data.shape)
    result = data.to(torch.float32)
    if "offset" in call:
        result = result - _repeated(call, call.floats("offset"), data.shape)
    return scale * result


@operator("constexpr_blockwise_shift_scale")
def constexpr_blockwise_shift_scale(call: Call) -> torch.Tensor:
    """scale (data - offset), each block having its own."""
    return _blockwise(call, call.tensor("data"))


@operator("constexpr_sparse_blockwise_shift_scale")
def constexpr_sparse_blockwise_shift_scale(call: Call) -> tuple[torch.Tensor, ...]:
    """The same for the elements that are not zero; the mask comes along unchanged."""
    mask = call.tensor("data_mask")
    dense = _blockwise(call, _expanded(call, call.tensor("nonzero_data"), mask))
    return mask, dense[mask != 0]


def _expanded(call: Call, values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    if int((mask != 0).sum()) != values.numel():
        raise BadInputError(f"The operator {call.operation.label} has {values.numel()} values for another mask.")
    dense = torch.zeros(mask.shape, dtype=values.dtype)
    dense[mask != 0] = values.reshape(-1)
    return dense


@operator("constexpr_sparse_to_dense")
def constexpr_sparse_to_dense(call: Call) -> torch.Tensor:
    """Values where the mask is set, zeros elsewhere; older files pack the mask into bytes and give the shape."""
    values, mask = call.tensor("nonzero_data"), call.tensor("mask")
    if "shape" in call:
        shape = call.integers("shape")
        mask = _unpacked(call, mask, 1, element_count(shape)).reshape(shape)
    return _expanded(call, values, mask)


@operator("constexpr_lut_to_dense")
def constexpr_lut_to_dense(call: Call) -> torch.Tensor:
    """Table entries by index; older files pack the indices into bytes and give the shape."""
    indices, table = call.tensor("indices"), call.tensor("lut")
    if "shape" in call:
        shape = call.integers("shape")
        bits = max(table.numel() - 1, 1).bit_length()
        positions = _unpacked(call, indices, bits, element_count(shape)).long()
        return table.reshape(-1)[_checked(call, positions, table.numel())].reshape(shape)
    return _looked_up(call, indices, table)


@operator("constexpr_lut_to_sparse")
def constexpr_lut_to_sparse(call: Call) -> tuple[torch.Tensor, ...]:
    """Table entries for the elements that are not zero, and the mask of the result."""
    mask, table = call.tensor("indices_mask"), call.tensor("lut")
    dense = _looked_up(call, _expanded(call, call.tensor("indices_nonzero_data"), mask), table)
    width = table.shape[-1]
    if width > 1:
        mask = mask.repeat_interleave(width, call.axis("vector_axis", mask.dim()))
    return mask, dense[mask != 0]


def _looked_up(call: Call, indices: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """Return table entries: `table` is (blocks of each axis of `indices`, entries, vector length)."""
    if table.dim() != indices.dim() + 2:
        raise BadInputError(f"The operator {call.operation.label} has a table of rank {table.dim()}.")
    entries, width = table.shape[-2:]
    element_count([*indices.shape, width])
    positions = _checked(call, indices.long(), entries)
    # Each axis is repeated by index, not in memory: a table of 256 entries per weight would be enormous.
    blocks: list[torch.Tensor] = []
    for axis, (size, have) in enumerate(zip(indices.shape, table.shape, strict=False)):
        if have < 1 or size % have:
            raise BadInputError(f"The operator {call.operation.label} has {have} tables for {size} elements.")
        block = torch.arange(size) // (size // have)
        blocks.append(block.reshape([-1 if other == axis else 1 for other in range(indices.dim())]))
    vectors = table[(*blocks, positions)]
    if width == 1:
        return vectors.squeeze(-1)
    axis = call.axis("vector_axis", indices.dim())
    return vectors.movedim(-1, axis + 1).flatten(axis, axis + 1)


def _checked(call: Call, positions: torch.Tensor, entries: int) -> torch.Tensor:
    if positions.numel() and int(positions.max()) >= entries:
        raise BadInputError(f"The operator {call.operation.label} has indices outside its table of {entries}.")
    return positions


def _unpacked(call: Call, packed: torch.Tensor, bits: int, count: int) -> torch.Tensor:
    data = packed.reshape(-1).to(torch.uint8).numpy()
    if bits > 8 or len(data) != (count * bits + 7) // 8:
        raise BadInputError(f"The operator {call.operation.label} has {len(data)} bytes for {count} elements.")
    return torch.from_numpy(np.ascontiguousarray(unpack_bits(data, bits, count)))
