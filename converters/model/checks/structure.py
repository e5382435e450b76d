"""The graph as a whole: emap, shapes, widths, age, licence."""

from __future__ import annotations

from collections.abc import Iterator

from converters.model.checks.finding import (
    COREML,
    EVERYWHERE,
    MNN,
    MOBILE,
    ONNX,
    TFLITE,
    TFLITE_GPU,
    Examination,
    Finding,
    Severity,
    counted,
    titles,
)
from converters.model.fingerprint import find_emap
from converters.model.graph_reading import UNKNOWN, attribute, initializer_dtype, node_title

_OLDEST_OPSET = 7
_OLD_OPSET = 11
_BLOCK = 8


def emap(table: Examination) -> Iterator[Finding]:
    """The matrix that host programs read from the end of the file."""
    matrix = find_emap(table.reading)
    needs_it = table.family is not None and table.family.embedding == "emap"
    if matrix is None:
        if needs_it and table.model.family != "inswapper_like":
            yield Finding(
                "emap_missing",
                EVERYWHERE,
                Severity.WARNING,
                (),
                "The matrix emap (512x512, the last initializer) is missing: host programs cannot prepare embeddings "
                "for this file. Some optimiser dropped it; start from the published file.",
            )
        return
    initializers = table.model.proto.graph.initializer
    is_last = initializers[-1].name == matrix.name
    if not is_last or initializer_dtype(matrix) != "float32":
        state = "not the last initializer" if not is_last else f"in {initializer_dtype(matrix)} instead of fp32"
        yield Finding(
            "emap_moved",
            (ONNX,),
            Severity.ERROR,
            (matrix.name,),
            f"{matrix.name} is {state}; every face-swap program reads it from the end of the file and would crash or "
            "lose the identity.",
            "emap_last",
        )
    yield Finding(
        "emap_orphan",
        MOBILE,
        Severity.ADVICE,
        (matrix.name,),
        f"No node reads {matrix.name}, so mobile formats leave it out. The app must multiply the raw embedding by it "
        "before the model: ship the matrix beside the file.",
    )


def dynamic_shapes(table: Examination) -> Iterator[Finding]:
    """Axes that are still dynamic, and shapes computed at run time."""
    names = [tensor.name for tensor in table.model.signature.inputs if not tensor.is_static]
    if names:
        example = ",".join(
            "1" if isinstance(size, str) else str(size) for size in table.model.signature.input(names[0]).shape
        )
        yield Finding(
            "dynamic_shape",
            MOBILE,
            Severity.ERROR,
            tuple(names),
            f"{', '.join(names)} has axes without a size: fix them, for example {names[0]}={example}.",
        )
    unknown = [
        node
        for node in table.reading.nodes
        if any(name and UNKNOWN in (table.reading.shape(name) or ()) for name in node.output)
    ]
    if unknown and not names:
        yield Finding(
            "unknown_shape",
            MOBILE,
            Severity.WARNING,
            titles(unknown),
            f"{counted(len(unknown), 'node')} with a result whose size is not known before the run.",
        )
    computed = [node for node in table.reading.nodes if node.output and node.output[0] in table.reading.shape_values]
    if computed:
        yield Finding(
            "shape_computation",
            MOBILE,
            Severity.ADVICE,
            titles(computed),
            f"{counted(len(computed), 'node')} that compute shapes which are already known; as constants they cost "
            "nothing and confuse no converter.",
            "fold_shapes",
        )


def coinciding_sizes(table: Examination) -> Iterator[Finding]:
    """Tensors whose height, width and channels are equal: layout guesses go wrong there."""
    nodes = []
    for node in table.nodes("Conv", "ConvTranspose", "Resize", "Concat", "Add", "Tanh"):
        shape = table.reading.shape(node.output[0])
        if shape is not None and len(shape) == 4 and shape[1] == shape[2] == shape[3] > 1:
            nodes.append(node)
    if nodes:
        side = (table.reading.shape(nodes[0].output[0]) or (0, 0))[1]
        yield Finding(
            "coinciding_sizes",
            (TFLITE,),
            Severity.WARNING,
            titles(nodes),
            f"{counted(len(nodes), 'tensor')} as wide and high as it has channels ({side}): onnx2tf guesses the layout "
            "from sizes and may transpose wrongly. Prefer the LiteRT converter here.",
        )


def widths(table: Examination) -> Iterator[Finding]:
    """Channel counts that fill a kernel's block only in part."""
    odd = []
    for node in table.nodes("Conv", "ConvTranspose", "Gemm"):
        shape = table.reading.shape(node.output[0])
        is_edge = node.output[0] in table.reading.output_names
        if shape is None or len(shape) < 2 or is_edge or shape[1] < _BLOCK or shape[1] % _BLOCK == 0:
            continue
        odd.append((node, shape[1]))
    if odd:
        some = ", ".join(sorted({str(width) for _, width in odd}, key=int)[:6])
        yield Finding(
            "odd_width",
            (MNN, COREML, TFLITE_GPU),
            Severity.ADVICE,
            titles([node for node, _ in odd]),
            f"{counted(len(odd), 'layer')} with a number of channels that is no multiple of {_BLOCK} ({some}): phone "
            "kernels work in blocks of 4, 8 or 16 and compute the missing ones for nothing. Prune to multiples of 16.",
        )


def age(table: Examination) -> Iterator[Finding]:
    """Operator sets that converters no longer read well."""
    opset = table.reading.opset
    if opset < _OLDEST_OPSET:
        yield Finding(
            "old_opset",
            EVERYWHERE,
            Severity.ERROR,
            (),
            f"Opset {opset} is older than {_OLDEST_OPSET}, where today's meaning of broadcasting begins. Export again.",
        )
    elif opset < _OLD_OPSET:
        resizing = [
            node for node in table.nodes("Upsample", "Resize") if attribute(node, "mode", "nearest") != "nearest"
        ]
        if resizing:
            yield Finding(
                "old_resize",
                MOBILE,
                Severity.WARNING,
                titles(resizing),
                f"Opset {opset} does not say where the pixels of {counted(len(resizing), 'interpolating resize')} lie; "
                "converters read it differently. Compare the pictures, or export with opset 11 or newer.",
            )


def licence(table: Examination) -> Iterator[Finding]:
    """Whether an app may ship this model."""
    from converters.model.families import families

    known = table.family
    if known is None:
        return
    group = [known, *(families()[other] for other in known.alternatives)]
    also = f" (or {', '.join(known.alternatives)})" if known.alternatives else ""
    if any(member.commercial is False for member in group):
        terms = ", ".join(sorted({member.licence for member in group if member.commercial is False}))
        yield Finding(
            "licence",
            EVERYWHERE,
            Severity.WARNING,
            (),
            f"{known.title}{also} is listed as {terms}: not for commercial use, converted or not.",
        )
    elif any(member.commercial is None for member in group):
        yield Finding(
            "licence",
            EVERYWHERE,
            Severity.ADVICE,
            (),
            f"{known.title}{also}: no licence is established"
            f"{f' (listed: {known.licence})' if known.licence else ''}. Ask its author before you ship it.",
        )
    elif any(member.licence.startswith("GPL") for member in group):
        yield Finding(
            "licence",
            EVERYWHERE,
            Severity.WARNING,
            (),
            f"{known.title}{also} is listed as {known.licence}: an app that ships it has to offer its source too.",
        )


def unused_outputs(table: Examination) -> Iterator[Finding]:
    """Nodes that contribute to no output."""
    used = set(table.reading.output_names)
    dead = []
    for node in reversed(table.reading.nodes):
        if any(name in used for name in node.output):
            used |= set(node.input)
        elif node.op_type != "Constant":
            dead.append(node_title(node))
    if dead:
        yield Finding(
            "unused_nodes",
            MOBILE,
            Severity.ADVICE,
            tuple(reversed(dead)),
            f"{counted(len(dead), 'node')} contribute to no output; simplify the model.",
        )


CHECKS = (emap, dynamic_shapes, coinciding_sizes, widths, age, licence, unused_outputs)
