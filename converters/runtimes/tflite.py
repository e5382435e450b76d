"""Run `.tflite` files in LiteRT on the CPU (XNNPACK)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from converters.errors import BadInputError
from converters.runtimes.base import Array, Arrays, Session, TensorSpec
from converters.targets.metadata import METADATA_KEY, ArtifactMetadata, EdgeBinding
from converters.targets.tflite_file import Outline, TensorOutline, read_outline


class TFLiteSession(Session):
    """A `.tflite` file in LiteRT's interpreter.

    In our own files inputs and outputs have the ONNX graph's names, order, layout (NCHW) and dtypes, also where the
    file keeps them as int8 codes: they are rounded here. In others everything is as in the file.

    Attributes:
        metadata: as stored by this program, None in other programs' files.
    """

    runtime: ClassVar[str] = "tflite"

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        self._interpreter: Any = None
        self._bindings: dict[str, tuple[EdgeBinding, int, str]] = {}
        super().__init__(path, threads=threads)

    def _open(self) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
        outline = read_outline(self.path)
        text = outline.metadata.get(METADATA_KEY, b"").decode("utf-8", errors="replace")
        self.metadata = ArtifactMetadata.from_text(text)
        inputs, outputs = self._bind(outline)
        self._interpreter = self._new_interpreter()
        return inputs, outputs

    def _bind(self, outline: Outline) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
        """Map our names to tensor indices, permutations and dtypes; return what the session shows of them."""
        sides = []
        for side, tensors, names in (
            ("inputs", outline.inputs, outline.signature_inputs),
            ("outputs", outline.outputs, outline.signature_outputs),
        ):
            if not tensors:
                raise BadInputError(f"{self.path.name} has no {side}.")
            edges = self._edges(side, tensors, names)
            for edge, tensor, dtype in edges:
                self._bindings[f"{side}:{edge.name}"] = (edge, tensor.index, dtype)
            sides.append(tuple(TensorSpec(edge.name, edge.shape, dtype) for edge, _, dtype in edges))
        return sides[0], sides[1]

    def _edges(
        self, side: str, tensors: tuple[TensorOutline, ...], names: Mapping[str, int]
    ) -> list[tuple[EdgeBinding, TensorOutline, str]]:
        """Return binding, tensor and dtype on our side for every input or output."""
        if self.metadata is None:
            return [(edge, tensor, tensor.dtype) for edge, tensor in zip(self._plain(tensors), tensors, strict=True)]
        by_index = {tensor.index: tensor for tensor in tensors}
        found = []
        try:
            dtypes = {info.name: np.dtype(info.dtype).name for info in getattr(self.metadata.signature, side)}
            for edge in getattr(self.metadata, side):
                tensor = by_index.get(names.get(edge.file_name, -1))
                if tensor is None or edge.name not in dtypes:
                    raise BadInputError(f"{self.path.name} lacks {edge.file_name}, which its metadata promises.")
                plain = list(range(len(edge.shape)))
                if sorted(edge.permutation) != plain or (edge.file_shape, edge.dtype) != (tensor.shape, tensor.dtype):
                    raise BadInputError(
                        f"{edge.file_name} of {self.path.name} is {tensor.dtype} of shape {tensor.shape}, "
                        "its metadata says otherwise."
                    )
                found.append((edge, tensor, dtypes[edge.name]))
        except TypeError as error:  # the JSON is whole, and holds something else than it should
            raise BadInputError(f"{self.path.name} has damaged metadata.", _first_line(error)) from error
        return found

    def _plain(self, tensors: tuple[TensorOutline, ...]) -> list[EdgeBinding]:
        """Return bindings of a foreign file: its tensors as they are, names made distinct where they are not."""
        names = [tensor.name for tensor in tensors]
        edges = []
        for position, tensor in enumerate(tensors):
            if tensor.dtype.startswith("type "):
                raise BadInputError(f"{tensor.name} of {self.path.name} has a type of number that numpy lacks.")
            name = tensor.name if names.count(tensor.name) == 1 else f"{tensor.name}:{position}"
            edges.append(EdgeBinding(name, name, tensor.shape, tuple(range(len(tensor.shape))), tensor.dtype))
        return edges

    def _new_interpreter(self, **options: Any) -> Any:
        from ai_edge_litert.interpreter import Interpreter

        try:
            interpreter = Interpreter(model_path=str(self.path), num_threads=self.threads, **options)
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError, TypeError) as error:
            raise BadInputError(f"LiteRT cannot open {self.path.name}.", _first_line(error)) from error
        return interpreter

    def _run(self, feeds: Arrays, outputs: tuple[str, ...]) -> Arrays:
        self._invoke(self._interpreter, feeds)
        results = {}
        for name in outputs:
            edge, index, dtype = self._bindings[f"outputs:{name}"]
            values = edge.from_file(self._interpreter.get_tensor(index))
            results[name] = values.astype(dtype, copy=False)
        return results

    def _invoke(self, interpreter: Any, feeds: Arrays) -> None:
        arrays = {}
        for spec in self.inputs:
            edge, index, _ = self._bindings[f"inputs:{spec.name}"]
            arrays[index] = edge.to_file(feeds[spec.name])
        try:
            if any(-1 in spec.shape for spec in self.inputs):
                for index, array in arrays.items():
                    interpreter.resize_tensor_input(index, array.shape)
                interpreter.allocate_tensors()
            for index, array in arrays.items():
                interpreter.set_tensor(index, array)
            interpreter.invoke()
        except (ValueError, RuntimeError) as error:
            raise BadInputError(f"LiteRT stopped while running {self.path.name}.", _first_line(error)) from error

    def run_all(self, feeds: Mapping[str, Array]) -> Arrays:
        """Run once in a separate, slow interpreter that keeps every intermediate result.

        It uses LiteRT's plain kernels, because XNNPACK does not give its intermediate results away.

        Args:
            feeds: as for `run`.

        Returns:
            The value of every tensor by its name in the file, in the file's layout and dtype; constants included,
            tensors without a value left out.

        Raises:
            BadInputError: as `run` does.
        """
        from ai_edge_litert.interpreter import OpResolverType

        checked = self._checked(feeds)
        interpreter = self._new_interpreter(
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        self._invoke(interpreter, checked)
        values: Arrays = {}
        for detail in interpreter.get_tensor_details():
            try:
                values[detail["name"]] = interpreter.get_tensor(detail["index"])
            except ValueError:  # it has no data: optional, or folded into another operator
                continue
        return values

    def _close(self) -> None:
        self._interpreter = None


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__
