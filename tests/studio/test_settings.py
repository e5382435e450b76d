"""Settings: kept between runs, checked field by field, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from converters.errors import StudioError
from studio.settings import MOST_RECENT, Settings, SettingsStore


@pytest.fixture
def file(tmp_path: Path, qtbot: QtBot) -> Path:
    del qtbot
    return tmp_path / "data" / "settings.json"


def test_changes_are_there_at_the_next_start(file: Path, qtbot: QtBot) -> None:
    store = SettingsStore(file)
    assert store.notice is None
    with qtbot.waitSignal(store.changed):
        store.change(theme="dark", language="zh_CN", drawer_open=True)
    with qtbot.assertNotEmitted(store.changed):
        store.change(theme="dark")
    for number in range(MOST_RECENT + 3):
        store.add_recent(f"/models/{number}.onnx")
    store.add_recent("/models/5.onnx")
    store.remove_recent("/models/14.onnx")
    store.close()
    again = SettingsStore(file)
    assert again.notice is None
    assert again.value == store.value
    assert again.value.theme == "dark"
    assert again.value.recent[:3] == ("/models/5.onnx", "/models/13.onnx", "/models/12.onnx")
    assert len(again.value.recent) == MOST_RECENT - 1
    assert {path.name for path in file.parent.iterdir()} == {"settings.json"}


def test_two_windows_do_not_take_back_what_the_other_changed(file: Path) -> None:
    first = SettingsStore(file)
    first.change(recent=("/a", "/b", "/c"))
    first.close()
    second = SettingsStore(file)
    first.change(theme="light", export_folder="/packages")
    first.add_recent("/of_the_first")
    first.remove_recent("/b")
    first.close()
    second.change(drawer_open=True)
    second.add_recent("/of_the_second")
    second.close()
    both = ("/of_the_second", "/of_the_first", "/a", "/c")
    expected = Settings(theme="light", export_folder="/packages", drawer_open=True, recent=both)
    assert SettingsStore(file).value == expected
    second.change(theme="dark")  # the newest wish for one field is the one that counts
    second.add_recent("/b")
    second.close()
    assert SettingsStore(file).value.theme == "dark"
    assert SettingsStore(file).value.recent == ("/b", *both)


def test_what_could_not_be_written_is_written_with_the_next_change(file: Path, qtbot: QtBot) -> None:
    store = SettingsStore(file)
    file.parent.write_text("a file, no folder")
    with qtbot.waitSignal(store.failed):
        store.change(theme="dark")
    store.close()
    file.parent.unlink()
    store.change(drawer_open=True)
    store.close()
    assert SettingsStore(file).value == Settings(theme="dark", drawer_open=True)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"[]", b"[" * 100_000, b'"' + b"x" * 2_000_000 + b'"'])
def test_a_damaged_file_is_set_aside_and_said(file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    store = SettingsStore(file)
    assert store.value == Settings()
    assert store.notice is not None
    assert "damaged" in str(store.notice)
    aside = file.with_name("settings.json.damaged")
    assert str(aside) in str(store.notice)
    assert aside.read_bytes() == content
    store.change(theme="light")
    store.close()
    assert SettingsStore(file).value == Settings(theme="light")


def test_fields_that_make_no_sense_are_the_usual_ones(file: Path) -> None:
    good = {"theme": "light", "recent": ["/a.onnx"], "from_a_newer_version": 1}
    bad = {"language": "klingon", "drawer_open": 1, "last_folder": None, "export_folder": ["x"]}
    file.parent.mkdir()
    file.write_text(json.dumps(good | bad))
    store = SettingsStore(file)
    assert store.value == Settings(theme="light", recent=("/a.onnx",))
    assert store.notice is not None
    assert "drawer_open, export_folder, language, last_folder" in str(store.notice)
    store.change(drawer_open=True)
    store.close()
    assert "from_a_newer_version" not in file.read_text()
    file.write_text(json.dumps({"recent": ["/a", 3]}))
    assert SettingsStore(file).value.recent == ()


@pytest.mark.parametrize(
    "values", [{"them": "dark"}, {"theme": "pink"}, {"recent": ["/a"]}, {"drawer_open": 1}, {"language": None}]
)
def test_wrong_values_are_bugs(file: Path, values: dict[str, object]) -> None:
    store = SettingsStore(file)
    with pytest.raises(ValueError, match="cannot be"):
        store.change(**values)
    assert store.value == Settings()


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "data").write_text("a file, no folder")
    store = SettingsStore(tmp_path / "data" / "settings.json")
    with qtbot.waitSignal(store.failed) as caught:
        store.change(theme="dark")
    assert caught.args is not None
    (error,) = caught.args
    assert isinstance(error, StudioError)
    assert "data cannot be written. A part of the path is a file" in str(error)
    assert store.value.theme == "dark"
    store.close()
