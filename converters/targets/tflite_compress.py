"""Smaller weights in a float `.tflite`, whichever engine made it, by ai-edge-quantizer."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from converters.targets.base import Precision
from converters.targets.tflite_engine import third_party

# ai-edge-quantizer 0.10 works in chunks on tensors above 32 MiB, see `_large_convolutions`.
_CHUNK = 32 * 1024 * 1024

PRECISIONS = (Precision.FP16, Precision.INT8_WEIGHTS)

_Array = npt.NDArray[Any]


def unavailable() -> str:
    """Return why weights cannot be made smaller here, in a sentence, or ''."""
    return "" if importlib.util.find_spec("ai_edge_quantizer") else "The package ai-edge-quantizer is not installed."


def version() -> str:
    """Return the quantizer's name and version."""
    return f"ai-edge-quantizer {importlib.metadata.version('ai-edge-quantizer')}"


def compress(source: Path, destination: Path, precision: Precision) -> None:
    """Store the weights of convolutions and matrix products as fp16 or int8, with a DEQUANTIZE before each use.

    int8 is symmetric, with one scale per output channel. All computation stays in fp32, and so do biases, other
    constants, inputs and outputs.

    Args:
        source: a float `.tflite`.
        destination: the new file.
        precision: FP16 or INT8_WEIGHTS.

    Raises:
        EngineError: the quantizer cannot do this file.
    """
    with third_party("ai-edge-quantizer"):
        from ai_edge_quantizer import qtyping, quantizer

        work = quantizer.Quantizer(str(source))
        everything = {"regex": ".*", "operation_name": qtyping.TFLOperationName.ALL_SUPPORTED}
        if precision is Precision.FP16:
            weights = qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT)
            work.update_quantization_recipe(
                **everything,
                op_config=qtyping.OpQuantizationConfig(
                    weight_tensor_config=weights, compute_precision=qtyping.ComputePrecision.FLOAT
                ),
                algorithm_key=quantizer.AlgorithmName.FLOAT_CASTING,
            )
        else:
            work.add_weight_only_config(**everything, num_bits=8)
        with _large_convolutions():
            work.quantize(serialize_to_path=str(destination), enable_progress_bar=False, enable_progress_report=False)


@contextlib.contextmanager
def _large_convolutions() -> Iterator[None]:
    """Let ai-edge-quantizer 0.10 quantize convolution weights above 32 MiB.

    It then flattens them to two axes, after which scales of the shape [C, 1, 1, 1] no longer fit ("input operand has
    more dimensions than allowed by the axis remapping"). Slices along the output channels stay below that size and
    give the same numbers.
    """
    from ai_edge_quantizer.algorithms.uniform_quantize import uniform_quantize_tensor

    plain = uniform_quantize_tensor.uniform_quantize
    uniform_quantize_tensor.uniform_quantize = _in_slices(plain)
    try:
        yield
    finally:
        uniform_quantize_tensor.uniform_quantize = plain


def _in_slices(plain: Callable[..., _Array]) -> Callable[..., _Array]:
    def quantize(tensor_data: _Array, quantization_params: Any, is_blockwise_quant: bool = False) -> _Array:
        channels = tensor_data.shape[0] if tensor_data.ndim else 0
        sliceable = (
            tensor_data.ndim > 2
            and tensor_data.nbytes > _CHUNK
            and quantization_params.quantized_dimension == 0
            and not is_blockwise_quant
        )
        if not sliceable:
            return plain(tensor_data, quantization_params, is_blockwise_quant)
        step = max(1, channels * _CHUNK // tensor_data.nbytes)
        return np.concatenate(
            [
                plain(
                    tensor_data[start : start + step],
                    replace(
                        quantization_params,
                        scale=quantization_params.scale[start : start + step],
                        zero_point=quantization_params.zero_point[start : start + step],
                    ),
                )
                for start in range(0, channels, step)
            ]
        )

    return quantize
