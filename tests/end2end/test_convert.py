"""The real program, started as people start it: what it writes, what it says, what it returns."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import psutil
import pytest

from tests.tiny_models import tiny_swapper_proto

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.onnx"
    onnx.save(tiny_swapper_proto(), str(path))
    return path


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fail when a worker outlives its test."""
    yield
    deadline = time.monotonic() + 3
    while children := psutil.Process().children(recursive=True):
        if time.monotonic() > deadline:
            pytest.fail(f"left running: {[child.cmdline() for child in children]}")
        time.sleep(0.05)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROJECT / "main.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_three_verified_files_from_one_command(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run("convert", model, "--to", "mnn,tflite,coreml", "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report == json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert files(out) == [
        "convert.log",
        "report.json",
        "tiny-emap.npy",
        "tiny-fp32.mlpackage",
        "tiny-fp32.mnn",
        "tiny-fp32.tflite",
    ]
    for artifact in report["artifacts"]:
        assert artifact["verified"]
        assert artifact["size"] > 0
        assert len(artifact["sha256"]) == 64
        assert artifact["verification"]["samples"] >= 4
        assert artifact["verification"]["values"] >= 4 * 3 * 32 * 32
    assert np.load(out / "tiny-emap.npy").shape == (16, 16)


@pytest.mark.slow
def test_the_recipe_in_a_report_makes_the_same_files_again(model: Path, tmp_path: Path) -> None:
    first = json.loads(run("convert", model, "--to", "onnx", "--out", tmp_path / "one", "--json").stdout)
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps(first["recipe"]), encoding="utf-8")
    second = json.loads(run("convert", "--recipe", recipe, "--out", tmp_path / "two", "--json").stdout)
    assert first["artifacts"][0]["sha256"] == second["artifacts"][0]["sha256"]
    onnx.save(tiny_swapper_proto(seed=1), str(model))
    changed = run("convert", "--recipe", recipe, "--out", tmp_path / "three")
    assert changed.returncode == 5
    assert "not the file that this was set up for" in changed.stderr
    assert "source.sha256" in changed.stderr


def test_inspect_says_what_a_model_is(model: Path) -> None:
    done = run("inspect", model, "--json")
    assert done.returncode == 0, done.stderr
    assert [tensor["name"] for tensor in json.loads(done.stdout)["signature"]["inputs"]] == ["target", "source"]
    assert "target" in run("inspect", model).stdout


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("convert",), 2, "No folder for the files was given"),
        (("convrt",), 2, "invalid choice"),
        (("convert", "MODEL", "--out", "OUT"), 2, "names no target"),
        (("convert", "--to", "mnn", "--out", "OUT"), 2, "No model was given"),
        (("convert", "MODEL", "--to", "mmn", "--out", "OUT"), 2, "Did you mean 'mnn'?"),
        (("convert", "MODEL", "--to", "mnn,mnn", "--out", "OUT"), 2, "twice"),
        (("convert", "MODEL", "--to", "mnn", "--precision", "fp61", "--out", "OUT"), 2, "Did you mean 'fp16'?"),
        (("convert", "MODEL", "--to", "mnn", "--option", "mnn.block=1", "--out", "OUT"), 2, "has no option 'block'"),
        (("convert", "MODEL", "--to", "mnn", "--shape", "target=1,x", "--out", "OUT"), 2, "NAME=1,3,H,W"),
        (("convert", "MODEL", "--to", "mnn", "--step", "simplfy", "--out", "OUT"), 2, "Did you mean 'simplify'?"),
        (("convert", "MISSING", "--to", "mnn", "--out", "OUT"), 5, "does not exist"),
        (("convert", "MODEL", "--to", "mnn", "--images", "MISSING", "--out", "OUT"), 5, "no folder"),
        (("convert", "MODEL", "--to", "mnn", "--out", "MODEL"), 5, "is a file, not a folder"),
        (("inspect", "MISSING"), 5, "does not exist"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    model: Path, tmp_path: Path, arguments: tuple[str, ...], status: int, sentence: str
) -> None:
    names = {"MODEL": str(model), "OUT": str(tmp_path / "out"), "MISSING": str(tmp_path / "missing.onnx")}
    before = files(tmp_path)
    done = run(*(names.get(argument, argument) for argument in arguments))
    assert done.returncode == status, done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert files(tmp_path) == before


def test_a_bad_file_is_said_without_waiting_for_libraries(tmp_path: Path) -> None:
    """The workers that import torch and TensorFlow meanwhile are stopped."""
    (tmp_path / "picture.onnx").write_bytes(b"\xff\xd8\xff\xe0 no model")
    start = time.monotonic()
    done = run("convert", tmp_path / "picture.onnx", "--to", "tflite,coreml", "--out", tmp_path / "out")
    assert done.returncode == 5, done.stderr
    assert time.monotonic() - start < 15
    assert not (tmp_path / "out").exists()


def test_errors_are_json_too(tmp_path: Path) -> None:
    done = run("convert", tmp_path / "missing.onnx", "--to", "mnn", "--out", tmp_path / "out", "--json")
    assert json.loads(done.stdout)["exit_status"] == done.returncode == 5


def test_existing_files_are_replaced_only_when_told_so(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "tiny-fp32.onnx").write_bytes(b"precious")
    refused = run("convert", model, "--to", "onnx", "--out", out)
    assert refused.returncode == 5
    assert "--force" in refused.stderr
    assert (out / "tiny-fp32.onnx").read_bytes() == b"precious"
    assert files(out) == ["tiny-fp32.onnx"]
    assert run("convert", model, "--to", "onnx", "--out", out, "--force").returncode == 0
    onnx.checker.check_model(str(out / "tiny-fp32.onnx"))


def test_a_model_that_does_not_survive_is_kept_as_unverified_with_the_layer_to_blame(tmp_path: Path) -> None:
    """Weights beyond fp16 become infinite or are cut off there, whatever a converter says about success."""
    proto = tiny_swapper_proto()
    for tensor in proto.graph.initializer:
        if tensor.name == "decoder.weight":
            values = onnx.numpy_helper.to_array(tensor).copy()
            values[:, 0] *= 1e6
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    onnx.save(proto, str(tmp_path / "huge.onnx"))
    out = tmp_path / "out"
    done = run("convert", tmp_path / "huge.onnx", "--to", "mnn", "--precision", "fp16", "--out", out)
    assert done.returncode == 3, done.stderr
    assert files(out) == ["convert.log", "huge-emap.npy", "huge-fp16.mnn.unverified", "report.json"]
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert not report["artifacts"][0]["verified"]
    assert report["artifacts"][0]["first_difference"]["node"] == "Conv:drawn"
    assert "Conv:drawn" in done.stdout


def test_what_a_target_cannot_express_is_said_before_work_starts(tmp_path: Path) -> None:
    proto = tiny_swapper_proto()
    proto.graph.output[0].name = "looped"
    body = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Identity", ["go_on"], ["goes_on"]),
            onnx.helper.make_node("Identity", ["at"], ["next"]),
        ],
        "body",
        [
            onnx.helper.make_tensor_value_info("turn", onnx.TensorProto.INT64, []),
            onnx.helper.make_tensor_value_info("go_on", onnx.TensorProto.BOOL, []),
            onnx.helper.make_tensor_value_info("at", onnx.TensorProto.FLOAT, [1, 3, 32, 32]),
        ],
        [
            onnx.helper.make_tensor_value_info("goes_on", onnx.TensorProto.BOOL, []),
            onnx.helper.make_tensor_value_info("next", onnx.TensorProto.FLOAT, [1, 3, 32, 32]),
        ],
    )
    proto.graph.initializer.insert(0, onnx.numpy_helper.from_array(np.array(2), "turns"))
    proto.graph.initializer.insert(0, onnx.numpy_helper.from_array(np.array(True), "begin"))
    proto.graph.node.append(onnx.helper.make_node("Loop", ["turns", "begin", "output"], ["looped"], body=body))
    onnx.save(proto, str(tmp_path / "loop.onnx"))
    for targets in ("mnn", "coreml,mnn"):
        done = run("convert", tmp_path / "loop.onnx", "--to", targets, "--out", tmp_path / "out")
        assert done.returncode == 4, done.stderr
        assert "Loop" in done.stderr
        assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for single processes")
def test_control_c_leaves_nothing_behind(model: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(PROJECT / "main.py"), "convert", str(model), "--to", "mnn,onnx"]
    with subprocess.Popen(
        [*command, "--out", str(tmp_path / "out")], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        process.stderr.readline()
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 6, error
    assert "Cancelled" in error
    assert time.monotonic() - start < 5
    assert not (tmp_path / "out").exists()
