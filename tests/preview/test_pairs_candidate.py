"""The candidate: exchanged while the other goes on, refused without a trace, of any runtime, from any program."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import pytest

from converters.builtin import DEMO_CROPS, DEMO_EMBEDDER, DEMO_GALLERY, DEMO_SWAPPER
from converters.closing import Closing
from converters.compress.quantize.encodings import Scheme
from converters.compress.quantize.qdq import build_qdq
from converters.errors import StudioError, UnsupportedError, UsageError
from converters.face.faces import Picture
from converters.model.source import load
from converters.pictures import pictures_in, read_picture
from converters.precision import Precision
from converters.preview.pairs.base import Pair, PairResult
from converters.preview.pairs.two_sided import OpenedSide
from converters.preview.request import ModelChoice
from converters.registry import exporter
from converters.samples import verification_samples
from tests.face import drawn
from tests.face.drawn import scene
from tests.preview.pair_models import PROGRESS, enhancer, pair_of, recogniser, turned
from tests.targets.quantized import min_max_encodings

FRAME = scene([(3, 180.0, 220.0), (8, 460.0, 240.0)])
ENHANCER = {"family": "gfpgan_1.4", "track": False}
"""The kind of model that needs the fewest others around it."""


@contextmanager
def enhancing(folder: Path, keep: float = 0.5) -> Iterator[Pair]:
    """Open a pair whose candidate draws everything grey."""
    original, grey = enhancer(folder / "original.onnx", keep), enhancer(folder / "grey.onnx", 0.0)
    with pair_of(original, grey, **ENHANCER) as pair:
        yield pair


def apart(result: PairResult) -> float:
    """Return the mean difference of all crops, of 1."""
    return float(np.mean([np.abs(crop.original - crop.candidate).mean() for crop in result.crops]))


def process(pair: Pair, frame: Picture = FRAME) -> PairResult:
    return pair.process(frame, None, PROGRESS)


def test_another_candidate_takes_the_place(tmp_path: Path) -> None:
    with enhancing(tmp_path) as pair:
        assert apart(process(pair)) > 0.05
        before = pair.sides
        same = ModelChoice(str(tmp_path / "original.onnx"), "the same again")
        pair.set_candidate(same, PROGRESS)
        assert apart(process(pair)) == 0
        assert pair.sides[0] == before[0]
        assert pair.sides[1].label == "the same again"
        assert pair.sides[1].size == (tmp_path / "original.onnx").stat().st_size


def test_a_refused_candidate_leaves_no_trace(tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.onnx"
    garbage.write_bytes(b"\x08\x07" + bytes(range(250)))
    broken = enhancer(tmp_path / "broken.onnx", 1.0)
    proto = onnx.load(str(broken))
    proto.graph.initializer[1].CopyFrom(onnx.numpy_helper.from_array(np.float32([1, 1, 3, 3]), "scales"))
    onnx.save(proto, broken)  # promises 64 x 64 and gives 192 x 192: opens, but cannot be used
    refused = {
        "missing": tmp_path / "missing.onnx",
        "garbage": garbage,
        "another size": enhancer(tmp_path / "large.onnx", 1.0, drawn=128),
        "another kind": recogniser(tmp_path / "recogniser.onnx"),
        "does not run": broken,
        "no model": tmp_path,
    }
    with enhancing(tmp_path) as pair:
        before, sides = process(pair), pair.sides
        wanted = before.candidate.copy()
        for why, path in refused.items():
            with pytest.raises(StudioError):
                pair.set_candidate(ModelChoice(str(path)), PROGRESS)
            assert pair.sides == sides, why
            np.testing.assert_array_equal(process(pair).candidate, wanted, err_msg=why)


def test_another_kind_is_refused_in_words() -> None:
    wrong = pytest.raises(UnsupportedError, match=r"embedder\.onnx is a recogniser, the original a swapper\.")
    with wrong, pair_of("demo", DEMO_EMBEDDER):
        pass


def test_a_candidate_opens_beside_frames_that_go_on(tmp_path: Path) -> None:
    """Frames are treated all the while, by the old candidate until the new one is taken."""
    with enhancing(tmp_path) as pair:
        process(pair)
        found: list[Closing] = []
        choice = ModelChoice(str(tmp_path / "original.onnx"))
        thread = threading.Thread(target=lambda: found.append(pair.open_candidate(choice, PROGRESS)))
        thread.start()
        while thread.is_alive():
            assert apart(process(pair)) > 0.05
        thread.join()
        assert apart(process(pair)) > 0.05
        pair.take_candidate(found[0])
        assert apart(process(pair)) == 0


def test_one_that_nobody_takes_and_one_that_gave_way_are_closed(tmp_path: Path) -> None:
    with enhancing(tmp_path) as pair:
        choice = ModelChoice(str(tmp_path / "original.onnx"))
        unwanted = pair.open_candidate(choice, PROGRESS)
        assert isinstance(unwanted, OpenedSide)
        session = unwanted.part.network._session
        session.run({"input": np.zeros((1, 3, 64, 64), np.float32)})
        unwanted.close()
        unwanted.close()
        with pytest.raises(RuntimeError, match="closed"):
            session.run({"input": np.zeros((1, 3, 64, 64), np.float32)})
        first = pair.open_candidate(choice, PROGRESS)
        assert isinstance(first, OpenedSide)
        pair.take_candidate(first)
        pair.set_candidate(choice, PROGRESS)
        with pytest.raises(RuntimeError, match="closed"):
            first.part.network._session.run({"input": np.zeros((1, 3, 64, 64), np.float32)})
        assert apart(process(pair)) == 0


# any runtime ----------------------------------------------------------------------------------------------------------


def demo_as(target: str, folder: Path) -> Path:
    """Return the demo swapper as a file of half precision."""
    folder.mkdir()
    model = load(DEMO_SWAPPER, progress=PROGRESS)
    example = verification_samples(model.signature, [], 1)[0]
    return exporter(target).export(model, folder, Precision.FP16, {}, [example.feeds], PROGRESS).path


@pytest.mark.parametrize(
    ("target", "runtime", "is_reference"),
    [
        ("mnn", "MNN", False),
        pytest.param("tflite", "LiteRT", False, marks=pytest.mark.slow),
        pytest.param("coreml", "reference executor", True, marks=pytest.mark.slow),
    ],
)
def test_the_demo_in_any_format_draws_what_the_demo_draws(
    target: str, runtime: str, is_reference: bool, tmp_path: Path
) -> None:
    """On either side; the twin, another person's face, is far from it."""
    frame = read_picture(pictures_in(DEMO_CROPS)[0])
    frame = np.pad(frame, ((64, 64), (64, 64), (0, 0)), mode="edge")
    path = demo_as(target, tmp_path / "out")
    with pair_of("demo", path) as pair:
        pair.set_people(())
        result = process(pair, frame)
        assert len(result.crops) == 1
        close = apart(result)
        assert close < 0.003
        assert (pair.sides[1].runtime.startswith(runtime), pair.sides[1].is_reference) == (True, is_reference)
        assert (pair.sides[0].macs > 1e9, pair.sides[1].macs) == (True, 0)
        assert pair.sides[1].precision == "fp16"
        kept = result.crops[0].original.copy()
        pair.set_people([[str(pictures_in(DEMO_GALLERY)[1])]])
        assert float(np.abs(process(pair, frame).crops[0].candidate - kept).mean()) > 4 * close
    with pair_of(path, "demo") as pair:
        pair.set_people(())
        assert apart(process(pair, frame)) < 0.003
        assert pair.sides[0].runtime.startswith(runtime)


def test_a_file_of_another_program_is_fed_as_the_original_is(tmp_path: Path) -> None:
    """Other names, other layout, no family. The twin with other inputs is refused."""
    original = drawn.swapper(tmp_path / "original.onnx", keep=0.7, paint=0.3)
    names = {"target": "serving_target:0", "source": "serving_source:0", "output": "StatefulCall:0"}
    foreign = turned(original, tmp_path / "foreign.onnx", names)
    options = {"family": "inswapper_like", "embedder": str(drawn.embedder(tmp_path / "embedder.onnx"))}
    choice = ModelChoice(str(foreign), like_original=True)
    with pair_of(original, choice, **options) as pair:
        pair.set_people(())
        result = process(pair)
        assert len(result.crops) == 2
        assert apart(result) < 1e-6
        assert pair.sides[1].macs == pair.sides[0].macs
        large = drawn.swapper(tmp_path / "large.onnx", side=256)
        with pytest.raises(UsageError, match="other inputs than the original"):
            pair.set_candidate(ModelChoice(str(large), like_original=True), PROGRESS)
        assert apart(process(pair)) < 1e-6


def test_a_converted_file_borrows_the_emap_of_its_original(tmp_path: Path) -> None:
    """It lies where no emap is, and says nothing of its family. The twin has an emap of its own."""
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(512, 512)))[0].astype(np.float32)
    original = drawn.swapper(tmp_path / "original.onnx", keep=0.2, paint=0.8, emap=turn)
    plain = drawn.swapper(tmp_path / "plain.onnx", keep=0.2, paint=0.8)
    (tmp_path / "out").mkdir()
    model = load(original, progress=PROGRESS)
    converted = exporter("mnn").export(model, tmp_path / "out", Precision.FP32, {}, [], PROGRESS).path
    (converted.parent / "original-emap.npy").unlink(missing_ok=True)
    options = {"family": "inswapper_like", "embedder": str(drawn.embedder(tmp_path / "embedder.onnx"))}
    with pair_of(original, converted, **options) as pair:
        pair.set_people(())
        assert apart(process(pair)) < 0.001
        pair.set_candidate(ModelChoice(str(plain)), PROGRESS)
        assert apart(process(pair)) > 0.01


def test_the_original_in_other_numbers(tmp_path: Path) -> None:
    """What the calibration makes: a graph of codes that belongs to no family. Poor ranges are seen at once."""
    model = load(DEMO_SWAPPER, progress=PROGRESS)
    generator = np.random.default_rng(0)
    crops = [read_picture(path) for path in pictures_in(DEMO_CROPS)[:3]]
    feeds = []
    for crop in crops:
        person = generator.standard_normal((1, 512)).astype(np.float32)
        picture = np.ascontiguousarray(crop.transpose(2, 0, 1)[None] / np.float32(255), np.float32)
        feeds.append({"target": picture, "source": person / np.linalg.norm(person)})

    def qdq(name: str, scheme: Scheme) -> ModelChoice:
        encodings = min_max_encodings(model, feeds, tmp_path, lambda _layer: scheme)
        onnx.save(build_qdq(model, encodings), tmp_path / name)
        return ModelChoice(str(tmp_path / name), name, like_original=True)

    good, poor = qdq("weights.onnx", Scheme.W8), qdq("everything.onnx", Scheme.W8A8)
    frame = np.pad(crops[0], ((64, 64), (64, 64), (0, 0)), mode="edge")
    with pair_of("demo", good) as pair:
        pair.set_people(())
        near = apart(process(pair, frame))
        assert 0 < near < 0.01
        assert pair.sides[1].macs == pair.sides[0].macs
        assert [side.precision for side in pair.sides] == ["fp32", "int8-weights"]
        pair.set_candidate(poor, PROGRESS)
        assert pair.sides[1].precision == "int8"
        assert apart(process(pair, frame)) > 1.5 * near
