"""The fp16 scan finds what overflows and what vanishes, by the graph's own names, in bounded memory."""

from __future__ import annotations

import math

import numpy as np
import onnx
import pytest

from converters.errors import CancelledError, UsageError
from converters.measure import fp16_risk
from converters.measure.fp16_risk import Fp16Risk, scan
from converters.model.rewrites.registry import apply_proven
from converters.progress import Progress
from tests.model.small_graphs import adain, graph, inswapper, model, node

VECTOR = {"x": [1, 4]}


def chain(epsilon: float = 1e-3) -> onnx.ModelProto:
    nodes = [
        node("Mul", ["x", "large"], "scaled"),
        node("Mul", ["scaled", "scaled"], "squares"),
        node("Sqrt", ["squares"], "root"),
        node("Mul", ["x", "tiny"], "faint"),
        node("Mul", ["faint", "gain"], "amplified"),
        node("Add", ["root", "epsilon"], "guarded"),
        node("Div", ["amplified", "guarded"], "y"),
    ]
    constants = {
        "large": np.array(300, np.float32),
        "tiny": np.array(1e-9, np.float32),
        "gain": np.array(1e6, np.float32),
        "epsilon": np.array(epsilon, np.float32),
    }
    return graph(nodes, VECTOR, {"y": [1, 4]}, constants)


def ones(value: float = 1.0) -> dict[str, np.ndarray]:
    return {"x": np.full((1, 4), value, np.float32)}


def tensor(risk: Fp16Risk, name: str) -> fp16_risk.TensorRange:
    return next(item for item in risk.tensors if item.name == name)


def test_overflow_is_found_where_it_happens() -> None:
    risk = scan(model(chain()), [ones(0.1), ones(1.0)])
    worst = risk.tensors[0]
    assert (worst.name, worst.node, worst.operator) == ("squares", "Mul_squares", "Mul")
    assert worst.largest == pytest.approx(90_000)
    assert worst.overflows
    assert [item.name for item in risk.tensors if item.overflows] == ["squares"]
    assert any("squares" in sentence and "65504" in sentence for sentence in risk.problems)
    assert risk.samples == 2
    assert [item.largest for item in risk.tensors] == sorted((item.largest for item in risk.tensors), reverse=True)


def test_the_same_graph_is_fine_on_smaller_samples() -> None:
    risk = scan(model(chain()), [ones(0.1)])
    assert not any(item.overflows for item in risk.tensors)
    assert not any("65504, the end" in sentence for sentence in risk.problems)


def test_values_near_the_end_are_a_warning() -> None:
    risk = scan(model(chain()), [ones(0.7)])
    squares = tensor(risk, "squares")
    assert squares.is_near
    assert not squares.overflows
    assert any("factor of two" in sentence for sentence in risk.problems)


def test_what_vanishes_and_is_used_again_is_found() -> None:
    risk = scan(model(chain()), [ones()])
    faint = tensor(risk, "faint")
    assert faint.vanishing == 1.0
    assert faint.is_lost
    assert not tensor(risk, "amplified").is_lost
    assert any("faint" in sentence for sentence in risk.problems)


def test_what_vanishes_into_a_sum_does_no_harm() -> None:
    nodes = [node("Mul", ["x", "tiny"], "faint"), node("Add", ["faint", "x"], "y")]
    risk = scan(model(graph(nodes, VECTOR, {"y": [1, 4]}, {"tiny": np.array(1e-9, np.float32)})), [ones()])
    assert tensor(risk, "faint").vanishing == 1.0
    assert risk.is_safe


@pytest.mark.parametrize(
    ("epsilon", "vanishes", "subnormal"), [(1e-8, True, False), (1e-5, False, True), (1e-3, False, False)]
)
def test_epsilons(epsilon: float, vanishes: bool, subnormal: bool) -> None:
    risk = scan(model(chain(epsilon)), [ones(0.1)])
    assert len(risk.epsilons) == 1
    found = risk.epsilons[0]
    assert (found.node, found.value) == ("Add_guarded", pytest.approx(epsilon))
    assert (found.vanishes, found.is_subnormal) == (vanishes, subnormal)
    assert any("0 / 0" in sentence for sentence in risk.problems) is vanishes


def test_epsilon_of_a_normalisation_operator() -> None:
    constants = {"gain": np.ones(4, np.float32), "offset": np.zeros(4, np.float32)}
    layer = node("LayerNormalization", ["x", "gain", "offset"], "y", epsilon=1e-12)
    risk = scan(model(graph([layer], VECTOR, {"y": [1, 4]}, constants)), [ones()])
    assert risk.epsilons[0].vanishes


def test_weights_that_overflow_are_found() -> None:
    matrix = np.eye(4, dtype=np.float32) * 1e6
    risk = scan(model(graph([node("MatMul", ["x", "w"], "y")], VECTOR, {"y": [1, 4]}, {"w": matrix})), [ones(0.01)])
    assert tensor(risk, "w").overflows
    assert tensor(risk, "w").operator == "weight"


def test_not_a_number_counts_as_overflow() -> None:
    risk = scan(model(graph([node("Log", ["x"], "y")], VECTOR, {"y": [1, 4]})), [ones(-1), ones(1)])
    assert math.isnan(tensor(risk, "y").largest)
    assert tensor(risk, "y").overflows
    assert risk.tensors[0].name == "y"


def test_the_rewrite_takes_the_risk_away() -> None:
    given = model(adain())
    generator = np.random.default_rng(1)
    sample = {
        "target": (generator.standard_normal((1, 3, 12, 12)) * 200).astype(np.float32),
        "source": np.full((1, 512), 0.04, np.float32),
    }
    before = scan(given, [sample])
    assert any("65504" in sentence for sentence in before.problems)
    assert any("0 / 0" in sentence for sentence in before.problems)
    cured, _ = apply_proven(given, ["fp16_safe_statistics"])
    after = scan(cured, [sample])
    assert not [sentence for sentence in after.problems if "65504, the end" in sentence or "0 / 0" in sentence]


def test_groups_are_small_and_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    given, sample = model(chain()), [ones()]
    groups: list[list[str]] = []
    whole = scan(given, sample)
    plain = fp16_risk._scan_group

    def watched(*arguments: object) -> object:
        groups.append(list(arguments[2]))  # type: ignore[call-overload]
        return plain(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(fp16_risk, "_scan_group", watched)
    pieces = scan(given, sample, group_bytes=32)
    assert [len(group) for group in groups] == [2, 2, 2, 1], "four floats are 16 bytes"
    assert pieces == whole


def test_every_float_tensor_of_a_swapper_is_in_a_group() -> None:
    proto = inswapper(64)
    groups = fp16_risk._groups(fp16_risk.GraphReading(proto), 2**20)
    assert sorted(name for group in groups for name in group) == sorted(
        name for item in proto.graph.node for name in item.output
    )


def test_scanning_can_be_cancelled_and_needs_samples() -> None:
    given = model(chain())
    with pytest.raises(CancelledError):
        scan(given, [ones()], Progress(is_cancelled=lambda: True))
    with pytest.raises(UsageError):
        scan(given, [])


def test_plain_data() -> None:
    data = scan(model(chain(1e-8)), [ones()]).to_json()
    assert data["tensors"][0]["name"] == "squares"
    assert data["epsilons"][0]["vanishes"] is True
