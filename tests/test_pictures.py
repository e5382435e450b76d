"""Every kind of picture a person may give, and every kind of file that is none."""

from __future__ import annotations

import io
import os
import socket
import struct
import subprocess
import sys
import textwrap
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from converters.errors import BadInputError, DestinationError, UsageError
from converters.face.faces import Picture
from converters.pictures import LARGEST_PIXELS, read_picture, write_picture
from converters.samples import draw_picture

PROJECT = Path(__file__).resolve().parents[1]
PICTURE = draw_picture(3)[:200, :160]
FLAG = np.zeros((40, 60, 3), np.uint8)
FLAG[:, :20], FLAG[:, 20:40], FLAG[:20, 40:] = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def difference(one: Picture, other: Picture) -> float:
    assert one.shape == other.shape
    assert one.dtype == np.uint8
    return float(np.abs(one.astype(float) - other.astype(float)).mean())


def read_back(path: Path, image: Image.Image, **options: object) -> Picture:
    image.save(path, **options)
    picture = read_picture(path)
    assert picture.flags["C_CONTIGUOUS"]
    return picture


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff", ".tga", ".ppm"])
def test_lossless_kinds_come_back_exactly(tmp_path: Path, suffix: str) -> None:
    assert np.array_equal(read_back(tmp_path / f"a{suffix}", Image.fromarray(PICTURE)), PICTURE)


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif", ".jp2"])
def test_lossy_kinds_come_back_nearly(tmp_path: Path, suffix: str) -> None:
    picture = read_back(tmp_path / f"a{suffix}", Image.fromarray(PICTURE), quality=90)
    assert difference(picture, PICTURE) < 4
    assert difference(picture[..., ::-1], PICTURE) > 8, "the limit would not notice red and blue exchanged"


def test_what_opencv_writes_has_its_colours(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), FLAG[..., ::-1])
    assert np.array_equal(read_picture(tmp_path / "a.png"), FLAG)


def test_the_content_decides_not_the_name(tmp_path: Path) -> None:
    Image.fromarray(FLAG).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.jpg")
    assert np.array_equal(read_picture(tmp_path / "a.jpg"), FLAG)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(tmp_path: Path, orientation: int, suffix: str) -> None:
    """The camera's sensor saw the upright picture turned or mirrored; reading makes it upright again."""
    seen: dict[int, Callable[[Picture], Picture]] = {
        1: lambda upright: upright,
        2: lambda upright: upright[:, ::-1],
        3: lambda upright: upright[::-1, ::-1],
        4: lambda upright: upright[::-1],
        5: lambda upright: upright.transpose(1, 0, 2),
        6: lambda upright: np.rot90(upright, 1),
        7: lambda upright: upright[::-1, ::-1].transpose(1, 0, 2),
        8: lambda upright: np.rot90(upright, -1),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    sensor = Image.fromarray(np.ascontiguousarray(seen[orientation](FLAG)))
    assert np.array_equal(read_back(tmp_path / f"a{suffix}", sensor, exif=exif), FLAG)


def test_damaged_orientation_is_passed_over(tmp_path: Path) -> None:
    Image.fromarray(FLAG).save(tmp_path / "a.png", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12")
    assert np.array_equal(read_picture(tmp_path / "a.png"), FLAG)


@pytest.mark.parametrize("mode", ["L", "1", "P"])
def test_grey_and_palette_become_rgb(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(FLAG).convert(mode)
    assert np.array_equal(read_back(tmp_path / "a.png", image), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_show_white(tmp_path: Path, mode: str) -> None:
    black = np.zeros((8, 12, 4), np.uint8)
    black[:, :4, 3], black[:, 4:8, 3] = 255, 127 if mode != "P" else 255
    picture = read_back(tmp_path / "a.png", Image.fromarray(black).convert(mode))
    assert picture.shape == (8, 12, 3)
    expected = [0, 128 if mode != "P" else 0, 255]
    assert picture[4, [2, 6, 10]].tolist() == [[value] * 3 for value in expected]


def test_transparent_colour_of_a_picture_without_alpha(tmp_path: Path) -> None:
    picture = read_back(tmp_path / "a.png", Image.fromarray(FLAG), transparency=(0, 255, 0))
    assert picture[5, [5, 30, 50]].tolist() == [[255, 0, 0], [255, 255, 255], [0, 0, 255]]


def without_adobe_marker(data: bytes) -> bytes:
    place = data.index(b"\xff\xee")
    (length,) = struct.unpack(">H", data[place + 2 : place + 4])
    return data[:place] + data[place + 2 + length :]


@pytest.mark.parametrize("kind", ["jpeg by Adobe's convention", "jpeg", "tiff"])
def test_cmyk_is_not_inverted(tmp_path: Path, kind: str) -> None:
    """Adobe's JPEG files hold inverted inks and say so with a marker; without it the inks are as they are."""
    inks = Image.fromarray(FLAG).convert("CMYK")
    path = tmp_path / "a"
    if kind == "tiff":
        inks.save(path, "TIFF")
    elif kind == "jpeg":
        buffer = io.BytesIO()
        Image.fromarray(255 - np.asarray(inks), "CMYK").save(buffer, "JPEG", quality=100, subsampling=0)
        path.write_bytes(without_adobe_marker(buffer.getvalue()))
    else:
        inks.save(path, "JPEG", quality=100, subsampling=0)
        assert b"Adobe" in path.read_bytes()
    picture = read_picture(path)
    assert difference(picture, FLAG) < 3
    assert difference(255 - picture, FLAG) > 100, "the limit would not notice an inversion"


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bit_grey_is_scaled(tmp_path: Path, suffix: str) -> None:
    values = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    cv2.imwrite(str(tmp_path / f"a{suffix}"), values)
    picture = read_picture(tmp_path / f"a{suffix}")
    assert picture.shape == (8, 8, 3)
    assert np.abs(picture[..., 0] - values / 257).max() <= 1
    assert picture.min() == 0
    assert picture.max() == 255


def test_sixteen_bit_portable_grey_map_is_scaled(tmp_path: Path) -> None:
    values = np.array([[0, 1000], [30000, 65535]], ">u2")
    (tmp_path / "a.pgm").write_bytes(b"P5 2 2 65535\n" + values.tobytes())
    assert read_picture(tmp_path / "a.pgm")[..., 1].tolist() == [[0, 3], [117, 255]]


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bit_colour_is_scaled(tmp_path: Path, suffix: str, channels: int) -> None:
    values = np.full((8, 8, channels), 65535, np.uint16)
    values[..., :3] = (10000, 30000, 65535)  # OpenCV writes blue, green, red
    cv2.imwrite(str(tmp_path / f"a{suffix}"), values)
    assert np.abs(read_picture(tmp_path / f"a{suffix}")[4, 4].astype(int) - [255, 117, 39]).max() <= 1


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.full((4, 4), 0.5, np.float32), "floating-point numbers"),
        (np.full((4, 4, 3), 0.5, np.float32), "floating-point numbers"),
        (np.full((4, 4, 3), 0.5, np.float64), "floating-point numbers"),
        (np.full((4, 4), 70000, np.int32), "32-bit numbers"),
    ],
)
def test_numbers_without_a_scale_are_refused(tmp_path: Path, values: np.ndarray, words: str) -> None:
    cv2.imwrite(str(tmp_path / "a.tiff"), values)
    with pytest.raises(BadInputError, match=rf"{words}.*8 or 16 bits"):
        read_picture(tmp_path / "a.tiff")


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".tiff"])
def test_the_first_of_several_pictures_is_taken(tmp_path: Path, suffix: str) -> None:
    frames = [Image.fromarray(np.full((16, 16, 3), value, np.uint8)) for value in (255, 128, 0)]
    picture = read_back(tmp_path / f"a{suffix}", frames[0], save_all=True, append_images=frames[1:])
    assert picture.shape == (16, 16, 3)
    assert picture.min() > 250


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF", "AVIF", "JPEG2000"])
@pytest.mark.parametrize("part", [0.02, 0.5, 0.9])
def test_a_truncated_picture_is_refused(tmp_path: Path, kind: str, part: float) -> None:
    data = encoded(kind)
    (tmp_path / "a.jpg").write_bytes(data[: int(len(data) * part)])
    with pytest.raises(BadInputError, match=r"a\.jpg (is damaged|is cut short|is no picture)") as caught:
        read_picture(tmp_path / "a.jpg")
    assert caught.value.remedy
    assert "picture program" not in caught.value.remedy
    if kind in ("JPEG", "PNG", "TIFF", "GIF", "BMP") and part > 0.1:
        assert str(caught.value) == "a.jpg is cut short. It was not copied completely. Copy or download it again."


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF"])
def test_flipped_bits_never_end_as_a_bug(tmp_path: Path, kind: str) -> None:
    generator = np.random.default_rng(5)
    data = np.frombuffer(encoded(kind), np.uint8)
    refused = 0
    for _ in range(40):
        damaged = data.copy()
        places = generator.integers(0, min(len(data), 400), 4)
        damaged[places] ^= generator.integers(1, 255, 4).astype(np.uint8)
        (tmp_path / "a").write_bytes(damaged.tobytes())
        try:
            assert read_picture(tmp_path / "a").ndim == 3
        except BadInputError:
            refused += 1
    assert refused > 0


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [10_001, 12_000, 60_000])
def test_too_many_pixels_are_refused_before_decoding(tmp_path: Path, side: int) -> None:
    assert side * side > LARGEST_PIXELS
    (tmp_path / "bomb.png").write_bytes(png_that_claims(side, side))
    with pytest.raises(BadInputError, match=r"bomb\.png is too large\..*100 million pixels"):
        read_picture(tmp_path / "bomb.png")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"Dear diary, this is no picture.\n" * 20, "is no picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is no picture"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 64, "HEIC"),
        (bytes(range(256)) * 8, "is no picture"),
    ],
)
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(BadInputError, match=words) as caught:
        read_picture(tmp_path / "a.jpg")
    assert caught.value.remedy


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="does not exist"):
        read_picture(tmp_path / "missing.png")
    with pytest.raises(BadInputError, match="is a folder"):
        read_picture(tmp_path)
    with pytest.raises(BadInputError, match="is not a file name"):
        read_picture(tmp_path / "a\0b.png")
    (tmp_path / "circle.png").symlink_to(tmp_path / "circle.png")
    with pytest.raises(BadInputError, match="cannot be read"):
        read_picture(tmp_path / "circle.png")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices have no such names")
@pytest.mark.timeout(20)
def test_pipes_and_devices_are_refused_without_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(BadInputError, match="device or pipe"):
        read_picture(tmp_path / "pipe.png")
    with pytest.raises(BadInputError, match="device or pipe"):
        read_picture(Path("/dev/zero"))
    monkeypatch.chdir(tmp_path)  # the address of a socket must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.png")
        with pytest.raises(BadInputError, match="device or pipe"):
            read_picture(tmp_path / "socket.png")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="becomes another user")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.png"
    Image.fromarray(FLAG).save(path)
    path.chmod(0)
    code = f"""
        import os, sys
        from pathlib import Path
        from converters.errors import BadInputError
        import converters.pictures
        os.setuid(65534)
        try:
            converters.pictures.read_picture(Path({os.fspath(path)!r}))
        except BadInputError as error:
            sys.exit(str(error))
    """
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == 0 and not folder.stat().st_mode & 1:
            folder.chmod(folder.stat().st_mode | 0o111)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert "secret.png cannot be read. Permission denied. Check its permissions." in done.stderr


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff", ".jpg", ".JPEG", ".webp"])
def test_written_pictures_read_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "new folder" / f"a{suffix}"
    write_picture(path, PICTURE)
    assert difference(read_picture(path), PICTURE) < (4 if suffix.lower() in (".jpg", ".jpeg", ".webp") else 1e-9)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_nothing_is_overwritten_silently(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_picture(path, FLAG)
    with pytest.raises(DestinationError, match="Replace it"):
        write_picture(path, PICTURE)
    assert np.array_equal(read_picture(path), FLAG)
    write_picture(path, PICTURE, force=True)
    assert np.array_equal(read_picture(path), PICTURE)


def test_unknown_endings_are_refused(tmp_path: Path) -> None:
    for name, words in (("a.pgn", "'.png'"), ("a", "does not end in")):
        with pytest.raises(UsageError, match=words):
            write_picture(tmp_path / name, FLAG)
    assert not list(tmp_path.iterdir())
