"""Draw both sides of a frame beside each other, with names above and numbers below: what snapshots and videos show."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
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
_CUT = "..."  # the font's sign for it stands in the middle of the line
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
    """Copy out of a result what was shown of it, at its full size.

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

    def fitted(picture: Any) -> Any:
        if (picture.shape[1], picture.shape[0]) == size:
            return picture.copy()
        is_smaller = size[0] < picture.shape[1]
        return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR)

    return Sides(
        fitted(result.original[rows, columns]),
        fitted(result.candidate[rows, columns]),
        None if grey is None else fitted(grey),
        report.map,
        (_name(infos[0]), _name(infos[1])),
        numbers_of(report),
    )


def _name(info: SideInfo) -> str:
    return f"{info.label} · {info.runtime}" + (" (reference, slow here)" if info.is_reference else "")


def numbers_of(report: FrameReport) -> tuple[str, ...]:
    """Return what is known of a frame, in two lines: where it is from and what it took; what was lost."""
    place = f"frame {report.identity} · {report.name or f'{report.position:.2f} s'}"
    times = [
        f"{side} {report.seconds[side] * 1000:.1f} ms" for side in ("original", "candidate") if side in report.seconds
    ]
    faces = [f"{report.found} {'face' if report.found == 1 else 'faces'}"]
    lost = [] if report.loss is None else [f"LPIPS {report.loss:.4f}"]
    psnr = min((face.psnr for face in report.faces if face.psnr is not None), default=report.figures.get("psnr"))
    lost += [] if psnr is None else [f"PSNR {psnr:.1f} dB"]
    for face in report.faces:
        if face.original_cosine is not None and face.candidate_cosine is not None:
            lost.append(f"identity {face.original_cosine:.3f} / {face.candidate_cosine:.3f}")
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
    lines = [line for line in sides.numbers if line]
    board: Picture = np.full((2 * text + height + len(lines) * text, board_width, 3), _BACKGROUND, np.uint8)
    for place, (name, picture) in enumerate(panes):
        left = place * (width + _GAP)
        _write(board, name, (left, 0), width, text, _TEXT)
        board[text : text + height, left : left + width] = picture
    if overlaid is not None:
        _draw_scale(board, sides, len(panes) - 1, text)
    for place, line in enumerate(lines):
        _write(board, line, (0, 2 * text + height + place * text), board_width, text, _QUIET)
    return board


def board_size(width: int, height: int, lines: int = 2) -> tuple[int, int]:
    """Return width and height of a board of two pictures of a size, as `draw_board` makes it without a separate map."""
    text = text_height(width)
    return 2 * width + _GAP, height + (2 + lines) * text


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


def _draw_scale(board: Picture, sides: Sides, place: int, text: int) -> None:
    """Draw under a pane which colour stands for what."""
    assert sides.map is not None
    height, width = sides.original.shape[:2]
    left, top = place * (width + _GAP), text + height
    caption = f"{_TITLES.get(sides.map.overlay, sides.map.overlay)} 0 to {sides.map.highest:g}"
    half = width // 2
    _write(board, caption, (left, top), half, text, _QUIET)
    inset = text // 4
    colours = palette()[np.linspace(0, 255, half - inset).astype(int)]
    board[top + inset : top + text - inset, left + half : left + width - inset] = colours


def _write(board: Picture, text: str, corner: tuple[int, int], width: int, height: int, grey: int) -> None:
    """Write a line, cut where it does not fit."""
    import cv2

    face, size, inset = _font(), round(height * 0.62), height // 4
    room = width - 2 * inset
    cut = text
    while len(cut) > len(_CUT) and cv2.getTextSize((1 << 14, 100), cut, (0, 0), face, size)[2] > room:
        cut = cut.removesuffix(_CUT)[:-1].rstrip() + _CUT
    at = (corner[0] + inset, corner[1] + round(height * 0.73))
    cv2.putText(board, cut, at, (grey, grey, grey), face, size)


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
