"""Core ML packages, made and judged without a Mac."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from converters.errors import UnsupportedError
from converters.measure.reference import verify, write_references
from converters.model.graph import Model, SourceInfo
from converters.model.signature import Role, Signature, TensorInfo
from converters.parameters import Value
from converters.progress import Progress
from converters.runtimes.mil.program import MilProgram
from converters.runtimes.onnx import open_proto
from converters.samples import verification_samples
from converters.targets.base import Export, Precision
from converters.targets.coreml import CoreMLExporter
from tests.tiny_models import tiny_swapper


def export(model: Model, folder: Path, precision: Precision = Precision.FP32, **options: Value) -> Export:
    folder.mkdir()
    feeds = [sample.feeds for sample in verification_samples(model.signature, [], 1)]
    return CoreMLExporter().export(model, folder, precision, dict(options), feeds, Progress())


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.FP16, Precision.INT8_WEIGHTS])
def test_the_package_draws_the_same_pictures(tmp_path: Path, precision: Precision) -> None:
    model = tiny_swapper()
    with open_proto(model.proto, tmp_path) as original:
        samples = verification_samples(model.signature, [], 2)
        write_references(original, samples, tmp_path / "reference", 60, Progress(), [precision])
    made = export(model, tmp_path / "right", precision)
    with CoreMLExporter().open_session(made.path) as session:
        verification = verify(session, tmp_path / "reference", precision, 60, Progress())
        assert verification.passed, verification.failures
        assert [spec.dtype for spec in session.outputs] == ["float32"]

    wrong = tiny_swapper()
    for tensor in wrong.proto.graph.initializer:
        if tensor.name == "decoder.weight":
            values = np.roll(onnx.numpy_helper.to_array(tensor), 1, axis=0)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    with CoreMLExporter().open_session(export(wrong, tmp_path / "wrong", precision).path) as session:
        assert not verify(session, tmp_path / "reference", precision, 60, Progress()).passed


def one_node_model(kind: str, *shapes: tuple[int, ...], name: str = "x", **attributes: object) -> Model:
    inputs = [onnx.helper.make_tensor_value_info(f"{name}{i}", 1, shape) for i, shape in enumerate(shapes)]
    node = onnx.helper.make_node(kind, [value.name for value in inputs], ["y"], name="only", **attributes)
    graph = onnx.helper.make_graph([node], "one", inputs, [onnx.helper.make_tensor_value_info("y", 1, shapes[0])])
    proto = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)])
    signature = Signature(
        tuple(TensorInfo(f"{name}{i}", shape) for i, shape in enumerate(shapes)), (TensorInfo("y", shapes[0]),)
    )
    return Model(onnx.shape_inference.infer_shapes(proto), signature, "", SourceInfo("one.onnx", "onnx", "0" * 64, 1))


def test_one_divided_by_a_small_number_is_exact(tmp_path: Path) -> None:
    """coreml's own translation adds 1e-4 to the divisor."""
    made = export(one_node_model("Reciprocal", (1, 4)), tmp_path / "out")
    small = np.array([[1e-4, 1e-3, 0.1, 10.0]], np.float32)
    with CoreMLExporter().open_session(made.path) as session:
        assert session.run({"x0": small})["y"] == pytest.approx(1 / small, rel=1e-6)
    assert all(not finding for finding in MilProgram.load(made.path).unsupported_operations())


def test_names_that_core_ml_does_not_allow_are_mapped_and_reported(tmp_path: Path) -> None:
    model = one_node_model("Relu", (1, 3), name="input.")
    made = export(model, tmp_path / "out")
    assert [edge.file_name for edge in made.metadata.inputs] == ["input_0"]
    assert "input.0 is called input_0" in made.notes[0]
    with CoreMLExporter().open_session(made.path) as session:
        result = session.run({"input.0": np.array([[-1, 0, 2]], np.float32)})
    assert result["y"].tolist() == [[0, 0, 2]]


def test_statistics_of_normalisation_stay_fp32_in_an_fp16_package(tmp_path: Path) -> None:
    import coremltools

    def types(path: Path) -> dict[str, set[int]]:
        spec = coremltools.utils.load_spec(str(path))
        block = next(iter(spec.mlProgram.functions["main"].block_specializations.values()))
        found: dict[str, set[int]] = {}
        for operation in block.operations:
            kinds = {output.type.tensorType.dataType for output in operation.outputs}
            found.setdefault(operation.type, set()).update(kinds)
        return found

    fp16, fp32 = 10, 11
    kept = types(export(tiny_swapper(), tmp_path / "kept", Precision.FP16).path)
    assert kept["reduce_mean"] == {fp32}
    assert kept["conv"] == {fp16}
    given_up = types(export(tiny_swapper(), tmp_path / "all", Precision.FP16, statistics_fp32=False).path)
    assert given_up["reduce_mean"] == {fp16}


def test_a_picture_as_input_is_normalised_inside(tmp_path: Path) -> None:
    model = tiny_swapper()
    made = export(model, tmp_path / "out", image_inputs=True)
    feeds = verification_samples(model.signature, [], 1)[0].feeds
    with open_proto(model.proto, tmp_path) as original:
        wanted = original.run(feeds)["output"]
    with CoreMLExporter().open_session(made.path) as session:
        found = session.run(feeds)["output"]
    assert np.abs(found - wanted).max() < 0.02  # a picture has 256 steps of light
    assert np.abs(found - (1 - wanted)).max() > 0.02
    noise = one_node_model("Relu", (1, 3, 8, 8))
    with pytest.raises(UnsupportedError, match="leave image_inputs off"):
        CoreMLExporter().check(noise, Precision.FP32, {"image_inputs": True})


def test_pictures_with_different_deviations_are_refused_before_work() -> None:
    model = tiny_swapper()
    image = TensorInfo(
        "target", (1, 3, 32, 32), role=Role.IMAGE, layout="NCHW", colour=model.signature.inputs[0].colour,
        mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225),
    )  # fmt: skip
    uneven = Model(
        model.proto, Signature((image, model.signature.inputs[1]), model.signature.outputs), "", model.source
    )
    with pytest.raises(UnsupportedError, match="different std for each channel"):
        CoreMLExporter().check(uneven, Precision.FP32, {"image_inputs": True})


def test_unknown_operators_are_named_before_work() -> None:
    model = one_node_model("Relu", (1, 3))
    model.proto.graph.node[0].op_type = "NoSuchOperator"
    with pytest.raises(UnsupportedError, match="NoSuchOperator"):
        CoreMLExporter().check(model, Precision.FP32, {})
