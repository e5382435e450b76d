"""The cache: bounded, atomic, and never more than a saver of time."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from converters.cache import CACHE_VARIABLE, Cache, cache_folder


def test_what_is_put_in_comes_out(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "deep" / "folder")
    assert cache.get("group", "key") is None
    assert cache.put("group", "key", b"content")
    assert cache.get("group", "key") == b"content"
    assert cache.put("group", "key", b"other")
    assert cache.get("group", "key") == b"other"
    assert cache.keys("group") == ["key"]
    assert cache.keys("another") == []
    cache.remove("group", "key")
    cache.remove("group", "key")
    assert cache.get("group", "key") is None


def test_an_entry_that_is_not_whole_counts_as_absent(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    for damage in (lambda stored: stored[:-1], lambda _stored: b"", lambda stored: stored + b"x", lambda _stored: b"x"):
        cache.put("group", "key", b"content")
        (path,) = tmp_path.rglob("*.ffcache")
        path.write_bytes(damage(path.read_bytes()))
        assert cache.get("group", "key") is None
        assert not path.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_link_is_no_entry_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    cache.put("group", "key", b"content")
    (path,) = tmp_path.rglob("*.ffcache")
    elsewhere = tmp_path / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    assert cache.get("group", "key") is None
    assert elsewhere.exists()


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, most_bytes=5_000)
    for number in range(4):
        assert cache.put("group", f"key{number}", bytes(1_000))
        path = tmp_path / "group" / f"key{number}.ffcache"
        os.utime(path, (1_000_000 + number, 1_000_000 + number))
    assert cache.get("group", "key0") is not None  # used just now
    assert cache.put("other", "key4", bytes(1_500))
    assert cache.get("group", "key0") is not None
    assert cache.get("group", "key1") is None
    assert cache.get("other", "key4") is not None
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.ffcache")) <= 5_000


def test_files_of_others_stay_and_are_not_counted(tmp_path: Path) -> None:
    (tmp_path / "group").mkdir()
    foreign = [tmp_path / "letter.txt", tmp_path / "group" / "photo.jpg", tmp_path / "group" / "My Notes.ffcache"]
    for path in foreign:
        path.write_bytes(bytes(10_000))
    cache = Cache(tmp_path, most_bytes=3_000)
    for number in range(5):
        assert cache.put("group", f"key{number}", bytes(1_000))
    assert all(path.exists() for path in foreign)
    assert len(cache.keys("group")) == 2


def test_what_is_larger_than_the_cache_is_not_kept(tmp_path: Path) -> None:
    cache = Cache(tmp_path, most_bytes=1_000)
    assert cache.put("group", "small", bytes(100))
    assert not cache.put("group", "large", bytes(2_000))
    assert cache.keys("group") == ["small"]


def test_unfinished_files_are_removed_once_they_are_old(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put("group", "key", b"content")
    old, new = tmp_path / "group" / f".{'0' * 16}.part", tmp_path / "group" / f".{'1' * 16}.part"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1_000_000, 1_000_000))
    assert cache.keys("group") == ["key"]
    assert (old.exists(), new.exists()) == (False, True)


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("taken")
    cache = Cache(tmp_path / "file" / "folder")
    assert not cache.put("group", "key", b"content")
    assert cache.get("group", "key") is None
    assert cache.keys("group") == []


@pytest.mark.parametrize("name", ["", "../up", "a/b", "Upper", ".hidden", "x" * 101])
def test_names_cannot_lead_out_of_the_folder(tmp_path: Path, name: str) -> None:
    cache = Cache(tmp_path)
    for call in (lambda: cache.get(name, "key"), lambda: cache.put("group", name, b""), lambda: cache.keys(name)):
        with pytest.raises(ValueError, match="no name"):
            call()


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.delenv(CACHE_VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr(sys, "platform", "linux")
    assert cache_folder() == tmp_path / "xdg" / "facefusion-mobile-studio"
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    monkeypatch.setattr(sys, "platform", "win32")
    assert cache_folder() == tmp_path / "local" / "facefusion-mobile-studio" / "Cache"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache_folder().parts[-3:] == ("Library", "Caches", "facefusion-mobile-studio")
