"""Plain ONNX files: the smaller ones compute the same, keep their edges, and keep emap as host programs read it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from converters.errors import UnsupportedError
from converters.measure.reference import verify, write_references
from converters.model.graph import Model
from converters.progress import Progress
from converters.runtimes.onnx import open_proto
from converters.samples import verification_samples
from converters.targets.base import Precision
from converters.targets.metadata import METADATA_KEY, ArtifactMetadata
from converters.targets.onnx import OnnxExporter
from tests.tiny_models import tiny_swapper

UNCALIBRATED = [precision for precision in OnnxExporter.precisions if precision is not Precision.INT8]


def export(model: Model, folder: Path, precision: Precision) -> Path:
    folder.mkdir()
    return OnnxExporter().export(model, folder, precision, {}, [], Progress()).path


@pytest.mark.parametrize("precision", UNCALIBRATED)
def test_the_file_computes_the_same(tmp_path: Path, precision: Precision) -> None:
    model = tiny_swapper(width=64)
    with open_proto(model.proto, tmp_path) as original:
        samples = verification_samples(model.signature, [], 2)
        write_references(original, samples, tmp_path / "reference", 60, Progress(), [precision])
    path = export(model, tmp_path / "right", precision)
    onnx.checker.check_model(str(path), full_check=True)
    with OnnxExporter().open_session(path) as session:
        assert verify(session, tmp_path / "reference", precision, 60, Progress()).passed
    wrong = tiny_swapper(width=64)
    for tensor in wrong.proto.graph.initializer:
        if tensor.name == "decoder.weight":
            values = np.roll(onnx.numpy_helper.to_array(tensor), 1, axis=0)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    with OnnxExporter().open_session(export(wrong, tmp_path / "wrong", precision)) as session:
        assert not verify(session, tmp_path / "reference", precision, 60, Progress()).passed


@pytest.mark.parametrize("precision", UNCALIBRATED)
def test_edges_metadata_and_emap(tmp_path: Path, precision: Precision) -> None:
    model = tiny_swapper()
    proto = onnx.load(str(export(model, tmp_path / "out", precision)))
    assert {value.type.tensor_type.elem_type for value in (*proto.graph.input, *proto.graph.output)} == {1}
    assert proto.graph.initializer[-1].name == "emap"
    assert proto.graph.initializer[-1].data_type == onnx.TensorProto.FLOAT
    metadata = ArtifactMetadata.from_text({item.key: item.value for item in proto.metadata_props}[METADATA_KEY])
    assert metadata is not None
    assert metadata.precision == precision
    assert metadata.signature == model.signature


def test_files_get_smaller(tmp_path: Path) -> None:
    sizes = {
        precision: export(tiny_swapper(width=128), tmp_path / precision, precision).stat().st_size
        for precision in UNCALIBRATED
    }
    assert sizes[Precision.FP16] < 0.8 * sizes[Precision.FP32]
    assert sizes[Precision.INT8_WEIGHTS] < 0.7 * sizes[Precision.FP32]


def test_int8_needs_an_operator_set_that_has_it() -> None:
    model = tiny_swapper()
    model.proto.opset_import[0].version = 12
    with pytest.raises(UnsupportedError, match="operator set 13"):
        OnnxExporter().check(model, Precision.INT8_WEIGHTS, {})
