"""Make quantized files of the demo swapper, each in a process of its own, since some of these tools end with a crash.

    python -m tests.benchmarks.quantize_makers FOLDER onnx2tf per-channel|per-tensor
    python -m tests.benchmarks.quantize_makers FOLDER mnn-tool float|KL|EMA|ADMM
    python -m tests.benchmarks.quantize_makers FOLDER encodings plain|rules
    python -m tests.benchmarks.quantize_makers FOLDER TARGET fp32|plain|rules

FOLDER holds `calibration.npz`: N x 3 x 128 x 128 and N x 512, by the inputs' names. Every file lands in a folder of
its own in there; `made` says where.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from converters.builtin import DEMO_NAME, DEMO_SWAPPER
from converters.compress.quantize.encodings import Encodings
from converters.compress.quantize.fold import fold_batch_norm
from converters.compress.quantize.policies import Policy
from converters.compress.quantize.settings import QuantizeSettings
from converters.model.graph import Model
from converters.model.source import load
from converters.progress import Progress
from converters.registry import exporter
from converters.runtimes.base import Arrays
from converters.targets.base import Precision

CALIBRATION = "calibration.npz"
BUDGET = 0.015
"""Mean LPIPS that the automatic rules may lose on the calibration crops."""
_SAMPLE_FILE = "calibration_image_sample_data_20x128x128x3_float32.npy"
_EMA_BATCH = 1
"""Batches of 8 and 32 give worse files."""


def made(folder: Path, tool: str, way: str) -> Path:
    """Return the folder that holds what a tool makes in one of its ways."""
    return folder / f"{tool}-{way}"


def main() -> None:
    """Make what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("tool")
    parser.add_argument("way")
    given = parser.parse_args()
    _refuse_network()
    folder = given.folder.resolve()
    out = made(folder, given.tool, given.way)
    out.mkdir()
    with np.load(folder / CALIBRATION, allow_pickle=False) as arrays:
        calibration = dict(arrays)
    if given.tool == "onnx2tf":
        _onnx2tf(out, given.way, calibration)
    elif given.tool == "mnn-tool":
        _mnn(folder, out, given.way, calibration)
    elif given.tool == "encodings":
        _encodings(out, given.way, calibration)
    else:
        _ours(folder, out, given.tool, given.way, calibration)


def _refuse_network() -> None:
    """Let nothing here reach the network: onnx2tf would fetch sample pictures."""

    def refuse(*_args: Any, **_kwargs: Any) -> None:
        raise OSError("this benchmark uses no network")

    socket.socket.connect = refuse  # type: ignore[method-assign]
    socket.create_connection = refuse  # type: ignore[assignment]
    socket.getaddrinfo = refuse  # type: ignore[assignment]


def _onnx2tf(out: Path, way: str, calibration: Arrays) -> None:
    """Write every variant that onnx2tf knows, from float to 16-bit activations."""
    pictures = calibration["target"].transpose(0, 2, 3, 1)
    np.save(out / _SAMPLE_FILE, pictures[:20], allow_pickle=False)  # otherwise it looks for them in the network
    np.save(out / "target.npy", pictures, allow_pickle=False)
    np.save(out / "source.npy", calibration["source"], allow_pickle=False)
    source = _copied(out)
    with contextlib.chdir(out):
        import onnx2tf

        onnx2tf.convert(
            input_onnx_file_path=str(source),
            output_folder_path=str(out),
            output_integer_quantized_tflite=True,
            quant_type=way,
            custom_input_op_name_np_data_path=[
                ["target", "target.npy", [[[[0.0, 0.0, 0.0]]]], [[[[1.0, 1.0, 1.0]]]]],
                ["source", "source.npy", [0.0], [1.0]],
            ],
            keep_shape_absolutely_input_names=["source"],
            not_use_onnxsim=True,
            non_verbose=True,
            verbosity="error",
        )


def _copied(out: Path) -> Path:
    """Return a copy of the model: onnx2tf writes into the file that it is given."""
    return Path(shutil.copyfile(DEMO_SWAPPER, out / DEMO_SWAPPER.name))


def _mnn(folder: Path, out: Path, way: str, calibration: Arrays) -> None:
    """Write a float `.mnn`, or quantize it with MNN's offline tool; both report success whatever happens.

    The wheel's wrapper `MNN.tools` is never imported: it installs a logging SDK.
    """
    import _tools
    import MNN

    del MNN  # it loads the library that _tools needs
    path = out / "model.mnn"
    if way == "float":
        source = ["--modelFile", str(_copied(out)), "--MNNModel", str(path), "--bizCode", "benchmark"]
        _tools.mnnconvert(["mnnconvert", "-f", "ONNX", *source])
        return
    count = len(calibration["target"])
    shapes = [{"name": name, "shape": [1, *array.shape[1:]]} for name, array in calibration.items()]
    samples = folder / "samples"
    for place in range(0 if samples.exists() else count):
        one = samples / f"{place:03}"
        one.mkdir(parents=True)
        (one / "input.json").write_text(json.dumps({"inputs": shapes, "outputs": ["output"]}), encoding="utf-8")
        for name, array in calibration.items():
            np.savetxt(one / f"{name}.txt", array[place].reshape(-1), fmt="%.7g")
    settings = {
        "path": f"{samples}{os.sep}",
        "used_sample_num": count,
        "feature_quantize_method": way,
        "weight_quantize_method": "ADMM" if way == "ADMM" else "MAX_ABS",
        "batch_size": _EMA_BATCH,
        "quant_bits": 8,
        "input_type": "sequence",
        "inputs": shapes,
    }
    (out / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    _tools.mnnquant(
        ["mnnquant", str(made(folder, "mnn-tool", "float") / path.name), str(path), str(out / "settings.json")]
    )


@dataclass(frozen=True)
class _Sample:
    """One sample as `observe` wants it."""

    name: str
    feeds: Arrays

    @cached_property
    def digest(self) -> str:
        from converters.compress.quantize.calibration import CalibrationSample

        return CalibrationSample(self.name, self.feeds).digest


def _samples(calibration: Arrays) -> Iterator[_Sample]:
    for place in range(len(next(iter(calibration.values())))):
        yield _Sample(f"{place}", {name: array[place : place + 1] for name, array in calibration.items()})


def _encodings(out: Path, way: str, calibration: Arrays) -> None:
    """Keep how the layers are quantized: "plain" in int8 from the lowest value seen to the highest, or by our rules.

    The rules are the defaults of the settings, and a budget that gives layers more precision where it does not hold.
    """
    from converters.compress.quantize.encode import make_encodings
    from converters.compress.quantize.observe import observe

    model = fold_batch_norm(load(DEMO_NAME, progress=Progress()))
    if way == "plain":
        settings = QuantizeSettings(policy=Policy.MIN_MAX, families_defaults=False)
        encodings = make_encodings(model, observe(model, _samples(calibration)), settings)
    else:
        from converters.compress.quantize.quantizing import Request, quantize

        request = Request(budget=BUDGET, samples=len(calibration["target"]))
        found = quantize(model, QuantizeSettings(), request, Progress())
        assert found.model.encodings is not None
        encodings = found.model.encodings
    encodings.save(out)


def _ours(folder: Path, out: Path, target: str, way: str, calibration: Arrays) -> None:
    model: Model = load(DEMO_NAME, progress=Progress())
    precision = Precision.FP32
    if way != "fp32":
        model = replace(fold_batch_norm(model), encodings=Encodings.open(made(folder, "encodings", way)))
        precision = Precision.INT8
    samples = [sample.feeds for sample in _samples({name: array[:4] for name, array in calibration.items()})]
    exporter(target).export(model, out, precision, {}, samples, Progress())


if __name__ == "__main__":
    main()
