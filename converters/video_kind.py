"""Let FFmpeg open videos only, each with the one reader of its kind, and never what would make it open other files."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from converters.pictures import STILL_BRANDS, open_regular

if TYPE_CHECKING:
    import cv2

# FFmpeg guesses what a file is, from its content and its name. Some of its guesses (playlists, scripts, session
# descriptions, numbered pictures) make it open other files or the network. So the kind is told here, by magic numbers
# that no text can have, and FFmpeg is held to the reader of that kind.
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"\x1aE\xdf\xa3", "matroska"),  # WebM too
    (b"\x00\x00\x01\xba", "mpeg"),  # program stream
    (b"FLV\x01", "flv"),
    (b"OggS\x00", "ogg"),
    (b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\x00\xaa\x00b\xcel", "asf"),  # WMV
)
_PACKET = 188  # bytes in an MPEG transport stream, each packet begins with G
_PROBED = 1 << 20  # bytes that FFmpeg looks at, at most
# Playlists and scripts, perhaps after a byte order mark.
_TEXT = re.compile(rb"[\s\xef\xbb\xbf]*(?:#EXTM3U|ffconcat|<\?xml|<MPD)")
# FFmpeg takes a file for a session description when any line begins so; of MP4 it is sure before it looks at lines,
# and streaming servers write such lines into theirs.
_SESSION = re.compile(rb"(?:^|\n)c=IN IP")
_OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
_lock = threading.Lock()


def video_kind(path: Path) -> str:
    """Return the name of FFmpeg's reader for a file, "" for what is no video of a known kind.

    Raises:
        BadInputError: it is no file that can be read, or empty.
    """
    descriptor = open_regular(path, "video")
    with os.fdopen(descriptor, "rb") as file:
        start = file.read(_PROBED)
    kind = _kind(start)
    return "" if _TEXT.match(start) or (kind != "mov" and _SESSION.search(start)) else kind


def _kind(start: bytes) -> str:
    if start[4:8] in _BOXES:
        return "" if start[4:8] == b"ftyp" and start[8:12] in STILL_BRANDS else "mov"
    if start[:4] == b"RIFF" and start[8:12] == b"AVI ":
        return "avi"
    if len(start) > 2 * _PACKET and start[: 2 * _PACKET + 1 : _PACKET] == b"GGG":
        return "mpegts"
    return next((kind for magic, kind in _BEGINNINGS if start.startswith(magic)), "")


def open_capture(path: Path, kind: str) -> cv2.VideoCapture:
    """Open a file with one of FFmpeg's readers and no other, allowed to open that file alone.

    Args:
        path: a regular file.
        kind: as `video_kind` told.

    Returns:
        A capture that may not be opened: ask it.
    """
    import cv2

    # an absolute path cannot be taken for an address
    place = os.path.abspath(path)  # noqa: PTH100
    with _lock:  # OpenCV takes FFmpeg's options from the environment alone, at the moment of opening
        before = os.environ.get(_OPTIONS)
        os.environ[_OPTIONS] = f"format_whitelist;{kind}|protocol_whitelist;file"
        try:
            return cv2.VideoCapture(place, cv2.CAP_FFMPEG)
        finally:
            if before is None:
                del os.environ[_OPTIONS]
            else:
                os.environ[_OPTIONS] = before
