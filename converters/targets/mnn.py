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
from typing import TYPE_CHECKING, ClassVar

from converters.compress.quantize.encodings import Encodings
from converters.compress.quantize.layers import find_layers, with_replaced
from converters.errors import UnsupportedError, VerificationError
from converters.model.graph import Model, control_flow, initializer_bytes, write_proto
from converters.parameters import Parameter, Value
from converters.runtimes.mnn import MnnSession, integer_operators
from converters.targets.base import Export, Exporter, ExportJob, Precision, encodings_for, names_of
from converters.targets.metadata import identity_bindings
from converters.targets.mnn_quantize import expressible, quantize_objections, write_quantized

if TYPE_CHECKING:
    import onnx

# A flatbuffer's offsets are signed 32-bit numbers.
_LARGEST_FILE = 2**31 - 1
_BYTES_PER_WEIGHT = {Precision.FP32: 4.0, Precision.FP16: 2.0, Precision.INT8_WEIGHTS: 1.0}
_WITH_BLOCKS = (Precision.INT8_WEIGHTS, Precision.INT4_WEIGHTS)
# What may compute with integers in a file of ours: convolutions, and what brings them their codes.
_INTEGER_KINDS = ("Convolution", "ConvolutionDepthwise")
_CODE_MOVERS = ("FloatToInt8", "Raster")


class MnnExporter(Exporter):
    """Model to `.mnn`."""

    target: ClassVar[str] = "mnn"
    title: ClassVar[str] = "MNN"
    suffix: ClassVar[str] = ".mnn"
    precisions: ClassVar[tuple[Precision, ...]] = (
        Precision.FP32,
        Precision.FP16,
        Precision.INT8_WEIGHTS,
        Precision.INT4_WEIGHTS,
        Precision.INT8,
    )
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "weight_block",
            0,
            "Weights that share one scale in int8-weights and int4-weights; 0 for a whole output channel.",
            minimum=0,
            maximum=1024,
            precisions=_WITH_BLOCKS,
        ),
    )

    def unavailable(self) -> str:
        return "" if importlib.util.find_spec("_tools") else "The package MNN is not installed."

    def objections(self, model: Model, precision: Precision, options: dict[str, Value]) -> list[str]:
        objections = []
        encodings = encodings_for(model, precision, int(options["weight_block"]))
        size = _size(model, precision, encodings)
        if size > _LARGEST_FILE:
            need = f"{size / 2**30:.1f} GiB as {precision}"
            objections.append(f"A .mnn file holds 2 GiB, this model needs {need}; try fp16 or int8-weights.")
        if options["weight_block"] and precision not in _WITH_BLOCKS:
            known = ", ".join(_WITH_BLOCKS)
            objections.append(f"weight_block has no effect on {precision}, only on {known}; leave it out.")
        if precision is Precision.INT8 and encodings is not None:
            objections += quantize_objections(model, encodings)
        control = control_flow(model.proto)
        if control:
            objections.append(f"It has control flow ({', '.join(control)}).")
        return objections

    def open_session(self, path: Path, *, threads: int | None = None) -> MnnSession:
        """Open with plain kernels, so that what is judged is the file and not MNN's fast rounding."""
        return MnnSession(path, threads=threads, fast_kernels=False)

    def _export(self, job: ExportJob) -> Export:
        import MNN

        metadata = self._metadata(job, f"MNN {MNN.version()}", identity_bindings(job.model.signature))
        job.progress("Writing the graph for MNN")
        path = job.folder.absolute() / f"model{self.suffix}"
        arguments = ["--bizCode", metadata.to_text(), "--keepInputFormat=1"]
        encodings = encodings_for(job.model, job.precision, int(job.options["weight_block"]))
        notes: list[str] = []
        if encodings is not None:
            notes += _export_quantized(job, encodings, path, arguments)
        else:
            if job.precision is Precision.FP16:
                arguments.append("--fp16")
            elif job.precision is Precision.INT8_WEIGHTS:
                arguments += ["--weightQuantBits", "8", "--weightQuantAsymmetric=1"]
                if job.options["weight_block"]:
                    arguments += ["--weightQuantBlock", str(job.options["weight_block"])]
            _convert(job, job.model.proto, path, arguments)
        job.progress("Converting to MNN", 1.0)
        edges = (*job.model.signature.inputs, *job.model.signature.outputs)
        if any(tensor.dtype not in ("float32", "int32", "uint8") for tensor in edges):
            notes.append("MNN keeps 64-bit integers as 32-bit and booleans as integers at the file's edge.")
        return Export(path, metadata, tuple(notes))


def _size(model: Model, precision: Precision, encodings: Encodings | None) -> float:
    """Return about how many bytes the weights take."""
    total = initializer_bytes(model.proto)
    if encodings is None:
        return total // 4 * _BYTES_PER_WEIGHT.get(precision, 4.0)
    sizes = {item.name: len(item.raw_data) or item.ByteSize() for item in model.proto.graph.initializer}
    bits = {layer.weight: encodings.scheme(layer.name).weight_bits for layer in find_layers(model.proto)}
    return total - sum(sizes[name] * (1 - kept / 32) for name, kept in bits.items())


def _export_quantized(job: ExportJob, encodings: Encodings, path: Path, arguments: list[str]) -> tuple[str, ...]:
    """Write a file as Encodings say; return sentences for the report."""
    notes: tuple[str, ...] = ()
    if job.precision is Precision.INT4_WEIGHTS:
        encodings, notes = expressible(job.model, encodings)
    folder = path.parent / "network"
    folder.mkdir()
    network = folder / path.name
    proto = with_replaced(job.model.proto, encodings) if encodings.replaced else job.model.proto
    try:
        _convert(job, proto, network, [*arguments, "--saveExternalData"])
        job.progress("Writing the codes", 0.8)
        quantized = write_quantized(job.model, encodings, network, Path(f"{network}.weight"), path)
    finally:
        shutil.rmtree(folder)
    job.progress("Looking at what MNN computes with integers", 0.9)
    kinds = integer_operators(path)
    found = {name for name, kind in kinds.items() if kind in _INTEGER_KINDS}
    others = {name: kind for name, kind in kinds.items() if kind not in (*_INTEGER_KINDS, *_CODE_MOVERS)}
    if found != quantized.integer or others:
        missing = names_of(sorted(quantized.integer - found)) or "none"
        unwanted = names_of(sorted((found - quantized.integer) | set(others))) or "none"
        raise VerificationError(
            "MNN does not compute this file as its Encodings say.",
            f"Not with integers: {missing}; with integers though it should not be: {unwanted}.",
            "Leave these layers and their neighbours float, or give them int8 weights only (w8).",
        )
    if found:
        notes += (f"MNN computes {len(found)} convolutions with integers.",)
    return (*notes, *quantized.notes)


def _convert(job: ExportJob, proto: onnx.ModelProto, path: Path, arguments: list[str]) -> None:
    """Let MNN's converter write a graph to `path`.

    Raises:
        UnsupportedError: it has left no file.
    """
    import _tools

    source = write_proto(proto, job.folder / "source").absolute()
    job.progress("Converting to MNN", 0.2)
    try:
        # For large models the converter keeps a copy of the weights in the working folder, under a fixed name.
        with contextlib.chdir(job.folder):
            _tools.mnnconvert(
                ["mnnconvert", "-f", "ONNX", "--modelFile", str(source), "--MNNModel", str(path), *arguments]
            )
    finally:
        shutil.rmtree(job.folder / "source")
        (job.folder / ".__convert_external_data.bin").unlink(missing_ok=True)
    if not path.exists():
        # It says which operators it lacks in the log only, and reports success or failure alike.
        known = ", ".join(sorted({node.op_type for node in proto.graph.node}))
        raise UnsupportedError(
            "MNN's converter refused this model.",
            f"Most often it lacks one of its operators ({known}); the log names it.",
            "See convert.log, or convert to another target.",
        )
