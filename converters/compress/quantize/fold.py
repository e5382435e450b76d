"""Give layers the weights they really compute with: constants as initializers, BatchNormalization folded in.

What comes before everything else in quantization; old graphs are raised to an operator set that can express it.

A quantized layer rounds its own weights and its own output. What the network makes of a convolution followed by
BatchNormalization is one layer, and it has to be quantized as one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from converters.compress.quantize.layers import WITH_WEIGHTS
from converters.compress.quantize.operator_set import raise_operator_set
from converters.model.graph import Model
from converters.model.graph_reading import GraphReading, attribute, node_title
from converters.model.rewrites.base import GraphEdit, Rewrite
from converters.model.rewrites.proof import compare, proof_feeds, results_of

if TYPE_CHECKING:
    import onnx

_DOMAINS = ("", "ai.onnx")
_FOLDED_INTO = ("Conv", "ConvTranspose", "Gemm")
# The folded weights are rounded to fp32 once, and the sums differ by that rounding.
_TOLERANCE = 1e-4
_DEFAULT_EPSILON = 1e-5

Exact = npt.NDArray[np.float64]


def fold_batch_norm(model: Model) -> Model:
    """Return a model whose layers have their weights as initializers and BatchNormalization folded into them.

    The operator set is raised to 13 where it is older. Weights that several layers share are given to each layer of
    its own where folding makes them differ. The results are compared with the given model's; a note says how much they
    differ.

    Args:
        model: float; left unchanged, and returned itself when there is nothing to do.

    Raises:
        VerificationError: results differ by more than the rounding of weights explains.
    """
    changed = raise_operator_set(model)
    for rewrite in (WEIGHTS_AS_INITIALIZERS, FOLD):
        while (rewritten := rewrite.apply(changed.proto)).count:
            changed = changed.with_proto(rewritten.proto, f"{rewrite.title}: {rewritten.count} places.")
    if changed is model:
        return model
    feeds = proof_feeds(model, ())
    proof = compare(results_of(model, feeds), results_of(changed, feeds), rewrite=FOLD)
    return changed.with_proto(changed.proto, f"With weights folded: {proof.sentence}")


def _lift(edit: GraphEdit) -> list[str]:
    """Let layers read initializers where they read Constant nodes, copies or transposes of constants.

    A bias that several layers share becomes one of each layer's own, so that it can be corrected for each.
    """
    reading, lifted, done = edit.reading, dict[str, str](), []
    for node in reading.nodes:
        if node.op_type not in WITH_WEIGHTS or node.domain not in _DOMAINS:
            continue
        for position, name in enumerate(node.input[1:], 1):
            is_shared_bias = position == 2 and name in reading.initializers and _reads(reading, name) > 1
            if not name or (name in reading.initializers and not is_shared_bias):
                continue
            value = _value(reading, name)
            if value is None or value.dtype != np.float32:
                continue
            if position == 2:
                new = edit.constant(f"{node.output[0]}__own_bias", value, alone=True)
            else:
                new = lifted.get(name) or _stored_name(reading, name) or edit.constant(f"{name}__constant", value)
                lifted[name] = new
            edit.rename_input(node, name, new)
            done.append(node_title(node))
    return list(dict.fromkeys(done))


def _stored_name(reading: GraphReading, name: str) -> str:
    """Return the initializer that a chain of Identity nodes copies, "" for anything else."""
    while (maker := reading.producer(name, "Identity")) is not None:
        name = maker.input[0]
    return name if name in reading.initializers else ""


def _value(reading: GraphReading, name: str) -> npt.NDArray[np.generic] | None:
    """Return a constant, through copies and transposes of it."""
    value = reading.constant(name)
    if value is not None:
        return value
    maker = reading.producer(name, "Identity", "Transpose")
    source = _value(reading, maker.input[0]) if maker is not None else None
    if source is None or maker is None or maker.op_type == "Identity":
        return source
    return np.transpose(source, attribute(maker, "perm"))


def _fold(edit: GraphEdit) -> list[str]:
    reading, done, taken = edit.reading, [], set[str]()
    for norm in reading.nodes:
        if norm.op_type != "BatchNormalization" or norm.domain not in _DOMAINS:
            continue
        node = reading.producer(norm.input[0], *_FOLDED_INTO)
        if node is None or node_title(node) in taken or not _is_alone(reading, node, norm):
            continue
        parts = _parts(reading, norm)
        weight = _exact(reading, node.input[1])
        bias = _exact(reading, node.input[2]) if len(node.input) > 2 and node.input[2] else np.zeros(1)
        if parts is None or weight is None or bias is None:
            continue
        factor, shift = parts
        folded = _scaled(node, weight, factor)
        if folded is None or bias.size not in (1, factor.size):
            continue
        copy = type(node)()
        copy.CopyFrom(node)
        del copy.input[:], copy.output[:]
        title = norm.output[0]
        copy.input.extend(
            [
                node.input[0],
                _own(edit, node.input[1], f"{title}__folded_weight", folded),
                _own(
                    edit,
                    node.input[2] if len(node.input) > 2 else "",
                    f"{title}__folded_bias",
                    np.broadcast_to(bias.reshape(-1) * factor, factor.shape) + shift,
                ),
            ]
        )
        copy.output.append(norm.output[0])
        edit.replace(node, [copy])
        edit.replace(norm, [])
        taken.add(node_title(node))
        done.append(node_title(norm))
    return done


def _own(edit: GraphEdit, name: str, wish: str, values: Exact) -> str:
    """Return the initializer for folded values: in the place of the old one where nobody else reads that."""
    import onnx

    stored = np.ascontiguousarray(values, np.float32)
    if name in edit.reading.initializers and _reads(edit.reading, name) == 1 and name not in edit.reading.output_names:
        edit.substitute(onnx.numpy_helper.from_array(stored, name))
        return name
    return edit.constant(wish, stored, alone=True)


def _reads(reading: GraphReading, name: str) -> int:
    return sum(list(node.input).count(name) or 1 for node in reading.users(name))


def _is_alone(reading: GraphReading, node: onnx.NodeProto, norm: onnx.NodeProto) -> bool:
    """Whether `norm` is the one reader of what `node` writes, and an inference of plain constants."""
    return (
        node.domain in _DOMAINS
        and len(reading.users(node.output[0])) == 1
        and node.output[0] not in reading.output_names
        and sum(1 for name in norm.output if name) == 1
        and not attribute(norm, "training_mode", 0)
        and attribute(norm, "spatial", 1) == 1
    )


def _parts(reading: GraphReading, norm: onnx.NodeProto) -> tuple[Exact, Exact] | None:
    """Return what BatchNormalization multiplies each channel by and adds to it; None when that is not constant."""
    values = [_exact(reading, name) for name in norm.input[1:5]]
    if len(values) < 4 or any(value is None for value in values):
        return None
    scale, shift, mean, variance = (value for value in values if value is not None)
    factor = scale / np.sqrt(variance + float(attribute(norm, "epsilon", _DEFAULT_EPSILON)))
    return factor, shift - mean * factor


def _exact(reading: GraphReading, name: str) -> Exact | None:
    value = reading.constant(name) if name else None
    return None if value is None or value.dtype != np.float32 else value.astype(np.float64)


def _scaled(node: onnx.NodeProto, weight: Exact, factor: Exact) -> Exact | None:
    """Return a layer's weights with every output channel multiplied; None where that cannot be done."""
    groups = int(attribute(node, "group", 1))
    if node.op_type == "Conv":
        axis, sizes = 0, weight.shape[0]
    elif node.op_type == "ConvTranspose":
        if groups != 1:
            return None
        axis, sizes = 1, weight.shape[1]
    else:
        if any(attribute(node, name, 1.0) != 1.0 for name in ("alpha", "beta")):
            return None
        axis = 0 if attribute(node, "transB", 0) else 1
        sizes = weight.shape[axis]
    if factor.size != sizes:
        return None
    shape = [1] * weight.ndim
    shape[axis] = sizes
    return weight * factor.reshape(shape)


WEIGHTS_AS_INITIALIZERS = Rewrite(
    id="weights_as_initializers",
    title="Weights as initializers",
    sentence="Stores the weights of layers as initializers where Constant nodes or copies of them give them.",
    tolerance=0.0,
    edit=_lift,
)

FOLD = Rewrite(
    id="fold_batch_norm",
    title="BatchNormalization folded into the layer before it",
    sentence="Multiplies a layer's weights by what BatchNormalization makes of its output, and adds it to the bias.",
    tolerance=_TOLERANCE,
    edit=_fold,
)
