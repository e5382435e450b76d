"""Number types and numerical traps: fp16, fp64, 64-bit integers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from converters.model.checks.finding import (
    COREML,
    MNN,
    MOBILE,
    TFLITE_GPU,
    Examination,
    Finding,
    Severity,
    counted,
    titles,
)
from converters.model.graph_reading import initializer_dtype, node_title, tensor_elements
from converters.model.rewrites.modulated_convolution import modulated_convolutions
from converters.model.rewrites.style_split import style_gemms
from converters.model.statistics import written_out_statistics

# Half of fp16's smallest positive number: everything below is rounded to zero.
FP16_VANISHES = 2.0**-25
# Below this fp16 has only subnormal numbers, which many GPUs treat as zero.
FP16_SMALLEST_NORMAL = 2.0**-14
FP16_LARGEST = 65504.0
_CONFIGURING = {"Slice", "Pad", "Reshape", "Expand", "Tile", "Resize", "Squeeze", "Unsqueeze", "Split", "TopK"}


def fp16_statistics(table: Examination) -> Iterator[Finding]:
    """Normalisation statistics that overflow or divide by zero in fp16."""
    found = [item for item in written_out_statistics(table.reading) if item.axes and item.epsilon > 0]
    lost = [item for item in found if item.epsilon < FP16_VANISHES]
    if lost:
        yield Finding(
            "fp16_epsilon",
            MOBILE,
            Severity.WARNING,
            titles([item.root for item in lost]),
            f"{counted(len(lost), 'normalisation')} with an epsilon of {lost[0].epsilon:.0e}, which is zero in fp16, "
            "and squares that pass 65504 where a value passes 255: black or grey faces. Rescaled, both are safe.",
            "fp16_safe_statistics",
        )
    rest = [item for item in found if item not in lost]
    if rest:
        yield Finding(
            "fp16_squares",
            MOBILE,
            Severity.ADVICE,
            titles([item.root for item in rest]),
            f"{counted(len(rest), 'written-out normalisation')}: its squares pass 65504 in fp16 where a value passes "
            "255. Scan the model on real pictures, or rescale.",
            "fp16_safe_statistics",
        )
    instances = table.nodes("InstanceNormalization")
    if instances:
        yield Finding(
            "instance_normalization",
            MOBILE,
            Severity.WARNING,
            titles(instances),
            f"{counted(len(instances), 'InstanceNormalization')}: in fp16 the variance overflows or vanishes inside "
            "the operator, where nothing can be done about it. Written out and rescaled it is safe.",
            "fp16_safe_statistics",
        )


def wide_types(table: Examination) -> Iterator[Finding]:
    """fp64 and 64-bit integers."""
    double = [name for name, kind in table.reading.types.items() if kind.dtype == "float64"]
    if double:
        yield Finding(
            "double",
            MOBILE,
            Severity.WARNING,
            tuple(sorted(double)),
            f"{counted(len(double), 'tensor')} in fp64: no phone computes with it. In fp32 results agree to rounding; "
            "an fp64 input becomes fp32.",
            "double_to_float",
        )
    large = [tensor.name for tensor in table.model.proto.graph.initializer if _passes_32_bits(table, tensor.name)]
    if large:
        yield Finding(
            "large_integers",
            MOBILE,
            Severity.ERROR,
            tuple(large),
            f"{counted(len(large), 'constant')} with integers beyond 32 bits, of which MNN keeps only 32.",
        )
    edges = [
        tensor.name
        for tensor in (*table.model.signature.inputs, *table.model.signature.outputs)
        if tensor.dtype in ("int64", "uint64")
    ]
    if edges:
        yield Finding(
            "integer_edge",
            (MNN, COREML),
            Severity.ADVICE,
            tuple(edges),
            f"{', '.join(edges)}: 64-bit integers become 32-bit ones in the file.",
        )


def _passes_32_bits(table: Examination, name: str) -> bool:
    """Whether a stored integer that is computed with (no end of a Slice and the like) needs more than 32 bits."""
    tensor = table.reading.initializers[name]
    if initializer_dtype(tensor) not in ("int64", "uint64") or not tensor_elements(tensor):
        return False
    users = table.reading.users(name)
    if not users or all(user.op_type in _CONFIGURING for user in users):
        return False
    value = table.reading.constant(name)
    limits = np.iinfo(np.int32)
    return value is not None and bool(value.max() > limits.max or value.min() < limits.min)


def computed_kernels(table: Examination) -> Iterator[Finding]:
    """Convolutions whose kernel is computed while the model runs."""
    mendable = [found.convolution for found in modulated_convolutions(table.reading)]
    if mendable:
        yield Finding(
            "modulated_convolution",
            (TFLITE_GPU, COREML),
            Severity.WARNING,
            titles(mendable),
            f"{counted(len(mendable), 'convolution')} with a kernel of five axes that a style changes at run time: no "
            "neural engine takes it, and its sums overflow fp16. Moved to the picture, the style leaves it static.",
            "modulated_convolution",
        )
    known = set(titles(mendable))
    others = [
        node
        for node in table.nodes("Conv", "ConvTranspose")
        if node_title(node) not in known and not _is_stored(table, node.input[1])
    ]
    if others:
        yield Finding(
            "computed_kernel",
            (TFLITE_GPU, COREML),
            Severity.WARNING,
            titles(others),
            f"{counted(len(others), 'convolution')} with a kernel that is computed at run time: it cannot be quantized "
            "or packed ahead, and GPU delegates reject it.",
        )


def _is_stored(table: Examination, name: str) -> bool:
    while not table.reading.is_constant(name):
        producer = table.reading.producer(name, "Cast", "DequantizeLinear", "QuantizeLinear", "Identity")
        if producer is None:
            return False
        name = producer.input[0]
    return True


def style_layers(table: Examination) -> Iterator[Finding]:
    """Scale and shift that share one Gemm, hence one quantization range."""
    found = style_gemms(table.reading)
    if found:
        yield Finding(
            "style_gemm",
            MOBILE,
            Severity.ADVICE,
            titles([item.gemm for item in found]),
            f"{counted(len(found), 'Gemm')} for scale and shift at once: in int8 both share one range. Split, "
            "each gets its own.",
            "style_split",
        )


CHECKS = (fp16_statistics, wide_types, computed_kernels, style_layers)
