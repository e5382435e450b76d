"""The main graph of a `.tflite` as objects that may be changed, and written again without what nothing uses.

The objects are those of the schema as `ai_edge_litert` ships it: tensors, operators and buffers by index.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from converters.runtimes.base import Array
from converters.targets import tflite_schema
from converters.targets.tflite_file import IDENTIFIER, mapped, read_outline
from converters.targets.tflite_flatbuffer import Node, Octets, Record, References, Table, head, number

_DTYPES = {kind: name for kind, (name, _) in tflite_schema.TENSOR_TYPES.items()}
_TYPES = {name: kind for kind, name in _DTYPES.items()}


class Graph:
    """The main graph of a file, with everything the file shares between graphs.

    Attributes:
        schema: the module of the schema's classes and constants.
        operators: in the order in which they run; may be replaced.

    Raises:
        BadInputError: the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        from ai_edge_litert import schema_py_generated

        read_outline(path)
        self._data = mapped(path)
        self.schema: Any = schema_py_generated
        self._model = self.schema.ModelT.InitFromObj(self.schema.Model.GetRootAs(self._data, 0))
        self._main = self._model.subgraphs[0]
        self.operators: list[Any] = list(self._main.operators)
        self.inputs: list[int] = [int(index) for index in self._main.inputs]
        self.outputs: list[int] = [int(index) for index in self._main.outputs]

    @property
    def tensors(self) -> list[Any]:
        """All tensors by index, constants among them."""
        found: list[Any] = self._main.tensors
        return found

    def kind(self, operator: Any) -> int:
        """Return an operator's BuiltinOperator."""
        code = self._model.operatorCodes[operator.opcodeIndex]
        return max(int(code.builtinCode), int(code.deprecatedBuiltinCode))

    def name(self, index: int) -> str:
        """Return a tensor's name."""
        name = self.tensors[index].name
        return name.decode("utf-8", errors="replace") if isinstance(name, bytes) else str(name)

    def shape(self, index: int) -> tuple[int, ...]:
        """Return a tensor's sizes."""
        shape = self.tensors[index].shape
        return () if shape is None else tuple(int(size) for size in shape)

    def dtype(self, index: int) -> str:
        """Return numpy's name of a tensor's type, "" for one numpy does not have."""
        return _DTYPES.get(int(self.tensors[index].type), "")

    def constant(self, index: int) -> Array | None:
        """Return a constant's values, None for a tensor that is computed or of a type numpy does not have."""
        tensor = self.tensors[index]
        buffer = self._model.buffers[tensor.buffer]
        data = self._outside(buffer) if buffer.offset > 1 else buffer.data
        if data is None or len(data) == 0 or tensor.isVariable or not self.dtype(index):
            return None
        count = int(np.prod(self.shape(index)))
        return np.frombuffer(data, self.dtype(index), count).reshape(self.shape(index))

    def add_constant(
        self, values: Array, name: str, quantization: Any = None, packed: npt.NDArray[np.uint8] | None = None
    ) -> int:
        """Add a constant tensor and return its index.

        Args:
            values: give shape and type.
            name: of the tensor.
            quantization: the schema's QuantizationParametersT, or None.
            packed: 4-bit codes, two to a byte, which are kept instead of the values.
        """
        kind = self.schema.TensorType.INT4 if packed is not None else _TYPES[values.dtype.name]
        data = packed if packed is not None else np.frombuffer(values.tobytes(), np.uint8)
        self._model.buffers.append(self.schema.BufferT(data=data))
        return self._add(values.shape, kind, name, quantization, len(self._model.buffers) - 1)

    def add_tensor(self, shape: Sequence[int], dtype: str, name: str, quantization: Any = None) -> int:
        """Add a tensor that is computed and return its index."""
        return self._add(shape, _TYPES[dtype], name, quantization, 0)

    def _add(self, shape: Sequence[int], kind: int, name: str, quantization: Any, buffer: int) -> int:
        tensor = self.schema.TensorT(
            shape=np.asarray(shape, np.int32), type=kind, buffer=buffer, name=name, quantization=quantization
        )
        tensor.hasRank = True
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def quantization(self, scale: Iterable[float], zero_point: Iterable[int], axis: int = 0) -> Any:
        """Return quantization parameters: one scale and zero point for a tensor, or one per index along an axis."""
        return self.schema.QuantizationParametersT(
            scale=np.asarray(list(scale), np.float32),
            zeroPoint=np.asarray(list(zero_point), np.int64),
            quantizedDimension=axis,
        )

    def code(self, kind: int, version: int) -> int:
        """Return the index of an operator code, which is added where the file lacks it."""
        codes = self._model.operatorCodes
        for index, code in enumerate(codes):
            known = max(int(code.builtinCode), int(code.deprecatedBuiltinCode))
            if (known, int(code.version)) == (kind, version) and not code.customCode:
                return index
        # codes above 127 are in the second field alone
        codes.append(self.schema.OperatorCodeT(min(kind, 127), None, version, kind))
        return len(codes) - 1

    def operator(
        self, kind: int, version: int, inputs: Sequence[int], outputs: Sequence[int], options: Any = None
    ) -> Any:
        """Return a new operator, which is not yet in the graph.

        Args:
            kind: a BuiltinOperator.
            version: of the operator.
            inputs, outputs: tensors.
            options: an object of the schema, named as its class in BuiltinOptions with a T behind.
        """
        made = self.schema.OperatorT(
            opcodeIndex=self.code(kind, version),
            inputs=np.asarray(inputs, np.int32),
            outputs=np.asarray(outputs, np.int32),
        )
        if options is not None:
            self.set_options(made, options)
        return made

    def set_options(self, operator: Any, options: Any) -> None:
        """Give an operator other options."""
        operator.builtinOptions = options
        operator.builtinOptionsType = getattr(self.schema.BuiltinOptions, type(options).__name__.removesuffix("T"))

    def readers(self) -> dict[int, list[Any]]:
        """Return the operators that read each tensor."""
        found: dict[int, list[Any]] = {}
        for operator in self.operators:
            for index in tensors_of(operator.inputs):
                found.setdefault(index, []).append(operator)
        return found

    def writers(self) -> dict[int, Any]:
        """Return the operator that writes each computed tensor."""
        return {index: operator for operator in self.operators for index in tensors_of(operator.outputs)}

    def save(self, path: Path) -> None:
        """Write the file, without operators, tensors, weights and operator codes that nothing uses.

        Signatures and metadata are left out: they are written with the label.
        """
        import flatbuffers

        self._drop_unused_operators()
        self._drop_unused_tensors()
        self._drop_unused_codes()
        contents = self._used_buffers()
        self._main.inputs = np.asarray(self.inputs, np.int32)
        self._main.outputs = np.asarray(self.outputs, np.int32)
        self._main.operators = self.operators
        model = self._model
        model.metadata, model.metadataBuffer, model.signatureDefs = None, None, None
        model.buffers = [self.schema.BufferT() for _ in contents]
        builder = flatbuffers.Builder(2**20)
        builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
        skeleton = memoryview(bytes(builder.Output()))
        # The schema's own writer does not align weights; what stands in front does.
        root: dict[int, Node] = Table(skeleton, number(skeleton, 0, "<I")).fields(tflite_schema.MODEL_KINDS)
        root[tflite_schema.MODEL_BUFFERS] = References(
            tuple(Record({tflite_schema.BUFFER_DATA: Octets(data)} if data else {}) for data in contents)
        )
        with path.open("xb") as file:
            file.write(head(Record(root), IDENTIFIER))
            file.write(skeleton)

    def _outside(self, buffer: Any) -> memoryview:
        return self._data[buffer.offset : buffer.offset + buffer.size]

    def _drop_unused_operators(self) -> None:
        needed = set(self.outputs)
        kept = []
        for operator in reversed(self.operators):
            outputs = tensors_of(operator.outputs)
            if not outputs or needed.intersection(outputs):
                kept.append(operator)
                needed.update(tensors_of(operator.inputs))
        self.operators = kept[::-1]

    def _drop_unused_tensors(self) -> None:
        used = {*self.inputs, *self.outputs}
        for operator in self.operators:
            for indices in (operator.inputs, operator.outputs, operator.intermediates):
                used.update(tensors_of(indices))
        new = {old: place for place, old in enumerate(sorted(used))}
        new[-1] = -1
        self._main.tensors = [self.tensors[old] for old in sorted(used)]

        def moved(indices: Any) -> Any:
            return None if indices is None else np.asarray([new[int(index)] for index in indices], np.int32)

        for operator in self.operators:
            operator.inputs, operator.outputs = moved(operator.inputs), moved(operator.outputs)
            operator.intermediates = moved(operator.intermediates)
        self.inputs = [new[index] for index in self.inputs]
        self.outputs = [new[index] for index in self.outputs]

    def _drop_unused_codes(self) -> None:
        operators = [*self.operators, *(item for graph in self._model.subgraphs[1:] for item in graph.operators or ())]
        used = sorted({int(operator.opcodeIndex) for operator in operators})
        for operator in operators:
            operator.opcodeIndex = used.index(int(operator.opcodeIndex))
        self._model.operatorCodes = [self._model.operatorCodes[index] for index in used]

    def _used_buffers(self) -> list[bytes]:
        """Renumber the buffers that tensors use and return what they hold; the first is always the empty one."""
        places = {0: 0}
        contents = [b""]
        for graph in self._model.subgraphs:
            for tensor in graph.tensors:
                if tensor.buffer not in places:
                    places[tensor.buffer] = len(contents)
                    buffer = self._model.buffers[tensor.buffer]
                    data = self._outside(buffer) if buffer.offset > 1 else buffer.data
                    contents.append(b"" if data is None else bytes(data))
                tensor.buffer = places[tensor.buffer]
        return contents


def tensors_of(indices: Any) -> list[int]:
    """Return the tensors in a list of an operator, without the optional ones that are absent."""
    return [] if indices is None else [int(index) for index in indices if index >= 0]
