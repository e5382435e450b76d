"""The preview process, spoken to as the window does: what it says of every frame, and how it obeys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from converters.builtin import DEMO_GALLERY
from converters.pictures import pictures_in, read_picture, write_picture
from converters.preview.measures import IDENTITY_EVERY
from converters.preview.messages import SourceReport, SourceState
from converters.preview.phone.profiles import profiles
from converters.preview.request import Look, ModelChoice, Overlay, PreviewRequest, SourceChoice, SourceKind
from converters.video import VideoReader
from tests.preview.conversation import Conversation, Seen
from tests.preview.models import DEMO, SWAPPER, write_worse_swapper

LOOK = Look(640, 360)


@pytest.fixture(scope="module")
def worse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A candidate that visibly loses."""
    return write_worse_swapper(tmp_path_factory.mktemp("models") / "worse.onnx")


@pytest.fixture(scope="module")
def portraits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a portrait that takes little time, and one without a face."""
    folder = tmp_path_factory.mktemp("portraits")
    picture = read_picture(pictures_in(DEMO_GALLERY)[1])
    write_picture(folder / "a.png", picture)
    write_picture(folder / "b.png", np.full_like(picture, 90))
    return folder


@pytest.fixture(scope="module")
def talk(worse: Path, portraits: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Conversation]:
    """A preview of a portrait that stands still, the worse swapper beside the demo's."""
    folder = tmp_path_factory.mktemp("preview")
    source = SourceChoice(SourceKind.FOLDER, str(portraits))
    original, candidate = ModelChoice(str(SWAPPER)), ModelChoice(str(worse), "worse")
    request = PreviewRequest(original, candidate, source, str(folder / "worst"), look=LOOK, is_paused=True)
    with Conversation(request, folder / "log") as conversation:
        conversation.frame(after=0)
        yield conversation


def test_what_is_said_at_first(talk: Conversation, worse: Path) -> None:
    models = talk.event("models")
    assert (models["kind"], models["draws"]) == ("swapper", True)
    assert [side["label"] for side in models["sides"]] == ["swapper.onnx", "worse"]
    assert models["sides"][0]["macs"] > 1e9
    report = SourceReport.from_json(talk.event("source"))
    assert (report.state, report.is_live, report.count) == (SourceState.PAUSED, False, 2)
    seen = talk.frames[0]
    (face,) = seen.report.faces
    assert face.lpips is not None
    assert 0.02 < face.lpips < 0.8
    assert face.psnr is not None
    assert 10 < face.psnr < 50
    assert seen.report.found == 1
    assert {"detect", "original", "candidate", "paste", "measure", "show"} <= set(seen.report.seconds)
    assert (seen.report.name, seen.report.candidate) == ("a.png", str(worse))
    assert not np.array_equal(seen.original, seen.candidate)


def face_part(seen: Seen) -> tuple[slice, slice]:
    """Where the face is in what is shown."""
    scale = seen.report.size[0] / seen.report.full_size[0]
    left, top, right, bottom = (round(edge * scale) for edge in seen.report.faces[0].box)
    return slice(max(top, 0), bottom), slice(max(left, 0), right)


@pytest.mark.parametrize("overlay", [Overlay.LPIPS, Overlay.FLIP, Overlay.DIFFERENCE, Overlay.NONE])
def test_maps_lie_over_the_face(talk: Conversation, overlay: Overlay) -> None:
    before = len(talk.frames)
    talk.tell("look", look=Look(640, 360, overlay).to_json())
    seen = talk.frame(after=before)
    if overlay is Overlay.NONE:
        assert seen.report.map is None
        return
    assert seen.report.map is not None
    assert seen.report.map.overlay == overlay
    assert seen.map is not None
    assert seen.map.max() > 40
    rows, columns = face_part(seen)
    outside = seen.map.astype(float)
    inside = outside[rows, columns].mean()
    outside[rows, columns] = 0
    assert inside > 5 * outside.mean()


def test_sizes_and_the_close_up(talk: Conversation) -> None:
    before = len(talk.frames)
    talk.tell("look", look=Look().to_json())
    full = talk.frame(after=before)
    assert full.report.size == full.report.full_size
    before = len(talk.frames)
    talk.tell("look", look=Look(500, 300, Overlay.LPIPS, close_up=True).to_json())
    near = talk.frame(after=before)
    assert near.report.size == near.report.full_size == (300, 300)
    assert near.map is not None
    assert near.map[100:200, 100:200].mean() > near.map[:20].mean(), "the face is in the middle"
    before = len(talk.frames)
    talk.tell("look", look=LOOK.to_json())
    talk.frame(after=before)


def test_another_candidate_and_a_refused_one(talk: Conversation, worse: Path, tmp_path: Path) -> None:
    before, said = len(talk.frames), len(talk.said)
    talk.tell("candidate", model=ModelChoice(str(SWAPPER), "same").to_json(), number=4)
    same = talk.frame(after=before, that=lambda seen: seen.report.candidate == str(SWAPPER))
    assert np.array_equal(same.original, same.candidate)
    assert (same.report.faces[0].lpips, same.report.faces[0].psnr) == (pytest.approx(0, abs=1e-6), 100.0)
    assert talk.event("models", after=said)["sides"][1]["label"] == "same"
    talk.event("worst", after=said, that=lambda each: not each["frames"])  # what the other one lost

    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    for number, path in ((5, broken), (6, DEMO / "embedder.onnx")):
        talk.tell("candidate", model=ModelChoice(str(path)).to_json(), number=number)
        refused = talk.event("refused", after=said, that=lambda each, number=number: each["number"] == number)
        assert refused["command"] == "candidate"
        assert refused["error"]["what"]
    before = len(talk.frames)
    talk.tell("seek", seconds=0)
    assert talk.frame(after=before).report.candidate == str(SWAPPER), "the one before goes on"
    talk.tell("candidate", model=ModelChoice(str(worse), "worse").to_json())
    talk.frame(after=before, that=lambda seen: seen.report.candidate == str(worse))


def test_other_people_and_those_without_a_face(talk: Conversation, portraits: Path) -> None:
    before, said = len(talk.frames), len(talk.said)
    first = talk.frames[-1]
    talk.tell("people", people=[[str(pictures_in(DEMO_GALLERY)[5])]])
    other = talk.frame(after=before)
    rows, columns = face_part(other)
    assert np.abs(other.original[rows, columns].astype(int) - first.original[rows, columns]).mean() > 2
    talk.tell("people", people=[[str(portraits / "b.png")]], number=9)
    refused = talk.event("refused", after=said)
    assert (refused["command"], refused["number"]) == ("people", 9)
    assert "b.png" in refused["error"]["what"]


def test_moving_in_the_source_and_what_it_says(talk: Conversation) -> None:
    said, before = len(talk.said), len(talk.frames)
    talk.tell("step", by=1)
    blank = talk.frame(after=before)
    assert (blank.report.name, blank.report.faces, blank.report.found) == ("b.png", (), 0)
    assert blank.report.remark == "No face was found."
    assert blank.report.map is None
    talk.tell("speed", factor=2.0)
    talk.tell("loop", is_on=False)
    report = SourceReport.from_json(talk.event("source", after=said, that=lambda each: not each["is_looping"]))
    assert (report.speed, report.index, report.state) == (2.0, 1, SourceState.PAUSED)
    talk.tell("speed", factor=40.0, number=1)
    assert talk.event("refused", after=said)["command"] == "speed"
    talk.tell("play")
    talk.event("source", after=said, that=lambda each: each["state"] == SourceState.ENDED)
    talk.tell("source", source=SourceChoice(SourceKind.VIDEO, "/nowhere.mp4").to_json(), number=2)
    assert talk.event("refused", after=said, that=lambda each: each["number"] == 2)["command"] == "source"
    talk.tell("pause")
    talk.tell("loop", is_on=True)
    before = len(talk.frames)
    talk.tell("seek", seconds=0)
    talk.frame(after=before, that=lambda seen: seen.report.name == "a.png")  # the old source goes on


def test_worst_frames_snapshots_and_recordings(talk: Conversation, tmp_path: Path) -> None:
    worst = talk.event("worst", that=lambda each: each["frames"])["frames"]
    assert worst[0]["name"] == "a.png"
    assert worst[0]["loss"] > 0.02
    assert read_picture(Path(worst[0]["picture"])).shape == talk.frames[0].original.shape

    said, before = len(talk.said), len(talk.frames)
    snapshot, video = tmp_path / "seen.png", tmp_path / "seen.mp4"
    talk.tell("snapshot", path=str(snapshot))
    assert talk.event("saved", after=said)["path"] == str(snapshot)
    height, width = talk.frames[-1].original.shape[:2]
    assert read_picture(snapshot).shape[1] >= 2 * width
    assert read_picture(snapshot).shape[0] >= height
    talk.tell("record", path=str(video))
    talk.event("recording", after=said, that=lambda each: each["is_on"])
    for _ in range(3):
        before = len(talk.frames)
        talk.tell("seek", seconds=0)
        talk.frame(after=before)
    talk.tell("stop_recording")
    saved = talk.event("saved", after=said, that=lambda each: each["what"] == "recording")
    assert saved["frames"] >= 1
    with VideoReader(video) as reader:
        assert next(iter(reader)).picture.shape[1] >= 2 * width - 2

    talk.tell("snapshot", path=str(snapshot / "in-a-file.png"))
    talk.tell("snapshot", path=str(tmp_path / "seen.jpg"), number=7)
    refused = talk.event("refused", after=said, that=lambda each: each["number"] == 7)
    assert refused["command"] == "snapshot"
    assert len([each for each in talk.said[said:] if each["event"] in ("refused", "trouble")]) == 2
    talk.tell("forget_worst")
    talk.event("worst", after=said, that=lambda each: not each["frames"])


def test_a_phone_paces_both_panes(talk: Conversation) -> None:
    said, before = len(talk.said), len(talk.frames)
    talk.tell("phone", profile="no-such-phone", is_throttled=True, number=8)
    assert talk.event("refused", after=said)["number"] == 8
    profile = profiles()[0].choice
    talk.tell("phone", profile=profile, is_throttled=False)
    talk.tell("seek", seconds=0)
    phone = talk.frame(after=before, that=lambda seen: seen.report.phone is not None).report.phone
    assert phone is not None
    assert (phone.profile, phone.is_throttling, phone.scale) == (profile, False, 1)
    talk.tell("phone", profile="", is_throttled=False)
    before = len(talk.frames)
    talk.tell("seek", seconds=0)
    talk.frame(after=before, that=lambda seen: seen.report.phone is None)


def test_it_ends_well_and_cosines_are_taken_now_and_then(talk: Conversation) -> None:
    for _ in range(2 * IDENTITY_EVERY):
        before = len(talk.frames)
        talk.tell("seek", seconds=0)
        talk.frame(after=before)
    cosines = [face for seen in talk.frames for face in seen.report.faces if face.original_cosine is not None]
    assert 2 <= len(cosines) < len(talk.frames) / 2
    assert all(face.candidate_cosine is not None for face in cosines)
    assert max(face.original_cosine or 0 for face in cosines) > 0.5
    identities = [seen.report.identity for seen in talk.frames]
    assert identities == sorted(identities)
    said = talk.stop()
    assert said["frames"] == len(talk.frames)


def test_a_frame_that_cannot_be_treated_is_told_and_it_goes_on(portraits: Path, tmp_path: Path) -> None:
    model, source = ModelChoice(str(SWAPPER)), SourceChoice(SourceKind.FOLDER, str(portraits))
    request = PreviewRequest(model, model, source, str(tmp_path / "worst"), look=LOOK, is_paused=True)
    with Conversation(request, tmp_path / "log", operations="tests.preview.broken:FAILING") as talk:
        trouble = talk.event("trouble")
        assert (trouble["about"], trouble["error"]["what"]) == ("frame", "A model gave no usable numbers.")
        assert not talk.frames
        talk.tell("seek", seconds=0)
        seen = talk.frame(after=0)
        assert seen.report.name == "a.png"
        talk.tell("step", by=1)
        talk.tell("snapshot", path=str(tmp_path / "never.png"), number=3)
        assert talk.stop()["frames"] == 1


def test_a_source_that_is_not_there_ends_the_preview_in_words(tmp_path: Path) -> None:
    model, source = ModelChoice(str(SWAPPER)), SourceChoice(SourceKind.VIDEO, str(tmp_path / "none.mp4"))
    request = PreviewRequest(model, model, source, str(tmp_path / "worst"))
    with Conversation(request, tmp_path / "log") as talk, pytest.raises(AssertionError, match=r"none\.mp4"):
        talk.frame()
