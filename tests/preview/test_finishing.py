"""Frames are kept and recorded whether or not the window has room for them, each with its own report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.dialogue import Dialogue
from converters.errors import BadInputError
from converters.preview import finishing
from converters.preview.finishing import Finisher
from converters.preview.request import Look, Overlay
from converters.preview.treated import Shown, Treated
from tests.preview.kept_frames import plain, shown


class Kept:
    """Takes the place of what writes files: remembers what it was given."""

    def __init__(self, *_: object) -> None:
        self.added: list[Shown] = []
        self.written: list[Shown] = []

    def add(self, each: Shown) -> None:
        self.added.append(each)

    def snapshot(self, _path: Path, each: Shown) -> None:
        self.written.append(each)

    def close(self) -> None:
        pass


def treated(identity: int) -> Treated:
    """Return a frame whose sides both tell its number, on which no face was found."""
    made = shown(identity, (), identity / 10).treated
    result = replace(made.result, original=plain(identity), candidate=plain(identity + 100), crops=())
    return replace(made, result=result, look=Look(80, 45, Overlay.DIFFERENCE))


@pytest.fixture
def said() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    made = Kept()
    monkeypatch.setattr(finishing, "Keeping", lambda *_: made)
    return made


@pytest.fixture
def finisher(said: list[dict[str, Any]], kept: Kept, tmp_path: Path) -> Iterator[Finisher]:
    assert not kept.added
    with Finisher(Dialogue(say=said.append), tmp_path) as made:
        yield made


def test_a_frame_without_a_slot_is_kept_all_the_same(
    finisher: Finisher, kept: Kept, said: list[dict[str, Any]]
) -> None:
    for identity in range(1, 6):
        finisher.take(treated(identity))
    finisher.snapshot({"command": "snapshot", "path": "seen.png"})
    finisher.wait()
    frames = [each for each in said if each["event"] == "frame"]
    assert [each["identity"] for each in frames] == [1, 2, 3]
    assert finisher.finished == 3
    assert [each.report.identity for each in kept.added] == [1, 2, 3, 4, 5]
    assert [each.report.memory == "" for each in kept.added] == [False, False, False, True, True]
    first, last = kept.added[0], kept.added[-1]
    assert first.grey is not None
    assert last.grey is not None
    assert np.array_equal(first.grey, last.grey)
    (written,) = kept.written  # the pictures of an older one may be written over by now
    assert written.report.identity == written.treated.frame.identity == written.treated.result.original[0, 0, 0] == 5

    assert not finisher.publisher.take_owed()
    finisher.publisher.release(frames[0]["memory"], frames[0]["slot"])
    assert finisher.publisher.take_owed()
    assert not finisher.publisher.take_owed()
    finisher.again(Look(40, 40))
    finisher.wait()
    assert (said[-1]["identity"], said[-1]["size"]) == (5, (40, 22))
    assert len(kept.added) == 5, "it was kept already"


def test_a_frame_that_cannot_be_judged_is_no_older_one(
    finisher: Finisher, kept: Kept, said: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    finisher.take(treated(1))
    finisher.wait()

    def fail(*_: object, **__: object) -> None:
        raise BadInputError("A side drew no numbers.", "", "")

    monkeypatch.setattr(finishing.Measures, "judge", fail)
    finisher.take(treated(2))
    finisher.snapshot({"command": "snapshot", "path": "seen.png"})
    finisher.wait()
    assert not kept.written
    assert [each["event"] for each in said[-2:]] == ["trouble", "refused"]
