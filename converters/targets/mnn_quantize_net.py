"""Read a `.mnn` whose large weights lie in a file beside it, and write it anew with other weights and operators.

The structure of the network is taken over as it is; see `tflite_flatbuffer` for how new tables refer to old ones.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from converters.errors import UnsupportedError, VerificationError
from converters.targets import mnn_quantize_schema as schema
from converters.targets.tflite_flatbuffer import (
    LARGEST_FILE,
    Integers,
    Node,
    Octets,
    Old,
    Record,
    References,
    Scalar,
    Table,
    Text,
    Words,
    head,
    number,
)

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Operator:
    """One operator of the network.

    Attributes:
        index: its place in the list of operators.
        kind: MNN's OpType.
        name: as the runtime reports it.
        inputs, outputs: tensors by index.
        table: in the file.
    """

    index: int
    kind: int
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    table: Table

    @property
    def main(self) -> Table | None:
        """Its parameters."""
        return self.table.table(schema.OPERATOR_MAIN)


@dataclass(frozen=True)
class Copy:
    """An operator to add that hands a tensor's values on under another name.

    Attributes:
        after: the operator that it follows.
        source, target: tensors by index.
        name: of the added tensor and of the operator.
        added: which of the two is new.
    """

    after: int
    source: int
    target: int
    name: str
    added: int


class Net:
    """A network as the converter wrote it with `--saveExternalData`.

    Args:
        path: of the `.mnn`.
        weights: of the file beside it, which need not exist.

    Raises:
        VerificationError: the file is damaged.
    """

    def __init__(self, path: Path, weights: Path) -> None:
        self._data = memoryview(path.read_bytes())
        self._weights: Bytes = (
            np.memmap(weights, np.uint8, "r") if weights.exists() and weights.stat().st_size else np.zeros(0, np.uint8)
        )
        self._taken: dict[int, int] = {}
        try:
            self._net = Table(self._data, number(self._data, 0, "<I"))
            self.tensors = [_text(self._data, position) for position in self._net.targets(schema.NET_TENSORS)]
            self.outputs = [_text(self._data, position) for position in self._net.targets(schema.NET_OUTPUTS)]
            self.operators = [
                Operator(
                    index,
                    table.scalar(schema.OPERATOR_KIND, "<i"),
                    table.text(schema.OPERATOR_NAME),
                    table.numbers(schema.OPERATOR_INPUTS, "<i"),
                    table.numbers(schema.OPERATOR_OUTPUTS, "<i"),
                    table,
                )
                for index, table in enumerate(self._net.tables(schema.NET_OPERATORS))
            ]
        except (IndexError, struct.error) as error:
            raise VerificationError("MNN's converter left a damaged file.", f"{error}.") from error

    def descriptions(self) -> list[Table]:
        """Return what the file says about tensors."""
        return self._net.tables(schema.NET_DESCRIPTIONS)

    def weights_of(self, operator: Operator) -> int:
        """Return how many float weights a convolution has, without reading them."""
        main = operator.main
        assert main is not None
        parts = main.numbers(schema.CONVOLUTION_EXTERNAL, "<q")
        return parts[1] // 4 if len(parts) > 1 else main.vector(schema.CONVOLUTION_WEIGHT, 4)[1]

    def floats(self, operator: Operator) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return weights and biases of a convolution, as they lie in memory."""
        main = operator.main
        assert main is not None
        found = []
        parts = main.numbers(schema.CONVOLUTION_EXTERNAL, "<q")
        for place, slot in ((1, schema.CONVOLUTION_WEIGHT), (2, schema.CONVOLUTION_BIAS)):
            if parts:
                start = parts[0] + sum(parts[1:place])
                raw = self._weights[start : start + parts[place]] if place < len(parts) else self._weights[:0]
            else:
                position, count = main.vector(slot, 4)
                raw = np.frombuffer(self._data, np.uint8, 4 * count, position)
            found.append(np.frombuffer(raw.tobytes(), np.float32))
        return found[0], found[1]

    def write(
        self,
        path: Path,
        parameters: Mapping[int, Record],
        copies: Sequence[Copy],
        inputs: Mapping[int, tuple[int, ...]],
        outputs: Mapping[int, tuple[int, ...]],
        descriptions: Sequence[Record],
    ) -> None:
        """Write the network with all weights inside.

        Args:
            path: of the new file.
            parameters: new ones by operator.
            copies: operators to add.
            inputs, outputs: other tensors by operator.
            descriptions: of tensors.

        Raises:
            UnsupportedError: larger than the format allows.
            VerificationError: weights beside the file belong to an operator that nobody knows.
        """
        self._taken.clear()
        following: dict[int, list[Node]] = {}
        for copy in copies:
            following.setdefault(copy.after, []).append(_copy_operator(copy))
        operators: list[Node] = []
        for operator in self.operators:
            changed: dict[int, Node] = {}
            if operator.index in inputs:
                changed[schema.OPERATOR_INPUTS] = Integers(inputs[operator.index])
            if operator.index in outputs:
                changed[schema.OPERATOR_OUTPUTS] = Integers(outputs[operator.index])
            operators.append(self._operator(operator, parameters.get(operator.index), changed))
            operators += following.get(operator.index, [])
        if sum(self._taken.values()) != len(self._weights):
            raise VerificationError(
                "Weights of the model would be lost on the way to MNN.",
                f"{len(self._weights) - sum(self._taken.values())} bytes belong to operators that are not known.",
                "Export it in another precision.",
            )
        names = [Old(position) for position in self._net.targets(schema.NET_TENSORS)]
        added = [Text(copy.name) for copy in sorted(copies, key=lambda copy: copy.added)]
        fields = self._net.fields(schema.NET_KINDS)
        fields[schema.NET_OPERATORS] = References(tuple(operators))
        fields[schema.NET_TENSORS] = References((*names, *added))
        fields[schema.NET_TENSOR_COUNT] = Scalar("<i", len(names) + len(added))
        if descriptions:
            fields[schema.NET_DESCRIPTIONS] = References(tuple(descriptions))
        start = head(Record(fields), b"")
        if len(start) + len(self._data) > LARGEST_FILE:
            raise UnsupportedError("A .mnn file holds 2 GiB, this one would be larger.", "", "Use fewer float layers.")
        with path.open("wb") as file:
            file.write(start)
            file.write(self._data)

    def _operator(self, operator: Operator, main: Record | None, changed: dict[int, Node]) -> Node:
        if main is None:
            main = self._restored(operator)
        else:
            self._take(operator, schema.CONVOLUTION_EXTERNAL)
        if main is not None:
            changed[schema.OPERATOR_MAIN] = main
        if not changed:
            return Old(operator.table.position)
        return Record({**operator.table.fields(schema.OPERATOR_KINDS), **changed})

    def _restored(self, operator: Operator) -> Record | None:
        """Return parameters with their weights inside; None where none are beside the file."""
        main = operator.main
        if main is None:
            return None
        kind = operator.kind
        if kind in (schema.CONSTANT, schema.TRAINABLE):
            vector = schema.BLOB_VECTORS.get(main.scalar(schema.BLOB_TYPE, "<i"))
            slots: tuple[int, ...] = (vector,) if vector is not None else ()
            return self._embedded(operator, schema.BLOB_KINDS, schema.BLOB_EXTERNAL, slots)
        if kind in (
            schema.CONVOLUTION,
            schema.DEPTHWISE,
            schema.DECONVOLUTION,
            schema.DEPTHWISE_DECONVOLUTION,
        ):
            slots = (schema.CONVOLUTION_WEIGHT, schema.CONVOLUTION_BIAS)
            return self._embedded(operator, ("",) * 7, schema.CONVOLUTION_EXTERNAL, slots)
        if kind == schema.LAYER_NORM:
            slots = (schema.NORMALIZATION_GAMMA, schema.NORMALIZATION_BETA)
            return self._embedded(operator, schema.NORMALIZATION_KINDS, schema.NORMALIZATION_EXTERNAL, slots)
        if kind == schema.SCALE:
            slots = (schema.SCALE_FACTORS, schema.SCALE_BIAS)
            return self._embedded(operator, schema.SCALE_KINDS, schema.SCALE_EXTERNAL, slots)
        return None

    def _embedded(
        self, operator: Operator, kinds: Sequence[str], external: int, slots: tuple[int, ...]
    ) -> Record | None:
        parts = self._take(operator, external)
        if not parts:
            return None
        main = operator.main
        assert main is not None
        fields = main.fields(kinds)
        del fields[external]
        for slot, raw in zip(slots, parts, strict=False):
            is_bytes = kinds is schema.BLOB_KINDS and slot in (
                schema.BLOB_VECTORS[schema.UINT8],
                schema.BLOB_VECTORS[schema.INT8],
            )
            fields[slot] = Octets(raw.tobytes()) if is_bytes else Words(raw.tobytes())
        return Record(fields)

    def _take(self, operator: Operator, external: int) -> list[Bytes]:
        """Return an operator's pieces of the file of weights and note that they are cared for."""
        main = operator.main
        numbers = main.numbers(external, "<q") if main is not None else ()
        found, at = [], numbers[0] if numbers else 0
        for size in numbers[1:]:
            found.append(self._weights[at : at + size])
            at += size
        if numbers:
            self._taken[numbers[0]] = at - numbers[0]
        return found


def _copy_operator(copy: Copy) -> Record:
    """Return a leaky Relu of slope 1: no runtime takes it for integers, hands encodings through it or leaves it out."""
    return Record(
        {
            schema.OPERATOR_INPUTS: Integers((copy.source,)),
            schema.OPERATOR_MAIN_KIND: Scalar("<B", schema.MAIN_RELU),
            schema.OPERATOR_MAIN: Record({schema.RELU_SLOPE: Scalar("<f", 1.0)}),
            schema.OPERATOR_NAME: Text(copy.name),
            schema.OPERATOR_OUTPUTS: Integers((copy.target,)),
            schema.OPERATOR_KIND: Scalar("<i", schema.RELU),
            schema.OPERATOR_FORMAT: Scalar("<b", 1),
        }
    )


def _text(data: memoryview, position: int) -> str:
    length = number(data, position, "<I")
    return bytes(data[position + 4 : position + 4 + length]).decode("utf-8", errors="replace")
