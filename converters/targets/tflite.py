"""Model to `.tflite`: two engines behind one exporter, one way to make weights smaller, one way to label the file."""

from __future__ import annotations

import importlib.util
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from converters.compress.quantize.encodings import Encodings, Scheme
from converters.compress.quantize.layers import with_replaced
from converters.errors import UnsupportedError
from converters.model.graph import Model, control_flow
from converters.parameters import Parameter, Value
from converters.progress import Progress
from converters.runtimes.base import Arrays
from converters.runtimes.tflite import TFLiteSession
from converters.targets import tflite_compress, tflite_litert, tflite_onnx2tf, tflite_quantize_check
from converters.targets.base import Export, Exporter, ExportJob, Precision, encodings_for
from converters.targets.metadata import METADATA_KEY, ArtifactMetadata
from converters.targets.tflite_engine import Edges, EngineError
from converters.targets.tflite_file import read_outline
from converters.targets.tflite_flatbuffer import LARGEST_FILE
from converters.targets.tflite_label import write_labelled
from converters.targets.tflite_probe import LIMIT, difference, probe_feeds, reference, run_unlabelled
from converters.targets.tflite_quantize import quantize
from converters.targets.tflite_quantize_check import (
    QUANTIZED,
    dynamic_layers,
    edge_encodings,
    integer_layers,
)

AUTO, LITERT, ONNX2TF = "auto", "litert", "onnx2tf"
# Above this the other engine is no alternative (15 GB and minutes for 554 MB), and a run of both costs seconds.
_LARGEST_PROBED = 2**28
_EDGE_TYPES = {"float32", "float16", "float64", "int8", "uint8", "int16", "int32", "int64", "bool"}


class TFLiteExporter(Exporter):
    """Model to `.tflite`."""

    target: ClassVar[str] = "tflite"
    title: ClassVar[str] = "TFLite"
    suffix: ClassVar[str] = ".tflite"
    precisions: ClassVar[tuple[Precision, ...]] = (
        Precision.FP32,
        Precision.FP16,
        Precision.INT8_WEIGHTS,
        *QUANTIZED,
    )
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "engine",
            AUTO,
            "What converts: the LiteRT converter, onnx2tf with TensorFlow, or the first of them that works.",
            choices=(AUTO, LITERT, ONNX2TF),
        ),
        Parameter(
            "layout",
            "nhwc",
            "Axes of pictures at the file's edge; phones are faster with channels last (nhwc).",
            choices=("nhwc", "nchw"),
        ),
        Parameter(
            "interface",
            "float",
            "Numbers at the edge of a quantized file: float32, or int8 codes that the app rounds to itself.",
            choices=("float", "int8"),
            precisions=QUANTIZED,
        ),
    )

    def unavailable(self) -> str:
        if importlib.util.find_spec("ai_edge_litert") is None:
            return "The package ai-edge-litert is not installed."
        litert, onnx2tf = tflite_litert.unavailable(), tflite_onnx2tf.unavailable()
        return f"{litert} {onnx2tf}" if litert and onnx2tf else ""

    def objections(self, model: Model, precision: Precision, options: dict[str, Value]) -> list[str]:
        objections = []
        if model.parameter_bytes > LARGEST_FILE:
            size = f"{model.parameter_bytes / 2**30:.1f} GiB"
            objections.append(f"A .tflite file holds 2 GiB, this model has {size} in fp32, which is written first.")
        objections += [
            f"{tensor.name} is {tensor.dtype}, which a .tflite file cannot take or give."
            for tensor in (*model.signature.inputs, *model.signature.outputs)
            if tensor.dtype not in _EDGE_TYPES
        ]
        if precision in tflite_compress.PRECISIONS and tflite_compress.unavailable():
            objections.append(tflite_compress.unavailable())
        objections += tflite_quantize_check.objections(model, precision, str(options.get("interface", "float")))
        against = {engine: _against(engine, model, options) for engine in _engines(options)}
        if all(against.values()):
            objections += [sentence for sentences in against.values() for sentence in sentences]
        return objections

    def warm(self) -> None:
        if not tflite_litert.unavailable():
            import converters.torch_import.importer

            del converters
            tflite_litert.load()
        else:
            tflite_onnx2tf.load()

    def pinned(self, options: dict[str, Value], engine: str) -> dict[str, Value]:
        return {**options, "engine": ONNX2TF if engine.startswith(ONNX2TF) else LITERT}

    def other_way(self, options: dict[str, Value], engine: str, weights: int) -> dict[str, Value] | None:
        is_free = options.get("engine", AUTO) == AUTO and options.get("layout") != "nchw" and weights <= _LARGEST_PROBED
        if not is_free or engine.startswith(ONNX2TF) or tflite_onnx2tf.unavailable():
            return None
        return {**options, "engine": ONNX2TF}

    def open_session(self, path: Path, *, threads: int | None = None) -> TFLiteSession:
        return TFLiteSession(path, threads=threads)

    def _export(self, job: ExportJob) -> Export:
        made = _quantized(job) if job.precision in QUANTIZED else _plain(job)
        job.progress("Labelling the TFLite file")
        bindings = (
            tuple(edge.binding for edge in made.edges.inputs),
            tuple(edge.binding for edge in made.edges.outputs),
        )
        metadata = self._metadata(job, made.engine, bindings)
        path = job.folder / f"model{self.suffix}"
        _label(made.path, path, made.edges, metadata)
        made.path.unlink()
        return Export(path, metadata, (*made.notes, *_edge_notes(metadata)))


@dataclass(frozen=True)
class _Made:
    """A file that has no label yet."""

    path: Path
    engine: str
    edges: Edges
    notes: tuple[str, ...]


def _plain(job: ExportJob) -> _Made:
    """Write a float file, its weights made smaller where that is asked for."""
    plain = job.folder / "converted.tflite"
    engine, edges, notes = _convert(job.model, plain, job.options, job.samples, job.progress)
    if job.precision is Precision.FP32:
        return _Made(plain, engine, edges, tuple(notes))
    job.progress("Making the weights smaller")
    smaller = job.folder / "compressed.tflite"
    try:
        tflite_compress.compress(plain, smaller, job.precision)
    except EngineError as error:
        raise UnsupportedError(f"TFLite cannot keep this model's weights as {job.precision}.", str(error)) from error
    plain.unlink()
    return _Made(smaller, f"{engine}, {tflite_compress.version()}", edges, tuple(notes))


def _quantized(job: ExportJob) -> _Made:
    """Write a float file and quantize its layers; where one engine's file has lost layers, take the other's."""
    encodings = encodings_for(job.model, job.precision)
    assert encodings is not None
    model = job.model
    if encodings.replaced:
        model = replace(model, proto=with_replaced(model.proto, encodings))
    codes = edge_encodings(model, encodings) if job.options["interface"] == "int8" else {}
    feeds = probe_feeds(model, job.samples)
    plain, quantized = job.folder / "converted.tflite", job.folder / "quantized.tflite"
    options, refusals = job.options, []
    while True:
        engine, edges, notes = _convert(model, plain, options, job.samples, job.progress)
        job.progress("Quantizing the layers of the TFLite file", 0.9)
        try:
            edges, remarks = quantize(plain, quantized, model, encodings, edges, feeds, codes)
        except EngineError as error:
            refusals.append(f"{engine} was not used: {str(error).rstrip('.')}.")
            plain.unlink()
            if options["engine"] != AUTO or engine.startswith(ONNX2TF) or _against(ONNX2TF, model, options):
                raise UnsupportedError(
                    "This model's layers cannot be quantized for TFLite.", " ".join(refusals)
                ) from error
            options = {**options, "engine": ONNX2TF}
            continue
        plain.unlink()
        return _Made(
            quantized, f"{engine}, our quantizer", edges, (*notes, *refusals, *remarks, _count(quantized, encodings))
        )


def _count(path: Path, encodings: Encodings) -> str:
    """Say how many layers of a file are of each kind, and how many were asked for."""
    schemes = Counter(layer.scheme for layer in encodings.layers.values())
    slow = {Scheme.W8A16, Scheme.W4}.intersection(schemes)
    warning = f" {' and '.join(sorted(slow))} run outside XNNPACK, slower than in float." if slow else ""
    asked = schemes[Scheme.W8A8] + schemes[Scheme.W8A16]
    kinds = f"Layers computed with integers: {_listed(integer_layers(path), asked)}"
    if schemes[Scheme.DYNAMIC]:
        kinds += f"; that round what they read as they run: {_listed(dynamic_layers(path), schemes[Scheme.DYNAMIC])}"
    return f"{kinds} (schemes: {', '.join(encodings.schemes)}).{warning}"


def _listed(counts: dict[str, int], asked: int) -> str:
    parts = [f"{count} {kind}" for kind, count in counts.items() if count]
    there = sum(counts.values())
    return f"{', '.join(parts) or 'none'}" + (f" ({there} of {asked} asked for)" if there != asked else "")


def _engines(options: dict[str, Value]) -> tuple[str, ...]:
    """Return the engines that may be tried, in order."""
    if options["engine"] != AUTO:
        return (str(options["engine"]),)
    return (LITERT, ONNX2TF)


def _against(engine: str, model: Model, options: dict[str, Value]) -> list[str]:
    """Return sentences on why an engine cannot do this model, before trying."""
    if engine == LITERT:
        missing = tflite_litert.unavailable()
        if missing:
            return [missing]
        from converters.torch_import.importer import unsupported_nodes

        return unsupported_nodes(model.proto)
    missing = tflite_onnx2tf.unavailable()
    if missing:
        return [missing]
    if options["layout"] == "nchw":
        return ["onnx2tf always puts channels last; layout=nchw needs the LiteRT converter."]
    if options["engine"] == AUTO and model.parameter_bytes > _LARGEST_PROBED:
        return ["onnx2tf needs some 28 times the weights in memory; ask for it with engine=onnx2tf."]
    control = control_flow(model.proto)
    return [f"onnx2tf cannot express control flow ({', '.join(control)})."] if control else []


def _convert(
    model: Model, path: Path, options: dict[str, Value], samples: list[Arrays], progress: Progress
) -> tuple[str, Edges, list[str]]:
    """Write the fp32 file with the first engine that works; return its name, the file's edges and notes."""
    engines = _engines(options)
    refusals: list[str] = []
    feeds = probe_feeds(model, samples)
    for engine in engines:
        reasons = _against(engine, model, options)
        try:
            if reasons:
                raise EngineError(" ".join(reasons))
            if engine == LITERT:
                edges = tflite_litert.convert(model, path, str(options["layout"]), progress)
                if len(engines) > 1 and not _against(ONNX2TF, model, options):
                    _probe(model, path, edges, feeds, progress)
                name = tflite_litert.version()
            else:
                wanted = reference(model, feeds, path.parent)
                edges = tflite_onnx2tf.convert(model, path, feeds, wanted, samples, progress)
                name = tflite_onnx2tf.version()
        except EngineError as error:
            path.unlink(missing_ok=True)
            refusals.append(f"{_TITLES[engine]} was not used: {str(error).rstrip('.')}.")
            continue
        return name, edges, [f"Converted by {name}{_why(engine, engines)}.", *refusals]
    raise UnsupportedError(
        "This model cannot be converted to TFLite.",
        " ".join(refusals),
        "Try the other engine with the option engine." if len(engines) == 1 else "",
    )


_TITLES = {LITERT: "The LiteRT converter", ONNX2TF: "onnx2tf"}


def _why(engine: str, engines: tuple[str, ...]) -> str:
    if len(engines) == 1:
        return ", as asked for"
    return ", the first engine; onnx2tf was not needed" if engine == LITERT else ", the second engine"


def _probe(model: Model, path: Path, edges: Edges, feeds: Arrays, progress: Progress) -> None:
    """Raise EngineError when the file computes something else than the model."""
    if model.parameter_bytes > _LARGEST_PROBED:
        return
    progress("Running the TFLite file once beside the original", 0.9)
    results = run_unlabelled(path, edges.inputs, feeds)
    wanted = reference(model, feeds, path.parent)
    for edge in edges.outputs:
        want = wanted[edge.binding.name]
        distance = difference(edge.binding.from_file(results[edge.position]).astype(want.dtype, copy=False), want)
        if distance > LIMIT:
            raise EngineError(
                f"its file computes something else: {edge.binding.name} differs by {distance:.2g} of its span."
            )


def _label(source: Path, path: Path, edges: Edges, metadata: ArtifactMetadata) -> None:
    """Give the file the ONNX graph's names and order, and its metadata."""
    outline = read_outline(source)
    inputs = [(edge.binding.file_name, outline.inputs[edge.position].index) for edge in edges.inputs]
    outputs = [(edge.binding.file_name, outline.outputs[edge.position].index) for edge in edges.outputs]
    title = metadata.family or metadata.source_name
    write_labelled(
        source,
        path,
        inputs,
        outputs,
        {METADATA_KEY: metadata.to_text()},
        f"{title}, {metadata.precision}, by {metadata.engine}",
    )


def _edge_notes(metadata: ArtifactMetadata) -> list[str]:
    notes = []
    moved = [
        edge.name
        for edge in (*metadata.inputs, *metadata.outputs)
        if list(edge.permutation) != sorted(edge.permutation)
    ]
    if moved:
        notes.append(f"Channels come last in the file: {', '.join(moved)}.")
    wanted = {info.name: info.dtype for info in (*metadata.signature.inputs, *metadata.signature.outputs)}
    changed = [
        f"{edge.name} is {edge.dtype} instead of {wanted[edge.name]}"
        for edge in (*metadata.inputs, *metadata.outputs)
        if edge.dtype != wanted[edge.name]
    ]
    if changed:
        notes.append(f"Number types at the file's edge: {', '.join(changed)}.")
    notes += [
        f"{edge.name} is kept as codes: value = (code - {edge.zero_point}) * {edge.scale:.9g}."
        for edge in (*metadata.inputs, *metadata.outputs)
        if edge.scale
    ]
    return notes
