"""`run`: every kind of model and target, through the operation and through the command line itself."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import onnx
import pytest

from converters.cli import main, parser
from converters.commands.run import options_text
from converters.errors import (
    BadInputError,
    CancelledError,
    DestinationError,
    StudioError,
    UnsupportedError,
    UsageError,
)
from converters.face.carried import carried_file
from converters.face.folders import result_names
from converters.face.masks import REGIONS
from converters.face.options import PARAMETERS
from converters.face.running import run_model
from converters.model.source import load
from converters.opened import opened
from converters.pictures import read_picture, write_picture
from converters.progress import Progress
from converters.targets.base import Precision
from converters.targets.metadata import ArtifactMetadata
from converters.targets.mnn import MnnExporter
from converters.video import VideoReader, VideoWriter
from tests.face.drawn import embedder, left_half, negative, portrait, save, scene, swapper
from tests.face.nets import small_swapper

PROJECT = Path(__file__).resolve().parents[1]
WALL = np.full((240, 320, 3), 100, np.uint8)
Runner = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Models, a source, a target of two people, one without anybody, a clip, and a folder of all sorts."""
    folder = tmp_path_factory.mktemp("files")
    made = SimpleNamespace(
        half=swapper(folder / "half.onnx", keep=0.5),
        embedder=embedder(folder / "embedder.onnx"),
        negative=negative(folder / "negative.onnx"),
        source=folder / "source.png",
        two=folder / "two.png",
        wall=folder / "wall.png",
        clip=folder / "clip.mp4",
        mixed=folder / "mixed",
    )
    write_picture(made.source, portrait(4))
    write_picture(made.two, scene([(3, 160, 240), (8, 480, 240)]))
    write_picture(made.wall, WALL)
    with VideoWriter(made.clip, (640, 480), 25) as writer:
        for frame in range(12):
            writer.write(np.full((480, 640, 3), 100, np.uint8) if frame < 4 else scene([(3, 250 + 5 * frame, 240)]))
    made.mixed.mkdir()
    write_picture(made.mixed / "one.png", scene([(3, 320, 240)]))
    write_picture(made.mixed / "wall.png", WALL)
    (made.mixed / "broken.jpg").write_bytes(b"no picture")
    (made.mixed / "notes.txt").write_text("not looked at")
    cv2.imwrite(str(made.mixed / "grey.pgm"), cv2.cvtColor(portrait(8), cv2.COLOR_RGB2GRAY))
    return made


@pytest.fixture
def run(files: SimpleNamespace) -> Runner:
    def start(
        model: Path | str, target: Path | str, staged: Path | str = "", progress: Progress | None = None, **given: Any
    ) -> dict[str, Any]:
        sources = given.pop("sources", [[str(files.source)]])
        reference = given.pop("reference", "")
        options = {"family": "inswapper_like", "embedder": str(files.embedder), **given}
        arguments = {
            "model": str(model),
            "sources": sources,
            "target": str(target),
            "reference": reference,
            "staged": str(staged),
            "out": "the result",
            "options": options,
            "trust": False,
        }
        return run_model(arguments, progress or Progress())

    return start


# targets --------------------------------------------------------------------------------------------------------------


def test_a_picture(files: SimpleNamespace, run: Runner, tmp_path: Path) -> None:
    result = run(files.half, files.two, tmp_path / "out.png")
    assert (result["kind"], result["frames"], result["faces"], result["treated"]) == ("swapper", 1, 2, 2)
    before, after = read_picture(files.two), read_picture(tmp_path / "out.png")
    for face in result["found"][0]["faces"]:
        x, y = (round(value) for value in face["points"][2])
        assert np.abs(after[y, x] - before[y, x] / 2).max() <= 3
    assert np.array_equal(after[:30], before[:30])
    json.dumps(result)


def test_several_people_in_a_picture_from_left_to_right(files: SimpleNamespace, run: Runner, tmp_path: Path) -> None:
    painter = swapper(tmp_path / "painter.onnx", keep=0.0, paint=1.0)
    write_picture(tmp_path / "somebody.png", portrait(9))
    one, other = [str(files.source)], [str(tmp_path / "somebody.png")]
    cases = {"one": [one], "other": [other], "both": [one, other], "turned": [other, one], "mean": [one + other]}
    colours = {}
    for name, sources in cases.items():
        result = run(painter, files.two, tmp_path / f"{name}.png", sources=sources)
        written = read_picture(tmp_path / f"{name}.png").astype(int)
        noses = sorted(face["points"][2] for face in result["found"][0]["faces"])
        colours[name] = np.array([written[round(y), round(x)] for x, y in noses])
    assert np.abs(colours["one"] - colours["other"]).max() > 20
    assert np.abs(colours["both"] - [colours["one"][0], colours["other"][1]]).max() <= 1
    assert np.abs(colours["turned"] - [colours["other"][0], colours["one"][1]]).max() <= 1
    assert np.abs(colours["mean"] - colours["one"]).max() > 5


def test_source_once_is_one_person_and_again_another() -> None:
    given = parser().parse_args(["run", "m.onnx", "--source", "a.png", "a2.png", "--source", "b.png"])
    assert given.source == [["a.png", "a2.png"], ["b.png"]]
    assert parser().parse_args(["run", "m.onnx"]).source == []


def test_a_video_keeps_frames_without_a_face(files: SimpleNamespace, run: Runner, tmp_path: Path) -> None:
    stages = []
    progress = Progress(lambda message: stages.append((message.stage, message.detail)))
    result = run(files.half, files.clip, tmp_path / "out.mp4", progress)
    assert (result["frames"], result["treated"], result["frames_without_faces"]) == (12, 8, 4)
    assert any("Sound" in warning for warning in result["warnings"])
    assert ("Swapping", "frame 12 of 12") in stages
    with VideoReader(files.clip) as original, VideoReader(tmp_path / "out.mp4") as written:
        changes = [
            float(np.abs(one.picture.astype(int) - other.picture).max(axis=2).max())
            for one, other in zip(original, written, strict=True)
        ]
    assert max(changes[:4]) < 20
    assert min(changes[4:]) > 50


def test_a_folder_leaves_out_what_it_cannot_use(files: SimpleNamespace, run: Runner, tmp_path: Path) -> None:
    result = run(files.half, files.mixed, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["grey.pgm.png", "one.png"]
    assert (result["frames"], result["treated"]) == (3, 2)
    warnings = "\n".join(result["warnings"])
    assert "broken.jpg" in warnings
    assert "wall.png was left out. No face was found." in warnings


def test_targets_without_a_face_are_refused(files: SimpleNamespace, run: Runner, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"Nothing was done to wall\.png\. No face was found\."):
        run(files.half, files.wall, tmp_path / "out.png")
    assert not list(tmp_path.iterdir())
    with pytest.raises(BadInputError, match=r"wall\.png shows no face"):
        run(files.half, files.two, tmp_path / "out.png", sources=[[str(files.source), str(files.wall)]])
    assert not list(tmp_path.iterdir())


def test_cancelling_stops_between_frames(files: SimpleNamespace, run: Runner, tmp_path: Path) -> None:
    seen: list[str] = []
    progress = Progress(lambda message: seen.append(message.detail), lambda: "frame 3 of 12" in seen)
    with pytest.raises(CancelledError):
        run(files.half, files.clip, tmp_path / "out.mp4", progress)
    assert "frame 4 of 12" not in seen
    assert not list(tmp_path.iterdir())


# models that are no swappers ------------------------------------------------------------------------------------------


def test_any_network_of_pictures_is_shown_as_it_is(files: SimpleNamespace, run: Runner, tmp_path: Path) -> None:
    result = run(files.negative, files.wall, tmp_path / "out.png", family="")
    assert result["kind"] == "picture"
    assert np.array_equal(read_picture(tmp_path / "out.png"), 255 - WALL)


def test_an_enhancer_redraws_faces(files: SimpleNamespace, run: Runner, tmp_path: Path) -> None:
    result = run(files.negative, files.two, tmp_path / "out.png", family="gpen_bfr_256", enhancer_mix=1.0)
    assert (result["kind"], result["treated"]) == ("enhancer", 2)
    before, after = read_picture(files.two).astype(int), read_picture(tmp_path / "out.png").astype(int)
    x, y = (round(value) for value in result["found"][0]["faces"][0]["points"][2])
    # the family's pictures are -1..1: 1 - (2 p - 1) is 2 (1.5 - p) - 1
    assert np.abs(after[y, x] - np.minimum(382 - before[y, x], 255)).max() < 25
    assert np.array_equal(after[:20], before[:20])


def test_a_masker_shows_its_mask(files: SimpleNamespace, run: Runner, tmp_path: Path) -> None:
    masker = left_half(tmp_path / "masker.onnx")
    result = run(masker, files.two, tmp_path / "out.png", family="xseg_1")
    assert (result["kind"], result["treated"]) == ("masker", 2)
    mask = read_picture(tmp_path / "out.png")
    for face in result["found"][0]["faces"]:
        x, y = (round(value) for value in face["points"][2])
        assert mask[y, x - 30].min() > 250
        assert mask[y, x + 30].max() == 0


def test_a_recogniser_compares(files: SimpleNamespace, run: Runner) -> None:
    result = run(files.embedder, files.two, sources=[[str(files.two)], [str(files.source)]], family="arcface")
    itself, other = result["cosines"]
    assert itself["cosines"][0] == pytest.approx(1, abs=1e-5)
    assert max(itself["cosines"][1], *other["cosines"]) < 0.9
    with pytest.raises(UsageError, match="compares two"):
        run(files.embedder, files.two, sources=[], family="arcface")


def test_a_recogniser_draws_nothing(files: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--family", "arcface", "--source", str(files.source), "--target", str(files.two)]
    assert main(["run", str(files.embedder), *given, "--out", str(tmp_path / "new" / "out.png")]) == 2
    assert "it compares faces and draws nothing" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    assert main(["run", str(files.embedder), *given]) == 0
    assert "source.png: cosine" in capsys.readouterr().out


def test_a_detector_draws_and_tells(shared: Path, files: SimpleNamespace, run: Runner, tmp_path: Path) -> None:
    model = shared / "models" / "yunet_n_dynamic.onnx"
    target = shared / "photos" / "group_16.jpg"
    result = run(model, target, tmp_path / "out.png", family="")
    faces = result["found"][0]["faces"]
    assert (result["kind"], len(faces)) == ("detector", 9)
    assert all("landmarks" not in face and len(face["points"]) == 5 and face["score"] > 0.5 for face in faces)
    assert (read_picture(tmp_path / "out.png") != read_picture(target)).any()
    nothing = run(model, files.wall, "", family="")
    assert (nothing["faces"], nothing["found"][0]["faces"]) == (0, [])


def test_a_landmarker_draws_and_tells(shared: Path, run: Runner) -> None:
    result = run(shared / "models" / "pfld.onnx", shared / "photos" / "portrait_021370.jpg", family="")
    (face,) = result["found"][0]["faces"]
    assert (result["kind"], len(face["landmarks"])) == ("landmarker", 68)


def test_what_cannot_be_shown_is_refused(files: SimpleNamespace, run: Runner, tmp_path: Path) -> None:
    for family, words in (
        ("", "no family known"),
        ("crossface_ghost", "It is an identity converter"),
    ):
        with pytest.raises(UnsupportedError, match=words):
            run(files.half, files.two, tmp_path / "out.png", family=family)
    with pytest.raises(UsageError, match="--out"):
        run(files.half, files.two)
    with pytest.raises(UsageError, match="Did you mean 'simswap_256'"):
        run(files.half, files.two, tmp_path / "out.png", family="simswap_265")


# files of other tools, which do not tell what they are ----------------------------------------------------------------


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Turn a model into an .mnn that carries nothing of ours."""

    def convert(path: Path) -> Path:
        folder = tmp_path_factory.mktemp("bare")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ArtifactMetadata, "to_text", lambda _: "somebody's")
            artifact = MnnExporter().export(load(path), folder, Precision.FP32, {}, [], Progress()).path
        with opened(artifact, threads=1) as model:
            assert (model.session.metadata, model.family) == (None, "")
        return artifact

    return convert


def test_a_swapper_that_does_not_tell(
    files: SimpleNamespace, run: Runner, bare: Callable[[Path], Path], tmp_path: Path
) -> None:
    artifact = bare(files.half)
    with pytest.raises(BadInputError, match="needs its emap"):
        run(artifact, files.two, tmp_path / "out.png")
    np.save(artifact.with_name(f"{artifact.stem}-emap.npy"), np.eye(512, dtype=np.float32))
    result = run(artifact, files.two, tmp_path / "out.png")
    assert (result["kind"], result["treated"]) == ("swapper", 2)
    run(files.half, files.two, tmp_path / "onnx.png")
    both = [read_picture(tmp_path / name).astype(int) for name in ("out.png", "onnx.png")]
    assert np.abs(both[0] - both[1]).max() <= 1
    with pytest.raises(UnsupportedError, match="no family known"):
        run(artifact, files.two, tmp_path / "none.png", family="")


def test_others_that_do_not_tell(
    files: SimpleNamespace, run: Runner, bare: Callable[[Path], Path], tmp_path: Path
) -> None:
    masker = left_half(tmp_path / "masker.onnx")
    for number, (model, family, kind) in enumerate(
        (
            (files.negative, "gpen_bfr_256", "enhancer"),
            (files.negative, "", "picture"),
            (masker, "xseg_1", "masker"),
        )
    ):
        result = run(bare(model), files.two, tmp_path / f"{number}.png", family=family)
        assert (result["kind"], result["frames"]) == (kind, 1)
        run(model, files.two, tmp_path / "onnx.png", family=family)
        both = [read_picture(tmp_path / name).astype(int) for name in (f"{number}.png", "onnx.png")]
        assert np.abs(both[0] - both[1]).max() <= 1
        (tmp_path / "onnx.png").unlink()
    compared = run(bare(files.embedder), files.two, sources=[[str(files.two)]], family="arcface")
    assert compared["cosines"][0]["cosines"][0] == pytest.approx(1, abs=1e-4)


def test_a_detector_and_a_landmarker_that_do_not_tell(
    shared: Path, run: Runner, bare: Callable[[Path], Path], tmp_path: Path
) -> None:
    detector = shared / "models" / "ultraface_RFB-320.mnn"
    group = shared / "photos" / "group_16.jpg"
    result = run(detector, group, tmp_path / "out.png", family="ultraface_rfb_320")
    assert (result["kind"], result["faces"]) == ("detector", 9)
    landmarker = bare(shared / "models" / "pfld.onnx")
    result = run(landmarker, shared / "photos" / "portrait_021370.jpg", family="pfld")
    assert (result["kind"], len(result["found"][0]["faces"][0]["landmarks"])) == ("landmarker", 68)


def test_a_carried_detector_by_its_name(files: SimpleNamespace, run: Runner) -> None:
    result = run(carried_file("face_detection_back.tflite"), files.two, family="blazeface_back")
    assert (result["kind"], result["faces"]) == ("detector", 2)


def test_what_is_named_outweighs_what_the_file_tells(files: SimpleNamespace, run: Runner, tmp_path: Path) -> None:
    onnx.save(small_swapper(), tmp_path / "told.onnx")
    with opened(tmp_path / "told.onnx", threads=1) as model:
        assert model.family == "inswapper_like"
    assert run(tmp_path / "told.onnx", files.two, tmp_path / "out.png", family="")["treated"] == 2
    with pytest.raises(StudioError, match="does not have the inputs and outputs of neuralchen simswap"):
        run(tmp_path / "told.onnx", files.two, tmp_path / "other.png", family="simswap_256")


# what was asked for in vain -------------------------------------------------------------------------------------------


def test_options_without_effect_are_said(files: SimpleNamespace, run: Runner, tmp_path: Path) -> None:
    (warning,) = run(files.negative, files.wall, tmp_path / "1.png", family="", pixel_boost=2)["warnings"]
    assert "a network that draws pictures" in warning
    assert "source, embedder, pixel_boost." in warning
    (warning,) = run(files.half, files.two, tmp_path / "2.png", regions="mouth", enhancer_mix=0.5)["warnings"]
    assert "is a swapper" in warning
    assert "regions, enhancer_mix." in warning
    result = run(files.half, files.two, tmp_path / "3.png", mask_blur=0.2, score=0.3)
    assert result["warnings"] == []


def noses(path: Path, side: int = 64) -> Path:
    """Write a masker of BiSeNet's interface that sees a nose everywhere."""
    scores = np.zeros((1, 19, side, side), np.float32)
    scores[:, REGIONS["nose"]] = 1
    nodes = [
        onnx.helper.make_node("ReduceMean", ["input"], ["grey"], axes=[1], keepdims=1),
        onnx.helper.make_node("Mul", ["grey", "nothing"], ["zero"]),
        onnx.helper.make_node("Add", ["zero", "scores"], ["output"]),
    ]
    constants = {"scores": scores, "nothing": np.float32(0)}
    return save(path, nodes, {"input": (1, 3, side, side)}, {"output": (1, 19, side, side)}, constants)


def test_regions_are_those_that_a_masker_shows(files: SimpleNamespace, run: Runner, tmp_path: Path) -> None:
    masker = noses(tmp_path / "masker.onnx")
    result = run(masker, files.two, tmp_path / "nose.png", family="bisenet_resnet_34", regions="nose", sources=[])
    assert "regions" not in "".join(result["warnings"])
    run(masker, files.two, tmp_path / "mouth.png", family="bisenet_resnet_34", regions="mouth", sources=[])
    nose, mouth = (read_picture(tmp_path / name) for name in ("nose.png", "mouth.png"))
    x, y = (round(value) for value in result["found"][0]["faces"][0]["points"][2])
    assert nose[y, x].min() > 250
    assert mouth[y, x].max() == 0


def test_nobody_is_the_reference(files: SimpleNamespace, run: Runner, tmp_path: Path) -> None:
    given = {"reference": str(files.source), "faces": "reference", "reference_cosine": 0.99}
    with pytest.raises(BadInputError, match=r"clearer picture of the person with --reference.*reference_cosine"):
        run(files.half, files.two, tmp_path / "out.png", **given)


def test_only_so_many_faces_of_a_clip_are_listed(
    files: SimpleNamespace, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector, family = carried_file("face_detection_back.tflite"), "blazeface_back"
    everything = run(detector, files.clip, family=family)
    assert (len(everything["found"]), everything["faces"]) == (12, 8)
    monkeypatch.setattr("converters.face.running._MOST_LISTED", 3)
    result = run(detector, files.clip, family=family)
    assert (len(result["found"]), result["frames"], result["faces"]) == (7, 12, 8)
    assert "first 7 frames are listed, 5 were left out" in result["warnings"][-1]


# the command line -----------------------------------------------------------------------------------------------------


def words(files: SimpleNamespace, *arguments: object) -> list[str]:
    given = ("run", files.half, "--family", "inswapper_like", "--embedder", files.embedder, "--source", files.source)
    return [sys.executable, "main.py", *map(str, given), *map(str, arguments)]


def command(files: SimpleNamespace, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words(files, *arguments), cwd=PROJECT, capture_output=True, text=True, check=False)


def test_the_command_writes_and_tells(files: SimpleNamespace, tmp_path: Path) -> None:
    out = tmp_path / "new" / "out.jpg"
    done = command(files, "--target", files.two, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["exit_status"], told["treated"], told["out"]) == (0, 2, str(out))
    assert {"detect", "swap", "paste", "total"} <= set(told["milliseconds"])
    assert read_picture(out).shape == read_picture(files.two).shape
    assert [path.name for path in out.parent.iterdir()] == ["out.jpg"]
    assert "Swapping (two.png)" in done.stderr


def test_the_command_refuses_in_words(files: SimpleNamespace, tmp_path: Path) -> None:
    done = command(files, "--target", files.wall, "--out", tmp_path / "new" / "out.png")
    assert done.returncode == 5
    assert "Nothing was done to wall.png. No face was found." in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_folder_becomes_a_folder(files: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("kept")
    done = command(files, "--target", files.mixed, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["grey.pgm.png", "kept.txt", "one.png"]


def test_a_taken_name_in_a_folder_is_said_before_work(
    files: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "grey.pgm.png").write_text("in the way")
    given = ["run", str(tmp_path / "missing.onnx"), "--target", str(files.mixed), "--out", str(tmp_path)]
    assert main(given) == 5
    assert "grey.pgm.png already exists" in capsys.readouterr().err
    assert main([*given, "--force"]) == 5
    assert "missing.onnx does not exist" in capsys.readouterr().err


def test_results_of_a_folder_never_meet() -> None:
    names = result_names([Path(name) for name in ("a.gif", "a.gif.png", "b.gif", "B.GIF.PNG", "b.gif-2.png", "c.jpg")])
    assert list(map(str, names)) == ["a.gif.png", "B.GIF.PNG", "b.gif-2.png", "c.jpg", "a.gif", "b.gif"]
    assert list(names.values()) == ["a.gif.png", "B.GIF.PNG", "b.gif-2.png", "c.jpg", "a.gif-2.png", "b.gif-3.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="sends the signal of Ctrl-C")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_control_c_and_an_end_from_outside_leave_nothing(files: SimpleNamespace, tmp_path: Path, name: str) -> None:
    clip = tmp_path / "long.mp4"
    with VideoWriter(clip, (640, 480), 25) as writer:
        for frame in range(200):
            writer.write(scene([(3, 200 + frame / 2, 240)]))
    out = tmp_path / "out" / "out.mp4"
    running = subprocess.Popen(
        words(files, "--target", clip, "--out", out), cwd=PROJECT, stderr=subprocess.PIPE, text=True
    )
    assert running.stderr is not None
    said = ""
    while "frame 1 of" not in said:
        line = running.stderr.readline()
        assert line, said
        said += line
    time.sleep(0.5)
    running.send_signal(getattr(signal, name))
    began = time.monotonic()
    rest = running.stderr.read()
    assert running.wait(timeout=20) == 6
    running.stderr.close()
    assert time.monotonic() - began < 5
    assert "Cancelled" in rest
    assert [path.name for path in tmp_path.iterdir()] == ["long.mp4"]


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["--target", "{two}", "--out", "{tmp}/out.mp4"], 2, "kind of video, --target a picture"),
        (["--target", "{clip}", "--out", "{tmp}/out.png"], 2, "kind of picture, --target a video"),
        (["--target", "{two}", "--out", "{two}", "--force"], 2, "originals are not replaced"),
        (["--target", "{two}", "--out", "{wall}"], 5, "--force"),
        (["--target", "{tmp}/missing.png", "--out", "{tmp}/out.png"], 5, "does not exist"),
        (["--target", "{two}", "--out", "{tmp}/o.png", "--mask", "bax"], 2, "'box'"),
        (["--target", "{two}", "--out", "{tmp}/o.png", "--pixel-boost", "many"], 2, "pixel_boost must be int"),
        (["--target", "{two}", "--out", "{tmp}/o.png", "--option", "detect_evry=3"], 2, "'detect_every'"),
        (["--target", "{two}", "--out", "{tmp}/o.png", "--option", "detect_every"], 2, "NAME=VALUE"),
        (["--target", "{mixed}", "--out", "{two}"], 2, "a folder"),
        (["--target", "{two}", "--out", "{tmp}/out.gif"], 2, "out.png"),
        (["--target", "{two}", "--out", "{tmp}/o.png", "--option", "mask_blur=nan"], 2, "must be a number"),
        (["--target", "{two}", "--out", "{tmp}/o.png", "--option", "score=-inf"], 2, "must be a number"),
        (["--target", "{two}", "--out", "{tmp}/o.png", "--threads", "-3"], 2, "--threads"),
        (["--target", "{two}", "--out", "{tmp}/o.png", "--embedder", "{tmp}/none.onnx"], 5, "none.onnx does not exist"),
        (["--target", "{two}", "--out", "{tmp}/o.png", "--detector", "{tmp}/n.py:make"], 5, "n.py:make does not"),
        (["--target", "{two}", "--out", "{tmp}/o.png", "--reference", "{two}", "--faces", "many"], 2, "exclude"),
    ],
)
def test_what_makes_no_sense_is_refused_before_work(
    files: SimpleNamespace,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    sentence: str,
) -> None:
    filled = [text.format(tmp=tmp_path, **vars(files)) for text in arguments]
    assert main(["run", str(files.half), "--source", str(files.source), *filled]) == status
    assert sentence in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="pipes that close are another error there")
def test_whoever_stops_reading_is_left_in_peace(files: SimpleNamespace) -> None:
    running = subprocess.Popen(
        [sys.executable, "main.py", "run", str(files.half), "--target", str(files.two), "--json"],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    running.stdout.close()
    assert running.stderr is not None
    said = running.stderr.read()
    running.stderr.close()
    assert running.wait(timeout=60) == 4
    assert "no family known" in said
    assert "Traceback" not in said
    assert "BrokenPipe" not in said


def test_the_handler_of_the_system_s_wish_to_end_is_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert main(["run"]) == 2
    assert signal.getsignal(signal.SIGTERM) is before


def test_no_model_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run"]) == 2
    assert "No model" in capsys.readouterr().err


def test_every_option_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--options"]) == 0
    printed = capsys.readouterr().out
    assert printed.strip() == options_text()
    assert all(parameter.name in printed for parameter in PARAMETERS)


def test_errors_name_the_place_that_people_gave(files: SimpleNamespace, run: Runner, tmp_path: Path) -> None:
    (tmp_path / "out.png").write_text("in the way")
    with pytest.raises(DestinationError, match="the result already exists"):
        run(files.half, files.two, tmp_path / "out.png")


def test_the_gallery_on_a_sheet_and_in_a_folder(
    files: SimpleNamespace, run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("converters.face.running.DEMO_GALLERY", tmp_path / "gallery")
    with pytest.raises(BadInputError, match="built-in pictures are not in this copy"):
        run(files.half, "", tmp_path / "out.png", sources=[])
    for seed in (3, 4, 8):
        write_picture(tmp_path / "gallery" / f"{seed}.png", portrait(seed))
    result = run(files.half, "", tmp_path / "sheet.png", sources=[])
    assert (result["frames"], result["treated"]) == (2, 2)
    sheet = read_picture(tmp_path / "sheet.png")
    assert 2 * 256 < sheet.shape[1] < 3 * 256  # one source, two targets
    assert 3 * 256 < sheet.shape[0] < 4 * 256
    two = [[str(tmp_path / "gallery" / "3.png")], [str(files.source)]]
    result = run(files.half, "", tmp_path / "given.png", sources=two)
    assert (result["frames"], result["treated"]) == (6, 6)
    assert 3 * 256 < read_picture(tmp_path / "given.png").shape[1] < 4 * 256
    result = run(files.half, "", tmp_path / "swapped", sources=[])
    assert sorted(path.name for path in (tmp_path / "swapped").iterdir()) == ["3.png", "4.png", "8.png"]


def test_the_demo_needs_only_out(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "main.py", "run", "demo", "--out", str(tmp_path / "sheet.png"), "--json"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["treated"] == told["frames"] == 4 * 6
    height, width, _ = read_picture(tmp_path / "sheet.png").shape
    assert 7 * 256 < height < 8 * 256
    assert 5 * 256 < width < 6 * 256
