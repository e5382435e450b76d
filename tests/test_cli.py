"""The command line: what it makes of its arguments, before anything is started."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from converters.cli import main, parse_shapes, parser, recipe_from
from converters.commands.speaking import report_error
from converters.errors import TrustNeededError, UsageError
from converters.recipe import Recipe, TargetRequest
from converters.targets.base import Precision

WRITTEN = Recipe(
    "face.onnx",
    targets=(
        TargetRequest("coreml", Precision.FP16, {"minimum_os": "iOS17", "image_inputs": True}),
        TargetRequest("mnn", Precision.INT8_WEIGHTS, {"weight_block": 32}),
    ),
)


@pytest.fixture
def written(tmp_path: Path) -> str:
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(WRITTEN.to_json()), encoding="utf-8")
    return str(path)


def targets(*arguments: str) -> tuple[TargetRequest, ...]:
    return recipe_from(parser().parse_args(["convert", *arguments, "--out", "out"])).targets


def test_a_recipe_is_taken_as_it_is(written: str) -> None:
    assert targets("--recipe", written) == WRITTEN.targets


def test_what_is_given_beside_a_recipe_keeps_the_rest_of_it(written: str) -> None:
    coreml = {"minimum_os": "iOS17", "image_inputs": True}
    assert targets("--recipe", written, "--to", "coreml") == (TargetRequest("coreml", Precision.FP16, coreml),)
    assert targets("--recipe", written, "--precision", "fp32,fp16") == (
        TargetRequest("coreml", Precision.FP32, coreml),
        TargetRequest("coreml", Precision.FP16, coreml),
        TargetRequest("mnn", Precision.FP32, {"weight_block": 32}),
        TargetRequest("mnn", Precision.FP16, {"weight_block": 32}),
    )
    changed = targets("--recipe", written, "--option", "coreml.minimum_os=iOS18")
    assert changed[0].options == {"minimum_os": "iOS18", "image_inputs": True}
    assert changed[1] == WRITTEN.targets[1]


def test_without_a_recipe_everything_is_fp32() -> None:
    assert targets("face.onnx", "--to", "mnn,tflite") == (TargetRequest("mnn"), TargetRequest("tflite"))


def test_an_option_of_a_target_that_is_not_made_is_refused() -> None:
    with pytest.raises(UsageError, match="not among the targets"):
        targets("face.onnx", "--to", "mnn", "--option", "coreml.minimum_os=iOS17")


def test_options_are_listed_without_a_model_or_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", "--options"]) == 0
    assert "coreml.minimum_os=auto" in capsys.readouterr().out


@pytest.mark.parametrize("seconds", ["-1", "0", "nan", "inf"])
def test_a_time_limit_is_positive(seconds: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", "demo", "--to", "onnx", "--out", str(tmp_path / "out"), "--timeout", seconds]) == 2
    assert "positive number of seconds" in capsys.readouterr().err


def test_names_cannot_command_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(tmp_path / "x\x1b]0;pwned\x07.onnx")]) == 5
    assert "\x1b" not in capsys.readouterr().err


def test_shapes() -> None:
    assert parse_shapes(["a=1,3,64,64", "b:0=1,512"]) == {"a": (1, 3, 64, 64), "b:0": (1, 512)}
    for wrong in ("a", "a=", "=1,2", "a=1,,2", "a=0,1", "a=-1"):
        with pytest.raises(UsageError, match="NAME=1,3,H,W"):
            parse_shapes([wrong])


def test_the_command_line_adds_the_option_that_does_what_an_error_advises(
    written: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = tmp_path / "net.py"
    code.write_text("raise SystemExit")
    assert report_error(TrustNeededError("net.py is code.", "It could do harm.", "Trust it?"), False) == 5
    assert capsys.readouterr().err == "net.py is code. It could do harm. Trust it? Option: --trust, if you do.\n"
    (tmp_path / "report.json").write_text("{}")
    assert main(["convert", "--recipe", written, "--to", "onnx", "--out", str(tmp_path), "--json"]) == 5
    printed = capsys.readouterr()
    assert "--force" in printed.err
    assert "--force" in json.loads(printed.out)["error"]["remedy"]
