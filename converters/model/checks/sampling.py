"""Operators that take samples of a picture: Resize, pools, GridSample.

The findings on MNN 3.6.1, litert-torch 0.10 and coremltools 9 were measured with graphs of one operator.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from converters.model.checks.finding import (
    COREML,
    MNN,
    MOBILE,
    TFLITE,
    TFLITE_GPU,
    Examination,
    Finding,
    Severity,
    counted,
    titles,
)
from converters.model.graph_reading import attribute

if TYPE_CHECKING:
    import onnx


def resize(table: Examination) -> Iterator[Finding]:
    """Resize in modes that a target lacks or gets wrong."""
    nodes = table.nodes("Resize", "Upsample")
    cubic = [node for node in nodes if attribute(node, "mode", "nearest") == "cubic"]
    if cubic:
        yield Finding(
            "cubic_resize",
            (COREML, TFLITE_GPU),
            Severity.WARNING,
            titles(cubic),
            f"{counted(len(cubic), 'bicubic Resize')}: Core ML has no such operator, and TFLite's GPU delegate none of "
            "the gathers it is written out with. Bilinear is faster everywhere, but not the same picture.",
        )
    wrong = [node for node in cubic if "half_pixel" in _coordinates(node) or _coefficient(node) != -0.75]
    wrong += [node for node in nodes if node not in wrong and _coordinates(node) == "half_pixel_symmetric"]
    if wrong:
        yield Finding(
            "mnn_resize",
            (MNN,),
            Severity.ERROR,
            titles(wrong),
            f"{counted(len(wrong), 'Resize')} that MNN 3.6.1 computes wrongly without a word (bicubic with half-pixel "
            "centres or another coefficient than -0.75, half_pixel_symmetric).",
        )
    antialiased = [node for node in nodes if attribute(node, "antialias", 0)]
    if antialiased:
        yield Finding(
            "antialiased_resize",
            MOBILE,
            Severity.ERROR,
            titles(antialiased),
            f"{counted(len(antialiased), 'Resize')} with antialiasing: MNN and Core ML leave the antialiasing out, "
            "TFLite's converter refuses it.",
        )
    cropped = [node for node in nodes if _coordinates(node) == "tf_crop_and_resize"]
    if cropped:
        yield Finding(
            "crop_and_resize",
            MOBILE,
            Severity.ERROR,
            titles(cropped),
            f"{counted(len(cropped), 'Resize')} of a region of interest (tf_crop_and_resize): no target has it.",
        )
    shrinking = [node for node in nodes if attribute(node, "mode", "nearest") == "nearest" and _shrinks(table, node)]
    if shrinking:
        yield Finding(
            "nearest_shrinking",
            (TFLITE,),
            Severity.WARNING,
            titles(shrinking),
            f"{counted(len(shrinking), 'Resize')} that shrinks by picking pixels: the plain TFLite conversion picks "
            "other pixels. A strided Slice says the same without doubt.",
        )


def _coordinates(node: onnx.NodeProto) -> str:
    default = "half_pixel" if node.op_type == "Resize" else "asymmetric"
    return str(attribute(node, "coordinate_transformation_mode", default))


def _coefficient(node: onnx.NodeProto) -> float:
    return round(float(attribute(node, "cubic_coeff_a", -0.75)), 4)


def _shrinks(table: Examination, node: onnx.NodeProto) -> bool:
    before, after = table.reading.shape(node.input[0]), table.reading.shape(node.output[0])
    if before is None or after is None or len(before) != len(after):
        return False
    return any(0 < small < large for small, large in zip(after, before, strict=True))


def pooling(table: Examination) -> Iterator[Finding]:
    """Pools in forms that become something slower."""
    ceiled = [node for node in table.nodes("MaxPool", "AveragePool") if attribute(node, "ceil_mode", 0)]
    if ceiled:
        yield Finding(
            "ceil_pool",
            (TFLITE, COREML),
            Severity.ADVICE,
            titles(ceiled),
            f"{counted(len(ceiled), 'pool')} with ceil_mode: written with an extra padding step.",
        )
    uneven = [
        node
        for node in table.nodes("AveragePool")
        if any(attribute(node, "pads", [])) and not attribute(node, "count_include_pad", 0)
    ]
    if uneven:
        yield Finding(
            "uneven_average_pool",
            (TFLITE_GPU,),
            Severity.WARNING,
            titles(uneven),
            f"{counted(len(uneven), 'AveragePool')} that does not count its padding becomes a STABLEHLO_REDUCE_WINDOW, "
            "which runs on the CPU.",
        )
    full = [node for node in table.nodes("AveragePool") if _is_full(table, node)]
    if full:
        yield Finding(
            "full_average_pool",
            (TFLITE_GPU,),
            Severity.WARNING,
            titles(full),
            f"{counted(len(full), 'AveragePool')} over a whole picture: the GPU delegate rejects so large a window; "
            "a mean does the same.",
            "full_average_pool",
        )


def _is_full(table: Examination, node: onnx.NodeProto) -> bool:
    shape = table.reading.shape(node.input[0])
    return shape is not None and list(shape[2:]) == list(attribute(node, "kernel_shape", []))


def grid_sample(table: Examination) -> Iterator[Finding]:
    """Sampling at computed places."""
    nodes = table.nodes("GridSample")
    flat = [node for node in nodes if len(table.reading.shape(node.input[0]) or (0,) * 4) == 4]
    if flat:
        yield Finding(
            "grid_sample",
            (TFLITE_GPU,),
            Severity.WARNING,
            titles(flat),
            f"{counted(len(flat), 'GridSample')}: TFLite has none; the gathers it is written out with run on the CPU.",
        )
    deep = [node for node in nodes if node not in flat]
    if deep:
        yield Finding(
            "volume_grid_sample",
            (TFLITE, COREML),
            Severity.WARNING,
            titles(deep),
            f"{counted(len(deep), 'GridSample')} of a volume: neither TFLite nor Core ML has one, it must be written "
            "out with gathers, which is slow.",
        )


CHECKS = (resize, pooling, grid_sample)
