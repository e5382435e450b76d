"""What the window asks about a source: which sizes are open, what is advised, fp16 with the recipe's changes."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import converters
from converters.compare.sides import compare_original
from converters.compress.quantize import interactive
from converters.compress.quantize.operation import quantize_source
from converters.errors import (
    OtherContentsError,
    SizesNeededError,
    TrustNeededError,
    UsageError,
    error_from_json,
)
from converters.fingerprints import sha256_of
from converters.model.source import load
from converters.opening import fingerprints, open_source, scan_source_fp16
from converters.progress import Progress
from converters.recipe import Recipe, StepRequest
from converters.stages import prepare
from converters.target_check import check_targets
from tests.model.small_sources import small_proto, write_onnx


def arguments(source: Path | str, **others: object) -> dict[str, Any]:
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


@pytest.fixture
def changed(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Write code that was trusted and is another one now; it must not have run in the end."""
    mark = tmp_path / "executed"
    code = tmp_path / "net.py"
    code.write_text("def build():\n    pass\n")
    agreed = sha256_of(code)
    code.write_text(f"open({str(mark)!r}, 'w')\ndef build():\n    pass\n")
    yield arguments(f"{code}:build", trust=True, sha256=agreed)
    assert not mark.exists()


def calibration(arguments: dict[str, Any], progress: Progress) -> None:
    interactive.calibration_open({**arguments, "steps": [], "options": {}, "folder": ""}, progress)


def followed(operation: Callable[[dict[str, Any], Progress], object], *steps: StepRequest) -> Callable[..., None]:
    def run(arguments: dict[str, Any], progress: Progress) -> None:
        recipe = Recipe(arguments["source"], arguments["sha256"], steps=steps).to_json()
        operation({"recipe": recipe, "trust": True, "staging": "staging"}, progress)

    return run


def compared(arguments: dict[str, Any], progress: Progress) -> None:
    loading = {"model": arguments["source"], "threads": 0, "images": "", "pictures": 2, "embedder": ""}
    compare_original({**arguments, **loading, "staging": "staging"}, progress)


@pytest.mark.parametrize(
    "operation",
    [
        pytest.param(open_source, id="open"),
        pytest.param(lambda given, told: scan_source_fp16({**given, "steps": [], "images": ""}, told), id="scan"),
        pytest.param(lambda given, told: check_targets({**given, "steps": [], "requests": []}, told), id="check"),
        pytest.param(calibration, id="calibration"),
        pytest.param(followed(prepare), id="convert"),
        pytest.param(followed(quantize_source, StepRequest("quantize")), id="quantize"),
        pytest.param(compared, id="compare"),
    ],
)
def test_no_operation_runs_code_that_is_another_one_than_was_trusted(
    changed: dict[str, Any], operation: Callable[[dict[str, Any], Progress], object]
) -> None:
    with pytest.raises(OtherContentsError) as refused:
        operation(changed, Progress())
    assert isinstance(error_from_json(refused.value.to_json()), OtherContentsError)


def test_errors_of_the_engine_name_no_options_of_the_command_line() -> None:
    """They are shown in a window as well; the command line adds its options by the error's kind."""
    folder = Path(converters.__file__).parent
    own = {folder / "cli.py", *(folder / "commands").rglob("*"), *(folder / "face").rglob("*")}
    found = []
    for path in sorted({*folder.rglob("*.py")} - own - {*(folder / "training").rglob("*")}):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "").endswith(("Error", "Finding")):
                texts = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
                found += [f"{path.name}: {text}" for text in texts if re.search(r"--[a-z]", str(text))]
    assert found == []
