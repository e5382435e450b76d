"""Operators whose spelling changed over the operator sets 7 to 22, in every spelling, against ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from converters.torch_import.importer import import_model
from tests.torch_import.small_graphs import GraphWriter, run_onnx

Writer = Callable[[GraphWriter, str], str]


def _pad(g: GraphWriter, x: str) -> str:
    for mode in ("constant", "reflect", "edge"):
        pads = [0, 0, 1, 2, 0, 0, 2, 1]
        if g.opset < 11:
            x = g.op("Pad", x, pads=pads, mode=mode, **({"value": 0.5} if mode == "constant" else {}))
        else:
            x = g.op(
                "Pad", x, g.ints(*pads), *([g.constant(f"filler{x}", 0.5)] if mode == "constant" else []), mode=mode
            )
    if g.opset >= 18:
        x = g.op("Pad", x, g.ints(1, -1), "", g.ints(-1), mode="reflect")
    return g.op("Pad", x, g.ints(0, 0, 0, 2, 0, 0, 3, 0), mode="wrap") if g.opset >= 19 else x


def _slice(g: GraphWriter, x: str) -> str:
    if g.opset < 10:
        return g.op("Slice", x, starts=[1, -4], ends=[100, -1], axes=[1, 3])
    x = g.op("Slice", x, g.ints(1, -2), g.ints(100, -100), g.ints(1, -1), g.ints(1, -2))
    return g.op("Slice", x, g.ints(0), g.ints(np.iinfo(np.int64).max), g.ints(2), g.ints(2))


def _clip(g: GraphWriter, x: str) -> str:
    if g.opset < 11:
        return g.op("Clip", g.op("Clip", x, min=-0.25), max=0.4, min=-0.5)
    low, high = g.constant("low", -0.25), g.constant("high", 0.4)
    return g.op("Clip", g.op("Clip", x, low), "", high)


def _softmax(g: GraphWriter, x: str) -> str:
    # before opset 13, axis 1 of a 4-D tensor means all of the last three axes
    return g.op("Add", g.op("Softmax", x, axis=1), g.op("LogSoftmax", g.op("Softmax", x), axis=2))


def _squeeze(g: GraphWriter, x: str) -> str:
    if g.opset < 13:
        return g.op("Squeeze", g.op("Unsqueeze", x, axes=[0, 3]), axes=[0, 1])
    return g.op("Squeeze", g.op("Unsqueeze", x, g.ints(0, 3)), g.ints(0, 1))


def _split(g: GraphWriter, x: str) -> str:
    if g.opset < 13:
        first = g.op("Split", x, outputs=2, axis=1, split=[1, 3])
    else:
        first = g.op("Split", x, g.ints(1, 3), outputs=2, axis=1)
    halves = g.op("Split", x, outputs=2, axis=2, **({"num_outputs": 2} if g.opset >= 18 else {}))
    mixed = g.op("Concat", first, first[:-1] + "1", axis=1)
    return g.op("Sub", g.op("Concat", halves, halves[:-1] + "1", axis=2), g.op("Mul", mixed, mixed))


def _reduce(g: GraphWriter, x: str) -> str:
    results = []
    for kind in ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp"):
        is_input = g.opset >= 18 or (kind == "ReduceSum" and g.opset >= 13)
        if is_input:
            results.append(g.op(kind, x, g.ints(-1, 1), keepdims=1))
        else:
            results.append(g.op(kind, x, axes=[3, 1], keepdims=1))
        results.append(g.op("Reshape", g.op(kind, x, keepdims=0), g.ints(1, 1, 1, 1)))
    total = results[0]
    for result in results[1:]:
        total = g.op("Add", g.op("Mul", total, g.constant(f"weight{result}", 0.7)), result)
    return total


def _resize(g: GraphWriter, x: str) -> str:
    if g.opset < 9:
        return g.op("Upsample", x, scales=[1.0, 1.0, 2.0, 3.0], mode="nearest")
    scales = g.constant("scales", [1, 1, 2, 3])
    if g.opset < 10:
        return g.op("Upsample", x, scales, mode="linear")
    if g.opset < 11:
        return g.op(
            "Resize", g.op("Resize", x, scales, mode="linear"), g.constant("half", [1, 1, 0.5, 0.5]), mode="nearest"
        )
    empty, none = g.constant("roi", []), g.constant("no_scales", [])
    x = g.op("Resize", x, empty, scales, mode="cubic", coordinate_transformation_mode="half_pixel")
    x = g.op(
        "Resize", x, empty, none, g.ints(1, 4, 9, 7), mode="linear", coordinate_transformation_mode="align_corners"
    )
    return g.op(
        "Resize",
        x,
        empty,
        none,
        g.ints(1, 4, 18, 14),
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )


def _normalised(g: GraphWriter, x: str) -> str:
    weights = [g.weight(f"bn.{name}", 4) for name in ("weight", "bias", "mean")]
    variance = g.constant("bn.var", np.linspace(0.5, 2, 4))
    x = g.op("BatchNormalization", x, *weights, variance, epsilon=1e-3)
    return g.op("PRelu", g.op("Dropout", x), g.weight("slope", 4, 1, 1))


OPERATORS: dict[str, Writer] = {
    writer.__name__.strip("_"): writer
    for writer in (_pad, _slice, _clip, _softmax, _squeeze, _split, _reduce, _resize, _normalised)
}


def outputs(opset: int, operator: str) -> tuple[np.ndarray, np.ndarray]:
    g = GraphWriter(opset=opset)
    g.input("x", 1, 4, 6, 8)
    model = g.model(OPERATORS[operator](g, "x"))
    with torch.no_grad():
        result = import_model(model)(torch.from_numpy(g.feeds["x"]))[0].numpy()
    return result, run_onnx(model, g.feeds)[0]


@pytest.mark.parametrize("opset", range(7, 23))
def test_every_spelling_agrees_with_onnx_runtime(opset: int) -> None:
    for operator in OPERATORS:
        result, wanted = outputs(opset, operator)
        assert result.shape == wanted.shape, operator
        np.testing.assert_allclose(result, wanted, rtol=1e-5, atol=1e-5, err_msg=operator)


@pytest.mark.parametrize("operator", OPERATORS)
def test_another_input_is_noticed(operator: str) -> None:
    """The twin: the first element moved by a hundredth of the largest fails the same comparison."""
    result, wanted = outputs(17, operator)
    result = result.copy()
    result.flat[0] += 0.01 * np.abs(wanted).max()
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(result, wanted, rtol=1e-5, atol=1e-5)
