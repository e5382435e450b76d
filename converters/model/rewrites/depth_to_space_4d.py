"""DepthToSpace, SpaceToDepth and transposes of rank 5 and more as a chain of rank-4 reshapes and transposes.

A pixel shuffle is a transpose of six axes; mobile GPU delegates stop at four. Any transpose is a sequence of swaps of
two neighbouring blocks of axes, and each swap is a rank-4 transpose between reshapes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from converters.model.graph_reading import UNKNOWN, GraphReading, attribute, node_title
from converters.model.rewrites.base import GraphEdit, Rewrite, Rewritten

if TYPE_CHECKING:
    import onnx

Shape = tuple[int, ...]
_LARGEST_RANK = 4


def apply(proto: onnx.ModelProto) -> Rewritten:
    """Return the graph with every static pixel shuffle written with tensors of at most four axes; bit-identical."""
    return REWRITE.apply(proto)


def block_swaps(permutation: Sequence[int], sizes: Sequence[int]) -> list[Shape]:
    """Return the rank-4 shapes whose two middle axes are to be swapped, one after the other.

    Args:
        permutation: of a transpose.
        sizes: of the tensor before it.
    """
    order = list(range(len(sizes)))
    swaps: list[Shape] = []
    for place, axis in enumerate(permutation):
        here = order.index(axis)
        if here == place:
            continue
        end = here + 1
        while end < len(order) and order[end] == permutation[place + end - here]:
            end += 1
        blocks = order[:place], order[place:here], order[here:end], order[end:]
        swaps.append(tuple(math.prod(sizes[axis] for axis in block) for block in blocks))
        order = [*blocks[0], *blocks[2], *blocks[1], *blocks[3]]
    return swaps


def high_rank_moves(reading: GraphReading) -> list[tuple[list[onnx.NodeProto], Shape, Shape, list[int]]]:
    """Return (nodes, sizes before, result shape, permutation) of every static move of data in more than four axes.

    The nodes are a single DepthToSpace or SpaceToDepth, or Reshape, Transpose, Reshape; the last one is replaced.
    """
    found = []
    for node in reading.nodes:
        if node.op_type in ("DepthToSpace", "SpaceToDepth"):
            source, result = _static(reading, node.input[0]), _static(reading, node.output[0])
            if source is not None and result is not None and _is_whole(node, source):
                found.append(([node], *_shuffle(node, source, result)))
        elif node.op_type == "Transpose":
            chain = _transpose_chain(reading, node)
            if chain is not None:
                found.append(chain)
    return found


def _edit(edit: GraphEdit) -> list[str]:
    done = []
    for nodes, sizes, result, permutation in high_rank_moves(edit.reading):
        last = nodes[-1]
        source = nodes[0].input[0]
        new: list[onnx.NodeProto] = []
        for shape in block_swaps(permutation, sizes):
            new.append(edit.reshape(source, shape, last))
            new.append(edit.node("Transpose", [new[-1].output[0]], last, perm=[0, 2, 1, 3]))
            source = new[-1].output[0]
        new.append(edit.reshape(source, result, last, last.output[0]))
        edit.replace(last, new)
        done.append(node_title(last if len(nodes) == 1 else nodes[1]))
    return done


def _static(reading: GraphReading, name: str) -> Shape | None:
    shape = reading.shape(name)
    return None if shape is None or UNKNOWN in shape else shape


def _is_whole(node: onnx.NodeProto, source: Shape) -> bool:
    """Whether the blocks divide the tensor, which ONNX's own check does not ask."""
    block = attribute(node, "blocksize", 0)
    if len(source) != _LARGEST_RANK or block < 1:
        return False
    if node.op_type == "DepthToSpace":
        return bool(source[1] % block**2 == 0)
    return bool(source[2] % block == 0 and source[3] % block == 0)


def _shuffle(node: onnx.NodeProto, source: Shape, result: Shape) -> tuple[Shape, Shape, list[int]]:
    block = attribute(node, "blocksize")
    batch, channels, height, width = source
    if node.op_type == "SpaceToDepth":
        return (batch, channels, height // block, block, width // block, block), result, [0, 3, 5, 1, 2, 4]
    if attribute(node, "mode", "DCR") == "CRD":
        return (batch, channels // block**2, block, block, height, width), result, [0, 1, 4, 2, 5, 3]
    return (batch, block, block, channels // block**2, height, width), result, [0, 3, 4, 1, 5, 2]


def _transpose_chain(
    reading: GraphReading, node: onnx.NodeProto
) -> tuple[list[onnx.NodeProto], Shape, Shape, list[int]] | None:
    """Return the move when `node` stands between two Reshapes that nothing else looks into."""
    sizes = _static(reading, node.input[0])
    before = reading.producer(node.input[0], "Reshape")
    users = reading.users(node.output[0])
    if sizes is None or len(sizes) <= _LARGEST_RANK or before is None or len(users) != 1:
        return None
    after = users[0]
    inner = {node.input[0], node.output[0]}
    if after.op_type != "Reshape" or len(reading.users(node.input[0])) != 1 or inner & reading.output_names:
        return None
    result, source = _static(reading, after.output[0]), _static(reading, before.input[0])
    if result is None or source is None or max(len(result), len(source)) > _LARGEST_RANK:
        return None
    permutation = [int(axis) for axis in attribute(node, "perm", range(len(sizes) - 1, -1, -1))]
    return ([before, node, after], sizes, result, permutation) if sorted(permutation) == [*range(len(sizes))] else None


REWRITE = Rewrite(
    id="depth_to_space_4d",
    title="Pixel shuffles with at most four axes",
    sentence="Writes DepthToSpace, SpaceToDepth and transposes of more than four axes with rank-4 tensors.",
    tolerance=0.0,
    edit=_edit,
)
