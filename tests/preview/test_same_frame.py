"""Both panes show the same frame, always: a number drawn into each camera frame is read from both."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from converters.builtin import DEMO_CLIP
from converters.pictures import read_picture
from converters.preview.board import board_size, text_height
from converters.preview.request import Look, ModelChoice, PreviewRequest, SourceChoice, SourceKind
from converters.preview.sources.virtual import read_barcode
from tests.preview.conversation import Conversation, Seen
from tests.preview.models import SWAPPER
from tests.preview.pair_models import enhancer

LOOK = Look(640, 360)
BITS = 1 << 16


@pytest.fixture
def load() -> Iterator[None]:
    """Keep every core busy with something else."""
    code = "while True: pass"
    busy = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(psutil.cpu_count() or 1)]
    yield
    for process in busy:
        process.kill()
        process.wait()


def conversation(tmp_path: Path, operations: str = "", models: tuple[Path, Path] = (SWAPPER, SWAPPER)) -> Conversation:
    """Begin a preview of a camera that numbers its frames."""
    source = SourceChoice(SourceKind.VIRTUAL, str(DEMO_CLIP), options={"barcode": True})
    sides = [ModelChoice(str(path)) for path in models]
    options = {"landmarker": "none", "track": False}  # which take time and change nothing here
    request = PreviewRequest(*sides, source, str(tmp_path / "worst"), options=options, look=LOOK)
    return Conversation(request, tmp_path / "log", operations=operations)


def check(frames: list[Seen]) -> None:
    """Fail unless both panes of each frame carry one number, and the numbers rise as the identities do."""
    numbers = []
    for seen in frames:
        scale = seen.report.size[0] / seen.report.full_size[0]
        one, other = (read_barcode(picture, scale) for picture in (seen.original, seen.candidate))
        assert one == other, f"frame {seen.report.identity}: {one} beside {other}"
        numbers.append(one)
    identities = [seen.report.identity for seen in frames]
    steps = [(after - before) % BITS for before, after in pairwise(numbers)]
    assert all(0 < step < BITS // 2 for step in steps), "a pane went back, or stood still"
    assert identities == sorted(set(identities))


@pytest.mark.usefixtures("load")
def test_both_panes_carry_the_same_frame_under_load(tmp_path: Path) -> None:
    with conversation(tmp_path) as talk:
        talk.wait(lambda: len(talk.frames) >= 12, "12 frames")
        check(talk.frames)
        assert talk.frames[-1].report.dropped > 0, "under this load not every frame can be treated"


def test_a_snapshot_is_of_the_frame_that_it_tells_of(tmp_path: Path) -> None:
    with conversation(tmp_path, "tests.preview.broken:TOLD") as talk:
        talk.wait(lambda: len(talk.frames) >= 3, "3 frames")
        talk.gives_back = False
        begin = len(talk.said)
        talk.wait(lambda: [each.get("is_seen") for each in talk.said[begin:]].count(False) > 2, "frame without a slot")
        path = tmp_path / "seen.png"
        talk.tell("snapshot", path=str(path))
        told = talk.event("told")
        talk.event("saved")
        last = talk.frames[-1].report
    assert told["index"] > last.index, "the window has no slot left, and the video goes on"
    board = read_picture(path)
    width, height = last.full_size
    top, right = text_height(width), board_size(width, height)[0] - width
    for left in (0, right):
        assert read_barcode(board[top : top + height, left : left + width]) == told["code"]


def test_a_broken_matcher_is_noticed(tmp_path: Path) -> None:
    with conversation(tmp_path, "tests.preview.broken:LATE") as talk:
        talk.wait(lambda: len(talk.frames) >= 3, "3 frames")
        with pytest.raises(AssertionError, match="beside"):
            check(talk.frames)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("load")
def test_both_panes_carry_the_same_frame_a_thousand_times_under_load(tmp_path: Path) -> None:
    # small networks that draw faces, so that it takes minutes and not half an hour
    models = enhancer(tmp_path / "one.onnx", 0.9), enhancer(tmp_path / "other.onnx", 0.5)
    with conversation(tmp_path, models=models) as talk:
        seen = 0
        while seen < 1000:
            frames = talk.take_frames(2)  # the last one of those before, and what follows it
            check(frames)
            seen += len(frames) - 1
