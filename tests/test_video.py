"""Videos in and out: colours, times, rotation, damage, full disks."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from converters.errors import BadInputError, CancelledError, DestinationError, UsageError
from converters.face.faces import Picture
from converters.pictures import write_picture
from converters.progress import Progress, ProgressMessage
from converters.video import VideoReader, VideoWriter
from converters.video_kind import open_capture, video_kind

PROJECT = Path(__file__).resolve().parents[1]
SIZE = (160, 96)
ORANGE = (230, 120, 30)
SESSION = b"\nv=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 19999 RTP/AVP 26\n" + b"\n" * 400


def numbered(index: int) -> Picture:
    """A frame that says its number by where its white bar stands, in colours that tell red from blue."""
    frame = np.full((SIZE[1], SIZE[0], 3), ORANGE, np.uint8)
    frame[:, 4 * index : 4 * index + 4] = 255
    return frame


def number_of(frame: Picture) -> int:
    return int(frame.min(axis=2).mean(axis=0).argmax()) // 4


def write(path: Path, count: int = 30, rate: float = 25, **options: bool) -> Path:
    with VideoWriter(path, SIZE, rate, **options) as writer:
        for index in range(count):
            writer.write(numbered(index))
    return path


def read(path: Path) -> tuple[VideoReader, list[int], list[float]]:
    with VideoReader(path) as reader:
        frames = [(number_of(frame.picture), frame.seconds) for frame in reader]
    return reader, [number for number, _ in frames], [seconds for _, seconds in frames]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".avi"])
def test_what_is_written_reads_back(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / "new" / f"clip{suffix}")
    reader, numbers, seconds = read(path)
    assert reader.size == SIZE
    assert reader.rate == pytest.approx(25)
    assert numbers == list(range(30))
    assert seconds == pytest.approx([index / 25 for index in range(30)], abs=2e-3)
    assert reader.frames_read == 30
    assert not reader.is_shorter_than_promised
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_colours_survive(tmp_path: Path) -> None:
    with VideoReader(write(tmp_path / "clip.mp4")) as reader:
        colour = next(iter(reader)).picture[40:60, 100:120].mean(axis=(0, 1))
    assert np.abs(colour - ORANGE).max() < 8
    assert np.abs(colour[::-1] - ORANGE).max() > 100, "the limit would not notice red and blue exchanged"


def test_frames_share_one_buffer(tmp_path: Path) -> None:
    with VideoReader(write(tmp_path / "clip.mp4")) as reader:
        pictures = [frame.picture for frame in reader]
    assert len({picture.ctypes.data for picture in pictures}) == 1
    assert pictures[0].flags["C_CONTIGUOUS"]


def test_an_odd_last_row_and_column_are_lost(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "clip.mp4", (161, 97), 25) as writer:
        writer.write(np.zeros((97, 161, 3), np.uint8))
    with VideoReader(tmp_path / "clip.mp4") as reader:
        assert reader.size == (160, 96)


# variable rates and rotation: OpenCV writes neither, so the boxes of an MP4 are changed by hand -----------------------


def boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    while start < end:
        size, name = struct.unpack(">I4s", data[start : start + 8])
        yield name, start, start + size
        start += size


def inside(data: bytes, *path: bytes) -> list[tuple[int, int]]:
    """Return the spans of the boxes along a path."""
    spans, start, end = [], 0, len(data)
    for wanted in path:
        start, end = next((a, b) for name, a, b in boxes(data, start, end) if name == wanted)
        spans.append((start, end))
        start += 8
    return spans


def with_durations(data: bytes, durations: list[int]) -> bytes:
    """Return an MP4 whose frames last so many ticks of its clock each."""
    (edits, _end) = inside(data, b"moov", b"trak", b"edts")[-1]  # says how long the video is; "free" is passed over
    data = data[: edits + 4] + b"free" + data[edits + 8 :]
    spans = inside(data, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stts")
    entries = b"".join(struct.pack(">II", 1, duration) for duration in durations)
    table = struct.pack(">I4sII", 16 + len(entries), b"stts", 0, len(durations)) + entries
    start, end = spans[-1]
    growth = len(table) - (end - start)
    changed = bytearray(data[:start] + table + data[end:])
    for outer, _ in spans[:-1]:
        (size,) = struct.unpack(">I", changed[outer : outer + 4])
        changed[outer : outer + 4] = struct.pack(">I", size + growth)
    return bytes(changed)


def turned(data: bytes) -> bytes:
    """Return an MP4 that asks to be shown turned by 90 degrees clockwise."""
    (start, _end) = inside(data, b"moov", b"trak", b"tkhd")[-1]
    matrix = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, SIZE[1] << 16, 0, 1 << 30)
    return data[: start + 48] + matrix + data[start + 84 :]


def clock(data: bytes) -> int:
    (start, _end) = inside(data, b"moov", b"trak", b"mdia", b"mdhd")[-1]
    return int(struct.unpack(">I", data[start + 20 : start + 24])[0])


def test_rotation_is_applied(tmp_path: Path) -> None:
    data = write(tmp_path / "clip.mp4", 3).read_bytes()
    (tmp_path / "turned.mp4").write_bytes(turned(data))
    with VideoReader(tmp_path / "turned.mp4") as reader:
        assert reader.size == SIZE[::-1]
        frame = next(iter(reader)).picture
        assert number_of(np.rot90(frame)) == 0
        assert number_of(np.rot90(frame, -1)) != 0, "the bar would be found on either side"


def test_a_variable_rate_keeps_its_times(tmp_path: Path) -> None:
    data = write(tmp_path / "clip.mp4", 8).read_bytes()
    tick = clock(data) // 25
    (tmp_path / "variable.mp4").write_bytes(
        with_durations(data, [tick, tick, 4 * tick, tick, tick, 2 * tick, tick, tick])
    )
    _, numbers, seconds = read(tmp_path / "variable.mp4")
    assert numbers == list(range(8))
    assert seconds == pytest.approx(np.array([0, 1, 2, 6, 7, 8, 10, 11]) / 25, abs=1e-3)
    with (
        VideoReader(tmp_path / "variable.mp4") as reader,
        VideoWriter(tmp_path / "constant.mp4", SIZE, 25) as writer,
    ):
        for frame in reader:
            writer.write(frame.picture, frame.seconds)
    _, numbers, _ = read(tmp_path / "constant.mp4")
    assert numbers == [0, 1, 2, 2, 2, 2, 3, 4, 5, 5, 6, 7]


def test_frames_that_come_too_fast_are_dropped(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "clip.mp4", SIZE, 25) as writer:
        for index in range(20):
            writer.write(numbered(index), index / 50)
    assert writer.written in (10, 11)
    _, numbers, _ = read(tmp_path / "clip.mp4")
    assert len(numbers) == writer.written
    assert numbers == sorted(set(numbers))


# damage ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.mp4", b"", "is empty"),
        ("a.mp4", b"Dear diary, this is no video.\n" * 30, "is no video"),
        ("a.mp4", b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n", "is no video"),
        ("a.mp4", b"ffconcat version 1.0\nfile clip.mp4\n", "is no video"),
        ("a.mp4", b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n", "is no video"),
        ("a.mp4", b"<?xml version='1.0'?><MPD></MPD>", "is no video"),
        ("a.m3u8", b"#EXTM3U\nAVI \n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nother.mp4\n#EXT-X-ENDLIST\n", "is no video"),
        ("a.m3u8", b"\xef\xbb\xbf #EXTM3U\n#EXTINF:1,\nother.mp4\n", "is no video"),
        ("a.mkv", b"\x1aE\xdf\xa3\x08\x7f\xff\xff" + SESSION, "is no video"),
        ("a.ogv", b"OggS" + SESSION, "is no video"),
        ("a.ogv", b"OggS\0" + SESSION, "is no video"),
        ("a.flv", b"FLV\x01" + SESSION, "is no video"),
        ("a.mpg", b"\0\0\x01\xba" + SESSION, "is no video"),
        ("a.ts", b"G".ljust(188) + b"G".ljust(188) + b"G" + SESSION, "is no video"),
        ("a.wmv", b"0&\xb2u\x8ef\xcf\x11" + SESSION, "is no video"),
        ("a.avif", struct.pack(">I4s4sI", 16, b"ftyp", b"avis", 0) + b"\0" * 400, "is no video"),
        ("a.heic", struct.pack(">I4s4sI", 16, b"ftyp", b"hevc", 0) + b"\0" * 400, "is no video"),
        ("a.mp4", struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 512) + b"\0" * 400, "is damaged"),
        ("a.mkv", b"\x1aE\xdf\xa3" + bytes(range(256)) * 4, "is damaged"),
    ],
)
def test_what_is_no_video_is_refused(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInputError, match=words) as caught:
        VideoReader(tmp_path / name)
    assert caught.value.remedy


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="does not exist"):
        VideoReader(tmp_path / "missing.mp4")
    with pytest.raises(BadInputError, match="is a folder"):
        VideoReader(tmp_path)
    for address in ("http://localhost/a.mp4", "rtsp://localhost/a", "concat:a.mp4|b.mp4", "/dev/zero"):
        with pytest.raises(BadInputError):
            VideoReader(Path(address))


def test_a_name_that_looks_like_a_numbered_sequence_is_one_file(tmp_path: Path) -> None:
    _, numbers, _ = read(write(tmp_path / "clip_%02d.mp4", 4))
    assert numbers == [0, 1, 2, 3]


def playlist(folder: Path) -> Path:
    """A playlist that was taken for an AVI file once: it names another video."""
    path = folder / "a.m3u8"
    secret = write(folder / "secret.mp4", 3)
    path.write_text(f"#EXTM3U\nAVI \n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n")
    return path


def numbered_pictures(folder: Path) -> Path:
    """A video whose name makes FFmpeg open the pictures beside it."""
    for index in range(3):
        write_picture(folder / f"a_{index:02d}.png", numbered(index))
    return write(folder / "clip.mp4", 5).rename(folder / "a_%02d.png")


@pytest.mark.parametrize("trap", [playlist, numbered_pictures])
def test_ffmpeg_is_held_to_one_reader(tmp_path: Path, trap: Callable[[Path], Path]) -> None:
    path = trap(tmp_path)
    free = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    assert free.isOpened(), "the file would be no trap"
    free.release()
    before = dict(os.environ)
    for kind in ("mov", "avi", "matroska", "mpeg", "mpegts", "flv", "ogg", "asf"):
        assert not open_capture(path, kind).isOpened()
    assert dict(os.environ) == before
    with pytest.raises(BadInputError):
        VideoReader(path)


def test_the_settings_of_others_for_ffmpeg_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", "threads;1")
    assert read(write(tmp_path / "clip.mp4", 3))[1] == [0, 1, 2]
    assert os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] == "threads;1"


@pytest.mark.parametrize(
    ("suffix", "codec", "kind"),
    [
        (".mp4", "mp4v", "mov"),
        (".mov", "mp4v", "mov"),
        (".mkv", "mp4v", "matroska"),
        (".webm", "VP80", "matroska"),
        (".avi", "mp4v", "avi"),
        (".mpg", "MPG1", "mpeg"),
        (".ts", "MPG2", "mpegts"),
        (".flv", "FLV1", "flv"),
        (".wmv", "WMV2", "asf"),
        (".ogv", "VP80", "ogg"),
    ],
)
def test_every_kind_is_told_and_opens(tmp_path: Path, suffix: str, codec: str, kind: str) -> None:
    path = tmp_path / f"clip{suffix}"
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), 25, SIZE)
    for index in range(12):
        writer.write(numbered(index)[..., ::-1].copy())
    writer.release()
    assert video_kind(path) == kind
    with VideoReader(path) as reader:
        assert number_of(next(iter(reader)).picture) in (0, 1)


def test_an_mp4_cut_short_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.mp4")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BadInputError, match="is damaged or was not copied completely"):
        VideoReader(path)


@pytest.mark.parametrize("suffix", [".avi", ".mkv"])
def test_a_video_with_less_than_it_promises_gives_what_it_has(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"clip{suffix}", 38)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 7 // 10])
    reader, numbers, _ = read(path)
    assert numbers[:-1] == list(range(len(numbers) - 1))  # the last one may be half a frame
    assert 0 < len(numbers) < 38
    assert reader.is_shorter_than_promised


def test_flipped_bits_never_end_as_a_bug(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    data = np.frombuffer(write(tmp_path / "clip.mp4", 6).read_bytes(), np.uint8)
    opened = 0
    for _ in range(40):
        damaged = data.copy()
        places = generator.integers(0, len(data), 12)
        damaged[places] ^= generator.integers(1, 255, 12).astype(np.uint8)
        (tmp_path / "a.mp4").write_bytes(damaged.tobytes())
        try:
            _, _, seconds = read(tmp_path / "a.mp4")
        except BadInputError:
            continue
        opened += 1
        assert seconds == sorted(seconds)
        assert seconds[-1] < 100
    assert 0 < opened < 40


# work that a file asks for --------------------------------------------------------------------------------------------


def cancelling(after: int) -> tuple[Progress, list[ProgressMessage]]:
    """Return a progress that is cancelled once so many messages arrived, and the messages."""
    messages: list[ProgressMessage] = []
    return Progress(messages.append, lambda: len(messages) >= after), messages


def test_pauses_cost_no_more_than_sixty_frames_a_second(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "hostile.mp4", SIZE, 240) as hostile:
        for index in range(4):
            hostile.write(numbered(index), 5.0 * index)
    assert hostile.is_shortened
    assert 15 * 60 <= hostile.written <= 15 * 60 + 8
    assert read(tmp_path / "hostile.mp4")[1][-1] == 3
    with VideoWriter(tmp_path / "slides.mp4", SIZE, 30) as slides:
        for index in range(3):
            slides.write(numbered(index), 5.0 * index)
    assert not slides.is_shortened
    assert slides.written == 301
    with VideoWriter(tmp_path / "fast.mp4", SIZE, 240) as fast:
        for index in range(30):
            fast.write(numbered(index), index / 240)
    assert not fast.is_shortened
    assert fast.written == 30


def test_repeats_can_be_cancelled(tmp_path: Path) -> None:
    progress, messages = cancelling(after=2)
    with (  # noqa: PT012
        pytest.raises(CancelledError),
        VideoWriter(tmp_path / "clip.mp4", SIZE, 30, progress=progress) as writer,
    ):
        writer.write(numbered(0), 0.0)
        writer.write(numbered(1), 10.0)
    assert writer.written == 75
    assert [message.stage for message in messages] == ["Writing the video"] * 2
    assert not list(tmp_path.iterdir())


def test_the_check_of_a_finished_video_can_be_cancelled(tmp_path: Path) -> None:
    progress, messages = cancelling(after=2)
    with (  # noqa: PT012
        pytest.raises(CancelledError),
        VideoWriter(tmp_path / "clip.mp4", SIZE, 25, progress=progress) as writer,
    ):
        for index in range(100):
            writer.write(numbered(index % 30))
    assert [(message.stage, message.fraction) for message in messages] == [
        ("Checking the video", 0.0),
        ("Checking the video", 0.25),
    ]
    assert not list(tmp_path.iterdir())


# writing --------------------------------------------------------------------------------------------------------------


def test_nothing_stays_of_a_video_that_was_not_finished(tmp_path: Path) -> None:
    with (  # noqa: PT012
        pytest.raises(KeyboardInterrupt),
        VideoWriter(tmp_path / "new" / "clip.mp4", SIZE, 25) as writer,
    ):
        writer.write(numbered(0))
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten_silently(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.mp4", 3)
    with pytest.raises(DestinationError, match="Replace it"):
        VideoWriter(path, SIZE, 25)
    write(path, 5, force=True)
    assert read(path)[1] == [0, 1, 2, 3, 4]


def test_wrong_endings_sizes_and_empty_videos_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'\.mp4'"):
        VideoWriter(tmp_path / "clip.mp5", SIZE, 25)
    with pytest.raises(BadInputError, match="cannot be 1 x 8"):
        VideoWriter(tmp_path / "clip.mp4", (1, 8), 25)
    with pytest.raises(BadInputError, match="No frame"):
        write(tmp_path / "clip.mp4", 0)
    with pytest.raises(ValueError, match="the frame is"), VideoWriter(tmp_path / "clip.mp4", SIZE, 25) as writer:
        writer.write(np.zeros((8, 8, 3), np.uint8))
    assert not list(tmp_path.iterdir())


def test_a_file_with_fewer_frames_than_written_is_refused(tmp_path: Path) -> None:
    with (  # noqa: PT012
        pytest.raises(DestinationError, match="3 of 4 frames arrived"),
        VideoWriter(tmp_path / "clip.mp4", SIZE, 25) as writer,
    ):
        for index in range(3):
            writer.write(numbered(index))
        writer.written += 1  # as if the disk had dropped one
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a small disk")
def test_a_full_disk_is_noticed() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (256, 256, 3)).astype(np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=9m", "none", folder], check=True)
        try:
            with (  # noqa: PT012
                pytest.raises(DestinationError, match=r"clip\.mp4 cannot be written\. The disk is full"),
                VideoWriter(Path(folder) / "clip.mp4", (256, 256), 25) as writer,
            ):
                for _ in range(400):
                    writer.write(noise)
            assert 0 < writer.written < 400
            assert not list(Path(folder).iterdir())
        finally:
            subprocess.run(["umount", folder], check=True)


@pytest.mark.skipif(sys.platform == "win32", reason="resource limits")
def test_frames_that_the_system_refuses_to_write_are_noticed(tmp_path: Path) -> None:
    code = """
        import resource, sys
        from pathlib import Path
        import numpy as np
        from converters.errors import DestinationError
        from converters.video import VideoWriter
        noise = np.random.default_rng(0).integers(0, 255, (256, 256, 3)).astype(np.uint8)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            with VideoWriter(Path(sys.argv[1]) / "clip.mp4", (256, 256), 25) as writer:
                for _ in range(20):
                    writer.write(noise)
        except DestinationError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "clip.mp4 cannot be written." in done.stdout, done.stderr
    assert not list(tmp_path.iterdir())
