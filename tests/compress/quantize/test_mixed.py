"""Automatic mixed precision keeps what the picture needs, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest

from converters.compress.quantize.encodings import Encodings, Scheme
from converters.compress.quantize.judge import Judge, Loss
from converters.compress.quantize.mixed import FOR_ALL_TARGETS, Budget, MixedResult, mixed_precision, schemes_for
from converters.compress.quantize.qdq import build_qdq
from converters.compress.quantize.switching import switched
from converters.errors import CancelledError, UsageError
from converters.model.graph import Model
from tests.compress.quantize.sensitive import LAYERS, StopAfter, feeds_of, quantized_swapper

SAMPLES = 6


def chosen(
    model: Model,
    encodings: Encodings,
    budget: Budget,
    allowed: tuple[Scheme, ...] = FOR_ALL_TARGETS,
    folder: Path | None = None,
) -> MixedResult:
    with Judge(model, feeds_of(SAMPLES)) as judge:
        return mixed_precision(judge, encodings, budget, allowed=allowed, few=2, folder=folder)


def losses(model: Model, *several: Encodings) -> list[Loss]:
    with Judge(model, feeds_of(SAMPLES)) as judge:
        return [judge.judge(build_qdq(model, each)) for each in several]


def between(sensitive: str) -> tuple[Model, Encodings, Budget]:
    """Return a budget that holds when the sensitive layer alone is more precise, and not when it is not."""
    model, encodings = quantized_swapper(sensitive)
    bad, good = losses(model, encodings, switched(model, encodings, {sensitive: Scheme.W8}))
    assert bad.mean > 2 * good.mean
    return model, encodings, Budget((bad.mean * good.mean) ** 0.5, p95=1.0)


@pytest.mark.parametrize("sensitive", LAYERS)
def test_the_sensitive_layer_alone_is_made_more_precise(sensitive: str) -> None:
    model, encodings, budget = between(sensitive)
    found = chosen(model, encodings, budget)
    assert found.met
    assert found.schemes == {name: Scheme.W8 if name == sensitive else Scheme.W8A8 for name in LAYERS}
    assert 0 < found.loss.mean <= budget.usable_mean
    assert found.loss.samples == SAMPLES
    again = losses(model, found.encodings)[0]
    assert again == found.loss
    assert found.path[0].loss > budget.usable_mean
    assert found.path[0].action == "start"
    assert found.integer_share < 1


def test_a_budget_that_holds_changes_nothing() -> None:
    model, encodings = quantized_swapper()
    found = chosen(model, encodings, Budget(0.5))
    assert found.met
    assert set(found.schemes.values()) == {Scheme.W8A8}
    assert found.integer_share == pytest.approx(1)
    assert [step.action for step in found.path] == ["start", "check"]


def test_float_comes_before_nothing_else_does() -> None:
    model, encodings, budget = between("Conv:encoded")
    found = chosen(model, encodings, budget, (Scheme.W8A8, Scheme.FLOAT))
    assert found.met
    assert found.schemes["Conv:encoded"] is Scheme.FLOAT
    assert found.bytes > chosen(model, encodings, budget).bytes
    assert found.float_bytes > found.bytes


def test_sixteen_bits_are_taken_where_all_targets_can() -> None:
    model, encodings, budget = between("Conv:encoded")
    found = chosen(model, encodings, budget, schemes_for(["tflite"]))
    usual = chosen(model, encodings, budget, schemes_for(["tflite", "mnn"]))
    assert Scheme.W8A16 not in usual.schemes.values()
    assert Scheme.W8A16 in schemes_for(["tflite"])
    assert found.met
    assert found.bytes == usual.bytes
    assert found.integer_share >= usual.integer_share


def test_four_bits_are_smaller_and_used_where_they_may_be() -> None:
    model, encodings = quantized_swapper()
    w4 = switched(model, encodings, dict.fromkeys(LAYERS, Scheme.W4))
    all_w4, all_w8a8 = losses(model, w4, encodings)
    tight = Budget((all_w4.mean + all_w8a8.mean) / 2 if all_w4.mean > all_w8a8.mean else all_w4.mean / 2, p95=1.0)
    wide = chosen(model, encodings, Budget(0.9), schemes_for(["mnn"], with_w4=True))
    found = chosen(model, encodings, tight, schemes_for(["mnn"], with_w4=True))
    assert set(wide.schemes.values()) == {Scheme.W4}
    assert found.met
    assert set(found.schemes.values()) != {Scheme.W4}
    assert wide.bytes < found.bytes


def test_what_cannot_be_held_is_said_with_the_best_there_is() -> None:
    model, encodings = quantized_swapper("Gemm:style")
    found = chosen(model, encodings, Budget(1e-6), (Scheme.W8A8,))
    assert not found.met
    assert "is not held" in found.sentence
    assert "Gemm:style (w8a8" in found.limits
    assert "No layer may stay float" in found.limits
    assert found.limits.index("Gemm:style") < found.limits.index("No layer")
    with_float = chosen(model, encodings, Budget(1e-6))
    assert with_float.met
    assert set(with_float.schemes.values()) == {Scheme.FLOAT}
    assert with_float.loss.mean == 0


def test_the_best_is_the_most_precise_one() -> None:
    model, encodings = quantized_swapper("Conv:drawn")
    found = chosen(model, encodings, Budget(1e-6), (Scheme.W8A8, Scheme.W8))
    assert not found.met
    assert set(found.schemes.values()) == {Scheme.W8}
    all_w8 = losses(model, switched(model, encodings, dict.fromkeys(LAYERS, Scheme.W8)))[0]
    assert found.loss == all_w8


def test_worst_pictures_count_as_well() -> None:
    model, encodings, budget = between("Conv:drawn")
    plain = losses(model, encodings)[0]
    # the mean alone would leave everything as it is
    found = chosen(model, encodings, Budget(plain.mean * 2, p95=plain.p95 / 2))
    assert found.met
    assert found.schemes["Conv:drawn"] is not Scheme.W8A8
    assert found.loss.p95 <= plain.p95 / 2
    assert Budget(0.02).overrun(replace(plain, mean=0.0, p95=0.05)) > 1
    assert Budget(0.02).overrun(replace(plain, mean=0.0, p95=0.03)) < 1
    assert Budget(0.02, person=0.01).overrun(replace(plain, mean=0.0, p95=0.0, source_lost=0.02)) == pytest.approx(2)
    assert budget.overrun(plain) > 1


def test_a_margin_is_kept() -> None:
    model, encodings = quantized_swapper("Conv:drawn")
    plain = losses(model, encodings)[0]
    without = chosen(model, encodings, Budget(plain.mean * 1.01, p95=1.0, margin=0.0))
    with_margin = chosen(model, encodings, Budget(plain.mean * 1.01, p95=1.0, margin=0.05))
    assert set(without.schemes.values()) == {Scheme.W8A8}
    assert with_margin.schemes["Conv:drawn"] is not Scheme.W8A8


@pytest.mark.parametrize("reports", [2, 4, 7])
def test_a_search_that_was_interrupted_goes_on(tmp_path: Path, reports: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model, encodings, budget = between("Conv:encoded")
    runs: list[int] = []
    figures = Judge.figures

    def counted(judge: Judge, proto: onnx.ModelProto, places: Sequence[int], *rest: Any) -> Any:
        runs.extend(places)
        return figures(judge, proto, places, *rest)

    monkeypatch.setattr(Judge, "figures", counted)
    whole = chosen(model, encodings, budget)
    needed = len(runs)
    with Judge(model, feeds_of(SAMPLES)) as judge, pytest.raises(CancelledError):
        mixed_precision(judge, encodings, budget, few=2, folder=tmp_path, progress=StopAfter(reports))
    runs.clear()
    resumed = chosen(model, encodings, budget, folder=tmp_path)
    for name in ("met", "schemes", "loss", "path", "bytes", "encodings"):
        assert getattr(resumed, name) == getattr(whole, name), name
    assert 0 < len(runs) < needed
    runs.clear()
    assert chosen(model, encodings, budget, folder=tmp_path).path == whole.path
    assert not runs


def test_what_was_asked_for_only_gives_way_to_more_precise_schemes() -> None:
    model, encodings, _ = between("Conv:encoded")
    asked = {"Conv:encoded": Scheme.W8A16, "Gemm:style": Scheme.W4, "Conv:drawn": Scheme.W8A8}
    start = switched(model, encodings, asked)
    with Judge(model, feeds_of(SAMPLES)) as judge:
        loose = mixed_precision(judge, start, Budget(0.9), least=asked, few=2)
        none = mixed_precision(judge, start, Budget(1e-6), least=asked, few=2)
        free = mixed_precision(judge, start, Budget(0.9), few=2)
        block = mixed_precision(judge, start, Budget(0.9), least=asked, few=2, block=9)
    assert loose.met
    assert loose.schemes == asked
    assert loose.encodings.layers == start.layers
    assert set(none.schemes.values()) == {Scheme.FLOAT}
    assert free.schemes != asked
    assert block.bytes > loose.bytes


def test_the_budget_is_judged_again_in_the_end() -> None:
    model, encodings, budget = between("Conv:drawn")
    found = chosen(model, encodings, budget)
    (worse,) = losses(model, encodings)
    late = found.judged(encodings, worse)
    assert found.met
    assert not late.met
    assert "is not held" in late.sentence
    assert f"The schemes alone lose {found.loss.mean:.4f}" in late.limits
    assert late.encodings is encodings
    again = late.judged(found.encodings, found.loss)
    assert again.met
    assert not again.limits
    assert again.sentence == found.sentence


def test_float_layers_stay_float_and_have_rules() -> None:
    model, encodings, budget = between("Conv:encoded")
    fixed = switched(model, encodings, {"Conv:drawn": Scheme.FLOAT})
    found = chosen(model, fixed, budget)
    assert "Conv:drawn" not in found.schemes
    assert found.encodings.scheme("Conv:drawn") is Scheme.FLOAT
    assert found.rules == {**found.schemes, "Conv:drawn": Scheme.FLOAT}
    assert tuple(sorted(found.rules)) == tuple(sorted(LAYERS))


def test_the_data_and_the_text_tell_the_path() -> None:
    model, encodings, budget = between("Conv:drawn")
    found = chosen(model, encodings, budget)
    data = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert data["schemes"]["Conv:drawn"] == "w8"
    assert data["sentence"].startswith("The budget of")
    assert [step["number"] for step in data["path"]] == list(range(len(found.path)))
    assert any(step["action"] == "relax" and step["layer"] == "Conv:drawn" for step in data["path"])
    text = found.as_text()
    assert "Not w8a8:" in text
    assert "  Conv:drawn: w8" in text


def test_budgets_that_make_no_sense_are_refused() -> None:
    for wrong in (0.0, -1.0, float("nan")):
        with pytest.raises(UsageError):
            Budget(wrong)
    with pytest.raises(UsageError):
        Budget(0.1, margin=1.0)
    with pytest.raises(UsageError):
        Budget(0.1, person=0.0)
    model, encodings = quantized_swapper()
    with pytest.raises(UsageError, match="no scheme"):
        chosen(model, encodings, Budget(0.1), ())
