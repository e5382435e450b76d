"""Observation: what layers really read and write, exact whatever was kept between runs, and in words when it fails."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from converters.compress.quantize import observe as module
from converters.compress.quantize.layers import find_layers
from converters.compress.quantize.observe import Observations, observe
from converters.errors import BadInputError, CancelledError
from converters.model.graph import Model
from converters.runtimes.onnx import open_proto
from tests.compress.quantize.drawn import DrawnSample, Runs, drawn_samples
from tests.tiny_models import tiny_swapper


@pytest.fixture(scope="module")
def model() -> Model:
    return tiny_swapper()


def same(first: Observations, second: Observations) -> bool:
    """Whether two observations agree in every count; sums of channels but for the last bits."""
    if first.samples != second.samples or not np.array_equal(first.per_sample, second.per_sample):
        return False
    return all(
        np.array_equal(one.histogram.counts, other.histogram.counts)
        and (one.low, one.high, one.histogram.total) == (other.low, other.high, other.histogram.total)
        and np.array_equal(one.channels.low, other.channels.low)
        and np.allclose(one.channels.mean, other.channels.mean, rtol=1e-6, atol=1e-7)
        for one, other in ((seen, second.tensors[name]) for name, seen in first.tensors.items())
    )


def test_every_layer_is_seen_as_it_runs(model: Model, tmp_path: Path) -> None:
    samples = drawn_samples(model, 3)
    seen = observe(model, samples)
    layers = find_layers(model.proto)
    wanted = list(dict.fromkeys(name for layer in layers for name in (layer.input, layer.output)))
    assert list(seen.tensors) == wanted
    copy = onnx.ModelProto()
    copy.CopyFrom(model.proto)
    for name in wanted:
        if name not in ("source", "target"):
            copy.graph.output.add().name = name
    with open_proto(copy, tmp_path) as session:
        results = [{**session.run(sample.feeds), **sample.feeds} for sample in samples]
    for place, name in enumerate(wanted):
        arrays = np.stack([result[name] for result in results])
        tensor = seen.tensors[name]
        assert (tensor.low, tensor.high) == (arrays.min(), arrays.max())
        assert tensor.histogram.total == arrays.size
        for number, array in enumerate(arrays):
            assert tuple(seen.per_sample[number, place]) == (array.min(), array.max())
            assert (tensor.sample_low[number], tensor.sample_high[number]) == (array.min(), array.max())
    assert seen.samples == ("sample 0", "sample 1", "sample 2")
    assert not seen.notes


def test_ten_more_samples_cost_ten_samples(model: Model, tmp_path: Path) -> None:
    samples = drawn_samples(model, 50)
    first, second, third = Runs(), Runs(), Runs()
    observe(model, samples[:40], tmp_path, first)
    assert len(first) == 40
    grown = observe(model, samples, tmp_path, second)
    assert list(second) == [f"sample {number}" for number in range(40, 50)]
    assert same(grown, observe(model, samples))
    assert same(observe(model, samples, tmp_path, third), grown)
    assert len(third) == 0


def test_another_onnx_runtime_may_see_otherwise(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = drawn_samples(model, 2)
    observe(model, samples, tmp_path)
    monkeypatch.setattr("onnxruntime.__version__", "0.0.0")
    observe(model, samples, tmp_path, runs := Runs())
    assert len(runs) == 2


def test_the_order_of_samples_is_that_of_those_given(model: Model, tmp_path: Path) -> None:
    samples = drawn_samples(model, 20)
    observe(model, samples, tmp_path)
    backward, plain = observe(model, samples[::-1], tmp_path, runs := Runs()), observe(model, samples[::-1])
    assert len(runs) == 0
    assert same(backward, plain)
    assert not same(backward, observe(model, samples))


def test_parts_of_what_is_kept_are_never_counted_in(model: Model, tmp_path: Path) -> None:
    samples = drawn_samples(model, 24)
    observe(model, samples, tmp_path)
    fewer = observe(model, samples[3:20], tmp_path)
    assert same(fewer, observe(model, samples[3:20]))


def test_what_was_seen_before_a_cancellation_is_kept(model: Model, tmp_path: Path) -> None:
    samples = drawn_samples(model, 24)
    with pytest.raises(CancelledError):
        observe(model, samples, tmp_path, Runs(most=20))
    rest = Runs()
    seen = observe(model, samples, tmp_path, rest)
    assert list(rest) == [f"sample {number}" for number in range(20, 24)]
    assert same(seen, observe(model, samples))


def test_another_model_does_not_use_what_was_seen_of_this_one(model: Model, tmp_path: Path) -> None:
    samples = drawn_samples(model, 3)
    observe(model, samples, tmp_path)
    other = tiny_swapper(seed=1)
    seen = observe(other, samples, tmp_path, runs := Runs())
    assert len(runs) == 3
    assert same(seen, observe(other, samples))


@pytest.mark.parametrize("kind", ["cut", "foreign", "changed", "emptied"])
def test_a_damaged_or_foreign_entry_is_replaced(model: Model, tmp_path: Path, kind: str) -> None:
    samples = drawn_samples(model, 5)
    plain = observe(model, samples, tmp_path)
    (entry,) = tmp_path.rglob("*.ffcache")
    stored = bytearray(entry.read_bytes())
    if kind == "cut":
        del stored[len(stored) // 2 :]
    elif kind == "foreign":
        stored = bytearray(b"something else entirely")
    elif kind == "changed":
        stored[len(stored) // 2] ^= 1
    else:
        stored.clear()
    entry.write_bytes(stored)
    again, quiet = Runs(), Runs()
    assert same(observe(model, samples, tmp_path, again), plain)
    assert len(again) == 5
    observe(model, samples, tmp_path, quiet)
    assert len(quiet) == 0


def test_a_whole_entry_that_is_no_block_is_replaced(model: Model, tmp_path: Path) -> None:
    from converters.cache import Cache

    samples = drawn_samples(model, 2)
    plain = observe(model, samples, tmp_path)
    (entry,) = tmp_path.rglob("*.ffcache")
    cache, group, key = Cache(tmp_path), entry.parent.name, entry.name.removesuffix(".ffcache")
    good = cache.get(group, key)
    assert good is not None
    for content in (b"", b"PK\x03\x04", good[: len(good) // 2], b"\x80\x04." * 20):
        assert cache.put(group, key, content)
        assert same(observe(model, samples, tmp_path, runs := Runs()), plain)
        assert len(runs) == 2


def test_a_cache_that_cannot_be_written_only_costs_time(model: Model, tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.write_text("not a folder")
    samples = drawn_samples(model, 2)
    assert same(observe(model, samples, taken), observe(model, samples))
    assert taken.read_text() == "not a folder"


def test_large_tensors_are_observed_in_groups(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = drawn_samples(model, 20)
    plain = observe(model, samples)
    monkeypatch.setattr(module, "_BYTES_AT_ONCE", 10_000)
    runs = Runs()
    assert same(observe(model, samples, tmp_path, runs), plain)
    assert len(runs) > 20
    with pytest.raises(CancelledError):
        observe(model, drawn_samples(model, 20, first=100), tmp_path, Runs(most=len(runs) // 2 + 3))
    later = drawn_samples(model, 20, first=100)
    assert same(observe(model, later, tmp_path), observe(model, later))


def test_samples_may_come_one_after_the_other(model: Model, tmp_path: Path) -> None:
    samples = drawn_samples(model, 18)
    observe(model, samples[:9], tmp_path)
    assert same(observe(model, iter(samples[:12]), tmp_path), observe(model, samples[:12]))
    assert same(observe(model, iter(samples[5:18]), tmp_path), observe(model, samples[5:18]))


def test_equal_samples_count_once(model: Model) -> None:
    samples = drawn_samples(model, 3)
    seen = observe(model, [*samples, DrawnSample("again", samples[1].feeds), samples[0]])
    assert seen.samples == ("sample 0", "sample 1", "sample 2")
    assert seen.notes == ("Samples that equal an earlier one count once: 2.",)
    assert same(Observations(seen.tensors, seen.samples, seen.per_sample), observe(model, samples))


def test_no_samples_are_an_error_and_one_is_worth_a_sentence(model: Model) -> None:
    with pytest.raises(BadInputError, match="no calibration samples"):
        observe(model, [])
    assert "one sample" in observe(model, drawn_samples(model, 1)).notes[0]


def test_a_sample_of_another_shape_is_named(model: Model) -> None:
    good, bad = drawn_samples(model, 2)
    wrong = DrawnSample("holiday.jpg", {**bad.feeds, "target": np.zeros((1, 3, 16, 16), np.float32)})
    with pytest.raises(BadInputError, match=r"holiday\.jpg does not fit.*target"):
        observe(model, [good, wrong])
    missing = DrawnSample("half.npz", {"target": bad.feeds["target"]})
    with pytest.raises(BadInputError, match=r"half\.npz does not fit.*source"):
        observe(model, [missing])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_sample_with_nan_is_named_with_its_tensor(model: Model, tmp_path: Path, value: float) -> None:
    samples = drawn_samples(model, 4)
    feeds = {name: array.copy() for name, array in samples[2].feeds.items()}
    feeds["source"][0, 3] = value
    samples[2] = DrawnSample("broken.npz", feeds)
    with pytest.raises(BadInputError, match=r"broken\.npz has NaN or infinite values in the tensor source"):
        observe(model, samples, tmp_path)
    rest = Runs()
    observe(model, [*samples[:2], samples[3]], tmp_path, rest)
    assert list(rest) == ["sample 3"]


def test_a_tensor_that_overflows_inside_is_named(model: Model) -> None:
    feeds = {name: array.copy() for name, array in drawn_samples(model, 1)[0].feeds.items()}
    feeds["source"][:] = 3e38
    with pytest.raises(BadInputError, match=r"bright\.png has NaN or infinite values in the tensor style"):
        observe(model, [DrawnSample("bright.png", feeds)])
