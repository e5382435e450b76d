"""From the second frame of a size on, pixels take no new memory."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from converters.face.align import matrix_to, warp
from converters.face.detect.canvas import Canvas
from converters.face.scratch import Scratch
from converters.model.signature import ColourOrder, Role, TensorInfo
from tests.face.test_align import placed

FRAME = np.random.default_rng(0).integers(0, 256, (720, 1280, 3)).astype(np.uint8)
SIDE = 128
LITTLE = 40_000  # bytes: NumPy converts numbers in blocks of 8,192; a crop of bytes has 49,152


def taken_by(work: Callable[[], object]) -> int:
    """Return how many bytes a second call holds at most at one time, beyond what it found."""
    work()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [100, 300, 700])
@pytest.mark.parametrize("place", [(640, 360), (30, 700)])
def test_the_second_crop_takes_no_memory(size: float, place: tuple[int, int]) -> None:
    matrix = matrix_to("arcface_128", placed("arcface_128", size, 10, *place), SIDE)
    out = np.empty((SIDE, SIDE, 3), np.float32)
    assert taken_by(lambda: warp(FRAME, matrix, SIDE, out)) < LITTLE
    assert taken_by(lambda: warp(FRAME, matrix, SIDE)) > out.nbytes, "the measure would not see an array"


def test_a_crop_that_is_kept_is_not_written_over() -> None:
    matrix = matrix_to("arcface_128", placed("arcface_128", 300, 10, 640, 360), SIDE)
    kept = warp(FRAME, matrix, SIDE)
    copy = kept.copy()
    warp(255 - FRAME, matrix, SIDE)
    assert np.array_equal(kept, copy)


@pytest.mark.parametrize("stretches", [False, True])
def test_the_second_frame_takes_no_memory_on_a_canvas_at_any_angle(stretches: bool) -> None:
    tensor = TensorInfo("x", (1, 480, 640, 3), "float32", Role.IMAGE, "NHWC", ColourOrder.RGB)
    canvas = Canvas(tensor, stretches=stretches)

    # a turned frame has 388,800 bytes at least; two blocks of numbers are converted at a time
    def every_angle() -> None:
        for angle in (0, 90, 180, 270):
            canvas.place(FRAME, angle=angle)

    assert taken_by(every_angle) < 2 * LITTLE


def test_memory_is_used_again_by_name_and_thread() -> None:
    scratch = Scratch()
    first = scratch.picture("a", 20, 30)
    assert first.shape == (20, 30, 3)
    assert np.shares_memory(first, scratch.picture("a", 30, 10))
    assert not np.shares_memory(first, scratch.picture("b", 20, 30))
    others: list[np.ndarray] = []
    thread = threading.Thread(target=lambda: others.append(scratch.picture("a", 20, 30)))
    thread.start()
    thread.join()
    assert not np.shares_memory(first, others[0])


def test_very_large_memory_is_not_kept() -> None:
    scratch = Scratch()
    assert not np.shares_memory(scratch.picture("a", 4000, 4000), scratch.picture("a", 4000, 4000))
