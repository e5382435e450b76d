"""What is on offer is collected without any heavy library, in a thread, once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from converters.errors import UsageError
from converters.precision import Precision
from converters.registry import EXPORTERS, STEPS
from studio.catalogue import catalogue, collect_in_background

PROJECT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "tensorflow", "coremltools", "onnx", "onnxruntime", "cv2", "MNN", "_tools", "scipy", "litert_torch")


def test_everything_the_engine_offers_is_there_with_its_options() -> None:
    offer = catalogue()
    assert [target.name for target in offer.targets] == list(EXPORTERS)
    assert [step.name for step in offer.steps] == list(STEPS)
    core_ml = offer.target("coreml")
    assert (core_ml.title, core_ml.suffix, core_ml.unavailable) == ("Core ML", ".mlpackage", "")
    assert Precision.PALETTE in core_ml.precisions
    assert "minimum_os" in [parameter.name for parameter in core_ml.parameters]
    quantize = offer.step("quantize")
    assert quantize.complete({"samples": 8})["samples"] == 8
    assert quantize.complete(None) == quantize.defaults


def test_an_unknown_name_gets_the_nearest_known_one() -> None:
    with pytest.raises(UsageError, match="Did you mean 'coreml'"):
        catalogue().target("coremI")


def test_collecting_loads_nothing_heavy_and_importing_not_even_numpy() -> None:
    script = (
        "import sys, json, studio.catalogue as catalogue\n"
        "before = 'numpy' in sys.modules\n"
        "future = catalogue.collect_in_background()\n"
        "same = catalogue.collect_in_background() is future and catalogue.catalogue() is future.result(20)\n"
        f"print(json.dumps([before, same, [name for name in {HEAVY!r} if name in sys.modules]]))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [False, True, []]


def test_here_the_same_one_is_returned_again() -> None:
    assert collect_in_background().result(20) is catalogue()
