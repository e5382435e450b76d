"""Frames as they come to what keeps them: pictures, crops and reports that fit each other."""

from __future__ import annotations

import numpy as np

from converters.face.faces import Detection, Face, Picture
from converters.preview.capture import Frame
from converters.preview.messages import FaceReport, FrameReport, MapReport
from converters.preview.pairs.base import PairCrop, PairResult, SideInfo
from converters.preview.region import Region
from converters.preview.request import Look
from converters.preview.treated import Shown, Treated

HEIGHT, WIDTH = 180, 320
SIDES = (SideInfo("demo", "ONNX Runtime", False, 1000), SideInfo("MNN int8 模型", "MNN", True, 300))


def plain(value: int, shape: tuple[int, int] = (HEIGHT, WIDTH)) -> Picture:
    return np.full((*shape, 3), value, np.uint8)


def shown(
    identity: int,
    losses: tuple[float, ...],
    seconds: float,
    *,
    taken: float | None = None,
    candidate: str = "file",
    shape: tuple[int, int] = (HEIGHT, WIDTH),
    region: Region | None = None,
    has_map: bool = True,
) -> Shown:
    """Make a frame. Its picture has the value of its identity, the sides 60 and 120, the faces' crops .25 and .75."""
    face = Face(Detection((10.0, 10.0, 50.0, 50.0), 0.9, np.zeros((5, 2), np.float32)), None)
    crops = []
    for place in range(len(losses)):
        sides = [np.full((32, 32, 3), value + place * 0.1, np.float32) for value in (0.25, 0.75)]
        crops.append(PairCrop(face, np.eye(2, 3), *sides))
    result = PairResult(plain(60, shape), plain(120, shape), (face,) * len(losses), tuple(crops), {"original": 0.01})
    frame = Frame(identity, seconds, plain(identity % 256, shape), identity, "", taken or seconds, False)
    region = region or Region(0, 0, shape[1], shape[0], (shape[1] // 2, shape[0] // 2))
    report = FrameReport(
        memory="",
        slot=0,
        identity=identity,
        size=region.size,
        full_size=(shape[1], shape[0]),
        taken=frame.taken,
        said=frame.taken,
        position=seconds,
        index=identity,
        name="",
        seconds={"original": 0.0123, "candidate": 0.0045},
        faces=tuple(FaceReport(0, face.detection.box, loss, 33.3) for loss in losses),
        found=len(losses),
        remark="",
        map=MapReport("lpips", 0.2) if has_map else None,
        figures={},
        dropped=0,
        candidate=candidate,
    )
    grey = np.zeros((region.size[1], region.size[0]), np.uint8)
    grey[: region.size[1] // 2] = 255  # everything is lost in the upper half
    return Shown(
        Treated(frame, result, (), Look(), SIDES, False, True, candidate), report, grey if has_map else None, region
    )
