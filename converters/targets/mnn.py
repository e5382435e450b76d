"""Model to `.mnn`, by MNN's own converter.

The converter is called as `_tools.mnnconvert`. The wheel's wrapper `MNN.tools.mnnconvert` is never imported: it
installs a logging SDK and uploads a machine id. The converter reports success for a missing file, for garbage and
on a full disk, so only the file it left is believed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
from pathlib import Path
from typing import ClassVar

from converters.errors import UnsupportedError
from converters.model.graph import Model, control_flow, initializer_bytes, write_proto
from converters.parameters import Parameter, Value
from converters.runtimes.mnn import MnnSession
from converters.targets.base import Export, Exporter, ExportJob, Precision
from converters.targets.metadata import identity_bindings

# A flatbuffer's offsets are signed 32-bit numbers.
_LARGEST_FILE = 2**31 - 1
_BYTES_PER_WEIGHT = {Precision.FP32: 4, Precision.FP16: 2, Precision.INT8_WEIGHTS: 1}


class MnnExporter(Exporter):
    """Model to `.mnn`."""

    target: ClassVar[str] = "mnn"
    title: ClassVar[str] = "MNN"
    suffix: ClassVar[str] = ".mnn"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "weight_block",
            0,
            "Weights that share one scale in int8-weights; 0 for a whole output channel.",
            minimum=0,
            maximum=1024,
        ),
    )

    def unavailable(self) -> str:
        return "" if importlib.util.find_spec("_tools") else "The package MNN is not installed."

    def objections(self, model: Model, precision: Precision, options: dict[str, Value]) -> list[str]:
        del options
        objections = []
        size = initializer_bytes(model.proto) // 4 * _BYTES_PER_WEIGHT[precision]
        if size > _LARGEST_FILE:
            need = f"{size / 2**30:.1f} GiB as {precision}"
            objections.append(f"A .mnn file holds 2 GiB, this model needs {need}; try fp16 or int8-weights.")
        control = control_flow(model.proto)
        if control:
            objections.append(f"It has control flow ({', '.join(control)}).")
        return objections

    def open_session(self, path: Path, *, threads: int | None = None) -> MnnSession:
        """Open with plain kernels, so that what is judged is the file and not MNN's fast rounding."""
        return MnnSession(path, threads=threads, fast_kernels=False)

    def _export(self, job: ExportJob) -> Export:
        import _tools
        import MNN

        metadata = self._metadata(job, f"MNN {MNN.version()}", identity_bindings(job.model.signature))
        job.progress("Writing the graph for MNN")
        source = write_proto(job.model.proto, job.folder / "source").absolute()
        path = job.folder.absolute() / f"model{self.suffix}"
        arguments = ["mnnconvert", "-f", "ONNX", "--modelFile", str(source), "--MNNModel", str(path)]
        arguments += ["--bizCode", metadata.to_text(), "--keepInputFormat=1"]
        if job.precision is Precision.FP16:
            arguments.append("--fp16")
        elif job.precision is Precision.INT8_WEIGHTS:
            arguments += ["--weightQuantBits", "8", "--weightQuantAsymmetric=1"]
            if job.options["weight_block"]:
                arguments += ["--weightQuantBlock", str(job.options["weight_block"])]
        job.progress("Converting to MNN", 0.2)
        try:
            # For large models the converter keeps a copy of the weights in the working folder, under a fixed name.
            with contextlib.chdir(job.folder):
                _tools.mnnconvert(arguments)
        finally:
            shutil.rmtree(job.folder / "source")
            (job.folder / ".__convert_external_data.bin").unlink(missing_ok=True)
        if not path.exists():
            # It says which operators it lacks in the log only, and reports success or failure alike.
            known = ", ".join(sorted({node.op_type for node in job.model.proto.graph.node}))
            raise UnsupportedError(
                "MNN's converter refused this model.",
                f"Most often it lacks one of its operators ({known}); the log names it.",
                "See convert.log, or convert to another target.",
            )
        job.progress("Converting to MNN", 1.0)
        notes = []
        edges = (*job.model.signature.inputs, *job.model.signature.outputs)
        if any(tensor.dtype not in ("float32", "int32", "uint8") for tensor in edges):
            notes.append("MNN keeps 64-bit integers as 32-bit and booleans as integers at the file's edge.")
        return Export(path, metadata, tuple(notes))
