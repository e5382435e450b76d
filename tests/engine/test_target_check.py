"""What targets object to is known before anything is converted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest

from converters.progress import Progress
from converters.registry import EXPORTERS, exporter
from converters.target_check import check_targets
from tests.tiny_models import tiny_swapper_proto


def ask(tmp_path: Path, *requests: dict[str, Any], steps: tuple[str, ...] = ()) -> dict[str, Any]:
    path = tmp_path / "tiny.onnx"
    onnx.save(tiny_swapper_proto(), str(path))
    arguments = {
        "source": str(path),
        "shapes": {},
        "trust": False,
        "steps": [{"step": step} for step in steps],
        "requests": list(requests),
    }
    return check_targets(arguments, Progress())


def test_each_request_gets_its_own_objections_and_each_target_its_memory(tmp_path: Path) -> None:
    mnn = {"target": "mnn", "options": {"weight_block": 32}}
    found = ask(
        tmp_path,
        {**mnn, "precision": "fp32"},
        {**mnn, "precision": "int8-weights"},
        {"target": "onnx"},
        steps=("rewrite",),
    )
    assert "weight_block has no effect on fp32" in found["problems"]["mnn-fp32"][0]
    assert found["problems"]["mnn-int8-weights"] == found["problems"]["onnx-fp32"] == []
    assert set(found["memory"]) == {"mnn", "onnx"}
    assert found["available"] > 0


def test_int8_is_not_refused_for_lack_of_calibration(tmp_path: Path) -> None:
    found = ask(tmp_path, {"target": "mnn", "precision": "int8"}, {"target": "onnx", "precision": "int8"})
    assert found["problems"] == {"mnn-int8": [], "onnx-int8": []}


def test_a_target_that_cannot_run_here_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("converters.targets.mnn.MnnExporter.unavailable", lambda _self: "No MNN here.")
    assert ask(tmp_path, {"target": "mnn"})["problems"] == {"mnn-fp32": ["No MNN here."]}


def test_options_name_precisions_that_their_target_offers() -> None:
    for name in EXPORTERS:
        target = exporter(name)
        for parameter in target.parameters:
            assert set(parameter.precisions) < set(target.precisions), f"{name}.{parameter.name}"
