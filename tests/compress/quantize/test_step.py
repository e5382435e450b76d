"""The step quantize, from a recipe to verified files and a report that says what was done."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from converters.cli import main
from converters.compress.quantize.encodings import Encodings, LayerEncoding, Scheme
from converters.compress.quantize.operation import quantize_source
from converters.compress.quantize.qdq import build_qdq
from converters.errors import UnsupportedError, UsageError
from converters.measure.parity import Sample, SampleKind
from converters.measure.reference import verify, write_references
from converters.model.graph import Model
from converters.model.source import load
from converters.parameters import Value
from converters.pipeline import convert
from converters.progress import Progress
from converters.recipe import Recipe, StepRequest, TargetRequest, VerificationRequest
from converters.registry import exporter, step
from converters.runtimes.onnx import open_proto
from converters.samples import real_sample
from converters.targets.base import Precision
from tests.tiny_models import tiny_swapper, tiny_swapper_proto

FEW = {"samples": 6, "policy": "min-max"}


@pytest.fixture(scope="module")
def quantized() -> Model:
    return step("quantize").run(tiny_swapper(), FEW, Progress()).model


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.onnx"
    onnx.save(tiny_swapper_proto(), str(path))
    return path


def test_the_step_gives_encodings_and_leaves_the_graph_float(quantized: Model) -> None:
    assert quantized.encodings is not None
    assert quantized.encodings.schemes == (Scheme.W8A8,)
    assert len(quantized.encodings.layers) == 3
    assert not [node for node in quantized.proto.graph.node if "Quantize" in node.op_type]
    assert "built-in" in quantized.encodings.origin


def test_what_the_step_found_out_is_plain_and_complete() -> None:
    result = step("quantize").run(tiny_swapper(), {**FEW, "blame": True}, Progress())
    data = json.loads(json.dumps(dict(result.data), allow_nan=False))
    assert [layer["scheme"] for layer in data["layers"]] == ["w8a8"] * 3
    assert sum(layer["macs_share"] for layer in data["layers"]) == pytest.approx(1, abs=0.05)
    first = data["layers"][0]["input"]
    assert first["low"] == 0
    assert first["high"] == pytest.approx(first["observed"][1])
    assert data["loss"]["samples"] == 6
    assert data["coverage"]["sentences"]
    assert len(data["blame"]["layers"]) == 3
    assert data["mixed"] is None


def test_a_budget_makes_layers_more_precise() -> None:
    loose = step("quantize").run(tiny_swapper(), FEW, Progress())
    tight = step("quantize").run(tiny_swapper(), {**FEW, "budget": loose.data["loss"]["mean"] / 4}, Progress())
    assert tight.data["loss"]["mean"] < loose.data["loss"]["mean"] / 3
    assert {layer["scheme"] for layer in tight.data["layers"]} != {"w8a8"}
    assert tight.data["mixed"]["met"]
    assert tight.data["mixed"]["loss"]["mean"] == tight.data["loss"]["mean"]
    assert tight.data["mixed"]["sentence"] in tight.notes
    assert tight.data["mixed"]["sentence"] not in tight.data["notes"]
    assert not any("computes in integers" in note for note in loose.notes)
    rules = tight.data["mixed"]["rules"]
    again = step("quantize").run(tiny_swapper(), {**FEW, "layers": rules, "families_defaults": False}, Progress())
    assert [layer["scheme"] for layer in again.data["layers"]] == [layer["scheme"] for layer in tight.data["layers"]]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"layers": "last=float,first=w8"}, ["w8", "w8a8", "float"]),
        ({"layers": "*=w8a16"}, ["w8a16"] * 3),
        ({"scheme": "w4", "weight_block": 9}, ["w4"] * 3),
    ],
)
def test_a_budget_keeps_what_was_asked_for_and_its_recipe_gives_the_same_again(
    tiny: Path, asked: dict[str, Value], expected: list[str]
) -> None:
    options: dict[str, Value] = {**FEW, **asked, "budget": 0.9}
    searched = step("quantize").run(load(tiny), options, Progress())
    assert [layer["scheme"] for layer in searched.data["layers"]] == expected
    recipe = Recipe(str(tiny), steps=(StepRequest("quantize", options),))
    done = quantize_source({"recipe": recipe.to_json(), "trust": False}, Progress())
    (followed,) = Recipe.from_json(done["recipe"]).steps
    assert followed.options["budget"] == 0
    again = step("quantize").run(load(tiny), followed.options, Progress())
    assert searched.model.encodings is not None
    assert again.model.encodings == searched.model.encodings
    no_integers = any("No layer computes in integers" in note for note in again.notes)
    assert no_integers == (asked.get("scheme") == "w4")
    for layer in again.data["layers"]:
        weight = searched.model.encodings.layers[layer["name"]].weight
        if weight is not None:
            stored = layer["weights"] * weight.bits / 8 + 4 * len(weight.scale)
            assert layer["bytes"] == pytest.approx(stored, abs=1)  # no layer has a bias


def test_sixteen_bits_that_a_search_chose_have_ranges_for_sixteen_bits() -> None:
    asked = {**FEW, "policy": "mse", "scheme": "w8a16", "layers": "*=w8a8"}
    plain = step("quantize").run(tiny_swapper(), asked, Progress())
    searched = step("quantize").run(tiny_swapper(), {**asked, "budget": plain.data["loss"]["mean"] / 2}, Progress())
    encodings = searched.model.encodings
    assert encodings is not None
    wide = [name for name, layer in encodings.layers.items() if layer.scheme is Scheme.W8A16]
    assert wide
    uniform = step("quantize").run(tiny_swapper(), {**asked, "layers": ""}, Progress()).model.encodings
    assert uniform is not None
    for name in wide:
        assert encodings.layers[name] == uniform.layers[name]


def test_a_model_is_quantized_last_and_once(quantized: Model) -> None:
    for name in ("simplify", "quantize"):
        with pytest.raises(UsageError, match="after a step that quantizes"):
            step(name).run(quantized, {}, Progress())


def test_a_model_without_weights_is_refused_in_a_sentence(tmp_path: Path) -> None:
    picture = onnx.helper.make_tensor_value_info("x", 1, [1, 3, 32, 32])
    result = onnx.helper.make_tensor_value_info("y", 1, [1, 3, 32, 32])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Sigmoid", ["x"], ["y"])], "none", [picture], [result])
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)]), tmp_path / "none.onnx")
    with pytest.raises(UnsupportedError, match="no layers that can be quantized"):
        step("quantize").run(load(tmp_path / "none.onnx"), {}, Progress())


def test_a_saved_model_keeps_its_encodings(quantized: Model, tmp_path: Path) -> None:
    quantized.save(tmp_path)
    back = Model.open(tmp_path)
    assert back.encodings is not None
    assert dict(back.encodings.layers) == dict(quantized.encodings.layers)  # type: ignore[union-attr]
    assert back.with_proto(back.proto).encodings is None


def test_int8_without_encodings_is_refused_before_any_work() -> None:
    with pytest.raises(UnsupportedError, match="was not quantized"):
        exporter("onnx").check(tiny_swapper(), Precision.INT8, {})


def test_a_recipe_that_asks_for_int8_is_calibrated_without_being_told() -> None:
    plain = Recipe("model.onnx", targets=(TargetRequest("onnx"),))
    assert plain.with_quantization() is plain
    asked = replace(plain, targets=(TargetRequest("onnx", Precision.INT8),))
    assert asked.with_quantization().steps == (StepRequest("quantize"),)
    told = replace(asked, steps=(StepRequest("quantize", {"samples": 3}),))
    assert told.with_quantization() is told


def test_a_conversion_to_int8_is_verified_and_reported(tiny: Path, tmp_path: Path) -> None:
    recipe = Recipe(
        str(tiny),
        steps=(StepRequest("quantize", dict(FEW)),),
        targets=(TargetRequest("onnx", Precision.INT8), TargetRequest("onnx")),
        verification=VerificationRequest(samples=2, seconds=5),
    )
    conversion = convert(recipe, tmp_path / "out")
    assert conversion.exit_status == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["steps"][0]["data"]["layers"]
    made = onnx.load(tmp_path / "out" / "tiny-int8.onnx")
    kinds = [node.op_type for node in made.graph.node]
    assert kinds.count("QuantizeLinear") == 6
    assert not [node for node in onnx.load(tmp_path / "out" / "tiny-fp32.onnx").graph.node if "Quant" in node.op_type]


def test_one_wrong_scale_fails_the_verification(quantized: Model, tmp_path: Path) -> None:
    feeds = real_sample(
        "noise", np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8), quantized.signature, 0
    )
    samples = [Sample(f"{place}", SampleKind.REAL, feeds.feeds) for place in range(4)]
    right = build_qdq(quantized)
    with open_proto(right, tmp_path / "right") as session:
        write_references(session, samples, tmp_path / "reference", 5, Progress(), [Precision.INT8])
        assert verify(session, tmp_path / "reference", Precision.INT8, 5, Progress()).passed
    assert quantized.encodings is not None
    layers = dict(quantized.encodings.layers)
    own = layers["Conv:drawn"]
    assert own.weight is not None
    wrong_weight = replace(own.weight, scale=(own.weight.scale[0] * 1.3, *own.weight.scale[1:]))
    codes_kept = own.weight.dequantize(
        own.weight.quantize(onnx.numpy_helper.to_array(_initializer(quantized, "decoder.weight")))
    )
    codes_kept[0] *= 1.3
    layers["Conv:drawn"] = LayerEncoding(own.scheme, wrong_weight, own.input, own.output)
    wrong = build_qdq(quantized, Encodings(layers, {"decoder.weight": codes_kept}))
    with open_proto(wrong, tmp_path / "wrong") as session:
        assert not verify(session, tmp_path / "reference", Precision.INT8, 5, Progress()).passed


def _initializer(model: Model, name: str) -> onnx.TensorProto:
    return next(tensor for tensor in model.proto.graph.initializer if tensor.name == name)


def test_the_command_says_what_was_found_and_keeps_a_recipe_to_follow(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "found"
    given = ["quantize", str(tiny), "--quantize", "samples=4", "--budget", "0.004", "--blame", "--out", str(out)]
    assert main(given) == 0
    text = capsys.readouterr().out
    assert "3 layers" in text
    assert "Conv:drawn" in text
    assert main(given) == 5
    assert "already holds recipe.json" in capsys.readouterr().err
    kept = Recipe.read(out / "recipe.json")
    (request,) = kept.steps
    assert request.options["budget"] == 0
    assert "Conv:drawn=" in str(request.options["layers"])
    assert kept.source_sha256


def test_options_of_the_step_are_checked_by_name_and_kind(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quantize", str(tiny), "--quantize", "polici=mse"]) == 2
    assert "Did you mean 'policy'?" in capsys.readouterr().err
    assert main(["convert", str(tiny), "--to", "onnx", "--out", "x", "--quantize", "policy=mse"]) == 2
    assert "nothing is quantized" in capsys.readouterr().err
    assert main(["quantize", str(tiny), "--quantize", "policy"]) == 2
    assert "NAME=VALUE" in capsys.readouterr().err
