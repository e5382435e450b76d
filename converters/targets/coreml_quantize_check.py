"""Read a saved package back: what its layers really compute with, and whether that is what the Encodings say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from converters.compress.quantize.encodings import Encoding, Encodings, Floats
from converters.errors import VerificationError
from converters.model.graph import Model
from converters.targets.coreml_quantize_expected import ExpectedLayer, expected_layers

if TYPE_CHECKING:
    from converters.runtimes.mil.graph import Operation
    from converters.runtimes.mil.program import MilProgram

_WEIGHTS_OF = {"conv": "weight", "conv_transpose": "weight", "linear": "weight"}
_CODES_OF = {"constexpr_affine_dequantize": "quantized_data", "constexpr_blockwise_shift_scale": "data"}
# What may stand between a layer and the rounding of what it reads or writes without changing the numbers ...
_NEUTRAL = frozenset({"cast", "reshape", "expand_dims", "squeeze"})
# ... and the activation functions that belong to the layer.
_FUSED = frozenset({"relu", "relu6", "clip"})
_SIGNED_SHIFT = 128


@dataclass(frozen=True)
class Rounding:
    """One quantize or dequantize operator.

    Attributes:
        scale: as stored.
        zero_point: for signed codes: unsigned ones are counted from -128 on.
        is_half: whether the scale is stored in half precision.
    """

    scale: float
    zero_point: int
    is_half: bool

    def matches(self, encoding: Encoding) -> bool:
        """Whether it is exactly an encoding's, the scale in the precision it is stored in."""
        wanted = np.float16(encoding.scale) if self.is_half else np.float32(encoding.scale)
        return self.scale == float(wanted) and self.zero_point == encoding.zero_point


@dataclass(frozen=True)
class FoundLayer:
    """A convolution or matrix product of a package whose weights are codes.

    Attributes:
        name: of what it computes.
        codes: of its weights, counted from their zero points on.
        scale: float32, of the rank of `codes`.
        is_half: whether the scales are stored in half precision.
        bits: of a code.
        bias: float16 or float32, as stored; None for no bias.
        input: how the tensor it reads was rounded, None for a plain one.
        outputs: how readers of what it writes, after a fused activation function, round that.
    """

    name: str
    codes: npt.NDArray[np.int16]
    scale: npt.NDArray[np.float32]
    is_half: bool
    bits: int
    bias: npt.NDArray[Any] | None
    input: Rounding | None
    outputs: tuple[Rounding, ...]


def found_layers(path: Path) -> list[FoundLayer]:
    """Return the layers of a saved package whose weights are stored as codes, in order.

    Raises:
        BadInputError, UnsafeInputError: the package is broken.
    """
    from converters.runtimes.mil.program import MilProgram

    return _Reading(MilProgram.load(path)).layers()[0]


def integer_layers(path: Path) -> int:
    """Return how many convolutions and matrix products of a package have 8-bit weights and an 8-bit input.

    A layer that was only asked to have 8-bit weights is one of them where what it reads was rounded by its writer.

    Raises:
        BadInputError, UnsafeInputError: the package is broken.
    """
    return sum(1 for layer in found_layers(path) if layer.bits == 8 and layer.input is not None)


def compare_package(path: Path, model: Model, encodings: Encodings) -> list[str]:
    """Compare every code, scale, zero point and bias of a saved package with the Encodings it was made from.

    Layers of the file and of the graph are taken in their order and one to one, so that none covers for another.

    Returns:
        Names of the layers that compute in fp32 because half precision cannot hold their scales.

    Raises:
        VerificationError: something differs; names the layers.
    """
    from converters.runtimes.mil.program import MilProgram

    layers, strays = _Reading(MilProgram.load(path)).layers()
    found: dict[tuple[tuple[int, ...], bytes], list[FoundLayer]] = {}
    for layer in layers:
        found.setdefault(_key(layer.codes), []).append(layer)
    wanted: dict[tuple[tuple[int, ...], bytes], list[ExpectedLayer]] = {}
    for expected in expected_layers(model, encodings):
        wanted.setdefault(_key(expected.stored.codes), []).append(expected)
    problems = [f"{stray}: codes that no layer asked for" for stray in strays]
    single = []
    for key, alike in wanted.items():
        candidates = found.pop(key, [])
        distinct = alike if len(alike) <= len(candidates) else _without_repetitions(alike)
        for place, expected in enumerate(distinct):
            if place >= len(candidates):
                problems.append(f"{expected.name}: its weights are missing")
                continue
            reason = _difference(candidates[place], expected)
            if reason:
                problems.append(f"{expected.name}: {reason}")
            elif not candidates[place].is_half:
                single.append(expected.name)
        problems += [f"{layer.name}: codes that no layer asked for" for layer in candidates[len(distinct) :]]
    problems += [f"{layer.name}: codes that no layer asked for" for others in found.values() for layer in others]
    if problems:
        raise VerificationError(
            f"The Core ML package is not quantized as was asked for: {'; '.join(problems[:5])}.",
            "coremltools changed it on the way.",
            "Export it with another precision.",
        )
    return single if any(layer.is_half for layer in layers) else []


def _key(codes: npt.NDArray[Any]) -> tuple[tuple[int, ...], bytes]:
    return codes.shape, codes.astype(np.int16).tobytes()


def _without_repetitions(alike: list[ExpectedLayer]) -> list[ExpectedLayer]:
    """Leave out what computes the same of the same as an earlier layer: coremltools computes it once."""
    kept: dict[Any, ExpectedLayer] = {}
    for layer in alike:
        bias = None if layer.bias is None else layer.bias.tobytes()
        kept.setdefault((layer.reads, layer.encoding, layer.attributes, bias), layer)
    return list(kept.values())


def _difference(found: FoundLayer, expected: ExpectedLayer) -> str:
    stored, encoding = expected.stored, expected.encoding
    wanted = stored.scale.astype(np.float16).astype(np.float32) if found.is_half else stored.scale
    if found.bits != stored.bits or found.scale.shape != wanted.shape or not np.array_equal(found.scale, wanted):
        return "its weights have other scales"
    if encoding.input is not None:
        if found.input is None:
            return "what it reads is not rounded"
        if not found.input.matches(encoding.input):
            return "what it reads is rounded otherwise"
    elif found.input is not None and (expected.rounded is None or not found.input.matches(expected.rounded)):
        return "what it reads is rounded"  # by nobody who was asked to round it
    elif found.input is None and expected.is_rounded_first:
        return "what it reads is not rounded by its writer"
    if encoding.output is not None:
        if not found.outputs:
            return "what it writes is not rounded"
        if not all(rounding.matches(encoding.output) for rounding in found.outputs):
            return "what it writes is rounded otherwise"
    return "" if _is_bias(found.bias, expected.bias) else "it has another bias"


def _is_bias(found: npt.NDArray[Any] | None, wanted: Floats | None) -> bool:
    if found is None or wanted is None:
        values = found if wanted is None else wanted
        return values is None or not np.any(values)
    if found.size != wanted.size:
        return False
    # a half has 11 digits and no number below 6e-8; floats may differ in the last digit of two products
    relative, least = (2.0**-11, 6e-8) if found.dtype == np.float16 else (3e-7, 0.0)
    differences = np.abs(found.reshape(-1).astype(np.float64) - wanted)
    return bool(np.all(differences <= np.abs(wanted) * relative + least))


class _Reading:
    """One walk over a program."""

    def __init__(self, program: MilProgram) -> None:
        self._program = program
        self._maker = {output.name: operation for operation in program.operations for output in operation.outputs}
        self._readers: dict[str, list[Operation]] = {}
        for operation in program.operations:
            for name in operation.reads:
                self._readers.setdefault(name, []).append(operation)

    def layers(self) -> tuple[list[FoundLayer], list[str]]:
        """Return the layers whose weights are codes, and the names of other operators that read such constants."""
        found, strays = [], []
        for operation in self._program.operations:
            coded = {name for name in operation.reads if name in self._maker and self._maker[name].kind in _CODES_OF}
            weights = _name(operation, _WEIGHTS_OF.get(operation.kind, ""))
            if weights in coded:
                found.append(self._layer(operation, self._maker[weights]))
            if coded - {weights}:
                strays.append(operation.outputs[0].name)
        return found, strays

    def _layer(self, operation: Operation, weights: Operation) -> FoundLayer:
        name = operation.outputs[0].name
        stored = _CODES_OF[weights.kind]
        codes = self._array(weights, stored).astype(np.int16)
        scale = self._spread(weights, "scale", codes.ndim).astype(np.float32)
        for zero_point in {"zero_point", "offset"} & weights.arguments.keys():
            codes = codes - _repeated(self._spread(weights, zero_point, codes.ndim).astype(np.int16), codes.shape)
        in_place = weights.stored.get(stored)
        declared = in_place.dtype if in_place is not None else self._type(_name(weights, stored))
        source = self._maker.get(_name(operation, "x"))
        while source is not None and source.kind in _NEUTRAL:
            source = self._maker.get(_name(source, "x"))
        is_rounded = source is not None and source.kind == "dequantize"
        return FoundLayer(
            name,
            np.ascontiguousarray(codes),
            scale,
            weights.outputs[0].type.dtype == "fp16",
            4 if declared in ("int4", "uint4") else 8,
            self._bias(operation) if operation.arguments.get("bias") else None,
            self._rounding(source) if is_rounded and source is not None else None,
            tuple(self._rounding(reader) for reader in self._roundings_of(name)),
        )

    def _bias(self, operation: Operation) -> npt.NDArray[Any]:
        is_half = operation.outputs[0].type.dtype == "fp16"
        return self._array(operation, "bias").astype(np.float16 if is_half else np.float32)

    def _roundings_of(self, name: str) -> list[Operation]:
        """Return the quantize operators that read a value, or what a fused activation function makes of it."""
        found: list[Operation] = []
        for reader in self._readers.get(name, []):
            if reader.kind == "quantize":
                found.append(reader)
            elif reader.kind in _NEUTRAL or reader.kind in _FUSED:
                found += self._roundings_of(reader.outputs[0].name)
        return found

    def _rounding(self, operation: Operation) -> Rounding:
        given, made = self._type(_name(operation, "input")), operation.outputs[0].type.dtype
        codes, floats = (given, made) if operation.kind == "dequantize" else (made, given)
        zero_point = int(self._array(operation, "zero_point").item()) if "zero_point" in operation.arguments else 0
        shift = _SIGNED_SHIFT if codes == "uint8" else 0
        return Rounding(float(self._array(operation, "scale").item()), zero_point - shift, floats == "fp16")

    def _type(self, name: str) -> str:
        return self._program.value_type(name).dtype if name else ""

    def _spread(self, operation: Operation, parameter: str, rank: int) -> npt.NDArray[Any]:
        """Return scales or zero points in a shape that broadcasts over the codes, or divides theirs."""
        values = self._array(operation, parameter)
        if values.ndim == rank:
            return values
        axis = int(self._array(operation, "axis").item()) % rank if values.size > 1 else 0
        return values.reshape([-1 if place == axis else 1 for place in range(rank)])

    def _array(self, operation: Operation, parameter: str) -> npt.NDArray[Any]:
        return np.asarray(self._program.constant(operation, parameter).numpy())


def _repeated(values: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    for axis, (size, have) in enumerate(zip(shape, values.shape, strict=True)):
        if have not in (1, size):
            values = values.repeat(size // have, axis)
    return values


def _name(operation: Operation, parameter: str) -> str:
    from converters.runtimes.mil.graph import Reference

    values = operation.arguments.get(parameter, ())
    return values[0].name if len(values) == 1 and isinstance(values[0], Reference) else ""
