"""What kind of file this is, told from its bytes and never from its name."""

from __future__ import annotations

import os
import re
import stat
import struct
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from converters.errors import BadInputError, UnsupportedError
from converters.model.archive import member_names


class SourceKind(StrEnum):
    """What `load` can be given."""

    ONNX = "onnx"
    STATE_DICT = "state_dict"
    SAFETENSORS = "safetensors"
    TORCHSCRIPT = "torchscript"
    EXPORTED_PROGRAM = "exported_program"
    FACTORY = "factory"
    ZIP = "zip"
    FOLDER = "folder"


# The magic number that opens torch's format of before 2020, as its pickled form.
LEGACY_TORCH_MAGIC = bytes.fromhex("8a0a6cfc9c46f9206aa85019")

_FACTORY = re.compile(r"^(?P<file>.+\.py):(?P<function>[A-Za-z_][A-Za-z0-9_]*)$", re.DOTALL)

# Top-level fields of ONNX's ModelProto and their wire types (0 a varint, 2 length-delimited).
_MODEL_FIELDS = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2}
_GRAPH_FIELD = 7

_ELSEWHERE = "Give the model itself: .onnx, .pth, .safetensors, or a .zip or folder that holds one."
# (offset, bytes, what such a file is): files that people pick or download by mistake.
_MISTAKES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (0, b"GIF8", "a GIF picture"),
    (0, b"RIFF", "a picture, sound or video (RIFF)"),
    (4, b"ftyp", "a video or a phone's picture (MP4, MOV or HEIC)"),
    (0, b"\x1aE\xdf\xa3", "a video (Matroska or WebM)"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\x7fELF", "a Linux program or library"),
    (0, b"MZ", "a Windows program or library"),
    (0, b"\xcf\xfa\xed\xfe", "a macOS program or library"),
    (0, b"\xca\xfe\xba\xbe", "a macOS program or library"),
    (0, b"\x93NUMPY", "a numpy array"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file (Keras keeps its models so)"),
    (0, b"GGUF", "a GGUF language model"),
    (4, b"TFL3", "a TensorFlow Lite model, which is a result of conversion and not a source"),
    (0, b"7767517\n", "an ncnn model"),
)
_PACKED: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x1f\x8b", "gzip"),
    (0, b"BZh", "bzip2"),
    (0, b"\xfd7zXZ\x00", "xz"),
    (0, b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (0, b"Rar!\x1a\x07", "RAR"),
    (0, b"\x28\xb5\x2f\xfd", "Zstandard"),
    (257, b"ustar", "tar"),
)


def split_factory(text: str) -> tuple[Path, str] | None:
    """Return file and function of `file.py:factory`, or None when `text` is not of that form."""
    match = _FACTORY.match(text)
    return (Path(match["file"]), match["function"]) if match else None


def sniff(path: Path) -> SourceKind:
    """Return what kind of source `path` is, by its content.

    Raises:
        BadInputError: it does not exist, cannot be read, is empty, or is of a kind that holds no model.
        UnsupportedError: it is a kind of model or archive this program does not read.
    """
    status = stat_of(path)
    if stat.S_ISDIR(status.st_mode):
        return SourceKind.FOLDER
    if status.st_size == 0:
        raise BadInputError(f"{path.name} is empty.", "A download or copy may have been cut short.", "Fetch it again.")
    with open_source(path) as file:
        head = file.read(4096)
        if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
            return _kind_of_zip(path)
        if _is_safetensors(head, status.st_size):
            return SourceKind.SAFETENSORS
        if head.startswith(b"\x80") and LEGACY_TORCH_MAGIC in head[:24]:
            return SourceKind.STATE_DICT
        _refuse_known_mistakes(path, head)
        if _looks_like_onnx(file, status.st_size):
            return SourceKind.ONNX
    if len(head) >= 2 and head[0] == 0x80 and head[1] <= 5:
        # Any other pickle: read (safely) as a state dict, and refused there with what it holds.
        return SourceKind.STATE_DICT
    _refuse_text(path, head)
    raise BadInputError(
        f"{path.name} is no model that this program knows.",
        "Neither ONNX nor PyTorch nor safetensors begins like this; the file may also be damaged.",
        _ELSEWHERE,
    )


def stat_of(path: Path) -> os.stat_result:
    """Return the status of a regular file or folder.

    Raises:
        BadInputError: missing, unreachable, or a device, pipe or socket.
    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise BadInputError(f"{path.name} does not exist.", f"Looked in {path.parent}.", "Check the path.") from None
    except PermissionError:
        raise _no_permission(path) from None
    except (OSError, ValueError) as error:
        raise BadInputError(f"{path.name!r} cannot be opened: {error}.", "", "Check the path.") from None
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise BadInputError(f"{path.name} is a device, pipe or socket, not a file.", "", _ELSEWHERE)
    return status


def open_source(path: Path) -> BinaryIO:
    """Open a file for reading.

    Raises:
        BadInputError: it cannot be read.
    """
    try:
        return path.open("rb")
    except PermissionError:
        raise _no_permission(path) from None
    except OSError as error:
        raise BadInputError(f"{path.name} cannot be read: {error.strerror}.", "", "Check the path.") from None


def _no_permission(path: Path) -> BadInputError:
    return BadInputError(
        f"{path.name} cannot be read: permission denied.", "", "Change the file's permissions or copy it elsewhere."
    )


def _kind_of_zip(path: Path) -> SourceKind:
    names = member_names(path)
    inner = {name.partition("/")[2] for name in names}
    if "constants.pkl" in inner and any(name.startswith("code/") for name in inner):
        return SourceKind.TORCHSCRIPT
    if "serialized_exported_program.json" in names or "archive_format" in inner:
        return SourceKind.EXPORTED_PROGRAM
    if "data.pkl" in inner:
        return SourceKind.STATE_DICT
    return SourceKind.ZIP


def _is_safetensors(head: bytes, size: int) -> bool:
    if len(head) < 10:
        return False
    (length,) = struct.unpack("<Q", head[:8])
    return 2 <= length <= 100_000_000 and length + 8 <= size and head[8:9] == b"{"


def _refuse_known_mistakes(path: Path, head: bytes) -> None:
    if head.startswith(b"version https://git-lfs.github.com/"):
        raise BadInputError(
            f"{path.name} is a Git LFS pointer, not the model itself.",
            "The repository was fetched without its large files.",
            "Run `git lfs pull`, or download the file from the repository's page.",
        )
    for offset, magic, what in _PACKED:
        if head[offset : offset + len(magic)] == magic:
            raise UnsupportedError(f"{path.name} is a {what} archive.", "", "Unpack it and give the model inside.")
    for offset, magic, what in _MISTAKES:
        if head[offset : offset + len(magic)] == magic:
            raise BadInputError(f"{path.name} is {what}.", "", _ELSEWHERE)


def _refuse_text(path: Path, head: bytes) -> None:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<!--")):
        raise BadInputError(
            f"{path.name} is a web page, not a model.",
            "The download page was saved instead of the file.",
            "Open the page in a browser and use its download button.",
        )
    if b"\x00" in head:
        return
    try:
        head[: max(len(head) - 3, 1)].decode("utf-8")
    except UnicodeDecodeError:
        return
    remedy = _ELSEWHERE
    if re.search(rb"^\s*(import|from|def|class)\s", head, re.MULTILINE):
        remedy = (
            f"For Python code that builds a model name the function: {path.name}:function. "
            "It needs your trust, because its code runs."
        )
    raise BadInputError(f"{path.name} is a text file, not a model.", "", remedy)


def _looks_like_onnx(file: BinaryIO, size: int) -> bool:
    """Walk the top-level fields of a ModelProto, skipping their contents, until the graph is found."""
    file.seek(0)
    position = 0
    for _field in range(10_000):
        key = _read_varint(file)
        if key is None or _MODEL_FIELDS.get(key >> 3) != key & 7:
            return False
        value = _read_varint(file)
        if value is None:
            return False
        if key >> 3 == _GRAPH_FIELD:
            return True
        if key & 7 == 2:
            position = file.tell() + value
            if position >= size:
                return False
            file.seek(position)
    return False


def _read_varint(file: BinaryIO) -> int | None:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            return None
        value |= (byte[0] & 0x7F) << shift
        if not byte[0] & 0x80:
            return value
    return None
