"""A frame on its way from the models to the screen."""

from __future__ import annotations

from dataclasses import dataclass

from converters.preview.capture import Frame
from converters.preview.maps import Grey
from converters.preview.measures import Cosines
from converters.preview.messages import FrameReport, PhoneReport
from converters.preview.pairs.base import PairResult, SideInfo
from converters.preview.region import Region
from converters.preview.request import Look


@dataclass(frozen=True)
class Treated:
    """A frame that both models have seen.

    Attributes:
        frame: as it was captured; its picture is good as long as `result` is.
        result: of both sides.
        cosines: of each crop to its person; () where nobody looked.
        look: how it is to be shown.
        sides, is_whole, draws: of the pair.
        candidate: path of the model that drew the right side.
        scale: sides of the frame that the models saw, in those of the captured one.
        dropped: frames of the source that were not treated so far.
        phone: what the simulated phone does.
    """

    frame: Frame
    result: PairResult
    cosines: Cosines
    look: Look
    sides: tuple[SideInfo, SideInfo]
    is_whole: bool
    draws: bool
    candidate: str
    scale: float = 1.0
    dropped: int = 0
    phone: PhoneReport | None = None


@dataclass(frozen=True)
class Shown:
    """A frame that was drawn for the screen, with what is known of it.

    Attributes:
        treated: as the models left it.
        report: that was said of it; its memory is "" and nothing was said where the window had no room for it.
        grey: the map as it was drawn, height x width as shown; None for none.
        region: of the treated pictures that was drawn.
    """

    treated: Treated
    report: FrameReport
    grey: Grey | None
    region: Region
