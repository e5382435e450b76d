"""Model to a plain `.onnx` file with the product's metadata: the form for other tools and for desktop use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from converters.compress.quantize.qdq import build_qdq
from converters.model.graph import LARGEST_SINGLE_FILE, Model, initializer_bytes
from converters.parameters import Value
from converters.runtimes.onnx import OnnxSession
from converters.targets.base import Export, Exporter, ExportJob, Precision
from converters.targets.metadata import METADATA_KEY, identity_bindings

if TYPE_CHECKING:
    import onnx

# Smaller tensors are shapes, epsilons and biases: nothing to gain, precision to lose.
_LEAST_WEIGHTS = 1024


class OnnxExporter(Exporter):
    """Model to `.onnx`. Inputs and outputs stay float32 in every precision."""

    target: ClassVar[str] = "onnx"
    title: ClassVar[str] = "ONNX"
    suffix: ClassVar[str] = ".onnx"
    precisions: ClassVar[tuple[Precision, ...]] = (*Exporter.precisions, Precision.INT8)

    def unavailable(self) -> str:
        return ""

    def objections(self, model: Model, precision: Precision, options: dict[str, Value]) -> list[str]:
        del options
        if initializer_bytes(model.proto) > LARGEST_SINGLE_FILE and precision is Precision.FP32:
            return ["One .onnx file holds 2 GiB, this model has more; try fp16 or int8-weights."]
        if precision in (Precision.INT8_WEIGHTS, Precision.INT8) and model.opset < 13:
            return [f"Weights per channel need operator set 13, this model has {model.opset}; try fp16."]
        return []

    def open_session(self, path: Path, *, threads: int | None = None) -> OnnxSession:
        return OnnxSession(path, threads=threads)

    def _export(self, job: ExportJob) -> Export:
        import onnx

        job.progress("Writing the ONNX file")
        metadata = self._metadata(job, f"onnx {onnx.__version__}", identity_bindings(job.model.signature))
        proto = _proto(job.model, job.precision)
        onnx.helper.set_model_props(
            proto, {**{item.key: item.value for item in proto.metadata_props}, METADATA_KEY: metadata.to_text()}
        )
        path = job.folder / f"model{self.suffix}"
        path.write_bytes(proto.SerializeToString())
        return Export(path, metadata)


def _proto(model: Model, precision: Precision) -> onnx.ModelProto:
    """Return a copy of the graph in a precision; a quantized one is the reference that previews show."""
    import onnx

    if precision is Precision.INT8:
        return build_qdq(model)
    proto = onnx.ModelProto()
    proto.CopyFrom(model.proto)
    if precision is not Precision.FP32:
        _store_weights(proto, precision)
    return proto


def _store_weights(proto: onnx.ModelProto, precision: Precision) -> None:
    """Replace large float weights by fp16 or per-channel int8 ones, each followed by the node that widens it.

    Computation stays in fp32, as with weight-only TFLite files. Unused initializers (emap) are left alone: host
    programs read them as float32.
    """
    import onnx

    used = {name for node in proto.graph.node for name in node.input}
    kept: list[onnx.TensorProto] = []
    widening: list[onnx.NodeProto] = []
    for tensor in proto.graph.initializer:
        count = 1
        for size in tensor.dims:
            count *= size
        is_weight = tensor.data_type == onnx.TensorProto.FLOAT and count >= _LEAST_WEIGHTS and tensor.name in used
        if not is_weight or (precision is Precision.INT8_WEIGHTS and len(tensor.dims) < 2):
            kept.append(tensor)
        elif precision is Precision.FP16:
            kept.append(_as_fp16(tensor))
            stored = kept[-1].name
            widening.append(
                onnx.helper.make_node("Cast", [stored], [tensor.name], name=f"{tensor.name}__widened", to=1)
            )
        else:
            stored, scale, zero = _as_int8(tensor)
            kept += [stored, scale, zero]
            names = [stored.name, scale.name, zero.name]
            widening.append(
                onnx.helper.make_node("DequantizeLinear", names, [tensor.name], name=f"{tensor.name}__widened", axis=0)
            )
    nodes = [*widening, *proto.graph.node]
    del proto.graph.initializer[:], proto.graph.node[:]
    proto.graph.initializer.extend(kept)
    proto.graph.node.extend(nodes)


def _as_fp16(tensor: onnx.TensorProto) -> onnx.TensorProto:
    import numpy as np
    import onnx

    values = onnx.numpy_helper.to_array(tensor)
    largest = np.finfo(np.float16).max
    return onnx.numpy_helper.from_array(
        np.clip(values, -largest, largest).astype(np.float16), f"{tensor.name}__stored_fp16"
    )


def _as_int8(tensor: onnx.TensorProto) -> tuple[onnx.TensorProto, onnx.TensorProto, onnx.TensorProto]:
    """Symmetric, one scale per index of axis 0."""
    import numpy as np
    import onnx

    values = onnx.numpy_helper.to_array(tensor)
    largest = np.abs(values).reshape(values.shape[0], -1).max(axis=1)
    scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    steps = np.round(values / scale.reshape(-1, *[1] * (values.ndim - 1)))
    return (
        onnx.numpy_helper.from_array(np.clip(steps, -127, 127).astype(np.int8), f"{tensor.name}__stored_int8"),
        onnx.numpy_helper.from_array(scale, f"{tensor.name}__stored_scale"),
        onnx.numpy_helper.from_array(np.zeros(values.shape[0], np.int8), f"{tensor.name}__stored_zero_point"),
    )
