"""Comparisons from end to end: real workers, real files, the page that comes of it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from converters.builtin import DEMO_EMBEDDER, DEMO_SWAPPER
from converters.cli import main
from converters.compare.comparison import Comparison, finding
from converters.compare.engine import ReportFiles, Request, compare
from converters.compare.text import as_text
from converters.compare_report.encoding import palette
from converters.compare_report.overlays import SCALE_HEIGHT
from converters.compare_report.page import Shown, page
from converters.errors import (
    BadInputError,
    CancelledError,
    DestinationError,
    OtherContentsError,
    TrustNeededError,
    UsageError,
    WorkerError,
)
from converters.fingerprints import sha256_of
from converters.model.signature import Role, Signature, TensorInfo
from converters.pictures import read_picture, write_picture
from converters.progress import Progress, ProgressMessage
from tests.compare.models import SIDE, write_embedder, write_swapper
from tests.compare.pages import Page
from tests.measure.drawn import portrait

PICTURES = 5
HOSTILE = "<img src=x onerror=alert(1)>&quot;'\"</style><script>alert(2)</script>.onnx".replace("/", "∕")
HOSTILE_PICTURE = "</td><script>alert(3)</script> ' \".png".replace("/", "∕")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compare")
    write_swapper(folder / "original.onnx")
    shutil.copyfile(folder / "original.onnx", folder / "same.onnx")
    write_swapper(folder / HOSTILE, noise=0.1)
    write_swapper(folder / "worse.onnx", noise=0.4)
    write_swapper(folder / "nan.onnx", nan=True)
    write_swapper(folder / "small.onnx", side=32)
    (folder / "garbage.mnn").write_bytes(b"no model at all" * 100)
    (folder / "pictures").mkdir()
    for seed in range(PICTURES - 1):
        write_picture(folder / "pictures" / f"{seed}.png", portrait(seed, SIDE))
    write_picture(folder / "pictures" / HOSTILE_PICTURE, portrait(9, SIDE))
    return folder


@pytest.fixture(scope="module")
def compared(folder: Path) -> Iterator[Comparison]:
    names = ("same.onnx", HOSTILE, "worse.onnx", "nan.onnx", "small.onnx", "garbage.mnn")
    request = Request(
        str(folder / "original.onnx"),
        tuple(str(folder / name) for name in names),
        images=folder / "pictures",
        runs=10,
        threads=1,
    )
    yield compare(request, ReportFiles(folder / "report.html", folder / "overlays"))
    shutil.rmtree(folder)


def summary(comparison: Comparison, candidate: int, measure: str) -> dict[str, float]:
    found: dict[str, float] = comparison.candidates[candidate].outputs[0]["measures"][measure]["summary"]
    return found


def test_the_same_model_is_equal(compared: Comparison) -> None:
    assert summary(compared, 0, "lpips")["worst"] == 0
    assert summary(compared, 0, "flip")["worst"] == 0
    assert summary(compared, 0, "psnr")["equal"] == PICTURES
    assert summary(compared, 0, "ssim")["mean"] == pytest.approx(1, abs=1e-6)
    assert compared.candidates[0].side is not None
    assert compared.candidates[0].side["sha256"] == compared.original["sha256"]


def test_a_changed_model_is_farther_the_more_it_changed(compared: Comparison) -> None:
    for measure in ("lpips", "flip"):
        assert 0 < summary(compared, 1, measure)["mean"] < summary(compared, 2, measure)["mean"]
        assert summary(compared, 1, measure)["mean"] <= summary(compared, 1, measure)["p95"]
        assert summary(compared, 1, measure)["p95"] <= summary(compared, 1, measure)["worst"]
    assert summary(compared, 1, "psnr")["worst"] > summary(compared, 2, "psnr")["worst"]
    values = compared.candidates[1].outputs[0]["measures"]["lpips"]["values"]
    assert set(values) == set(compared.names)
    assert values[summary(compared, 1, "lpips")["worst_sample"]] == max(values.values())
    assert compared.candidates[1].worst_first()[0] == summary(compared, 1, "lpips")["worst_sample"]


def test_a_broken_model_is_measured_as_broken(compared: Comparison) -> None:
    broken = compared.candidates[3]
    assert broken.judgement is not None
    assert len(broken.judgement["broken"]) == PICTURES
    assert "not finite on 5 of 5" in " ".join(broken.judgement["notes"])
    for measure in ("lpips", "flip", "psnr", "ssim"):
        found = summary(compared, 3, measure)
        assert (found["worst"], found["mean"], found["broken"]) == (None, None, PICTURES)
        assert found["worst_sample"] in broken.judgement["broken"]
    sentence = finding(compared.original, broken)
    assert sentence.startswith(f"Values that are not finite on {broken.judgement['broken'][0]} and 4 more; ")
    assert "PSNR" not in sentence
    assert replace(compared, candidates=(broken,)).exit_status == 3
    # a broken candidate weighs more than one that could not be compared
    assert replace(compared, candidates=compared.candidates[3:5]).exit_status == 3
    assert replace(compared, candidates=compared.candidates[:3]).exit_status == 0


def test_one_pixel_that_is_not_finite_makes_a_picture_the_worst(tmp_path: Path) -> None:
    """The crop of it is black in one place: by its pixels it would be nearly equal."""
    from converters.compare.judging import judge
    from converters.compare.sides import FEEDS, Index, side_folder

    picture = portrait(1, SIDE).transpose(2, 0, 1)[None].astype(np.float32) / 255
    tensor = TensorInfo("output", picture.shape, role=Role.IMAGE, layout="NCHW", value_range=(0.0, 1.0))
    names = ("fine.png", "broken.png")
    Index(Signature((), (tensor,)), "", names, ("", ""), "").write(tmp_path)
    for folder in (side_folder(tmp_path, 0), side_folder(tmp_path, 1), tmp_path / FEEDS):
        folder.mkdir()
    damaged, noisy = picture.copy(), np.clip(picture + np.float32(0.1), 0, 1)
    damaged[0, 0, 20, 20] = np.nan
    for place in range(2):
        np.savez(tmp_path / FEEDS / f"{place}.npz", nothing=picture[0, 0, 0])
    for number, outputs in enumerate(((picture, picture), (noisy, damaged))):
        for place, output in enumerate(outputs):
            np.savez(side_folder(tmp_path, number) / f"{place}.npz", output=output)
    found = judge({"staging": str(tmp_path), "number": 1}, Progress())
    assert found["broken"] == ["broken.png"]
    for measured in found["outputs"][0]["measures"].values():
        assert measured["values"]["broken.png"] is None
        assert measured["values"]["fine.png"] is not None
        assert (measured["summary"]["worst"], measured["summary"]["worst_sample"]) == (None, "broken.png")


def test_files_that_do_not_correspond_cost_only_themselves(compared: Comparison) -> None:
    small, garbage = compared.candidates[4:]
    assert isinstance(small.error, UsageError)
    assert "small.onnx has other inputs" in str(small.error)
    assert isinstance(garbage.error, BadInputError | WorkerError)
    assert compared.exit_status == 3
    assert replace(compared, candidates=(small, garbage)).exit_status == 2
    assert replace(compared, candidates=(garbage,)).exit_status == garbage.error.exit_status


def test_every_side_was_timed_alike(compared: Comparison) -> None:
    for side in (compared.original, *(each.side for each in compared.candidates[:4])):
        assert side is not None
        assert side["latency"]["runs"] == 10
        assert 0 < side["latency"]["median"] <= side["latency"]["p90"]
        assert side["threads"] == 1
        assert side["runtime"] == "onnx"


def test_the_plain_data_is_json_and_says_all(compared: Comparison) -> None:
    data = json.loads(json.dumps(compared.to_json(), allow_nan=False))
    assert next(each["error"]["kind"] for each in data["candidates"] if each["error"]) == "UsageError"
    assert {"lpips", "flip", "psnr", "ssim"} <= set(data["measures"])
    assert len(data["names"]) == PICTURES
    assert data["pictures"] == "5 pictures of the folder pictures"


def test_the_text_names_the_worst_picture_and_every_file(compared: Comparison) -> None:
    text = as_text(compared)
    for name in ("original.onnx", "same.onnx", "worse.onnx", summary(compared, 2, "lpips")["worst_sample"]):
        assert str(name) in text
    assert "garbage.mnn could not be compared" in text
    assert re.search(r"LPIPS \(-\) +0\.0000 +0\.0000 +0\.0000", text)
    assert "equal" in text


@pytest.fixture(scope="module")
def html(compared: Comparison, folder: Path) -> str:
    assert compared
    return (folder / "report.html").read_text(encoding="utf-8")


def test_the_page_is_well_formed_and_fetches_nothing(html: str) -> None:
    read = Page(html)
    assert read.fetched == []
    assert read.handlers == []
    assert len(html) < 5_000_000
    assert not any(tag in ("img", "link", "iframe", "object", "base") for tag, _ in read.elements)
    # the twin: the reader sees what would be wrong
    worse = Page('<a href="https://example.org">x</a><i style="background:url(//x/y)" onclick="go()"></i>')
    assert worse.fetched == ["https://example.org", "//x/y"]
    assert len(worse.handlers) == 1
    with pytest.raises(AssertionError):
        Page("<p><b></p></b>")


def test_names_of_files_are_only_ever_words(html: str) -> None:
    read = Page(html)
    assert HOSTILE in read.words
    assert HOSTILE_PICTURE in read.words
    assert len(read.scripts) == 1
    assert [tag for tag, _ in read.elements].count("script") == 1
    assert "alert" not in read.scripts[0]
    labels = [attributes.get("aria-label") or "" for _, attributes in read.elements]
    assert any(label.endswith(f"drawn by {HOSTILE}") for label in labels)


def test_only_the_pages_own_script_may_run(html: str) -> None:
    policy = next(
        attributes["content"]
        for tag, attributes in Page(html).elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    script = Page(html).scripts[0]
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_the_page_shows_pictures_that_are_in_it(html: str, compared: Comparison) -> None:
    read = Page(html)
    layers = [attributes["class"] for _, attributes in read.elements if "layer" in (attributes.get("class") or "")]
    names = {part for each in layers if each for part in each.split() if re.fullmatch(r"[och]\d+(-\d+)?", part)}
    assert {name[0] for name in names} == {"o", "c", "h"}
    style = read.styles[0]
    for name in names:
        assert f".{name}{{background-image:url(data:image/" in style
    assert [tag for tag, _ in read.elements].count("figure") >= 4 * PICTURES
    sliders = [each for tag, each in read.elements if tag == "input" and each.get("class") == "cut"]
    assert len(sliders) == 4 * PICTURES
    assert all(each["type"] == "range" and each["aria-label"] for each in sliders)
    assert str(compared.original["sha256"]) in read.words


def test_the_pictures_in_the_page_are_the_models_own(html: str, compared: Comparison, folder: Path) -> None:
    import cv2

    worst = compared.candidates[2].worst_first()[0]
    place = compared.names.index(worst)
    found = re.search(rf"\.c3-{place}{{background-image:url\(data:image/png;base64,([^)]+)\)", html)
    assert found is not None
    shown = cv2.imdecode(np.frombuffer(base64.b64decode(found[1]), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    overlay = next((folder / "overlays").glob("3-01-*.png"))
    written = read_picture(overlay)
    assert written.shape == (SIDE + SCALE_HEIGHT, 3 * SIDE, 3)
    assert np.array_equal(written[:SIDE, SIDE : 2 * SIDE], shown)
    assert not np.array_equal(written[:SIDE, :SIDE], shown)
    # under it the scale: words, then the colours from dark to light
    assert written[SIDE:, : 2 * SIDE].max() > 150
    assert np.array_equal(written[-1, -1], palette()[255])
    assert np.array_equal(written[-1, 2 * SIDE], palette()[0])


def test_the_tables_need_no_script(html: str, compared: Comparison) -> None:
    without = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    words = Page(without).words
    for candidate in compared.candidates[:4]:
        assert candidate.name in words
    assert "could not be compared" in words
    assert "LPIPS" in words
    assert "<table>" in without
    assert without.count('<svg class="chart"') >= 4


def test_a_page_of_numbers_has_plots_and_no_gallery(compared: Comparison) -> None:
    values = {"a": 0.25, "b": 0.5, "c": None}
    measures = {
        "largest": {
            "values": values,
            "summary": {"mean": 0.375, "p95": 0.5, "worst": 0.5, "worst_sample": "b", "count": 3, "equal": 0},
        }
    }
    output = {"name": "boxes", "role": "boxes", "kind": "numbers", "measures": measures}
    judgement = {"outputs": [output], "broken": [], "notes": []}
    numbers = replace(compared.candidates[0], judgement=judgement)
    text = page(replace(compared, candidates=(numbers,)), Shown([[]], 1.0, {}, {}, ""))
    read = Page(text)
    assert not any("pair" in (attributes.get("class") or "") for _, attributes in read.elements)
    assert [tag for tag, _ in read.elements].count("circle") == 2
    assert "At a glance" not in read.words


def test_reports_do_not_replace_files(folder: Path, compared: Comparison) -> None:
    request = Request(str(folder / "original.onnx"), (str(folder / "same.onnx"),))
    assert compared
    with pytest.raises(DestinationError, match=r"report\.html"):
        compare(request, ReportFiles(html=folder / "report.html"))


def test_requests_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UsageError, match="No candidate"):
        compare(Request("a", ()), ReportFiles())
    with pytest.raises(UsageError, match="At least 10 timed runs"):
        compare(Request("a", ("b",), runs=5), ReportFiles())
    with pytest.raises(UsageError, match="At least one picture"):
        compare(Request("a", ("b",), pictures=0), ReportFiles())


def test_an_original_that_cannot_be_opened_ends_it(folder: Path, compared: Comparison) -> None:
    assert compared
    request = Request(str(folder / "none.onnx"), (str(folder / "same.onnx"),))
    with pytest.raises(BadInputError, match=r"none\.onnx"):
        compare(request, ReportFiles(html=folder / "never.html"))
    assert not (folder / "never.html").exists()


def test_trust_in_one_file_is_no_trust_in_another(folder: Path, compared: Comparison, tmp_path: Path) -> None:
    assert compared
    mark, original = tmp_path / "executed", str(folder / "original.onnx")
    (tmp_path / "net.py").write_text(f"open({str(mark)!r}, 'w')\ndef build():\n    pass\ndef other():\n    pass\n")
    candidates = (f"{tmp_path / 'net.py'}:build", f"{tmp_path / 'net.py'}:other")
    trusted = {original: sha256_of(folder / "original.onnx"), candidates[1]: "0" * 64}
    request = Request(original, candidates, pictures=2, runs=10, trusted=trusted)
    scratch, seen = tmp_path / "scratch", set()
    scratch.mkdir()
    progress = Progress(lambda _message: seen.update(path.name for path in scratch.iterdir()))
    found = compare(request, ReportFiles(), progress, scratch=scratch)
    assert [type(candidate.error) for candidate in found.candidates] == [TrustNeededError, OtherContentsError]
    assert not mark.exists()
    # what lies on the disk meanwhile is where somebody tidies up after a kill
    assert len(seen) == 1
    assert not list(scratch.iterdir())


def test_cancelling_leaves_nothing(folder: Path, compared: Comparison) -> None:
    assert compared
    seen: list[str] = []

    def report(message: ProgressMessage) -> None:
        seen.append(message.stage)

    request = Request(str(folder / "original.onnx"), (str(folder / "same.onnx"),), images=folder / "pictures")
    progress = Progress(report, lambda: any("Running" in stage for stage in seen))
    with pytest.raises(CancelledError):
        compare(request, ReportFiles(html=folder / "never.html"), progress)
    assert not (folder / "never.html").exists()


def test_cancelling_while_overlays_are_drawn_leaves_no_page_either(folder: Path, compared: Comparison) -> None:
    assert compared
    seen: list[str] = []
    request = Request(
        str(folder / "original.onnx"), (str(folder / "same.onnx"),), images=folder / "pictures", pictures=2, runs=10
    )
    progress = Progress(
        lambda message: seen.append(message.stage), lambda: sum("Drawing the report" in stage for stage in seen) == 2
    )
    out = folder / "cancelled"
    with pytest.raises(CancelledError):
        compare(request, ReportFiles(html=out / "page.html", overlays=out / "overlays"), progress)
    assert sum("Drawing the report" in stage for stage in seen) == 2
    assert not out.exists()


def test_the_command_prints_one_json_object(
    folder: Path, compared: Comparison, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compared
    arguments = ["compare", str(folder / "original.onnx"), str(folder / "small.onnx"), "--json", "--pictures", "2"]
    status = main([*arguments, "--runs", "10", "--candidate", str(folder / "same.onnx")])
    out, err = capsys.readouterr()
    assert status == 2
    data = json.loads(out)
    assert data["exit_status"] == 2
    assert data["candidates"][0]["error"]["kind"] == "UsageError"
    assert data["candidates"][1]["outputs"][0]["measures"]["lpips"]["summary"]["worst"] == 0
    assert "Opening the original" in err
    assert main(["compare", str(folder / "original.onnx")]) == 2
    assert "CANDIDATE" in capsys.readouterr().err


def test_identity_is_measured_with_a_recogniser(folder: Path, compared: Comparison, tmp_path: Path) -> None:
    """A swapper of a known family gets real embeddings: of the next picture, through its own emap."""
    from tests.generated import generated_swapper

    assert compared
    proto = generated_swapper(8)
    onnx.save(proto, str(tmp_path / "swapper.onnx"))
    for tensor in proto.graph.initializer:
        if len(tensor.dims) == 4:
            values = onnx.numpy_helper.to_array(tensor)
            noise = np.random.default_rng(0).standard_normal(values.shape).astype(np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values + values.std() * noise / 4, tensor.name))
    onnx.save(proto, str(tmp_path / "changed.onnx"))
    request = Request(
        str(tmp_path / "swapper.onnx"),
        (str(tmp_path / "swapper.onnx"), str(tmp_path / "changed.onnx")),
        images=folder / "pictures",
        embedder=write_embedder(tmp_path / "embedder.onnx"),
        runs=10,
    )
    found = compare(request, ReportFiles(tmp_path / "report.html"))
    assert "the next picture's, embedded by embedder.onnx" in found.embeddings
    judge = {"name": "embedder.onnx", "sha256": sha256_of(tmp_path / "embedder.onnx")}
    assert json.loads(json.dumps(found.to_json()))["original"]["judge"] == judge
    assert f"Faces were compared by embedder.onnx (SHA-256 {judge['sha256']})." in as_text(found)
    assert judge["sha256"] in Page((tmp_path / "report.html").read_text(encoding="utf-8")).words
    same, changed = (candidate.outputs[0]["measures"] for candidate in found.candidates)
    assert same["identity"]["summary"]["worst"] == pytest.approx(1)
    assert same["source_drop"]["summary"]["worst"] == 0
    assert changed["identity"]["summary"]["worst"] < 1 - 1e-4
    for name in found.names:
        drop = changed["source_original"]["values"][name] - changed["source_candidate"]["values"][name]
        assert changed["source_drop"]["values"][name] == pytest.approx(drop)
    classes = [attributes.get("class") or "" for _, attributes in Page((tmp_path / "report.html").read_text()).elements]
    assert sum(each.startswith("thumb s") for each in classes) == 2 * PICTURES


@pytest.mark.skipif(not DEMO_SWAPPER.is_file(), reason="the demo swapper is not built")
def test_the_given_recogniser_judges_the_demo_and_its_own_one_feeds_it(tmp_path: Path) -> None:
    mine = write_embedder(tmp_path / "mine.onnx")
    own, judged = (
        compare(Request("demo", (str(DEMO_SWAPPER),), pictures=2, embedder=embedder, runs=10), ReportFiles())
        for embedder in (None, mine)
    )
    assert own.embeddings == judged.embeddings
    assert DEMO_EMBEDDER.name in own.judge
    assert f"mine.onnx (SHA-256 {sha256_of(mine)})" in judged.judge
    one, other = (found.candidates[0].outputs[0]["measures"]["source_original"]["values"] for found in (own, judged))
    assert set(one) == set(other)
    assert all(one[name] != pytest.approx(other[name], abs=1e-3) for name in one)
