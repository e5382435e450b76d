"""Operators that a target lacks, changes or runs on the wrong processor.

What is said here of MNN 3.6.1, litert-torch 0.10 and coremltools 9 was measured with graphs of one operator; what is
said of ONNX Runtime's Core ML provider and of TFLite's GPU delegate was published by others.
"""

from __future__ import annotations

from collections.abc import Iterator

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
from converters.model.graph import CONTROL_FLOW
from converters.model.graph_reading import attribute
from converters.model.rewrites.depth_to_space_4d import high_rank_moves
from converters.model.rewrites.reflect_pad import paddings
from converters.model.rewrites.scalar_gather import scalar_gathers

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
    nodes = table.nodes(*CONTROL_FLOW)
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
    moved_axes,
    split_and_gather,
    sizes_from_data,
    plain_operators,
    convolutions,
)
