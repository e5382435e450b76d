"""What belongs to the window and what to the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from converters.cli import _COMMANDS
from converters.errors import UsageError
from studio.arguments import COMMANDS, Arguments, are_for_window, parse


def test_the_commands_are_the_command_lines() -> None:
    assert set(COMMANDS) == set(_COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [[], ["--demo"], ["--project", "a.ffstudio"], ["--project=a"], ["model.onnx"], ["folder/model"], ["x.py:make"]],
)
def test_the_window_opens(arguments: list[str]) -> None:
    assert are_for_window(arguments)


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["convert"], ["inspect", "model.onnx"], ["convrt"]])
def test_the_command_line_answers(arguments: list[str]) -> None:
    assert not are_for_window(arguments)


def test_a_folder_named_as_nothing_else_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert not are_for_window(["mymodel"])
    (tmp_path / "mymodel").mkdir()
    (tmp_path / "convert").mkdir()
    assert are_for_window(["mymodel"])
    assert not are_for_window(["convert"])


def test_what_is_wanted() -> None:
    assert parse([]) == Arguments()
    assert parse(["--demo"]) == Arguments("demo")
    assert parse(["--project=a b.ffstudio"]) == parse(["--project", "a b.ffstudio"]) == Arguments("a b.ffstudio")
    assert parse(["m=1.onnx", "--measure-loop", "/x/y"]) == Arguments("m=1.onnx", Path("/x/y"))


@pytest.mark.parametrize("arguments", [["--demo", "x.onnx"], ["--project"], ["--nonsense"], ["--demo=1"], ["a", "b"]])
def test_nonsense_is_refused(arguments: list[str]) -> None:
    with pytest.raises(UsageError):
        parse(arguments)
