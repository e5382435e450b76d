"""Operators that a target lacks, changes or runs on the wrong processor.

What is said here of MNN 3.6.1, litert-torch 0.10 and coremltools 9 was measured with graphs of one operator; what is
said of ONNX Runtime's Core ML provider and of TFLite's GPU delegate was published by others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from converters.model.checks.finding import (
    COREML,
    EVERYWHERE,
    MNN,
    MOBILE,
    ONNX_COREML,
    TFLITE,
    TFLITE_GPU,
    Examination,
    Finding,
    Severity,
    counted,
    titles,
)
from converters.model.graph_reading import attribute
from converters.model.rewrites.depth_to_space_4d import high_rank_moves
from converters.model.rewrites.reflect_pad import paddings
from converters.model.rewrites.scalar_gather import scalar_gathers

if TYPE_CHECKING:
    import onnx

_CONTROL_FLOW = ("If", "Loop", "Scan")
_STANDARD = ("", "ai.onnx")


def foreign_operators(table: Examination) -> Iterator[Finding]:
    """Operators that are not of the ONNX standard, or unknown to it."""
    import onnx

    functions = {(function.domain, function.name) for function in table.model.proto.functions}
    foreign = [
        node
        for node in table.reading.nodes
        if (node.domain not in _STANDARD or not onnx.defs.has(node.op_type))
        and (node.domain, node.op_type) not in functions
    ]
    if foreign:
        kinds = ", ".join(sorted({f"{node.domain}.{node.op_type}".lstrip(".") for node in foreign}))
        yield Finding(
            "foreign_operator",
            EVERYWHERE,
            Severity.ERROR,
            titles(foreign),
            f"{kinds}: not of the ONNX standard, so no target knows it. Export the model with standard operators.",
        )


def control_flow(table: Examination) -> Iterator[Finding]:
    """If, Loop and Scan."""
    nodes = table.nodes(*_CONTROL_FLOW)
    if nodes:
        yield Finding(
            "control_flow",
            MOBILE,
            Severity.ERROR,
            titles(nodes),
            f"{counted(len(nodes), 'node')} with control flow: a phone's graph has a fixed course. Export the model "
            "with the branch or the number of rounds fixed.",
        )


def reflect_pad(table: Examination) -> Iterator[Finding]:
    """Reflect padding, and padding that is only known at run time."""
    pads = [node for node in table.nodes("Pad") if attribute(node, "mode", "constant") == "reflect"]
    if pads:
        yield Finding(
            "reflect_pad",
            (ONNX_COREML, TFLITE_GPU),
            Severity.WARNING,
            titles(pads),
            f"{counted(len(pads), 'reflect Pad')}: ONNX Runtime's Core ML provider before 1.26 runs each on the CPU "
            "and cuts the model into that many pieces more; written as Slice and Concat it stays whole.",
            "reflect_pad",
        )
    computed = [node for node in table.nodes("Pad") if paddings(table.reading, node) is None]
    if computed:
        yield Finding(
            "computed_pad",
            MOBILE,
            Severity.ERROR,
            titles(computed),
            f"{counted(len(computed), 'Pad')} with a width that is only known while the model runs. Fix the input "
            "shapes and simplify the model.",
        )


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


def moved_axes(table: Examination) -> Iterator[Finding]:
    """Pixel shuffles and everything else with more than four axes."""
    moves = high_rank_moves(table.reading)
    if moves:
        nodes = [chain[0] if len(chain) == 1 else chain[1] for chain, *_ in moves]
        yield Finding(
            "pixel_shuffle",
            (TFLITE_GPU,),
            Severity.WARNING,
            titles(nodes),
            f"{counted(len(nodes), 'pixel shuffle')} over six axes: the GPU delegate takes at most four.",
            "depth_to_space_4d",
        )
    ranks = {node.output[0]: len(table.reading.shape(node.output[0]) or ()) for node in table.reading.nodes}
    handled = {name for chain, *_ in moves for node in chain for name in node.output}
    large = [node for node in table.reading.nodes if ranks[node.output[0]] > 5 and node.output[0] not in handled]
    if large:
        yield Finding(
            "many_axes",
            (COREML, TFLITE_GPU),
            Severity.WARNING,
            titles(large),
            f"{counted(len(large), 'tensor')} of six and more axes: Core ML tensors have at most five.",
        )


def split_and_gather(table: Examination) -> Iterator[Finding]:
    """Split and scalar Gather."""
    splits = table.nodes("Split")
    if splits:
        yield Finding(
            "split",
            (ONNX_COREML,),
            Severity.WARNING,
            titles(splits),
            f"{counted(len(splits), 'Split')}: ONNX Runtime's Core ML provider runs it on the CPU before 1.27; Slices "
            "do the same.",
            "split_to_slice",
        )
    gathers = [node for node, _, _ in scalar_gathers(table.reading)]
    if gathers:
        yield Finding(
            "scalar_gather",
            (ONNX_COREML, TFLITE_GPU),
            Severity.WARNING,
            titles(gathers),
            f"{counted(len(gathers), 'Gather')} of one constant index: on the CPU in ONNX Runtime's Core ML provider "
            "before 1.27; Slice and Squeeze do the same.",
            "scalar_gather",
        )


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


def sizes_from_data(table: Examination) -> Iterator[Finding]:
    """Outputs whose size depends on values."""
    nodes = table.nodes("NonZero", "Unique", "Compress")
    if nodes:
        yield Finding(
            "size_from_data",
            MOBILE,
            Severity.ERROR,
            titles(nodes),
            f"{counted(len(nodes), 'node')} whose result has a size that depends on the data "
            f"({', '.join(sorted({node.op_type for node in nodes}))}). Cut the graph before it and do this in the app.",
        )
    boxes = table.nodes("NonMaxSuppression")
    if boxes:
        yield Finding(
            "non_max_suppression",
            (TFLITE, COREML),
            Severity.WARNING,
            titles(boxes),
            "NonMaxSuppression gives as many boxes as there happen to be; phones want a fixed size. Cut the graph "
            "before it and suppress in the app, as FaceFusion does.",
        )
    ranked = table.nodes("TopK")
    if ranked:
        yield Finding(
            "top_k",
            (TFLITE,),
            Severity.WARNING,
            titles(ranked),
            f"{counted(len(ranked), 'TopK')}: litert-torch 0.10 did not convert it, and no GPU delegate runs it.",
        )


# id, targets, severity, operators, sentence, rewrite
_PLAIN: tuple[tuple[str, tuple[str, ...], Severity, tuple[str, ...], str, str], ...] = (
    (
        "prelu",
        (TFLITE_GPU,),
        Severity.ADVICE,
        ("PRelu",),
        "PRelu may become GREATER and SELECT, which GPU delegates reject; two Relus do the same, bit for bit.",
        "prelu",
    ),
    (
        "recurrent",
        (MNN,),
        Severity.ERROR,
        ("LSTM", "GRU", "RNN"),
        "A recurrent layer: MNN 3.6.1 crashed on an LSTM when its file was run.",
        "",
    ),
    (
        "remainder",
        (MNN, COREML),
        Severity.WARNING,
        ("Mod",),
        "Mod of fractional numbers: MNN 3.6.1 gets the sign of negative ones wrong, coremltools has no converter.",
        "",
    ),
)


def plain_operators(table: Examination) -> Iterator[Finding]:
    """Operators about which there is one thing to say."""
    for identifier, targets, severity, operators, sentence, rewrite in _PLAIN:
        nodes = table.nodes(*operators)
        if identifier == "remainder":
            nodes = [node for node in nodes if attribute(node, "fmod", 0)]
        if nodes:
            yield Finding(identifier, targets, severity, titles(nodes), f"{len(nodes)}x: {sentence}", rewrite)


def convolutions(table: Examination) -> Iterator[Finding]:
    """Convolutions in unusual forms."""
    deep = [node for node in table.nodes("Conv", "ConvTranspose") if len(table.reading.shape(node.input[1]) or ()) == 5]
    if deep:
        yield Finding(
            "volume_convolution",
            (TFLITE_GPU,),
            Severity.WARNING,
            titles(deep),
            f"{counted(len(deep), 'convolution')} over a volume: CONV_3D runs on the CPU only.",
        )
    unsized = [node for node in deep if attribute(node, "kernel_shape") is None]
    if unsized:
        yield Finding(
            "unsized_kernel",
            (MNN,),
            Severity.ERROR,
            titles(unsized),
            f"{counted(len(unsized), 'volume convolution')} without the attribute kernel_shape: MNN 3.6.1 loses the "
            "last axis. Simplify the model, which writes the attribute.",
        )
    uneven = [node for node in table.nodes("ConvTranspose") if any(attribute(node, "output_padding", []))]
    if uneven:
        yield Finding(
            "output_padding",
            (TFLITE,),
            Severity.WARNING,
            titles(uneven),
            f"{counted(len(uneven), 'ConvTranspose')} with output_padding: litert-torch 0.10 refuses the plain form; "
            "it must be written as a larger result that is cropped.",
        )


CHECKS = (
    foreign_operators,
    control_flow,
    reflect_pad,
    resize,
    pooling,
    moved_axes,
    split_and_gather,
    grid_sample,
    sizes_from_data,
    plain_operators,
    convolutions,
)
