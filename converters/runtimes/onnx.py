"""Run ONNX graphs in ONNX Runtime: the original every artifact is judged by."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from converters.errors import BadInputError
from converters.runtimes.base import Arrays, Session, TensorSpec

_NUMPY_NAMES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(int16)": "int16",
    "tensor(uint16)": "uint16",
    "tensor(int32)": "int32",
    "tensor(uint32)": "uint32",
    "tensor(int64)": "int64",
    "tensor(uint64)": "uint64",
    "tensor(bool)": "bool",
}
# ONNX Runtime's own scale: 3 leaves out warnings such as the one on every unused initializer (emap).
_LOG_ERRORS_ONLY = 3
# It drops the first of two roundings of a tensor, also where their scales differ and the first one is the coarser.
_MERGES_ROUNDINGS = "DoubleQDQPairsRemover"


class OnnxSession(Session):
    """An ONNX file in ONNX Runtime on the CPU."""

    runtime: ClassVar[str] = "onnx"
    _session: Any = None

    def _open(self) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        # Waiting threads that spin take the cores from a face pipeline's other sessions: two to three times slower.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Integer kernels round in ways that depend on the processor; the reference is to be the same everywhere, and is
        # hardly slower so.
        options.add_session_config_entry("session.disable_quant_qdq", "1")
        options.log_severity_level = _LOG_ERRORS_ONLY
        try:
            self._session = onnxruntime.InferenceSession(
                str(self.path),
                sess_options=options,
                providers=["CPUExecutionProvider"],
                disabled_optimizers=[_MERGES_ROUNDINGS],
            )
        except Exception as error:  # its exception classes share no base but Exception
            raise BadInputError(
                f"ONNX Runtime cannot open {self.path.name}.", _first_line(error), "Check the file with `inspect`."
            ) from error
        return _specs(self._session.get_inputs()), _specs(self._session.get_outputs())

    def _run(self, feeds: Arrays, outputs: tuple[str, ...]) -> Arrays:
        try:
            return dict(zip(outputs, self._session.run(list(outputs), feeds), strict=True))
        except Exception as error:  # as above
            raise BadInputError(f"ONNX Runtime cannot run {self.path.name}.", _first_line(error)) from error

    def _close(self) -> None:
        self._session = None


def _specs(values: list[Any]) -> tuple[TensorSpec, ...]:
    return tuple(
        TensorSpec(
            value.name,
            tuple(size if isinstance(size, int) else -1 for size in value.shape),
            _NUMPY_NAMES.get(value.type, value.type),
        )
        for value in values
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__


def open_proto(proto: Any, folder: Path, *, threads: int | None = None) -> OnnxSession:
    """Open a graph that is in memory, by way of a file in `folder` (weights beside it when they are large).

    Args:
        proto: onnx.ModelProto, left unchanged.
        folder: private, existing.
    """
    from converters.model.graph import write_proto

    return OnnxSession(write_proto(proto, folder), threads=threads)
