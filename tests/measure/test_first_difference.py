"""When an artifact is wrong, the layer to blame is named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest

from converters.measure.first_difference import locate
from converters.progress import Progress
from converters.samples import verification_samples
from converters.targets.base import Export, ExportJob, Precision
from converters.targets.mnn import MnnExporter
from tests.tiny_models import tiny_swapper


class WrongMnnExporter(MnnExporter):
    """A real exporter with one real fault: it damages one weight tensor on the way."""

    def __init__(self, weight: str) -> None:
        self.weight = weight

    def _export(self, job: ExportJob) -> Export:
        proto = onnx.ModelProto()
        proto.CopyFrom(job.model.proto)
        for tensor in proto.graph.initializer:
            if tensor.name == self.weight:
                values = np.roll(onnx.numpy_helper.to_array(tensor), 1, axis=0)
                tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
        return super()._export(replace(job, model=job.model.with_proto(proto)))


@pytest.mark.parametrize(
    ("weight", "node"),
    [("encoder.weight", "Conv:encoded"), ("style.weight", "Gemm:style"), ("decoder.weight", "Conv:drawn")],
)
@pytest.mark.parametrize("precision", [Precision.FP32, Precision.FP16])
def test_the_damaged_layer_is_found(weight: str, node: str, precision: Precision) -> None:
    model = tiny_swapper()
    sample = verification_samples(model.signature, [], 1)[0]
    found = locate(model, WrongMnnExporter(weight), precision, {}, sample, Progress())
    assert found.node == node
    assert node in found.sentence


def test_a_sound_export_blames_nobody() -> None:
    model = tiny_swapper()
    sample = verification_samples(model.signature, [], 1)[0]
    found = locate(model, MnnExporter(), Precision.FP32, {}, sample, Progress())
    assert found.node == ""
    assert len(found.measured) > 10


def test_the_model_itself_is_left_alone() -> None:
    model = tiny_swapper()
    before = model.proto.SerializeToString(deterministic=True)
    sample = verification_samples(model.signature, [], 1)[0]
    locate(model, MnnExporter(), Precision.FP32, {}, sample, Progress())
    assert model.proto.SerializeToString(deterministic=True) == before
