"""How coremltools is to translate the operators that marked modules have, and what it must not do to them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_UNWANTED_PASSES = {
    # It rescales quantized sums: the scales in the file would no longer be those of the Encodings.
    "common::distributive_quantized_binary_op_scale_normalization",
    # They work what is added later into biases, which could then not be compared with the Encodings.
    "common::fuse_conv_bias",
    "common::fuse_linear_bias",
}
_LARGEST_CODES = {"quantize": 255, "dequantize": 255}
_WEIGHT_CONSTANTS = ("constexpr_affine_dequantize", "constexpr_blockwise_shift_scale")


def register_translations() -> None:
    """Teach coremltools our operators; doing it twice does no harm."""
    from coremltools.converters.mil import Builder as mb  # noqa: N813 - its name everywhere else
    from coremltools.converters.mil.frontend.torch.ops import _get_inputs
    from coremltools.converters.mil.frontend.torch.torch_op_registry import register_torch_op

    from converters.torch_import.encoded import ENCODED_WEIGHT, ROUNDED

    def rounded(context: Any, node: Any) -> None:
        x, scale, zero_point = _get_inputs(context, node, expected=3)
        numbers = {"scale": np.float32(scale.val), "zero_point": np.int8(zero_point.val)}
        codes = mb.quantize(input=x, output_dtype="int8", name=f"{node.name}_codes", **numbers)
        context.add(mb.dequantize(input=codes, name=node.name, **numbers))

    def encoded_weight(context: Any, node: Any) -> None:
        codes, scale, bits = _get_inputs(context, node, expected=3)
        context.add(_weight_constant(codes.val, scale.val, int(bits.val), node.name))

    register_torch_op(rounded, torch_alias=[ROUNDED], override=True)
    register_torch_op(encoded_weight, torch_alias=[ENCODED_WEIGHT], override=True)


def _weight_constant(codes: npt.NDArray[np.int8], scale: npt.NDArray[np.float32], bits: int, name: str) -> Any:
    from coremltools.converters.mil import Builder as mb  # noqa: N813 - its name everywhere else
    from coremltools.converters.mil._deployment_compatibility import AvailableTarget
    from coremltools.converters.mil.mil import types
    from coremltools.converters.mil.mil.block import is_current_opset_version_compatible_with

    stored = np.asarray(codes, np.int8)
    units = np.asarray(scale, np.float32)
    if is_current_opset_version_compatible_with(AvailableTarget.iOS18):
        data = stored.astype(types.nptype_from_builtin(types.int4)) if bits == 4 else stored
        return mb.constexpr_blockwise_shift_scale(data=data, scale=units, name=name)
    if bits != 8:
        raise ValueError(f"weights of {bits} bits need iOS 18")
    return mb.constexpr_affine_dequantize(
        quantized_data=stored,
        zero_point=np.zeros(units.size, np.int8),
        scale=units.reshape(-1),
        axis=np.int32(np.argmax(units.shape)),
        name=name,
    )


def conversion_passes() -> Any:
    """Return the passes to convert a marked module with."""
    import coremltools as ct

    passes = ct.PassPipeline.DEFAULT
    passes.remove_passes(_UNWANTED_PASSES)
    return passes


def needs_fp32(operation: Any) -> bool:
    """Whether a MIL operation of an fp16 package has a scale, or weights with one, that half precision cannot hold.

    Scales below 6e-5 lose digits in half precision, those below 3e-8 vanish. An operation may keep its scale in half
    precision as long as that moves no code by more than half a step.
    """
    if operation.op_type in _LARGEST_CODES or operation.op_type in _WEIGHT_CONSTANTS:
        return not _fits_half(operation)
    weight = operation.inputs.get("weight")
    maker = getattr(weight, "op", None)
    return maker is not None and maker.op_type in _WEIGHT_CONSTANTS and not _fits_half(maker)


def _fits_half(operation: Any) -> bool:
    scale = np.asarray(operation.scale.val, np.float64)
    with np.errstate(over="ignore"):
        halved = scale.astype(np.float16).astype(np.float64)
    largest: npt.NDArray[Any] | int
    if operation.op_type in _LARGEST_CODES:
        largest = _LARGEST_CODES[operation.op_type]
    else:
        largest = _largest_codes(operation, scale)
    return bool(np.all(np.abs(halved - scale) * largest <= scale / 2))


def _largest_codes(operation: Any, scale: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return the largest |code| of each scale's weights: a channel of zeros may have any scale."""
    is_affine = operation.op_type == "constexpr_affine_dequantize"
    codes = np.abs(np.asarray(operation.quantized_data.val if is_affine else operation.data.val).astype(np.int64))
    if is_affine:
        axis = int(operation.axis.val)
        return np.asarray(np.moveaxis(codes, axis, 0).reshape(codes.shape[axis], -1).max(axis=1))
    for axis, (size, have) in enumerate(zip(codes.shape, scale.shape, strict=True)):
        split = codes.reshape(*codes.shape[:axis], have, size // have, *codes.shape[axis + 1 :])
        codes = split.max(axis=axis + 1)
    return codes
