"""Project files: written, read again, moved, older, newer, and everything that is none."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from converters.errors import BadInputError, StudioError, UnsupportedError
from converters.precision import Precision
from converters.recipe import Recipe, StepRequest, TargetRequest, VerificationRequest
from studio.project import MadeFile, Project
from studio.project_file import MOST_BYTES, project_data, project_from, read_project, write_project
from tests.studio.projects import line_of, running


def full_project(folder: Path) -> Project:
    recipe = Recipe(
        source=str(folder / "models" / "faces.onnx"),
        source_sha256="ab" * 32,
        shapes={"target": (1, 3, 128, 128)},
        steps=(StepRequest("quantize", {"calibration": f"{folder / 'crops'}\n/elsewhere/more", "samples": 8}),),
        targets=(TargetRequest("coreml", Precision.FP16, {"minimum": "iOS17"}),),
        verification=VerificationRequest(images=str(folder / "judges")),
    )
    inside = MadeFile(folder / "p-files" / "ä.mnn", "mnn", "fp32", 7, "cd" * 32, True, "k", {"notes": [1.5, None]})
    outside = replace(inside, path=Path("/elsewhere/b.mnn"), verified=False)
    return Project("0" * 32, recipe, (inside, outside), str(folder / "pictures"), "convert")


def test_what_is_written_is_read_again_at_another_place(tmp_path: Path) -> None:
    """The folder moves with everything in it: what lies below is found there, what does not stays where it was."""
    old, new = tmp_path / "old", tmp_path / "new"
    write_project(old / "p.ffstudio", full_project(old))
    text = (old / "p.ffstudio").read_text(encoding="utf-8")
    assert str(old) not in text
    assert "./models/faces.onnx" in text
    assert read_project(old / "p.ffstudio") == full_project(old)
    old.rename(new)
    assert read_project(new / "p.ffstudio") == full_project(new)


def test_a_file_called_demo_beside_the_project_is_not_the_demo(tmp_path: Path) -> None:
    for source, written in ((str(tmp_path / "demo"), "./demo"), ("demo", "demo")):
        project = replace(Project.fresh(), recipe=Recipe(source))
        write_project(tmp_path / "p.ffstudio", project)
        assert json.loads((tmp_path / "p.ffstudio").read_text())["recipe"]["source"]["path"] == written
        assert read_project(tmp_path / "p.ffstudio").recipe.source == source


def test_older_versions_are_brought_up_to_date_one_by_one(tmp_path: Path) -> None:
    """Version 1 had `note`, version 2 called it `remark`, version 3 calls it `page` as today's form does."""
    data = project_data(full_project(tmp_path), tmp_path)
    data.pop("page")
    path = tmp_path / "old.ffstudio"
    path.write_text(json.dumps({**data, "version": 1, "note": "export"}), encoding="utf-8")
    before = path.read_bytes()

    def renamed(old: str, new: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
        return lambda data: {**{key: value for key, value in data.items() if key != old}, new: data[old]}

    table = {1: renamed("note", "remark"), 2: renamed("remark", "page")}
    assert read_project(path, newest=3, migrations=table) == replace(full_project(tmp_path), page="export")
    assert path.read_bytes() == before, "reading does not write"
    with pytest.raises(BadInputError, match="no project"):
        read_project(path)  # without the migrations it has an unknown key
    path.write_text(json.dumps({**data, "version": 1}), encoding="utf-8")
    with pytest.raises(BadInputError, match="cannot be brought up to date"):
        read_project(path, newest=3, migrations=table)


def with_change(*keys: Any, value: Any) -> Callable[[Path], bytes]:
    def content(folder: Path) -> bytes:
        data = json.loads(json.dumps(project_data(full_project(folder), folder)))
        place = data
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value
        return json.dumps(data).encode()

    return content


def as_is(content: bytes) -> Callable[[Path], bytes]:
    return lambda _folder: content


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (as_is(b""), "is empty"),
        (as_is(b"\x89PNG\r\n\x1a\n\x00\xff\xfe"), "It is no text"),
        (as_is(b"{"), "It is no JSON"),
        (as_is(b'{"format": "ffstudio-project", "version": 1, "x": NaN}'), "NaN is no JSON number"),
        (as_is(b"[" * 5000), "nested too deeply"),
        (as_is(b'{"a":' * 50_000 + b"1" + b"}" * 50_000), "nested too deeply"),
        (as_is(b"[" + b"[]," * 2_000_000 + b"[]]"), "too many brackets"),
        (as_is(b'"' + b"x" * MOST_BYTES + b'"'), "too large for a project"),
        (as_is(b"[1, 2]"), "is no project of this program"),
        (as_is(b'{"version": 1, "source": {}}'), "is no project of this program"),
        (with_change("format", value="ffstudio-recovery"), "is no project of this program"),
        (with_change("version", value=True), "Its version is"),
        (with_change("version", value=0), "Its version is"),
        (with_change("version", value=2), "saved by a newer version"),
        (with_change("identity", value="../../etc"), "32 hexadecimal digits"),
        (with_change("files", value={}), "files must be a list, not an object"),
        (with_change("files", 0, "size", value=True), "size must be a whole number, not true or false"),
        (with_change("files", 0, "path", value=""), "path is empty"),
        (with_change("files", 0, "report", value=[]), "report must be an object"),
        (with_change("files", 0, "path", value="./../../escape"), "leads out of the project's folder"),
        (with_change("recipe", value=None), "recipe must be an object"),
        (with_change("recipe", "source", "path", value="./../x"), "leads out of the project's folder"),
        (with_change("recipe", "version", value=9), "In its recipe: The recipe has version 9"),
        (with_change("recipe", "targets", 0, "precision", value="fp8"), "there is no precision 'fp8'"),
        (with_change("pages", value="model"), "Did you mean 'page'?"),
    ],
)
def test_what_is_no_project_is_said_in_a_sentence(tmp_path: Path, content: Callable[[Path], bytes], words: str) -> None:
    path = tmp_path / "p.ffstudio"
    path.write_bytes(content(tmp_path))
    with pytest.raises(StudioError) as caught:
        read_project(path)
    assert words in str(caught.value)
    assert caught.value.remedy
    assert "p.ffstudio" in caught.value.what


def test_brackets_in_texts_are_no_nesting(tmp_path: Path) -> None:
    project = replace(full_project(tmp_path), comparison_images='/pictures/"[' * 300 + "\\")
    assert project_from(json.loads(json.dumps(project_data(project, None))), "p", None) == project
    write_project(tmp_path / "p.ffstudio", project)
    assert read_project(tmp_path / "p.ffstudio") == project


def test_what_is_there_but_no_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "folder.ffstudio").mkdir()
    os.mkfifo(tmp_path / "pipe.ffstudio")
    for name, words in (("folder", "is a folder"), ("pipe", "neither a file"), ("gone", "does not exist")):
        with pytest.raises(BadInputError, match=words):
            read_project(tmp_path / f"{name}.ffstudio")


def test_a_newer_project_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "p.ffstudio").write_bytes(with_change("version", value=7)(tmp_path))
    with pytest.raises(UnsupportedError, match=r"It has version 7; this one reads up to version 1\. Update"):
        read_project(tmp_path / "p.ffstudio")


def test_a_file_without_permission_is_said(own_temporary_folder: Path) -> None:
    path = own_temporary_folder / "locked.ffstudio"
    path.write_text("{}")
    path.chmod(0)
    code = """
        try:
            Document().open(Path(sys.argv[1]))
        except StudioError as error:
            print(error, flush=True)
    """
    try:
        with running(code, path, as_nobody=True) as process:
            assert "cannot be read. This account has no permission. Change" in line_of(process)
    finally:
        path.unlink()
