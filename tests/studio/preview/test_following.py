"""The request follows what is told and goes back where it is refused."""

from __future__ import annotations

from converters.preview.request import Look, ModelChoice, Overlay, PreviewRequest, SourceChoice, SourceKind
from studio.preview.following import Followed

BEGUN = PreviewRequest(ModelChoice(), ModelChoice("first"), SourceChoice(), "folder")


def candidate(path: str) -> dict[str, object]:
    return {"command": "candidate", "model": ModelChoice(path).to_json()}


def test_every_choice_is_followed() -> None:
    followed = Followed(BEGUN)
    source, look = SourceChoice(SourceKind.CAMERA, "1", mirror=True), Look(320, 200, Overlay.FLIP, close_up=True)
    for command in (
        candidate("second"),
        {"command": "source", "source": source.to_json()},
        {"command": "look", "look": look.to_json()},
        {"command": "people", "people": [["a.png", "b.png"], ["c.png"]]},
        {"command": "phone", "profile": "some", "is_throttled": False},
        {"command": "pause"},
        {"command": "snapshot", "path": "x.png"},
    ):
        followed.tell(command)
    people = (("a.png", "b.png"), ("c.png",))
    expected = PreviewRequest(
        ModelChoice(), ModelChoice("second"), source, "folder", people, {}, look, "some", False, is_paused=True
    )
    assert followed.request == expected
    followed.tell({"command": "play"})
    assert not followed.request.is_paused


def test_another_source_plays_and_a_refused_one_leaves_the_old_one_standing() -> None:
    followed = Followed(BEGUN)
    followed.tell({"command": "pause"})
    number = followed.tell({"command": "source", "source": SourceChoice(SourceKind.VIDEO, "b.mp4").to_json()})["number"]
    assert not followed.request.is_paused
    followed.refuse(number, "source")
    assert followed.request.is_paused
    assert followed.request.source == BEGUN.source


def test_refused_choice_goes_back_to_what_was_before() -> None:
    followed = Followed(BEGUN)
    number = followed.tell(candidate("bad"))["number"]
    followed.tell({"command": "pause"})
    followed.refuse(number, "candidate")
    assert followed.request.candidate.path == "first"
    assert followed.request.is_paused


def test_refusal_does_not_undo_a_later_choice() -> None:
    followed = Followed(BEGUN)
    bad = followed.tell(candidate("bad"))["number"]
    worse = followed.tell(candidate("worse"))["number"]
    followed.refuse(bad, "candidate")
    assert followed.request.candidate.path == "worse"
    followed.refuse(worse, "candidate")
    assert followed.request.candidate.path == "first"  # not "bad", which was refused as well


def test_refusal_without_a_number_means_the_newest_of_its_name() -> None:
    followed = Followed(BEGUN)
    followed.tell(candidate("bad"))
    followed.tell({"command": "phone", "profile": "some", "is_throttled": True})
    followed.refuse(None, "candidate")
    assert (followed.request.candidate.path, followed.request.phone) == ("first", "some")
    followed.refuse(None, "snapshot")
    assert followed.request.phone == "some"


def test_new_process_goes_on_where_the_old_one_was() -> None:
    followed = Followed(BEGUN)
    assert followed.commands_again() == []
    followed.tell({"command": "speed", "factor": 2.0})
    followed.tell({"command": "speed", "factor": 0.5})
    followed.tell({"command": "loop", "is_on": False})
    followed.note_position(3.5)
    assert followed.commands_again() == [
        {"command": "speed", "factor": 0.5},
        {"command": "loop", "is_on": False},
        {"command": "seek", "seconds": 3.5},
    ]
    followed.tell({"command": "source", "source": SourceChoice(SourceKind.CAMERA, "0").to_json()})
    followed.note_position(7.0)
    assert followed.commands_again() == []  # another source begins anew, and a camera cannot be sought
