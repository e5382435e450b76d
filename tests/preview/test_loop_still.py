"""What a preview does between two frames: it obeys, reports and shows the last one anew."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from converters.builtin import DEMO_CLIP, DEMO_GALLERY
from converters.errors import BadInputError, CancelledError
from converters.pictures import pictures_in, read_picture, write_picture
from converters.preview.commands import in_order
from converters.preview.measures import IDENTITY_EVERY
from converters.preview.messages import SourceState
from converters.preview.pairs.base import PairResult
from converters.preview.pairs.swap import SwapPair
from converters.preview.phone.simulator import PhoneSimulator
from converters.preview.request import Look, ModelChoice, Overlay, PreviewRequest, SourceChoice, SourceKind
from tests.preview.here import Here
from tests.preview.models import SWAPPER, write_worse_swapper

QUICK = {"landmarker": "none", "track": False}


def look(side: int) -> dict[str, Any]:
    return Look(side, side, Overlay.NONE).to_json()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    """A preview of a folder that plays, so slowly that its next picture comes ten seconds later."""
    folder = tmp_path_factory.mktemp("slow")
    for name in ("a.png", "b.png"):
        (folder / "pictures").mkdir(exist_ok=True)
        write_picture(folder / "pictures" / name, read_picture(pictures_in(DEMO_GALLERY)[1]))
    worse = ModelChoice(str(write_worse_swapper(folder / "worse.onnx")))
    source = SourceChoice(SourceKind.FOLDER, str(folder / "pictures"))
    request = PreviewRequest(
        ModelChoice(str(SWAPPER)), worse, source, str(folder / "worst"), options=QUICK, look=Look(64, 64)
    )
    with Here(request) as talk:
        talk.tell("speed", factor=0.1)
        talk.event("frame")
        yield talk


def test_the_last_look_is_shown_as_soon_as_there_is_a_slot(here: Here) -> None:
    here.gives_back = False
    first = here.event("frame")
    for side in (40, 41, 42):
        after = len(here.said)
        here.tell("look", look=look(side))
        shown = here.event("frame", after=after)
        assert shown["size"] == (side, side), "while the source plays, if slowly"
        assert shown["identity"] == first["identity"]
    here.tell("look", look=look(43))
    here.tell("snapshot", path="no.jpg")
    after = len(here.said)
    here.event("refused", that=lambda each: each["command"] == "snapshot")  # the look was obeyed by then
    assert not [each for each in here.said[after:] if each["event"] == "frame"]
    here.gives_back = True
    here.give_back(shown)
    assert here.event("frame", after=after)["size"] == (43, 43)
    for each in [each for each in here.said[:after] if each["event"] == "frame"][-3:-1]:
        here.give_back(each)


def test_of_several_looks_the_newest_is_drawn_and_slots_come_first() -> None:
    names = ["look", "play", "release", "look", "release"]
    told = [{"command": name, "number": number} for number, name in enumerate(names)]
    assert [each["number"] for each in in_order(told)] == [2, 4, 1, 3]


def test_other_people_empty_the_tray_and_are_shown_although_it_plays(here: Here) -> None:
    here.event("worst", that=lambda each: bool(each["frames"]))
    after, identity = len(here.said), here.event("frame")["identity"]
    here.tell("people", people=[[str(pictures_in(DEMO_GALLERY)[5])]])
    here.event("worst", after=after, that=lambda each: not each["frames"])
    here.event("frame", after=after, that=lambda each: each["identity"] > identity)


def test_what_is_no_model_is_refused_where_it_is_told(here: Here) -> None:
    with pytest.raises(KeyError):
        here.preview.candidates.wish({"command": "candidate", "model": {}})
    assert not here.preview.candidates.is_busy


def test_a_cosine_that_cannot_be_found_costs_no_frame(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def identities(*_: object) -> None:
        asked.append(True)
        raise BadInputError("The recogniser gave no usable numbers.", "", "")

    monkeypatch.setattr(SwapPair, "identities", identities)
    for _ in range(IDENTITY_EVERY):
        after = len(here.said)
        here.tell("seek", seconds=0)
        (face,) = here.event("frame", after=after)["faces"]
        assert face["original_cosine"] is None
    assert asked
    assert not [each for each in here.said if each["event"] == "trouble"]


def test_a_bug_beside_the_loop_ends_it_at_once(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("converters.preview.keeping.Keeping.snapshot", fail)
    here.tell("pause")
    here.tell("snapshot", path="seen.png")
    assert here.ended()
    assert isinstance(here.error, ZeroDivisionError)


def test_a_slow_phone_does_not_keep_it_from_obeying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PhoneSimulator, "interval", 600.0)
    request = PreviewRequest(
        ModelChoice(),
        ModelChoice(),
        SourceChoice(),
        str(tmp_path / "worst"),
        options=QUICK,
        look=Look(64, 64, Overlay.NONE),
        phone="iphone-11-pro/cpu",
    )
    with Here(request) as here:
        first, after = here.event("frame"), len(here.said)
        here.tell("candidate", model=ModelChoice(str(tmp_path / "none.onnx")).to_json())
        assert here.event("refused", after=after)["command"] == "candidate"
        here.tell("look", look=look(40))
        anew = here.event("frame", after=after)
        assert (anew["identity"], max(anew["size"])) == (first["identity"], 40)
        here.is_cancelled = True
        assert here.ended()
        assert isinstance(here.error, CancelledError)


def test_a_camera_that_goes_is_reported_while_the_models_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    whole = SwapPair.process

    def process(*arguments: Any) -> PairResult:
        go_on.wait(60)
        return whole(*arguments)

    monkeypatch.setattr(SwapPair, "process", process)
    script = [{"at": 0.2, "do": "unplug"}]
    options = {"script": script, "patience": {"failing": 0.1}}
    source = SourceChoice(SourceKind.VIRTUAL, str(DEMO_CLIP), options=options)
    model = ModelChoice(str(SWAPPER))
    with Here(PreviewRequest(model, model, source, str(tmp_path / "worst"), options=QUICK)) as here:
        try:
            here.event("source", that=lambda each: each["state"] == SourceState.LOST)
            assert not [each for each in here.said if each["event"] == "frame"]
        finally:
            go_on.set()
