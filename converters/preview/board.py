"""Draw both sides of a frame beside each other, with names above and numbers below: what snapshots and videos show."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final

import numpy as np

from converters.compare_report.encoding import over, palette
from converters.face.faces import Picture
from converters.preview.maps import Grey
from converters.preview.messages import FrameReport, MapReport
from converters.preview.pairs.base import PairResult, SideInfo
from converters.preview.region import Region

_BACKGROUND, _TEXT, _QUIET = 24, 235, 165  # of 255
_GAP: Final = 4  # pixels between two panes
_LEAST: Final = (320, 1080)  # pictures narrower than this are enlarged, unless they become higher than that
_CUT = "..."  # the font's sign for it stands in the middle of the line
_NAME_END = 0.5  # of the letters of a name that is cut: the ends of names tell files apart
_OPACITY = 0.75  # of the strongest places of the map
_TITLES = {"lpips": "LPIPS", "flip": "FLIP", "difference": "Difference"}


@dataclass(frozen=True)
class Sides:
    """Both pictures as they are to be drawn, and what is known of them.

    Attributes:
        original, candidate: of one size, RGB.
        grey: the map over them, of that size; None for none.
        map: what its colours mean; None for none.
        names: of both sides.
        numbers: lines for below.
    """

    original: Picture
    candidate: Picture
    grey: Grey | None
    map: MapReport | None
    names: tuple[str, str]
    numbers: tuple[str, ...]

    @property
    def is_overlaid(self) -> bool:
        """Whether there is a map to draw."""
        return self.grey is not None and self.map is not None


def sides_of(
    result: PairResult,
    report: FrameReport,
    infos: tuple[SideInfo, SideInfo],
    grey: Grey | None,
    region: Region,
    most: tuple[int, int],
) -> Sides:
    """Copy out of a result what was shown of it, at its full size; small pictures with each pixel as a larger square.

    Args:
        result: of a frame.
        report: of the same.
        infos: of both sides.
        grey: the map as it was shown; None for none.
        region: that was shown.
        most: width and height that a picture may have at most, 0 for any; larger ones are made smaller.
    """
    import cv2

    rows, columns = slice(region.top, region.bottom), slice(region.left, region.right)
    width, height = region.right - region.left, region.bottom - region.top
    share = min([1.0, *(limit / length for limit, length in zip(most, (width, height), strict=True) if limit)])
    size = (max(2, round(width * share)), max(2, round(height * share)))
    times = max(1, min(-(-_LEAST[0] // size[0]), _LEAST[1] // size[1])) if share == 1 else 1
    size = (size[0] * times, size[1] * times)

    def fitted(picture: Any, larger: int) -> Any:
        if (picture.shape[1], picture.shape[0]) == size:
            return picture.copy()
        is_smaller = size[0] < picture.shape[1]
        return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if is_smaller else larger)

    return Sides(
        fitted(result.original[rows, columns], cv2.INTER_NEAREST),
        fitted(result.candidate[rows, columns], cv2.INTER_NEAREST),
        None if grey is None else fitted(grey, cv2.INTER_LINEAR),
        report.map,
        (f"Original: {_name(infos[0])}", f"Candidate: {_name(infos[1])}"),
        numbers_of(report),
    )


def _name(info: SideInfo) -> str:
    return f"{info.label} · {info.runtime}" + (" (reference, slow here)" if info.is_reference else "")


def numbers_of(report: FrameReport) -> tuple[str, ...]:
    """Return what is known of a frame, in two lines: where it is from and what it took; what was lost."""
    place = report.name or f"frame {report.index + 1} · {report.position:.2f} s"
    times = [
        f"{side} {report.seconds[side] * 1000:.1f} ms" for side in ("original", "candidate") if side in report.seconds
    ]
    faces = [f"{report.found} {'face' if report.found == 1 else 'faces'}"]
    several = " (worst face)" if len(report.faces) > 1 else ""
    lost = [] if report.loss is None else [f"LPIPS {report.loss:.4f}{several}"]
    psnr = min((face.psnr for face in report.faces if face.psnr is not None), default=report.figures.get("psnr"))
    lost += [] if psnr is None else [f"PSNR {psnr:.1f} dB{several}"]
    cosines = [
        f"{face.original_cosine:.3f}/{face.candidate_cosine:.3f}"
        for face in report.faces
        if face.original_cosine is not None and face.candidate_cosine is not None
    ]
    lost += [f"identity (original/candidate) {', '.join(cosines)}"] if cosines else []
    measured = {"lpips", "psnr"}
    lost += [f"{name.replace('_', ' ')} {value:.3g}" for name, value in report.figures.items() if name not in measured]
    lost += [report.remark] if report.remark else []
    if report.phone is not None:
        lost.append(f"simulated phone: {report.phone.rate:.0f} frames/s")
    return " · ".join([place, *faces, *times]), " · ".join(lost)


def draw_board(sides: Sides, *, separately: bool) -> Picture:
    """Return both sides beside each other.

    Args:
        sides: what is drawn.
        separately: the map gets a picture of its own; otherwise it lies over the candidate.

    Returns:
        Height x width x 3, RGB.
    """
    height, width = sides.original.shape[:2]
    panes = [(sides.names[0], sides.original)]
    overlaid = _overlaid(sides)
    if separately or overlaid is None:
        panes.append((sides.names[1], sides.candidate))
    if overlaid is not None:
        panes.append((_title(sides) if separately else sides.names[1], overlaid))
    text = text_height(width)
    board_width = len(panes) * width + (len(panes) - 1) * _GAP
    lines = sides.numbers
    board: Picture = np.full((text + height + len(lines) * text, board_width, 3), _BACKGROUND, np.uint8)
    for place, (name, picture) in enumerate(panes):
        left = place * (width + _GAP)
        _write(board, name, (left, 0), width, text, _TEXT, end=_NAME_END)
        board[text : text + height, left : left + width] = picture
    last = board_width - width  # under the last pane the scale stands beside the first line
    for place, line in enumerate(lines):
        room = last if overlaid is not None and place == 0 else board_width
        _write(board, line, (0, text + height + place * text), room, text, _QUIET)
    if overlaid is not None and lines:
        _draw_scale(board, sides, last, text)
    return board


def board_size(width: int, height: int, lines: int = 2) -> tuple[int, int]:
    """Return width and height of a board of two pictures of a size, as `draw_board` makes it without a separate map."""
    text = text_height(width)
    return 2 * width + _GAP, height + (1 + lines) * text


def text_height(width: int) -> int:
    """Return the height of a line under a picture of a width."""
    return max(14, min(36, width // 22))


def _overlaid(sides: Sides) -> Picture | None:
    if sides.grey is None or sides.map is None:
        return None
    return over(sides.candidate, sides.grey.astype(np.float32), 255.0, _OPACITY)


def _title(sides: Sides) -> str:
    assert sides.map is not None
    return f"{_TITLES.get(sides.map.overlay, sides.map.overlay)} map"


def _draw_scale(board: Picture, sides: Sides, left: int, text: int) -> None:
    """Draw under the last pane which colour stands for what, from the lowest value to the highest."""
    assert sides.map is not None
    height, width = sides.original.shape[:2]
    top, inset = text + height, text // 4
    low, high = f"{_TITLES.get(sides.map.overlay, sides.map.overlay)} 0", f"{sides.map.highest:g} and more"
    first = left + _width(low, text) + 2 * inset
    last = left + width - _width(high, text) - 2 * inset
    if last - first < width // 4:  # no room for words
        first, last = left + inset, left + width - inset
    else:
        _write(board, low, (left, top), width, text, _QUIET)
        _write(board, high, (last, top), left + width - last, text, _QUIET)
    if first < last:
        board[top + inset : top + text - inset, first:last] = palette()[np.linspace(0, 255, last - first).astype(int)]


def _write(
    board: Picture, text: str, corner: tuple[int, int], width: int, height: int, grey: int, *, end: float = 0.0
) -> None:
    """Write a line, cut where it does not fit: see `_cut`."""
    import cv2

    inset = height // 4
    cut = _cut("".join(sign if sign.isprintable() else " " for sign in text), width - 2 * inset, height, end)
    if cut:
        at = (corner[0] + inset, corner[1] + round(height * 0.73))
        cv2.putText(board, cut, at, (grey, grey, grey), _font(), _font_size(height))


@lru_cache(64)
def _cut(text: str, room: int, height: int, end: float) -> str:
    """Return as much of a text as fits into a room of so many pixels; `end` is the share that its end has of that."""

    def cut(kept: int) -> str:
        tail = round(kept * end)
        return text[: kept - tail].rstrip() + _CUT + text[len(text) - tail :].lstrip()

    if _width(text, height) <= room:
        return text
    fitting = bisect_right(range(len(text)), room, key=lambda kept: _width(cut(kept), height)) - 1
    return cut(fitting) if fitting > 0 else ""


def _width(text: str, height: int) -> int:
    """Return the width of a text in a line of a height."""
    import cv2

    return int(cv2.getTextSize((1 << 14, 100), text, (0, 0), _font(), _font_size(height))[2])


def _font_size(height: int) -> int:
    return round(height * 0.62)


@cache
def _font() -> Any:
    """Return OpenCV's own font with signs of many languages: names of files are written in all of them."""
    import cv2

    return cv2.FontFace("uni")


def fitted_board(board: Picture, size: tuple[int, int]) -> Picture:
    """Return a board in the middle of a picture of a size (width, height), made smaller where it does not fit."""
    import cv2

    if (board.shape[1], board.shape[0]) == size:
        return board
    share = min(1.0, size[0] / board.shape[1], size[1] / board.shape[0])
    inner = (max(1, round(board.shape[1] * share)), max(1, round(board.shape[0] * share)))
    if share < 1:
        board = np.asarray(cv2.resize(board, inner, interpolation=cv2.INTER_AREA), np.uint8)
    whole: Picture = np.full((size[1], size[0], 3), _BACKGROUND, np.uint8)
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    whole[top : top + inner[1], left : left + inner[0]] = board[: inner[1], : inner[0]]
    return whole
