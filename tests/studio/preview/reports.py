"""Reports of frames, with what a test does not care about filled in."""

from __future__ import annotations

from typing import Any

from converters.preview.messages import FaceReport, FrameReport


def face(lpips: float | None = None, **values: Any) -> FaceReport:
    return FaceReport(0, (0.0, 0.0, 10.0, 10.0), lpips, **values)


def report(identity: int = 1, *faces: FaceReport, **values: Any) -> FrameReport:
    usual: dict[str, Any] = {
        "memory": "memory",
        "slot": 0,
        "identity": identity,
        "size": (8, 4),
        "full_size": (8, 4),
        "taken": 0.0,
        "said": 0.0,
        "position": 0.0,
        "index": identity,
        "name": "",
        "seconds": {},
        "faces": faces,
        "found": len(faces),
        "remark": "",
        "map": None,
        "figures": {},
        "dropped": 0,
    }
    return FrameReport(**{**usual, **values})
