"""Which tensors of a `.mnn` are codes, so that MNN computes the chosen convolutions with integers and nothing else.

MNN decides when it opens a file. An operator runs with integers when all of its inputs carry an encoding and a kernel
exists: convolutions, but also pooling, resizing, additions, softmax. Encodings are handed on through operators that
move values, forwards and backwards, also through tensors that have no name in the file. So tensors with an encoding are
kept apart here: only convolutions that are to compute with integers read or write them. Where another operator reads
or writes the same tensor, a copy stands between (see `mnn_quantize_net`). All other tensors are fenced: an encoding of
type float is never handed on nor overwritten, and an operator that reads one runs in float.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from converters.compress.quantize.encodings import Encoding
from converters.targets import mnn_quantize_schema as schema
from converters.targets.mnn_quantize_net import Copy, Operator
from converters.targets.tflite_flatbuffer import Record, Scalar

# What such an operator writes may be marked itself: it is computed in one step, and in float, because what it reads is
# fenced. Operators that move values are done in several steps, between which encodings are handed on.
_MARKABLE = frozenset(
    {
        schema.INPUT,
        schema.BINARY,
        schema.UNARY,
        schema.RELU,
        schema.RELU6,
        schema.PRELU,
        schema.SCALE,
        schema.SIGMOID,
        schema.TANH,
        schema.INTERPOLATION,
        schema.POOLING,
        schema.CONVOLUTION,
        schema.DEPTHWISE,
        schema.DECONVOLUTION,
        schema.CONVERT_TENSOR,
    }
)
_UNFENCED = frozenset({schema.CONSTANT, schema.TRAINABLE})


@dataclass
class Islands:
    """What has to change around the convolutions that compute with integers.

    Attributes:
        marks: encodings of tensors that are codes for their readers.
        copies: operators to add.
        inputs, outputs: other tensors of operators, by operator.
        fences: tensors that stay float.
    """

    marks: dict[int, Encoding] = field(default_factory=dict)
    copies: list[Copy] = field(default_factory=list)
    inputs: dict[int, tuple[int, ...]] = field(default_factory=dict)
    outputs: dict[int, tuple[int, ...]] = field(default_factory=dict)
    fences: set[int] = field(default_factory=set)

    def descriptions(self) -> list[Record]:
        """Return the tensors' descriptions as the file keeps them."""
        marks = [
            _description(tensor, encoding.scale, encoding.zero_point, encoding.lowest, encoding.highest, schema.INT8)
            for tensor, encoding in sorted(self.marks.items())
        ]
        return marks + [_description(tensor, 1.0, 0, -128, 127, schema.FLOAT) for tensor in sorted(self.fences)]


def islands(
    operators: Sequence[Operator],
    names: Sequence[str],
    results: AbstractSet[str],
    integer: Mapping[int, tuple[Encoding, Encoding]],
) -> Islands:
    """Return what has to change so that the given convolutions compute with integers and nothing else does.

    Args:
        operators: of the network, in order.
        names: of all tensors.
        results: names of those that are the network's outputs.
        integer: encodings of input and output by operator.
    """
    return _Planner(operators, names, results, integer).plan() if integer else Islands()


class _Planner:
    def __init__(
        self,
        operators: Sequence[Operator],
        names: Sequence[str],
        results: AbstractSet[str],
        integer: Mapping[int, tuple[Encoding, Encoding]],
    ) -> None:
        self._operators = operators
        self._names = names
        self._results = results
        self._integer = integer
        self._writer = {tensor: operator for operator in operators for tensor in operator.outputs}
        self._readers: dict[int, list[Operator]] = {}
        for operator in operators:
            for tensor in set(operator.inputs):
                self._readers.setdefault(tensor, []).append(operator)
        self._plan = Islands()

    def plan(self) -> Islands:
        for index, (_, written) in self._integer.items():
            self._write(self._operators[index], written)
        for index, (read, _) in self._integer.items():
            self._read(self._operators[index], read)
        for operator in self._operators:
            if operator.kind not in _UNFENCED:
                self._plan.fences |= set(operator.outputs)
        self._plan.fences |= {copy.target for copy in self._plan.copies}
        self._plan.fences -= set(self._plan.marks)
        return self._plan

    def _write(self, operator: Operator, encoding: Encoding) -> None:
        """Let a convolution write codes; give others than convolutions a copy of them as floats."""
        tensor = operator.outputs[0]
        others = [
            reader
            for reader in self._readers.get(tensor, [])
            if reader.index not in self._integer and not _leaky(reader)
        ]
        if not others and self._names[tensor] not in self._results:
            self._plan.marks[tensor] = encoding
            return
        codes = self._new_tensor()
        self._plan.marks[codes] = encoding
        self._plan.outputs[operator.index] = (codes,)
        self._plan.copies.append(Copy(operator.index, codes, tensor, f"{self._names[tensor]}__codes", codes))

    def _read(self, operator: Operator, encoding: Encoding) -> None:
        """Let a convolution read codes in the encoding it wants."""
        tensor = operator.inputs[0]
        writer = self._writer[tensor]
        written = self._plan.outputs.get(writer.index, (tensor,))[0] if writer.index in self._integer else tensor
        if self._has(written, encoding):
            self._plan.inputs[operator.index] = (written,)
            return
        for copy in self._plan.copies:
            if copy.source == tensor and copy.target == copy.added and self._has(copy.target, encoding):
                self._plan.inputs[operator.index] = (copy.target,)
                return
        if writer.index not in self._integer and self._is_markable(tensor, writer, encoding):
            self._plan.marks[tensor] = encoding
            return
        added = self._new_tensor()
        name = f"{self._names[tensor]}__rounded{len(self._plan.copies)}"
        self._plan.copies.append(Copy(writer.index, tensor, added, name, added))
        self._plan.marks[added] = encoding
        self._plan.inputs[operator.index] = (added,)

    def _is_markable(self, tensor: int, writer: Operator, encoding: Encoding) -> bool:
        if writer.kind not in _MARKABLE or self._names[tensor] in self._results:
            return False
        return all(
            reader.index in self._integer and _equal(self._integer[reader.index][0], encoding)
            for reader in self._readers[tensor]
        )

    def _has(self, tensor: int, encoding: Encoding) -> bool:
        mark = self._plan.marks.get(tensor)
        return mark is not None and _equal(mark, encoding)

    def _new_tensor(self) -> int:
        return len(self._names) + len(self._plan.copies)


def _equal(first: Encoding, second: Encoding) -> bool:
    return (first.scale, first.zero_point) == (second.scale, second.zero_point)


def _leaky(operator: Operator) -> bool:
    """Return whether it is a leaky Relu: MNN has no integer kernel for it and computes it in one step."""
    main = operator.main
    return operator.kind == schema.RELU and main is not None and bool(main.scalar(schema.RELU_SLOPE, "<f"))


def _description(tensor: int, scale: float, zero: int, least: int, largest: int, kind: int) -> Record:
    info = Record(
        {
            schema.INFO_SCALE: Scalar("<f", scale),
            schema.INFO_ZERO: Scalar("<f", zero),
            schema.INFO_LEAST: Scalar("<f", least),
            schema.INFO_LARGEST: Scalar("<f", largest),
            schema.INFO_TYPE: Scalar("<i", kind),
        }
    )
    return Record({schema.DESCRIPTION_INDEX: Scalar("<i", tensor), schema.DESCRIPTION_QUANTIZATION: info})
