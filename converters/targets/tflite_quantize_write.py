"""Turn float layers of a `.tflite` into integer ones, with the scales and zero points of our Encodings.

An integer layer reads codes, has int8 weights per output channel and a bias in the unit of its accumulators, and writes
codes. QUANTIZE and DEQUANTIZE stand at the borders to float operators only: layers that follow one another exchange
codes, and padding between them pads codes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from converters.compress.quantize.encodings import (
    Encoding,
    Encodings,
    Floats,
    LayerEncoding,
    Scheme,
    WeightEncoding,
)
from converters.targets.tflite_graph import Graph
from converters.targets.tflite_quantize_find import WEIGHTS, FoundLayer
from converters.targets.tflite_quantize_weights import StoredWeights

_INT8, _INT16, _FLOAT = "int8", "int16", "float32"


class Rewriter:
    """Writes layers of a graph anew. Call `rewrite` once, and `save` of the graph behind it.

    Args:
        graph: float; changed.
        found: the layers whose encoding is not float.
        encodings: theirs.
        weights: gives the float values of an initializer, the replaced ones in place.
    """

    def __init__(
        self, graph: Graph, found: Sequence[FoundLayer], encodings: Encodings, weights: Callable[[str], Floats]
    ) -> None:
        self._graph = graph
        self._kinds = graph.schema.BuiltinOperator
        self._found = {id(layer.operator): layer for layer in found}
        self._encodings = encodings
        self._weights = StoredWeights(graph, weights)
        self._writers = graph.writers()
        # what writes the output of a layer behind a Relu of its own goes: the layer writes it
        self._replaced = {
            id(self._writers[layer.output]) for layer in found if self._writers[layer.output] is not layer.operator
        }
        self._operators: list[Any] = []
        self._codes: dict[tuple[int, Encoding], int] = {}

    @property
    def coarser(self) -> dict[str, WeightEncoding]:
        """Weight encodings that took the place of a layer's own, by its name."""
        return self._weights.coarser

    def rewrite(self) -> None:
        """Replace the graph's operators."""
        for operator in self._graph.operators:
            layer = self._found.get(id(operator))
            if layer is not None:
                self._write(layer, self._encodings.layers[layer.layer.name])
            elif id(operator) not in self._replaced:
                self._operators.append(operator)
        self._graph.operators = self._operators

    def give_codes(self, index: int, encoding: Encoding) -> int:
        """Make an input of the graph one of int8 codes, before `rewrite`; return the new tensor."""
        codes = self._code_tensor(index, encoding)
        self._codes[index, encoding] = codes
        self._operators.append(self._dequantized(codes, index, encoding.bits))
        return codes

    def take_codes(self, index: int, encoding: Encoding) -> int:
        """Return an output's int8 codes, behind `rewrite`."""
        return self._rounded(index, encoding)

    def _write(self, found: FoundLayer, encoding: LayerEncoding) -> None:
        operator = found.operator
        assert encoding.weight is not None
        if self._graph.kind(operator) == self._kinds.BATCH_MATMUL:
            self._graph.set_options(operator, self._graph.schema.FullyConnectedOptionsT(keepNumDims=True))
            operator.opcodeIndex = self._graph.code(self._kinds.FULLY_CONNECTED, 5)
        if encoding.input is not None and encoding.output is not None:
            self._write_integer(found, encoding, encoding.input, encoding.output)
            return
        inputs = [int(index) for index in operator.inputs]
        if encoding.scheme is Scheme.DYNAMIC:
            inputs[WEIGHTS] = self._weights.codes(found, encoding.weight)
            if self._is(operator, self._kinds.FULLY_CONNECTED):
                operator.builtinOptions.asymmetricQuantizeInputs = True
                self._set_version(operator, 12)
            else:
                self._set_version(operator, 6 if self._is(operator, self._kinds.DEPTHWISE_CONV_2D) else 5)
        else:
            inputs[WEIGHTS] = self._weights.values(found, encoding.weight, self._operators)
        operator.inputs = np.asarray(inputs, np.int32)
        self._operators.append(operator)

    def _write_integer(self, found: FoundLayer, encoding: LayerEncoding, read: Encoding, written: Encoding) -> None:
        graph, operator = self._graph, found.operator
        assert encoding.weight is not None
        source = self._rounded(int(operator.inputs[0]), read)
        weights, bias = self._weights.integer(found, encoding.weight, read, written)
        result = self._code_tensor(found.output, written, graph.shape(int(operator.outputs[0])))
        operator.inputs = np.asarray([source, weights, bias], np.int32)
        operator.outputs = np.asarray([result], np.int32)
        operator.builtinOptions.fusedActivationFunction = found.activation
        self._set_integer_version(operator, read.bits)
        self._operators.append(operator)
        none = graph.schema.ActivationFunctionType.NONE
        if found.added is None and found.rest == none:
            self._operators.append(self._dequantized(result, found.output, written.bits))
            self._codes[found.output, written] = result
            return
        plain = graph.add_tensor(graph.shape(found.output), _FLOAT, f"{graph.name(found.output)}/plain")
        self._operators.append(self._dequantized(result, plain, written.bits))
        self._append_fused(found, plain)

    def _append_fused(self, found: FoundLayer, plain: int) -> None:
        """Append what the converter had fused into a layer and does not belong to it."""
        graph = self._graph
        added = np.zeros(1, np.float32) if found.added is None else found.added
        constant = graph.add_constant(added, f"{graph.name(found.output)}/added")
        options = graph.schema.AddOptionsT(fusedActivationFunction=found.rest)
        self._operators.append(graph.operator(self._kinds.ADD, 1, [plain, constant], [found.output], options))

    def _rounded(self, index: int, encoding: Encoding) -> int:
        """Return the codes of a float tensor: those that are there already, padded ones, or newly rounded ones."""
        key = (index, encoding)
        if key not in self._codes:
            codes = self._padded(index, encoding)
            if codes is None:
                codes = self._code_tensor(index, encoding)
                self._operators.append(
                    self._graph.operator(
                        self._kinds.QUANTIZE,
                        1 if encoding.bits == 8 else 2,
                        [index],
                        [codes],
                        self._graph.schema.QuantizeOptionsT(),
                    )
                )
            self._codes[key] = codes
        return self._codes[key]

    def _padded(self, index: int, encoding: Encoding) -> int | None:
        """Pad codes instead of values where padding wrote the tensor: 0.0 has a code, and mirrored codes are exact."""
        writer = self._writers.get(index)
        if (
            writer is None
            or encoding.bits != 8
            or self._graph.kind(writer)
            not in (
                self._kinds.PAD,
                self._kinds.MIRROR_PAD,
            )
        ):
            return None
        inside = self._rounded(int(writer.inputs[0]), encoding)
        codes = self._code_tensor(index, encoding)
        self._operators.append(
            self._graph.operator(
                self._graph.kind(writer), 2, [inside, int(writer.inputs[1])], [codes], writer.builtinOptions
            )
        )
        return codes

    def _code_tensor(self, index: int, encoding: Encoding, shape: tuple[int, ...] | None = None) -> int:
        graph = self._graph
        return graph.add_tensor(
            graph.shape(index) if shape is None else shape,
            _INT8 if encoding.bits == 8 else _INT16,
            f"{graph.name(index)}/codes{len(graph.tensors)}",
            graph.quantization([encoding.scale], [encoding.zero_point]),
        )

    def _dequantized(self, codes: int, values: int, bits: int) -> Any:
        return self._graph.operator(
            self._kinds.DEQUANTIZE, 2 if bits == 8 else 3, [codes], [values], self._graph.schema.DequantizeOptionsT()
        )

    def _is(self, operator: Any, kind: int) -> bool:
        return self._graph.kind(operator) == kind

    def _set_version(self, operator: Any, version: int) -> None:
        operator.opcodeIndex = self._graph.code(self._graph.kind(operator), version)

    def _set_integer_version(self, operator: Any, bits: int) -> None:
        """Say which version of the operator's kernels is needed, as the runtime's own converter does."""
        int64 = self._graph.schema.TensorType.INT64
        if self._is(operator, self._kinds.FULLY_CONNECTED):
            version = 5 if operator.builtinOptions.keepNumDims else 4
            if bits == 16:
                operator.builtinOptions.quantizedBiasType, version = int64, 11
        elif self._is(operator, self._kinds.DEPTHWISE_CONV_2D):
            version = 3 if bits == 8 else 5
        else:
            is_grouped = self._is_grouped(operator)
            version = 6 if is_grouped else 3
            if bits == 16:
                operator.builtinOptions.quantizedBiasType, version = int64, 8
        self._set_version(operator, version)

    def _is_grouped(self, operator: Any) -> bool:
        channels = self._graph.shape(int(operator.inputs[0]))[-1]
        return self._graph.shape(int(operator.inputs[WEIGHTS]))[-1] != channels
