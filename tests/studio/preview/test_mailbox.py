"""The mailbox holds the newest frame, gives every other slot back, and copies before it does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from converters.preview.slots import Slots
from studio.preview.mailbox import Mailbox
from tests.studio.preview.reports import report

SIZE = 8 * 4 * 4  # bytes of a picture


@pytest.fixture
def slots(tmp_path: Path) -> Iterator[Slots]:
    with Slots.make(2 * SIZE + 8 * 4, 3, tmp_path) as made:
        yield made


def memory(slots: Slots) -> dict[str, Any]:
    return {"event": "memory", "path": str(slots.path), "size": slots.size, "slots": slots.count}


def frame(slots: Slots, identity: int, slot: int, *, has_map: bool = False) -> dict[str, Any]:
    with slots.slot(slot) as bytes_:
        bytes_[:SIZE] = bytes([identity]) * SIZE
        bytes_[SIZE : 2 * SIZE] = bytes([identity + 100]) * SIZE
        bytes_[2 * SIZE : 2 * SIZE + 32] = bytes([identity + 50]) * 32
    map_ = {"overlay": "lpips", "highest": 0.2, "box": [1, 2, 3, 4]} if has_map else None
    made = report(identity, memory=slots.path.name, slot=slot)
    return {"event": "frame", **asdict(made), "map": map_}


def test_newest_frame_wins_and_slots_come_back(slots: Slots) -> None:
    released: list[int] = []
    with Mailbox(lambda message: released.append(message["slot"])) as mailbox:
        mailbox.map(memory(slots))
        assert mailbox.put(frame(slots, 1, 0))
        assert not mailbox.put(frame(slots, 2, 1))  # nobody has to be told again
        assert released == [0]
        taken = mailbox.take()
        assert taken is not None
        assert (taken.identity, mailbox.replaced, released) == (2, 1, [0, 1])
        assert taken.heat is None
        assert mailbox.take() is None
        frame(slots, 9, 1)  # the process writes into the slot that it got back
        assert taken.original.pixelColor(7, 3).red() == 2
        assert taken.candidate.pixelColor(7, 3).red() == 102
        assert mailbox.put(frame(slots, 3, 2, has_map=True))
        taken = mailbox.take()
    assert taken is not None
    assert taken.heat is not None
    assert taken.report.map is not None
    assert taken.report.map.box == (1, 2, 3, 4)
    assert taken.heat.pixelColor(7, 3).red() == 53  # after the memory was unmapped


def test_frames_of_memory_that_was_replaced_are_left_out(slots: Slots, tmp_path: Path) -> None:
    released: list[dict[str, Any]] = []
    with Slots.make(2 * SIZE + 32, 3, tmp_path) as other, Mailbox(released.append) as mailbox:
        mailbox.map(memory(slots))
        mailbox.put(frame(slots, 1, 0))
        mailbox.map(memory(other))
        assert mailbox.take() is None
        assert mailbox.put(frame(other, 2, 0))
        taken = mailbox.take()
    assert taken is not None
    assert taken.original.pixelColor(0, 0).red() == 2


def test_memory_that_is_gone_already_is_no_trouble(slots: Slots, tmp_path: Path) -> None:
    released: list[dict[str, Any]] = []
    made = (Slots.make(2 * SIZE + 32, 3, tmp_path) for _ in range(2))
    with next(made) as first, next(made) as gone, Mailbox(released.append) as mailbox:
        mailbox.map(memory(first))
        gone.forget_name()
        mailbox.map(memory(gone))  # the writer needed more room before anybody looked
        assert not mailbox.put(frame(gone, 1, 0))
        assert mailbox.take() is None
        mailbox.map(memory(slots))
        assert mailbox.put(frame(slots, 2, 0))
        taken = mailbox.take()
    assert taken is not None
    assert taken.identity == 2
