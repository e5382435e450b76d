"""Model to `.mlpackage`: ONNX to torch by our importer, torch to an mlprogram by coremltools."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from converters.errors import StudioError, UnsupportedError
from converters.model.graph import Model
from converters.model.signature import ColourOrder, Role, TensorInfo
from converters.parameters import Parameter, Value
from converters.runtimes.base import Session
from converters.targets.base import Export, Exporter, ExportJob, Precision, encodings_for
from converters.targets.coreml_quantize import (
    AUTOMATIC_OS,
    PALETTE_BITS,
    SYSTEMS,
    USUAL_PALETTE_BITS,
    chosen_system,
    quantization_objections,
)
from converters.targets.metadata import METADATA_KEY, EdgeBinding

if TYPE_CHECKING:
    import torch

    from converters.compress.quantize.encodings import Encodings

# All of these compute in fp16.
_ROUNDED = (
    Precision.FP16,
    Precision.INT8_WEIGHTS,
    Precision.INT8,
    Precision.INT4_WEIGHTS,
    Precision.PALETTE,
)
_MIL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class CoreMLExporter(Exporter):
    """Model to `.mlpackage`."""

    target: ClassVar[str] = "coreml"
    title: ClassVar[str] = "Core ML"
    suffix: ClassVar[str] = ".mlpackage"
    precisions: ClassVar[tuple[Precision, ...]] = (Precision.FP32, *_ROUNDED)
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "minimum_os",
            AUTOMATIC_OS,
            "Oldest system that must open the package; auto is iOS16, or the first that can where that is later.",
            choices=(AUTOMATIC_OS, *SYSTEMS),
        ),
        Parameter("image_inputs", False, "Take pictures (CVPixelBuffer) instead of arrays, normalised inside."),
        Parameter(
            "statistics_fp32",
            True,
            "Keep the statistics of normalisations in fp32 in an fp16 package: they overflow or vanish in fp16.",
            precisions=_ROUNDED,
        ),
        Parameter(
            "palette_bits",
            USUAL_PALETTE_BITS,
            "Bits of each weight with the precision palette.",
            choices=PALETTE_BITS,
            precisions=(Precision.PALETTE,),
        ),
    )

    def unavailable(self) -> str:
        missing = [name for name in ("coremltools", "torch") if importlib.util.find_spec(name) is None]
        return f"The package {missing[0]} is not installed." if missing else ""

    def objections(self, model: Model, precision: Precision, options: dict[str, Value]) -> list[str]:
        from converters.torch_import.importer import unsupported_nodes

        objections = quantization_objections(model, precision, options)
        objections += unsupported_nodes(model.proto)
        objections += [
            f"{tensor.name} has {len(tensor.shape)} axes, Core ML takes five at most."
            for tensor in (*model.signature.inputs, *model.signature.outputs)
            if len(tensor.shape) > 5
        ]
        if options["image_inputs"]:
            objections += [reason for tensor in _images(model) if (reason := _image_objection(tensor))]
            if not _images(model):
                objections.append("None of its inputs is known to be a picture; leave image_inputs off.")
        return objections

    def warm(self) -> None:
        from converters.runtimes.mil.coremltools_import import import_coremltools
        from converters.torch_import import importer

        del importer
        import_coremltools()

    def open_session(self, path: Path, *, threads: int | None = None) -> Session:
        from converters.runtimes.coreml import CoreMLSession

        return CoreMLSession(path, threads=threads)

    def _export(self, job: ExportJob) -> Export:
        with contextlib.ExitStack() as temporary:
            return self._converted(job, temporary)

    def _converted(self, job: ExportJob, temporary: contextlib.ExitStack) -> Export:
        import numpy as np
        import torch

        from converters.runtimes.mil.coremltools_import import import_coremltools
        from converters.targets.coreml_quantize_check import compare_package
        from converters.targets.coreml_quantize_palette import palette_notes
        from converters.targets.coreml_quantize_translations import conversion_passes, register_translations
        from converters.targets.coreml_translations import correct_translations

        model, options, progress = job.model, job.options, job.progress
        progress("Loading coremltools")
        ct = import_coremltools()
        correct_translations()
        register_translations()
        progress("Building the torch view")
        taken: set[str] = set()
        inputs = _bindings(model.signature.inputs, taken)
        outputs = _bindings(model.signature.outputs, taken)
        encodings = encodings_for(model, job.precision)
        module = _torch_view(model, encodings)
        system, note = chosen_system(model, job.precision, options)
        examples = tuple(torch.from_numpy(job.samples[0][tensor.name]) for tensor in model.signature.inputs)
        progress("Tracing")
        with torch.no_grad(), warnings.catch_warnings(), _refusals():
            # Shapes are fixed, so what the tracer warns of (constants baked in) is what is wanted.
            warnings.simplefilter("ignore")
            traced = torch.jit.trace(  # type: ignore[no-untyped-call]
                _with_plain_result(module), examples, check_trace=False
            )
            progress("Converting to Core ML", 0.1)
            converted = ct.convert(
                traced,
                convert_to="mlprogram",
                inputs=[
                    _input_type(ct, tensor, edge, bool(options["image_inputs"]))
                    for tensor, edge in zip(model.signature.inputs, inputs, strict=True)
                ],
                # without a dtype, an fp16 package for iOS 16 and later would change the edge to float16 as well
                outputs=[ct.TensorType(name=edge.file_name, dtype=np.dtype(edge.dtype).type) for edge in outputs],
                compute_precision=_compute_precision(ct, job.precision, bool(options["statistics_fp32"])),
                minimum_deployment_target=getattr(ct.target, system),
                pass_pipeline=conversion_passes() if encodings else None,
                skip_model_load=True,
            )
            temporary.callback(_forget_temporary_package, converted)
            del traced, module
            finished = _with_compressed_weights(converted, job)
            temporary.callback(_forget_temporary_package, finished)
        progress("Writing the package", 0.9)
        metadata = self._metadata(job, f"coremltools {ct.__version__}", (inputs, outputs))
        finished.short_description = f"{model.family or model.source.name}, by FaceFusion Mobile Studio"
        finished.license = metadata.licence
        finished.user_defined_metadata[METADATA_KEY] = metadata.to_text()
        path = job.folder / f"model{self.suffix}"
        finished.save(str(path))
        notes = [note] if note else []
        if job.precision is Precision.PALETTE:
            notes += palette_notes(model, path)
        if encodings is not None:
            progress("Comparing the package with the Encodings", 0.95)
            single = compare_package(path, model, encodings)
            if single:
                notes.append(f"Computed in fp32, their scales are too small for fp16: {', '.join(single)}.")
        return Export(path, metadata, (*_renaming_notes((*inputs, *outputs)), *notes))


def _torch_view(model: Model, encodings: Encodings | None) -> torch.nn.Module:
    from converters.torch_import.encoded import marked_module
    from converters.torch_import.importer import import_model

    return import_model(model.proto) if encodings is None else marked_module(model, encodings)


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """Turn what coremltools raises into a sentence; its exceptions share no base of their own."""
    try:
        yield
    except StudioError:
        raise
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise UnsupportedError(
            "coremltools cannot convert this model.", f"It says: {reason}", "See convert.log, or use another target."
        ) from error


def _with_plain_result(module: torch.nn.Module) -> torch.nn.Module:
    """Wrap a module that returns a tuple: coremltools wants the tensor itself where there is only one."""
    import torch

    class PlainResult(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = module

        def forward(self, *arguments: torch.Tensor) -> Any:
            results = self.inner(*arguments)
            return results[0] if len(results) == 1 else results

    return PlainResult().eval()


def _bindings(tensors: tuple[TensorInfo, ...], taken: set[str]) -> tuple[EdgeBinding, ...]:
    edges = []
    for tensor in tensors:
        name = tensor.name
        if not _MIL_NAME.fullmatch(name):
            name = re.sub(r"[^A-Za-z0-9_]", "_", name)
            name = name if _MIL_NAME.fullmatch(name) else f"tensor_{name}"
        while name in taken:
            name += "_"
        taken.add(name)
        dtype = tensor.dtype if tensor.dtype in ("float32", "int32", "float16") else _edge_dtype(tensor.dtype)
        edges.append(EdgeBinding(tensor.name, name, tensor.static_shape, tuple(range(len(tensor.shape))), dtype))
    return tuple(edges)


def _edge_dtype(dtype: str) -> str:
    """Core ML's edges are float32, float16 or int32."""
    return "float32" if dtype.startswith("float") else "int32"


def _renaming_notes(edges: tuple[EdgeBinding, ...]) -> list[str]:
    return [
        f"{edge.name} is called {edge.file_name}: Core ML allows letters, digits and underscores only."
        for edge in edges
        if edge.name != edge.file_name
    ]


def _images(model: Model) -> list[TensorInfo]:
    return [
        tensor
        for tensor in model.signature.inputs
        if tensor.role is Role.IMAGE and len(tensor.shape) == 4 and tensor.shape[1] == 3
    ]


def _image_objection(tensor: TensorInfo) -> str:
    if tensor.colour is None or (not tensor.mean and tensor.value_range is None):
        return f"Colour order and normalisation of {tensor.name} are not known; leave image_inputs off."
    if tensor.std and len(set(tensor.std)) > 1:
        return f"{tensor.name} has a different std for each channel, a Core ML picture has one; leave image_inputs off."
    return ""


def _input_type(ct: Any, tensor: TensorInfo, edge: EdgeBinding, as_image: bool) -> Any:
    import numpy as np

    if as_image and tensor.role is Role.IMAGE and len(tensor.shape) == 4 and tensor.shape[1] == 3:
        # value = (pixel / 255 - mean) / std, spelled as pixel * scale + bias
        if tensor.std:
            scale = 1 / (255 * tensor.std[0])
            bias = [-mean / std for mean, std in zip(tensor.mean, tensor.std, strict=True)]
        else:
            low, high = tensor.value_range or (0.0, 1.0)
            scale, bias = (high - low) / 255, [low] * 3
        order = ct.colorlayout.BGR if tensor.colour is ColourOrder.BGR else ct.colorlayout.RGB
        return ct.ImageType(name=edge.file_name, shape=edge.shape, scale=scale, bias=bias, color_layout=order)
    return ct.TensorType(name=edge.file_name, shape=edge.shape, dtype=np.dtype(edge.dtype).type)


_REDUCTIONS = {"reduce_mean", "reduce_sum", "reduce_sum_square", "reduce_l2_norm", "reduce_l1_norm"}
_STATISTICS = {*_REDUCTIONS, "sqrt", "rsqrt", "inverse", "instance_norm", "layer_norm", "l2_norm"}
_ELEMENTWISE = {"add", "sub", "mul", "real_div", "square", "pow", "cast", "reshape"}


def _compute_precision(ct: Any, precision: Precision, statistics_fp32: bool) -> Any:
    if precision is Precision.FP32:
        return ct.precision.FLOAT32
    from converters.targets.coreml_quantize_translations import needs_fp32

    def is_half(operation: Any) -> bool:
        return not (statistics_fp32 and _makes_statistics(operation)) and not needs_fp32(operation)

    return ct.transform.FP16ComputePrecision(op_selector=is_half)


def _makes_statistics(operation: Any) -> bool:
    """Whether a MIL operation computes mean, variance or their like, or prepares what such an operation sums up.

    An AdaIN is mean, x - mean, its square, mean of that, + epsilon, square root, division. The squares pass 65504
    for |x| > 256 and an epsilon of 1e-8 is zero in fp16, so the whole chain up to the division stays in fp32.
    """
    if operation.op_type in _STATISTICS:
        return True
    if operation.op_type not in _ELEMENTWISE:
        return False

    def consumers(value: Any, depth: int) -> bool:
        return any(
            child.op_type in _STATISTICS or (depth > 1 and child.op_type in _ELEMENTWISE and follow(child, depth - 1))
            for child in value.child_ops
        )

    def follow(child: Any, depth: int) -> bool:
        return any(consumers(output, depth) for output in child.outputs)

    # sub -> mul -> reduce_mean is the longest way to a sum; add -> sqrt -> real_div lies behind one
    return any(consumers(output, 2) for output in operation.outputs) or _divides_by_statistics(operation)


def _divides_by_statistics(operation: Any) -> bool:
    makers = [value.op.op_type for value in operation.inputs.values() if getattr(value, "op", None) is not None]
    return operation.op_type == "real_div" and any(maker in _STATISTICS for maker in makers)


def _with_compressed_weights(converted: Any, job: ExportJob) -> Any:
    """Compress the weights of a float model as the precision says; other precisions leave it alone."""
    if job.precision is Precision.PALETTE:
        from converters.targets.coreml_quantize_palette import with_palettes

        job.progress("Building palettes", 0.8)
        return with_palettes(converted, int(job.options["palette_bits"]))
    if job.precision is not Precision.INT8_WEIGHTS:
        return converted
    from coremltools.optimize import coreml as optimize

    job.progress("Quantizing weights", 0.8)
    settings = optimize.OpLinearQuantizerConfig(mode="linear_symmetric", weight_threshold=1024)
    return optimize.linear_quantize_weights(converted, config=optimize.OptimizationConfig(global_config=settings))


def _forget_temporary_package(converted: Any) -> None:
    """Remove the copy that coremltools keeps in the temporary folder until the process ends."""
    package = getattr(converted, "package_path", None)
    if package and getattr(converted, "is_temp_package", False):
        shutil.rmtree(package, ignore_errors=True)
        converted.is_temp_package = False
