"""Run `.mnn` files in MNN on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from converters.errors import BadInputError
from converters.runtimes.base import Array, Arrays, Session, TensorSpec
from converters.runtimes.mnn_file import read_outline
from converters.targets.metadata import ArtifactMetadata

# Interpreter::HintMode::WINOGRAD_MEMORY_LEVEL; level 0 keeps to plain convolution kernels.
_WINOGRAD_HINT = 3
# What MNN puts behind the kind of an operator that computes with integers: "Convolution [ DT_INT8 ] ".
_INTEGER_MARK = "DT_INT8"
_CONVOLUTIONS = ("Convolution", "ConvolutionDepthwise")


class MnnSession(Session):
    """A `.mnn` file in MNN.

    Args:
        fast_kernels: whether MNN may use Winograd convolutions, as it does by default. They are faster and round
            more: on a swapper the largest difference to ONNX Runtime grows from 2e-5 to 9e-4 of the value range.
    """

    runtime: ClassVar[str] = "mnn"

    def __init__(self, path: Any, *, threads: int | None = None, fast_kernels: bool = True) -> None:
        self.fast_kernels = fast_kernels
        self._interpreter: Any = None
        self._session: Any = None
        super().__init__(path, threads=threads)

    def _open(self) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
        self.metadata = ArtifactMetadata.from_text(read_outline(self.path).business_code)
        import MNN

        try:
            self._interpreter = MNN.Interpreter(str(self.path))
            if not self.fast_kernels:
                self._interpreter.setSessionHint(_WINOGRAD_HINT, 0)
            settings = {"numThread": self.threads, "precision": "high", "backend": "CPU"}
            self._session = self._interpreter.createSession(settings)
        except Exception as error:  # MNN raises nothing more specific
            raise BadInputError(f"MNN cannot open {self.path.name}.", f"It says: {error}.") from error
        if self._session is None:
            raise BadInputError(f"MNN cannot open {self.path.name}.", "The file is damaged or of a newer MNN.")
        # Only descriptions are kept: a tensor that outlives its interpreter, in a traceback say, crashes the process.
        inputs = _described(self._interpreter.getSessionInputAll(self._session))
        outputs = _described(self._interpreter.getSessionOutputAll(self._session))
        if not inputs or not outputs:
            raise BadInputError(f"{self.path.name} has no inputs or no outputs.")
        return self._specs(inputs, "inputs"), self._specs(outputs, "outputs")

    def _specs(self, found: dict[str, TensorSpec], side: str) -> tuple[TensorSpec, ...]:
        if self.metadata is None:
            return tuple(found.values())
        # MNN lists tensors by name; the metadata knows the graph's own order, names and dtypes.
        edges = getattr(self.metadata, side)
        missing = [edge.file_name for edge in edges if edge.file_name not in found]
        if missing:
            raise BadInputError(f"{self.path.name} lacks {', '.join(missing)}, which its metadata promises.")
        unknown = set(found) - {edge.file_name for edge in edges}
        if side == "inputs" and unknown:
            raise BadInputError(
                f"{self.path.name} is damaged.", f"It wants {', '.join(unknown)}, which its metadata does not know."
            )
        return tuple(TensorSpec(edge.name, found[edge.file_name].shape, edge.dtype) for edge in edges)

    def _run(self, feeds: Arrays, outputs: tuple[str, ...]) -> Arrays:
        self._feed(feeds)
        status = self._interpreter.runSession(self._session)
        if status != 0:
            raise BadInputError(f"MNN stopped while running {self.path.name} (code {status}).")
        found = self._interpreter.getSessionOutputAll(self._session)
        results = {self._graph_name(name, "outputs"): _to_numpy(tensor) for name, tensor in found.items()}
        return {name: results[name] for name in outputs}

    def integer_operators(self) -> dict[str, str]:
        """Run once on zeros and return what MNN computed with integers.

        Returns:
            Kinds of operators ("Convolution", "FloatToInt8", …) by name.
        """
        kinds: dict[str, str] = {}

        def look(_tensors: Any, operator: Any) -> bool:
            kind, _, rest = operator.getType().partition(" ")
            if _INTEGER_MARK in rest:
                kinds[operator.getName()] = kind
            return True

        self._feed({spec.name: np.zeros(spec.shape, spec.dtype) for spec in self.inputs})
        # The wheel needs both callbacks, and they must not raise: it goes on and loses the exception.
        self._interpreter.runSessionWithCallBackInfo(self._session, lambda _tensors, _operator: True, look)
        return kinds

    def _feed(self, feeds: Arrays) -> None:
        import MNN

        # Inputs are copied before every run: MNN may reuse their memory for intermediate results.
        for name, tensor in self._interpreter.getSessionInputAll(self._session).items():
            array = feeds[self._graph_name(name, "inputs")]
            plain = np.ascontiguousarray(array, dtype=_dtype(tensor)).reshape(tensor.getShape())
            host = MNN.Tensor(plain.shape, tensor.getDataType(), plain, MNN.Tensor_DimensionType_Caffe)
            tensor.copyFrom(host)

    def _graph_name(self, file_name: str, side: str) -> str:
        if self.metadata is None:
            return file_name
        names: dict[str, str] = {edge.file_name: edge.name for edge in getattr(self.metadata, side)}
        return names.get(file_name, file_name)

    def _close(self) -> None:
        self._session = None
        self._interpreter = None


def integer_operators(path: Path) -> dict[str, str]:
    """Return the operators of a `.mnn` that MNN computes with integers on this machine: kinds by name.

    Raises:
        BadInputError: no readable `.mnn`.
    """
    with MnnSession(path) as session:
        return session.integer_operators()


def integer_layers(path: Path) -> frozenset[str]:
    """Return the names of a `.mnn`'s convolutions that MNN computes with integers on this machine.

    Matrix products with constant weights are convolutions in MNN.

    Raises:
        BadInputError: no readable `.mnn`.
    """
    return frozenset(name for name, kind in integer_operators(path).items() if kind in _CONVOLUTIONS)


def _described(tensors: dict[str, Any]) -> dict[str, TensorSpec]:
    return {name: TensorSpec(name, tuple(tensor.getShape()), _dtype(tensor)) for name, tensor in tensors.items()}


def _dtype(tensor: Any) -> str:
    import MNN

    names: tuple[tuple[Any, str], ...] = (
        (MNN.Halide_Type_Float, "float32"),
        (MNN.Halide_Type_Int, "int32"),
        (MNN.Halide_Type_Uint8, "uint8"),
    )
    kind = tensor.getDataType()
    return next((name for known, name in names if kind == known), "float32")


def _to_numpy(tensor: Any) -> Array:
    import MNN

    shape = tensor.getShape()
    host = MNN.Tensor(
        shape, tensor.getDataType(), np.zeros(shape, dtype=_dtype(tensor)), MNN.Tensor_DimensionType_Caffe
    )
    tensor.copyToHostTensor(host)
    return np.array(host.getNumpyData()).reshape(shape)
