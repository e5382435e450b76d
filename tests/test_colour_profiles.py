"""Colours that a profile explains come out as sRGB means them; damaged profiles cost nothing but themselves."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from converters.colour_profiles import in_srgb
from converters.face.faces import Picture
from converters.pictures import read_picture

# Colorants in XYZ under D50, columns red, green, blue.
DISPLAY_P3 = np.array([[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]])
SRGB = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
WHITE = (0.9642, 1.0, 0.8249)
Tags = list[tuple[bytes, bytes]]


def fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + fixed(*values)


def gamma(power: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IHH", 1, round(power * 256), 0)


def profile(space: bytes, kind: bytes, connection: bytes, tags: Tags) -> bytes:
    """Return an ICC profile of version 2.4."""
    name = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"made\0" + b"\0" * 78
    table, body = b"", b""
    start = 132 + 12 * (len(tags) + 2)
    for tag, data in [(b"desc", name), (b"wtpt", xyz(*WHITE)), *tags]:
        padded = data + b"\0" * (-len(data) % 4)
        table += struct.pack(">4sII", tag, start + len(body), len(padded))
        body += padded
    size = start + len(body)
    head = struct.pack(">I4sI4s4s4s6H", size, b"\0" * 4, 0x02400000, kind, space, connection, 2020, 1, 1, 0, 0, 0)
    head = (head + b"acsp" + b"\0" * 28 + fixed(*WHITE)).ljust(128, b"\0")
    return head + struct.pack(">I", len(tags) + 2) + table + body


def wide_gamut() -> bytes:
    columns = [(name + b"XYZ", xyz(*column)) for name, column in zip((b"r", b"g", b"b"), DISPLAY_P3.T, strict=True)]
    return profile(b"RGB ", b"mntr", b"XYZ ", [*columns, *((name + b"TRC", gamma(2.2)) for name in (b"r", b"g", b"b"))])


def inks() -> bytes:
    """Return a profile of a press whose cyan ink is red, black ink black, and the others invisible."""
    grid = b"".join(
        bytes([0, 128, 128]) if black else bytes([140, 208, 195]) if cyan else bytes([255, 128, 128])
        for cyan in range(2)
        for _magenta in range(2)
        for _yellow in range(2)
        for black in range(2)
    )
    ramp = bytes(range(256))
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1) + ramp * 4 + grid + ramp * 3
    return profile(b"CMYK", b"prtr", b"Lab ", [(b"A2B0", table)])


def expected(colour: tuple[int, int, int]) -> np.ndarray:
    """Work out by hand what a Display-P3 colour with gamma 2.2 is in sRGB."""
    linear = np.linalg.solve(SRGB, DISPLAY_P3 @ (np.array(colour) / 255) ** 2.2)
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.clip(linear, 0, 1) ** (1 / 2.4) - 0.055)
    return np.asarray(255 * np.clip(curve, 0, 1))


def read_back(path: Path, image: Image.Image, icc_profile: bytes) -> Picture:
    image.save(path, icc_profile=icc_profile, **({"quality": 100} if path.suffix in (".jpg", ".webp") else {}))
    return read_picture(path)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tiff", ".webp"])
@pytest.mark.parametrize("colour", [(200, 100, 50), (60, 180, 90), (128, 128, 128)])
def test_a_wide_gamut_becomes_srgb(tmp_path: Path, suffix: str, colour: tuple[int, int, int]) -> None:
    seen = read_back(tmp_path / f"a{suffix}", Image.new("RGB", (16, 16), colour), wide_gamut())[8, 8].astype(int)
    assert np.abs(seen - expected(colour)).max() <= 3
    if len(set(colour)) > 1:
        assert np.abs(colour - expected(colour)).max() > 10, "the limit would not notice a profile that is dropped"


@pytest.mark.parametrize("mode", ["RGBA", "P"])
def test_transparent_and_palette_pictures_have_profiles_too(tmp_path: Path, mode: str) -> None:
    image = Image.new("RGBA", (16, 16), (200, 100, 50, 255))
    image.paste((0, 0, 0, 0), (0, 0, 8, 16))
    picture = read_back(tmp_path / "a.png", image.convert(mode), wide_gamut())
    assert picture[8, 2].tolist() == [255, 255, 255]
    assert np.abs(picture[8, 12] - expected((200, 100, 50))).max() <= 3


def test_a_colour_that_counts_as_transparent_is_found_before_it_changes(tmp_path: Path) -> None:
    image = Image.new("RGB", (16, 16), (200, 100, 50))
    image.paste((60, 180, 90), (0, 0, 8, 16))
    image.save(tmp_path / "a.png", icc_profile=wide_gamut(), transparency=(60, 180, 90))
    picture = read_picture(tmp_path / "a.png")
    assert picture[8, 2].tolist() == [255, 255, 255]
    assert np.abs(picture[8, 12] - expected((200, 100, 50))).max() <= 3


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_grey_has_profiles(tmp_path: Path, mode: str) -> None:
    linear = profile(b"GRAY", b"mntr", b"XYZ ", [(b"kTRC", gamma(1.0))])
    picture = read_back(tmp_path / "a.png", Image.new("L", (8, 8), 100).convert(mode), linear)
    assert np.abs(picture[4, 4].astype(int) - 168).max() <= 1  # 1.055 (100 / 255) ** (1 / 2.4) - .055


@pytest.mark.parametrize("suffix", [".tiff", ".jpg"])
def test_inks_are_what_their_profile_says(tmp_path: Path, suffix: str) -> None:
    for ink, colour in (((255, 0, 0, 0), (255, 16, 13)), ((0, 255, 0, 0), (255,) * 3), ((0, 0, 0, 255), (0,) * 3)):
        seen = read_back(tmp_path / f"a{suffix}", Image.new("CMYK", (16, 16), ink), inks())[8, 8]
        assert np.abs(seen.astype(int) - colour).max() <= 4


def test_srgb_changes_nothing() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    image = Image.fromarray(noise)
    assert in_srgb(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()) is image
    assert in_srgb(image, wide_gamut()) is not image


def test_profiles_that_do_not_fit_are_passed_over() -> None:
    image = Image.new("RGB", (8, 8), (200, 100, 50))
    link = profile(b"RGB ", b"link", b"XYZ ", [])
    huge = wide_gamut() + b"\0" * 4_000_000
    for wrong in (None, "text", b"", b"\0" * 500, inks(), link, huge, wide_gamut()[:200]):
        assert in_srgb(image, wrong) is image


def test_flipped_bits_in_a_profile_never_end_as_a_bug() -> None:
    generator = np.random.default_rng(2)
    for made, mode in ((wide_gamut(), "RGB"), (inks(), "CMYK")):
        data = np.frombuffer(made, np.uint8)
        for _ in range(150):
            damaged = data.copy()
            places = generator.integers(0, min(len(data), 500), 4)
            damaged[places] ^= generator.integers(1, 255, 4).astype(np.uint8)
            result = in_srgb(Image.new(mode, (4, 4)), damaged.tobytes())
            assert result.mode in ("RGB", mode)
            assert result.size == (4, 4)
