"""What the window asks about a source: which sizes are open, what is advised, fp16 with the recipe's changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from converters.errors import SizesNeededError, TrustNeededError, UsageError, error_from_json
from converters.fingerprints import sha256_of
from converters.model.source import load
from converters.opening import fingerprints, open_source, scan_source_fp16
from converters.progress import Progress
from tests.model.small_sources import small_proto, write_onnx


def arguments(source: Path | str, **others: object) -> dict[str, object]:
    return {"source": str(source), "shapes": {}, "trust": False, **others}


def test_open_axes_are_told_with_the_sizes_chosen(tmp_path: Path) -> None:
    path = write_onnx(tmp_path / "free.onnx", small_proto(("n", 3, 8, 8)))
    opened = open_source(arguments(path), Progress())
    assert opened["inspection"]["open_axes"] == {"input": ["n", 3, 8, 8]}
    assert opened["inspection"]["signature"]["inputs"][0]["shape"] == (1, 3, 8, 8)
    fixed = open_source(arguments(write_onnx(tmp_path / "fixed.onnx")), Progress())
    assert fixed["inspection"]["open_axes"] == {}


def test_missing_sizes_are_a_question(tmp_path: Path) -> None:
    path = write_onnx(tmp_path / "free.onnx", small_proto(("n", 3, "height", "width")))
    with pytest.raises(SizesNeededError) as refused:
        load(path)
    assert refused.value.axes == {"input": ("n", 3, "height", "width")}
    assert refused.value.exit_status == UsageError.exit_status
    assert isinstance(error_from_json(refused.value.to_json()), SizesNeededError)
    opened = open_source(arguments(path), Progress())
    assert opened["inspection"] is None
    assert opened["axes"] == {"input": ["n", 3, "height", "width"]}
    assert "free.onnx" in opened["question"]
    assert "--shape" not in opened["question"]
    answered = open_source(arguments(path, shapes={"input": [1, 3, 8, 10]}), Progress())
    assert answered["inspection"]["signature"]["inputs"][0]["shape"] == (1, 3, 8, 10)


def test_only_code_asks_for_trust(tmp_path: Path) -> None:
    code = tmp_path / "net.py"
    code.write_text("raise SystemExit('it ran')")
    with pytest.raises(TrustNeededError) as refused:
        open_source(arguments(f"{code}:build"), Progress())
    assert isinstance(error_from_json(refused.value.to_json()), TrustNeededError)


def test_advised_rewrites_are_described_and_mend_what_the_scan_finds() -> None:
    inspection = open_source(arguments("demo"), Progress())["inspection"]
    assert set(inspection["rewrites"]) == {finding["rewrite"] for finding in inspection["findings"]} - {""}
    assert inspection["rewrites"]["reflect_pad"]["tolerance"] == 0
    plain = scan_source_fp16(arguments("demo", steps=[], images=""), Progress())
    assert any("zero in fp16" in problem for problem in plain["problems"])
    steps = [{"step": "rewrite", "options": {"only": "fp16_safe_statistics"}}]
    mended = scan_source_fp16(arguments("demo", steps=steps, images=""), Progress())
    assert not mended["problems"]


def test_fingerprints_of_what_cannot_be_read_are_empty(tmp_path: Path) -> None:
    file = write_onnx(tmp_path / "model.onnx")
    absent = tmp_path / "absent"
    found = fingerprints({"paths": [str(file), str(absent)]}, Progress())["sha256"]
    assert found == {str(file): sha256_of(file), str(absent): ""}
