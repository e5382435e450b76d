"""A simulated phone paces a real preview: real models, real frames, and what it refuses."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from converters.errors import UnsupportedError
from converters.preview.pacing import Pacing
from converters.preview.pairs.base import SideInfo
from converters.preview.phone.latency import latency
from converters.preview.phone.profiles import profile_of
from converters.preview.request import Look, ModelChoice, Overlay, PreviewRequest, SourceChoice
from tests.preview.conversation import Conversation

SLOW = "iphone-11-pro/cpu"
DEMO_MACS = 2_796_552_192


def sides(macs: int, precision: str = "") -> tuple[SideInfo, SideInfo]:
    original = SideInfo("demo", "ONNX Runtime", is_reference=False, size=1, macs=macs)
    return original, SideInfo("other", "MNN", is_reference=False, size=1, precision=precision)


def taken(pacing: Pacing) -> float:
    """Return the seconds from the beginning of a frame to that of the next: the least of some, others work here too."""
    seconds = []
    for _ in range(4):
        begun = time.monotonic()
        pacing.frame()
        time.sleep(pacing.left())
        seconds.append(time.monotonic() - begun)
    return min(seconds)


def test_a_frame_waits_as_long_as_the_phone_would_take() -> None:
    pacing = Pacing()
    assert taken(pacing) < 0.02
    pacing.choose(SLOW, sides(DEMO_MACS), is_throttled=True)  # nobody counts an MNN file: the original's work
    expected = latency(profile_of(SLOW), DEMO_MACS, "").milliseconds / 1000
    assert expected <= taken(pacing) < 1.5 * expected
    with pytest.raises(UnsupportedError):
        pacing.choose("pixel-8", sides(DEMO_MACS), is_throttled=True)
    assert taken(pacing) >= expected  # the one before goes on
    pacing.choose("pixel-8", sides(DEMO_MACS, "int8"), is_throttled=True)
    assert taken(pacing) >= 1 / 30
    with pytest.raises(UnsupportedError):
        pacing.renew(sides(DEMO_MACS, "fp32"))
    assert taken(pacing) < 0.02


def test_a_running_preview_takes_a_phone_and_refuses_another(tmp_path: Path) -> None:
    request = PreviewRequest(
        ModelChoice(),
        ModelChoice(),
        SourceChoice(),
        str(tmp_path / "pictures"),
        options={"landmarker": "none", "track": False},
        look=Look(320, 240, Overlay.NONE),
        phone=SLOW,
    )
    expected = latency(profile_of(SLOW), DEMO_MACS, "")
    with Conversation(request, tmp_path / "log") as talk:
        first = talk.frame(after=0)
        phone = first.report.phone
        assert phone is not None
        assert (phone.profile, phone.unit, phone.milliseconds) == (SLOW, "cpu", expected.milliseconds)
        assert (first.original == first.candidate).all()  # one model, one frame: both panes are paced
        talk.tell("phone", profile="pixel-8", is_throttled=True)
        refused = talk.event("refused")
        assert (refused["command"], refused["error"]["kind"]) == ("phone", "UnsupportedError")
        assert "int8" in refused["error"]["remedy"]
        following = talk.frame().report.phone
        assert following is not None
        assert following.profile == SLOW  # the one before goes on
        talk.tell("phone", profile="", is_throttled=True)
        talk.frame(that=lambda seen: seen.report.phone is None)
        talk.stop()
