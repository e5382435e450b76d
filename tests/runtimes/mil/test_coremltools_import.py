"""Importing coremltools is quick, quiet and leaves nothing behind; the file format is read without it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]


def run(code: str) -> tuple[str, str]:
    """Run code in a fresh Python; return what it printed and what it said on standard error."""
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", code],
        capture_output=True,
        text=True,
        timeout=280,
        cwd=PROJECT,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip(), done.stderr.strip()


def test_the_import_is_quick_and_quiet() -> None:
    code = """
import sys, time, torch
from converters.runtimes.mil.coremltools_import import import_coremltools
start = time.process_time()
ct = import_coremltools()
again = import_coremltools()
print(round(time.process_time() - start, 2), ct is again, ct.__version__)
print([name for name in ("tensorflow", "transformers", "torchao", "sklearn") if name in sys.modules])
"""
    printed, errors = run(code)
    figures, left = printed.splitlines()
    print(f"coremltools imported in {figures} s of processor time; standard error: {errors!r}")
    assert left == "[]"
    # Off a Mac coremltools logs its missing native library; that and every version warning are held back.
    assert errors == ""
    assert float(figures.split()[0]) < 6


@pytest.mark.timeout(300)
def test_tensorflow_stays_importable() -> None:
    pytest.importorskip("sklearn")
    code = """
import sys
from converters.runtimes.mil.coremltools_import import import_coremltools
before = set(sys.modules)
ct = import_coremltools()
assert not any(module is None for module in sys.modules.values()), "something was left blocked"
import sklearn
assert sys.modules["sklearn"] is sklearn
import importlib.util
assert importlib.util.find_spec("tensorflow") is None or __import__("tensorflow").constant(3).numpy() == 3
print("fine")
"""
    assert run(code)[0].endswith("fine")


def test_a_library_that_is_already_loaded_comes_back() -> None:
    code = """
import sys, types
sys.modules["xgboost"] = mark = types.ModuleType("xgboost")
from converters.runtimes.mil.coremltools_import import import_coremltools
import_coremltools()
assert sys.modules["xgboost"] is mark
print("fine")
"""
    assert run(code)[0] == "fine"


@pytest.mark.parametrize("first", ["schema", "coremltools"])
def test_the_schema_works_before_and_after_coremltools(first: str) -> None:
    code = f"""
import sys
from converters.runtimes.mil.coremltools_import import coreml_schema, import_coremltools
if {first!r} == "schema":
    schema = coreml_schema()
    assert "coremltools" not in sys.modules and "torch" not in sys.modules
    model = schema.Model()
    model.specificationVersion = 7
    data = model.SerializeToString()
ct = import_coremltools()
if {first!r} != "schema":
    data = ct.proto.Model_pb2.Model(specificationVersion=7).SerializeToString()
for module in (coreml_schema(), ct.proto.Model_pb2):
    again = module.Model()
    again.ParseFromString(data)
    assert again.specificationVersion == 7
print("fine")
"""
    assert run(code)[0] == "fine"
