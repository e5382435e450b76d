"""The inspection as plain data and as text."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx

from converters.model.inspection import inspect
from converters.model.inspection_text import WIDTH, as_text
from converters.model.signature import Signature
from tests.model.small_graphs import adain, graph, inswapper, model, node, weights


def test_plain_data_survives_json() -> None:
    inspection = inspect(model(inswapper(1024)))
    data = json.loads(json.dumps(inspection.to_json()))
    assert data["family"]["id"] == "inswapper_128"
    assert data["family"]["commercial"] is False
    assert data["cost"]["parameters"] == 138_292_739
    assert Signature.from_json(data["signature"]) == inspection.signature
    assert {finding["severity"] for finding in data["findings"]} <= {"error", "warning", "advice"}
    assert len(data["heaviest"]) == 10


def test_text_of_a_known_model() -> None:
    inspection = inspect(model(inswapper(1024)))
    text = as_text(inspection)
    assert "inswapper_128" in text
    assert "138,292,739" in text
    assert "174.575 GMAC" in text
    assert "no commercial use" in text
    assert "emap 262,144" in text
    assert "mended by the rewrite fp16_safe_statistics" in text
    assert max(map(len, text.splitlines())) <= WIDTH


def test_text_of_an_unknown_model_invents_nothing() -> None:
    proto = graph(
        [node("Conv", ["x", "w"], "y")], {"x": [1, 3, 40, 48]}, {"y": [1, 8, 40, 48]}, {"w": weights(8, 3, 1, 1)}
    )
    text = as_text(inspect(model(proto)))
    assert "unknown" in text
    assert "RGB" not in text
    assert "The doctor found nothing." in text


def test_columns_are_aligned_and_long_names_cut() -> None:
    long = "a_very_long_tensor_name_that_some_exporter_made_up_and_that_fills_a_line"
    nodes = [node("Conv", [long, "w"], "hidden"), node("Relu", ["hidden"], "y")]
    proto = graph(nodes, {long: [1, 3, 40, 48]}, {"y": [1, 8, 40, 48]}, {"w": weights(8, 3, 1, 1)})
    text = as_text(inspect(replace(model(proto), notes=("Opset 9 was raised to 17. " * 12,))))
    assert max(map(len, text.splitlines())) <= WIDTH
    header = next(line for line in text.splitlines() if "name" in line and "shape" in line)
    row = next(line for line in text.splitlines() if line.startswith("in "))
    assert header.index("shape") == row.index("1x3x40x48")
    assert "Opset 9" in text


def test_every_finding_is_in_the_text_under_its_target() -> None:
    inspection = inspect(model(adain()))
    text = as_text(inspection)
    for finding in inspection.findings:
        assert finding.sentence.split()[0] in text
        assert finding.sentence.split()[-1] in text
    unstyled = " ".join(text.split())
    for finding in inspection.findings:
        assert " ".join(finding.sentence.split()) in unstyled


def test_real_models_can_be_inspected(shared: Path) -> None:
    for file in sorted((shared / "models").glob("*.onnx")):
        inspection = inspect(model(onnx.load(str(file)), file.name))
        assert inspection.family is not None
        assert inspection.cost.uncounted == ()
        assert np.isfinite(inspection.cost.gmacs)
        assert file.name in as_text(inspection)
        json.dumps(inspection.to_json())
