"""The same elements in another shape or order."""

from __future__ import annotations

import torch

from converters.errors import BadInputError
from converters.runtimes.mil.call import Call
from converters.runtimes.mil.registry import operator
from converters.runtimes.mil.value_types import element_count


@operator("reshape")
def reshape(call: Call) -> torch.Tensor:
    """x in another shape: 0 keeps a size, -1 takes what is left."""
    x, shape = call.tensor("x"), call.integers("shape")
    if 0 in shape and len(shape) == x.dim():
        shape = [have if want == 0 else want for want, have in zip(shape, x.shape, strict=True)]
    return x.reshape(shape)


@operator("reshape_like")
def reshape_like(call: Call) -> torch.Tensor:
    """x in a shape put together from parts of other tensors' shapes."""
    begins, ends, masks = (
        [int(value.item()) for value in call.tensors(name)] for name in ("begins", "ends", "end_masks")
    )
    shape: list[int] = []
    for reference, begin, end, mask in zip(call.tensors("ref_tensors"), begins, ends, masks, strict=True):
        shape.extend(reference.shape[begin:] if mask else reference.shape[begin:end])
    return call.tensor("x").reshape(shape)


@operator("flatten2d")
def flatten2d(call: Call) -> torch.Tensor:
    """x as a matrix: the axes before `axis` by those from it on."""
    x = call.tensor("x")
    axis = call.integer("axis", 1)
    leading = x.shape[:axis].numel()
    return x.reshape(leading, x.shape[axis:].numel())


@operator("expand_dims")
def expand_dims(call: Call) -> torch.Tensor:
    """x with axes of size 1 inserted, counted in the result."""
    x, axes = call.tensor("x"), call.integers("axes")
    rank = x.dim() + len(axes)
    wanted = {call.normal_axis(axis, rank) for axis in axes}
    sizes = iter(x.shape)
    return x.reshape([1 if axis in wanted else next(sizes) for axis in range(rank)])


@operator("squeeze")
def squeeze(call: Call) -> torch.Tensor:
    """x without its axes of size 1, or without those of the given ones that have size 1."""
    x = call.tensor("x")
    return torch.squeeze(x, call.axes("axes", x.dim()))


@operator("transpose")
def transpose(call: Call) -> torch.Tensor:
    """x with its axes in another order."""
    return call.tensor("x").permute(call.integers("perm"))


@operator("reverse")
def reverse(call: Call) -> torch.Tensor:
    """x backwards along the given axes or all."""
    x = call.tensor("x")
    return torch.flip(x, call.axes("axes", x.dim()))


@operator("reverse_sequence")
def reverse_sequence(call: Call) -> torch.Tensor:
    """Each slice of the batch axis with its first elements along the sequence axis backwards."""
    x = call.tensor("x")
    sequence, batch = call.axis("seq_axis", x.dim(), 0), call.axis("batch_axis", x.dim(), 0)
    lengths = call.integers("lengths")
    if len(lengths) != x.shape[batch] or any(not 0 <= length <= x.shape[sequence] for length in lengths):
        raise BadInputError(f"The operator {call.operation.label} has impossible lengths.")
    size = x.shape[sequence]
    position = torch.arange(size)
    limit = torch.tensor(lengths).unsqueeze(1)
    source = torch.where(position < limit, limit - 1 - position, position)  # (batch, sequence)
    shape = [1] * x.dim()
    shape[batch], shape[sequence] = x.shape[batch], size
    index = (source if batch < sequence else source.T).reshape(shape)
    return x.gather(sequence, index.expand(x.shape))


@operator("sliding_windows")
def sliding_windows(call: Call) -> torch.Tensor:
    """All windows along an axis, as a new axis after it."""
    x = call.tensor("x")
    axis, size, stride = call.axis("axis", x.dim()), call.integer("size"), call.integer("stride", 1)
    if not 1 <= size <= x.shape[axis] or stride < 1:
        raise BadInputError(f"The operator {call.operation.label} has impossible windows.")
    element_count([*x.shape, size])
    return x.unfold(axis, size, stride).movedim(-1, axis + 1)


@operator("depth_to_space")
def depth_to_space(call: Call) -> torch.Tensor:
    """Channels into blocks of pixels, the block position being the slow part of the channel index."""
    x, block = _image(call), call.integer("block_size")
    batch, channels, height, width = x.shape
    parts = x.reshape(batch, block, block, channels // (block * block), height, width)
    return parts.permute(0, 3, 4, 1, 5, 2).reshape(batch, -1, height * block, width * block)


@operator("space_to_depth")
def space_to_depth(call: Call) -> torch.Tensor:
    """Blocks of pixels into channels, the block position being the slow part of the channel index."""
    x, block = _image(call), call.integer("block_size")
    batch, channels, height, width = x.shape
    parts = x.reshape(batch, channels, height // block, block, width // block, block)
    return parts.permute(0, 3, 5, 1, 2, 4).reshape(batch, -1, height // block, width // block)


@operator("pixel_shuffle")
def pixel_shuffle(call: Call) -> torch.Tensor:
    """Channels into blocks of pixels, the block position being the fast part of the channel index."""
    return torch.pixel_shuffle(_image(call), call.integer("upscale_factor"))


@operator("pixel_unshuffle")
def pixel_unshuffle(call: Call) -> torch.Tensor:
    """Blocks of pixels into channels, the block position being the fast part of the channel index."""
    return torch.pixel_unshuffle(_image(call), call.integer("downscale_factor"))


@operator("space_to_batch")
def space_to_batch(call: Call) -> torch.Tensor:
    """Blocks of padded pixels into the batch."""
    x, (rows, columns) = _image(call), _two(call, "block_shape")
    (top, bottom), (left, right) = _pairs(call, "paddings")
    element_count([*x.shape[:2], x.shape[2] + top + bottom, x.shape[3] + left + right])
    x = torch.nn.functional.pad(x, [left, right, top, bottom])
    batch, channels, height, width = x.shape
    parts = x.reshape(batch, channels, height // rows, rows, width // columns, columns)
    return parts.permute(3, 5, 0, 1, 2, 4).reshape(-1, channels, height // rows, width // columns)


@operator("batch_to_space")
def batch_to_space(call: Call) -> torch.Tensor:
    """The batch into blocks of pixels, then cropped."""
    x, (rows, columns) = _image(call), _two(call, "block_shape")
    (top, bottom), (left, right) = _pairs(call, "crops")
    _batch, channels, height, width = x.shape
    parts = x.reshape(rows, columns, -1, channels, height, width)
    image = parts.permute(2, 3, 4, 0, 5, 1).reshape(-1, channels, height * rows, width * columns)
    return image[:, :, top : height * rows - bottom, left : width * columns - right]


@operator("crop")
def crop(call: Call) -> torch.Tensor:
    """x without some rows and columns at its edges."""
    x = call.tensor("x")
    (top, bottom), (left, right) = _two(call, "crop_height"), _two(call, "crop_width")
    if min(top, bottom, left, right) < 0 or x.dim() < 2:
        raise BadInputError(f"The operator {call.operation.label} crops by negative amounts.")
    return x[..., top : x.shape[-2] - bottom, left : x.shape[-1] - right]


def _image(call: Call) -> torch.Tensor:
    x = call.tensor("x")
    if x.dim() != 4:
        raise BadInputError(f"The operator {call.operation.label} has an input of rank {x.dim()}, not 4.")
    return x


def _two(call: Call, name: str) -> tuple[int, int]:
    values = call.integers(name)
    if len(values) != 2:
        raise BadInputError(f"The operator {call.operation.label} has {len(values)} {name}, not 2.")
    return values[0], values[1]


def _pairs(call: Call, name: str) -> tuple[tuple[int, int], tuple[int, int]]:
    values = call.integers(name)
    if len(values) != 4 or min(values) < 0:
        raise BadInputError(f"The operator {call.operation.label} has the impossible {name} {values}.")
    return (values[0], values[1]), (values[2], values[3])
