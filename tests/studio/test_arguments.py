"""What belongs to the window and what to the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from converters.cli import _COMMANDS
from converters.errors import UsageError
from converters.preview.request import SourceChoice, SourceKind
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
    assert parse(["m=1.onnx", "--measure-loop", "/x/y"]) == Arguments("m=1.onnx", None, Path("/x/y"))


def test_a_source_opens_the_live_comparison(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "faces").mkdir()
    for name in ("a b.mp4", "one.PNG", "clip"):
        (tmp_path / name).write_bytes(b"no file is opened here")
    expected = {
        "clip": SourceChoice(),
        "./clip": SourceChoice(SourceKind.VIDEO, str(tmp_path / "clip")),
        "camera": SourceChoice(SourceKind.CAMERA, "0", mirror=True),
        "camera:12": SourceChoice(SourceKind.CAMERA, "12", mirror=True),
        "a b.mp4": SourceChoice(SourceKind.VIDEO, str(tmp_path / "a b.mp4")),
        "one.PNG": SourceChoice(SourceKind.FOLDER, str(tmp_path / "one.PNG")),
        "faces": SourceChoice(SourceKind.FOLDER, str(tmp_path / "faces")),
        "virtual:a b.mp4": SourceChoice(SourceKind.VIRTUAL, str(tmp_path / "a b.mp4")),
    }
    for text, source in expected.items():
        assert parse(["m.onnx", "--source", text]) == Arguments("m.onnx", source), text
        assert parse([f"--source={text}"]) == Arguments("demo", source), text
        assert are_for_window(["--source", text])
        assert SourceChoice.from_json(source.to_json()) == source


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nowhere.mp4", "no source 'nowhere.mp4'"),
        ("camera:-1", "no camera '-1'"),
        ("camera:", "no camera ''"),
        ("camera:front", "no camera 'front'"),
        ("virtual:nowhere.mp4", "no video 'nowhere.mp4'"),
        ("", "--source needs a source"),
    ],
)
def test_a_source_that_is_not_there_is_refused_in_a_sentence(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as refused:
        parse(["--demo", "--source", text])
    assert refused.value.exit_status == 2
    assert refused.value.remedy


@pytest.mark.parametrize(
    "arguments",
    [["--demo", "x.onnx"], ["--project"], ["--project="], ["--source"], ["--nonsense"], ["--demo=1"], ["a", "b"]],
)
def test_nonsense_is_refused(arguments: list[str]) -> None:
    with pytest.raises(UsageError):
        parse(arguments)
