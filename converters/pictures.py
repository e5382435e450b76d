"""Read any picture a person may give, and write pictures so that they are complete or absent."""

from __future__ import annotations

import os
import stat
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from converters.colour_profiles import in_srgb
from converters.destination import destination_errors, taken
from converters.errors import BadInputError, UsageError, did_you_mean
from converters.face.faces import Picture
from converters.files import Staging
from converters.picture_names import READABLE_SUFFIXES

if TYPE_CHECKING:
    from PIL import Image

LARGEST_PIXELS = 100_000_000
"""Width times height beyond which a picture or a video frame is refused before it is decoded."""

_LARGEST_FILE = 1_000_000_000
# Pillow also opens kinds that start other programs (EPS) or are never photographs: only these.
_FORMATS = ("JPEG", "PNG", "BMP", "DIB", "WEBP", "TIFF", "GIF", "AVIF", "JPEG2000", "PPM", "TGA")
_WRITERS: dict[str, tuple[str, dict[str, Any]]] = {
    ".jpg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".png": ("PNG", {"compress_level": 4}),
    ".bmp": ("BMP", {}),
    ".webp": ("WEBP", {"quality": 95}),
    ".tif": ("TIFF", {}),
    ".tiff": ("TIFF", {}),
}
WRITABLE_SUFFIXES = tuple(_WRITERS)
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
STILL_BRANDS = (*_HEIC_BRANDS, b"avif", b"avis")
"""What pictures in the container of MP4 call themselves."""
_ORIENTATION = 0x0112
_SAVE_ANEW = "Open it in a picture program and save it as JPEG or PNG."
_FLOATS = 3  # the TIFF tag SampleFormat says so


def pictures_in(folder: Path) -> list[Path]:
    """Return the files of a folder that end like pictures, sorted by name."""
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in READABLE_SUFFIXES and file.is_file())


def read_picture(path: Path) -> Picture:
    """Read a picture upright, as eyes see it.

    The orientation that a camera notes is applied. Grey becomes RGB; 16-bit channels are scaled to 8; transparent
    parts show white, as on paper; colours with a profile become sRGB's; of several pictures in a file the first is
    taken.

    Args:
        path: JPEG, PNG, BMP, WebP, TIFF, GIF, AVIF, JPEG 2000, PPM or TGA, by content.

    Returns:
        Height x width x 3, RGB, uint8, contiguous.

    Raises:
        BadInputError: missing, no regular file, not permitted, empty, no picture, damaged, or too large.
    """
    path = Path(path)
    data = _read_bytes(path)
    return _decode(data, path.name)


def write_picture(path: Path, picture: Picture, *, force: bool = False) -> None:
    """Write a picture in the format that its name ends in, complete or not at all.

    Args:
        path: ends in one of `WRITABLE_SUFFIXES`.
        picture: height x width x 3, RGB, uint8.
        force: replace what is there.

    Raises:
        UsageError: another ending.
        DestinationError: it exists and `force` is off, or it cannot be written.
    """
    path = Path(path)
    suffix = writable_suffix(path)
    if not force and os.path.lexists(path):
        raise taken(path)
    with Staging(path.parent) as staging:
        staged = staging.path / "picture"
        with destination_errors(path):
            staged.write_bytes(encoded_picture(picture, suffix))
        staging.place(staged, path.name, force=force)


def encoded_picture(picture: Picture, suffix: str) -> bytes:
    """Return a picture (height x width x 3, RGB, uint8) as a file of the kind that ends in `suffix`."""
    import io

    from PIL import Image

    format_, options = _WRITERS[suffix]
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, format=format_, **options)
    return buffer.getvalue()


def writable_suffix(path: Path) -> str:
    """Return the ending, in small letters, that says how to write a picture; UsageError for one that cannot be."""
    suffix = path.suffix.lower()
    if suffix not in _WRITERS:
        raise UsageError(
            f"{path.name} does not end in a kind of picture that can be written.",
            "",
            did_you_mean(suffix or "nothing", _WRITERS),
        )
    return suffix


def open_regular(path: Path, what: str) -> int:
    """Open a file that a person named; refuse what is none before anything is read from it.

    Args:
        path: any path.
        what: "picture" or "video", for the sentences.

    Returns:
        A descriptor, to be closed by the caller.

    Raises:
        BadInputError: missing, a folder, a pipe or device, not permitted, empty.
    """
    try:
        if stat.S_ISDIR(path.stat().st_mode):
            raise BadInputError(f"{path} is a folder, not a {what}.", "", f"Name a {what} in it.")
        if not stat.S_ISREG(path.stat().st_mode):
            raise BadInputError(f"{path} is a device or pipe, not a {what}.", "", f"Name a {what} file.")
        # a pipe that takes the file's place in this very moment must not block
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise BadInputError(f"{path} does not exist.", "", "Check the path.") from None
    except OSError as error:
        raise BadInputError(f"{path} cannot be read.", f"{error.strerror}.", "Check its permissions.") from error
    except ValueError:
        raise BadInputError(f"{str(path)!r} is not a file name.", "", "Check the path.") from None
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode) and status.st_size:
        return descriptor
    os.close(descriptor)
    if stat.S_ISREG(status.st_mode):
        raise BadInputError(f"{path} is empty.", "It was perhaps not copied completely.", "Copy it again.")
    raise BadInputError(f"{path} is a device or pipe, not a {what}.", "", f"Name a {what} file.")


def _read_bytes(path: Path) -> bytes:
    with os.fdopen(open_regular(path, "picture"), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > _LARGEST_FILE:
            raise BadInputError(f"{path} is no picture of a usual size.", f"It has {size} bytes.", _SAVE_ANEW)
        try:
            return file.read(_LARGEST_FILE)
        except OSError as error:
            raise BadInputError(f"{path} cannot be read.", f"{error.strerror}.", "Check the disk.") from error


def _decode(data: bytes, name: str) -> Picture:
    """Return the picture in `data`; whatever Pillow makes of hostile bytes ends as a BadInputError."""
    import io

    from PIL import Image, ImageChops, UnidentifiedImageError

    Image.init()
    known = [kind for kind in _FORMATS if kind in Image.OPEN]  # not every build of Pillow has AVIF
    try:
        with warnings.catch_warnings():
            # its own limits come with a warning; ours are below. Odd but readable metadata is none of our business.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=known) as image:
                _check_size(image, name)
                image.load()
                upright = _upright(image)
                if image.mode == "CMYK" and image.format == "JPEG" and "adobe" not in image.info:
                    # Pillow takes all inks as inverted; that is Adobe's custom, and its files say so
                    upright = ImageChops.invert(upright)
                return _as_rgb(in_srgb(upright, image.info.get("icc_profile")), name)
    except BadInputError:
        raise
    except UnidentifiedImageError:
        raise _no_picture(data, name) from None
    except Image.DecompressionBombError:
        raise _too_large(name, "") from None
    except MemoryError:
        raise _too_large(name, "It does not fit into memory.") from None
    except Exception as error:
        # decoders of hostile files raise anything: OSError, SyntaxError, struct.error, KeyError, …
        words = str(error).strip().rstrip(".") or type(error).__name__
        if "truncated" in words.lower():
            raise BadInputError(
                f"{name} is cut short.", "It was not copied completely.", "Copy or download it again."
            ) from error
        raise BadInputError(
            f"{name} is damaged or was not copied completely.",
            f"The decoder says: {words[:200]}.",
            "Copy or download it again, or give another picture.",
        ) from error


def _check_size(image: Image.Image, name: str) -> None:
    width, height = image.size
    if width * height > LARGEST_PIXELS:
        raise _too_large(name, f"It says that it has {width} x {height} pixels.")
    if width < 1 or height < 1:
        raise BadInputError(f"{name} has no pixels.", "", _SAVE_ANEW)


def _too_large(name: str, why: str) -> BadInputError:
    return BadInputError(
        f"{name} is too large.", why, f"Make it smaller than {LARGEST_PIXELS // 1_000_000} million pixels."
    )


def _no_picture(data: bytes, name: str) -> BadInputError:
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        return BadInputError(
            f"{name} is an HEIC picture, which this program cannot read.",
            "",
            "Export it as JPEG; an iPhone takes JPEG with Settings > Camera > Formats > Most Compatible.",
        )
    if _holds_floats(data):
        return _numbers_without_scale(name, "floating-point numbers")
    return BadInputError(
        f"{name} is no picture, or of a kind that cannot be read.",
        "",
        "Give a JPEG, PNG, BMP, WebP, TIFF, GIF, AVIF, JPEG 2000, PPM or TGA file.",
    )


def _holds_floats(data: bytes) -> bool:
    """Whether bytes that Pillow does not know are a TIFF of floating-point numbers."""
    import io

    from PIL import TiffImagePlugin

    if data[:4] not in (b"II*\0", b"MM\0*"):
        return False
    try:
        directory = TiffImagePlugin.ImageFileDirectory_v2(data[:8])
        file = io.BytesIO(data)
        file.seek(directory.next)
        directory.load(file)
        return _FLOATS in tuple(directory.get(TiffImagePlugin.SAMPLEFORMAT, ()))
    except Exception:  # a damaged directory says nothing
        return False


def _numbers_without_scale(name: str, what: str) -> BadInputError:
    return BadInputError(f"{name} holds {what}, whose scale nobody knows.", "", "Save it with 8 or 16 bits a channel.")


def _upright(image: Image.Image) -> Image.Image:
    from PIL import Image

    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged notes of the camera are no reason to refuse the picture
        orientation = 1
    turn = turns.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)


def _as_rgb(image: Image.Image, name: str) -> Picture:
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM"):
        # Pillow scales large PPM values to 16 bits; of 16-bit colour it keeps the upper byte too
        grey = (np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)
        return np.ascontiguousarray(np.broadcast_to(grey[..., None], (*grey.shape, 3)))
    if image.mode in ("I", "F"):
        raise _numbers_without_scale(name, "floating-point numbers" if image.mode == "F" else "32-bit numbers")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        return _on_white(np.asarray(image.convert("RGBA")))
    return np.array(image.convert("RGB"), dtype=np.uint8, order="C")


def _on_white(picture: np.ndarray[Any, np.dtype[np.uint8]]) -> Picture:
    alpha = picture[..., 3:].astype(np.uint16)
    mixed = (picture[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return np.ascontiguousarray(mixed.astype(np.uint8))
