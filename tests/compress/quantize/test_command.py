"""The command quantize and the folder it writes to: what is wrong with that is said before the work."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from converters.cli import main
from converters.files import Staging


def refuse(_staging: Staging) -> None:
    """Say what a system says whose person may not write there."""
    raise PermissionError(errno.EACCES, "Permission denied")


def test_a_place_that_cannot_be_written_is_refused_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("converters.worker_client.Worker", lambda *_: pytest.fail("work began"))
    file = tmp_path / "file"
    file.write_text("kept")
    for force in ([], ["--force"]):
        assert main(["quantize", "demo", "--out", str(file), *force]) == 5
        said = capsys.readouterr().err
        assert f"{file} is a file, not a folder." in said
        assert "--force" not in said
    assert main(["quantize", "demo", "--out", str(file / "below")]) == 5
    assert "cannot be written" in capsys.readouterr().err
    monkeypatch.setattr(Staging, "_create_destination", refuse)
    assert main(["quantize", "demo", "--out", str(tmp_path / "closed")]) == 5
    assert "does not permit it" in capsys.readouterr().err
    assert file.read_text() == "kept"
    assert list(tmp_path.iterdir()) == [file]


def test_a_model_that_cannot_be_read_leaves_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quantize", str(tmp_path / "none.onnx"), "--out", str(tmp_path / "new" / "out")]) == 5
    assert "none.onnx" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
