"""Values for whole-number inputs of which nothing says what they mean: several, where a graph can take any of them.

A number may pick a row, count, or say how large something is; then only 0, or what the graph's sizes allow, is safe.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from converters.model.graph_reading import GraphReading, attribute, names_in_subgraphs
from converters.model.signature import Role, Signature
from converters.runtimes.base import Arrays

if TYPE_CHECKING:
    import onnx

HIGHEST = 9
"""Of numbers that may be any: small enough for whatever they are, large enough to differ."""
_TRUTH = "bool"
_MEANT = (Role.IMAGE, Role.EMBEDDING, Role.MASK)
# Results hold the input's own values; by the positions at which they go in.
_CARRIES: Mapping[str, tuple[int, ...] | None] = {
    "Identity": (0,),
    "Reshape": (0,),
    "Flatten": (0,),
    "Squeeze": (0,),
    "Unsqueeze": (0,),
    "Transpose": (0,),
    "Expand": (0,),
    "Tile": (0,),
    "Slice": (0,),
    "Split": (0,),
    "Gather": (0,),
    "Where": (1, 2),
    "Concat": None,
    "Max": None,
    "Min": None,
}
# Results are other numbers, fit for anything but picking; by positions, None for all.
_CHANGES: Mapping[str, tuple[int, ...] | None] = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Neg", "Abs", "Sign", "ReduceSum", "CumSum", "Not", "And", "Or", "Xor")),
    **dict.fromkeys(("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")),
    "Where": (0,),
    "Div": (0,),
    "Mod": (0,),
    "DequantizeLinear": (0,),
    "OneHot": (0,),
    "MatMul": None,
    "MatMulInteger": (0, 1),
    "ConvInteger": (0, 1),
}
# Results depend on sizes, or pick what is there: safe whatever the numbers.
_ENDS = ("Shape", "Size", "ArgMax", "ArgMin")
_REFUSED = ("Range", "Loop", "If", "Scan")
_SCALED = ("Resize", "Upsample")


def drawable(signature: Signature, proto: onnx.ModelProto) -> dict[str, int]:
    """Return the highest value that may be drawn for each whole-number or truth input without a known meaning.

    The lowest is 0; 0 is also the highest where the graph does not tell that others are safe.
    """
    wanted = [
        tensor for tensor in signature.inputs if np.dtype(tensor.dtype).kind in "iub" and tensor.role not in _MEANT
    ]
    if not wanted:
        return {}
    reading = GraphReading(proto)
    return {
        tensor.name: min(_highest(reading, tensor.name), 1 if tensor.dtype == _TRUTH else HIGHEST) for tensor in wanted
    }


def drawn(signature: Signature, highest: Mapping[str, int], place: int) -> Arrays:
    """Return values of whole-number inputs; the same place of a set gives the same values."""
    generator = np.random.default_rng([place, 1])
    return {
        tensor.name: generator.integers(0, highest[tensor.name] + 1, tensor.static_shape).astype(tensor.dtype)
        for tensor in signature.inputs
        if highest.get(tensor.name)
    }


def _highest(reading: GraphReading, name: str) -> int:
    """Return the highest value that is safe wherever an input's numbers, and what is made of them, arrive."""
    limit = HIGHEST
    open_ones, seen = [(name, True)], {(name, True)}
    while open_ones and limit:
        tensor, is_own = open_ones.pop()
        for node in reading.users(tensor):
            if node.op_type in _ENDS:
                continue
            limit = min(limit, _limit(reading, node, tensor, is_own))
            stays_own = is_own and _carries(node, tensor)
            found = {(output, stays_own) for output in node.output if output} - seen
            seen |= found
            open_ones += found
    return limit


def _limit(reading: GraphReading, node: onnx.NodeProto, tensor: str, is_own: bool) -> int:
    """Return the highest value with which a node works."""
    kind = node.op_type
    if kind in _REFUSED or tensor in names_in_subgraphs(node) or node.domain not in ("", "ai.onnx"):
        return 0
    positions = {place for place, given in enumerate(node.input) if given == tensor}
    if is_own and kind in ("Gather", "GatherElements") and positions == {1}:
        return _rows(reading, node) - 1
    if kind in _SCALED and positions != {0}:
        return 0
    is_safe = not _is_whole(reading, tensor) or _carries(node, tensor) or _changes(node, positions)
    return HIGHEST if is_safe else 0


def _rows(reading: GraphReading, node: onnx.NodeProto) -> int:
    """Return among how many a Gather picks; 1 where that is unknown."""
    shape = reading.shape(node.input[0])
    axis = int(attribute(node, "axis", 0))
    return max(shape[axis], 1) if shape and -len(shape) <= axis < len(shape) else 1


def _carries(node: onnx.NodeProto, tensor: str) -> bool:
    """Whether a node's results are values of this tensor, or of others beside them."""
    if node.op_type == "Cast":
        return True
    if node.op_type not in _CARRIES:
        return False
    allowed = _CARRIES[node.op_type]
    return allowed is None or all(place in allowed for place, given in enumerate(node.input) if given == tensor)


def _changes(node: onnx.NodeProto, positions: set[int]) -> bool:
    if node.op_type not in _CHANGES:
        return False
    allowed = _CHANGES[node.op_type]
    return allowed is None or positions.issubset(allowed)


def _is_whole(reading: GraphReading, tensor: str) -> bool:
    """Whether a tensor holds whole numbers or truths, or may."""
    return not reading.type(tensor).dtype.startswith(("float", "bfloat"))
