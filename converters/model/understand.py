"""From a bare graph to a Signature with roles: by the recognised family, otherwise by what shapes suggest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from converters.model.families import Family, FamilyTensor, best_match
from converters.model.signature import Role, Signature, TensorInfo

if TYPE_CHECKING:
    import onnx

_EMBEDDING_WIDTHS = {128, 256, 512, 1024}
_LANDMARK_WIDTHS = {10, 63, 136, 196, 212}
_LANDMARK_COUNTS = {5, 21, 68, 98, 106, 468, 478}
_LEAST_PICTURE_SIDE = 16


def describe(proto: onnx.ModelProto) -> tuple[Signature, str]:
    """Return the signature with roles, layout, colour order and value ranges, and the family's id.

    Of a graph that belongs to no known family the roles are guessed from shapes; colour order, value range, mean and
    standard deviation stay unknown, and the id is "".
    """
    from converters.model.signature_from_graph import plain_signature

    weights = {tensor.name for tensor in proto.graph.initializer}
    plain = plain_signature(proto)
    inputs = [tensor for tensor in plain.inputs if tensor.name not in weights]
    match = best_match(proto)
    if match is None:
        return Signature(tuple(map(_guess_input, inputs)), tuple(map(_guess_output, plain.outputs))), ""
    return (
        Signature(_known(inputs, match.inputs, output=False), _known(plain.outputs, match.outputs, output=True)),
        match.family.id,
    )


def default_shapes(proto: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """Return static shapes for the inputs with dynamic axes, as the recognised family is used; {} when unknown."""
    match = best_match(proto)
    if match is None:
        return {}
    from converters.model.signature_from_graph import plain_signature

    shapes = {}
    for tensor in plain_signature(proto).inputs:
        known = match.inputs.get(tensor.name)
        if tensor.is_static or known is None or known.shape is None:
            continue
        sizes = [
            have if isinstance(have, int) else _default_size(axis, known, match.family)
            for axis, have in enumerate(tensor.shape)
        ]
        if all(size > 0 for size in sizes):
            shapes[tensor.name] = tuple(sizes)
    return shapes


def _default_size(axis: int, known: FamilyTensor, family: Family) -> int:
    """Return the size an axis usually has, 0 when nothing tells it."""
    size = (known.shape or ())[axis]
    if isinstance(size, int):
        return size
    letter = known.layout[axis] if len(known.layout) > axis else ""
    if letter == "N":
        return 1
    if letter in ("H", "W") and family.size is not None:
        return family.size["HW".index(letter)]
    return 0


def _known(
    tensors: Iterable[TensorInfo], family_tensors: Mapping[str, FamilyTensor], *, output: bool
) -> tuple[TensorInfo, ...]:
    guess = _guess_output if output else _guess_input
    return tuple(
        _with_facts(tensor, family_tensors[tensor.name]) if tensor.name in family_tensors else guess(tensor)
        for tensor in tensors
    )


def _with_facts(tensor: TensorInfo, known: FamilyTensor) -> TensorInfo:
    layout = known.layout if len(known.layout) == len(tensor.shape) else ""
    return replace(
        tensor,
        role=known.role,
        layout=layout,
        colour=known.colour,
        value_range=known.value_range,
        mean=known.mean,
        std=known.std,
    )


def _guess_input(tensor: TensorInfo) -> TensorInfo:
    if _is_picture(tensor, 1):
        return replace(tensor, role=Role.IMAGE, layout="NCHW")
    if _is_picture(tensor, 3):
        return replace(tensor, role=Role.IMAGE, layout="NHWC")
    if len(tensor.shape) == 2 and tensor.shape[1] in _EMBEDDING_WIDTHS and _is_float(tensor):
        return replace(tensor, role=Role.EMBEDDING, layout="NC")
    if len(tensor.shape) < 2:
        return replace(tensor, role=Role.PARAMETER, layout="N" * len(tensor.shape))
    return replace(tensor, layout=_plain_layout(tensor))


def _guess_output(tensor: TensorInfo) -> TensorInfo:
    if _is_picture(tensor, 1):
        return replace(tensor, role=Role.IMAGE, layout="NCHW")
    if _is_picture(tensor, 3):
        return replace(tensor, role=Role.IMAGE, layout="NHWC")
    return replace(tensor, role=_output_role(tensor), layout=_plain_layout(tensor))


def _output_role(tensor: TensorInfo) -> Role:
    shape = tensor.shape
    if not _is_float(tensor):
        return Role.CLASSES
    if len(shape) == 4:
        return Role.MASK if shape[1] == 1 else Role.FEATURES
    if len(shape) == 3:
        if shape[1] in _LANDMARK_COUNTS and shape[2] in (2, 3):
            return Role.LANDMARKS
        by_width = {1: Role.SCORES, 2: Role.SCORES, 4: Role.BOXES, 10: Role.LANDMARKS}
        return by_width.get(shape[2], Role.TENSOR) if isinstance(shape[2], int) else Role.TENSOR
    if len(shape) == 2:
        if shape[1] in _LANDMARK_WIDTHS:
            return Role.LANDMARKS
        if shape[1] in _EMBEDDING_WIDTHS:
            return Role.EMBEDDING
    return Role.TENSOR


def _plain_layout(tensor: TensorInfo) -> str:
    return {4: "NCHW", 2: "NC", 5: "NCDHW"}.get(len(tensor.shape), "") if _is_float(tensor) else ""


def _is_float(tensor: TensorInfo) -> bool:
    return tensor.dtype in ("float32", "float16", "float64", "bfloat16")


def _is_picture(tensor: TensorInfo, channel_axis: int) -> bool:
    """Whether a tensor has three channels on that axis and two sides large enough to show something."""
    if len(tensor.shape) != 4 or tensor.shape[channel_axis] != 3 or tensor.dtype in ("int64", "bool"):
        return False
    sides = tensor.shape[2:] if channel_axis == 1 else tensor.shape[1:3]
    return all(not isinstance(side, int) or side >= _LEAST_PICTURE_SIDE for side in sides)
