"""The supervision of cameras, with a virtual one that does what real ones do."""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.builtin import DEMO_CLIP
from converters.errors import BadInputError, UsageError
from converters.preview.capture import Capture, Frame
from converters.preview.messages import SourceReport, SourceState
from converters.preview.request import SourceChoice, SourceKind
from converters.preview.sources import cameras
from converters.preview.sources.camera import Camera, Patience
from converters.preview.sources.cameras import described, found_cameras, list_cameras, open_camera
from converters.preview.sources.opening import open_source
from converters.preview.sources.virtual import VirtualCamera, VirtualHardware, draw_barcode, read_barcode
from converters.progress import Progress
from converters.video import VideoWriter
from converters.video_kind import open_capture, video_kind

RATE = 50.0
QUICK = Patience(failing=0.05, frozen=0.25, stuck=0.6, tries=(0.05, 0.1, 0.2), damaged=0.3)
SMALL = (320, 180)


@pytest.fixture
def hardware() -> VirtualHardware:
    return VirtualHardware(DEMO_CLIP, has_barcode=True, rate=RATE)


@pytest.fixture
def capture(hardware: VirtualHardware) -> Iterator[Capture]:
    """Reads a small, quickly supervised virtual camera."""
    with Capture(VirtualCamera(hardware, SMALL, QUICK)) as opened:
        _next(opened)
        yield opened


def _next(capture: Capture) -> Frame:
    frame = capture.newest(5.0)
    assert frame is not None, capture.report()
    return frame


def _wait(capture: Capture, is_so: Callable[[SourceReport], bool], most: float = 10.0) -> tuple[SourceReport, float]:
    """Return the report of which something is so, and how long that took."""
    begun = time.monotonic()
    while not is_so(report := capture.report()):
        assert time.monotonic() - begun < most, report
        capture.newest(0.01)
    return report, time.monotonic() - begun


def _plays(report: SourceReport) -> bool:
    return report.state is SourceState.PLAYING


def test_a_camera_gives_its_newest_frame(capture: Capture, hardware: VirtualHardware) -> None:
    numbers = []
    for _ in range(5):
        frame = _next(capture)
        assert frame.picture.shape == (SMALL[1], SMALL[0], 3)
        numbers.append(read_barcode(frame.picture))
        time.sleep(0.1)  # the slow work that makes five frames pass
    assert min(after - before for before, after in pairwise(numbers)) >= 3
    assert hardware.frames - numbers[-1] < 0.5 * RATE
    report = capture.report()
    assert (report.state, report.is_live, report.duration, report.count) == (SourceState.PLAYING, True, None, None)
    assert (report.rate, report.size, report.problem) == (RATE, SMALL, "")


@pytest.mark.parametrize("what", ["freeze", "repeat"])
def test_a_camera_that_freezes_is_reported_and_goes_on_by_itself(
    capture: Capture, hardware: VirtualHardware, what: str
) -> None:
    hardware.do(what)
    report, _ = _wait(capture, lambda report: report.state is SourceState.FROZEN)
    assert report.problem == ("The camera gives no pictures." if what == "freeze" else _AGAIN)
    hardware.do("thaw")
    _wait(capture, _plays)
    before = read_barcode(_next(capture).picture)
    assert read_barcode(_next(capture).picture) > before


_AGAIN = "The camera gives the same picture again and again."


def test_a_frozen_camera_is_opened_again_at_last(capture: Capture, hardware: VirtualHardware) -> None:
    hardware.do("freeze")
    report, _ = _wait(capture, lambda report: report.state is SourceState.LOST)
    assert report.problem == "The camera does not answer."
    hardware.do("thaw")
    _wait(capture, _plays)


def test_twenty_times_unplugged_and_back(capture: Capture, hardware: VirtualHardware) -> None:
    threads = threading.active_count()
    last = -1
    for _ in range(20):
        hardware.do("unplug")
        report, _ = _wait(capture, lambda report: report.state is SourceState.LOST)
        assert report.problem
        capture.newest(0)
        hardware.do("replug")
        frame = _next(capture)
        assert frame.is_discontinuous
        assert _plays(capture.report())
        assert frame.identity > last
        last = frame.identity
    assert threading.active_count() <= threads


def test_what_stays_away_is_tried_less_and_less_often(hardware: VirtualHardware) -> None:
    with VirtualCamera(hardware, SMALL, Patience(failing=0.05, tries=(0.1, 0.2, 0.4))) as camera:
        hardware.do("unplug")
        waits: list[float] = []
        before = 0.0
        while len(waits) < 4:
            camera.read()
            health = camera.health()
            if health.next_try > before:
                waits.append(health.next_try)
            before = health.next_try
        assert health.state is SourceState.LOST
        for wait, shortest, longest in zip(waits, (0, 0.1, 0.2, 0.2), (0.1, 0.2, 0.4, 0.4), strict=True):
            assert shortest < wait <= longest


def test_at_usual_patience_freezing_and_unplugging_are_reported_within_two_seconds(hardware: VirtualHardware) -> None:
    with Capture(VirtualCamera(hardware, SMALL)) as capture:
        _next(capture)
        camera = capture.source
        assert isinstance(camera, VirtualCamera)
        reading = camera._reading
        assert reading is not None
        hardware.do("freeze")
        asked: list[tuple[float, float, SourceState]] = []  # just before, just after, answer
        while not asked or asked[-1][0] < reading.changed + 2.0:
            before = time.monotonic()
            state = capture.report().state
            asked.append((before, time.monotonic(), state))
            capture.newest(0.01)
        # by the time stamp of the last picture, so that a machine that is slow to ask makes no difference
        assert {state for _, after, state in asked if after < reading.changed + 1.4} == {SourceState.PLAYING}
        assert {state for before, _, state in asked if before > reading.changed + 1.9} == {SourceState.FROZEN}
        hardware.do("thaw")
        _wait(capture, _plays)
        hardware.do("unplug")
        _wait(capture, lambda report: report.state is SourceState.LOST)
        noticed = camera._next_try - sum(Patience().tries[: camera._failures])
        assert noticed - reading.changed < 2.0


def test_a_script_does_what_it_says_in_its_order() -> None:
    script = [
        {"at": 0.6, "do": "replug"},
        {"at": 0.2, "do": "unplug"},
        {"at": 1.0, "do": "resize", "width": 160, "height": 90},
    ]
    options = {"script": script, "barcode": True, "patience": {"failing": 0.05, "tries": [0.05]}}
    choice = SourceChoice(SourceKind.VIRTUAL, str(DEMO_CLIP), *SMALL, options=options)
    with Capture(SourceChoice.from_json(choice.to_json())) as capture:
        states = []
        while capture.report().size != (160, 90):
            capture.newest(0.01)
            states.append(capture.report().state)
        changes = [states[0], *(after for before, after in pairwise(states) if after is not before)]
        assert changes == [SourceState.PLAYING, SourceState.LOST, SourceState.PLAYING]


def test_the_end_of_a_real_capture_is_noticed_and_it_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "short.mp4"
    with VideoWriter(path, (64, 48), 25.0) as writer:
        for number in range(12):
            writer.write(np.full((48, 64, 3), 20 * number, np.uint8))
    camera = Camera(lambda _size: open_capture(path, video_kind(path)), "short", patience=QUICK)
    assert (camera.size, camera.rate) == ((64, 48), 25.0)
    states: list[SourceState] = []
    with Capture(camera) as capture:
        while states.count(SourceState.LOST) < 2:
            frame = capture.newest(0.01)
            assert frame is None or frame.picture.shape == (48, 64, 3)
            state = capture.report().state
            if not states or states[-1] is not state:
                states.append(state)
        assert SourceState.PLAYING in states[1:]


def test_a_change_of_size_goes_through(capture: Capture, hardware: VirtualHardware) -> None:
    for size in ((160, 120), (400, 300), SMALL):
        hardware.do("resize", *size)
        report, _ = _wait(capture, lambda report, size=size: report.size == size)  # type: ignore[misc]
        frame = _next(capture)
        assert frame.picture.shape == (size[1], size[0], 3)
        assert report.state is SourceState.PLAYING


def test_the_frame_after_a_change_of_size_begins_anew(hardware: VirtualHardware) -> None:
    with VirtualCamera(hardware, SMALL, QUICK) as camera:
        flags = []
        while len(flags) < 12:
            if len(flags) == 6:
                hardware.do("resize", 160, 120)
            if (captured := camera.read()) is not None:
                flags.append((captured.picture.shape[1], captured.is_discontinuous))
        changed = [index for index, (_, is_discontinuous) in enumerate(flags) if is_discontinuous]
        assert [flags[index][0] for index in changed] == [160]
        assert flags[changed[0] - 1][0] == 320


def test_damaged_frames_are_left_out_and_counted(capture: Capture, hardware: VirtualHardware) -> None:
    hardware.do("corrupt")
    report, _ = _wait(capture, lambda report: bool(report.problem))
    assert report.problem.startswith("Damaged frames were left out: ")
    assert report.state is SourceState.PLAYING
    report, _ = _wait(capture, lambda report: report.state is SourceState.FROZEN)
    assert report.problem.startswith("The camera gives only damaged frames")
    hardware.do("end_corrupt")
    _wait(capture, lambda report: _plays(report) and not report.problem)
    assert _next(capture).picture.shape == (SMALL[1], SMALL[0], 3)


def test_a_paused_camera_is_fresh_afterwards(capture: Capture, hardware: VirtualHardware) -> None:
    capture.pause()
    while capture.newest(0.1) is not None:
        pass
    assert capture.report().state is SourceState.PAUSED
    seen = hardware.frames
    while hardware.frames < seen + 10:
        assert capture.newest(0.02) is None
    capture.step(1)
    assert read_barcode(_next(capture).picture) >= seen + 9
    assert capture.newest(0.1) is None
    capture.play()
    frame = _next(capture)
    assert frame.is_discontinuous
    hardware.do("unplug")
    capture.pause()
    _wait(capture, lambda report: report.state is SourceState.LOST)  # also while it is paused


def test_another_size_of_the_same_camera_is_not_a_second_opening() -> None:
    choice = SourceChoice(SourceKind.VIRTUAL, str(DEMO_CLIP), *SMALL)
    with Capture(choice) as capture:
        source = capture.source
        _next(capture)
        capture.change(SourceChoice(SourceKind.VIRTUAL, str(DEMO_CLIP), 160, 90, mirror=True))
        _wait(capture, lambda report: report.size == (160, 90) and _plays(report))
        assert capture.source is source
        assert source.mirror


def test_a_camera_that_was_closed_is_not_reported_as_lost(capture: Capture) -> None:
    capture.close()  # a last report may be asked for meanwhile, by another thread
    assert _plays(capture.report())


def test_a_camera_says_why_it_was_lost_as_soon_as_it_says_so(hardware: VirtualHardware) -> None:
    """Reports come from another thread: each is asked for at the worst moment, when the device is given up."""
    with VirtualCamera(hardware, SMALL, QUICK) as camera:
        reading = camera._reading
        assert reading is not None
        healths = []
        give_up = reading.give_up

        def look() -> None:
            healths.append(camera.health())
            give_up()

        reading.give_up = look  # type: ignore[method-assign]
        hardware.do("unplug")
        while not healths:
            camera.read()
        assert (healths[0].state, healths[0].problem) == (SourceState.LOST, camera.health().problem)
        assert healths[0].problem
        assert healths[0].next_try > 0


def test_choosing_a_lost_camera_again_tries_at_once() -> None:
    options = {"patience": {"failing": 0.05, "tries": [60.0]}}
    choice = SourceChoice(SourceKind.VIRTUAL, str(DEMO_CLIP), *SMALL, options=options)
    with Capture(choice) as capture:
        assert isinstance(capture.source, VirtualCamera)
        _next(capture)
        capture.source.hardware.do("unplug")
        report, _ = _wait(capture, lambda report: report.next_try > 0)
        assert report.next_try > 50
        capture.source.hardware.do("replug")
        capture.change(choice)
        _wait(capture, _plays)


class _Dead:
    """A device whose driver hangs for good."""

    def __init__(self, is_over: threading.Event) -> None:
        self._is_over = is_over

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def get(self, _name: int) -> float:
        return 0.0

    def read(self) -> tuple[bool, Any]:
        self._is_over.wait()
        return False, None

    def release(self) -> None:
        pass


def test_a_driver_that_hangs_for_good_hinders_nobody() -> None:
    is_over = threading.Event()
    opened: list[_Dead] = []

    def open_dead(_size: tuple[int, int]) -> _Dead:
        opened.append(_Dead(is_over))
        return opened[-1]

    patience = Patience(frozen=0.05, stuck=0.1, tries=(0.01,))
    capture = Capture(Camera(open_dead, "dead", patience=patience))
    try:
        _wait(capture, lambda _: len(opened) == 3)
        begun = time.monotonic()
        while time.monotonic() < begun + 0.5:
            assert capture.newest(0.02) is None
        assert len(opened) == 3  # no thread after thread is lost in it
        assert capture.report().state is SourceState.LOST
        begun = time.monotonic()
        capture.close()
        assert time.monotonic() - begun < 3
    finally:
        is_over.set()
        capture.close()


def test_what_cannot_be_opened_is_refused(hardware: VirtualHardware, tmp_path: Path) -> None:
    hardware.do("unplug")
    with pytest.raises(BadInputError, match="cannot be opened"):
        VirtualCamera(hardware)
    with pytest.raises(BadInputError, match="There is no camera 63"):
        open_camera(SourceChoice(SourceKind.CAMERA, "63"))
    with pytest.raises(UsageError, match="no camera"):
        open_camera(SourceChoice(SourceKind.CAMERA, "front"))
    with pytest.raises(UsageError, match="explode"):
        open_source(SourceChoice(SourceKind.VIRTUAL, str(DEMO_CLIP), options={"script": [{"at": 0, "do": "explode"}]}))
    (tmp_path / "no.mp4").write_bytes(b"no video")
    with pytest.raises(BadInputError, match=r"no\.mp4"):
        open_source(SourceChoice(SourceKind.VIRTUAL, str(tmp_path / "no.mp4")))


def test_listing_cameras_names_each_one_apart() -> None:
    class Listed:
        def __init__(self, index: int, name: str) -> None:
            self.index, self.name = index, name

    found = described([Listed(2, "Integrated camera"), Listed(0, "USB"), Listed(4, "USB"), Listed(1, "")])
    assert [(camera.number, camera.title) for camera in found] == [
        (0, "USB 0"),
        (1, "Camera 1"),
        (2, "Integrated camera"),
        (4, "USB 4"),
    ]
    listed = list_cameras({}, Progress())["cameras"]  # those of the machine at hand, of which there may be none
    assert [camera["place"] for camera in listed] == [str(camera.number) for camera in found_cameras()]


@pytest.mark.skipif(platform.system() != "Linux", reason="device nodes are Linux's")
def test_a_camera_that_goes_while_they_are_listed_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "video0").touch()
    (tmp_path / "video1").symlink_to(tmp_path / "gone")  # is listed, but nothing is behind it
    monkeypatch.setattr(cameras, "_NODES", tmp_path)
    assert [name for name, _ in cameras._nodes()] == ["video0"]
    list_cameras({}, Progress())  # ends in no FileNotFoundError
    with pytest.raises(BadInputError, match="There is no camera 1"):
        open_camera(SourceChoice(SourceKind.CAMERA, "1"))


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.546875])
def test_a_barcode_is_read_as_it_was_drawn(scale: float) -> None:
    import cv2

    for number in (0, 1, 0x5555, 0xA5C3, 65535):
        picture = np.full((360, 640, 3), 120, np.uint8)
        draw_barcode(picture, number)
        size = (round(640 * scale), round(360 * scale))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        assert read_barcode(small, scale) == number
        assert read_barcode(255 - small, scale) == number ^ 0xFFFF
