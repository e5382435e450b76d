"""The tray keeps the frames that lose most, not the same moment twelve times, and its pictures are true."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from converters.errors import StudioError
from converters.face.faces import Picture
from converters.pictures import read_picture
from converters.preview import worst as worst_module
from converters.preview.worst import APART, WorstFrames
from tests.preview.kept_frames import HEIGHT, WIDTH, shown


class Tray:
    """A tray and what it tells."""

    def __init__(self, folder: Path, most: int = 4) -> None:
        self._changed = threading.Condition()
        self.errors: list[StudioError] = []
        self.frames = WorstFrames(folder, self._notify, self._fail, most)

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _fail(self, error: StudioError) -> None:
        self.errors.append(error)
        self._notify()

    def until(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, 20)

    def offer(self, identity: int, loss: float, seconds: float) -> bool:
        frame = shown(identity, (loss,), seconds)
        return self.frames.offer(frame.treated.frame, frame.treated.result, frame.report)

    def keep(self, identity: int, loss: float, seconds: float) -> None:
        """Offer a frame that is to be kept, and wait until it is."""
        assert self.offer(identity, loss, seconds)
        self.until(lambda: identity in self.identities())

    def identities(self) -> list[int]:
        return [each.identity for each in self.frames.frames()]


@pytest.fixture
def tray(tmp_path: Path) -> Iterator[Tray]:
    made = Tray(tmp_path / "tray")
    yield made
    made.frames.close()


def test_worst_frames_come_first_and_push_out_the_best(tray: Tray) -> None:
    for identity, loss in enumerate((0.10, 0.30, 0.20, 0.05)):
        tray.keep(identity, loss, identity * 10.0)
    assert tray.identities() == [1, 2, 0, 3]
    assert not tray.offer(4, 0.04, 40.0)
    tray.keep(5, 0.25, 50.0)
    assert tray.identities() == [1, 5, 2, 0]
    assert [each.loss for each in tray.frames.frames()] == [0.30, 0.25, 0.20, 0.10]


def test_neighbours_take_one_place(tray: Tray) -> None:
    tray.keep(1, 0.10, 5.0)
    assert not tray.offer(2, 0.09, 5.0 + APART / 2)
    tray.keep(3, 0.12, 5.0 - APART / 2)
    assert tray.identities() == [3]
    tray.keep(4, 0.11, 5.0 - APART / 2 + APART)  # far enough from what is left
    assert tray.identities() == [3, 4]
    tray.keep(5, 0.20, 5.0)  # between both, worse than both
    assert tray.identities() == [5]


def test_frames_of_a_loop_are_not_kept_twice(tray: Tray) -> None:
    for identity in range(0, 40, 10):
        tray.offer(identity, 0.1, 2.0)
    tray.until(lambda: bool(tray.identities()))
    assert tray.identities() == [0]


def test_frames_that_lose_nothing_are_not_kept(tray: Tray) -> None:
    assert not tray.offer(1, 0.0, 1.0)
    frame = shown(2, (), 2.0)
    assert not tray.frames.offer(frame.treated.frame, frame.treated.result, frame.report)


def test_pictures_are_what_was_seen(tray: Tray) -> None:
    frame = shown(7, (0.1, 0.3), 1.0)
    frame.treated.frame.picture[..., 0] = 250  # red
    assert tray.frames.offer(frame.treated.frame, frame.treated.result, frame.report)
    for array in (frame.treated.frame.picture, frame.treated.result.original, frame.treated.result.candidate):
        array[:] = 0  # the buffers are the pair's and get their next frame at once
    tray.until(lambda: bool(tray.identities()))
    kept = tray.frames.frames()[0]
    assert np.all(read_picture(Path(kept.picture)) == (250, 7, 7))
    for path, value in ((kept.original, 60), (kept.candidate, 120)):
        assert np.all(read_picture(Path(path)) == value)
    thumbnail = read_picture(Path(kept.thumbnail)).astype(int)
    half = thumbnail.shape[1] // 2
    # the worst face is the second
    assert abs(thumbnail[:, :half] - 0.35 * 255).max() <= 1
    assert abs(thumbnail[:, half:] - 0.85 * 255).max() <= 1


def test_pictures_of_frames_that_left_go_after_a_while(tray: Tray, tmp_path: Path) -> None:
    for identity in range(1, 30):
        tray.keep(identity, 0.01 * identity, 0.0)
    files = len(list((tmp_path / "tray").rglob("*.png")))
    assert 4 <= files <= 4 * 8
    first = tray.frames.frames()[0]
    tray.frames.forget()
    assert not tray.identities()
    assert Path(first.picture).exists()  # somebody may be copying it


def test_worst_of_all_is_kept_while_others_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(picture: Picture) -> bytes:
        begun.set()
        assert go_on.wait(30)
        return encoded(picture)

    encoded = worst_module._encoded
    monkeypatch.setattr(worst_module, "_encoded", slow)
    tray = Tray(tmp_path / "tray", most=12)
    losses = (0.10, 0.11, 0.12, 0.13, 0.14, 0.90, 0.15, 0.09)
    kept = []
    for identity, loss in enumerate(losses):
        kept.append(tray.offer(identity, loss, identity * 10.0))
        assert begun.wait(30)  # the first one is being written, the others wait
    assert kept == [True] * 7 + [False]  # the last one loses less than all that wait
    go_on.set()
    tray.frames.close()
    assert [each.loss for each in tray.frames.frames()] == [0.90, 0.15, 0.14, 0.10]
    assert len(list((tmp_path / "tray").rglob("*.png"))) == 4 * 4


def test_what_is_kept_and_spared_is_bounded_in_bytes(
    tray: Tray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 3 * HEIGHT * WIDTH * 3
    monkeypatch.setattr(worst_module, "MOST_BYTES", 2 * size)
    monkeypatch.setattr(worst_module, "_SPARED_BYTES", size)
    for identity in range(1, 6):
        tray.keep(identity, 0.1 * identity, identity * 10.0)
    assert tray.identities() == [5, 4]
    assert not tray.offer(6, 0.35, 60.0)  # it would only be written to be removed
    assert len(list((tmp_path / "tray").rglob("*.png"))) == 4 * 3
    large = shown(7, (0.45,), 70.0, shape=(2 * HEIGHT, WIDTH))
    assert not tray.frames.offer(large.treated.frame, large.treated.result, large.report)  # it would cost the worst
    large = shown(8, (0.95,), 80.0, shape=(3 * HEIGHT, WIDTH))
    assert tray.frames.offer(large.treated.frame, large.treated.result, large.report)
    tray.until(lambda: tray.identities() == [8])  # one frame always has room


def test_frames_that_wait_are_bounded_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(_picture: Picture) -> bytes:
        begun.set()
        assert go_on.wait(30)
        return b""

    monkeypatch.setattr(worst_module, "_encoded", slow)
    monkeypatch.setattr(worst_module, "_WAITING_BYTES", 3 * HEIGHT * WIDTH * 3)
    tray = Tray(tmp_path / "tray")
    for identity in range(4):
        assert tray.offer(identity, 0.1 + identity * 0.1, identity * 10.0)
        assert begun.wait(30)
    go_on.set()
    tray.frames.close()
    assert tray.identities() == [3, 0]


def test_frame_that_comes_again_after_forgetting_has_its_own_pictures(tray: Tray) -> None:
    tray.keep(1, 0.1, 1.0)
    former = tray.frames.frames()[0]
    tray.frames.forget()
    tray.keep(1, 0.1, 1.0)
    assert tray.frames.frames()[0].picture != former.picture


def test_bug_while_writing_is_said_and_the_next_try_works(
    tray: Tray, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(_picture: Picture) -> bytes:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(worst_module, "_encoded", fail)
        assert tray.offer(1, 0.1, 1.0)
        tray.until(lambda: bool(tray.errors))
    assert "MemoryError" in tray.errors[0].what
    assert "Traceback" in capfd.readouterr().err
    tray.frames.forget()
    tray.keep(2, 0.1, 1.0)


def test_new_tray_removes_what_an_earlier_one_left(tmp_path: Path) -> None:
    for _ in range(2):
        tray = Tray(tmp_path / "tray")
        tray.keep(1, 0.1, 1.0)
        tray.frames.close()
    assert len(list((tmp_path / "tray").rglob("1-*-frame.png"))) == 1


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a small disk")
def test_full_disk_is_said_once_and_the_tray_stays(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(folder)], check=True)
    try:
        tray = Tray(folder)
        tray.keep(1, 0.1, 1.0)
        (folder / "filling").write_bytes(bytes(250 * 1024 - sum(p.stat().st_blocks * 512 for p in folder.rglob("*"))))
        assert tray.offer(2, 0.2, 10.0)
        tray.until(lambda: bool(tray.errors))
        assert "The disk is full" in tray.errors[0].why
        assert tray.identities() == [1]
        assert not tray.offer(3, 0.3, 20.0)
        assert not list(folder.rglob("2-*.png"))
        (folder / "filling").unlink()
        tray.frames.forget()  # a person's wish for a new try
        tray.keep(4, 0.4, 30.0)
        tray.frames.close()
        assert len(tray.errors) == 1
    finally:
        subprocess.run(["umount", str(folder)], check=True)
