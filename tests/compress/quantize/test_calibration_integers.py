"""Whole-number inputs are calibrated on different numbers where the graph can take them, and on 0 elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from converters.compress.quantize.calibration import calibration_set
from converters.compress.quantize.calibration_integers import HIGHEST, drawable
from converters.compress.quantize.observe import observe
from converters.model.graph import Model
from tests.model.small_graphs import graph, model, node, weights

WHOLE, TRUTH = TensorProto.INT64, TensorProto.BOOL
PRODUCT = node("MatMul", ["f", "w"], "y")
CAST = node("Cast", ["x"], "f", to=TensorProto.FLOAT)
TABLE = {"t": weights(6, 4), "w": weights(4, 3)}


def taking(
    nodes: Sequence[onnx.NodeProto], rank: int = 2, kind: int = WHOLE, constants: dict[str, np.ndarray] | None = None
) -> Model:
    """Return a model of x, 2 x 4, of whole numbers."""
    output = {"y": list("abcd"[:rank])}
    constants = constants or {"w": weights(4, 3)}
    return model(graph(nodes, {"x": [2, 4]}, output, constants, types={"x": kind}))


CASES = {
    "numbers that are counted with": (taking([CAST, PRODUCT]), HIGHEST),
    "arithmetic before the cast": (
        taking(
            [node("Mul", ["x", "x"], "m"), node("Cast", ["m"], "f", to=TensorProto.FLOAT), PRODUCT],
        ),
        HIGHEST,
    ),
    "truths": (taking([CAST, PRODUCT], kind=TRUTH), 1),
    "rows of a table": (taking([node("Gather", ["t", "x"], "f"), PRODUCT], 3, constants=TABLE), 5),
    "columns of a table, by way of a cast": (
        taking(
            [
                node("Cast", ["x"], "n", to=TensorProto.INT32),
                node("Gather", ["w", "n"], "g", axis=1),
                node("MatMul", ["g", "u"], "y"),
            ],
            3,
            constants={"w": weights(4, 3), "u": weights(4, 2)},
        ),
        2,
    ),
    "changed numbers that pick": (
        taking([node("Add", ["x", "x"], "n"), node("Gather", ["t", "n"], "f"), PRODUCT], 3, constants=TABLE),
        0,
    ),
    "sums that pick after having been floats": (
        taking(
            [
                CAST,
                node("Mul", ["f", "f"], "g"),
                node("Cast", ["g"], "n", to=TensorProto.INT64),
                node("Gather", ["t", "n"], "h"),
                node("MatMul", ["h", "w"], "y"),
            ],
            3,
            constants=TABLE,
        ),
        0,
    ),
    "numbers that pick elements along two axes": (
        taking(
            [
                node("Slice", ["x", "from", "to", "axis"], "n"),
                node("GatherND", ["t", "n"], "f"),
                node("MatMul", ["f", "w"], "y"),
            ],
            2,
            constants={
                "t": weights(6, 4, 4),
                "w": weights(4, 3),
                "from": np.array([0]),
                "to": np.array([2]),
                "axis": np.array([1]),
            },
        ),
        0,
    ),
    "sizes are no values": (
        taking([CAST, node("Shape", ["x"], "s"), node("Reshape", ["f", "s"], "g"), node("MatMul", ["g", "w"], "y")]),
        HIGHEST,
    ),
}


@pytest.mark.parametrize("kind", CASES)
def test_as_much_is_drawn_as_the_graph_can_take(kind: str) -> None:
    given, highest = CASES[kind]
    assert drawable(given.signature, given.proto) == {"x": highest}
    found = calibration_set(given, "", 8)
    seen = np.stack([sample.feeds["x"] for sample in found])
    assert (seen.min(), seen.max()) == (0, highest)
    assert [sample.digest for sample in found] == [sample.digest for sample in found]
    layer = observe(given, found)
    assert len(set(layer.samples)) == (8 if highest else 1)
    said = " ".join(found.notes)
    assert ("All samples are equal" in said) == (not highest)
    assert ("x are 0 in every sample" in said) == (not highest)
    assert ".npz" in said


def test_ranges_of_numbers_are_no_longer_empty() -> None:
    given, _ = CASES["numbers that are counted with"]
    seen = observe(given, calibration_set(given, "", 8)).tensors
    assert seen["f"].high == HIGHEST
    assert seen["y"].low < 0 < seen["y"].high


def test_a_single_number_is_drawn_too() -> None:
    nodes = [node("Cast", ["x"], "f", to=TensorProto.FLOAT), node("Reshape", ["f", "s"], "g")]
    nodes.append(node("MatMul", ["g", "w"], "y"))
    constants = {"w": weights(1, 3), "s": np.array([1, 1])}
    given = model(graph(nodes, {"x": [1]}, {"y": [1, 3]}, constants, types={"x": WHOLE}))
    found = calibration_set(given, "", 8)
    assert len({sample.digest for sample in found}) > 3
    assert not any("equal" in note for note in found.notes)
    assert any("x are random" in note for note in found.notes)
