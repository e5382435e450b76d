"""Every kind of model, through every target, in every precision. Minutes each: `pytest -m slow`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from tests import graphs
from tests.generated import generated_swapper

PROJECT = Path(__file__).resolve().parents[2]
PRECISIONS = "fp32,fp16,int8-weights"
GENERATED = {
    "inswapper_64": lambda: generated_swapper(64),
    "simswap_512": graphs.simswap,
    "arcface_iresnet50": graphs.arcface_iresnet50,
    "bisenet": graphs.bisenet,
    "gfpgan": graphs.gfpgan,
}
SHARED = (
    "ultraface_version-RFB-320.onnx",
    "ultraface_version-RFB-320.pth",
    "yunet_n_dynamic.onnx",
    "pfld.onnx",
    "retinaface_mobilenet0.25.pth",
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def assert_all_verified(model: Path, out: Path, *arguments: str, precision: str = PRECISIONS) -> None:
    command = [sys.executable, str(PROJECT / "main.py"), "convert", str(model), "--to", "mnn,tflite,coreml", "--json"]
    done = subprocess.run(
        [*command, "--precision", precision, "--out", str(out), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    artifacts = json.loads(done.stdout)["artifacts"]
    assert len(artifacts) == 3 * len(precision.split(","))
    assert all(artifact["verified"] for artifact in artifacts)


@pytest.mark.parametrize("name", GENERATED)
def test_generated(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.onnx"
    onnx.save(GENERATED[name](), str(path))
    assert_all_verified(path, tmp_path / "out")


@pytest.mark.parametrize("name", SHARED)
def test_shared(name: str, shared: Path, tmp_path: Path) -> None:
    assert_all_verified(shared / "models" / name, tmp_path / "out", "--images", str(shared / "faces"))


@pytest.mark.parametrize("width", [64, 1024])
def test_stand_in(width: int, shared: Path, tmp_path: Path) -> None:
    path = tmp_path / f"inswapper_{width}.onnx"
    tool = shared / "tools" / "inswapper_standin.py"
    subprocess.run([sys.executable, str(tool), "--width", str(width), str(path)], check=True, capture_output=True)
    for precision in PRECISIONS.split(","):
        assert_all_verified(path, tmp_path / precision, "--images", str(shared / "faces"), precision=precision)
