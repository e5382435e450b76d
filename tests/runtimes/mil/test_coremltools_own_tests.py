"""coremltools' own operator tests, whose expected values hold on Macs, run against the reference executor."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PACKAGE = "coremltools.converters.mil.mil.ops.tests"

# A choice that takes about a minute; the rest is behind the slow mark.
QUICK = (
    "iOS14.test_image_resizing",
    "iOS15.test_image_resizing",
    "iOS17.test_image_resizing",
    "iOS14.test_pool",
    "iOS14.test_normalization",
    "iOS14.test_activation",
    "iOS16.test_constexpr_ops",
    "iOS17.test_quantization",
    "iOS17.test_scatter_gather",
)


def run(modules: tuple[str, ...], choice: str, timeout: int, folder: Path) -> tuple[int, int, str]:
    """Return comparisons made, operators seen, and pytest's output; fails when a test failed."""
    targets = [f"{PACKAGE}.{module}" for module in modules] or [PACKAGE]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "coremltools_conformance",
        "--pyargs",
        *targets,
        "-q",
        "-k",
        choice,
    ]
    command += ["-p", "no:cacheprovider", "-W", "ignore", "--tb=short", "-rf", "-o", "addopts=", "--rootdir", str(HERE)]
    command.append(f"--basetemp={folder}")  # pytest's own folder would stay behind
    environment = {**os.environ, "PYTHONPATH": str(HERE), "INCLUDE_MIL_FP32_UNIT_TESTS": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, env=environment, cwd=HERE, check=False
    )
    found = re.search(r"CONFORMANCE compared=(\d+) excluded=(\d+) operators=(\d+): (.*)", done.stdout)
    assert found is not None, done.stdout[-3000:] + done.stderr[-3000:]
    assert done.returncode == 0, done.stdout[-6000:]
    print(f"{found[1]} comparisons, {found[3]} operators, {found[2]} tests excluded")
    return int(found[1]), int(found[3]), done.stdout


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_quick_choice(tmp_path: Path) -> None:
    compared, operators, _output = run(QUICK, "smoke and fp32", 880, tmp_path / "pytest")
    assert compared >= 60
    assert operators >= 30


@pytest.mark.slow
@pytest.mark.timeout(14400)
def test_everything(tmp_path: Path) -> None:
    compared, operators, output = run((), "not neuralnetwork", 14000, tmp_path / "pytest")
    assert compared > 1000
    assert operators > 120
    print(output[-2000:])


@pytest.mark.slow
def test_a_wrong_operator_is_noticed(tmp_path: Path) -> None:
    """The twin: with two operators swapped behind the executor's back, coremltools' tests must fail."""
    (tmp_path / "wrong_operators.py").write_text(
        "from converters.runtimes.mil.registry import operators\n"
        "operators()['tile'] = lambda call: call.tensor('x').repeat(call.integers('reps')) + 0.5\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "coremltools_conformance", "-p", "wrong_operators", "--pyargs"]
    command += [f"{PACKAGE}.iOS14.test_tensor_operation", "-q", "-k", "TestTile and smoke", "-p", "no:cacheprovider"]
    command += ["-W", "ignore", "-o", "addopts=", "--rootdir", str(HERE), f"--basetemp={tmp_path / 'pytest'}"]
    environment = {**os.environ, "PYTHONPATH": f"{HERE}{os.pathsep}{tmp_path}"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, env=environment, cwd=HERE, check=False)
    assert done.returncode == 1, done.stdout[-3000:]
    assert "Mismatched elements" in done.stdout
