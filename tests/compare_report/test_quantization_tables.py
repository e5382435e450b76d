"""The blame and the ranges in a report: what lies beside a candidate, and nothing that a file could smuggle in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from converters.compare.comparison import Candidate, Comparison
from converters.compare.recipe_beside import recipe_beside
from converters.compare_report import tables
from converters.compare_report.page import Shown, page
from converters.compare_report.quantization import quantization
from converters.compress.quantize.blame import blame
from converters.compress.quantize.encodings import Encodings
from converters.compress.quantize.judge import Judge
from converters.compress.quantize.mixed import Budget, mixed_precision
from converters.model.graph import Model
from tests.compare.pages import Page
from tests.compress.quantize.sensitive import LAYERS, feeds_of, quantized_swapper

SHA256 = "ab" * 32
HOSTILE = '<img src=x onerror="alert(1)">"&\'</table><script>alert(2)</script>'


def ranges_of(model: Model, encodings: Encodings) -> list[dict[str, Any]]:
    """Return the layers' data in the form that a report keeps it in."""
    from dataclasses import replace

    from converters.compress.quantize.report import layers_data

    return layers_data(replace(model, encodings=encodings), None)


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    """Return what the step that quantizes found out about the tiny swapper."""
    model, encodings = quantized_swapper("Conv:drawn")
    with Judge(model, feeds_of(3)) as judge:
        blamed = blame(judge, encodings, few=2, more=3, worst=1)
        mixed = mixed_precision(judge, encodings, Budget(blamed.base.mean / 2, p95=1.0), few=2)
    layers = ranges_of(model, encodings)
    assert layers[0]["input"] is not None
    low, high = layers[0]["input"]["low"], layers[0]["input"]["high"]
    layers[0]["input"]["observed"] = [low, high]
    layers[1]["input"]["observed"] = [-123.5, 321.5]
    found = {"origin": "3 crops", "layers": layers, "blame": blamed.to_json(), "mixed": mixed.to_json()}
    plain: dict[str, Any] = json.loads(json.dumps(found, allow_nan=False))
    return plain


def candidate(steps: Any) -> Candidate:
    side = {
        "name": "tiny.mnn",
        "size": 10,
        "sha256": SHA256,
        "runtime": "mnn",
        "label": "",
        "is_reference": False,
        "threads": 2,
        "precision": "int8",
        "engine": "",
        "latency": {"median": 0.01, "p90": 0.02, "runs": 10, "warm_up": 3},
    }
    summary = {"mean": 0.01, "p95": 0.02, "worst": 0.02, "worst_sample": "a", "count": 1, "equal": 0, "broken": 0}
    output = {
        "name": "output",
        "role": "image",
        "kind": "picture",
        "measures": {"lpips": {"summary": summary, "values": {"a": 0.01}}},
    }
    judgement = {"outputs": [output], "broken": [], "notes": []}
    return Candidate("tiny.mnn", side, judgement, {"recipe": {"source": "tiny.onnx"}, "steps": steps})


def whole_page(of: Candidate) -> str:
    comparison = Comparison(
        original={**(of.side or {}), "name": "tiny.onnx", "judge": None},
        candidates=(of,),
        names=("a",),
        pictures="1 picture",
        embeddings="",
        notes=(),
        seconds=1.0,
    )
    return page(comparison, Shown([[]], 1.0, {}, {}, ""))


def test_the_layer_to_blame_stands_first_with_its_figures(data: dict[str, Any]) -> None:
    text = quantization(candidate([{"step": "simplify", "data": {}}, {"step": "quantize", "data": data}]))
    read = Page(text)
    worst = data["blame"]["layers"][0]
    assert worst["name"] == "Conv:drawn"
    words = read.words
    places = [words.index(name) for name in ("Conv:drawn", *[each["name"] for each in data["blame"]["layers"][1:]])]
    assert places == sorted(places)
    for expected in (
        f"{worst['lost']:.5f}",
        f"{worst['won_back']['float']:+.5f}",
        f"{worst['won_back']['w8']:+.5f}",
        f"{worst['saved_share']:.1%}",
        f"{worst['quantized_seconds'] * 1000:.2f} ms",
        "this machine",
        "LPIPS lost alone",
    ):
        assert expected in words
    assert data["mixed"]["sentence"] in words
    assert "more preciseConv:drawnw8" in words


def test_ranges_are_shown_beside_what_was_seen_where_that_is_another(data: dict[str, Any]) -> None:
    read = Page(quantization(candidate([{"step": "quantize", "data": {**data, "blame": None, "mixed": None}}])))
    assert "The ranges of all 3 layers" in read.words
    assert "3 crops" in read.words
    for layer in data["layers"]:
        for end in ("input", "output"):
            assert f"{layer[end]['low']:.4g} … {layer[end]['high']:.4g}" in read.words
    assert "-123.5 … 321.5" in read.words
    first = data["layers"][0]["input"]
    assert read.words.count(f"{first['low']:.4g} … {first['high']:.4g}") == 1, "seen as encoded: not said twice"
    assert [attributes.get("title") for _, attributes in read.elements].count(first["tensor"]) == 1
    assert "lost alone" not in read.words


def test_nothing_is_shown_where_nothing_is_known(data: dict[str, Any]) -> None:
    for steps in (None, [], [{"step": "quantize"}], [{"step": "simplify", "data": data}], "quantize", [3]):
        assert quantization(candidate(steps)) == ""
    assert quantization(Candidate("x.mnn")) == ""
    assert quantization(candidate([{"step": "quantize", "data": data}])) != ""


def test_the_page_holds_both_and_the_recipe_does_not_repeat_them(data: dict[str, Any]) -> None:
    of = candidate([{"step": "quantize", "data": data}])
    text = whole_page(of)
    read = Page(text)
    assert "Quantization" in read.words
    assert "LPIPS lost alone" in read.words
    assert (read.fetched, read.handlers) == ([], [])
    recipe = Page(tables.recipe(of)).words
    assert "tiny.onnx" in recipe
    assert "Conv:drawn" not in recipe
    assert "Quantization" not in Page(whole_page(candidate(None))).words


def spoiled(value: Any, by: Any) -> Any:
    """Return plain data with every leaf replaced, one kind after the other."""
    if isinstance(value, dict):
        return {key: spoiled(each, by) for key, each in value.items()}
    if isinstance(value, list):
        return [spoiled(each, by) for each in value]
    return by


@pytest.mark.parametrize("by", [HOSTILE, None, True, -1, 1e308, float("nan"), float("inf"), 10**400, [], {}, [[1]]])
def test_whatever_a_file_says_is_escaped_or_left_out(data: dict[str, Any], by: Any) -> None:
    for steps in ([{"step": "quantize", "data": spoiled(data, by)}], [{"step": "quantize", "data": by}], by):
        read = Page(whole_page(candidate(steps)))
        assert (read.fetched, read.handlers) == ([], [])
        assert not any(tag in ("img", "iframe") for tag, _ in read.elements)
        assert len(read.scripts) == 1
        assert "alert" not in read.scripts[0]


def test_too_much_of_it_is_cut() -> None:
    layer = {"name": "x" * 10_000, "lost": 0.1}
    text = quantization(candidate([{"step": "quantize", "data": {"blame": {"layers": [layer] * 5000}}}]))
    assert text.count("<tr>") < 2100
    assert "x" * 301 not in text


def test_it_comes_from_the_report_beside_the_file(tmp_path: Path, data: dict[str, Any]) -> None:
    entry = {"sha256": SHA256, "target": "mnn"}
    report = {"recipe": {}, "steps": [{"step": "quantize", "data": data}], "artifacts": [entry]}
    (tmp_path / "report.json").write_text(json.dumps(report), encoding="utf-8")
    found = recipe_beside(tmp_path / "tiny.mnn", SHA256)
    assert found is not None
    assert "Conv:drawn" in quantization(Candidate("tiny.mnn", recipe=found))
    assert recipe_beside(tmp_path / "tiny.mnn", "0" * 64) is None
    assert set(LAYERS) == {layer["name"] for layer in data["layers"]}
