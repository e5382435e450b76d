"""The doctor names what is there, with the rewrite that mends it, and keeps quiet about healthy graphs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from converters.errors import UsageError
from converters.model.doctor import Finding, Severity, examine
from converters.model.rewrites.registry import REWRITES, apply_proven
from tests.model.small_graphs import adain, graph, inswapper, model, node, stand_in, weights
from tests.model.test_rewrites import (
    CASES,
    doubled,
    gathered,
    modulated,
    normalised,
    padded,
    pooled,
    prelued,
    shape_chain,
    shuffled,
    split,
    with_emap_first,
)

PICTURE = {"x": [1, 8, 12, 10]}


def findings(proto: onnx.ModelProto, target: str | None = None) -> dict[str, Finding]:
    return {finding.id: finding for finding in examine(model(proto), target)}


def one(operator: str, output: list[int | str], constants: dict[str, Any] | None = None, **attributes: Any) -> Any:
    opset = attributes.pop("opset", 19)
    inputs = attributes.pop("inputs", PICTURE)
    proto = graph(
        [node(operator, [*inputs, *(constants or {})], "y", **attributes)], inputs, {"y": output}, constants, opset
    )
    return findings(proto)


def resized(scale: float, **attributes: Any) -> dict[str, Finding]:
    constants = {"roi": np.array([], np.float32), "s": np.array([1, 1, scale, scale], np.float32)}
    output = [1, 8, int(12 * scale), int(10 * scale)]
    return one("Resize", output, constants, **attributes)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("identifier", "proto", "rewrite"),
    [
        ("reflect_pad", padded(), "reflect_pad"),
        ("prelu", prelued(), "prelu"),
        ("split", split(), "split_to_slice"),
        ("scalar_gather", gathered(), "scalar_gather"),
        ("pixel_shuffle", shuffled("CRD"), "depth_to_space_4d"),
        ("full_average_pool", pooled(), "full_average_pool"),
        ("double", doubled(), "double_to_float"),
        ("shape_computation", shape_chain(), "fold_shapes"),
        ("fp16_epsilon", adain(), "fp16_safe_statistics"),
        ("fp16_squares", adain(epsilon=1e-5), "fp16_safe_statistics"),
        ("instance_normalization", normalised(), "fp16_safe_statistics"),
        ("style_gemm", adain(), "style_split"),
        ("modulated_convolution", modulated(), "modulated_convolution"),
        ("emap_moved", with_emap_first(), "emap_last"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_named_rewrite_cures_what_it_is_named_for(identifier: str, proto: onnx.ModelProto, rewrite: str) -> None:
    before = findings(proto)
    assert before[identifier].rewrite == rewrite
    assert before[identifier].nodes
    cured, proofs = apply_proven(model(proto), [rewrite])
    assert [proof.rewrite for proof in proofs] == [rewrite]
    assert identifier not in {finding.id for finding in examine(cured)}


def test_every_rewrite_is_named_by_some_finding() -> None:
    named = {finding.rewrite for _, _, build in CASES for finding in examine(model(build()))}
    assert named - {""} == set(REWRITES)


def test_the_nodes_concerned_are_named() -> None:
    assert findings(padded())["reflect_pad"].nodes == ("Pad_y",)
    assert findings(adain())["fp16_epsilon"].nodes == ("Sqrt_deviation",)


def test_a_healthy_network_has_no_findings() -> None:
    nodes = [
        node("Conv", ["x", "w0"], "a", pads=[1, 1, 1, 1]),
        node("Relu", ["a"], "b"),
        node("Conv", ["b", "w1"], "y", pads=[1, 1, 1, 1]),
    ]
    constants = {"w0": weights(16, 8, 3, 3), "w1": weights(3, 16, 3, 3)}
    assert findings(graph(nodes, PICTURE, {"y": [1, 3, 12, 10]}, constants)) == {}


def test_resizes_by_target() -> None:
    assert resized(2, mode="linear") == {}
    cubic = resized(2, mode="cubic")
    assert cubic["mnn_resize"].severity is Severity.ERROR
    assert cubic["mnn_resize"].targets == ("mnn",)
    assert "coreml" in cubic["cubic_resize"].targets
    assert "mnn_resize" not in resized(2, mode="cubic", coordinate_transformation_mode="align_corners")
    other = resized(2, mode="cubic", coordinate_transformation_mode="align_corners", cubic_coeff_a=-0.5)
    assert "mnn_resize" in other
    assert "mnn_resize" in resized(2, mode="linear", coordinate_transformation_mode="half_pixel_symmetric")
    assert resized(0.5, mode="linear", antialias=1)["antialiased_resize"].severity is Severity.ERROR
    assert resized(0.5, mode="nearest")["nearest_shrinking"].targets == ("tflite",)
    assert "nearest_shrinking" not in resized(2, mode="nearest")


def test_operators_that_targets_lack() -> None:
    assert one("MaxPool", [1, 8, 6, 5], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)["ceil_pool"]
    assert one("AveragePool", [1, 8, 6, 5], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)["uneven_average_pool"]
    flat = {"x": [1, 8, 12, 10], "grid": [1, 5, 6, 2]}
    assert "grid_sample" in one("GridSample", [1, 8, 5, 6], inputs=flat)
    deep = {"x": [1, 4, 6, 7, 8], "grid": [1, 3, 5, 6, 3]}
    found = one("GridSample", [1, 4, 3, 5, 6], inputs=deep, opset=20)
    assert set(found["volume_grid_sample"].targets) == {"tflite", "coreml"}
    volume = {"x": [1, 3, 6, 7, 8]}
    kernel = {"w": weights(4, 3, 3, 3, 3)}
    found = one("Conv", [1, 4, 6, 7, 8], kernel, inputs=volume, pads=[1] * 6)
    assert found["unsized_kernel"].severity is Severity.ERROR
    assert "unsized_kernel" not in one(
        "Conv", [1, 4, 6, 7, 8], kernel, inputs=volume, pads=[1] * 6, kernel_shape=[3] * 3
    )
    uneven = {"w": weights(8, 4, 3, 3)}
    found = one("ConvTranspose", [1, 4, 24, 20], uneven, strides=[2, 2], pads=[1] * 4, output_padding=[1, 1])
    assert "output_padding" in found
    recurrent = {"w": weights(1, 16, 5), "r": weights(1, 16, 4)}
    assert "recurrent" in one("LSTM", [3, 1, 1, 4], recurrent, inputs={"x": [3, 1, 5]}, hidden_size=4)
    assert "remainder" in one("Mod", [1, 8, 12, 10], {"d": np.array(0.7, np.float32)}, fmod=1)


def test_sizes_that_depend_on_the_data() -> None:
    made = graph([node("NonZero", ["x"], "y")], PICTURE, {"y": [4, "n"]}, types={"y": TensorProto.INT64})
    assert findings(made)["size_from_data"].severity is Severity.ERROR
    ranked = graph(
        [node("TopK", ["x", "k"], ["y", "i"])], PICTURE, {"y": [1, 8, 12, 3]}, {"k": np.array([3], np.int64)}
    )
    assert "top_k" in findings(ranked)
    constants = {"most": np.array([3], np.int64), "overlap": np.array([0.5], np.float32)}
    edges = {"boxes": [1, 6, 4], "scores": [1, 1, 6]}
    suppressed = node("NonMaxSuppression", ["boxes", "scores", "most", "overlap"], "y")
    made = graph([suppressed], edges, {"y": ["n", 3]}, constants, types={"y": TensorProto.INT64})
    assert "non_max_suppression" in findings(made)


def test_control_flow_and_foreign_operators() -> None:
    branches = {
        f"{name}_branch": helper.make_graph(
            [helper.make_node(operator, ["x"], [name])], name, [], [helper.make_tensor_value_info(name, 1, [1, 4])]
        )
        for name, operator in (("then", "Relu"), ("else", "Neg"))
    }
    made = graph(
        [node("If", ["c"], "y", **branches)], {"x": [1, 4], "c": []}, {"y": [1, 4]}, types={"c": TensorProto.BOOL}
    )
    assert findings(made)["control_flow"].severity is Severity.ERROR
    own = helper.make_model(
        helper.make_graph(
            [helper.make_node("FancyAct", ["x"], ["y"], domain="com.example", name="fancy")],
            "own",
            [helper.make_tensor_value_info("x", 1, [1, 4])],
            [helper.make_tensor_value_info("y", 1, [1, 4])],
        ),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)],
    )
    finding = findings(own)["foreign_operator"]
    assert finding.nodes == ("fancy",)
    assert "com.example.FancyAct" in finding.sentence


def test_dynamic_shapes_come_with_the_option_that_fixes_them() -> None:
    made = graph([node("Relu", ["x"], "y")], {"x": ["n", 3, 64, 64]}, {"y": ["n", 3, 64, 64]})
    assert "for example x=1,3,64,64" in findings(made)["dynamic_shape"].sentence


def test_integers_beyond_32_bits() -> None:
    edges = {"x": [1, 2]}
    for value, expected in ((2**33, True), (5, False)):
        made = graph(
            [node("Add", ["x", "c"], "y")],
            edges,
            {"y": [1, 2]},
            {"c": np.array([value, 1], np.int64)},
            types={"x": TensorProto.INT64, "y": TensorProto.INT64},
        )
        assert ("large_integers" in findings(made)) is expected
        assert "integer_edge" in findings(made)
    end = {"s": np.array([0], np.int64), "e": np.array([2**63 - 1], np.int64)}
    assert "large_integers" not in findings(
        graph([node("Slice", ["x", "s", "e"], "y")], PICTURE, {"y": PICTURE["x"]}, end)
    )


def test_kernels_that_are_computed() -> None:
    found = one("Conv", [1, 4, 12, 10], inputs={"x": [1, 8, 12, 10], "w": [4, 8, 3, 3]}, pads=[1] * 4)
    assert found["computed_kernel"].rewrite == ""
    assert "computed_kernel" not in findings(modulated()), "that one has a name and a cure of its own"


def test_coinciding_sizes_and_odd_widths() -> None:
    cube = one("Conv", [1, 16, 16, 16], {"w": weights(16, 8, 1, 1)}, inputs={"x": [1, 8, 16, 16]})
    assert cube["coinciding_sizes"].targets == ("tflite",)
    nodes = [node("Conv", ["x", "w0"], "a"), node("Conv", ["a", "w1"], "y")]
    constants = {"w0": weights(13, 8, 1, 1), "w1": weights(8, 13, 1, 1)}
    assert findings(graph(nodes, PICTURE, {"y": PICTURE["x"]}, constants))["odd_width"].nodes == ("Conv_a",)


def test_emap_is_watched() -> None:
    assert "emap_orphan" in findings(adain())
    assert "emap_moved" not in findings(adain())
    assert findings(with_emap_first())["emap_moved"].severity is Severity.ERROR
    lost = inswapper(1024)
    del lost.graph.initializer[-1]
    assert "emap_missing" in findings(lost)
    assert "emap_missing" not in findings(inswapper(1024))


def test_licences() -> None:
    from converters.model.families import families

    known = families()
    swapper = findings(inswapper(1024))["licence"]
    assert swapper.severity is Severity.WARNING
    assert "not for commercial use" in swapper.sentence
    assert "source too" in findings(stand_in(known["xseg_1"], known["xseg_1"]))["licence"].sentence
    assert "licence" not in findings(stand_in(known["gfpgan_1.4"], known["gfpgan_1.4"]))
    group = findings(stand_in(known["clear_reality_x4"], known["clear_reality_x4"]))["licence"]
    assert "ultra_sharp_x4" in group.sentence, "who cannot be told apart is named"


def test_old_operator_sets() -> None:
    nodes = [node("Upsample", ["x", "s"], "y", mode="linear")]
    scales = {"s": np.array([1, 1, 2, 2], np.float32)}
    assert "old_resize" in findings(graph(nodes, PICTURE, {"y": [1, 8, 24, 20]}, scales, 9))
    old = graph([node("Relu", ["x"], "y")], PICTURE, {"y": PICTURE["x"]}, opset=6)
    assert findings(old)["old_opset"].severity is Severity.ERROR


def test_targets_filter_and_errors_come_first() -> None:
    everything = examine(model(padded()))
    assert "reflect_pad" in {finding.id for finding in everything}
    assert "reflect_pad" not in {finding.id for finding in examine(model(padded()), "mnn")}
    assert "reflect_pad" in {finding.id for finding in examine(model(padded()), "tflite")}, "its GPU delegate minds"
    ranks = [[*Severity].index(finding.severity) for finding in examine(model(with_emap_first()))]
    assert ranks == sorted(ranks)
    with pytest.raises(UsageError, match="coreml"):
        examine(model(padded()), "coremi")


def test_real_models(shared: Path) -> None:
    proto = onnx.load(str(shared / "models" / "pfld.onnx"))
    found = findings(proto)
    assert "dynamic_shape" in found
    assert len(found["full_average_pool"].nodes) == 2
    ultraface = findings(onnx.load(str(shared / "models" / "ultraface_version-RFB-320.onnx")))
    assert not [finding for finding in ultraface.values() if finding.severity is Severity.ERROR]
