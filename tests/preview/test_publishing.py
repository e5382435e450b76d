"""Shared memory: how much is made when, where, and what of frames that are too large."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from converters.dialogue import Dialogue
from converters.errors import DestinationError
from converters.preview import slots
from converters.preview.display import MOST_PIXELS
from converters.preview.publishing import Placed, Publisher
from converters.preview.region import Region, close_up_side, whole
from converters.preview.request import Look, Overlay
from converters.preview.slots import Slots
from tests.preview.kept_frames import plain


@pytest.fixture
def said() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def publisher(said: list[dict[str, Any]]) -> Iterator[Publisher]:
    with Publisher(Dialogue(say=said.append)) as made:
        yield made


def put(publisher: Publisher, width: int) -> Placed:
    placed = publisher.put(plain(1), plain(2), Region(0, 0, 160, 90, (width, width // 2)), Overlay.NONE, ())
    publisher.release(placed.memory, placed.slot)
    return placed


def test_a_window_that_is_dragged_larger_seldom_makes_new_memory(
    publisher: Publisher, said: list[dict[str, Any]]
) -> None:
    for width in range(400, 800, 20):
        assert put(publisher, width).memory
    assert len(said) <= 3
    assert all(each["event"] == "memory" for each in said)


def test_without_room_for_more_the_old_memory_stays(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    before = put(publisher, 100)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    with monkeypatch.context() as context:
        context.setattr(os, "posix_fallocate", full, raising=False)
        context.setattr(os, "truncate", full)
        with pytest.raises(DestinationError):
            put(publisher, 1000)
    assert put(publisher, 100).memory == before.memory
    assert put(publisher, 1000).memory != before.memory


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="reserves nothing here")
def test_memory_without_room_falls_back_to_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = (tmp_path / "memory", tmp_path / "temporary")
    for each in folders:
        each.mkdir()
    reserve, asked = os.posix_fallocate, []

    def first_is_full(*arguments: int) -> None:
        asked.append(arguments)
        if len(asked) == 1:
            raise OSError(errno.ENOSPC, "no space")
        reserve(*arguments)

    monkeypatch.setattr(os, "posix_fallocate", first_is_full)
    monkeypatch.setattr(slots, "memory_folders", lambda: folders)
    with Slots.make(1000, 3) as made:
        assert made.path.parent == folders[1]
        assert list(folders[1].iterdir()) == [made.path]
    assert not list(folders[0].iterdir())


def test_memory_that_is_gone_is_no_error_and_what_cannot_be_mapped_is(tmp_path: Path) -> None:
    assert Slots.of_writer(tmp_path / "gone", 100, 1) is None
    (tmp_path / "folder").mkdir()
    with pytest.raises(DestinationError):
        Slots.of_writer(tmp_path / "folder", 100, 1)


@pytest.mark.parametrize(
    ("size", "expected"), [((3840, 2160), (3840, 2160)), ((1920, 1080), (1920, 1080)), ((8000, 6000), (3325, 2494))]
)
def test_no_more_than_eight_megapixels_are_handed_over(size: tuple[int, int], expected: tuple[int, int]) -> None:
    region = whole(size, Look())
    assert region.size == expected
    assert (region.right, region.bottom) == size
    assert close_up_side(Look(8000, 8000)) ** 2 <= MOST_PIXELS
