"""Fixing dynamic axes, and ONNX's own check and shape inference on a copy of the graph without its weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from converters.errors import BadInputError, SizesNeededError, UnsupportedError, UsageError, did_you_mean
from converters.model.constant_folding import fold_constants
from converters.model.external_data import declared_bytes, element_bits
from converters.model.graph_checks import subgraphs
from converters.model.tensor_dims import dims_of, is_static_dims

if TYPE_CHECKING:
    import onnx

Shapes = Mapping[str, tuple[int, ...]]

# Weights above this many bytes never decide a shape; everything below stays visible to shape inference.
SMALL_WEIGHT = 4096
LARGEST_TENSOR = 16 * 1024**3
# Shapes have at most eight or so axes; lists of indices are somewhat longer.
LARGEST_SHAPE_CONSTANT = 64
_MOST_ROUNDS = 50

_UNSIZED = "A size that is only known while the model runs cannot be exported to a phone."


def check_edges(proto: onnx.ModelProto, name: str) -> None:
    """Refuse inputs and outputs that are no tensors of numbers.

    Raises:
        UnsupportedError: sequences, maps, optionals, sparse tensors, strings, complex numbers.
        BadInputError: no type at all.
    """
    from onnx import TensorProto

    for what, values in (("input", proto.graph.input), ("output", proto.graph.output)):
        for value in values:
            kind = value.type.WhichOneof("value")
            if kind is None and what == "output":
                continue
            if kind is None:
                raise BadInputError(f"The {what} {value.name} of {name} has no type.", "The file is damaged.")
            if kind != "tensor_type":
                readable = kind.removesuffix("_type").replace("_", " ")
                raise UnsupportedError(
                    f"The {what} {value.name} of {name} is a {readable}, not a tensor.",
                    "Mobile formats know tensors only.",
                    "Export the model with plain tensors in and out.",
                )
            element = value.type.tensor_type.elem_type
            bits = element_bits(element)
            if element and (bits is None or bits < 8 or element in (TensorProto.COMPLEX64, TensorProto.COMPLEX128)):
                raise UnsupportedError(f"The {what} {value.name} of {name} does not hold plain numbers.")
            if not element and what == "input":
                raise BadInputError(f"The input {value.name} of {name} has no type.", "The file is damaged.")


def fix_inputs(proto: onnx.ModelProto, given: Shapes, family: Shapes, name: str) -> list[str]:
    """Give every input a fixed shape, in place: `given` first, then the family's, then 1 for a lone batch axis.

    Raises:
        SizesNeededError: a shape is missing; the sentence says which `--shape` options are needed.
        UsageError: a shape does not fit.
    """
    inputs = {value.name: value for value in proto.graph.input}
    for wanted in given:
        if wanted not in inputs:
            raise UsageError(f"{name} has no input {wanted!r}.", "", did_you_mean(wanted, inputs))
    notes: list[str] = []
    missing: dict[str, tuple[int | str, ...] | None] = {}
    named_axes = _axes_by_name(proto, given)
    for value in proto.graph.input:
        dims = dims_of(value)
        if value.name in given:
            shape, why = given[value.name], "as asked for"
            _check_fits(value.name, dims, shape, name)
        elif is_static_dims(dims):
            continue
        else:
            chosen = _default_shape(value.name, dims, family, named_axes)
            if chosen is None:
                missing[value.name] = dims
                continue
            shape, why = chosen
        if dims != shape:
            _write_dims(value, shape)
            notes.append(f"Input {value.name} fixed at {'x'.join(map(str, shape)) or 'a single number'} ({why}).")
    if missing:
        options = " ".join(f"{tensor}={_example(dims)}" for tensor, dims in missing.items())
        raise SizesNeededError(
            f"{name} has inputs of no fixed size.",
            "Mobile formats need every size fixed, and this is no model whose usual size is known.",
            f"Say the sizes: {options}",
            missing,
        )
    return notes


def check_by_onnx(proto: onnx.ModelProto, name: str) -> None:
    """Check the graph by ONNX's own rules: operators, their attributes, their types. Drops inner shapes, in place.

    Raises:
        BadInputError: ONNX refuses the graph.
    """
    import onnx

    # Shapes of inner tensors are inferred anew; those in the file may be wrong, and outlive changed inputs.
    del proto.graph.value_info[:]
    bare = without_weights(proto)
    for value in bare.graph.output:
        value.type.tensor_type.shape.SetInParent()  # the checker wants one, whatever it says
    try:
        onnx.checker.check_model(bare)
    except Exception as error:  # the native checker raises types of its own, and RuntimeError, and ValueError
        raise _refused(error, name) from error


def infer_shapes(proto: onnx.ModelProto, name: str) -> list[str]:
    """Write every inferred shape into a checked graph. Return notes.

    Where shapes stay open because the graph computes them (Shape, Gather, Concat, Reshape, made for axes that are
    fixed by now), that arithmetic is replaced by its results.

    Raises:
        BadInputError: ONNX refuses the graph, or tensors would be absurdly large.
    """
    folded = 0
    for _round in range(_MOST_ROUNDS):
        is_static = _infer_once(proto, name)
        newly = 0 if is_static else fold_constants(proto, LARGEST_SHAPE_CONSTANT)
        if not newly:
            break
        folded += newly
    notes = [f"{folded} nodes that only computed shapes replaced by their results."] if folded else []
    dynamic = [value.name for value in proto.graph.output if not is_static_dims(dims_of(value))]
    return notes + [f"Output {output} has a size that depends on the data. {_UNSIZED}" for output in dynamic]


def _infer_once(proto: onnx.ModelProto, name: str) -> bool:
    """Infer, and write the shapes found; return whether all are fixed."""
    import onnx

    graph = proto.graph
    del graph.value_info[:]
    bare = without_weights(proto)
    for value in bare.graph.output:
        value.type.tensor_type.ClearField("shape")
    try:
        inferred = onnx.shape_inference.infer_shapes(bare, check_type=True, strict_mode=True, data_prop=True)
    except Exception as error:  # as above
        raise _refused(error, name) from error
    for value in inferred.graph.output:
        _check_size(value, name)
    found = {value.name: value for value in inferred.graph.output}
    for value in graph.output:
        value.type.CopyFrom(found[value.name].type)
    weights = {value.name for value in bare.graph.input} - {value.name for value in graph.input}
    for value in inferred.graph.value_info:
        if value.name not in weights and value.name not in found:
            _check_size(value, name)
            graph.value_info.append(value)
    inferred_names = {value.name for value in (*graph.value_info, *graph.output)}
    written = {output for node in graph.node for output in node.output if output}
    return written <= inferred_names and all(
        is_static_dims(dims_of(value)) for value in (*graph.value_info, *graph.output)
    )


def without_weights(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy of the graph whose large weights are inputs of the same type and shape instead.

    ONNX's checker and shape inference serialise what they are given, which fails beyond 2 GB.
    """
    import onnx

    bare = onnx.ModelProto()
    bare.ir_version = proto.ir_version
    bare.opset_import.extend(proto.opset_import)
    graph = bare.graph
    graph.name = proto.graph.name
    graph.input.extend(proto.graph.input)
    graph.output.extend(proto.graph.output)
    graph.value_info.extend(proto.graph.value_info)
    for tensor in proto.graph.initializer:
        if _is_large(tensor):
            graph.input.append(_as_input(tensor, tensor.name))
        else:
            graph.initializer.append(tensor)
    for node in proto.graph.node:
        value = next((a.t for a in node.attribute if a.name == "value" and a.HasField("t")), None)
        is_weight = node.op_type == "Constant" and value is not None and _is_large(value) and not any(subgraphs(node))
        if is_weight and value is not None:
            graph.input.append(_as_input(value, node.output[0]))
        else:
            graph.node.append(node)
    return bare


def _axes_by_name(proto: onnx.ModelProto, given: Shapes) -> dict[str, int]:
    """Return the sizes that the given shapes fix by an axis' name, so that other inputs with that axis follow."""
    named: dict[str, int] = {}
    for value in proto.graph.input:
        for axis, size in zip(dims_of(value) or (), given.get(value.name, ()), strict=False):
            if isinstance(axis, str) and axis != "?":
                named[axis] = size
    return named


def _default_shape(
    tensor: str, dims: tuple[int | str, ...] | None, family: Shapes, named: Mapping[str, int]
) -> tuple[tuple[int, ...], str] | None:
    usual = family.get(tensor)
    if usual is not None and _fits(dims, usual):
        return usual, "the usual size of this family"
    if dims is None:
        return None
    resolved = [named.get(size, size) if isinstance(size, str) else size for size in dims]
    if resolved and isinstance(resolved[0], str):
        resolved[0] = 1
    if any(isinstance(size, str) for size in resolved):
        return None
    return tuple(int(size) for size in resolved), "batch of one"


def _fits(dims: tuple[int | str, ...] | None, shape: tuple[int, ...]) -> bool:
    if dims is None:
        return True
    return len(dims) == len(shape) and all(
        isinstance(have, str) or have == want for have, want in zip(dims, shape, strict=True)
    )


def _check_fits(tensor: str, dims: tuple[int | str, ...] | None, shape: tuple[int, ...], name: str) -> None:
    if any(size < 1 or size > 2**31 for size in shape):
        raise UsageError(f"{tensor}={','.join(map(str, shape))} has a size that is no positive number.")
    if not _fits(dims, shape):
        assert dims is not None
        raise UsageError(
            f"The input {tensor} of {name} cannot be {_text(shape)}.",
            f"The file fixes it at {_text(dims)}.",
            f"Only the sizes given by name or ? can be chosen: {tensor}={_example(dims)}",
        )


def _text(dims: tuple[int | str, ...]) -> str:
    return ",".join(map(str, dims)) or "a single number"


def _example(dims: tuple[int | str, ...] | None) -> str:
    return "1,3,H,W" if dims is None else ",".join(str(1 if i == 0 and d == "?" else d) for i, d in enumerate(dims))


def _write_dims(value: onnx.ValueInfoProto, shape: tuple[int, ...]) -> None:
    tensor_type = value.type.tensor_type
    tensor_type.ClearField("shape")
    tensor_type.shape.SetInParent()
    for size in shape:
        tensor_type.shape.dim.add().dim_value = size


def _is_large(tensor: onnx.TensorProto) -> bool:
    return element_bits(tensor.data_type) is not None and declared_bytes(tensor) > SMALL_WEIGHT


def _as_input(tensor: onnx.TensorProto, name: str) -> onnx.ValueInfoProto:
    from onnx import helper

    value: onnx.ValueInfoProto = helper.make_tensor_value_info(name, tensor.data_type, list(tensor.dims))
    return value


def _check_size(value: onnx.ValueInfoProto, name: str) -> None:
    if value.type.WhichOneof("value") != "tensor_type":
        return
    size = 1
    for dim in value.type.tensor_type.shape.dim:
        if dim.WhichOneof("value") == "dim_value":
            if dim.dim_value < 0:
                raise BadInputError(f"The tensor {value.name!r} of {name} would have a negative size.")
            size *= dim.dim_value
    if size * (element_bits(value.type.tensor_type.elem_type) or 8) // 8 > LARGEST_TENSOR:
        raise BadInputError(
            f"The tensor {value.name!r} of {name} would take {size * 4 / 1e9:.0f} GB.",
            "The sizes in the file, or those asked for, are far beyond any face model.",
        )


def _refused(error: Exception, name: str) -> BadInputError:
    return BadInputError(
        f"ONNX refuses the graph of {name}: {_first_line(error)}",
        "The file is damaged, or its exporter made a mistake.",
        "Fetch it again, or export it again.",
    )


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and "==>" not in line]
    return " ".join(lines)[:400] or type(error).__name__
