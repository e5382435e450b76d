"""The layer that is quantized too coarsely is named first; interrupted looking goes on; losses are of real pictures."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from converters.cache import Cache
from converters.compress.quantize.blame import BlameMap, blame
from converters.compress.quantize.calibration import calibration_set
from converters.compress.quantize.data_free import uniform_encodings
from converters.compress.quantize.encode import make_encodings
from converters.compress.quantize.encodings import Encodings, LayerEncoding, Scheme
from converters.compress.quantize.judge import Judge
from converters.compress.quantize.measured import Measured
from converters.compress.quantize.mixed import Budget, mixed_precision
from converters.compress.quantize.observe import observe
from converters.compress.quantize.qdq import build_qdq
from converters.compress.quantize.settings import QuantizeSettings
from converters.compress.quantize.switching import layer_costs, only, switched
from converters.errors import BadInputError, CancelledError
from converters.measure.layer_time import layer_times
from converters.model.graph import Model
from converters.model.source import load
from converters.progress import Progress
from converters.runtimes.base import Arrays
from tests.compress.quantize.sensitive import (
    LAYERS,
    StopAfter,
    feeds_of,
    quantized_swapper,
    recogniser,
    too_coarse,
)
from tests.tiny_models import tiny_swapper


def looked(model: Model, encodings: Encodings, folder: Path | None = None, **options: int) -> BlameMap:
    with Judge(model, feeds_of(4)) as judge:
        return blame(judge, encodings, few=2, more=4, worst=1, is_timed=False, folder=folder, **options)


def comparable(found: BlameMap) -> BlameMap:
    return replace(found, seconds=0.0)


def all_float(encodings: Encodings) -> Encodings:
    return replace(encodings, layers={name: LayerEncoding(Scheme.FLOAT) for name in encodings.layers})


@pytest.mark.parametrize("sensitive", LAYERS)
def test_the_layer_that_is_too_coarse_is_blamed_first(sensitive: str) -> None:
    found = looked(*quantized_swapper(sensitive))
    first, *others = found.layers
    assert found.measure == "lpips"
    assert first.name == sensitive
    assert found.share(first) > 0.5
    assert first.lost > 2 * others[0].lost
    assert (first.alone.samples, others[0].alone.samples) == (4, 2)
    won = first.won_back()
    assert won is not None
    assert won > 0.4 * found.base.mean
    assert first.won_back(Scheme.W8) == pytest.approx(won, rel=0.3)
    assert others[0].won_back(Scheme.W8) is None
    assert set(LAYERS) == {layer.name for layer in found.layers}


def test_costs_are_of_the_graph() -> None:
    model, encodings = quantized_swapper()
    found = {layer.name: layer for layer in looked(model, encodings).layers}
    conv = found["Conv:drawn"]
    assert conv.weights == 3 * 8 * 9
    assert conv.bytes == 3 * 8 * 9 + 4 * 3
    assert conv.float_bytes == 4 * 3 * 8 * 9
    macs = {"Conv:encoded": 16 * 16 * 8 * 27, "Gemm:style": 16 * 16, "Conv:drawn": 32 * 32 * 3 * 72}
    for name, count in macs.items():
        assert found[name].macs_share == pytest.approx(count / sum(macs.values()))
    assert sum(layer.saved_share for layer in found.values()) == pytest.approx(1)


def test_bytes_of_every_scheme_are_those_of_the_reference() -> None:
    model = tiny_swapper(width=32)
    costs = layer_costs(model.proto)
    for scheme, block in ((Scheme.W8, 0), (Scheme.W4, 0), (Scheme.W4, 32)):
        encodings = uniform_encodings(model, scheme, block)
        for name, encoding in encodings.layers.items():
            assert encoding.weight is not None
            cost = costs[name]
            stored = cost.weights * scheme.weight_bits / 8 + 4 * len(encoding.weight.scale) + 4 * cost.bias
            assert cost.bytes(scheme, block) == math.ceil(stored)
            assert cost.bytes(Scheme.FLOAT, float_bytes=2) == 2 * (cost.weights + cost.bias)


def test_a_loss_of_nothing_is_zero_and_one_of_something_is_not() -> None:
    model, encodings = quantized_swapper()
    with Judge(model, feeds_of(3)) as judge:
        nothing = judge.judge(build_qdq(model, all_float(encodings)))
        assert (nothing.mean, nothing.worst, nothing.psnr) == (0, 0, math.inf)
        some = judge.judge(build_qdq(model, encodings))
        assert 0 < some.mean < some.worst
        assert 20 < some.psnr < 80
        assert some.lpips_mean == some.mean
        worse = judge.judge(build_qdq(model, too_coarse(encodings, "Conv:drawn", 40)))
        assert worse.mean > 3 * some.mean
        assert worse.psnr < some.psnr
        assert judge.judge(build_qdq(model, encodings), 2).samples == 2


def test_values_that_are_not_finite_are_the_worst_loss() -> None:
    model, encodings = quantized_swapper()
    broken = onnx.ModelProto()
    broken.CopyFrom(model.proto)
    tensor = next(item for item in broken.graph.initializer if item.name == "decoder.weight")
    values = numpy_helper.to_array(tensor).copy()
    values.flat[0] = np.nan
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    with Judge(model, feeds_of(2)) as judge:
        found = judge.judge(broken)
        assert (found.mean, found.p95, found.broken) == (math.inf, math.inf, 2)
        assert json.loads(json.dumps(found.to_json(), allow_nan=False))["mean"] is None
        assert judge.judge(build_qdq(model, encodings)).broken == 0


def test_models_that_draw_nothing_are_judged_by_the_mean_difference_over_the_span() -> None:
    model = recogniser()
    feeds = [{"input": np.random.default_rng(place).standard_normal((1, 32)).astype(np.float32)} for place in range(3)]
    encodings = uniform_encodings(model, Scheme.W4, 0)
    with Judge(model, feeds) as judge:
        proto = build_qdq(model, encodings)
        found = judge.judge(proto)
        assert (found.measure, found.lpips_mean, found.identity_lost) == ("mean", None, None)
        session = ReferenceEvaluator
        plain = [session(model.proto).run(None, each)[0] for each in feeds]
        theirs = [session(proto).run(None, each)[0] for each in feeds]
        span = max(map(np.max, plain)) - min(map(np.min, plain))
        expected = np.mean([np.abs(a - b).mean() / span for a, b in zip(plain, theirs, strict=True)])
        assert found.mean == pytest.approx(expected, rel=1e-3)
        assert found.mean > 0.001
        text = blame(judge, encodings, few=2, more=3, is_timed=False).as_text()
        assert "Mean difference" in text
        assert "LPIPS" not in text


@pytest.mark.parametrize("reports", [2, 3, 4])
def test_looking_that_was_interrupted_goes_on(tmp_path: Path, reports: int) -> None:
    model, encodings = quantized_swapper("Conv:drawn")
    whole = looked(model, encodings)
    stop = StopAfter(reports)
    with Judge(model, feeds_of(4)) as judge, pytest.raises(CancelledError):
        blame(judge, encodings, few=2, more=4, worst=1, is_timed=False, folder=tmp_path, progress=stop)
    assert len(list(tmp_path.iterdir())) == 1
    runs = []
    with Judge(model, feeds_of(4)) as judge:
        judged = judge.figures
        judge.figures = lambda proto, places, progress=None: (  # type: ignore[method-assign]
            runs.append(place) or found for place, found in zip(places, judged(proto, places, progress), strict=True)
        )
        resumed = blame(judge, encodings, few=2, more=4, worst=1, is_timed=False, folder=tmp_path)
        left = len(runs)
        again = blame(judge, encodings, few=2, more=4, worst=1, is_timed=False, folder=tmp_path)
        assert len(runs) == left, "what was measured is measured again"
    assert comparable(resumed) == comparable(again) == comparable(whole)
    # base, and per layer alone and without, on two samples; for the worst those on two more, and w8 on four
    assert left < 2 * (1 + 3 * 2) + 2 * 3 + 4


def test_what_was_kept_is_of_this_model_these_samples_and_these_encodings_only(tmp_path: Path) -> None:
    model, encodings = quantized_swapper()

    def runs(of: Model, made: Encodings, first: int = 0) -> int:
        with Judge(of, feeds_of(2, first)) as judge:
            found = Measured(judge, tmp_path)
            with found.kept():
                found.loss(made)
            return found.runs

    assert runs(model, encodings) == 2
    assert runs(model, encodings) == 0
    assert runs(model, encodings, 1) == 1, "one of two samples is new"
    assert runs(model, too_coarse(encodings, "Conv:drawn", 2)) == 2
    name = "decoder.weight"
    weights = next(item for item in model.proto.graph.initializer if item.name == name)
    moved = replace(encodings, replaced={name: numpy_helper.to_array(weights) * np.float32(1.01)})
    assert runs(model, moved) == 2
    assert runs(*quantized_swapper(seed=1)) == 2
    cache = Cache(tmp_path)
    for key in cache.keys("losses"):
        cache.put("losses", key, b'{"key": 3}')
    assert runs(model, encodings) == 2, "damaged ones are no measurement"
    for file in tmp_path.rglob("*.ffcache"):
        file.write_bytes(b"cut")
    assert runs(model, encodings) == 2, "a damaged file is no measurement"


def test_what_was_kept_is_of_these_judges_and_these_versions_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, encodings = quantized_swapper()

    def runs(identity: float = 1.0, judges: tuple[Path, ...] = ()) -> int:
        faces = [np.full(4, identity, np.float32)]
        with Judge(model, feeds_of(1), identities=faces) as judge:
            judge.judges = judges or judge.judges
            found = Measured(judge, tmp_path / "kept")
            with found.kept():
                found.loss(encodings)
            return found.runs

    assert [runs(), runs(), runs(identity=2.0)] == [1, 0, 1]
    other = tmp_path / "judge"
    other.write_bytes(b"one")
    assert [runs(judges=(other,)), runs(judges=(other,))] == [1, 0]
    other.write_bytes(b"another")
    assert runs(judges=(other,)) == 1
    monkeypatch.setattr("onnxruntime.__version__", "0.0.0")
    assert runs() == 1


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path: Path) -> None:
    model, encodings = quantized_swapper()
    file = tmp_path / "file"
    file.write_bytes(b"")
    for folder in (file, file / "losses"):
        answers = iter([False, True, True])  # at each sample, and when it is to end
        with Judge(model, feeds_of(2)) as judge:
            found = Measured(judge, folder)
            with pytest.raises(CancelledError), found.kept():
                found.loss(encodings, progress=Progress(is_cancelled=partial(next, answers)))
            again = Measured(judge, folder)
            again.loss(encodings)
            assert again.runs == 2
    assert file.read_bytes() == b""


def test_nothing_is_kept_without_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cache, "put", lambda *_: pytest.fail("written"))
    looked(*quantized_swapper())


def test_the_table_and_the_data_say_the_same() -> None:
    found = looked(*quantized_swapper("Conv:drawn"))
    data = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert [layer["name"] for layer in data["layers"]] == [layer.name for layer in found.layers]
    assert data["layers"][0]["won_back"].keys() == {"float", "w8"}
    assert sum(layer["share"] for layer in data["layers"]) == pytest.approx(1)
    lines = data["text"].splitlines()
    assert lines[0].startswith("All 3 layers quantized: LPIPS ")
    assert lines[2].startswith("Conv:drawn")
    assert f"{found.layers[0].lost:.5f}" in lines[2]


def test_float_layers_are_not_to_blame_and_nothing_quantized_is_said() -> None:
    model, encodings = quantized_swapper()
    some = looked(model, switched(model, encodings, {"Gemm:style": Scheme.FLOAT}))
    assert {layer.name for layer in some.layers} == {"Conv:encoded", "Conv:drawn"}
    none = looked(model, all_float(encodings))
    assert none.layers == ()
    assert none.as_text() == "Nothing is quantized."


def test_switching_keeps_ranges_and_weights_where_they_suit() -> None:
    model, encodings = quantized_swapper()
    name = "Conv:drawn"
    known = encodings.layers[name]
    assert switched(model, encodings, {name: Scheme.W8A8}) is encodings
    w8 = switched(model, encodings, {name: Scheme.W8}).layers[name]
    assert (w8.weight, w8.input, w8.output) == (known.weight, None, None)
    wide = switched(model, encodings, {name: Scheme.W8A16}).layers[name]
    assert known.input is not None
    assert wide.input is not None
    assert (wide.input.bits, wide.input.zero_point) == (16, 0)
    assert wide.input.high >= known.input.high
    w4 = switched(model, encodings, {name: Scheme.W4}).layers[name]
    assert w4.weight is not None
    assert w4.weight.bits == 4
    assert only(encodings, name).schemes == (Scheme.FLOAT, Scheme.W8A8)
    with pytest.raises(ValueError, match="cannot be w8a8"):
        switched(model, uniform_encodings(model, Scheme.W8), {name: Scheme.W8A8})


def test_a_layer_with_more_work_takes_longer() -> None:
    model = tiny_swapper(side=128, width=64)
    encodings = uniform_encodings(model, Scheme.W8)
    found = layer_times(model, encodings, LAYERS)
    assert set(found) == set(LAYERS)
    assert found["Conv:encoded"].as_float > 3 * found["Gemm:style"].as_float > 0
    assert found["Conv:encoded"].quantized > 3 * found["Gemm:style"].quantized > 0


def test_times_are_in_the_map() -> None:
    model, encodings = quantized_swapper()
    with Judge(model, feeds_of(1)) as judge:
        found = blame(judge, encodings, few=1, more=1)
    assert all(layer.time is not None and layer.time.quantized > 0 for layer in found.layers)
    assert "ms" in found.as_text()
    assert "this machine" in found.timed_by


def test_no_samples_are_said() -> None:
    with pytest.raises(BadInputError, match="no samples"):
        Judge(tiny_swapper(), [])


def test_a_cancelled_measurement_keeps_the_samples_that_were_run(tmp_path: Path) -> None:
    model, encodings = quantized_swapper()
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 2

    with Judge(model, feeds_of(4)) as judge:
        found = Measured(judge, tmp_path)
        with pytest.raises(CancelledError), found.kept():
            found.loss(encodings, progress=Progress(is_cancelled=cancelled))
        assert found.runs == 2
        again = Measured(judge, tmp_path)
        assert again.loss(encodings).samples == 4
        assert again.runs == 2


@pytest.fixture(scope="module")
def demo() -> tuple[Model, list[Arrays], Encodings]:
    """Return the demo swapper with all layers w8a8, and six feeds."""
    model = load("demo", progress=Progress())
    samples = list(calibration_set(model, "", 6))
    encodings = make_encodings(model, observe(model, samples), QuantizeSettings(families_defaults=False))
    return model, [sample.feeds for sample in samples], encodings


def test_identity_is_told_by_the_recogniser_that_the_demo_swapper_takes(
    demo: tuple[Model, list[Arrays], Encodings],
) -> None:
    model, feeds, encodings = demo
    with Judge(model, feeds[:2]) as judge:
        assert judge.notes == ()
        found = judge.judge(build_qdq(model, encodings))
        assert found.identity_lost is not None
        assert found.source_lost is not None
        assert 0 < found.identity_lost < 0.02
        assert abs(found.source_lost) < 0.02
        assert found.person_lost == found.source_lost
        # another layer's range far too wide: another face, or none
        layer = "/decoder.1/Conv"
        worse = judge.judge(build_qdq(model, too_coarse(encodings, layer, 40)))
        assert worse.identity_lost is not None
        assert worse.identity_lost > 5 * found.identity_lost


@pytest.mark.slow
def test_the_decoder_carries_the_demo_swappers_loss(demo: tuple[Model, list[Arrays], Encodings]) -> None:
    model, feeds, encodings = demo
    with Judge(model, feeds) as judge:
        found = blame(judge, encodings, few=2, more=6, worst=4, is_timed=False)
        assert {layer.name for layer in found.layers[:4]} == {f"/decoder.{place}/Conv" for place in range(4)}
        assert sum(found.share(layer) for layer in found.layers[:4]) > 0.8
        assert found.chance < found.base.mean / 2
        mixed = mixed_precision(judge, encodings, Budget(found.base.mean / 4), few=2)
    assert mixed.met
    exceptions = {name for name, scheme in mixed.schemes.items() if scheme is not Scheme.W8A8}
    assert exceptions
    assert exceptions <= {f"/decoder.{place}/Conv" for place in range(4)}
